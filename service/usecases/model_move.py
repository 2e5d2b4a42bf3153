"""The people of a collection are moved to another model: begun, watched, finished or given up.

Nobody's photographs are kept, so nobody can be moved at once. While a move lasts everybody has a template
of the present model, and those who were moved one of the next model as well (`move_person.py`). At its end
one of the two models decides nothing any more, and its templates are removed in small steps. At every
moment the collection's row tells what holds, and it is changed while no call is under way: so whoever is
killed leaves nothing half done, and the next one goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import uuid4

from service.domain.audit import Action
from service.domain.callers import MODEL_MOVE
from service.domain.collection import Collection
from service.domain.errors import (
    ModelMismatch,
    ModelMoveUnderWay,
    ModelNotMoving,
    PeopleNotMoved,
    ProfilesMissing,
    RecordTampered,
)
from service.domain.served_models import ServedModels
from service.domain.thresholds import Calibration
from service.usecases.audit_recorder import AuditRecorder
from service.usecases.erase import forget_sessions
from service.usecases.key_rotation import Progress, retried
from service.usecases.unlocked_collection import lock_collection, require_collection

if TYPE_CHECKING:
    from service.storage.storage import Storage
    from service.storage.transaction import Transaction

BATCH = 100
"""People changed in one transaction: an enrollment waits a few tenths of a second for it."""


@dataclass(frozen=True, slots=True)
class MoveStatus:
    """`people`: stored in the collection, `moved` of them under the next model as well. `remaining`:
    templates of the retiring model.
    """

    collection: Collection
    people: int
    moved: int = 0
    remaining: int = 0

    @property
    def unmoved(self) -> int:
        return self.people - self.moved


def status_of(tx: Transaction, collection: Collection) -> MoveStatus:
    def having(model_id: str | None) -> int:
        return 0 if model_id is None else tx.templates.people_of(collection, model_id)

    return MoveStatus(
        collection,
        tx.subjects.count(collection),
        having(collection.next_model_id),
        having(collection.retiring_model_id),
    )


class MoveModel:
    """For an operator. `models`: those served, asked for where a move begins."""

    def __init__(
        self, storage: Storage, models: Callable[[], ServedModels], audit: AuditRecorder
    ) -> None:
        self._storage = storage
        self._models = models
        self._audit = audit

    def status(self, name: str) -> MoveStatus:
        """Raises `CollectionNotFound`."""
        with self._storage.transaction() as tx:
            return status_of(tx, require_collection(tx, name))

    def all(self) -> Sequence[MoveStatus]:
        with self._storage.transaction() as tx:
            names = tx.collections.names()
            return [status_of(tx, require_collection(tx, name)) for name in names]

    def under_way(self) -> Sequence[MoveStatus]:
        """Of the collections that have to do with another model."""
        with self._storage.transaction() as tx:
            found = [require_collection(tx, name) for name in tx.collections.names()]
            moving = [each for each in found if each.next_model_id or each.retiring_model_id]
            return [status_of(tx, each) for each in moving]

    def unmoved(self, name: str) -> Iterator[str]:
        """Ids of those who have nothing under the next model, a few at a time.

        Raises `CollectionNotFound`, `ModelNotMoving`.
        """
        after: str | None = None
        while True:
            with self._storage.transaction() as tx:
                collection = require_collection(tx, name)
                if collection.next_model_id is None:
                    raise ModelNotMoving(collection=name)
                found = tx.templates.lacking(collection, collection.next_model_id, BATCH, after)
            yield from found
            if len(found) < BATCH:
                return
            after = found[-1]

    def begin(self, name: str, caller: str) -> MoveStatus:
        """From now on whoever is verified or enrolled with photographs is stored under the next model too.

        Changes nothing where that holds already. Raises `CollectionNotFound`, `ModelMismatch`,
        `ModelMoveUnderWay`, `ProfilesMissing`, `Overloaded`.
        """
        models = self._models()
        if models.next is None:
            raise ModelNotMoving(collection=name)
        return retried(lambda: self._begin(name, models, caller))

    def _begin(self, name: str, models: ServedModels, caller: str) -> MoveStatus:
        with self._storage.transaction() as tx:
            collection = _alone(tx, name)
            following = _following(collection, models)
            if following != collection:
                tx.collections.update(following)
                self._audit.record(tx, Action.MODEL_MOVE, caller, name)
            return status_of(tx, following)

    def cancel(self, name: str, caller: str, progress: Progress) -> None:
        """What is stored under the next model goes. Raises `CollectionNotFound`, `ModelNotMoving`,
        `RecordTampered`, `Overloaded`.
        """
        retried(lambda: self._cancel(name, caller))
        RemoveTemplates(self._storage, self._audit, caller)(name, progress)

    def _cancel(self, name: str, caller: str) -> None:
        with self._storage.transaction() as tx:
            collection = _alone(tx, name)
            if not _still_moving(collection):
                self._require_given_up(collection)
                return
            given_up = collection.next_model_id
            after = replace(collection, next_model_id=None, retiring_model_id=given_up)
            tx.collections.update(after)
            self._audit.record(tx, Action.MODEL_MOVE_CANCEL, caller, name)

    def _require_given_up(self, collection: Collection) -> None:
        """What is being removed must be the next model's: of a finished move nothing is given up any more,
        and who was not moved would be erased. Raises `ModelNotMoving`.
        """
        following = self._models().next
        if following is None or following.model_id != collection.retiring_model_id:
            raise ModelNotMoving(collection=collection.name)

    def finish(self, name: str, caller: str, progress: Progress, *, erase_unmoved: bool) -> None:
        """The next model decides from now on, and what is stored under the old one goes.

        `erase_unmoved`: who was never moved goes as well; else nothing is done while there is anybody.
        Raises `CollectionNotFound`, `ModelNotMoving`, `PeopleNotMoved`, `RecordTampered`, `Overloaded`.
        """
        retried(lambda: self._finish(name, caller, erase_unmoved=erase_unmoved))
        RemoveTemplates(self._storage, self._audit, caller)(name, progress)

    def _finish(self, name: str, caller: str, *, erase_unmoved: bool) -> None:
        with self._storage.transaction() as tx:
            collection = _alone(tx, name)
            if not _still_moving(collection):
                return
            found = status_of(tx, collection)
            if found.unmoved and not erase_unmoved:
                raise PeopleNotMoved(collection=name, number=found.unmoved, people=found.people)
            tx.collections.update(_moved(collection))
            self._audit.record(tx, Action.MODEL_MOVE_FINISH, caller, name)


class AdvanceMoves:
    """What a server does about moves by itself: it finishes those in which everybody was moved, and removes
    what an earlier run has left. `models`: those served.
    """

    def __init__(
        self,
        move: MoveModel,
        models: Callable[[], ServedModels],
        report: Callable[[int, int], None],
    ) -> None:
        """`report`: told how many people were moved in all collections together, and how many were not."""
        self._move = move
        self._models = models
        self._report = report

    def __call__(self) -> Sequence[str]:
        """The models that decide alone from now on, one for each collection that came to its end.

        Raises what `MoveModel.finish` raises.
        """
        under_way = [each for each in self._move.under_way() if self._serves(each)]
        moving = [each for each in under_way if each.collection.next_model_id]
        self._report(sum(each.moved for each in moving), sum(each.unmoved for each in moving))
        return [
            self._finish(each.collection.name)
            for each in under_way
            if each.collection.retiring_model_id or not each.unmoved
        ]

    def _serves(self, each: MoveStatus) -> bool:
        return self._models().serve(each.collection)

    def _finish(self, name: str) -> str:
        with suppress(ModelNotMoving):  # another worker was faster
            self._move.finish(name, MODEL_MOVE.name, _tell_nobody, erase_unmoved=False)
        return str(self._move.status(name).collection.model_id)


def _tell_nobody(moved: int, total: int) -> None:
    """The progress of a server's own work."""


def _alone(tx: Transaction, name: str) -> Collection:
    """The collection once no call on it is under way; until the end of the transaction none begins.

    Raises `CollectionNotFound`, `Overloaded`.
    """
    tx.collections.lock_keys(name)
    return require_collection(tx, name)


def _still_moving(collection: Collection) -> bool:
    """False where the move has ended and only templates remain to be removed. Raises `ModelNotMoving`."""
    if collection.next_model_id is None and collection.retiring_model_id is None:
        raise ModelNotMoving(collection=collection.name)
    return collection.next_model_id is not None


def _following(collection: Collection, models: ServedModels) -> Collection:
    """As it is once a move has begun."""
    present, following = models.present, models.next
    if following is None:
        raise ModelNotMoving(collection=collection.name)
    if collection.model_id is None:  # nobody is enrolled: it begins with the next model
        return replace(collection, model_id=following.model_id)
    if following.model_id in (collection.model_id, collection.next_model_id):
        return collection
    if other := collection.next_model_id or collection.retiring_model_id:
        raise ModelMoveUnderWay(collection=collection.name, model=other)
    if collection.model_id != present.model_id:
        raise ModelMismatch(stored=collection.model_id, served=present.model_id)
    require_profiles(collection, present.calibration, following.calibration)
    return replace(collection, next_model_id=following.model_id)


def require_profiles(collection: Collection, present: Calibration, following: Calibration) -> None:
    """A threshold belongs to a model: a profile that the collection or the settings have for the present
    one alone would mean nothing for people who were moved. Raises `ProfilesMissing`.
    """
    own = present.with_thresholds(collection.settings.thresholds).profiles
    if missing := sorted({*own} - {*following.profiles}):
        raise ProfilesMissing(collection=collection.name, profiles=", ".join(missing))


def _moved(collection: Collection) -> Collection:
    """As it is once its move has ended. Its own thresholds were for the old model, and go with it."""
    return replace(
        collection,
        model_id=collection.next_model_id,
        next_model_id=None,
        retiring_model_id=collection.model_id,
        settings=replace(collection.settings, thresholds={}),
    )


class RemoveTemplates:
    """Removes all templates of a collection's retiring model, a batch in each transaction."""

    def __init__(self, storage: Storage, audit: AuditRecorder, caller: str) -> None:
        self._storage = storage
        self._audit = audit
        self._caller = caller

    def __call__(self, name: str, progress: Progress) -> None:
        """Until none is left; several may do it at the same time.

        Raises `CollectionNotFound`, `RecordTampered`, and what transactions raise.
        """
        with self._storage.transaction() as tx:
            total, done = status_of(tx, require_collection(tx, name)).remaining, 0
        while removed := retried(lambda: self._batch(name)):
            done += removed
            progress(done, max(total, done))

    def _batch(self, name: str) -> int:
        with self._storage.transaction(name) as tx:
            collection = lock_collection(tx, name)
            if (model_id := collection.retiring_model_id) is None:
                return 0
            whose = tx.templates.some_of(collection, model_id, BATCH)
            for subject_id in sorted(whose):
                self._remove(tx, collection, model_id, subject_id)
            if not whose:
                tx.collections.update(replace(collection, retiring_model_id=None))
            return len(whose)

    def _remove(
        self, tx: Transaction, collection: Collection, model_id: str, subject_id: str
    ) -> None:
        """Whoever has no other template is erased: nobody could be told to be them any more."""
        subject = tx.subjects.find_locked(collection, subject_id)
        if subject is None:
            raise RecordTampered
        gone = tx.templates.delete_of(collection, subject_id, model_id)
        kept = tuple(each for each in subject.template_ids if each not in gone)
        if not kept:
            tx.subjects.delete(collection, subject_id)
            entry = self._audit.record(tx, Action.ERASE, self._caller, collection, subject_id)
            forget_sessions(tx, collection, entry)
            return
        change = uuid4()
        tx.subjects.bind(collection, replace(subject, template_ids=kept, change=change))
        whose = collection, subject_id
        self._audit.record(tx, Action.TEMPLATE_RETIRE, self._caller, *whose, audit_id=change)
