"""Magic phone numbers: a message to one of them always meets the same fault.

What the carrier reports of a magic number concerns that number only, not the others of its request.

All begin with 15400000. We know no operator with numbers that begin with 154. So a real message to one reaches nobody.
"""

from dataclasses import replace

from aliyun_sms_simulator.codes import BUSINESS
from aliyun_sms_simulator.fault import Fault

__all__ = ["MAGIC"]

_LOOKUP = "QuerySendDetails"

_NUMBERS: dict[int, Fault] = {
    # answered with a code
    1: Fault(kind="code", code="isv.BUSINESS_LIMIT_CONTROL", message="触发分钟级流控Permits:1"),
    2: Fault(kind="code", code="isv.BUSINESS_LIMIT_CONTROL", message="触发小时级流控Permits:5"),
    3: Fault(kind="code", code="isv.BUSINESS_LIMIT_CONTROL", message="触发天级流控Permits:10"),
    4: Fault(kind="code", code="isp.SYSTEM_ERROR", accept=True),
    5: Fault(kind="code", code="isp.GATEWAY_ERROR", accept=True),
    6: Fault(kind="throttling"),
    7: Fault(kind="throttling", retry_after_ms=1_000),
    # slow
    20: Fault(kind="latency", seconds=1),
    21: Fault(kind="latency", seconds=5),
    22: Fault(kind="late_accept", seconds=5),
    # the answer is lost
    30: Fault(kind="hang_before"),
    31: Fault(kind="hang_after"),
    32: Fault(kind="reset_before"),
    33: Fault(kind="reset_after"),
    34: Fault(kind="close_before"),
    35: Fault(kind="close_after"),
    36: Fault(kind="http_500_before"),
    37: Fault(kind="http_500_after"),
    38: Fault(kind="http_502_before"),
    39: Fault(kind="http_502_after"),
    40: Fault(kind="http_503_before"),
    41: Fault(kind="http_503_after"),
    42: Fault(kind="non_json_before"),
    43: Fault(kind="non_json_after"),
    44: Fault(kind="truncated_after"),
    # accepted, and the look-up fails
    60: Fault(kind="lookup_lag"),
    61: Fault(kind="lookup_lag", seconds=30),
    62: Fault(kind="throttling", action=_LOOKUP),
    63: Fault(kind="http_500_before", action=_LOOKUP),
    64: Fault(kind="hang_before", action=_LOOKUP),
    65: Fault(kind="empty_page"),
    # accepted; what the carrier reports of this number, and how that is pushed
    80: Fault(kind="receipt"),
    81: Fault(kind="receipt", code="MOBILE_NOT_ON_SERVICE"),
    82: Fault(kind="receipt", code="MOBILE_IN_BLACK"),
    83: Fault(kind="receipt", code="CONTENT_KEYWORD"),
    84: Fault(kind="receipt", code="DELIVERED", copies=0),
    85: Fault(kind="receipt", code="DELIVERED", copies=2),
    86: Fault(kind="receipt", code="DELIVERED", seconds=0),
    87: Fault(kind="receipt", code="DELIVERED", seconds=60),
}
# Every business code also has a number, in the order of the table, from 101.
_NUMBERS |= {101 + index: Fault(kind="code", code=code) for index, code in enumerate(BUSINESS)}

#: number to the faults that its requests meet
MAGIC: dict[str, tuple[Fault, ...]] = {
    phone: (replace(fault, phone=phone) if fault.kind == "receipt" else fault,)
    for phone, fault in ((f"15400000{number:03d}", fault) for number, fault in _NUMBERS.items())
}
