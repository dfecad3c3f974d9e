"""``python -m smsjobs.embedded``: the URL of this project's embedded server, for whoever needs one.

It is good for as long as some process holds the server, such as ``smsjobs dev``.
"""

import argparse

from smsjobs.embedded.server import embedded_url

argparse.ArgumentParser(
    prog="python -m smsjobs.embedded",
    description="Print the URL of this project's embedded Redis, for whoever needs one, such as a plain Celery client. "
    "It is the one in SMS_EMBEDDED_DIR, else in .smsjobs of the current directory, and it is good for as long as some "
    "process holds it, such as smsjobs dev.",
).parse_args()
print(embedded_url())  # noqa: T201  that is what it is for
