"""Celery's Redis transport, hardened, and with fewer round trips.

In kombu's own, a text that is not a message ends the worker. It makes a client for each step. It goes to Redis three
times for each message, one after the other, from the one thread that hands out work.
"""

from smsjobs_worker.process.transport.guard import Choice, choose, harden, tell_choice

__all__ = ["Choice", "choose", "harden", "tell_choice"]
