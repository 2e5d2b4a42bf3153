"""Can this process serve, and on what does it run?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from service.domain.errors import FaceError
from service.domain.ports import FaceEngine, Gallery


@dataclass(frozen=True, slots=True)
class Readiness:
    """`problem`: the code of what stands in the way of the database; None: it is ready."""

    problem: str | None
    model_id: str
    providers_requested: Sequence[str]
    providers_obtained: Sequence[str]

    @property
    def ready(self) -> bool:
        return self.problem is None


class CheckReadiness:
    """The model is loaded before a server starts, so that only the database can be missing."""

    def __init__(
        self, engine: FaceEngine, gallery: Gallery, providers_requested: Sequence[str]
    ) -> None:
        self._engine = engine
        self._gallery = gallery
        self.providers_requested = providers_requested

    def __call__(self) -> Readiness:
        return Readiness(
            self._database_problem(),
            self._engine.model.model_id,
            self.providers_requested,
            self._engine.providers,
        )

    def _database_problem(self) -> str | None:
        try:
            self._gallery.check()
        except FaceError as error:
            return error.code
        return None
