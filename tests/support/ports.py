"""Ports of this machine that nobody has."""

import socket

__all__ = ["free_port"]


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
