"""What the service does: codes of every row in memory name those few that need be compared."""

from __future__ import annotations

from collections.abc import Sequence

from scripts.bench.loading import SyntheticGallery
from scripts.bench.rounds import timed
from scripts.bench.strategies import AT_LEAST, LIMIT
from service.config import AppConfig
from service.domain.capacity import MEBIBYTE
from service.domain.errors import Candidate
from service.domain.face import Embedding
from service.search.two_bits import TWO_BITS
from service.search.vector_index import VectorIndex
from service.usecases.candidates import find_candidates, shortlist
from service.usecases.index_sync import IndexSync
from service.usecases.unlocked_collection import UnlockedCollection, require_collection


class NothingHeld(Exception):
    """The search fell back to the exact scan: nothing would be measured."""


class InMemory:
    """The state that each process of a server holds, filled from the database as a server does."""

    name = "face"
    mates = 10_000
    is_ours = True

    def __init__(self, people: SyntheticGallery) -> None:
        self._people = people
        most_bytes = AppConfig.model_fields["search_memory"].default * MEBIBYTE
        self._index = VectorIndex(most_bytes, TWO_BITS)

    def build(self) -> float:
        return timed(IndexSync(self._people.storage, self._index, worth_holding=0))

    def search(self, probe: Embedding) -> Sequence[Candidate]:
        """Raises `NothingHeld`."""
        with self._people.storage.transaction() as tx:
            collection = require_collection(tx, self._people.name)
            opened = UnlockedCollection.unlock(collection, self._people.vault)
            among = shortlist(tx, opened, probe, AT_LEAST, self._index)
            if among is None or not among.compared:
                raise NothingHeld
            return find_candidates(tx, opened, probe, AT_LEAST, LIMIT, among)

    def bytes_per_person(self) -> float:
        state = self._index.state()
        return state.size / state.rows

    def close(self) -> None:
        for collection_id in self._index.collections():
            self._index.drop(collection_id)
