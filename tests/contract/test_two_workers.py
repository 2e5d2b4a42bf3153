"""One face, many simultaneous enrollments, two processes: exactly one is enrolled."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import httpx
import psutil
import pytest

from service.machine import cores
from tests.contract.collection_client import CollectionClient, code, ok
from tests.contract.installation import Installation, Server
from tests.contract.scrape import scrape

ENROLLMENTS = 60
WORKERS = 2
RETURNS = 20
STARTED = "Application startup complete"
"""What uvicorn logs for each of its processes."""


@pytest.fixture(scope="module")
def pair(installation: Installation) -> Iterator[Server]:
    # Of such photographs no machine can decode one in each thread: the start is to say so.
    with installation.serving("--workers", str(WORKERS), max_image_pixels=10**12) as server:
        server.wait_until(lambda: server.log.count(STARTED) == WORKERS)
        yield server


def patiently(call: Callable[[], httpx.Response]) -> httpx.Response:
    """As a client does it that is told to come back: a slow machine takes no sixty at once."""
    for _ in range(RETURNS):
        answer = call()
        if answer.status_code != 503:
            return answer
        time.sleep(int(answer.headers["Retry-After"]))
    return call()


def serving_processes(server: Server) -> dict[int, int]:
    """Connections that each process below the server's own holds at its port."""
    held = {
        process.pid: [
            each
            for each in process.net_connections("tcp")
            if each.laddr.port == server.port and each.status == psutil.CONN_ESTABLISHED
        ]
        for process in server.process.children(recursive=True)
    }
    return {pid: len(connections) for pid, connections in held.items() if connections}


@pytest.fixture(scope="module")
def answers(
    pair: Server, key: str, client_of_pair: CollectionClient, portraits: list[Path]
) -> tuple[list[httpx.Response], dict[int, int]]:
    """The same photograph under 60 names at once, each caller on a connection of its own."""
    everybody = Barrier(ENROLLMENTS + 1)
    photograph = portraits[0].read_bytes()

    def enroll(number: int) -> httpx.Response:
        with pair.client(key) as http:
            ok(http.get("/healthz"))
            everybody.wait()
            everybody.wait()
            return patiently(
                lambda: CollectionClient(http, client_of_pair.collection).enroll(
                    f"name-{number}", photograph
                )
            )

    with ThreadPoolExecutor(ENROLLMENTS) as callers:
        pending = [callers.submit(enroll, number) for number in range(ENROLLMENTS)]
        everybody.wait()
        connections = serving_processes(pair)
        everybody.wait()
        return [one.result() for one in pending], connections


@pytest.fixture(scope="module")
def client_of_pair(pair: Server, key: str) -> Iterator[CollectionClient]:
    with pair.client(key) as http:
        client = CollectionClient(http, "crowd")
        ok(client.put())
        yield client


def test_both_processes_serve(answers: tuple[list[httpx.Response], dict[int, int]]) -> None:
    _, connections = answers
    assert len(connections) == WORKERS
    assert sum(connections.values()) >= ENROLLMENTS


def test_exactly_one_is_enrolled(answers: tuple[list[httpx.Response], dict[int, int]]) -> None:
    responses, _ = answers
    assert sorted(one.status_code for one in responses) == [201] + [409] * (ENROLLMENTS - 1)


def test_all_others_are_duplicates_of_that_one(
    answers: tuple[list[httpx.Response], dict[int, int]],
) -> None:
    responses, _ = answers
    (winner,) = [one.json()["subjectId"] for one in responses if one.status_code == 201]
    refusals = [one for one in responses if one.status_code == 409]
    assert {code(one) for one in refusals} == {(409, "duplicate_subject")}
    assert {one.json()["errors"][0]["subjectId"] for one in refusals} == {winner}


def test_one_subject_is_stored(
    answers: tuple[list[httpx.Response], dict[int, int]], client_of_pair: CollectionClient
) -> None:
    assert len(ok(client_of_pair.subjects())["subjects"]) == 1


def test_processes_divide_the_cores(pair: Server, key: str) -> None:
    with pair.client(key) as http:
        assert scrape(http).sum_of("face_engine_workers") == WORKERS * max(1, cores() // WORKERS)


def test_processes_that_need_more_memory_than_there_is_are_told_once(pair: Server) -> None:
    assert pair.log.count('"code": "too_little_memory"') == 1
