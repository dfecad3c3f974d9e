"""A campaign in Redis: plan it page by page, control it, and read it. Each step is one atomic script.

A campaign's facts and counters are the hash ``sms:{<tag>}:campaign:<id>``. Its other keys are described in
``../ledger/scripts/lib/campaigns.lua``. Times are milliseconds of Redis's clock. Counters count recipients.

=================  ==================================================================================
state              ``planning``, ``running``, ``cancelled`` or ``finished``
paused             why it is paused, or empty
at, promotional    its start, or 0; 1 if it is sent only in the hours of promotional messages
name, element      as given
job                what all its chunks share, as JSON
types              the types of the template's variables by which its rows are checked, as JSON; there is none if none was known
strict             1 if a row that does not fit the types stops it; there only with types
secret             the secret of its pages' digests, sealed; empty if recipients are not sealed
pages, chunks      how many are planned; planned is 1 when the plan is complete
most_refused       1 once it was paused because more recipients were refused than accepted
halved             chunks, and halves of chunks, that were refused and whose halves were sent in their place
planner            until when a planner, which reads its file, is assumed to be alive
owner              the planner that owns the plan; owner_lives is until when it is assumed to be alive
total              recipients; invalid and duplicates count the rows that are left out
country:<code>     recipients in that country
blank              blank rows; there is none of it before the plan is complete
accepted, …        recipients by outcome
generation         ``created`` in base 36, part of its chunks' ids; unique among campaigns of the name
created, ended     when it was created; when it ended and its numbers became final
keep               milliseconds for which it is kept after its end
delivered, …       accepted recipients by delivery; there is none of a count before the first
waits_until        the time from which an accepted recipient that waits is unreported; none before the first is accepted
=================  ==================================================================================
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import unicodedata
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import count, zip_longest
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, cast

from redis.exceptions import RedisError, ResponseError

from smsjobs.campaign.pages import Page
from smsjobs.campaign.planner import Planner
from smsjobs.campaign.progress import CampaignProgress, State
from smsjobs.contract import (
    IdempotencyConflict,
    InvalidArguments,
    chunk_id,
    pack,
    pack_recipients,
    tag_of_campaign,
    unpack,
    unpack_recipients,
)
from smsjobs.delivery import Delivery, read_codes, read_records
from smsjobs.ledger import Places
from smsjobs.offers import Offers
from smsjobs.redis_store import CannotOpen, Scripts, available, is_damage, is_wrong_type, key, unseal

if TYPE_CHECKING:
    from redis import Redis

    from smsjobs.connection import Connection
    from smsjobs.redis_store import Seal
    from smsjobs.templates import TemplateStore

__all__ = ["CampaignStore", "StoredChunk", "StoredPage", "campaign_store", "unless_damaged"]

T = TypeVar("T")

#: Milliseconds after its last sign of life for which a planner is assumed to be alive.
_PLANNER_MS: Final = 10_000

#: Milliseconds by which the start of a new campaign may be in the past, because clocks differ.
_PAST_MS: Final = 60_000

#: The reason that is shown when a campaign's planner has died before the plan was complete.
_INTERRUPTED: Final = "its reading was interrupted; run the same start again, or cancel it"


@dataclass(frozen=True, kw_only=True)
class StoredChunk:
    """A chunk as it was planned, or a half of one that was refused; with its outcome so far."""

    #: Its name; `half_of` tells by it which recipients it has.
    name: str
    #: The id of its job.
    out_id: str
    #: The outcome as JSON, or None.
    outcome: str | None
    #: Whether it is a job without an outcome.
    is_active: bool
    #: What the carriers reported, of each recipient; empty if nothing was.
    deliveries: Sequence[Delivery] = ()
    #: The places of those of its recipients that its request left out, because their numbers are suppressed.
    left_out: frozenset[int] = frozenset()


@dataclass(frozen=True, kw_only=True)
class StoredPage:
    """A page as it was planned, with the outcomes of its chunks so far."""

    #: Lines and phones of each planned chunk, packed, by its number.
    recipients: dict[str, str]
    #: Its chunks, with the halves of one in its place, if it was halved.
    chunks: Sequence[StoredChunk]
    #: Line, phone, fault and reason of each row that is left out.
    skipped: Sequence[tuple[int, str, str, str]]


class CampaignStore:
    """All campaigns.

    Args:
        redis: The ledger's client.
        timeout_s: Seconds for which a step is repeated while Redis is unreachable.
        keep_s: Seconds for which a campaign is kept after its end.
        unreachable_text: Returns a text that says that Redis is unreachable, and at which address.
        seal: Seals recipients and their parameters before they are written. With None they are written unencrypted.
        templates: Where it is told which templates are used. None: nobody is told.
        clock: Returns the time in seconds since 1970, for tests. Without it, Redis's own clock is used.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        timeout_s: float,
        keep_s: float,
        seal: Seal | None = None,
        unreachable_text: Callable[[], str] = lambda: "Redis is unreachable",
        templates: TemplateStore | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._redis = redis
        self._timeout_s = timeout_s
        self._keep_s = keep_s
        self._seal = seal
        self._unreachable_text = unreachable_text
        self._templates = templates
        self._clock = clock
        self._scripts = Scripts("campaign", clock=clock)

    def create(
        self,
        campaign_id: str,
        *,
        name: str,
        element: str,
        shared: str,
        at: datetime | None,
        promotional: bool,
        types: Mapping[str, str] | None = None,
        strict_types: bool = False,
    ) -> Planner:
        """Create a campaign, or find it. The caller then writes its plan, or compares its own with it.

        Args:
            types: The types of the template's variables, where it is new. Later calls get these.
            strict_types: Whether a row that does not fit them stops it; as `types`.

        Raises:
            InvalidArguments: It is new, and its time is past. Or it is sealed with a key that is not here. Or no worker has
                the element, and one has an element of nearly the same name.
            IdempotencyConflict: It has other settings.
        """
        token = secrets.token_hex(8)
        wanted = [shared, str(_at_ms(at)), str(int(promotional))]
        settings: dict[str, Any] = {
            "planner": token,
            "name": name,
            "element": element,
            "shared": shared,
            "at": _at_ms(at),
            "promotional": int(promotional),
            "types": json.dumps(types, sort_keys=True) if types else "",
            "strict": int(bool(types) and strict_types),
            "keep": round(self._keep_s * 1000),
            "lives": _PLANNER_MS,
            "past": _PAST_MS,
            # A plain digest of one number could be reversed by trying them all, and Redis holds the digests.
            "secret": self._close(secrets.token_hex(32)) if self._seal else "",
        }
        self._patiently(lambda: Offers(self._redis).check(element, "bulk"), if_refused="not_sent")
        self._patiently(lambda: Places(self._redis).announce([element]), if_refused="not_sent")
        verb, generation, *there = self._run(
            "create", campaign_id, if_refused="not_sent", id=campaign_id, **settings
        )
        if verb == "past" and at is not None:
            raise _past(at, now_ms=int(generation))
        sealed, kept, strict, *there = there
        if there != wanted:
            raise IdempotencyConflict(
                f"there is a campaign of this name on this element with {_other(there, wanted)}: use another name",
                out_id=campaign_id,
                argument="name",
            )
        secret = self._open_secret(campaign_id, sealed)
        return Planner(
            campaign_id=campaign_id,
            generation=generation,
            token=token,
            secret=secret,
            types=_types(campaign_id, kept),
            strict_types=strict == "1",
        )

    def write(self, planner: Planner, page: Page, names: Sequence[str]) -> bool:
        """Write a page of the plan. If the page is already there, check that it is the same.

        Returns:
            False if the campaign was cancelled and has ended. Nothing is added to it any more.

        Raises:
            IdempotencyConflict: A different page is there. The text names the first line that differs.
        """
        campaign_id = planner.campaign_id
        verb, *_ = self._plan("plan", planner, self._chunks(page, names), **self._page(page, planner.secret))
        match verb:
            case "differs":
                raise self._other_content(campaign_id, self._first_difference(campaign_id, page))
            case "longer":
                raise self._other_content(campaign_id, page.lines[0])
            case "missing":
                raise _discarded(campaign_id)
            case "damaged":
                raise _damaged(campaign_id)
        return bool(verb != "ended")

    def still_planning(self, planner: Planner) -> None:
        """Give a sign of life: the file is still being read. This is tried only once.

        Raises:
            redis.exceptions.RedisError: Redis is unreachable, or refused it.
        """
        self._step("planning", planner.campaign_id, **_of(planner), lives=_PLANNER_MS)

    def is_planning(self, planner: Planner) -> bool:
        """Whether nothing of the campaign may be sent yet, and it is not cancelled."""
        state = self._patiently(
            lambda: self._redis.hget(_key(planner.campaign_id), "state"), if_refused="not_sent"
        )
        return bool(state == "planning")

    def complete(self, planner: Planner, pages: int, *, last_line: int, blank: int = 0) -> None:
        """Let the chunks be sent, after all pages are written.

        Args:
            blank: How many blank rows were read.

        Raises:
            IdempotencyConflict: The plan of this name has more pages.
        """
        (verb,) = self._run(
            "planned",
            planner.campaign_id,
            if_refused="not_sent",
            id=planner.campaign_id,
            generation=planner.generation,
            pages=pages,
            blank=blank,
        )
        if verb == "shorter":
            raise self._other_content(planner.campaign_id, last_line + 1)
        if verb == "missing":
            raise _discarded(planner.campaign_id)

    def note_template(self, element: str, code: str) -> None:
        """Note that a campaign sends with that template. The campaign goes on where Redis does not take it."""
        if self._templates is not None:
            with suppress(RedisError):
                self._templates.ask(element, code, lane="bulk")

    def discard(
        self, planner: Planner, *, pages: int | None = None
    ) -> Literal["forgotten", "kept", "others"]:
        """Forget a campaign whose plan is not complete. Nothing of it was sent.

        A cancelled campaign ends, with the rows read so far. Neither happens while another planner owns the plan and
        is alive.

        Args:
            pages: Forget it only if it has this many pages. With None, any number will do.

        Returns:
            ``"kept"`` if it is cancelled, its plan is complete, or it has another number of pages; ``"others"`` if
            another planner is writing it.
        """
        (verb,) = self._plan("discard", planner, pages="" if pages is None else pages)
        return cast("Literal['forgotten', 'kept', 'others']", verb)

    def pause(self, campaign_id: str, reason: str) -> bool:
        """Pause a campaign, or resume it if the reason is empty.

        Returns:
            False if it has ended.

        Raises:
            InvalidArguments: The campaign does not exist.
        """
        return self._control("pause", campaign_id, id=campaign_id, reason=reason)

    def cancel(self, campaign_id: str) -> bool:
        """Cancel a campaign.

        Returns:
            False if it is finished.

        Raises:
            InvalidArguments: The campaign does not exist.
        """
        return self._control("cancel", campaign_id, id=campaign_id)

    def progress(self, campaign_id: str) -> CampaignProgress:
        """Return how far a campaign is.

        Raises:
            InvalidArguments: The campaign does not exist.
        """
        says, fields, *codes, interrupted, over = self._run("progress", campaign_id, id=campaign_id)
        found = _pairs(fields)
        if not found:
            raise _missing(campaign_id)
        try:
            return _progress(
                campaign_id, says, found, *map(_pairs, codes), interrupted=bool(interrupted), over=bool(over)
            )
        except (KeyError, ValueError):
            raise _damaged(campaign_id) from None

    def shared(self, campaign_id: str) -> dict[str, Any]:
        """Return what `pack_campaign` gave for a campaign: what all its chunks share; with `types` and `strict_types`.

        These are as in `Order`, and as they were when it was begun.

        Raises:
            InvalidArguments: The campaign does not exist, or what Redis has of it is damaged.
        """
        with unless_damaged(campaign_id):
            text, types, strict = self._patiently(
                lambda: self._redis.hmget(_key(campaign_id), "job", "types", "strict")
            )
        if text is None:
            raise _missing(campaign_id)
        try:
            shared: dict[str, Any] = json.loads(str(text))
            return {
                **shared,
                "params": dict(shared["params"]),
                "types": _types(campaign_id, str(types or "")),
                "strict_types": strict == "1",
            }
        except (ValueError, KeyError, TypeError):
            raise _damaged(campaign_id) from None

    def ids(self) -> list[str]:
        """Return the ids of all kept campaigns, the newest first."""
        return self._patiently(self._ids)

    def _ids(self) -> list[str]:
        by_time: list[tuple[float, str]] = []
        for tag in Places(self._redis).tags():
            index = key(tag, "campaigns")
            found = self._listed(index, tag)
            gone = [each for each, _ in found if not self._redis.exists(_key(each))]
            if gone:
                self._redis.zrem(index, *gone)
            by_time += [(created, each) for each, created in found if each not in gone]
        return [each for _, each in sorted(by_time, reverse=True)]

    def _listed(self, index: str, tag: str) -> list[tuple[str, float]]:
        # Not decoded by the client: one that is not a valid text would hide all others.
        redis: Any = self._redis
        try:
            raw: list[bytes] = redis.execute_command("ZRANGE", index, 0, -1, NEVER_DECODE=True)
        except ResponseError as error:
            if not is_wrong_type(error):
                raise
            return []  # a worker makes it anew
        names = [name for each in raw if tag_of_campaign(name := each.decode("ascii", "replace")) == tag]
        scores = redis.zmscore(index, names) if names else []
        return [(name, created or 0.0) for name, created in zip(names, scores, strict=True)]

    def named(self, name: str) -> list[str]:
        """Return the ids of all kept campaigns of that name, on whatever element, the newest first."""
        wanted, ids = _composed(name.strip()), self.ids()
        names = self._patiently(lambda: [self._name(each) for each in ids])
        return [each for each, found in zip(ids, names, strict=True) if _composed(str(found)) == wanted]

    def _name(self, campaign_id: str) -> str:
        with suppress(InvalidArguments), unless_damaged(campaign_id):
            return str(self._redis.hget(_key(campaign_id), "name"))
        return ""

    def pages(self, campaign_id: str) -> Iterator[StoredPage]:
        """Return a campaign's pages in order. Each page is read in one step.

        Raises:
            InvalidArguments: The campaign does not exist.
        """
        begun = None
        for number in count():
            generation, *page = self._read_page(campaign_id, number)
            # Another campaign of the same name may have been created since the first page.
            if begun not in (None, generation):
                raise _missing(campaign_id)
            if not page:
                return
            begun = generation
            with unless_damaged(campaign_id):
                stored = self._stored(campaign_id, generation, *page)
            yield stored

    def _stored(
        self,
        campaign_id: str,
        generation: str,
        text: str,
        recipients: Sequence[str],
        outcomes: Sequence[Any],
        active: Iterable[str],
    ) -> StoredPage:
        _, first, chunks, rest = text.split(" ", 3)
        numbers = map(str, range(int(first), int(first) + int(chunks)))
        names = frozenset(each.partition(":")[0] for each in active)
        deliveries = self._deliveries(campaign_id, outcomes[::2])
        left_out = self._left_out(campaign_id, outcomes[::2])
        return StoredPage(
            recipients=dict(zip(numbers, map(self._open, recipients), strict=True)),
            chunks=[
                StoredChunk(
                    name=name,
                    out_id=chunk_id(campaign_id, generation, name),
                    outcome=outcome,
                    is_active=name in names,
                    deliveries=deliveries.get(name, ()),
                    left_out=left_out.get(name, frozenset()),
                )
                for name, outcome in zip(outcomes[::2], outcomes[1::2], strict=True)
            ],
            skipped=[tuple(row) for row in unpack(self._open(rest))["skipped"]],
        )

    def _deliveries(self, campaign_id: str, names: Sequence[str]) -> dict[str, Sequence[Delivery]]:
        """What the carriers reported of the recipients of these chunks."""
        tag = tag_of_campaign(campaign_id) or ""

        def read() -> tuple[list[str | None], dict[str, str]]:
            records = cast(
                "list[str | None]", self._redis.hmget(f"{_key(campaign_id)}:delivered", list(names))
            )
            return records, read_codes(self._redis, tag) if any(records) else {}

        if not names:
            return {}
        records, codes = self._patiently(read)
        return {
            name: tuple(read_records(each, codes)) for name, each in zip(names, records, strict=True) if each
        }

    def _left_out(self, campaign_id: str, names: Sequence[str]) -> dict[str, frozenset[int]]:
        """The recipients that the requests of these chunks left out."""
        if not names:
            return {}
        place = f"{_key(campaign_id)}:left_out"
        found = self._patiently(lambda: cast("list[str | None]", self._redis.hmget(place, list(names))))
        return {
            name: frozenset(map(int, each.split())) for name, each in zip(names, found, strict=True) if each
        }

    def _read_page(self, campaign_id: str, number: int) -> list[Any]:
        found: list[Any] = self._run("page", campaign_id, number=number)
        if not found:
            raise _missing(campaign_id)
        return found

    def _first_difference(self, campaign_id: str, page: Page) -> int:
        """Return the first line of the page that differs from the stored page, or that only one of both has."""
        _, text, recipients, *_ = self._read_page(campaign_id, page.number)
        there = unpack(self._open(text.split(" ", 3)[3]))
        lines = [line for line, *_ in there["skipped"]]
        for each in recipients:
            lines += unpack_recipients(self._open(each))[0]
        prints = array("H")
        prints.frombytes(base64.b64decode(there["prints"]))
        before = zip(sorted(lines), prints, strict=True)
        rows = zip_longest(before, zip(page.lines, page.prints, strict=True))
        # If all prints are equal although the digests differ, two different rows have the same print by chance.
        pair = next((each for each in rows if each[0] != each[1]), ((page.lines[-1] + 1, 0),))
        return min(row[0] for row in pair if row)

    def _page(self, page: Page, secret: str) -> dict[str, Any]:
        """Return the script's arguments that describe the page."""
        skipped = [(row.line, row.phone, row.fault, row.reason) for row in page.skipped]
        prints = base64.b64encode(page.prints.tobytes()).decode("ascii")
        return {
            "number": page.number,
            "digest": _keyed(page.digest, secret),
            "first": page.first_chunk,
            "skipped": self._close(pack({"skipped": skipped, "prints": prints})),
            "total": page.recipients,
            "invalid": page.count("invalid"),
            "duplicates": page.count("duplicate"),
            "countries": " ".join(f"{code} {count}" for code, count in page.countries.items()),
            "lives": _PLANNER_MS,
        }

    def _chunks(self, page: Page, names: Sequence[str]) -> list[Any]:
        """Return, for each chunk, how many recipients it has, who they are, and their parameters."""
        flat: list[Any] = []
        for chunk in page.chunks:
            own = [dict(zip(names, values, strict=True)) for values in chunk.values] if names else []
            flat += [
                len(chunk.phones),
                self._close(pack_recipients(chunk.lines, chunk.phones)),
                self._close(pack(own)) if own else "",
            ]
        return flat

    def _open_secret(self, campaign_id: str, sealed: str) -> str:
        try:
            return self._open(sealed)
        except CannotOpen:
            raise InvalidArguments(
                "the campaign of this name is sealed with an SMS_PAYLOAD_KEY that is not here: add that key after a "
                "comma, or use another name",
                reason="job_unreadable",
                out_id=campaign_id,
            ) from None

    def _close(self, text: str) -> str:
        return self._seal.close(text) if self._seal else text

    def _open(self, text: str) -> str:
        return unseal(text, self._seal)

    def _other_content(self, campaign_id: str, line: int) -> IdempotencyConflict:
        state = self._patiently(lambda: self._redis.hget(_key(campaign_id), "state"))
        # It can be finished only with its own recipients.
        hint = f", and cancel {campaign_id} if you do not need it: nothing of it was sent"
        return IdempotencyConflict(
            f"there is a campaign of this name on this element with other recipients, from line {line} on: "
            f"use another name{hint if state == 'planning' else ''}",
            out_id=campaign_id,
            argument="name",
        )

    def _control(self, script: str, campaign_id: str, **arguments: Any) -> bool:
        verb, *_ = self._run(script, campaign_id, **arguments)
        if verb == "missing":
            raise _missing(campaign_id)
        if verb == "damaged":
            raise _damaged(campaign_id)
        return bool(verb == "ok")

    def _plan(self, script: str, planner: Planner, rest: Sequence[Any] = (), **arguments: Any) -> Any:
        # If Redis refuses a step of a plan, nothing of the campaign is sent.
        return self._run(
            script, planner.campaign_id, rest, if_refused="not_sent", **_of(planner), **arguments
        )

    def _run(
        self,
        script: str,
        campaign_id: str,
        rest: Sequence[Any] = (),
        *,
        if_refused: Literal["not_sent", "unknown"] = "unknown",
        **arguments: Any,
    ) -> Any:
        return self._patiently(
            lambda: self._step(script, campaign_id, rest, **arguments), if_refused=if_refused
        )

    def _step(self, script: str, campaign_id: str, rest: Sequence[Any] = (), /, **arguments: Any) -> Any:
        with unless_damaged(campaign_id):
            return self._scripts.run(script, self._redis, {"campaign": _key(campaign_id)}, rest, **arguments)

    def _patiently(
        self, step: Callable[[], T], *, if_refused: Literal["not_sent", "unknown"] = "unknown"
    ) -> T:
        return available(
            step,
            for_s=self._timeout_s,
            task="a step of the campaign could not be done",
            unreachable_text=self._unreachable_text,
            again="you may repeat the same call: it sends nothing twice",
            if_refused=if_refused,
            if_lost="unknown",
        )


def campaign_store(connection: Connection) -> CampaignStore:
    """Return the store of all campaigns, on a producer's connection."""
    settings = connection.settings
    return CampaignStore(
        connection.redis(),
        timeout_s=settings.timeout_s,
        keep_s=settings.retention_s,
        seal=settings.seal,
        unreachable_text=connection.unreachable_text,
        templates=None if settings.preflight == "off" else connection.templates,
    )


@contextmanager
def unless_damaged(campaign_id: str) -> Iterator[None]:
    """Say so if what is read of the campaign is damaged.

    Raises:
        InvalidArguments: It is (``reason="campaign_damaged"``).
    """
    try:
        yield
    except ResponseError as error:
        if not is_damage(error):
            raise
        raise _damaged(campaign_id) from None
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        raise _damaged(campaign_id) from None


def _key(campaign_id: str) -> str:
    tag = tag_of_campaign(campaign_id)
    if tag is None:
        raise _missing(campaign_id)
    return key(tag, "campaign", campaign_id)


def _composed(name: str) -> str:
    # A name that comes from a file's may be decomposed, as macOS has them; one that is typed is not.
    return unicodedata.normalize("NFC", name)


def _of(planner: Planner) -> dict[str, str]:
    return {"id": planner.campaign_id, "generation": planner.generation, "planner": planner.token}


def _keyed(digest: str, secret: str) -> str:
    if not secret:
        return digest
    return hmac.new(secret.encode(), digest.encode(), hashlib.sha256).hexdigest()[: len(digest)]


def _pairs(flat: Sequence[str]) -> dict[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _other(there: Sequence[str], wanted: Sequence[str]) -> str:
    """Return which setting differs. If the columns differ, name those that only one of both has."""
    for word, old, new in zip(("another at", "another promotional"), there[1:], wanted[1:], strict=True):
        if old != new:
            return word
    old, new = json.loads(there[0]), json.loads(wanted[0])
    columns = set(old["columns"]) ^ set(new["columns"])
    if columns:
        return f"other columns: {', '.join(sorted(columns))}"
    if old["columns"] != new["columns"]:
        return "its columns in another order"
    if old.get("notice") != new.get("notice"):
        return "another promotional"
    return "another template or params"


def _types(campaign_id: str, text: str) -> dict[str, str]:
    """The types that a campaign keeps, by variable."""
    try:
        return {name: str(kind) for name, kind in dict(json.loads(text or "{}")).items()}
    except (ValueError, TypeError, RecursionError):
        raise _damaged(campaign_id) from None


def _at_ms(at: datetime | None) -> int:
    # 0 means no time, so a time of 0 becomes 1.
    return 0 if at is None else round(at.timestamp() * 1000) or 1


def _past(at: datetime, *, now_ms: int) -> InvalidArguments:
    now = datetime.fromtimestamp(now_ms // 1000, at.tzinfo)
    return InvalidArguments.about(
        "at", f"{at.isoformat()} is past, it is {now.isoformat()} now: leave it out to send now"
    )


def _missing(campaign_id: str) -> InvalidArguments:
    return InvalidArguments(
        "there is no campaign of that id, or it ended longer ago than SMS_RETENTION",
        reason="campaign_not_found",
        out_id=campaign_id,
        argument="campaign_id",
    )


def _damaged(campaign_id: str) -> InvalidArguments:
    return InvalidArguments(
        "what Redis has of this campaign is damaged: a worker names the damage in its log, and smsjobs set-aside list "
        "shows it",
        reason="campaign_damaged",
        out_id=campaign_id,
        argument="campaign_id",
    )


def _discarded(campaign_id: str) -> InvalidArguments:
    return InvalidArguments(
        "another process was planning this campaign too, and discarded it: start it again",
        reason="campaign_not_found",
        out_id=campaign_id,
    )


def _progress(
    campaign_id: str,
    says: str,
    found: dict[str, str],
    codes: dict[str, str],
    err_codes: dict[str, str],
    *,
    interrupted: bool,
    over: bool,
) -> CampaignProgress:
    counts = {name: int(found[name]) for name in ("accepted", "rejected", "not_sent", "unknown")}
    total = int(found["total"])
    delivered, undelivered, unreported = (
        int(found.get(name, 0)) for name in ("delivered", "undelivered", "unreported")
    )
    return CampaignProgress(
        delivered=delivered,
        undelivered=undelivered,
        unreported=counts["accepted"] - delivered - undelivered if over else unreported,
        awaits=not over,
        id=campaign_id,
        name=found["name"],
        element=found["element"],
        template=json.loads(found["job"])["verifyTemplateCode"],
        state=_state(found, says),
        reason=", and ".join(filter(None, (found["paused"], _INTERRUPTED if interrupted else ""))),
        interrupted=interrupted,
        total=total,
        pending=total - sum(counts.values()),
        invalid=int(found["invalid"]),
        duplicates=int(found["duplicates"]),
        blank=int(found.get("blank", 0)),
        countries=_countries(found),
        by_code={code: int(number) for code, number in sorted(codes.items())},
        by_err_code={code: int(number) for code, number in sorted(err_codes.items())},
        chunks=int(found["chunks"]),
        halved=int(found["halved"]),
        starts_ms=int(found["at"]) or None,
        promotional=found["promotional"] == "1",
        created_ms=int(found["created"]),
        ended_ms=int(found["ended"]) if "ended" in found else None,
        **counts,
    )


def _countries(found: dict[str, str]) -> dict[str, int]:
    counts = {
        name.removeprefix("country:"): int(count)
        for name, count in found.items()
        if name.startswith("country:")
    }
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _state(found: dict[str, str], says: str) -> State:
    if found["state"] in ("cancelled", "finished"):
        return cast("State", found["state"])
    if found["paused"]:
        return "paused"
    if found["state"] == "planning":
        return "planning"
    return "running" if says == "go" else "scheduled"
