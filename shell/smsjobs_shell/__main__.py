"""``python -m smsjobs_shell`` is the command ``smsjobs``."""

from smsjobs_shell import main

main()
