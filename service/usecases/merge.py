"""Two who are enrolled turn out to be one person: one of the two ids goes, and all that was kept under it
goes on under the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from service.domain.audit import Action
from service.domain.collection import StoredTemplate, Subject
from service.domain.decision import decide
from service.domain.errors import FieldProblem, InvalidRequest, SubjectMismatch
from service.domain.lockout import joined_refusals
from service.domain.served_models import ServedModels
from service.domain.template import PlainTemplate, similarity_of
from service.domain.thresholds import BALANCED
from service.usecases.audit_recorder import AuditedCall, AuditRecorder
from service.usecases.enrollment import reseal_subject
from service.usecases.flagged_duplicates import FlagsOf, carry_flags, flags_of
from service.usecases.lockouts import Lockout
from service.usecases.rename import hand_over, lock_enrolled, record_departure
from service.usecases.subjects import ChangedSubject, details_of
from service.usecases.unlocked_collection import UnlockedCollection, lock_collection, models_of

if TYPE_CHECKING:
    from service.storage.storage import Storage
    from service.storage.transaction import Transaction
    from service.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class MergeRequest:
    """`other_id`: who is gone thereafter. `force`: also where the two do not look the same, or were decided to
    be different people. `caller`: the name of the key.
    """

    subject_id: str
    other_id: str
    collection: str
    caller: str
    force: bool = False


def audited_merge(request: MergeRequest) -> AuditedCall:
    return AuditedCall(request.caller, _action(request), request.collection, request.subject_id)


def _action(request: MergeRequest) -> Action:
    """Told apart, so that an auditor finds whom nobody compared."""
    return Action.MERGE_FORCED if request.force else Action.MERGE


@dataclass(frozen=True, slots=True)
class Both:
    """Two enrolled people, nobody else's until the end of the transaction: who stays and who goes. `mine`,
    `theirs`: their templates. `flags`: those about either.
    """

    stays: Subject
    goes: Subject
    mine: Sequence[StoredTemplate]
    theirs: Sequence[StoredTemplate]
    flags: FlagsOf


class Merge:
    """One transaction under the lock of the collection, which is why two merges in opposite directions wait for
    each other and the second finds one of the two gone.
    """

    def __init__(
        self,
        storage: Storage,
        vault: Vault,
        models: ServedModels,
        clock: Callable[[], datetime],
        audit: AuditRecorder,
        lockout: Lockout,
    ) -> None:
        self._storage = storage
        self._vault = vault
        self._models = models
        self._clock = clock
        self._audit = audit
        self._lockout = lockout

    def __call__(self, request: MergeRequest) -> ChangedSubject:
        """Raises `InvalidRequest` for one and the same id, `CollectionNotFound`, `SubjectNotFound` for either,
        `SubjectMismatch`, `ModelMismatch`, `TemplateTampered`, `InvalidEmbedding` where the two cancel each other out.
        """
        if request.subject_id == request.other_id:
            raise InvalidRequest([{"field": "from", "problem": FieldProblem.SAME_SUBJECT}])
        with self._storage.transaction(request.collection) as tx:
            unlocked = UnlockedCollection.unlock(
                lock_collection(tx, request.collection), self._vault
            )
            both = self._lock_both(tx, unlocked, request)
            if not request.force:
                self._require_same_person(tx, unlocked, both)
            merged, rows = self._join(tx, unlocked, both)
            gone, goes_on = (Action.MERGE_FROM, request.other_id), (_action(request), merged)
            whose = request.caller, unlocked.collection
            audit_id = record_departure(tx, self._audit, *whose, gone, goes_on)
            locked_until = self._lockout.ends(tx, unlocked.collection, merged.subject_id)
            details = details_of(unlocked, merged, rows, locked_until)
        return ChangedSubject(details, audit_id)

    def _lock_both(
        self, tx: Transaction, unlocked: UnlockedCollection, request: MergeRequest
    ) -> Both:
        """In the order of their ids, whoever asks. Raises `SubjectNotFound`."""
        collection, ids = unlocked.collection, (request.subject_id, request.other_id)
        now = self._clock()
        found = {each: lock_enrolled(tx, collection, each, now) for each in sorted(ids)}
        stays, goes = (found[each] for each in ids)
        mine, theirs = (tx.templates.of(collection, each) for each in ids)
        return Both(stays, goes, mine, theirs, flags_of(tx, collection, *ids))

    def _require_same_person(
        self, tx: Transaction, unlocked: UnlockedCollection, both: Both
    ) -> None:
        """As `mode=add` tells strangers, but template against template: no face of a caller's is compared, so
        nothing is counted. Raises `SubjectMismatch`, `ModelMismatch`, `TemplateTampered`.
        """
        if both.flags.are_different(both.stays.subject_id, both.goes.subject_id):
            raise SubjectMismatch
        models = models_of(tx, unlocked.collection, self._models)
        there = ([row.model_id for row in rows] for rows in (both.mine, both.theirs))
        deciding = models.deciding(*there)
        mine, theirs = (
            unlocked.template_of(rows, deciding.model_id).embedding
            for rows in (both.mine, both.theirs)
        )
        profile = deciding.calibration.profile(BALANCED)
        if not decide(similarity_of(mine, theirs), profile, deciding.calibration).match:
            raise SubjectMismatch

    def _join(
        self, tx: Transaction, unlocked: UnlockedCollection, both: Both
    ) -> tuple[Subject, list[StoredTemplate]]:
        """The person thereafter, and their templates."""
        collection, now = unlocked.collection, self._clock()
        stays, goes = both.stays.subject_id, both.goes.subject_id
        changed = _joined_templates(unlocked, both)
        new = [
            unlocked.seal(stays, model_id, template, now) for model_id, template in changed.items()
        ]
        kept = [row for row in both.mine if row.model_id not in changed]
        rows = [*kept, *new]
        merged = _joined_terms(unlocked, both, rows)
        answers = tx.idempotency.of(collection, goes)
        mine, theirs = (tx.failed_comparisons.of(collection, each) for each in (stays, goes))
        for model_id in changed:
            tx.templates.delete_of(collection, stays, model_id)
        tx.subjects.remove(collection, goes)
        tx.subjects.update(collection, merged)
        together = joined_refusals(mine, theirs, now, self._lockout.rules)
        for caller, each in together.items():
            tx.failed_comparisons.put(collection, stays, caller, each)
        hand_over(tx, unlocked, answers, goes, stays)
        carry_flags(tx, collection, both.flags, merged, gone=goes)
        tx.templates.add_all(collection, new)  # last: nobody waits for their positions meanwhile
        return merged, rows


def _joined_templates(unlocked: UnlockedCollection, both: Both) -> Mapping[str, PlainTemplate]:
    """Those that change, by model: as if the photographs of both had been added to one, with the same limit.
    A model that is being removed gets nothing any more.
    """
    there = {row.model_id: unlocked.open(row) for row in both.mine}
    coming = {
        row.model_id: unlocked.open(row)
        for row in both.theirs
        if row.model_id != unlocked.collection.retiring_model_id
    }
    return {
        model_id: there[model_id].joined_by(more) if model_id in there else more
        for model_id, more in coming.items()
    }


def _joined_terms(
    unlocked: UnlockedCollection, both: Both, rows: Sequence[StoredTemplate]
) -> Subject:
    """The earlier expiry of both, as set and as it follows from the enrollment, so that nobody is kept longer than
    they were told. Metadata and consent reference of who stays; of who goes where there are none.
    """
    stays, goes = both.stays, reseal_subject(unlocked, both.goes, both.stays.subject_id)
    ends = [each.expires_at for each in (stays, goes) if each.expires_at is not None]
    return replace(
        stays,
        enrolled_at=min(stays.enrolled_at, goes.enrolled_at),
        expires_at=min(ends, default=None),
        metadata=stays.metadata or goes.metadata,
        consent=stays.consent or goes.consent,
        template_ids=tuple(sorted(row.template_id for row in rows)),
        change=uuid4(),
    )
