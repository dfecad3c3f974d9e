"""Receipts that Aliyun pushes: bytes in, status and bytes out, for any web framework.

::

    receiver = smsjobs.receipts.Receiver(sms)
    answer = receiver.handle(request_body)     # answer.status, answer.body, answer.content_type
"""

from smsjobs.incoming import LARGEST_PUSH, PASSED_ON
from smsjobs.receipts.receiver import Answer, Receiver

__all__ = ["LARGEST_PUSH", "PASSED_ON", "Answer", "Receiver"]
