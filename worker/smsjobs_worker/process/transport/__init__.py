"""Celery's Redis transport, hardened, and with fewer round trips.

Kombu's own lets a text that is no message end the worker, makes a client for each step, and goes to Redis three times
for each message, one after the other, from the one thread that hands out work.
"""

from smsjobs_worker.process.transport.channel import harden

__all__ = ["harden"]
