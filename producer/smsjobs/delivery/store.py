"""Takes reports, and reads what is known of deliveries."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from redis.exceptions import ResponseError

from smsjobs.contract import (
    InvalidArguments,
    check_phone,
    count_recipients,
    find_recipient,
    half_of,
    is_job_id,
    is_tag,
    number_of,
    read_traceparent,
    split_delivery,
    tag_of_job,
    unpack_numbers,
    unpack_recipients,
)
from smsjobs.delivery.carriers import carrier_of
from smsjobs.delivery.err_codes import UNWANTED_CODES
from smsjobs.delivery.records import read_records, record_parts
from smsjobs.delivery.values import Deliveries, Delivery
from smsjobs.facts import DeliveryReported, SettledByReceipt, is_traced, tell
from smsjobs.ledger import tell_set_aside
from smsjobs.redis_store import (
    CannotOpen,
    Scripts,
    acknowledged_pipeline,
    is_damage,
    key,
    pointer,
    replicas_of,
    unseal,
)

if TYPE_CHECKING:
    from smsjobs.delivery.report import Report
    from smsjobs.ledger import Ledger

__all__ = ["DeliveryStore", "DuePull", "Taken", "read_codes"]

#: Chunks of campaigns whose recipients a process remembers, for their reports come together.
_REMEMBERED: Final = 50

#: States of a job of which nothing was accepted.
_REFUSED: Final = ("rejected", "not_sent")


@dataclass(kw_only=True)
class Taken:
    """What became of reports."""

    #: Reports by what became of them: ``written``; ``repeated``, which changed nothing; ``unknown_job``;
    #: ``unknown_number``, which the job has not; ``refused_job``, of which nothing was accepted; ``sealed``, whose
    #: recipients this process cannot open; ``damaged``, whose job's keys cannot be read.
    counts: Counter[str] = field(default_factory=Counter)
    #: Ids of the reports whose job the ledger does not know.
    unknown: set[str] = field(default_factory=set)
    #: Jobs that a report settled as accepted. They are told.
    settled: list[SettledByReceipt] = field(default_factory=list)
    #: Numbers of our jobs whose carrier refuses them for good: on a black list, or opted out there.
    unwanted: list[str] = field(default_factory=list, repr=False)


@dataclass(frozen=True, kw_only=True)
class DuePull:
    """A job whose deliveries are to be pulled now."""

    job_id: str
    element: str
    lane: str
    #: The numbers that still wait.
    phones: tuple[str, ...] = field(repr=False)
    #: How many pulls were made before.
    pulls: int
    #: Where they stand among the job's recipients, if only these are asked about; None: all are.
    places: tuple[int, ...] | None = None
    #: When it was recorded and accepted, in ms since 1970.
    created_ms: int
    accepted_ms: int


class _Entry(NamedTuple):
    """A job's entry, as far as reports need it."""

    state: str | None
    delivery: str | None
    campaign: str | None
    chunk: str | None
    #: Its traceparent; asked for where traces are recorded.
    trace: str | None = None

    @property
    def chunk_name(self) -> str:
        """The chunk's name in its campaign."""
        return (self.chunk or "").partition(":")[0]


@dataclass(frozen=True)
class _Recipients:
    """A job's recipients."""

    tag: str
    entry: _Entry
    total: int
    #: The position of a number, or None where it is not one of them.
    find: Callable[[str], int | None]


@dataclass(kw_only=True)
class _Asked:
    """The reports of one job that its step was asked to take."""

    job_id: str
    #: How many numbers the job has.
    recipients: int
    traceparent: str | None = None
    #: How many of the reports are of its numbers.
    count: int = 0
    #: Numbers that their carrier refuses for good.
    unwanted: list[str] = field(default_factory=list, repr=False)
    #: What is final, by the recipient's position. The first report of one counts.
    final: dict[int, Report] = field(default_factory=dict, repr=False)


class DeliveryStore:
    """All deliveries. Threads may share it.

    Args:
        ledger: Whose jobs. Its Redis, its seal and its retention are used.
        clock: Returns the time in seconds since 1970, for tests. Without it, Redis's own clock is used, and this machine's
            for what nobody is asked about.
    """

    def __init__(self, ledger: Ledger, *, clock: Callable[[], float] | None = None) -> None:
        self._ledger = ledger
        self._clock = clock or time.time
        self._scripts = Scripts("delivery", clock=clock)
        #: Chunks whose recipients are remembered: job id -> positions by number. Replaced as a whole.
        self._remembered: dict[str, dict[str, int]] = {}

    def __repr__(self) -> str:
        return "<DeliveryStore>"

    def prepare(self) -> None:
        """Read what is read once in a process, and connect.

        Raises:
            redis.exceptions.RedisError: Redis is unreachable.
        """
        self._scripts.keys("report")
        self._ledger.redis.ping()

    def take(self, reports: Sequence[Report]) -> Taken:
        """Take reports, each once. Taking them again changes nothing.

        It takes two to four round trips, however many reports there are. What is damaged is set aside, and stops no
        other report.

        Raises:
            redis.exceptions.RedisError: Redis is unreachable, refuses to write, or has too few replicas. Any of them may
                have been taken.
        """
        taken, damaged = self._take(reports)
        tags = self._tags({each.job_id for each in damaged})
        # A key that many jobs share gets another name, so that these reports find a new one.
        new_keys = [self._ledger.set_keys_aside(tag) for tag in sorted(set(tags.values()))]
        if any(new_keys):
            more, damaged = self._take(damaged)
            taken.counts += more.counts
            taken.settled += more.settled
            taken.unwanted += more.unwanted
            taken.unknown |= more.unknown
        for job_id in dict.fromkeys(each.job_id for each in damaged):
            self._set_aside(tags[job_id], job_id, "an entry or a record of a delivery that cannot be read")
        taken.counts["damaged"] += len(damaged)
        taken.counts = +taken.counts
        return taken

    def _take(self, reports: Sequence[Report]) -> tuple[Taken, list[Report]]:
        """Take reports. Returns also those that met damage, which are not counted."""
        taken = Taken()
        damaged: list[Report] = []
        by_job: dict[str, list[Report]] = {}
        for report in reports:
            by_job.setdefault(report.job_id, []).append(report)
        pipe = self._pipeline()
        asked: list[_Asked] = []
        for job_id, known in self._look(by_job).items():
            own = by_job[job_id]
            if known == "damaged":
                damaged += own
                continue
            if isinstance(known, str):
                taken.counts[known] += len(own)
                if known == "unknown_job":
                    taken.unknown.add(job_id)
                continue
            one = self._ask(pipe, job_id, known, own)
            taken.counts["unknown_number"] += len(own) - one.count
            if one.count:
                asked.append(one)
        for one, answer in zip(asked, self._write(pipe, bool(asked)), strict=True):
            if isinstance(answer, Exception) or answer[0] == "damaged":
                damaged += by_job[one.job_id]
                taken.counts["unknown_number"] -= len(by_job[one.job_id]) - one.count
            elif _note(taken, one, answer):
                taken.unwanted += one.unwanted
        return taken, damaged

    def delivery(self, job_id: str, phone: str | None = None) -> Delivery:
        """What is known of one recipient.

        Args:
            phone: Which. May be left out for a job with one number.

        Raises:
            InvalidArguments: There is no such job (``reason="job_not_found"``), nothing of it was accepted
                (``"not_accepted"``), it has several numbers and none is given, or not this one (``argument="phone"``).
        """
        number = None if phone is None else check_phone("phone", phone)
        known = self._known(job_id)
        if known is None:
            raise InvalidArguments(
                "nothing of the job was accepted, so there is no delivery",
                reason="not_accepted",
                out_id=job_id,
            )
        if number is None and known.total != 1:
            raise InvalidArguments.about("phone", "is missing: the job has several numbers")
        position = 0 if number is None else known.find(number)
        if position is None:
            raise InvalidArguments.about("phone", "is not one of the job's numbers")
        return self._read(known)[position]

    def deliveries(self, job_id: str) -> Deliveries:
        """What is known of all recipients of a job.

        Raises:
            InvalidArguments: There is no such job (``reason="job_not_found"``).
        """
        known = self._known(job_id)
        return Deliveries() if known is None else Deliveries.of(self._read(known))

    def due_pulls(self, tag: str, *, most: int, lease_s: float) -> list[DuePull]:
        """The jobs of an element whose deliveries are to be pulled now, codes first. For the lease nobody else gets them.

        A job whose numbers this process cannot open is left for another one.
        """
        flat = self._due(tag, most, round(lease_s * 1000))
        due: list[DuePull] = []
        for job_id, element, lane, sealed, pulls, created, accepted in zip(*[iter(flat)] * 7, strict=True):
            with suppress(CannotOpen):
                waiting = self._waiting(tag, job_id, unseal(sealed, self._ledger.seal))
                if waiting is None:
                    continue
                phones, places = waiting
                due.append(
                    DuePull(
                        job_id=job_id,
                        element=element,
                        lane=lane,
                        phones=phones,
                        places=places,
                        pulls=int(pulls),
                        created_ms=int(created),
                        accepted_ms=int(accepted),
                    )
                )
        return due

    def hold(self, due: Sequence[DuePull], *, for_s: float) -> None:
        """Have jobs that are to be pulled taken by nobody for so long from now on. Those that nobody awaits any more stay so."""
        by_tag: dict[str, list[str]] = {}
        for job_id, tag in self._tags(each.job_id for each in due).items():
            by_tag.setdefault(tag, []).append(job_id)
        for tag, ids in by_tag.items():
            self._scripts.run("hold", self._ledger.redis, _pulls(tag), ids, time=round(for_s * 1000))

    def pulled(self, due: DuePull, *, next_s: float | None) -> int:
        """Note that a job's deliveries were pulled.

        Args:
            next_s: Seconds from its acceptance to the next pull. None: it was the last, and what waits is unreported.

        Returns:
            How many recipients became unreported.
        """
        known = self._known(due.job_id)
        if known is None:
            return 0
        answer: int | str = self._scripts.run(
            "pulled",
            self._ledger.redis,
            {"job": key(known.tag, "job", due.job_id)},
            due.places or (),
            id=due.job_id,
            everybody=int(due.places is None),
            pulls=due.pulls,
            numbers=known.total,
            after=0 if next_s is None else round(next_s * 1000),
        )
        if isinstance(answer, str):
            self._set_aside(known.tag, due.job_id, answer)
            return 0
        return answer

    def _due(self, tag: str, most: int, lease_ms: int) -> list[str]:
        keys = _pulls(tag)
        try:
            flat, aside = self._scripts.run("pull", self._ledger.redis, keys, most=most, lease=lease_ms)
        except ResponseError as error:
            if not is_damage(error) or not self._ledger.set_keys_aside(tag):
                raise
            flat, aside = self._scripts.run("pull", self._ledger.redis, keys, most=most, lease=lease_ms)
        tell_set_aside(aside)
        return cast("list[str]", flat)

    def _waiting(
        self, tag: str, job_id: str, packed: str
    ) -> tuple[tuple[str, ...], tuple[int, ...] | None] | None:
        """The numbers that wait, and of a chunk their places; None if this process cannot tell. What nobody can tell was set aside."""
        known = self._look([job_id])[job_id]
        if isinstance(known, str):
            if known not in ("sealed", "unknown_job"):
                self._set_aside(tag, job_id, "no valid recipients")
            return None
        try:
            # Who is unreported to whoever reads it may still be asked about, where pulling takes its time.
            deliveries, _ = self._reported(known)
            phones = unpack_numbers(packed)
        except InvalidArguments as error:
            self._set_aside(tag, job_id, error.message)
            return None
        left_out = self._left_out(known)
        places = {phone: known.find(phone) for phone in phones}
        waiting = {
            phone: place
            for phone, place in places.items()
            if place is not None and place not in left_out and deliveries[place].state == "waiting"
        }
        # Of a job with digests all numbers are asked about, and two of them may have one place.
        return tuple(waiting), tuple(waiting.values()) if known.entry.campaign else None

    def _left_out(self, known: _Recipients) -> frozenset[int]:
        """The places of a chunk's recipients that its request left out."""
        if not known.entry.campaign:
            return frozenset()
        pipe = self._pipeline()
        place = key(known.tag, "campaign", known.entry.campaign, "left_out")
        pipe.execute_command("HGET", place, known.entry.chunk_name, NEVER_DECODE=True)
        (found,) = _execute(pipe)
        return frozenset(int(each) for each in (_text(found) or "").split() if each.isdigit())

    def _set_aside(self, tag: str, job_id: str, problem: str) -> None:
        keys = _pulls(tag)
        tell_set_aside(
            self._scripts.run("set_deliveries_aside", self._ledger.redis, keys, id=job_id, problem=problem)
        )

    # Finding the recipients

    def _look(self, job_ids: Iterable[str]) -> dict[str, _Recipients | str]:
        """The recipients of each job, or the word for why its reports cannot be taken."""
        wanted = list(job_ids)
        tags = self._tags(wanted)
        pipe = self._pipeline()
        fields = _Entry._fields if is_traced() else _Entry._fields[:-1]
        for job_id, tag in tags.items():
            pipe.execute_command("HMGET", key(tag, "job", job_id), *fields, NEVER_DECODE=True)
        found: dict[str, _Recipients | str] = dict.fromkeys(wanted, "unknown_job")
        chunks: dict[str, _Entry] = {}
        for job_id, values in zip(tags, _execute(pipe), strict=True):
            entry = _entry(values)
            if entry is None:
                found[job_id] = "damaged"
            elif entry.state in _REFUSED:
                found[job_id] = "refused_job"
            elif entry.campaign:
                chunks[job_id] = entry
            elif entry.state is not None:
                found[job_id] = _by_digest(job_id, tags[job_id], entry)
        positions = self._positions(tags, chunks)
        for job_id, entry in chunks.items():
            known = positions[job_id]
            found[job_id] = (
                known if isinstance(known, str) else _Recipients(tags[job_id], entry, len(known), known.get)
            )
        return found

    def _tags(self, job_ids: Iterable[str]) -> dict[str, str]:
        """The tag of each job that can be ours."""
        tags = {each: tag_of_job(each) for each in job_ids if is_job_id(each)}
        foreign = [each for each, tag in tags.items() if tag is None]
        pipe = self._pipeline()
        for each in foreign:
            pipe.execute_command("GET", pointer(each), NEVER_DECODE=True)
        tags |= dict(zip(foreign, map(_text, _execute(pipe)), strict=True))
        return {each: tag for each, tag in tags.items() if tag is not None and is_tag(tag)}

    def _positions(
        self, tags: Mapping[str, str], chunks: Mapping[str, _Entry]
    ) -> dict[str, dict[str, int] | str]:
        """The numbers of each chunk with their positions, or the word for why they cannot be read."""
        found: dict[str, dict[str, int] | str] = {
            job_id: positions for job_id, positions in self._remembered.items() if job_id in chunks
        }
        new = [job_id for job_id in chunks if job_id not in found]
        pipe = self._pipeline()
        for job_id in new:
            entry = chunks[job_id]
            rows = key(tags[job_id], "campaign", entry.campaign or "", "rows")
            pipe.execute_command("HGET", rows, number_of(entry.chunk_name), NEVER_DECODE=True)
        for job_id, rows in zip(new, _execute(pipe), strict=True):
            found[job_id] = self._open(rows, chunks[job_id].chunk_name)
        if new:
            known = {job_id: each for job_id, each in found.items() if isinstance(each, dict)}
            self._remembered = dict([*self._remembered.items(), *known.items()][-_REMEMBERED:])
        return found

    def _open(self, rows: Any, chunk_name: str) -> dict[str, int] | str:
        if rows is None:
            return "unknown_job"
        try:
            phones = unpack_recipients(unseal(rows.decode(), self._ledger.seal))[1]
        except CannotOpen:
            return "sealed"
        except (InvalidArguments, AttributeError, LookupError, TypeError, ValueError):
            return "damaged"
        return {phone: position for position, phone in enumerate(half_of(chunk_name, phones))}

    # Taking

    def _ask(
        self,
        pipe: Any,
        job_id: str,
        known: _Recipients,
        reports: Sequence[Report],
    ) -> _Asked:
        """Put the step for one job's reports on the pipeline."""
        rest: list[Any] = []
        asked = _Asked(job_id=job_id, recipients=known.total, traceparent=read_traceparent(known.entry.trace))
        for report in reports:
            places = ((known.find(each), each) for each in report.numbers())
            position, phone = next((pair for pair in places if pair[0] is not None), (None, ""))
            if position is not None:
                rest += [position, *record_parts(report)]
                asked.unwanted += [phone] if report.code in UNWANTED_CODES else []
                if report.state != "waiting":
                    asked.final.setdefault(position, report)
        if rest:
            self._scripts.run(
                "report",
                pipe,
                {"job": key(known.tag, "job", job_id), "agenda": key(known.tag, "agenda")},
                rest,
                id=job_id,
                numbers=known.total,
                biz_id=next((each.biz_id for each in reports if each.biz_id), ""),
                keep=round(self._ledger.retention_s * 1000),
            )
        asked.count = len(rest) // 4
        return asked

    def _write(self, pipe: Any, anything: bool) -> list[Any]:
        client = self._ledger.redis
        replicas = replicas_of(client) if anything else None
        if replicas is None:
            return _execute(pipe)
        return _unless_refused(acknowledged_pipeline(client, replicas, pipe, raise_on_error=False))

    # Reading

    def _known(self, job_id: str) -> _Recipients | None:
        """The job's recipients; None if nothing of it was accepted."""
        match self._look([job_id])[job_id]:
            case _Recipients() as known:
                return known
            case "refused_job":
                return None
            case "sealed":
                raise _unreadable(
                    job_id,
                    "the recipients of the job's campaign cannot be read here: are they sealed with another SMS_PAYLOAD_KEY?",
                )
            case "damaged" | "unknown_number":
                raise _unreadable(job_id, "what the ledger has of the job's recipients cannot be read")
            case _:
                raise InvalidArguments(
                    "there is no job of that id, or it ended longer ago than SMS_RETENTION",
                    reason="job_not_found",
                    out_id=job_id,
                    argument="job_id",
                )

    def _read(self, known: _Recipients) -> list[Delivery]:
        """What is known of each. Whoever waits when nothing is awaited any more is unreported."""
        deliveries, ends = self._reported(known)
        if not (ends.isascii() and ends.isdigit()) or self._clock() < int(ends):
            return deliveries
        return [Delivery(state="unreported") if each.state == "waiting" else each for each in deliveries]

    def _reported(self, known: _Recipients) -> tuple[list[Delivery], str]:
        """What was reported of each; the time in seconds until which somebody waits, or "" for the time of the last pull."""
        entry = known.entry
        records: str | None
        _, ends, records = split_delivery(entry.delivery or "")
        if entry.campaign:
            pipe = self._pipeline()
            campaign = key(known.tag, "campaign", entry.campaign)
            pipe.execute_command("HGET", f"{campaign}:delivered", entry.chunk_name, NEVER_DECODE=True)
            pipe.execute_command("HGET", campaign, "waits_until", NEVER_DECODE=True)
            found, waits_until = _execute(pipe)
            records = "" if found is None else _text(found)
            ends = (_text(waits_until) or "")[:-3]
        if records == "":
            return [Delivery()] * known.total, ends
        try:
            deliveries = list(read_records(records or "", read_codes(self._ledger.redis, known.tag)))
        except (LookupError, OverflowError, ValueError):
            deliveries = []
        if len(deliveries) != known.total:
            raise _unreadable("", "what the ledger has of the job's deliveries cannot be read")
        return deliveries, ends

    def _pipeline(self) -> Any:
        return self._ledger.redis.pipeline(transaction=False)


def read_codes(redis: Any, tag: str) -> dict[str, str]:
    """The carriers' codes of an element, by the numbers that stand for them in records. None of a damaged key."""
    pipe = redis.pipeline(transaction=False)
    # Not decoded by the client: one that is not a valid text would hide all others.
    pipe.execute_command("HGETALL", key(tag, "err_codes"), NEVER_DECODE=True)
    (found,) = _execute(pipe)
    if isinstance(found, Exception):
        return {}
    pairs = found.items() if isinstance(found, dict) else zip(found[::2], found[1::2], strict=True)
    return {number.decode("ascii", "replace"): code.decode("utf-8", "replace") for code, number in pairs}


def _pulls(tag: str) -> dict[str, str]:
    return {"codes": key(tag, "pulls", "codes"), "others": key(tag, "pulls", "others")}


def _unreadable(job_id: str, text: str) -> InvalidArguments:
    return InvalidArguments(text, reason="job_unreadable", out_id=job_id or None)


def _text(value: Any) -> str | None:
    """What Redis has, or None if it has nothing that is a text."""
    try:
        return value.decode() if isinstance(value, bytes) else None
    except UnicodeDecodeError:
        return None


def _entry(values: Any) -> _Entry | None:
    """The entry, or None if it is damaged."""
    if isinstance(values, Exception):
        return None
    texts = [_text(each) for each in values]
    damaged = any(text is None and value is not None for text, value in zip(texts, values, strict=True))
    return None if damaged else _Entry(*texts)


def _by_digest(job_id: str, tag: str, entry: _Entry) -> _Recipients | str:
    # An older version kept none.
    if entry.delivery is None:
        return "unknown_number"
    digests, _, _ = split_delivery(entry.delivery)
    try:
        total = count_recipients(digests)
    except (ValueError, IndexError, ZeroDivisionError):
        return "damaged"
    if total < 1:
        return "damaged"
    return _Recipients(tag, entry, total, lambda phone: find_recipient(digests, job_id, phone))


def _execute(pipe: Any) -> list[Any]:
    """The answers of a pipeline. A damaged key is the answer of its command, and stops no other.

    Raises:
        redis.exceptions.RedisError: Redis is unreachable, or refuses to write.
    """
    return _unless_refused(pipe.execute(raise_on_error=False))


def _unless_refused(answers: list[Any]) -> list[Any]:
    for each in answers:
        if isinstance(each, Exception) and not is_damage(each):
            raise each
    return answers


def _note(taken: Taken, asked: _Asked, answer: list[Any]) -> bool:
    """Count what became of one job's reports. Returns whether they were taken."""
    verdict, *rest = answer
    if verdict != "taken":
        taken.counts["refused_job" if verdict == "refused" else "unknown_job"] += asked.count
        return False
    was, lane, element, written = rest
    taken.counts["written"] += len(written)
    taken.counts["repeated"] += asked.count - len(written)
    if was != "accepted":
        settled = SettledByReceipt(
            job_id=asked.job_id,
            before=was,
            element=element,
            lane=lane,
            recipients=asked.recipients,
            traceparent=asked.traceparent,
        )
        taken.settled.append(settled)
        tell(settled)
    for position in written:
        if report := asked.final.get(int(position)):
            tell(_reported(report, element=element, lane=lane, traceparent=asked.traceparent))
    return True


def _reported(report: Report, *, element: str, lane: str, traceparent: str | None) -> DeliveryReported:
    seconds = None
    if report.sent_at and report.reported_at:
        seconds = (report.reported_at - report.sent_at).total_seconds()
    return DeliveryReported(
        job_id=report.job_id,
        element=element,
        lane=lane,
        carrier=carrier_of(report.phone),
        state=report.state,
        err_code=report.code,
        seconds=seconds,
        traceparent=traceparent,
    )
