"""The whole state of the simulated Aliyun, for one event loop."""

import itertools
import time
from collections.abc import Callable
from typing import Any

from aliyun_sms_simulator.catalogue import Catalogue
from aliyun_sms_simulator.clock import Clock
from aliyun_sms_simulator.fault import FaultQueue
from aliyun_sms_simulator.flow import FlowControl
from aliyun_sms_simulator.gateway import Gateway
from aliyun_sms_simulator.inbox import Inbox
from aliyun_sms_simulator.magic import MAGIC
from aliyun_sms_simulator.pushes import Pushes, receipt
from aliyun_sms_simulator.queues import MESSAGE_TYPES, Queues, message_type
from aliyun_sms_simulator.record import Acceptance, Receipt, Record
from aliyun_sms_simulator.settings import Settings
from aliyun_sms_simulator.temporary import Metadata, TemporaryKeys

__all__ = ["World"]


class World:
    """The simulator's state.

    Args:
        catalogue: accounts, signatures and templates.
        settings: they apply at the start and after a reset.
        on_accept: called with every accepted request, to show it, for example.
    """

    def __init__(
        self, catalogue: Catalogue, settings: Settings, on_accept: Callable[[Acceptance], None] | None = None
    ) -> None:
        self.catalogue = catalogue
        self.settings = settings
        self.on_accept = on_accept
        self.clock = Clock()
        self.temporary = TemporaryKeys()
        self.metadata = Metadata()
        self.gateway = Gateway(catalogue, self.temporary)
        self.flow = FlowControl(settings.limits)
        self.record = Record(settings.record_limit, settings.request_limit)
        self.inbox = Inbox()
        self.faults = FaultQueue(MAGIC, settings.seed)
        self.pushes = Pushes(settings.seed)
        self.queues = Queues()
        self._first_settings = settings
        self._serial = itertools.count(1)

    def gateway_now_s(self) -> float:
        """Return the gateway's time, in seconds since the epoch: by the machine's clock, not by the one that is set."""
        return time.time() + self.settings.gateway_skew_s

    def change(self, changes: dict[str, Any]) -> None:
        """Change settings.

        Raises:
            ValueError: a setting is unknown or wrong. None was changed.
        """
        self.settings = self.settings.changed(changes)
        self._apply()
        if "seed" in changes:
            self.faults.seed(self.settings.seed)
            self.pushes.seed(self.settings.seed)

    def reset(self) -> None:
        """Forget records, faults, pushes, flow control, temporary keys, the clock and changed settings."""
        self.settings = self._first_settings
        self.record = Record(self.settings.record_limit, self.settings.request_limit)
        self.inbox.clear()
        self.faults.clear()
        self.faults.seed(self.settings.seed)
        self.pushes.clear()
        self.queues.clear()
        self.temporary.clear()
        self.pushes.seed(self.settings.seed)
        self.flow.clear()
        self.clock.reset()
        self._apply()

    def accept(self, acceptance: Acceptance) -> Acceptance:
        """Give a request its BizId and keep it."""
        acceptance.biz_id = f"{int(acceptance.at_s * 1_000)}{next(self._serial):07d}^0"
        self.record.accept(acceptance)
        if self.on_accept:
            self.on_accept(acceptance)
        return acceptance

    def push_receipts(self, acceptance: Acceptance) -> None:
        """Have what the carrier reports of an accepted request pushed, if there is somewhere to push it."""
        if self.settings.callback_url or self.settings.queue_account:
            self.pushes.add_receipts(acceptance, self.settings)

    def report(self, acceptance: Acceptance, phone: str, code: str) -> None:
        """Have the carrier report a recipient now, with this code, whatever it would have reported."""
        now_s = self.clock.now()
        acceptance.receipts[phone] = Receipt(code=code, delay_s=now_s - acceptance.at_s)
        self.inbox.changed()
        if self.settings.callback_url or self.settings.queue_account:
            self.pushes.drop_receipt(acceptance.biz_id, phone)
            self.pushes.add(receipt(acceptance, phone, now_s), now_s)

    def queue_names(self) -> dict[str, str]:
        """Return the name of each of the account's queues, with the type of its messages."""
        account = self.settings.queue_account
        return {f"Alicom-Queue-{account}-{kind}": kind for kind in MESSAGE_TYPES} if account else {}

    def fill_queues(self) -> None:
        """Put what is due into the account's queues."""
        queues = {kind: name for name, kind in self.queue_names().items()}
        now_s = self.clock.now()
        for item, known in self.pushes.take_items(now_s) if queues else ():
            kind = known or message_type(item)
            if kind == "SmsUp" and str(item.get("sequence_id", "")).isdigit():
                item = {**item, "sequence_id": float(item["sequence_id"])}  # noqa: PLW2901  as Aliyun's queue has it
            self.queues.put(queues[kind], item, now_s)

    def _apply(self) -> None:
        self.flow.limits = self.settings.limits
        self.record.limit(self.settings.record_limit, self.settings.request_limit)
