"""Writes ``docs/metrics.md`` from the catalogue: ``python -m smsjobs.metrics.page > docs/metrics.md``."""

from __future__ import annotations

import sys
from typing import Final

from smsjobs.metrics.catalogue import METRICS, Metric, Place

__all__ = ["page", "tables"]

_HEAD: Final = """\
# Figures

For Prometheus. A worker serves those of what it does, and `smsjobs serve` those of what is in Redis.
[Production](production.md#watch-it) has alerts and a board made of them.

| who | where | how |
|---|---|---|
| each worker | `http://127.0.0.1:9500/metrics` | `SMS_METRICS_PORT=9500`, and `pip install '.[metrics]'`. Each worker process of a machine needs a port of its own: one that is in use ends the worker with status 2. An address may stand before the port: `0.0.0.0:9500`. `smsjobs serve --queues` does the same |
| `smsjobs serve` | `/metrics` on its port | nothing. One process tells what is in the ledger, for all |
| a web application that serves figures of its own | wherever it serves them | `from smsjobs.metrics import count_facts; count_facts()`, once a process |

```yaml
scrape_configs:
  - job_name: smsjobs
    authorization: {credentials_file: /etc/prometheus/smsjobs-token}
    static_configs: [{targets: ["worker-1:9500", "worker-2:9500", "receipts:8080"]}]
```

- **Who may read them.** Without `SMS_METRICS_TOKEN`, only this machine: a port that others reach is then refused by a worker, and
  `/metrics` of `smsjobs serve` is not there. What comes through a proxy is not this machine; pass on `/receipts/` only. With the token,
  whoever sends it as a bearer's (`Authorization: Bearer …`).
- **No figure holds a number, an id, a parameter or a text of anybody's.** A label has at most 100 values; what is beyond them, or is not a plain word, is
  `other`.
- **`smsjobs serve` reads Redis at most once every 5 seconds**, however many scrape, in a few round trips and never by a scan of keys. While Redis is
  unreachable, `smsjobs_ledger_up` is 0 and the rest of the ledger's figures are missing, not old.
- A worker counts what it does in memory, from its start. A count in one process takes about two microseconds and no job waits for a scrape.
- Of several `smsjobs serve` processes each tells the same ledger: use `max`, not `sum`, for the ledger's figures. Count receipts with `sum`.
- Beside these, a worker has `process_*` of the Prometheus client: memory, processor time, open files.
"""

_HEADINGS: Final[dict[Place, str]] = {
    "worker": "What a worker does",
    "receipts": "Receipts and replies: `smsjobs serve`, workers that pull, and applications that call `count_facts`",
    "codes": "Codes and jobs of a web application that calls `count_facts`",
    "ledger": "What is in Redis: `smsjobs serve`",
}

_TAIL: Final = """
This page is written from the table in the code; a test compares them.
"""


def page() -> str:
    """The page."""
    return f"{_HEAD}{tables()}{_TAIL}"


def tables() -> str:
    """A table for each place that tells figures, a row for each figure."""
    return "".join(map(_table, _HEADINGS))


def _table(place: Place) -> str:
    rows = "\n".join(_row(each) for each in METRICS if each.place == place)
    return f"\n## {_HEADINGS[place]}\n\n| figure | kind | labels | meaning |\n|---|---|---|---|\n{rows}\n"


def _row(each: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in each.labels)
    return f"| `{each.name}` | `{each.kind}` | {labels} | {each.about} |"


if __name__ == "__main__":
    sys.stdout.write(page())
