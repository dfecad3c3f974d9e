"""What lies in Redis."""

import pytest

from smsjobs import connect
from smsjobs.verification import Limit
from support.code_bench import PHONE, SECRET, Bench, RedisBench
from support.contents import contents, shows

CLIENT = "203.0.113.7"


def test_nothing_readable(redis_bench: RedisBench) -> None:
    """Neither a number, nor an address, nor a code stands in what verification keeps."""
    login = redis_bench.verification()
    code = redis_bench.code(login.send(PHONE, CLIENT))
    login.check(PHONE, "1")
    with redis_bench.server.client() as client:
        kept = contents(client, "sms:{*}:code:*")
    assert kept.count("\n") == 3, "code, number, client, purpose"
    for secret in (PHONE, CLIENT, SECRET):
        assert secret not in kept
    assert not shows(kept, code)


def test_nothing_stays(redis_bench: RedisBench) -> None:
    """Every key goes by itself: the code an hour after its life, the counts within a day, the trace of a right check soon."""
    login = redis_bench.verification(ttl=300)
    code = redis_bench.code(login.send(PHONE, CLIENT))
    with redis_bench.server.client() as client:
        kinds = {key: key.split(":")[3] for key in client.scan_iter("sms:{*}:code:*")}
        left = {
            kinds[key] if kinds[key] in ("number", "client", "purpose") else "code": client.ttl(key)
            for key in kinds
        }
    assert set(left) == {"code", "number", "client", "purpose"}
    assert 3890 < left["code"] <= 3900
    # The clock of the test begins at noon in Beijing, where the counts of a day end at midnight.
    assert 24 * 3600 - 10 < left["number"] <= 24 * 3600
    assert all(12 * 3600 - 10 < left[each] <= 12 * 3600 for each in ("client", "purpose"))
    login.check(PHONE, code)
    with redis_bench.server.client() as client:
        left = {client.ttl(key) for key in client.scan_iter("sms:{*}:code:*")}
    assert 0 < min(left) <= 30


def test_salt(bench: Bench) -> None:
    """Each code has a salt of 128 bits of its own, so that none is ever derived twice."""
    login = bench.verification(per_number=Limit())
    salts = []
    real = login._store.issue
    login._store.issue = lambda request: (salts.append(request.salt), real(request))[1]
    for _ in range(50):
        login.check(PHONE, bench.code(login.send(PHONE)))
    assert {len(bytes.fromhex(each)) for each in salts} == {16}
    assert len(set(salts)) == 50


def test_digest_of_the_ledger_is_keyed(redis_bench: RedisBench) -> None:
    """The idempotency key, with which the ledger keys its digest of the code, cannot be told from what Redis holds."""
    login = redis_bench.verification()
    keys = []
    real = redis_bench.element.sendMessage
    redis_bench.element.sendMessage = lambda **message: (
        keys.append(message["idempotency_key"]),
        real(**message),
    )[1]
    login.send(PHONE)
    with redis_bench.server.client() as client:
        kept = contents(client)
    assert keys[0].removeprefix("verification:") not in kept
    assert PHONE not in keys[0]
    other = redis_bench.verification(secret="another secret of thirty-two bytes")
    assert other._keyring.current.send_key("s", 1, "a") != login._keyring.current.send_key("s", 1, "a")


def test_sealed(redis_bench: RedisBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """With SMS_PAYLOAD_KEY set, neither number nor code stands anywhere in Redis while the job waits."""
    from cryptography.fernet import Fernet

    monkeypatch.setenv("SMS_PAYLOAD_KEY", Fernet.generate_key().decode())
    sms = connect(broker_url=redis_bench.server.url)
    seen = []
    element = sms.getElement("SMS.Example")
    real = element.sendMessage
    element.sendMessage = lambda **message: (seen.append(message["params"]["code"]), real(**message))[1]
    element.verification("login", verifyTemplateCode="SMS_1", secret=SECRET).send(PHONE)
    with redis_bench.server.client() as client:
        kept = contents(client)
    sms.close()
    assert "sealed:" in kept
    assert PHONE not in kept
    assert not shows(kept, seen[0])
