"""Ports with a clock at them, so that use cases and adapters need none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ParamSpec, TypeVar, cast
from uuid import UUID

from service.domain.collection import WrappedKey
from service.domain.ports import FaceEngine, Gallery, Transaction
from service.domain.search import SearchIndex, Shortlist, Vectors
from service.telemetry.metrics import Metrics
from service.vault.collection_key import CollectionKey
from service.vault.vault import Vault

Part = TypeVar("Part")
AnyGallery = TypeVar("AnyGallery", bound=Gallery)
Call = TypeVar("Call", bound=Callable[..., Any])
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Clock = Callable[[], AbstractContextManager[object]]


class _Changed:
    """A part, with some of its attributes replaced; whatever else is asked for is the part's."""

    def __init__(self, part: object, changed: Mapping[str, object]) -> None:
        self._part = part
        self.__dict__.update(changed)

    def __getattr__(self, name: str) -> object:
        """Asked only for what is not in `changed`."""
        attribute: object = getattr(self._part, name)
        return attribute


def changed(part: Part, **attributes: object) -> Part:
    """`part` with `attributes` in place of its own."""
    return cast("Part", _Changed(part, attributes))


def watched_engine(engine: FaceEngine, metrics: Metrics) -> FaceEngine:
    return changed(
        engine,
        detect=_timed(engine.detect, lambda: metrics.engine_call("detect")),
        embed=_timed(engine.embed, lambda: metrics.engine_call("embed")),
    )


def watched_vault(vault: Vault, metrics: Metrics) -> Vault:
    def unlock(collection_id: UUID, wrapped: WrappedKey) -> CollectionKey:
        key = vault.unlock(collection_id, wrapped)
        return changed(key, open=_timed(key.open, lambda: metrics.stage("open")))

    return changed(vault, unlock=unlock)


def watched_storage(storage: AnyGallery, metrics: Metrics) -> AnyGallery:
    @contextmanager
    def transaction(*waits_for: str) -> Iterator[Transaction]:
        with metrics.transaction(), storage.transaction(*waits_for) as tx:
            yield _watched_transaction(tx, metrics)

    return changed(storage, transaction=transaction)


def watched_index(index: SearchIndex, metrics: Metrics) -> SearchIndex:
    def near(
        collection_id: UUID, probes: Mapping[UUID, Vectors], at_least: float
    ) -> Sequence[Shortlist | None] | None:
        with metrics.stage("shortlist"):
            lists = index.near(collection_id, probes, at_least)
        for each in lists or ():
            metrics.shortlisted(found=each is not None)
        return lists

    return changed(index, near=near)


def afterwards(work: Callable[[], None], tell: Callable[[], None]) -> Callable[[], None]:
    """`work`, and then `tell`, whatever became of it."""

    def working() -> None:
        try:
            work()
        finally:
            tell()

    return working


def noted(call: Call, note: Callable[[Any], None]) -> Call:
    """A use case `call`, each result of which is shown to `note` before it is returned."""

    def noting(request: object) -> object:
        result: object = call(request)
        note(result)
        return result

    return cast("Call", noting)


def _watched_transaction(tx: Transaction, metrics: Metrics) -> Transaction:
    lock = _timed(tx.collections.lock, lambda: metrics.stage("lock"))
    nearest = _timed(tx.templates.nearest, lambda: metrics.stage("search"))
    listed = _timed(tx.templates.listed, lambda: metrics.stage("search"))
    return changed(
        tx,
        collections=changed(tx.collections, lock=lock),
        templates=changed(tx.templates, nearest=nearest, listed=listed),
    )


def _timed(method: Callable[Arguments, Result], clock: Clock) -> Callable[Arguments, Result]:
    def timed(*arguments: Arguments.args, **named: Arguments.kwargs) -> Result:
        with clock():
            return method(*arguments, **named)

    return timed
