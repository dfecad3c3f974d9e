"""List what is installed, with version and licence: ``make licences``."""

from importlib.metadata import Distribution, distributions


def licence(found: Distribution) -> str:
    """What the package says of its licence: the expression, else the classifiers, else the first line of the text."""
    about = found.metadata
    classifiers = [
        each.rpartition(" :: ")[2] for each in about.get_all("Classifier") or () if "License ::" in each
    ]
    text = (about.get("License") or "").strip().splitlines()
    return about.get("License-Expression") or ", ".join(classifiers) or (text[0] if text else "not told")


rows = sorted(
    {(each.metadata["Name"] or "?", each.version, licence(each)) for each in distributions()}, key=str
)
for name, version, said in rows:
    print(f"{name}\t{version}\t{said}")
