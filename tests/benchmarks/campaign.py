"""A campaign of a million: planned and sent through real workers to a simulator that answers after 100 ms.

Prints figures and asserts nothing: ``python tests/benchmarks/campaign.py [--recipients 1000000] [--workers 2]``.
The simulator is one Python process, so its own share of the time is printed too: it is the judge, not the judged.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from aliyun_sms_simulator import SimulatorProcess
from smsjobs import connect
from smsjobs.embedded import TemporaryRedis
from support.worker import WorkerProcess, write_element

TEMPLATE = "SMS_123456789"
TICK = os.sysconf("SC_CLK_TCK")
SURNAMES, NAMES = "王李张刘陈杨黄赵吴周", "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超霞"

#: Plans a campaign as an application would, in a process whose memory is its own.
PLANNER = """
import json, sys, time
from smsjobs import connect
redis_url, path, name = sys.argv[1:]
began = time.monotonic()
campaign = connect(broker_url=redis_url).getElement("SMS.Bench").campaign(
    name, recipients=path, verifyTemplateCode="SMS_123456789", params={"event": "系统维护"})
seconds = time.monotonic() - began
# Not ru_maxrss, which a process inherits from whoever started it.
peak_kib = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({"id": campaign.id, "seconds": seconds, "memory_mib": peak_kib / 1024}))
"""


def main() -> None:
    """Run both kinds of campaign, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipients", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=32)
    parser.add_argument("--latency-ms", type=float, default=100)
    parser.add_argument("--kinds", nargs="+", default=["shared", "personal"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="campaign-") as directory:
        for kind in options.kinds:
            path = Path(directory) / f"{kind}.csv"
            write_people(path, options.recipients, personal=kind == "personal")
            print_figures(kind, run(path, kind, options))


def write_people(path: Path, count: int, *, personal: bool) -> None:
    """Distinct example numbers in no order, and for each a name and an amount if they are personal."""
    chance = random.Random(1)
    numbers = chance.sample(range(13000000000, 13999999999), count)
    with path.open("w", encoding="utf-8") as file:
        file.write("手机号,name,amount\n" if personal else "手机号\n")
        for number in numbers:
            name = chance.choice(SURNAMES) + chance.choice(NAMES) + chance.choice(NAMES)
            amount = chance.randrange(100, 100_000) / 100
            file.write(f"{number},{name},{amount:.2f}\n" if personal else f"{number}\n")


def run(path: Path, kind: str, options: argparse.Namespace) -> dict[str, float]:
    """Plan and send one campaign; figures by name."""
    with ExitStack() as stack:
        redis = stack.enter_context(TemporaryRedis(options={"appendfsync": "everysec"}))
        # What was accepted is counted, but not kept: a million kept messages would be what is measured.
        settings = [
            "--set",
            f"latency_ms={options.latency_ms}",
            "--set",
            "record_limit=100",
            "--set",
            "request_limit=0",
        ]
        simulator = stack.enter_context(SimulatorProcess(settings))
        app_dir = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="app-")))
        write_element(app_dir, "Bench", simulator.url)
        workers = [
            WorkerProcess(
                redis.url,
                app_dir,
                lanes=("bulk",),
                options=("--concurrency", str(options.threads), "-l", "WARNING"),
            )
            for _ in range(options.workers)
        ]
        for worker in workers:
            stack.callback(worker.stop)
            worker.start(wait=False)
        sms = connect(broker_url=redis.url)
        stack.callback(sms.close)
        wait_for_workers(sms, options.workers)

        before = [cpu_s(each) for each in (simulator.pid, *(w.pid for w in workers))]
        began = time.monotonic()
        planned = json.loads(
            subprocess.run(
                [sys.executable, "-c", PLANNER, redis.url, str(path), kind],
                stdout=subprocess.PIPE,
                check=True,
            ).stdout
        )
        after_planning = time.monotonic()
        progress = sms.campaign(planned["id"]).wait()
        ended = time.monotonic()
        sending = ended - after_planning
        after = [cpu_s(each) for each in (simulator.pid, *(w.pid for w in workers))]
        spent = [now - then for now, then in zip(after, before, strict=True)]
        counts = simulator.accepted_counts()
        return {
            "recipients accepted": progress.accepted,
            "requests": progress.chunks,
            "accepted more than once": sum(times > 1 for times in counts.values()),
            "planned in s": planned["seconds"],
            "planner's peak memory in MiB": planned["memory_mib"],
            "sent in s, after planning": sending,
            "planned and sent in s": ended - began,
            "requests a second": progress.chunks / sending,
            "recipients a second": progress.accepted / sending,
            "Redis's peak memory in MiB": redis_peak(sms),
            "CPU of the workers, ms a request": sum(spent[1:]) * 1000 / progress.chunks,
            "CPU of the simulator, ms a request": spent[0] * 1000 / progress.chunks,
        }


def wait_for_workers(sms, count: int) -> None:
    """Until each has its connection to the queue."""
    limit = time.monotonic() + 60
    while (
        sum("blpop" in c["cmd"] or "brpop" in c["cmd"] for c in sms.connection.redis().client_list()) < count
    ):
        assert time.monotonic() < limit, "the workers did not start"
        time.sleep(0.1)


def redis_peak(sms) -> float:
    """The most memory that Redis ever used."""
    return sms.connection.redis().info("memory")["used_memory_peak"] / 2**20


def cpu_s(pid: int) -> float:
    """CPU seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def print_figures(kind: str, figures: dict[str, float]) -> None:
    """A line each."""
    print(f"\n{kind}")
    for name, value in figures.items():
        print(
            f"  {name:<36} {value:>12,.0f}" if value == int(value) else f"  {name:<36} {value:>12,.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
