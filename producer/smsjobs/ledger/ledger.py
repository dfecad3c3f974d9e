"""The ledger: the truth about every job. Each step is one atomic script and one round trip.

A repeated step finds its own trace and answers as it did the first time. So a caller whose answer was lost may
simply call again.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, cast

from redis.exceptions import RedisError, ResponseError

from smsjobs.contract import (
    STATUSES,
    IdempotencyConflict,
    InvalidArguments,
    JobRecord,
    element_tag,
    encode_job,
    is_job_id,
    lane,
    pack_numbers,
    read_traceparent,
    recipient_digests,
)
from smsjobs.ledger.damage import EntryDamaged, tell_set_aside
from smsjobs.ledger.entry import Recorded, Snapshot
from smsjobs.ledger.outcome_text import write_outcome
from smsjobs.ledger.places import Places
from smsjobs.redis_store import ELEMENTS, RedisClock, Scripts, is_transient, is_wrong_type, key

if TYPE_CHECKING:
    from redis import Redis

    from smsjobs.ledger.claims import Awaited, Claim, Due, Settlement, Wait
    from smsjobs.ledger.tries import Try
    from smsjobs.redis_store import Seal

__all__ = ["DEFAULT_RETENTION_S", "DEFAULT_RETRYABLE_S", "Ledger"]

T = TypeVar("T")

#: Seconds for which an outcome is kept, with its ids and counts: 3 days.
DEFAULT_RETENTION_S: Final = 3 * 24 * 3600.0

#: Seconds for which the payload of a job is kept that was rejected or not sent: 1 day.
DEFAULT_RETRYABLE_S: Final = 24 * 3600.0

#: Seconds until the sweep repeats what it could not finish, such as a settlement or a stored result.
_REPEAT_S: Final = 10.0

#: Characters of the ids of all tasks that follow one job. They are some 1,700 Celery task ids.
_MOST_FOLLOWERS: Final = 64_000

#: The most chunks of one campaign that are jobs at the same time. Many workers need a second to send them.
_FEED: Final = 500


class Ledger:
    """The record in Redis, with one entry for each job.

    Args:
        redis: A client with ``decode_responses=True`` that does not repeat writes, such as `connect_redis` makes.
        retention_s: Seconds for which an outcome is kept.
        retryable_s: Seconds for which the payload of a job is kept that was rejected or not sent, so that it can be
            sent again.
        seal: Seals jobs before they are written. With None they are written unencrypted.
        clock: Returns the time in seconds since 1970, for tests. Without it, Redis's own clock is used.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        retention_s: float = DEFAULT_RETENTION_S,
        retryable_s: float = DEFAULT_RETRYABLE_S,
        seal: Seal | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.redis = redis
        self.retention_s = retention_s
        # Without its entry, nobody would find it.
        self.retryable_s = min(retryable_s, retention_s)
        self.seal = seal
        self._clock = clock
        self._redis_clock = RedisClock(redis)
        self._places = Places(redis)
        self._scripts = Scripts("ledger", clock=clock)

    def __repr__(self) -> str:
        return "<Ledger>"

    def record(self, job: JobRecord, *, asked_at_s: float | None = None) -> Recorded:
        """Record a new job, in one step with its idempotency key.

        Args:
            asked_at_s: The `time.time()` from which `expires` counts, even if Redis hears of the job much later.
                Without it, `expires` counts from the recording.

        Raises:
            IdempotencyConflict: The key or the id belongs to a job with another payload, or the id to a job of another
                element.
            InvalidArguments: What is under the key is damaged.
            EntryDamaged: What is under the id is damaged.
        """
        tag = self._places.prepare(job, keep_s=self.retention_s)
        key_digest, digest = _idempotency(job)
        # The key itself is not written to Redis: it may name a user, and it is the secret of the payload's digest.
        text = json.dumps(encode_job(job) | {"idempotency_key": None}, ensure_ascii=False)
        latest_ms = 0 if asked_at_s is None else self._redis_clock.ms(asked_at_s + job.expires_s)
        begun_s = time.time()
        keys = _keys(tag, job.id)
        status, job_id, now_ms = self._run(
            "record",
            keys | {"key": key(tag, "key", key_digest)} if key_digest else keys,
            (job.traceparent,) if job.traceparent else (),
            id=job.id,
            record=self.seal.close(text) if self.seal else text,
            lane=job.lane,
            element=job.element,
            digest=digest,
            payload=_payload_mark(job, self.seal),
            recipients=recipient_digests(job.id, job.message.phones),
            expires=_ms(job.expires_s),
            countdown=_ms(job.countdown_s),
            requeue=_ms(lane(job.lane).requeue_s),
            latest=latest_ms,
        )
        self._redis_clock.learn(int(now_ms), asked_at_s=begun_s)
        if status == "conflict" and job_id == job.id:
            raise IdempotencyConflict.of_id(job.id)
        if status == "conflict":
            raise IdempotencyConflict(out_id=job_id)
        if status == "damaged_entry":
            raise self._set_aside(job.id, "no state")
        if status == "damaged":
            aside = self._run(
                "set_aside", {"agenda": _agenda(tag)}, kind="held", id=key_digest, problem="not valid"
            )
            tell_set_aside(aside)
            raise InvalidArguments(
                "what the ledger has under this idempotency key is damaged, so it is not known which job has the "
                "key: use another key",
                reason="job_unreadable",
                out_id=job_id,
                argument="idempotency_key",
            )
        return Recorded(job_id=job_id, new=status == "recorded")

    def knows_key(self, job: JobRecord) -> bool:
        """Whether a job has been recorded with this one's idempotency key."""
        if job.idempotency_key is None:
            return False
        return bool(self.redis.exists(key(element_tag(job.element), "key", _idempotency(job)[0])))

    def with_key(self, idempotency_key: str) -> list[str]:
        """The ids of the jobs that were recorded with this idempotency key, one for each element that has one.

        Raises:
            redis.exceptions.RedisError: Redis is unreachable.
        """
        redis: Any = self.redis
        # Not decoded by the client: whatever is damaged says nothing, and hides nothing else.
        elements = redis.execute_command("HGETALL", ELEMENTS, NEVER_DECODE=True)
        pipe = redis.pipeline(transaction=False)
        for tag, name in elements.items():
            digest = _key_digest(name.decode("utf-8", "replace"), idempotency_key)
            pipe.execute_command("GET", key(tag.decode("ascii", "replace"), "key", digest), NEVER_DECODE=True)
        found = [each for each in pipe.execute(raise_on_error=False) if isinstance(each, bytes)]
        ids = [each.decode("ascii", "replace").partition(" ")[0] for each in found]
        return [each for each in ids if is_job_id(each)]

    def claim(self, job_id: str, token: str, *, lease_s: float) -> Claim:
        """Claim a job before any request is made for it.

        Args:
            token: A new random text for every run. A repeated claim uses the same token again.
            lease_s: Seconds until the claim runs out, unless it is renewed.

        Raises:
            EntryDamaged: The entry is damaged, and was set aside. All further steps of one job raise this, too.
        """
        from smsjobs.ledger.claims import read_claim  # noqa: PLC0415  only workers claim

        verb, *rest = self._step("claim", job_id, id=job_id, token=token, lease=_ms(lease_s), member="")
        if verb == "damaged":
            raise self._set_aside(job_id, rest[0])
        return read_claim(job_id, token, verb, rest)

    def write_member(self, job_id: str, token: str, member: str, *, lease_s: float) -> bool:
        """Write down which member of a group makes the next request, in a repetition of the claim.

        Args:
            member: The member's full name.

        Returns:
            False if the claim had run out. Then this holder must not make the request.
        """
        verb, *_ = self._step("claim", job_id, id=job_id, token=token, lease=_ms(lease_s), member=member)
        return bool(verb == "granted")

    def wait(self, job_id: str, token: str, wait: Wait, *, tries: Sequence[Try] = ()) -> bool:
        """Give a claimed job back until it is due.

        Args:
            tries: Those that were made under this claim.

        Returns:
            False if the claim had run out. Then this holder no longer decides about the job.
        """
        (verb,) = self._step(
            "wait",
            job_id,
            id=job_id,
            token=token,
            state=wait.state,
            delay=_ms(wait.delay_s),
            attempts=wait.attempts,
            lost_from=wait.lost_from_ms,
            lost_to=wait.lost_to_ms,
            resent=int(wait.resent),
            cause=wait.reason,
            tries=_text_of(tries),
        )
        return bool(verb == "ok")

    def settle(
        self,
        job_id: str,
        token: str,
        outcome: dict[str, Any],
        *,
        outside_task: bool = False,
        result: tuple[str, str] | None = None,
        halve: bool = False,
        awaited: Awaited | None = None,
        tries: Sequence[Try] = (),
    ) -> Settlement:
        """Write the final outcome, once. This removes the numbers and parameters from the job's entry.

        Those of a job that was rejected or not sent are kept for `retryable_s`, so that it can be sent again.

        Args:
            token: The holder's token, or ``""`` for a job that nobody holds.
            outcome: As `encode_outcome` returns it.
            outside_task: Whether Celery will not store this result. Then the job stays on the agenda until
                `confirm_stored`.
            result: Key and text of Celery's result, if the ledger's Redis is also Celery's result backend. The
                result is stored and announced in the same step.
            halve: Whether the outcome is that of a refused chunk whose halves are to be sent in its place. Then its
                campaign counts theirs.
            awaited: Deliveries that are to be pulled if the job is accepted.
            tries: Those that were made under this claim, if they are to be kept.
        """
        from smsjobs.ledger.claims import Settlement  # noqa: PLC0415  only workers settle

        text = write_outcome(outcome)
        result_key, value = result or (None, "")
        verb, *rest = self._step(
            "settle",
            job_id,
            {"result_key": result_key} if result_key else {},
            id=job_id,
            token=token,
            state=outcome["outcome"],
            outcome=text,
            keep=_ms(self.retention_s),
            store_after=_ms(_REPEAT_S) if outside_task else 0,
            label=_label(outcome),
            attempts=outcome.get("error", outcome).get("attempts", 0),
            kept=self._pull(awaited) if outcome["outcome"] == "accepted" else _ms(self.retryable_s),
            result=value,
            halve=int(halve),
            tries=_text_of(tries),
        )
        if verb == "ok":
            tell_set_aside(rest[1:])
            return Settlement(ours=True, outcome=text, followers=tuple(rest[0].split()))
        if verb == "settled":
            return Settlement(ours=False, outcome=rest[0], followers=tuple(rest[1].split()))
        return Settlement(ours=False, outcome=None)

    def _pull(self, awaited: Awaited | None) -> str:
        if awaited is None:
            return ""
        if not awaited.phones:
            return f"{_ms(awaited.last_s)}"
        numbers = pack_numbers(awaited.phones)
        return f"{_ms(awaited.first_s)} {_ms(awaited.last_s)} {self.seal.close(numbers) if self.seal else numbers}"

    def settle_absent(self, job_id: str, outcome: dict[str, Any]) -> bool:
        """Record an outcome for an id without an entry, such as that of a malformed message.

        Returns:
            False if the id has an entry.
        """
        return bool(
            self._run(
                "settle_absent",
                {"job": key(self._places.of(job_id), "job", job_id)},
                state=outcome["outcome"],
                outcome=write_outcome(outcome),
                keep=_ms(self.retention_s),
            )
        )

    def renew(self, held: Sequence[tuple[str, str]], *, lease_s: float) -> list[bool]:
        """Extend the leases of jobs.

        Args:
            held: Pairs of job id and token.

        Returns:
            For each pair, whether its job is still held.
        """
        still: dict[tuple[str, str], bool] = {}
        by_tag: dict[str, list[tuple[str, str]]] = {}
        for pair in held:
            by_tag.setdefault(self._places.of(pair[0]), []).append(pair)
        for tag, pairs in by_tag.items():
            texts = [text for pair in pairs for text in pair]
            answers = self._run("renew", {"agenda": _agenda(tag)}, texts, lease=_ms(lease_s))
            still |= zip(pairs, map(bool, answers), strict=True)
        return [still[pair] for pair in held]

    def announce(self, elements: Iterable[str]) -> None:
        """Let every sweep look at the jobs of these elements."""
        self._places.announce(elements)

    def sweep(self, *, limit: int = 500) -> list[Due]:
        """Return the jobs that need something done now, each once. The next sweep finds only the remaining ones.

        Args:
            limit: The most jobs of one element. If the answer has this many or more, there may be more.

        Raises:
            redis.exceptions.RedisError: Redis refused it, or a node is unreachable and the others have nothing to do.
        """
        found, failure = self._everywhere(lambda tag: list(self._sweep(tag, limit)))
        due = [each for part in found for each in part]
        if failure and not due:
            raise failure
        return due

    def _sweep(self, tag: str, limit: int) -> Iterable[Due]:
        from smsjobs.ledger.claims import Due  # noqa: PLC0415  only workers sweep

        flat = self._of_element(
            "sweep", tag, most=limit, repeat_after=_ms(_REPEAT_S), keep=_ms(self.retention_s)
        )
        for verb, job_id, lane_name, element, attempts, looks, lost in zip(*[iter(flat)] * 7, strict=True):
            self._places.learn(job_id, tag)
            yield Due(
                verb=cast("Literal['publish', 'requeue', 'expired', 'store']", verb),
                job_id=job_id,
                lane=lane_name,
                element=element,
                attempts=int(attempts),
                looks=int(looks),
                lost=bool(int(lost)),
            )

    def unpublished(self, looks: Iterable[tuple[str, int]]) -> None:
        """Have the next sweep find jobs at once, because their messages could not be published.

        Args:
            looks: Pairs of a job's id and how often the sweep had looked at it before.
        """
        by_tag: dict[str, list[str | int]] = {}
        for job_id, before in looks:
            by_tag.setdefault(self._places.of(job_id), []).extend((job_id, before))
        for tag, pairs in by_tag.items():
            self._run("unpublished", {"agenda": _agenda(tag)}, pairs)

    def feed(self) -> int:
        """Turn chunks of campaigns into jobs, up to the most that may be in progress. The sweep publishes them.

        Returns:
            How many.
        """
        bulk = lane("bulk")
        found, failure = self._everywhere(
            lambda tag: self._of_element(
                "feed",
                tag,
                most=_FEED,
                lane=bulk.name,
                expires=_ms(bulk.expires_s),
                requeue=_ms(bulk.requeue_s),
            )
        )
        if failure and not found:
            raise failure
        return sum(found)

    def _everywhere(self, step: Callable[[str], T]) -> tuple[list[T], RedisError | None]:
        """Return what the step gives for each element, and why it failed for some.

        In a Cluster, a node that is unreachable stops only the elements that it has, and a slot that moves only its own.
        """
        from smsjobs.redis_store import place_of  # noqa: PLC0415  only workers sweep

        found: list[T] = []
        failure: RedisError | None = None
        unreachable: set[str] = set()
        for tag in self._places.tags():
            node = place_of(self.redis, _agenda(tag))
            if node in unreachable:
                continue
            try:
                found.append(step(tag))
            except RedisError as error:
                if not is_transient(error):
                    raise
                failure = error
                if not isinstance(error, ResponseError):
                    unreachable.add(node)
        return found, failure

    def may_be_sent(self, job_id: str) -> bool:
        """Whether a claimed chunk may still be sent. Its campaign may have been paused after the claim."""
        return bool(self._step("may_be_sent", job_id))

    def leave_out(self, job_id: str, token: str, positions: Sequence[int]) -> bool:
        """Note before a request which recipients of a claimed chunk it leaves out. What was noted before is forgotten.

        Args:
            positions: Their places among the chunk's recipients, from 0.

        Returns:
            False if the claim had run out.
        """
        (verb,) = self._step("leave_out", job_id, token=token, positions=" ".join(map(str, positions)))
        return bool(verb == "ok")

    def left_out(self, job_id: str) -> list[int]:
        """What `leave_out` noted last."""
        return [int(each) for each in self._step("left_out", job_id).split()]

    def put_back(
        self, job_id: str, token: str, *, attempts: int, reason: str, tries: Sequence[Try] = ()
    ) -> Literal["ok", "fenced", "settle"]:
        """Pause a campaign because Aliyun refused a claimed chunk of it, and make the chunk pending again.

        Args:
            attempts: Requests made under this claim.
            reason: Why, as a text for people.
            tries: Those that were made under this claim.

        Returns:
            ``"fenced"`` if the claim had run out; ``"settle"`` if the campaign is not running any more.
        """
        (verb,) = self._step(
            "put_back",
            job_id,
            id=job_id,
            token=token,
            attempts=attempts,
            reason=reason,
            tries=_text_of(tries),
        )
        return cast("Literal['ok', 'fenced', 'settle']", verb)

    def confirm_stored(self, job_id: str) -> None:
        """Take the job off the agenda: Celery's result of a settlement outside a task is stored."""
        self.redis.zrem(_agenda(self._places.of(job_id)), job_id)

    def follow(self, job_id: str, task_id: str) -> str | None:
        """Have the outcome stored under one more Celery task id.

        Returns:
            The outcome, if the job is already settled.

        Raises:
            InvalidArguments: So many tasks follow the job already that it has no room for more.
        """
        found = self._step("follow", job_id, task_id=task_id, most=_MOST_FOLLOWERS) or None
        if found == "full":
            raise InvalidArguments.about(
                "idempotency_key",
                f"has too many tasks that wait for its outcome; their ids may have {_MOST_FOLLOWERS} characters in all",
            )
        return cast("str | None", found)

    def remove(self, job: JobRecord) -> None:
        """Remove a job, its idempotency key and its element, as if they had never been: `smsjobs doctor` tried them."""
        tag, (key_digest, _) = element_tag(job.element), _idempotency(job)
        self.redis.zrem(_agenda(tag), job.id)
        self.redis.zrem(key(tag, "failed"), job.id)
        self.redis.delete(_keys(tag, job.id)["job"], key(tag, "retry", job.id))
        if key_digest:
            self.redis.delete(key(tag, "key", key_digest))
        self.redis.hdel(ELEMENTS, tag)

    def read(self, job_id: str) -> Snapshot | None:
        """Return the job as it is now, or None if the ledger has no job with this id."""
        names = ("state", "element", "lane", "attempts", "created", "outcome", "followers")
        try:
            values = self.redis.hmget(key(self._places.of(job_id), "job", job_id), list(names))
            found = dict(zip(names, cast("list[str | None]", values), strict=True))
            if found["state"] is None:
                return None
            return Snapshot(
                job_id=job_id,
                status=_status(found["state"]),
                element=found["element"] or "",
                lane=found["lane"] or "",
                attempts=int(found["attempts"] or 0),
                created_ms=int(found["created"] or 0),
                outcome=found["outcome"],
                followers=tuple((found["followers"] or "").split()),
            )
        except ResponseError as error:
            raise self._damaged(job_id, error) from None
        except ValueError as error:
            raise self._damaged(job_id, error) from None

    def traceparent(self, job_id: str) -> str | None:
        """Return the span that the job's own spans are children of, or None if it is not traced."""
        try:
            found = self.redis.hget(key(self._places.of(job_id), "job", job_id), "trace")
        except (ResponseError, UnicodeDecodeError):  # its own step tells that it is damaged
            return None
        return read_traceparent(found)

    def set_aside(self, job_id: str, problem: str) -> None:
        """Set a job's entry aside: it stays as it is, and no sweep looks at it until it is put back.

        Args:
            problem: What is wrong with it, never what is in it.
        """
        tell_set_aside(
            self._run(
                "set_aside",
                {"agenda": _agenda(self._places.of(job_id))},
                kind="job",
                id=job_id,
                problem=problem,
            )
        )

    def waiting(self) -> int:
        """Return how many jobs are not settled yet."""
        return sum(int(self.redis.zcard(_agenda(tag))) for tag in self._places.tags())

    def overdue(self, seconds: float) -> int:
        """Return how many jobs the sweep should have looked at more than `seconds` ago: none while a worker runs."""
        now = self._clock() if self._clock else self.redis.time()[0]
        before = _ms(now - seconds)
        return sum(int(self.redis.zcount(_agenda(tag), "-inf", before)) for tag in self._places.tags())

    def _step(self, name: str, job_id: str, more: dict[str, str] | None = None, /, **arguments: Any) -> Any:
        """Run a step of one job.

        Raises:
            EntryDamaged: Its entry is damaged, and was set aside.
        """
        try:
            keys = _keys(self._places.of(job_id), job_id) | (more or {})
            return self._run(
                name, {each: keys[each] for each in self._scripts.keys(name) if each in keys}, **arguments
            )
        except (ResponseError, UnicodeDecodeError) as error:
            raise self._damaged(job_id, error) from None

    def _damaged(self, job_id: str, error: Exception) -> Exception:
        """Return what to raise: the error itself, or that the entry is damaged if it says so."""
        if not isinstance(error, ResponseError):
            return self._set_aside(job_id, "not a valid text or number")
        return self._set_aside(job_id, "a key of a wrong type") if is_wrong_type(error) else error

    def _set_aside(self, job_id: str, problem: str) -> EntryDamaged:
        self.set_aside(job_id, problem)
        return EntryDamaged(job_id, problem)

    def _of_element(self, name: str, tag: str, **arguments: Any) -> Any:
        """Run a pass over an element. If a key is damaged that its entries share, the key is set aside first."""
        keys = {"agenda": _agenda(tag)}
        try:
            answer, aside = self._run(name, keys, **arguments)
        except ResponseError as error:
            if not is_wrong_type(error):
                raise
            self.set_keys_aside(tag)
            answer, aside = self._run(name, keys, **arguments)
        tell_set_aside(aside)
        return answer

    def set_keys_aside(self, tag: str) -> bool:
        """Set those keys aside that all entries of an element share, if they are of a wrong type.

        Returns:
            Whether there was one. What needs the key may then be tried again.
        """
        keys = {"agenda": _agenda(tag)}
        aside = self._run("set_keys_aside", keys)
        tell_set_aside(aside)
        if {"key:agenda", "key:pulls:codes", "key:pulls:others"}.intersection(aside):
            self._return("return_to_agenda", keys, key(tag, "job", ""))
        if {"key:campaigns", "key:campaigns:open"}.intersection(aside):
            self._return("return_campaigns", keys, key(tag, "campaign", ""))
        return bool(aside)

    def _return(self, script: str, keys: dict[str, str], prefix: str) -> None:
        names = self.redis.scan_iter(f"{prefix}*", count=1000, _type="hash")
        # A campaign's other keys have a colon after its id.
        found = (name for each in names if is_job_id(name := each.removeprefix(prefix)))
        while batch := list(islice(found, 1000)):
            self._run(script, keys, batch)

    def _run(self, name: str, keys: dict[str, str], rest: Sequence[Any] = (), **arguments: Any) -> Any:
        return self._scripts.run(name, self.redis, keys, rest, **arguments)


def _text_of(tries: Sequence[Try]) -> str:
    if not tries:
        return ""
    from smsjobs.ledger.tries import write_tries  # noqa: PLC0415  only few jobs need a second one

    return write_tries(tries)


def _status(word: str) -> str:
    if word not in STATUSES:
        raise ValueError
    return word


def _agenda(tag: str) -> str:
    return key(tag, "agenda")


def _keys(tag: str, job_id: str) -> dict[str, str]:
    return {"job": key(tag, "job", job_id), "agenda": _agenda(tag)}


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _label(outcome: dict[str, Any]) -> str:
    """Return the label under which a campaign counts the outcome: Aliyun's code, or our reason if there is no code."""
    error = outcome.get("error")
    return "OK" if error is None else str(error.get("aliyun_code") or error["reason"])


def _idempotency(job: JobRecord) -> tuple[str, str]:
    """Return the digest that names the job's idempotency key, and the payload's digest. Without a key both are empty.

    The payload's digest is keyed with the idempotency key, which Redis does not have. A plain hash of a number and a
    six-digit code could be reversed by trying them all.
    """
    if job.idempotency_key is None:
        return "", ""
    secret = job.idempotency_key.encode()
    return _key_digest(job.element, job.idempotency_key), hmac.new(
        secret, _payload(job), hashlib.sha256
    ).hexdigest()


def _key_digest(element: str, idempotency_key: str) -> str:
    return hashlib.sha256(element.encode() + b"\0" + idempotency_key.encode("utf-8", "replace")).hexdigest()


def _payload_mark(job: JobRecord, seal: Seal | None) -> str:
    """Return a text that differs for two payloads under one id. What stands before its colon says how it was made.

    It stays in Redis when the numbers have gone. Without a key to make it with, it has 16 bits: enough to notice a mistake,
    and so few that every number shares it with thousands of others.
    """
    text = job.id.encode() + b"\0" + job.element.encode() + b"\0" + _payload(job)
    return seal.mark(text) if seal else f"short:{hashlib.sha256(text).hexdigest()[:4]}"


def _payload(job: JobRecord) -> bytes:
    message = job.message
    return json.dumps([list(message.phones), dict(message.params), message.template], sort_keys=True).encode()
