"""`GET /metrics`: who may read it, and what it says after some calls."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from service.domain.callers import Scope
from tests.contract.collection_client import CollectionClient, code, ok
from tests.contract.installation import Installation, Server
from tests.contract.scrape import Scrape, scrape
from tests.domain.vectors import at_cosine, face_of

KIM = face_of("kim")


def grown(before: Scrape, after: Scrape, name: str, **labels: str) -> float:
    return after.sum_of(name, **labels) - before.sum_of(name, **labels)


@pytest.fixture(scope="module")
def open_server(installation: Installation) -> Iterator[Server]:
    with installation.serving(open_metrics=True) as server:
        yield server


@pytest.fixture(scope="module")
def several(installation: Installation) -> Iterator[Server]:
    """Two workers."""
    with installation.serving("--workers", "2") as server:
        yield server


def test_reading_needs_the_scope_admin(server: Server, installation: Installation) -> None:
    with server.client(installation.key(Scope.ADMIN)) as http:
        assert scrape(http).names


def test_key_of_a_collection_that_holds_nobody_is_enough(
    server: Server, installation: Installation
) -> None:
    with server.client(installation.key(Scope.ADMIN, collections=("none",))) as http:
        assert scrape(http).names


def test_open_metrics_are_read_without_a_key(open_server: Server) -> None:
    with open_server.client() as http:
        assert scrape(http).names


def test_open_metrics_open_nothing_else(open_server: Server) -> None:
    with open_server.client() as http:
        for path in ("/admin/subjects", "/admin/collections/default"):
            assert code(http.get(path)) == (401, "unauthenticated")


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "203.0.113.7"},
        {"Via": "1.1 proxy"},
        {"Host": "faces.example"},
        {"Origin": "https://faces.example"},
    ],
    ids=str,
)
def test_open_metrics_are_for_this_machine(open_server: Server, headers: dict[str, str]) -> None:
    with open_server.client() as http:
        assert code(http.get("/metrics", headers=headers)) == (401, "unauthenticated")


def test_verification_is_counted_with_its_answer(
    http: httpx.Client, client: CollectionClient
) -> None:
    ok(client.given("/enroll", KIM, subjectId="kim"), 201)
    before = scrape(http)
    ok(client.given("/verify", at_cosine(KIM, 0.35), subjectId="kim"))
    after = scrape(http)
    answer = {"band": "borderline", "recommendation": "recapture"}
    assert grown(before, after, "face_decisions_total", **answer) == 1
    assert grown(before, after, "face_similarity_count", call="verify") == 1
    assert grown(before, after, "face_similarity_bucket", call="verify", le="0.3") == 0
    assert grown(before, after, "face_similarity_bucket", call="verify", le="0.35") <= 1
    assert grown(before, after, "face_similarity_bucket", call="verify", le="0.4") == 1


def test_search_is_counted_with_what_it_found(http: httpx.Client, client: CollectionClient) -> None:
    ok(client.given("/enroll", KIM, subjectId="kim"), 201)
    before = scrape(http)
    ok(client.given("/dedupe", KIM))
    ok(client.given("/identify", face_of("a stranger")))
    after = scrape(http)
    assert grown(before, after, "face_searches_total", found="true") == 1
    assert grown(before, after, "face_searches_total", found="false") == 1
    assert grown(before, after, "face_similarity_count", call="search") == 1


def test_every_stage_of_an_enrollment_is_timed(
    http: httpx.Client, client: CollectionClient, portraits: list[Path]
) -> None:
    ok(client.enroll("kim", portraits[0]), 201)
    before = scrape(http)
    ok(client.enroll("kim", portraits[1], mode="add"), 201)
    after = scrape(http)
    for stage in ("detect", "embed", "transaction", "lock", "search", "open"):
        assert grown(before, after, "face_stage_seconds_count", stage=stage) >= 1, stage


def test_call_is_timed_under_its_routes_pattern_and_status(http: httpx.Client) -> None:
    before = scrape(http)
    http.get("/admin/subjects/nobody-is-called-so")
    after = scrape(http)
    route = {"method": "GET", "route": "/admin/subjects/{subjectId}"}
    assert grown(before, after, "face_http_request_seconds_count", **route, status="404") == 1
    problem = {"route": route["route"], "code": "subject_not_found"}
    assert grown(before, after, "face_http_problems_total", **problem) == 1
    assert "nobody-is-called-so" not in after.text


def test_words_of_callers_make_no_labels(http: httpx.Client, client: CollectionClient) -> None:
    http.request("SUBJECT", "/kim-was-here")
    ok(client.given("/enroll", KIM, subjectId="kim-is-here"), 201)
    text = scrape(http).text
    assert not [word for word in ("SUBJECT", "kim", client.collection) if word in text]


def test_what_is_served_and_on_what(http: httpx.Client) -> None:
    told = scrape(http)
    (model,) = told.labels_of("face_model_info")
    assert (model["model"], model["provider"]) == ("mobile_s", "CPUExecutionProvider")
    assert re.fullmatch("[0-9a-f]{64}", model["sha256"])
    assert told.labels_of("face_build_info")[0].keys() == {"version", "python"}
    assert told.sum_of("face_engine_workers") >= 1
    assert told.sum_of("face_engine_calls_limit") > told.sum_of("face_engine_workers")
    assert told.sum_of("face_database_connections_limit") == 20
    assert 0 < told.sum_of("face_oldest_data_key_timestamp_seconds") <= time.time()


def test_any_worker_tells_the_sum_of_all(several: Server, key: str) -> None:
    calls = 20
    for _ in range(calls):
        with several.client() as http:  # a connection of its own: any worker may take it
            http.post("/verify")
    with several.client(key) as http:
        told = [scrape(http) for _ in range(3)]
    verify = {"method": "POST", "route": "/verify", "status": "401"}
    assert {each.sum_of("face_http_request_seconds_count", **verify) for each in told} == {calls}
    assert told[0].sum_of("face_database_connections_limit") == 40
    assert len(told[0].labels_of("face_model_info")) == 1
    assert "pid=" not in told[0].text


def test_sum_over_workers_tells_no_exact_similarity(
    several: Server, key: str, client: CollectionClient
) -> None:
    with several.client(key) as http:
        there = CollectionClient(http, client.collection)
        ok(there.given("/enroll", KIM, subjectId="kim"), 201)
        ok(there.given("/verify", at_cosine(KIM, 0.4321), subjectId="kim"))
        told = scrape(http)
    assert told.sum_of("face_similarity_count", call="verify") == 1
    assert told.sum_of("face_similarity_sum", call="verify") == 0.45
