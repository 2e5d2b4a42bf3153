"""Many people are enrolled, half are deleted, some expire: nothing is left of those who are gone.

On a server of its own, whose files are searched as whoever has the disk can.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from service.domain.collection import DuplicatePolicy
from service.domain.errors import SubjectNotFound
from service.storage.embedded_server import start_embedded
from service.storage.migrations import migrate
from service.storage.scrub import Scrubbed, scrub
from service.storage.storage import Storage
from service.usecases.audit import VerifyAudit
from service.vault.vault import Vault
from tests.data_files import PIECE, found_in
from tests.domain.vectors import face_of
from tests.postgres import TestServer
from tests.usecases.service_process import CALLER, DEFAULT, Service, Tables
from tests.usecases.stand_ins import StandInCapture, StandInClock, StandInEngine, given

PEOPLE = [f"{number:04}-{number * 2654435761 % 2**32:08x}" for number in range(1, 301)]
DELETED, EXPIRED, KEPT = PEOPLE[:150], PEOPLE[150:210], PEOPLE[210:]
GONE = DELETED + EXPIRED
LOOKALIKES = {f"alike{number}": other for number, other in enumerate(GONE[1::10])}
"""Who was flagged for whom; deleted as well."""
MONTH = timedelta(days=30)

pytestmark = pytest.mark.slow

_SECRET_PART = 29
"""Of a sealed value: behind version, key id and nonce."""

_EVERYTHING = """
    SELECT subject_id, templates.sealed, search::text AS search, metadata, consent,
           idempotent_responses.sealed AS answer
    FROM subjects JOIN templates USING (collection_id, subject_id)
                  JOIN idempotent_responses USING (collection_id, subject_id)
"""


@dataclass(frozen=True)
class FilesOverTime:
    """`pieces`: bytes by which each person's data are known; `key`: by which a collection's key
    is, which was deleted. The others: which of these were in the files at each time.
    """

    service: Service
    tables: Tables
    pieces: dict[str, set[bytes]]
    key: bytes
    at_first: set[bytes]
    after_vacuum: set[bytes]
    after_scrub: set[bytes]
    scrubbed: Scrubbed

    def of(self, people: list[str]) -> set[bytes]:
        return set.union(*(self.pieces[name] for name in people))


@pytest.fixture(scope="module")
def life(vault: Vault) -> Iterator[FilesOverTime]:
    """From the first enrollment to the last trace."""
    with tempfile.TemporaryDirectory(prefix="face-test-", ignore_cleanup_errors=True) as folder:
        server = start_embedded(Path(folder))
        TestServer(server.url).run("ALTER SYSTEM SET fsync = off")
        TestServer(server.url).run("SELECT pg_reload_conf()")
        migrate(server.url)
        clock = StandInClock()
        storage = Storage(server.url, clock, lambda: vault, lambda _: clock())
        service = Service(storage, vault, StandInEngine(), StandInCapture(), clock)
        yield _live(service, server.url, Path(folder))
        storage.close()
        server.stop()


def _live(service: Service, url: str, folder: Path) -> FilesOverTime:
    server, tables = TestServer(url), Tables(url)
    service.collections.ensure_default()
    for name in PEOPLE:
        _enroll(service, name)
    for name in GONE[::10]:  # counted refusals name their subject as well
        assert not service.verify(name, given(face_of(KEPT[0]))).decision.match
    for name, other in LOOKALIKES.items():  # so do pairs who look alike
        service.enroll(name, given(face_of(other)), on_duplicate=DuplicatePolicy.FLAG)
    pieces, key = _pieces(tables), _deleted_collection(service)
    wanted = {key}.union(*pieces.values())
    server.run("ANALYZE")
    server.run("CHECKPOINT")
    at_first = found_in(folder, wanted)
    for name in (*DELETED, *LOOKALIKES):
        service.erase(name)
    service.clock.advance(MONTH)
    batches = service.purge.batches(wait=True, confirmed=[DEFAULT])  # two fifths are unusually many
    assert sum(batch.removed for batch in batches) == len(EXPIRED)
    server.run("VACUUM")
    server.run("CHECKPOINT")
    after_vacuum = found_in(folder, wanted)
    scrubbed = scrub(url)
    after_scrub = found_in(folder, wanted)
    return FilesOverTime(
        service, tables, pieces, key, at_first, after_vacuum, after_scrub, scrubbed
    )


def _enroll(service: Service, name: str) -> None:
    service.enroll(
        name,
        given(face_of(name)),
        on_duplicate=DuplicatePolicy.ALLOW,
        expires_at=service.clock.now + MONTH if name in EXPIRED else None,
        metadata={"door": 1},
        consent_reference="form",
        idempotency_key=name,
    )


def _pieces(tables: Tables) -> dict[str, set[bytes]]:
    pieces: dict[str, set[bytes]] = {}
    for row in tables.rows(_EVERYTHING):
        search = np.array(json.loads(row["search"])).astype("<f2").tobytes()
        sealed = [row[column][_SECRET_PART:] for column in ("sealed", "metadata", "consent")]
        contents = [search[64:], search[-64:], *sealed, sealed[0][-64:], row["answer"][64:]]
        name: str = row["subject_id"]
        pieces[name] = {each[:PIECE] for each in contents} | {name[-PIECE:].encode()}
    return pieces


def _deleted_collection(service: Service) -> bytes:
    """By which its wrapped key is known."""
    service.put("shop")
    service.enroll("kim", "kim", collection="shop")
    wrapped = service.collections.show("shop").collection.keys.active.wrapped
    service.collections.delete("shop", CALLER)
    return wrapped[-PIECE:]


def test_everybody_was_in_the_files_at_first(life: FilesOverTime) -> None:
    """Or the search would prove nothing."""
    assert life.of(PEOPLE) <= life.at_first
    assert life.key in life.at_first


def test_vacuum_and_checkpoint_alone_leave_most_of_the_deleted_readable(
    life: FilesOverTime,
) -> None:
    """Why there is `face scrub`."""
    assert len(life.of(GONE) & life.after_vacuum) > len(life.of(GONE)) / 2


def test_scrubbed_files_hold_nothing_of_who_is_gone(life: FilesOverTime) -> None:
    """No sealed byte, no search vector, no name: in tables, indexes, statistics and log."""
    assert life.scrubbed == Scrubbed(tables=True, statistics=True, log=True)
    assert life.of(GONE) & life.after_scrub == set()


def test_scrubbed_files_hold_no_key_of_a_deleted_collection(life: FilesOverTime) -> None:
    assert life.key not in life.after_scrub


def test_scrubbed_files_hold_those_who_stay(life: FilesOverTime) -> None:
    assert life.of(KEPT) <= life.after_scrub
    assert life.service.verify(KEPT[0], given(face_of(KEPT[0]))).decision.match


def test_nobody_who_is_gone_can_be_verified_or_exported(life: FilesOverTime) -> None:
    for name in GONE:
        with pytest.raises(SubjectNotFound):
            life.service.verify(name, given(face_of(name)))
        with pytest.raises(SubjectNotFound):
            life.service.export(name)


def test_nobody_who_is_gone_is_found_by_a_search(life: FilesOverTime) -> None:
    results = [life.service.search(given(face_of(name))) for name in GONE]
    assert not any(result.found for result in results)
    assert {result.searched for result in results} == {len(KEPT)}


def test_nobody_who_is_gone_is_listed(life: FilesOverTime) -> None:
    listed = life.service.subjects.page(DEFAULT, len(PEOPLE), None).subjects
    assert [one.subject_id for one in listed] == KEPT


def test_log_is_whole(life: FilesOverTime) -> None:
    assert VerifyAudit(life.service.storage, life.service.vault)().whole


def test_log_accounts_for_each(life: FilesOverTime) -> None:
    collection = life.service.collections.show(DEFAULT).collection
    key = life.service.vault.unlock_pseudonyms(collection.collection_id, collection.keys)
    rows = life.tables.rows("SELECT action, subject FROM audit WHERE collection = 'default'")
    for action, people in (
        ("enroll", [*PEOPLE, *LOOKALIKES]),
        ("erase", [*DELETED, *LOOKALIKES]),
        ("expire", EXPIRED),
    ):
        written = sorted(row["subject"] for row in rows if row["action"] == action)
        assert written == sorted(key.pseudonym(name) for name in people)
