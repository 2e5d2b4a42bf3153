"""A server that comes late and goes without a word, beside one that stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from uuid import uuid4

import httpx
import numpy as np
import pytest
from sqlalchemy import text

from service.domain.face import Embedding
from service.domain.template import MOST_SAMPLES, average
from service.storage.engine import single_use_engine
from tests.contract.collection_client import CollectionClient, ok
from tests.contract.installation import Installation, Server
from tests.domain.vectors import at_cosine, face_of

CALLERS, BEFORE_THE_END = 8, 20
KIM = face_of("kim")
NAMES = [f"person-{number}" for number in range(120)]

WRITTEN = text("""
    SELECT (SELECT count(*) FROM subjects WHERE collection_id = mine.collection_id),
           (SELECT count(*) FROM templates WHERE collection_id = mine.collection_id),
           (SELECT count(*) FROM idempotent_responses WHERE collection_id = mine.collection_id),
           (SELECT count(*) FROM audit WHERE collection = mine.name
            AND action = 'enroll' AND outcome = 'done')
    FROM collections AS mine WHERE name = :collection
""")
"""What one enrollment writes, table by table."""


@pytest.fixture(scope="module")
def late(installation: Installation, server: Server) -> Iterator[Server]:
    """Started when the other one serves already."""
    with installation.serving(data_dir=installation.folder / "late") as late:
        yield late


@pytest.fixture
def client_of_late(late: Server, key: str, client: CollectionClient) -> Iterator[CollectionClient]:
    """In the collection of `client`."""
    with late.client(key) as http:
        yield CollectionClient(http, client.collection)


def enroll(client: CollectionClient, name: str) -> httpx.Response:
    """The same call whenever it is repeated."""
    headers = {"Idempotency-Key": name}
    return client.given("/enroll", face_of(name), headers=headers, subjectId=name)


def add(client: CollectionClient, photograph: str) -> httpx.Response:
    """To the one person of `KIM`; the same call whenever it is repeated."""
    headers = {"Idempotency-Key": photograph}
    face = photograph_of_kim(photograph)
    return client.given("/enroll", face, headers=headers, subjectId="kim", mode="add")


def photograph_of_kim(name: str) -> Embedding:
    return at_cosine(KIM, 0.8, name)


def until_killed(
    server: Server,
    client: CollectionClient,
    call: Callable[[CollectionClient, str], httpx.Response],
    names: Sequence[str],
) -> list[str]:
    """Of `names` those whose call was answered; the server dies while others are on their way."""
    with ThreadPoolExecutor(CALLERS) as callers:
        calls = {callers.submit(call, client, name): name for name in names}
        done: set[Future[httpx.Response]] = set()
        while len(done) < BEFORE_THE_END:
            finished, _ = wait(calls.keys() - done, return_when=FIRST_COMPLETED)
            done |= finished
        server.kill()
    return [name for call, name in calls.items() if answered(call)]


def answered(call: Future[httpx.Response]) -> bool:
    try:
        return bool(ok(call.result(), 201))
    except httpx.TransportError:
        return False


def written(installation: Installation, collection: str) -> Sequence[int]:
    with single_use_engine(installation.database_url).connect() as connection:
        return connection.execute(WRITTEN, {"collection": collection}).one()


def names_of(client: CollectionClient) -> set[str]:
    return {one["subjectId"] for one in ok(client.subjects(limit=500))["subjects"]}


def test_who_comes_late_knows_everybody(
    client: CollectionClient, client_of_late: CollectionClient
) -> None:
    name = f"early-{uuid4().hex}"
    ok(client.given("/enroll", face_of(name), subjectId=name), 201)
    assert ok(client_of_late.given("/verify", face_of(name), subjectId=name))["match"]
    found = ok(client_of_late.given("/identify", face_of(name)))["candidates"]
    assert [one["subjectId"] for one in found] == [name]


def test_killed_server_leaves_nothing_half_written_and_nobody_waiting(
    installation: Installation,
    late: Server,
    client: CollectionClient,
    client_of_late: CollectionClient,
) -> None:
    told = set(until_killed(late, client_of_late, enroll, NAMES))
    assert BEFORE_THE_END <= len(told) < len(NAMES)

    stored = names_of(client)
    assert told <= stored
    assert len(stored - told) <= CALLERS
    assert set(written(installation, client.collection)) == {len(stored)}
    for name in stored - told | set(list(told)[:5]):
        assert ok(client.given("/verify", face_of(name), subjectId=name))["match"]

    for name in NAMES:  # whoever got no answer asks again, at the server that is left
        ok(enroll(client, name), 201)
    assert names_of(client) == set(NAMES)
    subjects, templates, answers, _ = written(installation, client.collection)
    assert (subjects, templates, answers) == (len(NAMES),) * 3


def test_killed_server_leaves_every_photograph_in_the_template_once(
    installation: Installation, key: str, client: CollectionClient
) -> None:
    photographs = NAMES[: MOST_SAMPLES - 1]
    ok(client.given("/enroll", KIM, subjectId="kim"), 201)
    with (
        installation.serving(data_dir=installation.folder / "dying") as dying,
        dying.client(key) as http,
    ):
        told = until_killed(dying, CollectionClient(http, client.collection), add, photographs)
    assert BEFORE_THE_END <= len(told) < len(photographs)

    (template,) = ok(client.export("kim"))["templates"]
    assert 1 + len(told) <= template["samples"] <= 1 + len(told) + CALLERS
    for name in photographs:  # who got no answer asks again, and so do the others
        ok(add(client, name), 201)
    (template,) = ok(client.export("kim"))["templates"]
    mean = average([KIM, *map(photograph_of_kim, photographs)])
    assert template["samples"] == MOST_SAMPLES
    np.testing.assert_allclose(template["embedding"], mean, atol=1e-5)
