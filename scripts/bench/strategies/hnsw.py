"""pgvector's HNSW: one index, searched with several `ef_search`.

It proposes only: opening the templates, which the service would do to answer, is not counted here.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import LiteralString

import numpy as np
import psycopg
from pgvector import HalfVector
from pgvector.psycopg import register_vector

from scripts.bench.databases import connected
from scripts.bench.loading import SyntheticGallery
from scripts.bench.strategies import AT_LEAST, LIMIT
from service.domain.errors import Candidate
from service.domain.face import EMBEDDING_SIZE, Embedding
from service.usecases.unlocked_collection import UnlockedCollection, require_collection
from service.vault.vault import CollectionKey

EF_SEARCH = (40, 100, 400, 1_000)

_BUILD: LiteralString = """
    CREATE INDEX bench_hnsw ON templates USING hnsw (search halfvec_ip_ops)
    WITH (m = 16, ef_construction = 64)
"""
_SEARCH: LiteralString = """
    SELECT subject_id, -(search <#> %(probe)s) FROM templates
    ORDER BY search <#> %(probe)s LIMIT %(limit)s
"""


class IndexNotUsed(Exception):
    """The planner answers without the index: nothing would be measured."""


class HnswIndex:
    """Built by whoever needs it first."""

    def __init__(self, people: SyntheticGallery) -> None:
        self._people = people
        self._seconds: float | None = None

    @cached_property
    def connection(self) -> psycopg.Connection:
        connection = connected(self._people.url)
        register_vector(connection)
        connection.execute("SET enable_seqscan = off")  # small galleries would be scanned
        connection.execute("SET plan_cache_mode = force_custom_plan")
        return connection

    def build(self) -> float:
        """Seconds. Raises `IndexNotUsed`."""
        if self._seconds is None:
            workers = str(os.cpu_count() or 1)
            self.connection.execute(
                "SELECT set_config('max_parallel_maintenance_workers', %s, false)", [workers]
            )
            started = time.perf_counter()
            self.connection.execute(_BUILD)
            self._seconds = time.perf_counter() - started
            self._require_use()
        return self._seconds

    def search(self, probe: Embedding, ef_search: int) -> Sequence[Candidate]:
        asked = {"probe": self._in_search_space(probe), "limit": LIMIT}
        with self.connection.transaction(), self.connection.cursor() as cursor:
            cursor.execute("SELECT set_config('hnsw.ef_search', %s, true)", [str(ef_search)])
            rows = cursor.execute(_SEARCH, asked).fetchall()
        return [Candidate(subject, cosine) for subject, cosine in rows if cosine >= AT_LEAST]

    def _require_use(self) -> None:
        """Raises `IndexNotUsed`."""
        anybody = np.full(EMBEDDING_SIZE, EMBEDDING_SIZE**-0.5, np.float32)
        asked = {"probe": self._in_search_space(anybody), "limit": LIMIT}
        plan = self.connection.execute("EXPLAIN " + _SEARCH, asked).fetchall()
        if not any("bench_hnsw" in line for (line,) in plan):
            raise IndexNotUsed

    def size(self) -> int:
        """Bytes of the index, all of which a search may touch."""
        row = self.connection.execute("SELECT pg_relation_size('bench_hnsw')").fetchone()
        return int(row[0]) if row else 0

    def drop(self) -> None:
        if self._seconds is not None:
            self.connection.execute("DROP INDEX bench_hnsw")
            self._seconds = None

    def _in_search_space(self, probe: Embedding) -> HalfVector:
        return HalfVector(self._key.to_search_space(probe).values)

    @cached_property
    def _key(self) -> CollectionKey:
        with self._people.storage.transaction() as tx:
            collection = require_collection(tx, self._people.name)
            return UnlockedCollection.unlock(collection, self._people.vault).key


@dataclass(frozen=True, slots=True)
class Hnsw:
    """The index, searched with one `ef_search`."""

    index: HnswIndex
    ef_search: int
    people: int
    mates: int = 1_000
    is_ours: bool = False

    @property
    def name(self) -> str:
        return f"pgvector, HNSW, ef_search {self.ef_search:,}"

    def build(self) -> float:
        return self.index.build()

    def search(self, probe: Embedding) -> Sequence[Candidate]:
        return self.index.search(probe, self.ef_search)

    def bytes_per_person(self) -> float:
        return self.index.size() / self.people

    def close(self) -> None:
        self.index.drop()
