"""Can this process serve, and on what does it run?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.domain.errors import DatabaseUnavailable, FaceError
from service.domain.ports import FaceEngine
from service.domain.search import SearchIndex, SearchState

if TYPE_CHECKING:
    from service.storage.storage import Storage


@dataclass(frozen=True, slots=True)
class Readiness:
    """`problem`: the code of what stands in the way of the database; None: it is ready. `search`:
    what is held in memory; None where nothing is to be. What it lacks makes searches slower and
    stands in the way of none. `liveness_models`: those of the passive check, if any.
    """

    problem: str | None
    model_id: str
    model_license: str
    providers_requested: Sequence[str]
    providers_obtained: Sequence[str]
    search: SearchState | None = None
    liveness_models: Sequence[str] = ()

    @property
    def ready(self) -> bool:
        return self.problem is None


class CheckReadiness:
    """The model is loaded before a server starts, so that only the database can be missing."""

    def __init__(
        self,
        engine: FaceEngine,
        storage: Storage,
        providers_requested: Sequence[str],
        model_license: str,
        index: SearchIndex | None = None,
        liveness_models: Sequence[str] = (),
    ) -> None:
        """`model_license`: an SPDX expression."""
        self._engine = engine
        self._storage = storage
        self._index = index
        self._liveness_models = liveness_models
        self.providers_requested = providers_requested
        self._license = model_license

    def __call__(self) -> Readiness:
        return self._readiness(self._database_problem())

    def without_database(self) -> Readiness:
        """What is told where the database does not answer in time."""
        return self._readiness(DatabaseUnavailable.code)

    def _readiness(self, problem: str | None) -> Readiness:
        return Readiness(
            problem,
            self._engine.model.model_id,
            self._license,
            self.providers_requested,
            self._engine.providers,
            None if self._index is None else self._index.state(),
            self._liveness_models,
        )

    def _database_problem(self) -> str | None:
        try:
            self._storage.check()
        except FaceError as error:
            return error.code
        return None
