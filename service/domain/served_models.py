"""The models that one process serves, and by which of them a collection's people are compared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from service.domain.collection import Collection
from service.domain.errors import ModelMismatch
from service.domain.thresholds import CONSERVATIVE, Calibration


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model that this process makes embeddings with, and the thresholds that are its own."""

    model_id: str
    calibration: Calibration


@dataclass(frozen=True, slots=True)
class CollectionModels:
    """The models of one collection. By `present` everybody in it is enrolled; to `next` they are moved,
    None where they are not. `own`: the present model's thresholds without the collection's.
    """

    present: ServedModel
    next: ServedModel | None
    own: Calibration

    @property
    def beyond_doubt(self) -> float:
        """The cosine from which somebody is moved. Whoever may lower the collection's thresholds for a while
        leaves nothing behind by it.
        """
        both = self.own, self.present.calibration
        return max(each.profile(CONSERVATIVE).threshold for each in both)

    @property
    def all(self) -> tuple[ServedModel, ...]:
        """The present one first."""
        return (self.present,) if self.next is None else (self.present, self.next)

    def deciding(self, *there: Iterable[str]) -> ServedModel:
        """By which a person is compared: the next, where each of `there` has it, the models of the person's
        templates and those of the probe; else the present.
        """
        following = self.next
        if following is not None and all(following.model_id in each for each in there):
            return following
        return self.present


@dataclass(frozen=True, slots=True)
class ServedModels:
    """`present`: by which callers' embeddings are made, and new collections begin. `next`: served beside
    it while people are moved to it.
    """

    present: ServedModel
    next: ServedModel | None = None

    def of(self, collection: Collection, *, enrolled: bool = True) -> CollectionModels:
        """`enrolled`: whether anybody is: whatever an emptied collection was bound to holds no more.

        Raises `ModelMismatch` unless all models that decide in the collection are served: comparing
        by one of two would miss people, or enroll them by the other one alone.
        """
        if collection.model_id is None or not enrolled:
            collection = unbound(collection, self.present.model_id)
        if not self.serve(collection):
            raise ModelMismatch(stored=_shown(_asked(collection)), served=_shown(list(self._by_id)))
        present, *following = (self._by_id[each] for each in _asked(collection))
        calibration = present.calibration.with_thresholds(collection.settings.thresholds)
        deciding = replace(present, calibration=calibration)
        return CollectionModels(deciding, next(iter(following), None), present.calibration)

    def serve(self, collection: Collection) -> bool:
        """Whether all models that decide in the collection are served."""
        return all(each in self._by_id for each in _asked(collection))

    @property
    def _by_id(self) -> dict[str, ServedModel]:
        return {each.model_id: each for each in (self.present, self.next) if each}


def unbound(collection: Collection, model_id: str) -> Collection:
    """As it is where nobody is enrolled and somebody is to be, by this model."""
    return replace(collection, model_id=model_id, next_model_id=None, retiring_model_id=None)


def _asked(collection: Collection) -> list[str]:
    """The models that decide."""
    return [each for each in (collection.model_id, collection.next_model_id) if each]


def _shown(model_ids: list[str]) -> str:
    """As people move.

    >>> _shown(["buffalo_l@sha256:0", "sface@sha256:1"])
    'buffalo_l@sha256:0 -> sface@sha256:1'
    """
    return " -> ".join(model_ids)
