"""What Prometheus reads, taken apart by its own client's parser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

_SUFFIXES = {
    "histogram": ("_bucket", "_count", "_sum"),
    "counter": ("_total",),
    "gauge": ("",),
}


@dataclass(frozen=True)
class Scrape:
    text: str

    def sum_of(self, name: str, **labels: str) -> float:
        """Over all series called `name` that have these labels among theirs."""
        return sum(
            sample.value
            for sample in self.samples()
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def labels_of(self, name: str) -> list[dict[str, str]]:
        return [sample.labels for sample in self.samples() if sample.name == name]

    def samples(self) -> Iterator[Sample]:
        for family in text_string_to_metric_families(self.text):
            yield from family.samples

    @property
    def names(self) -> set[str]:
        """What a query may name, whether or not there is a series already."""
        return {
            family.name + suffix
            for family in text_string_to_metric_families(self.text)
            for suffix in _SUFFIXES[family.type]
            if not family.name.endswith("_created")  # when a series began: nobody's business
        }


def scrape(http: httpx.Client) -> Scrape:
    answer = http.get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("text/plain")
    return Scrape(answer.text)
