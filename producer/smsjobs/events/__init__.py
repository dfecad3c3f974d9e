"""Events: what happened, for the application's own code. They are written in the same atomic step as their fact.

A step writes an event only if somebody has subscribed, and no subscriber can slow or stop it: the stream is bounded, and
whoever does not read loses the oldest events.
"""

from smsjobs.events.entries import Entry, EntryUnreadable
from smsjobs.events.hook import Hook, InvalidHook
from smsjobs.events.outbox import Item, Outbox, next_try_s
from smsjobs.events.streams import Backlog, EventStreams

__all__ = [
    "Backlog",
    "Entry",
    "EntryUnreadable",
    "EventStreams",
    "Hook",
    "InvalidHook",
    "Item",
    "Outbox",
    "next_try_s",
]
