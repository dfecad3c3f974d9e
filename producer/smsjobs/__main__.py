"""``python -m smsjobs`` is the command ``smsjobs``."""

from smsjobs.cli import main

main()
