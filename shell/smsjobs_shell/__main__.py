"""``python -m smsjobs`` is the command ``smsjobs``."""

from smsjobs_shell import main

main()
