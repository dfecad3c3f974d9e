"""Between counting a send and handing it over: nothing is sent twice there, and nobody is locked out."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from smsjobs import QueueUnavailable, RequestFailed, VerificationRefused, connect
from smsjobs.verification import Limit, RedisCodes
from support.code_bench import PHONE, SECRET, Bench, RedisBench
from support.polling import in_time
from support.redis_server import RedisServer


def breaks(bench: Bench, *, after: bool) -> Callable[[], None]:
    """From now on handing over fails, before or after the job was recorded. Returns what mends it."""
    real = bench.element.sendMessage

    def broken(**message: Any) -> Any:
        if after:
            real(**message)
        raise QueueUnavailable

    bench.element.sendMessage = broken

    def mend() -> None:
        bench.element.sendMessage = real

    return mend


@pytest.mark.parametrize("after", [False, True], ids=["not recorded", "recorded"])
@pytest.mark.parametrize("wait_s", [0, 1, 59.9], ids=str)
def test_called_again(bench: Bench, after: bool, wait_s: float) -> None:
    """Calling again after QueueUnavailable is not refused, and leads to one message, also over a minute's boundary."""
    login = bench.verification()
    bench.advance(30)
    mend = breaks(bench, after=after)
    for _ in range(3):
        with pytest.raises(QueueUnavailable):
            login.send(PHONE)
    mend()
    bench.advance(wait_s)
    sent = login.send(PHONE)
    assert list(bench.codes()) == [sent.job.id]
    assert login.check(PHONE, bench.code(sent))


def test_counted_once(bench: Bench) -> None:
    """A send that took several calls uses up one of the allowance."""
    login = bench.verification(per_number=Limit(hour=2))
    mend = breaks(bench, after=False)
    for _ in range(3):
        with pytest.raises(QueueUnavailable):
            login.send(PHONE)
    mend()
    login.send(PHONE)
    login.send(PHONE)
    with pytest.raises(VerificationRefused):
        login.send(PHONE)
    assert len(bench.codes()) == 2


@pytest.mark.parametrize("after", [False, True], ids=["not recorded", "recorded"])
def test_given_up_for_a_minute(bench: Bench, after: bool) -> None:
    """After a minute a send that was never confirmed is over: asking again makes a new message with the same code."""
    login = bench.verification()
    mend = breaks(bench, after=after)
    with pytest.raises(QueueUnavailable):
        login.send(PHONE)
    mend()
    bench.advance(60)
    login.send(PHONE)
    assert len(bench.codes()) == (2 if after else 1)
    assert len(set(bench.codes().values())) == 1


def test_given_up_and_no_allowance_left(bench: Bench) -> None:
    """Where the limits permit no new send, one that was never confirmed is carried out after all."""
    login = bench.verification(per_number=Limit(hour=1))
    mend = breaks(bench, after=False)
    with pytest.raises(QueueUnavailable):
        login.send(PHONE)
    mend()
    bench.advance(100)
    sent = login.send(PHONE)
    assert sent.expires_in == pytest.approx(200, abs=1)
    with pytest.raises(VerificationRefused):
        login.send(PHONE)
    assert list(bench.codes()) == [sent.job.id]


def test_job_lives_as_long_as_its_code(bench: Bench) -> None:
    """A job is of the lane verification and expires with its code: with what is left of it where it is handed over late."""
    login = bench.verification(ttl=300, per_number=Limit(hour=1))
    mend = breaks(bench, after=False)
    with pytest.raises(QueueUnavailable):
        login.send(PHONE)
    mend()
    bench.advance(100)
    handed: list[dict[str, Any]] = []
    real = bench.element.sendMessage
    bench.element.sendMessage = lambda **message: (handed.append(message), real(**message))[1]
    login.send(PHONE)
    login.send("13800138001")
    assert [each["lane"] for each in handed] == ["verification"] * 2
    assert [each["expires"] for each in handed] == pytest.approx([200, 300], abs=1)
    assert handed[0]["expires"] <= 200


def test_confirmed_late(bench: Bench) -> None:
    """A confirmation that comes late confirms its own send only, not one that was made meanwhile."""
    login = bench.verification()
    late = []
    confirm = login._store.confirm
    login._store.confirm = lambda *send: late.append(send)
    login.send(PHONE)
    login._store.confirm = confirm
    bench.advance(60)
    mend = breaks(bench, after=True)
    with pytest.raises(QueueUnavailable):
        login.send(PHONE)
    mend()
    confirm(*late[0])
    login.send(PHONE)
    assert len(bench.codes()) == 2


@pytest.mark.parametrize("after", [False, True], ids=["not recorded", "recorded"])
def test_release_with_another_template(bench: Bench, after: bool) -> None:
    """A send that a release before this one handed over with another template is found, not made again."""
    mend = breaks(bench, after=after)
    with pytest.raises(QueueUnavailable):
        bench.verification(verifyTemplateCode="SMS_1").send(PHONE)
    mend()
    sent = bench.verification(verifyTemplateCode="SMS_2").send(PHONE)
    assert list(bench.codes()) == [sent.job.id]


@pytest.mark.parametrize("held_s", [31, 30, 29.9998])
def test_held_up(bench: Bench, monkeypatch: pytest.MonkeyPatch, held_s: float) -> None:
    """A process that was held up for longer than the code lives, or for all but less than a job can live, hands nothing
    over, and says so.
    """  # noqa: D205  one sentence
    login = bench.verification(ttl=30)
    real = login._store.issue
    begun = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: begun)

    def slow(request: Any) -> Any:
        answer = real(request)
        monkeypatch.setattr(time, "monotonic", lambda: begun + held_s)
        return answer

    monkeypatch.setattr(login._store, "issue", slow)
    with pytest.raises(RequestFailed, match="46003 expired") as caught:
        login.send(PHONE)
    assert caught.value.outcome == "not_sent"
    assert bench.codes() == {}


@pytest.mark.parametrize("when", ["before", "after", "confirm"])
def test_killed(redis_bench: RedisBench, when: str) -> None:
    """A process killed before, after or just behind the hand-over leaves a user who can ask again, and one message."""
    login = redis_bench.verification()

    def die(*_: Any, **__: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    pid = os.fork()
    if pid == 0:
        real = redis_bench.element.sendMessage
        if when == "confirm":
            login._store.confirm = die
        else:
            redis_bench.element.sendMessage = lambda **message: (
                when == "after" and real(**message),
                die(),
            )
        try:
            login.send(PHONE)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    assert len(redis_bench.codes()) == (0 if when == "before" else 1)
    sent = login.send(PHONE)
    assert list(redis_bench.codes()) == [sent.job.id]
    assert login.check(PHONE, redis_bench.code(sent))


@pytest.fixture
def own_server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


def test_redis_unreachable(own_server: RedisServer) -> None:
    """While Redis is unreachable nothing is sent and nothing checked, within the timeout; afterwards all is as it was."""
    sms = connect(broker_url=own_server.url, timeout=0.5)
    # By the minute there is no limit here: the real clock may pass into the next one.
    login = sms.getElement("SMS.Example").verification(
        "login", verifyTemplateCode="SMS_1", secret=SECRET, per_number=Limit(day=1)
    )
    sent = login.send(PHONE)
    own_server.shut_down()
    for call in (lambda: login.send(PHONE), lambda: login.check(PHONE, "000000")):
        with in_time(3), pytest.raises(QueueUnavailable) as caught:
            call()
        assert caught.value.outcome == "not_sent", "counting and checking enqueue nothing"
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__
        assert PHONE not in str(caught.value)
    own_server.restart()
    with pytest.raises(VerificationRefused):
        login.send(PHONE)
    assert login.check(PHONE, "000000").tries_left == 4
    assert sent.job.status() == "queued"
    sms.close()


def test_redis_full(own_server: RedisServer) -> None:
    """While Redis takes no writes nothing is sent, and no try is answered that cannot be counted: not even the right one."""
    sms = connect(broker_url=own_server.url, timeout=0.5)
    element = sms.getElement("SMS.Example")
    login = element.verification("login", verifyTemplateCode="SMS_1", secret=SECRET, per_number=Limit())
    seen = spy(element)
    login.send(PHONE)
    with own_server.client() as client:
        client.config_set("maxmemory", 1)
        for call in (
            lambda: login.send(PHONE),
            lambda: login.check(PHONE, "000000x"),
            lambda: login.check(PHONE, seen[0]),
        ):
            with pytest.raises(QueueUnavailable) as caught:
                call()
            assert PHONE not in str(caught.value)
            assert seen[0] not in str(caught.value)
            assert caught.value.outcome == "not_sent"
            assert caught.value.__cause__ is None, "it would show what Redis was sent"
        client.config_set("maxmemory", 0)
    assert len(seen) == 1
    assert login.check(PHONE, "000000x").tries_left == 4
    assert login.check(PHONE, seen[0])
    sms.close()


def test_redis_fails_over(own_server: RedisServer) -> None:
    """A send and a check that meet a Redis which is a replica for a moment wait for it, and count once."""
    sms = connect(broker_url=own_server.url)
    element = sms.getElement("SMS.Example")
    login = element.verification("login", verifyTemplateCode="SMS_1", secret=SECRET, per_number=Limit(day=1))
    login.check(PHONE, "")  # the scripts are known from here on
    login.send("13800138001")
    seen = spy(element)
    with own_server.client() as client:
        replica = Replica(sms.connection.redis(), client)
        login._store = RedisCodes(lambda: replica, "SMS.Example", timeout_s=5)
        replica.becomes()
        login.send(PHONE)
        replica.becomes()
        assert login.check(PHONE, "000000x").tries_left == 4
        replica.becomes()
        assert login.check(PHONE, seen[0])
        assert replica.refused == 3
    sms.close()


def spy(element: Any) -> list[str]:
    """From now on, the codes that are handed over."""
    seen: list[str] = []
    real = element.sendMessage
    element.sendMessage = lambda **message: (seen.append(message["params"]["code"]), real(**message))[1]
    return seen


class Replica:
    """A client whose Redis is a replica until it has refused a command."""

    def __init__(self, client: Any, admin: Any) -> None:
        self._client, self._admin = client, admin
        self.refused = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def becomes(self) -> None:
        """From now on it refuses writes, until it has refused one."""
        self._admin.replicaof("127.0.0.1", "1")

    def evalsha(self, *args: Any) -> Any:
        """Runs the script."""
        try:
            return self._client.evalsha(*args)
        except ResponseError:
            self.refused += 1
            self._admin.replicaof("NO", "ONE")
            raise


class AnswersLost:
    """A client whose commands arrive, and whose next answers are lost."""

    def __init__(self, client: Any, lost: int = 1) -> None:
        self._client, self._lost = client, lost

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def evalsha(self, *args: Any) -> Any:
        """Runs the script."""
        answer = self._client.evalsha(*args)
        if self._lost:
            self._lost -= 1
            raise RedisConnectionError
        return answer


def test_answers_of_redis_lost(redis_bench: RedisBench) -> None:
    """A step whose answer was lost is repeated and counts once: a send, a wrong try, and the right one."""
    login = redis_bench.verification(per_number=Limit(hour=1), max_checks=3)
    redis = redis_bench.sms.connection.redis()
    login.check(PHONE, "")  # the script is known from here on

    def losing() -> None:
        client = AnswersLost(redis)
        login._store = RedisCodes(lambda: client, "SMS.Example", timeout_s=5, clock=redis_bench.clock)

    login.send(PHONE)
    redis.flushdb()
    losing()
    sent = login.send(PHONE)
    assert list(redis_bench.codes()) == [sent.job.id]
    losing()
    assert login.check(PHONE, "000000x").tries_left == 2
    losing()
    assert login.check(PHONE, redis_bench.code(sent))
    assert login.check(PHONE, redis_bench.code(sent)).status == "none_sent"


def test_confirmation_lost(redis_bench: RedisBench) -> None:
    """Where only the confirmation is lost the send has succeeded, and the next call finds its job."""
    login = redis_bench.verification()
    run = login._store._scripts.run

    def lost(script: str, *more: Any, **arguments: Any) -> Any:
        if script == "confirm":
            raise RedisConnectionError
        return run(script, *more, **arguments)

    login._store._scripts.run = lost
    first = login.send(PHONE)
    login._store._scripts.run = run
    assert login.send(PHONE).job == first.job
    with pytest.raises(VerificationRefused):
        login.send(PHONE)
