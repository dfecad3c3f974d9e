"""``python -m smsjobs.embedded``: print the URL of this project's embedded server.

The URL is valid while a process holds the server, such as ``smsjobs dev``.
"""

import argparse

from smsjobs.embedded.server import embedded_url

argparse.ArgumentParser(
    prog="python -m smsjobs.embedded",
    description="Print the URL of this project's embedded Redis, for a plain Celery client, for example. The server is "
    "the one in SMS_EMBEDDED_DIR, or in .smsjobs of the current directory. The URL is valid while a process holds the "
    "server, such as smsjobs dev.",
).parse_args()
print(embedded_url())  # noqa: T201  its output is its purpose
