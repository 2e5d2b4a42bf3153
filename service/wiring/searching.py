"""What is held in memory to search by."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from service.domain.search import SearchIndex
from service.usecases.keeping import KeepIndex
from service.wiring.storage import StorageWiring

MEBIBYTE = 1024 * 1024


class SearchingWiring(StorageWiring):
    """Large collections, in the memory of this process."""

    @cached_property
    def index(self) -> SearchIndex | None:
        """Of a server, which has the time to fill it; None: every search scans the database."""
        if not (self._confined and self.config.search_memory):
            return None
        from service.search.memory import SearchMemory

        index = SearchMemory(self.config.search_memory * MEBIBYTE)
        if self._metrics is None:
            return index
        from service.observing.watching import watched_index

        return watched_index(index, self._metrics)

    @property
    def _keep_everybody(self) -> KeepIndex | None:
        """For one process that enrolls many: small collections too, since they grow."""
        if not self.config.search_memory:
            return None
        from service.search.memory import SearchMemory

        index = SearchMemory(self.config.search_memory * MEBIBYTE)
        return KeepIndex(self.gallery, index, worth_holding=0)

    @cached_property
    def keep_index(self) -> Callable[[], None] | None:
        """Brings the index up to date, and tells the metrics how far it came."""
        index, metrics = self.index, self._metrics
        if index is None:
            return None
        keep = KeepIndex(self.gallery, index)
        if metrics is None:
            return keep
        from service.observing.watching import afterwards

        return afterwards(keep, lambda: metrics.search_state(index.state()))
