"""What Aliyun tells of messages, from whichever source it comes: read, and taken in one step that may be repeated.

A push has many items and a message of a queue has one. From here on they are the same.
"""

from smsjobs.incoming.incoming import Incoming, tell_unreadable
from smsjobs.incoming.pushed import LARGEST_PUSH, PASSED_ON, Pushed, read_push

__all__ = ["LARGEST_PUSH", "PASSED_ON", "Incoming", "Pushed", "read_push", "tell_unreadable"]
