"""What is held in memory to search by."""

from __future__ import annotations

from functools import cached_property

from service.domain.search import SearchIndex
from service.usecases.index_sync import IndexSync, rows_written
from service.wiring.storage import StorageWiring


class SearchingWiring(StorageWiring):
    """Large collections, in the memory of this process."""

    @cached_property
    def index(self) -> SearchIndex | None:
        """Of a server, which has the time to fill it; None: every search scans the database."""
        if not (self._confined and self.config.search_memory):
            return None
        from service.search.two_bits import TWO_BITS
        from service.search.vector_index import MEBIBYTE, VectorIndex

        memory = self.config.search_memory * MEBIBYTE
        return VectorIndex(memory, TWO_BITS, telemetry=self._telemetry)

    def _keep_everybody(self, collection: str, coming: int) -> IndexSync | None:
        """For one process that enrolls many: small collections too, since they grow."""
        if not self.config.search_memory:
            return None
        from service.search.kinds import for_many_probes
        from service.search.vector_index import MEBIBYTE, VectorIndex

        most_bytes = self.config.search_memory * MEBIBYTE
        rows = rows_written(self.storage, collection) + coming
        kind = for_many_probes(rows, most_bytes)
        return IndexSync(self.storage, VectorIndex(most_bytes, kind), worth_holding=0)

    @cached_property
    def keep_index(self) -> IndexSync | None:
        """Brings the index up to date."""
        return None if self.index is None else IndexSync(self.storage, self.index)
