"""``python -m smsjobs.embedded``: the URL of this project's embedded server, for whoever needs one.

It is good for as long as some process holds the server, such as ``smsjobs dev``.
"""

from smsjobs.embedded.server import embedded_url

print(embedded_url())  # noqa: T201  that is what it is for
