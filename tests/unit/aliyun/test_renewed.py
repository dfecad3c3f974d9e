"""Keys that are renewed, with a source whose answers are the test's."""

import gc
import threading
import weakref

import pytest

from smsjobs_worker.aliyun.credentials.keys import Keys, NoKeys
from smsjobs_worker.aliyun.credentials.renewed import Renewed, next_renewal_s, next_try_s
from smsjobs_worker.provider import NotSent
from support.polling import in_time, until

NOW = 1_780_000_000.0


def keys(name: str, *, expires_at: float | None = NOW + 3600, token: str | None = "example-token") -> Keys:
    return Keys(
        access_key=name,
        access_secret="example-secret",
        security_token=token,
        expires_at=expires_at,
        source="a test",
    )


class Source:
    """Gives what is next; the last one again and again."""

    def __init__(self, *answers: Keys | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[bool] = []
        self.free = threading.Event()
        self.free.set()

    def fetch(self, *, anew: bool) -> Keys:
        """The next answer."""
        self.asked.append(anew)
        self.free.wait(20)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Clock:
    """It stands still, until a test moves it."""

    now = NOW

    def __call__(self) -> float:
        """The time."""
        return self.now


def test_taken_at_once():
    """Keys that are good are fetched once and taken without a wait."""
    source = Source(keys("one"))
    renewed = Renewed(source, clock=Clock())
    assert renewed.take(10).access_key == "one"
    assert renewed.take(0).access_key == "one"
    assert source.asked == [False]


def test_renewal_blocks_nobody():
    """While keys are renewed, and the renewal hangs, those that are good are taken without a wait."""
    source = Source(keys("one"), keys("two"))
    renewed = Renewed(source, clock=Clock())
    renewed.take(10)
    source.free.clear()
    renewed._wake.set()
    until(lambda: len(source.asked) == 2, "the renewal has begun")
    with in_time(1):
        assert renewed.take(10).access_key == "one"
    source.free.set()
    until(lambda: renewed.take(10).access_key == "two", "the new keys are in force")


def test_failed_renewal_keeps_the_keys():
    """A renewal that fails changes nothing while the present keys are good; once they end, nothing is sent."""
    clock = Clock()
    renewed = Renewed(Source(keys("one"), NoKeys("a test: no answer")), clock=clock)
    renewed.take(10)
    renewed._wake.set()
    until(lambda: renewed._failures == 1, "the renewal has failed")
    assert renewed.take(0).access_key == "one"
    clock.now += 3600
    with pytest.raises(NotSent, match="no keys to sign with: a test: no answer") as caught:
        renewed.take(10)
    assert caught.value.reason == "no_credentials"


def test_hanging_source():
    """A source that hangs holds who needs keys for the time that he gives, and who comes later for what is left of it."""
    source = Source(keys("one"))
    source.free.clear()
    renewed = Renewed(source, clock=Clock())
    for longest in (5, 0.3):
        with in_time(longest), pytest.raises(NotSent, match="they did not come in time"):
            renewed.take(0.4)
    source.free.set()
    assert renewed.take(10).access_key == "one"


@pytest.mark.parametrize("failure", [NoKeys("a test: no answer"), RuntimeError("example-secret")])
def test_failing_source(failure):
    """A source that fails is told at once, is left alone for a moment, and heals by itself; no foreign text gets out."""
    source = Source(failure, keys("one"))
    renewed = Renewed(source, clock=Clock())
    for _ in range(3):
        with pytest.raises(NotSent) as caught:
            renewed.take(10)
        assert "example-secret" not in str(caught.value)
    assert source.asked == [False]
    until(lambda: source.asked == [False, True], "the source is asked again, anew")
    assert renewed.take(10).access_key == "one"


def test_refused_keys_are_renewed():
    """Keys that Aliyun refuses are fetched anew before they end, and the others are taken."""
    source = Source(keys("one"), keys("two"))
    renewed = Renewed(source, clock=Clock())
    one = renewed.take(10)
    assert renewed.refused(one)
    assert renewed.refused(one)
    assert renewed.take(10).access_key == "two"
    assert source.asked == [False, True]
    assert renewed.refused(one), "they are not in force any more"


def test_refusal_of_renewed_keys_counts():
    """Keys that came because of a refusal, and are refused too, are not renewed again at once."""
    source = Source(keys("one"), keys("two"))
    renewed = Renewed(source, clock=Clock())
    assert renewed.refused(renewed.take(10))
    assert not renewed.refused(renewed.take(10))
    assert renewed.take(10).access_key == "two"
    assert source.asked == [False, True]


def test_refusal_of_accepted_keys():
    """Renewed keys that were accepted once are renewed again when they are refused."""
    source = Source(keys("one"), keys("two"), keys("three"))
    renewed = Renewed(source, clock=Clock())
    assert renewed.refused(renewed.take(10))
    renewed.accepted(renewed.take(10))
    assert renewed.refused(renewed.take(10))
    assert renewed.take(10).access_key == "three"


def test_refused_token_comes_again():
    """A source that still gives a refused token has no keys: nothing is sent until it has another."""
    source = Source(keys("one"))
    renewed = Renewed(source, clock=Clock())
    assert renewed.refused(renewed.take(10))
    with pytest.raises(NotSent, match="it still gives a token that Aliyun refuses"):
        renewed.take(10)
    source.answers = [keys("two")]
    until(lambda: "two" in [each.access_key for each in taken(renewed)], "the new ones are taken")


def test_refused_lasting_keys_come_again():
    """Lasting keys that are refused, and are still the same, are used again: then Aliyun's refusal is the answer."""
    source = Source(keys("one", token=None, expires_at=None))
    renewed = Renewed(source, clock=Clock())
    one = renewed.take(10)
    assert renewed.refused(one)
    assert renewed.take(10) == one
    assert not renewed.refused(one)


def test_thread_ends_with_it():
    """Keys that nobody has any more are not renewed for ever."""
    renewed = Renewed(Source(keys("one")), clock=Clock())
    renewed.take(10)
    thread, wake, gone = renewed._thread, renewed._wake, weakref.ref(renewed)
    del renewed
    until(lambda: gc.collect() is not None and gone() is None, "nobody has it")
    wake.set()
    thread.join(10)
    assert not thread.is_alive()


def test_after_a_fork():
    """A child process goes on with the keys, and renews them by a thread of its own."""
    source = Source(keys("one"), keys("two"))
    renewed = Renewed(source, clock=Clock())
    renewed.take(10)
    renewed._forget()
    assert renewed.take(0).access_key == "one"
    until(lambda: renewed.take(0).access_key == "two", "its own thread asks")


@pytest.mark.parametrize(
    ("expires_in", "wait"),
    [
        (3600, 600),  # an hour: looked at every ten minutes, though it has time until 2,400
        (900, 600),
        (300, 200),
        (1, 5),
        (None, 600),
    ],
)
def test_next_renewal(expires_in, wait):
    """Keys are fetched again while a third of their time is left, and at least every ten minutes."""
    expires_at = None if expires_in is None else NOW + expires_in
    assert next_renewal_s(keys("one", expires_at=expires_at), NOW) == wait


def test_next_try():
    """After failures in a row the waits double, to half a minute."""
    assert [next_try_s(each) for each in (1, 2, 3, 6, 1000)] == [1, 2, 4, 30, 30]


def test_repr():
    """The repr of keys shows nothing of them."""
    shown = repr(keys("example-key"))
    assert "example" not in shown.replace("a test", "")


def taken(renewed: Renewed) -> list[Keys]:
    try:
        return [renewed.take(1)]
    except NotSent:
        return []
