"""Enroll many people in one transaction: all of those who may be, or nobody."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

import numpy as np

from service.domain.audit import Action, AuditEntry
from service.domain.audit import Outcome as Told
from service.domain.bulk import Candidate, Outcome, Result, refused
from service.domain.callers import Caller
from service.domain.collection import Collection, DuplicatePolicy
from service.domain.duplicate_check import DuplicateRule, duplicate_rule
from service.domain.errors import DuplicateSubject, Lookalike, SubjectExists
from service.domain.face import Embedding
from service.domain.ports import Gallery, Transaction, Vault
from service.domain.template import cosine_similarity
from service.domain.thresholds import Calibration
from service.usecases.enroll import DUPLICATES_SHOWN
from service.usecases.keeping import KeepIndex
from service.usecases.people import OpenCollection, bind_model, lock_collection, require_collection
from service.usecases.purge import remove_expired
from service.usecases.searching import HALF_PRECISION_MARGIN, lookalikes_of_many
from service.usecases.terms import require_true_date, sealed_subject

SAME_EMBEDDING = 0.9999
"""Cosine from which a ready embedding is the one that is stored: an earlier run enrolled it.

Two photographs of one person come nowhere near; numbers written with four digits do.
"""


@dataclass(frozen=True, slots=True)
class BulkRequest:
    """`on_duplicate`, `profile`: of the duplicate check (`duplicate_rule`); None for the collection's own."""

    collection: str
    caller: Caller
    on_duplicate: DuplicatePolicy | None = None
    profile: str | None = None


class EnrollBatch:
    """Under the lock of the collection, as one enrollment is: whoever enrolls at the same time
    sees either nobody of the batch or everybody.
    """

    def __init__(
        self,
        gallery: Gallery,
        vault: Vault,
        calibration: Calibration,
        model_id: str,
        clock: Callable[[], datetime],
        keep: KeepIndex | None = None,
    ) -> None:
        """`keep`: keeps in memory who is enrolled; None: every duplicate check scans the database."""
        self._gallery = gallery
        self._vault = vault
        self._calibration = calibration
        self._model_id = model_id
        self._clock = clock
        self._keep = keep

    def require_possible(self, request: BulkRequest) -> None:
        """Raises `CollectionNotFound`, `ProfileNotFound`, `ModelMismatch`: what holds for every row."""
        with self._gallery.transaction() as tx:
            collection = require_collection(tx, request.collection)
            self._rule(collection, request)
            if tx.templates.any(collection):
                collection.require_model(self._model_id)

    def _rule(self, collection: Collection, request: BulkRequest) -> DuplicateRule:
        """What to do about lookalikes, and from which cosine on. Raises `ProfileNotFound`."""
        settings = collection.settings
        calibration = self._calibration.with_thresholds(settings.thresholds)
        asked = request.on_duplicate, request.profile
        return duplicate_rule(settings, calibration, request.caller, *asked)

    def get_ready(self, request: BulkRequest, items: Sequence[Candidate | Outcome]) -> None:
        """What can be done about these before others are kept waiting: read who is enrolled, which
        takes seconds the first time. Raises what transactions raise.
        """
        if self._keep is not None and not _nothing_to_do(items):
            self._keep.catch_up(request.collection)

    def __call__(self, request: BulkRequest, items: Sequence[Candidate | Outcome]) -> list[Outcome]:
        """What became of each, in order; no two candidates with the same subject id. Outcomes
        stay what they are, and the refused among them are written down like the others.

        Raises `CollectionNotFound`, `ProfileNotFound`, `ModelMismatch`, `TemplateTampered`,
        `ClocksDisagree`, and what transactions raise.
        """
        if _nothing_to_do(items):
            return [item for item in items if isinstance(item, Outcome)]
        with self._gallery.transaction(request.collection) as tx:
            collection = lock_collection(tx, request.collection)
            people = OpenCollection.unlock(collection, self._vault)
            now = self._clock()
            candidates = [item for item in items if isinstance(item, Candidate)]
            changes = {one.row.subject_id: uuid4() for one in candidates}
            became = self._enroll(tx, people, request, candidates, changes, now)
            outcomes = [
                item if isinstance(item, Outcome) else became[item.row.subject_id] for item in items
            ]
            self._write_down(tx, people, request, outcomes, changes, now)
        return outcomes

    def _enroll(
        self,
        tx: Transaction,
        people: OpenCollection,
        request: BulkRequest,
        candidates: Sequence[Candidate],
        changes: Mapping[str, UUID],
        now: datetime,
    ) -> dict[str, Outcome]:
        """By subject id, as `changes`: the audit record of each enrollment."""
        if not candidates:
            return {}
        bind_model(tx, people.collection, self._model_id)
        became = _known(tx, people, candidates)
        new = [one for one in candidates if one.row.subject_id not in became]
        require_true_date(tx, people.collection, now)
        remove_expired(tx, people, now, len(new), among=[one.row.subject_id for one in new])
        judged = self._judged(tx, people, request, new)
        admitted = [one for one, outcome in zip(new, judged, strict=True) if outcome.error is None]
        self._store(tx, people, admitted, changes, now)
        by_id = zip((one.row.subject_id for one in new), judged, strict=True)
        return became | dict(by_id)

    def _judged(
        self,
        tx: Transaction,
        people: OpenCollection,
        request: BulkRequest,
        new: Sequence[Candidate],
    ) -> list[Outcome]:
        """Who may be enrolled, as if each came after those before."""
        rule = self._rule(people.collection, request)
        policy, at_least = rule.policy, rule.profile.threshold
        if policy is DuplicatePolicy.ALLOW:
            return [_admitted(one, ()) for one in new]
        probes = [one.embedding for one in new]
        index = None if self._keep is None else self._keep.index
        found = lookalikes_of_many(tx, people, probes, at_least, DUPLICATES_SHOWN, index)
        return _in_turn(new, found, _alike(probes, at_least), policy)

    def _store(
        self,
        tx: Transaction,
        people: OpenCollection,
        admitted: Sequence[Candidate],
        changes: Mapping[str, UUID],
        now: datetime,
    ) -> None:
        faces = [(one.row.subject_id, one.embedding) for one in admitted]
        templates = people.seal_all(faces, self._model_id, now)
        subjects = [
            sealed_subject(people, one.row, now, template.template_id, changes[one.row.subject_id])
            for one, template in zip(admitted, templates, strict=True)
        ]
        tx.subjects.add_all(people.collection, subjects)
        tx.templates.add_all(people.collection, templates)

    def _write_down(
        self,
        tx: Transaction,
        people: OpenCollection,
        request: BulkRequest,
        outcomes: Sequence[Outcome],
        changes: Mapping[str, UUID],
        now: datetime,
    ) -> None:
        """An entry for each person enrolled and for each refused who can be named, as for single
        enrollments.
        """
        for one in outcomes:
            if one.subject_id is None or one.result is Result.ALREADY:
                continue
            told = one.error.code if one.error else Told.DONE
            pseudonym = people.names.pseudonym(one.subject_id)
            where, caller = request.collection, request.caller.name
            change = changes[one.subject_id] if told is Told.DONE else uuid4()
            tx.audit.append(AuditEntry(change, now, caller, Action.ENROLL, where, pseudonym, told))


def _nothing_to_do(items: Sequence[Candidate | Outcome]) -> bool:
    """Where an earlier run has done it all."""
    return all(isinstance(item, Outcome) and item.result is Result.ALREADY for item in items)


def _known(
    tx: Transaction, people: OpenCollection, candidates: Sequence[Candidate]
) -> dict[str, Outcome]:
    """What becomes of those who are enrolled: done by an earlier run, or somebody else's name."""
    by_id = {one.row.subject_id: one for one in candidates}
    existing = tx.subjects.existing(people.collection, list(by_id))
    same = {
        stored.subject_id
        for stored in tx.templates.of_all(people.collection, sorted(existing))
        if people.similarity(by_id[stored.subject_id].embedding, stored) >= SAME_EMBEDDING
    }
    return {
        one: Outcome(by_id[one].row.place, one, Result.ALREADY)
        if one in same
        else refused(by_id[one].row, SubjectExists())
        for one in existing
    }


def _in_turn(
    new: Sequence[Candidate],
    found: Sequence[Sequence[Lookalike]],
    alike: Sequence[Mapping[int, float]],
    policy: DuplicatePolicy,
) -> list[Outcome]:
    """`found`: lookalikes in the gallery; `alike`: those earlier in the batch, by position. Who
    was refused is nobody's duplicate.
    """
    outcomes: list[Outcome] = []
    for candidate, enrolled, earlier in zip(new, found, alike, strict=True):
        here = [
            Lookalike(new[position].row.subject_id, similarity)
            for position, similarity in earlier.items()
            if outcomes[position].error is None
        ]
        lookalikes = sorted([*enrolled, *here], key=lambda one: (-one.similarity, one.subject_id))
        shown = lookalikes[:DUPLICATES_SHOWN]
        if shown and policy is DuplicatePolicy.REJECT:
            outcomes.append(refused(candidate.row, DuplicateSubject(shown)))
        else:
            outcomes.append(_admitted(candidate, shown))
    return outcomes


def _alike(probes: Sequence[Embedding], at_least: float) -> list[dict[int, float]]:
    """For each probe the earlier ones with a cosine of `at_least`: positions and cosines."""
    alike: list[dict[int, float]] = [{} for _ in probes]
    if not probes:
        return alike
    matrix = np.stack(probes)
    near = np.tril(matrix @ matrix.T >= at_least - HALF_PRECISION_MARGIN, -1)
    for later, earlier in np.argwhere(near).tolist():
        similarity = cosine_similarity(probes[later], probes[earlier])
        if similarity >= at_least:
            alike[later][earlier] = similarity
    return alike


def _admitted(candidate: Candidate, lookalikes: Sequence[Lookalike]) -> Outcome:
    result = Result.FLAGGED if lookalikes else Result.ENROLLED
    return Outcome(candidate.row.place, candidate.row.subject_id, result, lookalikes=lookalikes)
