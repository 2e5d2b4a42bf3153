"""Three servers, one database: whatever one of them is told, all of them know, at once.

Two are started here with data folders of their own, which neither may have made at the end: all
state is in the database. The third is the one of all contract tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from service.domain.callers import Scope
from tests.contract.collection_client import CollectionClient, code, ok
from tests.contract.installation import Installation, Server
from tests.domain.vectors import at_cosine, face_of

STARTED_HERE = 2
REPLICAS = STARTED_HERE + 1
TRIES = 6


@dataclass(frozen=True)
class Replicas:
    """Clients in one collection, each at a server of its own."""

    servers: list[Server]
    clients: list[CollectionClient]

    @property
    def a(self) -> CollectionClient:
        return self.clients[0]

    @property
    def b(self) -> CollectionClient:
        return self.clients[1]

    @property
    def c(self) -> CollectionClient:
        return self.clients[2]

    def with_key(self, key: str) -> list[httpx.Response]:
        """One call with `key` at each server."""
        return [self._ask(server, key) for server in self.servers]

    @staticmethod
    def _ask(server: Server, key: str) -> httpx.Response:
        with server.client(key) as http:
            return http.get("/admin/subjects")


def data_dir(installation: Installation, number: int) -> Path:
    return installation.folder / f"replica-{number}"


@pytest.fixture(scope="module")
def servers(installation: Installation, server: Server) -> Iterator[list[Server]]:
    """Started at the same time, as an orchestrator does."""
    starting = [
        installation.serving(data_dir=data_dir(installation, number), lockout_after=TRIES)
        for number in range(STARTED_HERE)
    ]
    with ThreadPoolExecutor(STARTED_HERE) as threads, ExitStack() as stack:
        for one in starting:
            stack.push(one.__exit__)
        yield [*threads.map(lambda one: one.__enter__(), starting), server]


@pytest.fixture
def replicas(installation: Installation, servers: list[Server]) -> Iterator[Replicas]:
    """In a collection, and with a key, of this test's own."""
    key, collection = installation.key(), f"c-{uuid4().hex}"
    with ExitStack() as stack:
        callers = [stack.enter_context(server.client(key)) for server in servers]
        clients = [CollectionClient(http, collection) for http in callers]
        ok(clients[0].put())
        yield Replicas(servers, clients)


def test_one_enrolls_another_verifies_a_third_sees_the_duplicate(
    replicas: Replicas, portraits: list[Path]
) -> None:
    ok(replicas.a.enroll("kim", portraits[0]), 201)
    assert ok(replicas.b.verify("kim", portraits[1]))["match"]
    again = replicas.c.enroll("lee", portraits[2])
    assert code(again) == (409, "duplicate_subject")
    assert again.json()["errors"][0]["subjectId"] == "kim"


def test_template_added_or_replaced_at_one_counts_at_the_others(replicas: Replicas) -> None:
    old, new = face_of("kim"), at_cosine(face_of("kim"), 0.6)
    ok(replicas.a.given("/enroll", old, subjectId="kim"), 201)
    ok(replicas.b.given("/enroll", new, subjectId="kim", mode="replace"), 201)
    assert ok(replicas.c.given("/verify", new, subjectId="kim"))["similarity"] > 0.99
    found = ok(replicas.a.given("/identify", new))["candidates"]
    assert found[0]["similarity"] > 0.99


def test_who_is_erased_at_one_is_gone_at_the_others(replicas: Replicas) -> None:
    face = face_of("kim")
    ok(replicas.a.given("/enroll", face, subjectId="kim"), 201)
    for client in replicas.clients:  # so that each has searched, and could have kept something
        assert ok(client.given("/dedupe", face))["duplicate"]
    ok(replicas.a.delete("kim"))
    for client in replicas.clients:
        assert code(client.given("/verify", face, subjectId="kim")) == (404, "subject_not_found")
        assert ok(client.given("/identify", face))["candidates"] == []
    ok(replicas.c.given("/enroll", face, subjectId="lee"), 201)


def test_retry_at_another_server_gets_the_first_answer(replicas: Replicas) -> None:
    body, headers = {"subjectId": "kim"}, {"Idempotency-Key": uuid4().hex}
    first = ok(replicas.a.given("/enroll", face_of("kim"), headers=headers, **body), 201)
    for client in (replicas.b, replicas.c):
        assert ok(client.given("/enroll", face_of("kim"), headers=headers, **body), 201) == first
    other = replicas.b.given("/enroll", face_of("lee"), headers=headers, subjectId="lee")
    assert code(other) == (409, "idempotency_conflict")


def test_settings_of_a_collection_hold_everywhere_at_once(replicas: Replicas) -> None:
    ok(replicas.a.given("/enroll", face_of("kim"), subjectId="kim"), 201)
    probe = at_cosine(face_of("kim"), 0.7)
    assert ok(replicas.b.given("/verify", probe, subjectId="kim"))["match"]
    ok(replicas.c.put(thresholdProfiles={"balanced": 0.8}))
    for client in replicas.clients:
        answer = ok(client.given("/verify", probe, subjectId="kim"))
        assert (answer["match"], answer["threshold"]) == (False, 0.8)


def test_deleted_collection_is_unknown_everywhere(replicas: Replicas) -> None:
    ok(replicas.a.given("/enroll", face_of("kim"), subjectId="kim"), 201)
    assert ok(replicas.b.given("/dedupe", face_of("kim")))["duplicate"]
    ok(replicas.c.http.delete(f"/admin/collections/{replicas.c.collection}"))
    for client in replicas.clients:
        refusal = client.given("/dedupe", face_of("kim"))
        assert code(refusal) == (404, "collection_not_found")


def test_key_is_known_and_revoked_everywhere_at_once(
    installation: Installation, replicas: Replicas
) -> None:
    key = installation.key(Scope.ADMIN)
    assert [one.status_code for one in replicas.with_key(key)] == [200] * REPLICAS
    installation.revoke(key)
    assert [code(one) for one in replicas.with_key(key)] == [(401, "unauthenticated")] * REPLICAS


def test_refused_faces_add_up_over_all_servers_that_count(replicas: Replicas) -> None:
    """The third one is set not to."""
    counting = replicas.clients[:STARTED_HERE]
    ok(replicas.a.given("/enroll", face_of("kim"), subjectId="kim"), 201)
    for number, client in zip(range(TRIES), cycle(counting), strict=False):
        answer = ok(client.given("/verify", face_of(f"stranger-{number}"), subjectId="kim"))
        assert not answer["match"]
    for client in counting:
        locked = client.given("/verify", face_of("kim"), subjectId="kim")
        assert code(locked) == (429, "subject_locked")
    ok(replicas.c.unlock("kim"))
    for client in counting:
        assert ok(client.given("/verify", face_of("kim"), subjectId="kim"))["match"]


def test_key_rotated_by_a_program_beside_them_disturbs_no_server(
    installation: Installation, replicas: Replicas
) -> None:
    names = [f"person-{number}" for number in range(REPLICAS)]
    enroll(replicas, names)
    with ThreadPoolExecutor(1) as beside:
        rotating = beside.submit(
            installation.face, "keys", "rotate", "--collection", replicas.a.collection
        )
        while not rotating.done():
            newcomers = [f"newcomer-{len(names) + number}" for number in range(REPLICAS)]
            enroll(replicas, newcomers)
            names += newcomers
            for name, client in zip(names[-REPLICAS:], replicas.clients[::-1], strict=True):
                assert ok(client.given("/verify", face_of(name), subjectId=name))["match"]
    assert rotating.result().returncode == 0, rotating.result().stderr
    assert len(names) > REPLICAS
    for name, client in zip(names, cycle(replicas.clients), strict=False):
        candidates = ok(client.given("/identify", face_of(name)))["candidates"]
        assert [one["subjectId"] for one in candidates] == [name]


def enroll(replicas: Replicas, names: list[str]) -> None:
    """In turn at each of them."""
    for name, client in zip(names, cycle(replicas.clients), strict=False):
        ok(client.given("/enroll", face_of(name), subjectId=name), 201)


def test_no_server_kept_anything_on_its_own_disk(
    installation: Installation, replicas: Replicas
) -> None:
    for client in replicas.clients:
        ok(client.given("/enroll", face_of(f"at-{id(client)}"), subjectId=f"at-{id(client)}"), 201)
    assert not any(data_dir(installation, number).exists() for number in range(STARTED_HERE))
