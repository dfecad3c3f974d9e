"""Takes reports, and reads what is known of deliveries."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from smsjobs.contract import (
    InvalidArguments,
    check_phone,
    count_recipients,
    find_recipient,
    is_job_id,
    tag_of_job,
    unpack_recipients,
)
from smsjobs.delivery.records import read_records, record_parts
from smsjobs.delivery.values import Deliveries, Delivery
from smsjobs.ledger import Places
from smsjobs.redis_store import CannotOpen, Scripts, key, pointer, unseal

if TYPE_CHECKING:
    from smsjobs.delivery.report import Report
    from smsjobs.ledger import Ledger

__all__ = ["DeliveryStore", "SettledByReceipt", "Taken"]

#: Chunks of campaigns whose recipients a process remembers, for their reports come together.
_REMEMBERED: Final = 200

#: States of a job of which nothing was accepted.
_REFUSED: Final = ("rejected", "not_sent")


@dataclass(frozen=True, kw_only=True)
class SettledByReceipt:
    """A job that a report settled as accepted."""

    job_id: str
    #: Its state before.
    was: str
    lane: str
    element: str


@dataclass(kw_only=True)
class Taken:
    """What became of reports."""

    #: Reports by what became of them: ``written``; ``repeated``, which changed nothing; ``unknown_job``;
    #: ``unknown_number``, which the job has not; ``refused_job``, of which nothing was accepted; ``sealed``, whose
    #: recipients this process cannot open.
    counts: Counter[str] = field(default_factory=Counter)
    settled: list[SettledByReceipt] = field(default_factory=list)


class _Entry(NamedTuple):
    """A job's entry, as far as reports need it."""

    state: str | None
    delivery: str | None
    campaign: str | None
    chunk: str | None


class _Recipients:
    """Positions of a job's numbers."""

    def __init__(self, total: int, find: Callable[[str], int | None]) -> None:
        self.total = total
        self.find = find


class DeliveryStore:
    """All deliveries.

    Args:
        ledger: Whose jobs. Its Redis, its seal and its retention are used.
        clock: Returns the time in seconds since 1970, for tests. Without it, Redis's own clock is used.
    """

    def __init__(self, ledger: Ledger, *, clock: Callable[[], float] | None = None) -> None:
        self._ledger = ledger
        self._places = Places(ledger.redis)
        self._scripts = Scripts("delivery", clock=clock)
        self._chunks: OrderedDict[str, dict[str, int]] = OrderedDict()

    def __repr__(self) -> str:
        return "<DeliveryStore>"

    def take(self, reports: Sequence[Report]) -> Taken:
        """Take reports, each once. Taking them again changes nothing.

        It takes two or three round trips, however many reports there are.

        Raises:
            redis.exceptions.RedisError: Redis is unreachable. Any of them may have been taken.
        """
        taken = Taken()
        by_job: dict[str, list[Report]] = {}
        for report in reports:
            by_job.setdefault(report.job_id, []).append(report)
        tags = self._tags(by_job)
        entries = self._entries(tags)
        recipients = self._recipients(tags, entries, taken, by_job)
        pipe = self._ledger.redis.pipeline(transaction=False)
        asked: list[tuple[str, int]] = []
        for job_id, own in by_job.items():
            if job_id not in entries:
                taken.counts["unknown_job"] += len(own)
            elif entries[job_id].state in _REFUSED:
                taken.counts["refused_job"] += len(own)
            elif job_id in recipients:
                found = self._ask(pipe, tags[job_id], recipients[job_id], own)
                taken.counts["unknown_number"] += len(own) - found
                asked += [(job_id, found)] if found else []
        for (job_id, count), answer in zip(asked, pipe.execute() if asked else [], strict=True):
            _note(taken, job_id, count, answer)
        taken.counts = +taken.counts
        return taken

    def delivery(self, job_id: str, phone: str | None = None) -> Delivery:
        """What is known of one recipient.

        Args:
            phone: Which. May be left out for a job with one number.

        Raises:
            InvalidArguments: There is no such job (``reason="job_not_found"``), nothing of it was accepted
                (``"not_accepted"``), it has several numbers and none is given, or not this one (``argument="phone"``).
        """
        number = None if phone is None else check_phone("phone", phone)
        entry, recipients = self._known(job_id)
        if entry.state in _REFUSED:
            raise InvalidArguments(
                "nothing of the job was accepted, so there is no delivery",
                reason="not_accepted",
                out_id=job_id,
            )
        if number is None:
            if recipients.total != 1:
                raise InvalidArguments.about("phone", "is missing: the job has several numbers")
            position: int | None = 0
        else:
            position = recipients.find(number)
        if position is None:
            raise InvalidArguments.about("phone", "is not one of the job's numbers")
        return self._deliveries(job_id, entry, recipients)[position]

    def deliveries(self, job_id: str) -> Deliveries:
        """What is known of all recipients of a job.

        Raises:
            InvalidArguments: There is no such job (``reason="job_not_found"``).
        """
        entry, recipients = self._known(job_id)
        if entry.state in _REFUSED:
            return Deliveries()
        return Deliveries.of(self._deliveries(job_id, entry, recipients))

    # Taking

    def _tags(self, job_ids: Iterable[str]) -> dict[str, str]:
        """The tag of each job that can be ours."""
        tags = {each: tag_of_job(each) for each in job_ids if is_job_id(each)}
        foreign = [each for each, tag in tags.items() if tag is None]
        if foreign:
            pipe = self._ledger.redis.pipeline(transaction=False)
            for each in foreign:
                pipe.get(pointer(each))
            tags |= dict(zip(foreign, pipe.execute(), strict=True))
        return {each: tag for each, tag in tags.items() if tag is not None}

    def _entries(self, tags: Mapping[str, str]) -> dict[str, _Entry]:
        """The entry of each job that the ledger knows."""
        if not tags:
            return {}
        pipe = self._ledger.redis.pipeline(transaction=False)
        for job_id, tag in tags.items():
            pipe.hmget(key(tag, "job", job_id), list(_Entry._fields))
        found = {job_id: _Entry(*values) for job_id, values in zip(tags, pipe.execute(), strict=True)}
        return {job_id: entry for job_id, entry in found.items() if entry.state is not None}

    def _recipients(
        self,
        tags: Mapping[str, str],
        entries: Mapping[str, _Entry],
        taken: Taken,
        by_job: Mapping[str, Sequence[Report]],
    ) -> dict[str, _Recipients]:
        chunks = {each: entry for each, entry in entries.items() if entry.campaign}
        self._learn(tags, chunks, taken, by_job)
        found = {}
        for job_id, entry in entries.items():
            if not entry.campaign:
                found[job_id] = _by_digest(job_id, entry)
            elif job_id in self._chunks:
                positions = self._chunks[job_id]
                found[job_id] = _Recipients(len(positions), positions.get)
        return found

    def _learn(
        self,
        tags: Mapping[str, str],
        chunks: Mapping[str, _Entry],
        taken: Taken,
        by_job: Mapping[str, Sequence[Report]],
    ) -> None:
        """Read the recipients of chunks that are not remembered."""
        new = {job_id: entry for job_id, entry in chunks.items() if job_id not in self._chunks}
        if not new:
            return
        pipe = self._ledger.redis.pipeline(transaction=False)
        for job_id, entry in new.items():
            number = (entry.chunk or "").partition(":")[0]
            pipe.hget(key(tags[job_id], "campaign", entry.campaign or "", "rows"), number)
        while len(self._chunks) > _REMEMBERED:
            self._chunks.popitem(last=False)
        for job_id, rows in zip(new, pipe.execute(), strict=True):
            try:
                phones = unpack_recipients(unseal(rows, self._ledger.seal))[1] if rows else []
            except CannotOpen:
                taken.counts["sealed"] += len(by_job.get(job_id, ()))
                continue
            except InvalidArguments:
                phones = []
            self._chunks[job_id] = {phone: position for position, phone in enumerate(phones)}

    def _ask(self, pipe: Any, tag: str, recipients: _Recipients, reports: Sequence[Report]) -> int:
        """Put the step for one job's reports on the pipeline. Returns how many of them are of its numbers."""
        rest: list[Any] = []
        for report in reports:
            position = next(
                (at for each in report.numbers() if (at := recipients.find(each)) is not None), None
            )
            if position is not None:
                rest += [position, *record_parts(report)]
        if not rest:
            return 0
        job_id = reports[0].job_id
        self._scripts.run(
            "report",
            pipe,
            {"job": key(tag, "job", job_id), "agenda": key(tag, "agenda")},
            rest,
            id=job_id,
            numbers=recipients.total,
            biz_id=next((each.biz_id for each in reports if each.biz_id), ""),
            keep=round(self._ledger.retention_s * 1000),
        )
        return len(rest) // 4

    # Reading

    def _known(self, job_id: str) -> tuple[_Entry, _Recipients]:
        tags = self._tags([job_id])
        entries = self._entries(tags)
        if job_id not in entries:
            raise InvalidArguments(
                "there is no job of that id, or it ended longer ago than SMS_RETENTION",
                reason="job_not_found",
                out_id=job_id,
                argument="job_id",
            )
        found = self._recipients(tags, entries, Taken(), {}).get(job_id)
        if found is None:
            raise CannotOpen(
                "the campaign's recipients are sealed, and this process has no SMS_PAYLOAD_KEY that opens them",
                reason="job_unreadable",
                out_id=job_id,
            )
        return entries[job_id], found

    def _deliveries(self, job_id: str, entry: _Entry, recipients: _Recipients) -> list[Delivery]:
        tag = self._places.of(job_id)
        if entry.campaign:
            number = (entry.chunk or "").partition(":")[0]
            records = self._ledger.redis.hget(key(tag, "campaign", entry.campaign, "delivered"), number)
        else:
            records = (entry.delivery or "").partition(";")[2]
        if not records:
            return [Delivery()] * recipients.total
        return list(read_records(str(records), self.codes(tag)))

    def codes(self, tag: str) -> dict[str, str]:
        """The carriers' codes of an element, by the numbers that stand for them in records."""
        found = cast("Mapping[str, str]", self._ledger.redis.hgetall(key(tag, "err_codes")))
        return {number: code for code, number in found.items()}


def _by_digest(job_id: str, entry: _Entry) -> _Recipients:
    digests = (entry.delivery or "").partition(";")[0]
    if not digests:
        return _Recipients(0, lambda _: None)
    return _Recipients(count_recipients(digests), lambda phone: find_recipient(digests, job_id, phone))


def _note(taken: Taken, job_id: str, count: int, answer: list[Any]) -> None:
    verdict, *rest = answer
    if verdict != "taken":
        taken.counts["refused_job" if verdict == "refused" else "unknown_job"] += count
        return
    was, lane, element, written = rest
    taken.counts["written"] += int(written)
    taken.counts["repeated"] += count - int(written)
    if was != "accepted":
        taken.settled.append(SettledByReceipt(job_id=job_id, was=was, lane=lane, element=element))
