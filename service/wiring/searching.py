"""What is held in memory to search by."""

from __future__ import annotations

from collections.abc import Callable
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

        index = VectorIndex(self.config.search_memory * MEBIBYTE, TWO_BITS)
        if self._metrics is None:
            return index
        from service.telemetry.instrumented import watched_index

        return watched_index(index, self._metrics)

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
    def keep_index(self) -> Callable[[], None] | None:
        """Brings the index up to date, and tells the metrics how far it came."""
        index, metrics = self.index, self._metrics
        if index is None:
            return None
        keep = IndexSync(self.storage, index)
        if metrics is None:
            return keep
        from service.telemetry.instrumented import afterwards

        return afterwards(keep, lambda: metrics.search_state(index.state()))
