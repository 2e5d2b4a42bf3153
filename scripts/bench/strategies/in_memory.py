"""What the service does: codes of every row in memory name those few that need be compared."""

from __future__ import annotations

from collections.abc import Sequence

from scripts.bench.loading import SyntheticGallery
from scripts.bench.rounds import timed
from scripts.bench.strategies import AT_LEAST, LIMIT
from service.config import AppConfig
from service.domain.errors import Lookalike
from service.domain.face import Embedding
from service.search.memory import MEBIBYTE, SearchMemory
from service.search.two_bits import TWO_BITS
from service.usecases.keeping import KeepIndex
from service.usecases.people import OpenCollection, require_collection
from service.usecases.searching import lookalikes, shortlist


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
        self._index = SearchMemory(most_bytes, TWO_BITS)

    def build(self) -> float:
        return timed(KeepIndex(self._people.gallery, self._index, worth_holding=0))

    def search(self, probe: Embedding) -> Sequence[Lookalike]:
        """Raises `NothingHeld`."""
        with self._people.gallery.transaction() as tx:
            collection = require_collection(tx, self._people.name)
            opened = OpenCollection.unlock(collection, self._people.vault)
            among = shortlist(tx, opened, probe, AT_LEAST, self._index)
            if among is None or not among.compared:
                raise NothingHeld
            return lookalikes(tx, opened, probe, AT_LEAST, LIMIT, among)

    def bytes_per_person(self) -> float:
        state = self._index.state()
        return state.size / state.rows

    def close(self) -> None:
        for collection_id in self._index.collections():
            self._index.drop(collection_id)
