"""What one enrolled person costs, measured: the figures that `scripts/sizing.py` reckons with.

python scripts/measure_gallery.py --photos ../shared/photos/people    prints them as JSON

A server, a database and a folder of its own, thrown away at the end. Each person goes the way of a
call of `POST /enroll`, with the embedding given. One core: the figures are per core.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from uuid import uuid4

import numpy as np
import psutil
from pydantic import SecretStr
from sqlalchemy import Connection, create_engine, text

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from service.config import AppConfig
from service.domain.callers import LOCAL_USER
from service.domain.collection import DEFAULT_COLLECTION, DuplicatePolicy
from service.domain.face import EMBEDDING_SIZE, GivenEmbedding, Uploads
from service.search.collection_index import ROWS_PER_PART
from service.search.two_bits import TwoBitCodes, use_calling_thread_alone
from service.storage.embedded_server import start_embedded
from service.storage.engine import driver_url
from service.usecases.enrollment import EnrollRequest
from service.usecases.unlocked_collection import UnlockedCollection, require_collection
from service.usecases.verify import VerifyRequest
from service.wiring import Wiring

TABLES = ("subjects", "templates", "idempotent_responses", "audit")
METADATA = {"name": "Kim Minji", "branch": "Seoul-03", "note": "x" * 150}
SCANS, VERIFICATIONS, ROUNDS = 40, 500, 5
THRESHOLD = 0.40

_INDEXES = text(
    "SELECT indexrelname, pg_relation_size(indexrelid) AS size FROM pg_stat_user_indexes"
    " WHERE relname = :table"
)
_HEAP = text(
    "SELECT pg_relation_size(oid), COALESCE(pg_total_relation_size(NULLIF(reltoastrelid, 0)), 0)"
    " FROM pg_class WHERE relname = :table"
)
_WAL = text("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')")


def measure(wiring: Wiring, url: str, people: int, extras: bool) -> dict[str, object]:
    """`extras`: each person with metadata, a consent reference and an `Idempotency-Key`."""
    engine = create_engine(driver_url(url), isolation_level="AUTOCOMMIT")
    rng = np.random.default_rng(7)
    wiring.prepare()
    with engine.connect() as connection:
        connection.execute(text("CHECKPOINT"))
        ids = [str(uuid4()) for _ in range(people)]
        enrolling = _wal_each(
            connection, people, lambda n: _enroll(wiring, ids[n], _vector(rng), extras)
        )
        connection.execute(text("VACUUM ANALYZE"))
        sizes = {table: _sizes(connection, table, people) for table in TABLES}
        verifying = _wal_each(
            connection, VERIFICATIONS, lambda n: _verify(wiring, ids[n], _vector(rng))
        )
    return {
        "people": people,
        "bytes_each": sizes,
        "wal_bytes_an_enrollment": enrolling,
        "wal_bytes_a_verification": verifying,
        "scan_microseconds_a_row": _scan(wiring, people, rng),
    }


def _vector(rng: np.random.Generator) -> list[float]:
    values = rng.normal(size=EMBEDDING_SIZE)
    return [float(value) for value in values / np.linalg.norm(values)]


def _enroll(wiring: Wiring, subject_id: str, vector: list[float], extras: bool) -> None:
    wiring.enroll(
        EnrollRequest(
            subject_id,
            GivenEmbedding(vector),
            DEFAULT_COLLECTION,
            LOCAL_USER,
            on_duplicate=DuplicatePolicy.ALLOW,
            metadata=METADATA if extras else None,
            consent_reference=str(uuid4()) if extras else None,
            idempotency_key=str(uuid4()) if extras else None,
        )
    )


def _verify(wiring: Wiring, subject_id: str, vector: list[float]) -> None:
    wiring.verify(VerifyRequest(subject_id, GivenEmbedding(vector), DEFAULT_COLLECTION, LOCAL_USER))


def _wal_each(connection: Connection, times: int, call: Callable[[int], None]) -> int:
    """Bytes of write-ahead log that one call writes."""
    before = connection.execute(_WAL).scalar_one()
    for number in range(times):
        call(number)
    written: int = round((connection.execute(_WAL).scalar_one() - before) / times)
    return written


def _sizes(connection: Connection, table: str, people: int) -> dict[str, int]:
    heap, toast = connection.execute(_HEAP, {"table": table}).one()
    indexes = connection.execute(_INDEXES, {"table": table}).all()
    sizes = {"heap": heap, "toast": toast} | {row.indexrelname: row.size for row in indexes}
    return {name: round(size / people) for name, size in sizes.items()}


def _scan(wiring: Wiring, people: int, rng: np.random.Generator) -> float:
    """CPU time of exact searches by pgvector, every row in memory; on one connection."""
    with wiring.storage.transaction() as tx:
        collection = require_collection(tx, DEFAULT_COLLECTION)
        opened = UnlockedCollection.unlock(collection, wiring.vault)
        probes = [opened.probes(np.asarray(_vector(rng), dtype=np.float32)) for _ in range(SCANS)]
        tx.templates.nearest(collection, probes[0], THRESHOLD, 64)
        backend = psutil.Process(
            tx.connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        )
        begun = _cpu_seconds(backend)
        for probe in probes:
            tx.templates.nearest(collection, probe, THRESHOLD, 64)
        return round((_cpu_seconds(backend) - begun) / SCANS / people * 1e6, 3)


def _state(rng: np.random.Generator) -> dict[str, float]:
    """CPU time of making one full part of the state in memory, and of searching it."""
    rows = ROWS_PER_PART
    vectors = rng.normal(size=(rows + SCANS, EMBEDDING_SIZE)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    use_calling_thread_alone()
    begun = time.process_time()
    codes = TwoBitCodes(np.arange(rows), vectors[:rows])
    made = time.process_time()
    seconds = []
    for probe in vectors[rows:]:
        asked = time.process_time()
        codes.candidates(probe[None], THRESHOLD, rows)
        seconds.append(time.process_time() - asked)
    return {
        "state_encoding_microseconds_a_row": round((made - begun) / rows * 1e6, 1),
        "state_search_nanoseconds_a_row": round(median(seconds) / rows * 1e9, 1),
    }


def _cpu_seconds(process: psutil.Process) -> float:
    """Not those of the clock: others may be at work on this machine."""
    times = process.cpu_times()
    return float(times.user + times.system)


def _photographs(wiring: Wiring, folder: Path) -> float:
    """A second of one core, from encoded bytes to embeddings."""
    images = [path.read_bytes() for path in sorted(folder.glob("*/*.png"))]
    seconds = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        for image in images:
            wiring.sampler.samples(Uploads([image]))
        seconds.append(time.process_time() - begun)
    return round(len(images) / median(seconds), 1)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--extras", action="store_true")
    parser.add_argument("--photos", type=Path)
    options = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])  # before the pool is made
    with tempfile.TemporaryDirectory(prefix="face-measure-", ignore_cleanup_errors=True) as folder:
        server = start_embedded(Path(folder))
        try:
            figures = _figures(server.url, options)
        finally:
            server.stop()
    print(json.dumps(figures, indent=2))


def _figures(url: str, options: argparse.Namespace) -> dict[str, object]:
    key = base64.b64encode(os.urandom(32)).decode()
    wiring = Wiring(AppConfig(database_url=SecretStr(url), master_key=SecretStr(key)))
    wiring.migrate()
    figures = measure(wiring, url, options.people, options.extras)
    if options.photos:
        figures["photographs_a_second"] = _photographs(wiring, options.photos)
        figures["model"] = wiring.config.model_name
    wiring.storage.close()
    return figures | _state(np.random.default_rng(7))


if __name__ == "__main__":
    main()
