"""pgvector's exact scan, as the service runs it: the reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scripts.bench.loading import SyntheticGallery
from scripts.bench.strategies import AT_LEAST, LIMIT
from service.domain.errors import Candidate
from service.domain.face import Embedding
from service.usecases.candidates import find_candidates
from service.usecases.unlocked_collection import UnlockedCollection, require_collection


@dataclass(frozen=True, slots=True)
class ExactScan:
    """The scan of the search column, and what comes near recomputed from the opened templates."""

    people: SyntheticGallery
    name: str = "pgvector, exact scan"
    mates: int = 100
    is_ours: bool = False

    def build(self) -> float:
        return 0.0

    def search(self, probe: Embedding) -> Sequence[Candidate]:
        with self.people.storage.transaction() as tx:
            collection = require_collection(tx, self.people.name)
            opened = UnlockedCollection.unlock(collection, self.people.vault)
            return find_candidates(tx, opened, probe, AT_LEAST, LIMIT)

    def bytes_per_person(self) -> float:
        return 0.0

    def close(self) -> None:
        pass
