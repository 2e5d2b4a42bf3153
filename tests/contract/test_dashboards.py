"""Dashboard, alerts and scrape configuration ask for what the service tells."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
import yaml

from scripts.environment import ROOT
from service.config import AppConfig
from service.domain.search import SearchProblem
from service.engine.pool import LONGEST_WAIT, MAX_WAITING_CALLS
from service.telemetry.metrics import REQUEST_BUCKETS
from service.usecases.identify import MOST_CANDIDATES
from tests.contract.scrape import Scrape, scrape
from tests.texts.keys import names

DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "face.json").read_text("utf-8"))
ALERTS = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text("utf-8"))
SCRAPING = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text("utf-8"))

RULES = {rule["alert"]: rule for group in ALERTS["groups"] for rule in group["rules"]}
PER = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
NAME = re.compile(r"\bface_[a-z_]+")
MATCHED = re.compile(r"\bface_[a-z_]+\{([^}]*)\}")
MATCHER = re.compile(r'([a-z_]+)(?:=|=~)"([^"]*)"')
LABELS = {"code", "route", "recommendation", "found", "call", "problem"}
GIVEN_BY_PROMETHEUS = {"instance", "job"}


def per_second(rate: str) -> float:
    """Of `30/minute`."""
    number, _, unit = rate.partition("/")
    return int(number) / PER[unit]


def panels() -> Iterator[dict[str, Any]]:
    for panel in DASHBOARD["panels"]:
        if panel["type"] != "row":
            yield panel


QUERIES = {
    **{name: rule["expr"] for name, rule in RULES.items()},
    **{
        f"{panel['title']}, {target['refId']}": target["expr"]
        for panel in panels()
        for target in panel["targets"]
    },
}


def matchers(query: str) -> list[tuple[str, str]]:
    """Label and value of each selector."""
    return [found for inside in MATCHED.findall(query) for found in MATCHER.findall(inside)]


@pytest.fixture(scope="module")
def told(http: httpx.Client) -> Scrape:
    return scrape(http)


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_query_names_only_metrics_that_are_told(told: Scrape, query: str) -> None:
    assert set(NAME.findall(query)) <= told.names


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_query_is_balanced(query: str) -> None:
    for opening, closing in ("()", "{}", "[]"):
        assert query.count(opening) == query.count(closing)


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_query_chooses_by_codes_and_routes_that_exist(http: httpx.Client, query: str) -> None:
    routes = http.get("/openapi.json").json()["paths"]
    for label, value in matchers(query):
        assert label in LABELS | GIVEN_BY_PROMETHEUS
        assert label != "code" or set(value.split("|")) <= names("error")
        assert label != "route" or value in routes
        assert label != "problem" or set(value.split("|")) <= set(SearchProblem)


def test_every_metric_is_on_the_dashboard_or_watched(told: Scrape) -> None:
    asked = " ".join(QUERIES.values())
    families = {re.sub(r"_(bucket|count|sum|total)$", "", name) for name in told.names}
    assert [name for name in families if name.startswith("face_") and name not in asked] == []


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_rule_says_how_bad_it_is_and_what_it_is(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert rule["annotations"]["summary"]


def test_panels_lie_beside_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken
        assert all(x < 24 for x, _ in cells)
        taken |= cells


def test_panels_have_ids_of_their_own() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))


def test_prometheus_reads_with_a_key_over_tls() -> None:
    (job,) = SCRAPING["scrape_configs"]
    assert job["job_name"] == "face"
    assert job["scheme"] == "https"
    assert job["authorization"]["credentials_file"]
    assert SCRAPING["rule_files"] == ["alerts.yml"]


CORES = 2
SLOW_PHOTOGRAPH = 0.3
"""Seconds; the small machine and the large photographs that an operator has in the end."""

ONE_EVENT = 1 / 300
"""Of a rate over five minutes."""

REACHED: Mapping[str, float] = {
    "FaceDatabaseUnavailable": ONE_EVENT,
    "FaceOverloaded": ONE_EVENT,
    "FaceEngineQueue": (CORES + CORES * LONGEST_WAIT / SLOW_PHOTOGRAPH)
    / (CORES + MAX_WAITING_CALLS),
    "FaceDatabasePool": 1.0,
    "FaceSlowVerification": min(LONGEST_WAIT, REQUEST_BUCKETS[-1]),
    "FaceKeysGuessed": per_second(AppConfig.model_fields["rate_limit_failures"].default),
    "FaceSearchesNameStrangers": MOST_CANDIDATES,
    "FacePurgeHeld": 1,
    "FaceWaitsForCores": 1,
    "FaceMemoryNearlyUsed": 1,
    "FaceModelsDiffer": 2,
    "FaceDataKeyOld": 10 * 365 * 86_400,
}
"""What the service can tell on the left of each rule's last comparison, with its own limits."""

BY_THEMSELVES = {
    "FaceDown",
    "FaceClocksDiffer",
    "FaceTampered",
    "FaceInternalError",
    "FaceRecognizesFewer",
    "FaceSearchOutOfMemory",
}
"""Rules that compare with no limit of the service: one event, a state, or its own past."""


def threshold(rule: dict[str, Any]) -> float:
    """The number, or product, at the end of the rule's expression."""
    compared = re.search(r"> ([0-9. *]+)$", rule["expr"])
    assert compared is not None, rule["expr"]
    return math.prod(float(factor) for factor in compared[1].split("*"))


def test_every_rule_is_looked_at() -> None:
    assert set(REACHED) | BY_THEMSELVES == set(RULES)


@pytest.mark.parametrize("name", REACHED)
def test_rule_can_fire(name: str) -> None:
    assert REACHED[name] > threshold(RULES[name])


@pytest.mark.parametrize("name", [name for name, rule in RULES.items() if "rate(" in rule["expr"]])
def test_window_of_a_rate_holds_several_scrapes(name: str) -> None:
    """Prometheus asks once a minute where nobody says otherwise; two values make a rate."""
    minutes = {"m": 1, "h": 60, "d": 1440}
    for number, unit in re.findall(r"\[([0-9]+)([mhd])\]", RULES[name]["expr"]):
        assert int(number) * minutes[unit] >= 3
