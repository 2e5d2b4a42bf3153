"""What `onDuplicate=flag` has flagged is kept until a person has decided whether the two are one.

Two who were decided to be different people, such as twins, are not named for each other by later
duplicate checks of either; everybody else is compared with both as before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID, uuid4

from service.domain.audit import Action
from service.domain.collection import Collection, Subject
from service.domain.errors import (
    Candidate,
    DuplicateNotFound,
    DuplicateResolved,
    RecordTampered,
)
from service.domain.flagged_duplicate import (
    DuplicateDecision,
    FlaggedDuplicate,
    FlagPlace,
    FlagStatus,
    Resolution,
)
from service.usecases.audit_recorder import AuditedCall, AuditRecorder
from service.usecases.unlocked_collection import lock_collection, require_collection

if TYPE_CHECKING:
    from service.storage.storage import Storage
    from service.storage.transaction import Transaction

Flagged: TypeAlias = Sequence[tuple[Subject, Sequence[Candidate]]]
"""Everybody whom this transaction enrolls, as they are stored now, and whom each looks like."""


@dataclass(frozen=True, slots=True)
class DuplicatePage:
    """Newest first. `next_place`: behind what the next page starts; None on the last."""

    collection: str
    duplicates: Sequence[FlaggedDuplicate]
    next_place: FlagPlace | None


class ListDuplicates:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def __call__(
        self, collection_name: str, status: FlagStatus, limit: int, after: FlagPlace | None
    ) -> DuplicatePage:
        """Those about two people who are enrolled. Raises `CollectionNotFound`."""
        with self._storage.transaction() as tx:
            collection = require_collection(tx, collection_name)
            found = list(islice(_shown(tx, collection, status, limit, after), limit + 1))
        shown = found[:limit]
        return DuplicatePage(
            collection_name, shown, shown[-1].place if len(found) > limit else None
        )


def _shown(
    tx: Transaction,
    collection: Collection,
    status: FlagStatus,
    limit: int,
    after: FlagPlace | None,
) -> Iterator[FlaggedDuplicate]:
    """A few at a time: of the expired and of altered rows nothing is shown."""
    read = partial(tx.flagged_duplicates.page, collection, status, limit + 1)
    while True:
        rows, genuine = tx.flagged_duplicates.settled(
            collection, partial(read, after), tx.subjects.shown
        )
        yield from genuine
        if not rows:
            return
        after = rows[-1].flagged.place


@dataclass(frozen=True, slots=True)
class ResolveRequest:
    """`caller`: the name of the key. `force`: overrule another decision."""

    duplicate_id: UUID
    decision: DuplicateDecision
    collection: str
    caller: str
    force: bool = False


def audited_resolution(request: ResolveRequest) -> AuditedCall:
    return AuditedCall(request.caller, Action.DUPLICATE_RESOLVE, request.collection)


class ResolveDuplicate:
    """A person has looked at the two, and tells whether they are one."""

    def __init__(
        self, storage: Storage, clock: Callable[[], datetime], audit: AuditRecorder
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._audit = audit

    def __call__(self, request: ResolveRequest) -> FlaggedDuplicate:
        """As it is thereafter; the same decision again changes nothing.

        Raises `CollectionNotFound`, `DuplicateNotFound`, `DuplicateResolved`, `RecordTampered`.
        """
        with self._storage.transaction(request.collection) as tx:
            collection = lock_collection(tx, request.collection)
            flagged, people = _required(tx, collection, request.duplicate_id)
            if (made := flagged.resolution) is not None:
                if made.decision is request.decision:
                    return flagged
                if not request.force:
                    raise DuplicateResolved(decision=made.decision)
            number = flagged.decisions + 1
            resolution = Resolution(request.decision, self._clock(), request.caller, number)
            resolved = replace(flagged, resolution=resolution)
            record = tx.flagged_duplicates.decide(collection, resolved, people)
            self._record(tx, collection, resolved, resolution, record)
        return resolved

    def _record(
        self,
        tx: Transaction,
        collection: Collection,
        flagged: FlaggedDuplicate,
        resolution: Resolution,
        record: UUID,
    ) -> None:
        """About each of the two: whoever asks the log about one of them finds it."""
        for whose, audit_id in ((flagged.subject_id, record), (flagged.duplicate_of, uuid4())):
            self._audit.record(
                tx,
                Action.DUPLICATE_RESOLVE,
                resolution.by,
                collection,
                whose,
                outcome=resolution.decision,
                audit_id=audit_id,
                at=resolution.at,
            )


def _required(
    tx: Transaction, collection: Collection, duplicate_id: UUID
) -> tuple[FlaggedDuplicate, Mapping[str, Subject]]:
    """With the two people. Raises `DuplicateNotFound` where one of them is gone, `RecordTampered`."""
    rows = tx.flagged_duplicates.find(collection, duplicate_id)
    ids = sorted({each for row in rows for each in row.flagged.pair})
    people = tx.subjects.enrolled(collection, ids)
    if not any(row.flagged.pair <= people.keys() for row in rows):
        raise DuplicateNotFound
    genuine = tx.flagged_duplicates.genuine(collection, rows, people)
    if not genuine:
        raise RecordTampered
    return genuine[0], people


@dataclass(frozen=True, slots=True)
class FlagsOf:
    """Those about somebody and others, and all these `people`, by id, the expired too."""

    flagged: Sequence[FlaggedDuplicate]
    people: Mapping[str, Subject]

    def are_different(self, first: str, second: str) -> bool:
        """Whether somebody has decided so about these two."""
        return any(
            one.is_of_different_people for one in self.flagged if one.pair == {first, second}
        )


def flags_of(tx: Transaction, collection: Collection, *subject_ids: str) -> FlagsOf:
    """Of all of these. Altered rows are not among them, and told to the operator. Raises `RecordTampered`
    for altered people.
    """
    rows = tx.flagged_duplicates.of(collection, subject_ids)
    people = tx.subjects.enrolled_or_expired(
        collection, sorted({each for row in rows for each in row.flagged.pair})
    )
    return FlagsOf(tx.flagged_duplicates.genuine(collection, rows, people), people)


def carry_flags(
    tx: Transaction, collection: Collection, flags: FlagsOf, subject: Subject, gone: str
) -> None:
    """What was about who is `gone` is about `subject` from now on, as they are stored. Whoever both looked like
    is flagged as for `subject`; the two themselves are one, and flagged no more.

    All rows of who is gone went with them, so none of those can decide anything again.
    """
    whose = subject.subject_id
    flagged = [one for one in flags.flagged if one.pair != {whose, gone}]
    own = [one for one in flagged if whose in one.pair]
    there = {one.pair for one in own}
    carried = [one.about(whose, instead_of=gone) for one in flagged if gone in one.pair]
    kept = [*own, *(one for one in carried if one.pair not in there)]
    tx.flagged_duplicates.put(collection, kept, {**flags.people, whose: subject})


def different_from(tx: Transaction, collection: Collection, subject_id: str) -> frozenset[str]:
    """Who was decided to be somebody else than this person, who is enrolled. An altered row decides
    nothing: the two are named for each other again. Raises `RecordTampered` for altered people.
    """
    flags = flags_of(tx, collection, subject_id).flagged
    return frozenset(one.other_than(subject_id) for one in flags if one.is_of_different_people)


def flag_duplicates(
    tx: Transaction, collection: Collection, flagged: Flagged, now: datetime
) -> None:
    """Keep who looks like whom. Two who are flagged already stay as they are, decided or not."""
    wanted = {
        frozenset((subject.subject_id, one.subject_id)): (subject, one)
        for subject, candidates in flagged
        for one in candidates
    }
    if not wanted:
        return
    people = {subject.subject_id: subject for subject, _ in flagged}  # no read proves these yet
    others = {one.subject_id for _, one in wanted.values()} - people.keys()
    people |= tx.subjects.enrolled(collection, sorted(others))
    rows = [
        row
        for row in tx.flagged_duplicates.of(
            collection, sorted({subject.subject_id for subject, _ in wanted.values()})
        )
        if row.flagged.pair in wanted
    ]
    kept = {one.pair for one in tx.flagged_duplicates.genuine(collection, rows, people)}
    replaced = [row.flagged for row in rows if row.flagged.pair not in kept]
    tx.flagged_duplicates.delete(collection, replaced)
    new = [
        FlaggedDuplicate(uuid4(), subject.subject_id, one.subject_id, one.similarity, now)
        for pair, (subject, one) in wanted.items()
        if pair not in kept and pair <= people.keys()
    ]
    tx.flagged_duplicates.put(collection, new, people)
