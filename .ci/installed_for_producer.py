"""Fails when the environment holds more than smsjobs, celery, kombu, redis and what these need."""

import re
import sys
from importlib.metadata import PackageNotFoundError, distribution, distributions


def name_of(requirement: str) -> str:
    """The distribution's name, in the one spelling that compares."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()


needed: set[str] = set()
to_do = {"smsjobs"}
while to_do:
    name = to_do.pop()
    needed.add(name)
    try:
        requirements = distribution(name).requires or []
    except PackageNotFoundError:  # needed on another system or Python only
        continue
    to_do |= {name_of(line) for line in requirements if "extra ==" not in line} - needed

installed = {name_of(one.metadata["Name"]) for one in distributions()} - {"pip", "setuptools", "wheel"}
if surplus := installed - needed:
    sys.exit(f"A plain install brought more than celery, kombu, redis and their needs: {sorted(surplus)}")
print("installed:", *sorted(installed))
