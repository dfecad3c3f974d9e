"""The user of Redis that the documentation shows may do all that smsjobs does, and nothing else."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis
from celery.result import AsyncResult

from aliyun_sms_simulator import SimulatorProcess
from smsjobs.contract import LANES
from smsjobs.presence import workers_by_lane
from smsjobs.settings import ConnectionSettings
from smsjobs_worker.process.settings import WorkerSettings
from smsjobs_worker.watching.doctor import Finding, examine
from support.redis_server import RedisServer
from support.stage import Stage, count

_PAGE = Path(__file__).parents[3] / "docs/configuration.md"


def documented() -> list[str]:
    """The words of the documentation's ACL SETUSER."""
    found = re.search(r"^ACL SETUSER (smsjobs [^`]+)```", _PAGE.read_text("utf-8"), re.MULTILINE)
    assert found
    return found[1].replace("\\\n", " ").split()


class Limited:
    """A Redis whose address is that of a user with few rights.

    Args:
        server: The server.
        words: What follows ``ACL SETUSER``.
    """

    def __init__(self, server: RedisServer, words: list[str]) -> None:
        self._server = server
        with server.client() as admin:
            admin.execute_command("ACL", "SETUSER", *words, ">secret")
        self.url = f"redis://{words[0]}:secret@127.0.0.1:{urlsplit(server.url).port}/0"

    def client(self) -> "redis.Redis":
        """The administrator's client."""
        return self._server.client()

    def denied(self) -> set[str]:
        """What was refused: commands and keys."""
        with self.client() as admin:
            return {f"{each['reason']} {each['object']}" for each in admin.acl_log(count=1000)}


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    """A server of its own, for its users."""
    with RedisServer() as running:
        yield running


def findings(url: str, app_dir: Path) -> list[Finding]:
    """What the doctor finds."""
    connection = ConnectionSettings.read(environ={"SMS_BROKER_URL": url})
    return list(examine(WorkerSettings(connection=connection, app_dir=app_dir, lanes=LANES)))


def test_all_is_possible(server: RedisServer, simulator_process: SimulatorProcess) -> None:
    """With the documented rights jobs, results, campaigns, codes, limits and questions work, and Redis refuses nothing."""
    limited = Limited(server, documented())
    with Stage(limited, simulator_process) as stage:
        name = stage.write(maxQps=50)
        with stage.worker(SMS_CODE_SECRET="0123456789abcdef0123456789abcdef") as worker:
            jobs = [stage.send(name, lane=each, idempotency_key=f"key-{each}") for each in LANES]
            found = count(stage, jobs)
            assert found.outcomes == {"accepted": 3}
            assert AsyncResult(jobs[0].id, app=stage.celery).get(timeout=10)
            assert workers_by_lane(limited.url) == dict.fromkeys(LANES, 1)
            campaign = stage.sms.getElement(name).campaign(
                "spring", recipients=[{"phone": "13800138555"}], verifyTemplateCode="SMS_123456789"
            )
            assert campaign.wait(timeout=30).accepted == 1
            told = findings(limited.url, stage.app_dir)
            worker.stop()
        assert {each.text for each in told if each.verdict == "bad"} == set()
        # The first is the doctor's, and by the second redis-py only gives its name.
        assert {each.partition("|")[0] for each in limited.denied()} <= {"command config", "command client"}


def test_other_keys_and_commands_are_refused(server: RedisServer) -> None:
    """That user reads no other application's keys, and changes nothing of the server."""
    client = redis.Redis.from_url(Limited(server, documented()).url)
    for command in (("GET", "other"), ("FLUSHALL",), ("CONFIG", "SET", "maxmemory", "1"), ("KEYS", "*")):
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.execute_command(*command)
    client.close()


@pytest.mark.parametrize(
    ("change", "subject", "verdict", "words"),
    [
        (["-info"], "ledger", "doubtful", "INFO is not permitted"),
        (["resetkeys", "~sms.*", "~_kombu.*", "~unacked*"], "ledger", "bad", "could not be recorded"),
        (["-evalsha"], "ledger", "bad", "could not be recorded"),
        (["resetkeys", "~sms:*", "~celery-task-meta-*"], "broker", "bad", "publish and take messages"),
    ],
)
def test_a_missing_right_is_found(
    server: RedisServer, change: list[str], subject: str, verdict: str, words: str, tmp_path: Path
) -> None:
    """A right without which no job can be recorded or published is bad; one that only the doctor wants is a doubt."""
    limited = Limited(server, [f"user-{len(change)}{change[0]}{verdict}", *documented()[1:], *change])
    (found,) = [each for each in findings(limited.url, tmp_path) if words in each.text]
    assert (found.subject, found.verdict) == (subject, verdict)
    assert found.hint
