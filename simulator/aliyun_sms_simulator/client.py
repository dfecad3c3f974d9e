"""A client of the control API, on the standard library alone."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from aliyun_sms_simulator.clock import beijing_text

__all__ = ["SimulatorControl", "SimulatorError"]

_PAGE = 5_000
# Never use a proxy from the environment for localhost.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class SimulatorError(RuntimeError):
    """The simulator cannot be reached, could not start, or refused a command. The message says why."""


class SimulatorControl:
    """Queries and controls a running simulator, from any process.

    Args:
        control_url: the URL of its control API, as in ``http://127.0.0.1:9401``.
        timeout_s: seconds for each call.
    """

    def __init__(self, control_url: str, *, timeout_s: float = 10.0) -> None:
        self.control_url = control_url.rstrip("/")
        self._timeout_s = timeout_s

    def about(self) -> dict[str, Any]:
        """Return version and totals, among them ``out_ids_accepted_more_than_once``."""
        return self._call("GET", "/")

    def accepted(self, *, out_id: str | None = None, phone: str | None = None) -> list[dict[str, Any]]:
        """Return accepted requests, oldest first.

        Args:
            out_id: only those with this OutId.
            phone: only those with this number among theirs.
        """
        return list(self._pages("/accepted", out_id=out_id, phone=phone))

    def accepted_count(self, out_id: str) -> int:
        """Return how many requests with an OutId were accepted, whatever ``record_limit`` is."""
        counts = self._call("GET", "/accepted/counts", out_id=out_id)["counts"]
        return int(counts[out_id])

    def accepted_counts(self, *, at_least: int = 1) -> dict[str, int]:
        """Return how often each OutId was accepted. ``at_least=2`` returns only those accepted more than once."""
        counts: dict[str, int] = self._call("GET", "/accepted/counts", min=at_least)["counts"]
        return counts

    def requests(self, *, out_id: str | None = None, action: str | None = None) -> list[dict[str, Any]]:
        """Return received requests, oldest first, faults and refusals included, up to ``request_limit`` of them."""
        return list(self._pages("/requests", out_id=out_id, action=action))

    def request_counts(self) -> dict[str, int]:
        """Return how many requests each action received, whatever ``request_limit`` is."""
        return dict(self.about()["requests"])

    def receipts(self, *, out_id: str | None = None) -> list[dict[str, Any]]:
        """Return what carriers have reported by now, oldest acceptance first: ``out_id``, ``biz_id``, ``phone``, ``err_code``."""
        return list(self._pages("/receipts", out_id=out_id))

    def report(self, biz_id: str, phone: str, code: str = "DELIVERED") -> None:
        """Have the carrier report an accepted message now, with this code.

        Raises:
            SimulatorError: it is not among the newest messages.
        """
        self._call("POST", "/receipts", {"biz_id": biz_id, "phone": phone, "code": code})

    def pushes(self) -> dict[str, int]:
        """Return how many reports wait, were ``acknowledged``, ``repeated``, ``dropped`` and ``lost``; and the ``pushes``."""
        return self._call("GET", "/pushes")

    def queues(self) -> dict[str, dict[str, int]]:
        """Return for each queue how many messages were ``put``, ``received`` (of which ``again``), ``deleted``, and wait."""
        queues: dict[str, dict[str, int]] = self._call("GET", "/queues")["queues"]
        return queues

    def push(self, **item: Any) -> None:
        """Push anything to ``callback_url`` at once, as an array of one; or put it into the account's queue of its type.

        Args:
            item: its fields, such as those of TemplateSmsReport.
        """
        self._call("POST", "/pushes", item)

    def reply(self, phone: str, content: str, **more: Any) -> None:
        """Push a reply of a recipient, as SmsUp.

        Args:
            phone: whose.
            content: its text.
            more: other fields than usual, as in ``dest_code="1069"``.
        """
        usual = {
            "send_time": beijing_text(time.time()),
            "dest_code": "1069000",
            "sequence_id": str(time.time_ns()),
        }
        self.push(**{"phone_number": phone, "content": content, **usual, **more})

    def fault(self, kind: str, **rule: Any) -> None:
        """Add a fault after the existing ones.

        Args:
            kind: as in the table of docs/simulator.md; ``refuse`` takes ``seconds`` only.
            rule: ``action``, ``phone``, ``out_id``, ``times`` (1; None for every request), ``probability`` (1), and
                what the kind takes: ``seconds``, ``code``, ``message``, ``accept``, ``copies``, ``retry_after_ms``.

        Raises:
            SimulatorError: the rule is wrong; the message names the field.
        """
        self._call("POST", "/faults", {"kind": kind, **rule})

    def faults(self) -> list[dict[str, Any]]:
        """Return the remaining faults, each with its remaining times."""
        faults: list[dict[str, Any]] = self._call("GET", "/faults")["faults"]
        return faults

    def clear_faults(self) -> None:
        """Forget all faults, close hanging connections, and listen again."""
        self._call("DELETE", "/faults")

    def settings(self) -> dict[str, Any]:
        """Return the settings in force."""
        return self._call("GET", "/settings")

    def set(self, **changes: Any) -> None:
        """Change settings, as in ``set(flow_control=True)``.

        Raises:
            SimulatorError: a setting is unknown or wrong. The message names it.
        """
        self._call("PATCH", "/settings", changes)

    def set_latency(self, ms: float) -> None:
        """Delay every answer by some milliseconds."""
        self.set(latency_ms=ms)

    def set_clock(self, now: datetime | str | float, *, frozen: bool | None = None) -> None:
        """Set the clock of flow control, dates and delivery.

        Args:
            now: a time. Text and datetimes without a zone are Beijing time. A number is seconds since the epoch.
            frozen: True stops the clock there, False lets it run, None changes neither.
        """
        moment = now.isoformat() if isinstance(now, datetime) else now
        self._call("PUT", "/clock", {"now": moment} | ({} if frozen is None else {"frozen": frozen}))

    def advance_clock(self, seconds: float) -> None:
        """Move the clock forward."""
        self._call("PUT", "/clock", {"advance_s": seconds})

    def reset_clock(self) -> None:
        """Go back to the machine's clock."""
        self._call("PUT", "/clock", {"reset": True})

    def expire_tokens(self) -> None:
        """End all temporary access keys now, before their time."""
        self._call("POST", "/tokens/expire")

    def refuse(self, seconds: float | None = None) -> None:
        """Refuse connections for some seconds, or until listen()."""
        self._call("POST", "/refuse", {"seconds": seconds})

    def listen(self) -> None:
        """Accept connections again."""
        self._call("POST", "/listen")

    def reset(self) -> None:
        """Forget records, faults, flow control, temporary keys, the clock and changed settings, and listen again."""
        self._call("POST", "/reset")

    def _pages(self, path: str, **query: Any) -> Iterator[dict[str, Any]]:
        offset, more = 0, True
        while more:
            page = self._call("GET", path, offset=offset, limit=_PAGE, **query)
            yield from page["items"]
            offset, more = offset + len(page["items"]), page["more"]

    def _call(
        self, method: str, path: str, body: dict[str, Any] | None = None, **query: Any
    ) -> dict[str, Any]:
        text = urllib.parse.urlencode({name: value for name, value in query.items() if value is not None})
        request = urllib.request.Request(  # noqa: S310  the scheme is the caller's own control_url
            f"{self.control_url}{path}" + (f"?{text}" if text else ""),
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method=method,
        )
        try:
            with _OPENER.open(request, timeout=self._timeout_s) as answer:
                data: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise SimulatorError(json.load(error).get("error", f"{error.code}")) from None
        except OSError as error:
            reason = getattr(error, "reason", error)
            raise SimulatorError(f"the simulator does not answer at {self.control_url}: {reason}") from None
        return data
