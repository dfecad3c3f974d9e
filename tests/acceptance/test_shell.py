"""The installed command ``smsjobs``, run as a user runs it, against real processes."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from smsjobs import SendResult, connect
from smsjobs.contract import encode_outcome
from smsjobs_shell.sandbox.dev import _alone_in
from smsjobs_shell.terminal.failure import CommandFailed
from smsjobs_shell.terminal.screen import width_of
from support.nursery import run, smsjobs
from support.polling import in_time
from support.redis_server import RedisServer

TESTS = Path(__file__).parents[1]
SMSJOBS = str(Path(sys.executable).with_name("smsjobs"))
PHONE = "13800138000"
#: Everything a command starts inherits this variable, which is how what it left behind is found.
MARK = "SMSJOBS_TEST_MARK"

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds processes in /proc")


@pytest.fixture
def mark() -> str:
    return uuid.uuid4().hex


def environment(mark: str = "", **more: str) -> dict[str, str]:
    """Ours, without what the user of this machine has set for smsjobs or Celery."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SMS_", "CELERY_"))}
    return kept | {MARK: mark} | more


def installed(*args: str, env: dict[str, str], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """What the installed command wrote and how it ended, as `smsjobs` gives it for commands that start no process."""
    return subprocess.run(
        [SMSJOBS, *args], env=env, cwd=cwd, capture_output=True, text=True, timeout=60, check=False
    )


def left_behind(mark: str) -> list[str]:
    """The command lines of processes that carry the mark."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() in (each / "environ").read_bytes():
                found.append((each / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue  # it ended meanwhile, or is somebody else's
    return found


def eventually(is_so: Callable[[], bool], within_s: float = 15) -> bool:
    deadline = time.monotonic() + within_s
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@contextmanager
def started(*args: str, env: dict[str, str], cwd: Path) -> Iterator[subprocess.Popen[str]]:
    """A running command in a process group of its own, as a terminal's foreground job is."""
    process = subprocess.Popen(
        [SMSJOBS, *args],
        env=env,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=30)


def read_until(stream: IO[str] | None, text: str) -> str:
    assert stream is not None
    read = ""
    while text not in read:
        line = stream.readline()
        assert line, f"ended before {text!r}: {read}"
        read += line
    return read


def ctrl_c(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGINT)


# demo


def check_demo_left_nothing(mark: str, tmp: Path) -> None:
    assert eventually(lambda: not left_behind(mark)), left_behind(mark)
    assert list(tmp.iterdir()) == []


@pytest.mark.smoke
def test_demo(tmp_path: Path, mark: str) -> None:
    """The demo shows an accepted, a rejected and an unsent message within seconds, and cleans up."""
    # 4 s on a machine that does nothing else.
    with in_time(60, "the demo"):
        done = installed("demo", env=environment(mark, TMPDIR=str(tmp_path)), cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\x1b" not in done.stdout
    assert re.search(r"Verification code +138\*{4}8000 +verification +accepted +- +- +- +1 ", done.stdout)
    assert re.search(r"Notification +138\*{4}8001 \+2 +notification +accepted", done.stdout)
    assert re.search(r" Code +Reason +Aliyun's code +Attempts ", done.stdout)
    assert re.search(r" rejected +46002 +[a-z_]+ +isv\.SMS_TEMPLATE_ILLEGAL +1 ", done.stdout)
    assert re.search(r" not_sent +46003 +(connect_failed|expired) +- +[1-9]", done.stdout)
    assert "张三您好" in done.stdout
    assert "1380013" not in done.stdout
    assert done.stderr == ""
    check_demo_left_nothing(mark, tmp_path)


def test_demo_as_json(tmp_path: Path, mark: str) -> None:
    """With --json the demo is one document with the outcomes, and every number in it is masked."""
    done = installed("demo", "--json", env=environment(mark, TMPDIR=str(tmp_path)), cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads(done.stdout)
    assert document["ok"] is True
    assert [(each["outcome"], each["code"]) for each in document["messages"]] == [
        ("accepted", None),
        ("accepted", None),
        ("rejected", 46002),
        ("not_sent", 46003),
    ]
    assert document["messages"][2]["aliyun_code"] == "isv.SMS_TEMPLATE_ILLEGAL"
    assert "." not in document["messages"][2]["reason"]
    assert document["messages"][1]["to"] == ["138****8001", "138****8002", "138****8003"]
    assert "1380013" not in done.stdout
    assert done.stderr == ""


def test_demo_compare(tmp_path: Path, mark: str) -> None:
    """A lost answer costs a plain Celery task six texts and smsjobs one, as 80 columns and as --json show it."""
    elsewhere = {"CELERY_BROKER_URL": "redis://127.0.0.1:1", "CELERY_CONFIG_MODULE": "of_another_application"}
    env = environment(mark, TMPDIR=str(tmp_path), **elsewhere)
    # Both at once: most of their time is the task's waiting between its retries.
    with started("demo", "--compare", "--json", env=env, cwd=tmp_path) as as_json:
        shown = installed("demo", "--compare", env=env, cwd=tmp_path)
        stdout, stderr = as_json.communicate(timeout=30)
    assert (shown.returncode, as_json.returncode) == (0, 0), shown.stdout + shown.stderr + stdout + stderr
    table = re.findall(r"^(.*?) {2,}(\d+) +(\d+) +(\d+) +(\w+) +[\d.]+ s$", shown.stdout, re.MULTILINE)
    assert table == [
        ("a plain Celery task", "6", "6", "0", "FAILURE"),
        ("smsjobs", "1", "1", "1", "accepted"),
    ]
    assert re.search(
        r"8000, sent by a plain.*\n( {6}.*123456.*\n){6} .*8001, sent by smsjobs\n( {6}.*\n)\n", shown.stdout
    )
    assert all(width_of(line) <= 80 for line in shown.stdout.splitlines() if "/" not in line)
    document = json.loads(stdout)
    told = [(each["by"], len(each["texts"]), each["outcome"]) for each in document["compared"]]
    assert told == [("celery", 6, "FAILURE"), ("smsjobs", 1, "accepted")]
    assert "1380013" not in shown.stdout + stdout
    assert (shown.stderr, stderr) == ("", "")
    check_demo_left_nothing(mark, tmp_path)


@pytest.mark.parametrize(
    ("options", "moment"), [([], "Starting"), ([], "Sending"), (["--compare"], "Sending")]
)
def test_demo_interrupted(options: list[str], moment: str, tmp_path: Path, mark: str) -> None:
    """Ctrl-C ends the demo with status 130, no traceback, no process and no file left."""
    with started("demo", *options, env=environment(mark, TMPDIR=str(tmp_path)), cwd=tmp_path) as process:
        read_until(process.stdout, moment)
        ctrl_c(process)
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in stderr
    assert "Interrupted." in stderr
    check_demo_left_nothing(mark, tmp_path)


def test_demo_told_to_stop(tmp_path: Path, mark: str) -> None:
    """SIGTERM, as a supervisor sends it, leaves no process and no file either."""
    with started("demo", env=environment(mark, TMPDIR=str(tmp_path)), cwd=tmp_path) as process:
        read_until(process.stdout, "Sending")
        process.terminate()
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in stderr
    check_demo_left_nothing(mark, tmp_path)


def test_demo_on_a_terminal(tmp_path: Path) -> None:
    """On a terminal of 80 columns the demo's table fits, colours and all."""
    pytest.importorskip("rich")
    ours, its = pty.openpty()
    env = environment(TMPDIR=str(tmp_path), TERM="xterm-256color", COLUMNS="80", LINES="40")
    process = subprocess.Popen([SMSJOBS, "demo"], env=env, cwd=tmp_path, stdin=its, stdout=its, stderr=its)
    os.close(its)
    written = b""
    try:
        while chunk := os.read(ours, 4096):
            written += chunk
    except OSError:
        pass  # how Linux tells that the other side is closed
    os.close(ours)
    assert process.wait(30) == 0
    text = written.decode()
    assert "\x1b[32maccepted" in text
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).splitlines()
    table = shown[next(n for n, line in enumerate(shown) if "Attempts" in line) :]
    assert any(" bulk " in line for line in table)
    assert any("Aliyun's code" in line for line in table)
    assert any(re.search(r" isv\.SMS_TEMPLATE_ILLEGAL ", line) for line in table)
    assert all(len(line.rstrip()) <= 80 for line in table)


# dev, and what a user does beside it


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment that a running `smsjobs dev` tells its user to export; in the end SIGTERM stops it in order."""
    directory = tmp_path_factory.mktemp("dev")
    command = ("dev", "--single", "--simulator-port", "0", "--json")
    mark = uuid.uuid4().hex
    with started(*command, env=environment(mark), cwd=directory) as process:
        document = json.loads(read_until(process.stdout, "\n}\n"))
        yield environment(**document["environment"])
        # SIGTERM, as a supervisor sends it, ends it with its own status.
        process.terminate()
        process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    # Nothing of it is left but its Redis, if a test of this process has used that too.
    assert eventually(lambda: not any("keeper.py" not in each for each in left_behind(mark))), left_behind(
        mark
    )


@pytest.fixture(scope="module")
def dev_url(dev: dict[str, str]) -> str:
    """The URL of its Redis, as a plain Celery client asks for it."""
    ask = [sys.executable, "-m", "smsjobs.embedded"]
    return subprocess.run(ask, env=dev, capture_output=True, text=True, check=True).stdout.strip()


SEND = ("send", "--element", "SMS.YourSmsName", "--template", "SMS_100000001")


@pytest.mark.smoke
def test_send_accepted(dev: dict[str, str]) -> None:
    """A message that Aliyun accepts ends with status 0, and nothing that was typed is repeated."""
    done = installed(*SEND, "--param", "code=654321", "--lane", "verification", PHONE, env=dev)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^status +accepted$", done.stdout, re.MULTILINE)
    assert re.search(r"^lane +verification$", done.stdout, re.MULTILINE)
    assert PHONE not in done.stdout + done.stderr
    assert "654321" not in done.stdout + done.stderr
    assert "\x1b" not in done.stdout


def test_send_and_status_as_json(dev: dict[str, str]) -> None:
    """`send --json` and `status --json` give the same document, and it is all there is."""
    sent = smsjobs(*SEND, "--param", "name=张三", PHONE, "13800138001", "--json", env=dev)
    assert sent.returncode == 0, sent.stdout + sent.stderr
    document = json.loads(sent.stdout)
    assert (document["status"], document["outcome"]["attempts"]) == ("accepted", 1)
    asked = smsjobs("status", "--json", document["id"], env=dev)
    assert json.loads(asked.stdout) == document
    assert (sent.stderr, asked.stderr) == ("", "")


def test_send_rejected(dev: dict[str, str]) -> None:
    """A message that Aliyun refuses ends with status 1, 46002, Aliyun's code and advice."""
    done = smsjobs(*SEND[:-1], "NO_TEMPLATE", PHONE, env=dev)
    assert done.returncode == 1
    assert re.search(r"^code +46002$", done.stdout, re.MULTILINE)
    assert re.search(r"^reason +[a-z_]+$", done.stdout, re.MULTILINE)
    assert re.search(r"^Aliyun's code +isv\.SMS_TEMPLATE_ILLEGAL$", done.stdout, re.MULTILINE)
    assert re.search(r"^advice ", done.stdout, re.MULTILINE)


def test_send_to_no_element(dev: dict[str, str]) -> None:
    """An element that no worker knows ends with status 1 and 46001."""
    done = smsjobs("send", "--element", "SMS.Nowhere", "--template", "SMS_1", PHONE, "--json", env=dev)
    assert done.returncode == 1
    error = json.loads(done.stdout)["outcome"]["error"]
    assert (error["code"], error["reason"]) == (46001, "element_not_found")


def test_send_without_waiting(dev: dict[str, str]) -> None:
    """`--no-wait` only enqueues and ends with status 0; `status --wait` has the outcome."""
    sent = smsjobs(*SEND, "--param", "code=1234", PHONE, "--no-wait", "--json", env=dev)
    assert sent.returncode == 0
    asked = smsjobs("status", "--wait", "--timeout", "20", json.loads(sent.stdout)["id"], env=dev)
    assert asked.returncode == 0
    assert re.search(r"^status +accepted$", asked.stdout, re.MULTILINE)


def test_same_key_same_job(dev: dict[str, str]) -> None:
    """The same `--key` gives the same job back, and another payload under it is bad usage."""
    key = uuid.uuid4().hex
    same = (*SEND, "--key", key, "--json", PHONE)
    first, second = (smsjobs(*same, "--param", "code=1234", env=dev) for _ in range(2))
    assert json.loads(first.stdout)["id"] == json.loads(second.stdout)["id"]
    other = smsjobs(*same, "--param", "code=4321", env=dev)
    assert other.returncode == 2
    assert json.loads(other.stdout)["error"]["reason"] == "idempotency_conflict"


def test_status_of_no_job(dev: dict[str, str]) -> None:
    """A job that nobody knows is an error with our code, at once, waited for or not."""
    for more in ((), ("--wait",)):
        done = smsjobs("status", "no-such-job", "--json", *more, env=dev)
        assert done.returncode == 1
        assert json.loads(done.stdout)["error"]["reason"] == "job_not_found"


@pytest.mark.smoke
def test_elements(dev: dict[str, str], tmp_path: Path) -> None:
    """The elements of an app are listed, and the command fails when one does not load."""
    listed = smsjobs("elements", "--check", env=dev)
    assert listed.returncode == 0, listed.stdout + listed.stderr
    assert re.search(
        r"^SMS\.YourSmsName +示例短信 +SMS\.Aliyun → SMS\.Meta +ok$", listed.stdout, re.MULTILINE
    )
    broken = tmp_path / "SMS" / "Broken"
    broken.mkdir(parents=True)
    (broken / "e.json").write_text('{"title": "x", "type": "SMS.Aliyun"}')
    (broken / "sms.json").write_text('{"accessKey": "k", "accessSecret": "surely-a-secret"}')
    checked = smsjobs("elements", "--app", str(tmp_path), env=dev)
    assert checked.returncode == 1
    assert re.search(r"^SMS\.Broken .* problem$", checked.stdout, re.MULTILINE)
    assert "SMS/Broken/sms.json, key verifySign" in checked.stdout
    assert "hint: " in checked.stdout
    assert "surely-a-secret" not in checked.stdout + checked.stderr


def test_no_worker(redis_url: str) -> None:
    """Without a worker, waiting ends in time with status 1, and says so, and that the job continues."""
    env = environment(SMS_BROKER_URL=redis_url)
    done = smsjobs(*SEND, "--wait", "0.2", PHONE, env=env)
    assert done.returncode == 1
    assert re.search(r"^status +queued$", done.stdout, re.MULTILINE)
    assert "No worker of the lane notification answers" in done.stdout
    assert "celery -A smsjobs_worker worker -Q sms.notification" in done.stdout
    assert "The job continues; see it with:\n  smsjobs status --wait" in done.stdout
    job = re.search(r"^job +(\S+)$", done.stdout, re.MULTILINE)
    assert job is not None
    assert smsjobs("status", job[1], env=env).returncode == 0
    again = smsjobs("status", "--wait", "--timeout", "0.1", "--json", job[1], env=env)
    assert again.returncode == 1
    assert json.loads(again.stdout)["workers"] == 0


def test_interrupted_send(redis_url: str, tmp_path: Path) -> None:
    """Ctrl-C while `send` waits tells the job's id and how to see it again; the job is still there."""
    env = environment(SMS_BROKER_URL=redis_url, PYTHONUNBUFFERED="1")
    with started(*SEND, "--wait", "60", PHONE, env=env, cwd=tmp_path) as process:
        read_until(process.stdout, "Waiting")
        ctrl_c(process)
        stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    job = re.search(r"^job +(\S+)$", stdout, re.MULTILINE)
    assert job is not None
    assert f"The job continues; see it with:\n  smsjobs status --wait {job[1]}\n" in stdout
    assert stderr.strip() == "Interrupted."
    assert smsjobs("status", job[1], env=env).returncode == 0


def test_redis_goes_away_while_send_waits(tmp_path: Path) -> None:
    """A wait that is cut short by Redis tells the job's id, and that the job continues."""
    with RedisServer() as redis:
        env = environment(SMS_BROKER_URL=redis.url, SMS_TIMEOUT="0.5", PYTHONUNBUFFERED="1")
        with started(*SEND, "--wait", "60", PHONE, env=env, cwd=tmp_path) as process:
            read_until(process.stdout, "Waiting")
            redis.kill()
            stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 1
    job = re.search(r"^job +(\S+)$", stdout, re.MULTILINE)
    assert job is not None
    assert f"The job continues; see it with:\n  smsjobs status --wait {job[1]}\n" in stdout
    assert "Redis is unreachable" in stderr


def test_interrupted_campaign(redis_url: str, tmp_path: Path) -> None:
    """Ctrl-C while a campaign is watched tells its id, that it continues, and how to see it again and hold it."""
    (tmp_path / "people.csv").write_text(f"phone\n{PHONE}\n")
    env = environment(SMS_BROKER_URL=redis_url, PYTHONUNBUFFERED="1")
    message = ("--element", "SMS.YourSmsName", "--template", "SMS_1", "--watch")
    with started("campaign", "start", "people.csv", *message, env=env, cwd=tmp_path) as process:
        told = read_until(process.stdout, "campaign ")
        ctrl_c(process)
        stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    campaign = re.search(r"^campaign +(people-\w+)$", told, re.MULTILINE)
    assert campaign is not None
    assert "The campaign continues" in stdout
    assert f"  smsjobs campaign status --watch {campaign[1]}\n" in stdout
    assert f"  smsjobs campaign pause {campaign[1]}\n" in stdout
    assert stderr.strip() == "Interrupted."
    document = json.loads(smsjobs("campaign", "status", "--json", campaign[1], env=env).stdout)
    assert (document["state"], document["pending"]) == ("running", 1)


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_report_that_cannot_be_written(more: tuple[str, ...], redis_url: str, tmp_path: Path) -> None:
    """A report that cannot be written is an error with its cause, and one of no campaign touches no file."""
    (tmp_path / "people.csv").write_text(f"phone\n{PHONE}\n")
    env = environment(SMS_BROKER_URL=redis_url)
    message = ("--element", "SMS.YourSmsName", "--template", "SMS_1", "--json")
    started = smsjobs("campaign", "start", "people.csv", *message, env=env, cwd=tmp_path)
    report = ("campaign", "report", *more, "-o")
    nowhere = smsjobs(*report, "nowhere/x.csv", json.loads(started.stdout)["id"], env=env, cwd=tmp_path)
    assert nowhere.returncode == 1
    assert "No such file or directory" in (nowhere.stdout if more else nowhere.stderr)
    assert "Traceback" not in nowhere.stderr
    if more:
        assert json.loads(nowhere.stdout)["error"]["reason"] == "not_written"
    assert smsjobs(*report, "new.csv", "no-such-campaign", env=env, cwd=tmp_path).returncode == 1
    assert not (tmp_path / "new.csv").exists()


@pytest.mark.parametrize(
    "page",
    ["README.md", "docs/start.md", "docs/verification.md", "docs/campaigns.md", "docs/contract.md"],
)
def test_the_first_example_of_a_page_runs_beside_dev(
    page: str, dev: dict[str, str], dev_url: str, tmp_path: Path
) -> None:
    """With the settings that `dev` prints, the first Python block of each page runs as it stands."""
    text = (Path(__file__).parents[2] / page).read_text("utf-8")
    block = text.partition("```python\n")[2].partition("```")[0]
    (tmp_path / "people.csv").write_text(f"phone,name\n{PHONE},张三\n", "utf-8")
    urls = {"CELERY_BROKER_URL": dev_url, "CELERY_RESULT_BACKEND": dev_url}
    done = run("support.script", block, env=dev | urls | {"PYTHONPATH": str(TESTS)}, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def exported_by(told: str) -> dict[str, str]:
    """What a shell exports that runs the line which begins with `eval`."""
    (line,) = re.findall(r"^ +(eval .+)$", told, re.MULTILINE)
    script = f"{line}\nenv -0"
    run = subprocess.run(
        ["sh", "-eu", "-c", script], env={"PATH": os.environ["PATH"]}, capture_output=True, check=True
    )
    found = dict(each.split("=", 1) for each in run.stdout.decode().split("\0") if each)
    return {name: value for name, value in found.items() if name.startswith("SMS_")}


@pytest.mark.smoke
def test_dev_shows_messages(tmp_path: Path, mark: str) -> None:
    """`dev` prints what to export, shows each accepted message with its number masked, and ends on Ctrl-C."""
    shop = tmp_path / "my shop's"
    shop.mkdir()
    with started("dev", "--simulator-port", "0", env=environment(mark), cwd=shop) as process:
        told = read_until(process.stdout, "Ctrl-C")
        exported = exported_by(told)
        assert exported["SMS_EMBEDDED_DIR"] == str(shop / ".smsjobs")
        assert set(exported) == {
            "SMS_BROKER_URL",
            "SMS_EMBEDDED_DIR",
            "SMS_APP",
            "SMS_SIMULATOR_URL",
            "SMS_INBOX_URL",
            "SMS_CODE_SECRET",
        }
        assert (shop / ".smsjobs" / "env").stat().st_mode & 0o077 == 0
        assert re.search(r"^Workers +verification, notification, bulk$", told, re.MULTILINE)
        env = environment(**exported)
        sent = smsjobs(*SEND, "--param", "name=张三", "--lane", "bulk", PHONE, "13800138001", env=env)
        assert sent.returncode == 0, sent.stdout + sent.stderr
        shown = read_until(process.stdout, "张三")
        assert "138****8000 +1" in shown
        ctrl_c(process)
        rest, stderr = process.communicate(timeout=30)
    assert process.returncode == 0
    assert rest.endswith("\nEverything is stopped.\n")
    assert stderr == ""
    assert PHONE not in told.partition("Ctrl-C")[2] + shown + rest
    assert eventually(lambda: not left_behind(mark)), left_behind(mark)
    assert (shop / ".smsjobs" / "app" / "SMS" / "YourSmsName" / "sms.json").exists()


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"]
)
def test_dev_that_is_not_up_yet(number: int, status: int, tmp_path: Path, mark: str) -> None:
    """Ended while it starts, `dev` was of no use to anybody, and its status says so."""
    command = ("dev", "--single", "--simulator-port", "0")
    with started(*command, env=environment(mark), cwd=tmp_path) as process:
        read_until(process.stdout, "Starting")
        os.killpg(process.pid, number)
        process.communicate(timeout=30)
    assert process.returncode == status
    assert eventually(lambda: not left_behind(mark)), left_behind(mark)


@pytest.mark.parametrize("victim", ["inbox", "all worker"])
def test_dev_ends_with_a_child(victim: str, tmp_path: Path, mark: str) -> None:
    """A child that dies is named, and ends `dev` with status 1 and everything else stopped."""
    command = ("dev", "--single", "--simulator-port", "0", "--json")
    with started(*command, env=environment(mark), cwd=tmp_path) as process:
        document: dict[str, Any] = json.loads(read_until(process.stdout, "\n}\n"))
        os.kill(document["processes"][victim], signal.SIGKILL)
        stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 1
    assert stdout == ""
    assert f"{victim} ended by signal 9" in stderr
    assert eventually(lambda: not left_behind(mark)), left_behind(mark)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no kernel ends the children of who was killed")
def test_dev_that_was_killed_leaves_nothing(tmp_path: Path, mark: str) -> None:
    """Simulator, workers and Redis of a `dev` that was killed end with it."""
    command = ("dev", "--single", "--simulator-port", "0", "--json")
    with started(*command, env=environment(mark), cwd=tmp_path) as process:
        read_until(process.stdout, "\n}\n")
        process.kill()
        process.wait(30)
        assert eventually(lambda: not left_behind(mark)), left_behind(mark)


def test_dev_is_alone_in_its_directory(dev: dict[str, str]) -> None:
    """A second `dev` in the same directory is refused at once, and the first one continues."""
    done = installed("dev", "--simulator-port", "0", "--json", env=dev)
    assert done.returncode == 1
    error = json.loads(done.stdout)["error"]
    assert error["reason"] == "already_running"
    assert dev["SMS_EMBEDDED_DIR"] in error["message"]
    assert smsjobs(*SEND, PHONE, env=dev).returncode == 0


def test_dev_that_was_killed_is_out_of_the_way(tmp_path: Path) -> None:
    """The lock of a `dev` that was killed ends with it."""
    hold = "import sys, time; from smsjobs_shell.sandbox.dev import _alone_in; from pathlib import Path\nwith _alone_in(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:
        read_until(process.stdout, "held")
        with pytest.raises(CommandFailed, match="another smsjobs dev runs"), _alone_in(tmp_path):
            pass
        process.kill()
        process.wait(30)
    with _alone_in(tmp_path):
        pass


def test_dev_refuses_broken_elements(tmp_path: Path, mark: str) -> None:
    """`dev` does not start workers that would refuse to start, and says how to find out why."""
    (tmp_path / "SMS" / "Broken").mkdir(parents=True)
    (tmp_path / "SMS" / "Broken" / "e.json").write_text('{"title": "x", "type": "SMS.Nowhere"}')
    command = ("dev", "--app", ".", "--simulator-port", "0", "--json")
    done = installed(*command, env=environment(mark), cwd=tmp_path)
    assert done.returncode == 1
    error = json.loads(done.stdout)["error"]
    assert error["reason"] == "element_invalid"
    assert "SMS.Broken" in error["message"]
    assert eventually(lambda: not left_behind(mark)), left_behind(mark)


# simulator


@pytest.mark.smoke
def test_simulator(tmp_path: Path, mark: str) -> None:
    """`simulator` hands over to the simulator's own command, its options and its exit status included."""
    helped = installed("simulator", "--help", env=environment())
    assert helped.returncode == 0
    assert "--flow-control" in helped.stdout
    assert "--json" in helped.stdout
    assert installed("simulator", "--json", "-h", env=environment()).stdout == helped.stdout
    assert installed("simulator", "--nonsense", env=environment()).returncode == 2
    command = ("simulator", "--port", "0", "--control-port", "0")
    with started(*command, env=environment(mark), cwd=tmp_path) as process:
        assert "http://127.0.0.1:" in read_until(process.stdout, "endpoint")
        ctrl_c(process)
        _, stderr = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "Traceback" not in stderr
    assert not left_behind(mark)


def test_simulator_as_json(tmp_path: Path, mark: str) -> None:
    """`simulator --json` tells where it is in one document, and ends with the command."""
    command = ("simulator", "--json", "--port", "0", "--control-port", "0")
    with started(*command, env=environment(mark), cwd=tmp_path) as process:
        where = json.loads(read_until(process.stdout, "\n}\n"))
        assert where["url"].startswith("http://127.0.0.1:")
        ctrl_c(process)
        stdout, stderr = process.communicate(timeout=20)
    assert (process.returncode, stdout, stderr) == (0, "", "")
    assert eventually(lambda: not left_behind(mark)), left_behind(mark)


# plain Python beside the shell


def test_status_of_another_process(dev: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The shell tells what became of a job that a program enqueued, as the program sees it."""
    for name in ("SMS_BROKER_URL", "SMS_EMBEDDED_DIR"):
        monkeypatch.setenv(name, dev[name])
    job = connect().getElement("SMS.YourSmsName").sendMessage([PHONE], {"code": "1234"}, "SMS_100000001")
    result = job.get(timeout=20)
    assert isinstance(result, SendResult)
    document = json.loads(smsjobs("status", job.id, "--json", env=dev).stdout)
    assert document["outcome"] == encode_outcome(result)


def test_output_cut_short(dev: dict[str, str]) -> None:
    """A reader that stops reading, as `head` does, causes no traceback."""
    process = subprocess.Popen(
        [SMSJOBS, "elements"], env=dev, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    stderr = process.stderr.read()
    process.stderr.close()
    process.wait(30)
    assert stderr == ""
