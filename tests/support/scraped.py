"""What Prometheus would read: figures by their name and labels."""

import http.client
from contextlib import closing
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

__all__ = ["Scraped", "scrape"]


class Scraped:
    """One scrape."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.samples: list[tuple[str, dict[str, str], float]] = [
            (each.name, each.labels, each.value)
            for family in text_string_to_metric_families(text)
            for each in family.samples
        ]

    def __call__(self, name: str, **labels: str) -> float:
        """The sum of a figure's samples that have these labels; 0 without one."""
        return sum(
            value for found, has, value in self.samples if found == name and labels.items() <= has.items()
        )

    def names(self) -> set[str]:
        """The names of the samples."""
        return {name for name, _, _ in self.samples}


def scrape(port: int, path: str = "/metrics", **headers: str) -> Any:
    """The figures that are served on a port of this machine; or the status, if it is not 200."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        return Scraped(text) if answer.status == 200 else answer.status
