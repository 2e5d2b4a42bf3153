"""Who is this, and did this person sign up already? One search, two ways to ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.domain.active_liveness import Judgment
from service.domain.audit import Action
from service.domain.callers import Caller
from service.domain.collection import Collection
from service.domain.errors import Candidate
from service.domain.face import Faces, FaceSource, Sample
from service.domain.liveness_session import Purpose
from service.domain.search import SearchIndex, Shortlist
from service.domain.search_threshold import SearchThreshold
from service.domain.served_models import ServedModel, ServedModels
from service.domain.template import PlainTemplate
from service.domain.thresholds import Band
from service.usecases.audit_recorder import AuditedCall, AuditRecorder
from service.usecases.candidates import find_candidates, shortlist
from service.usecases.liveness_proof import LivenessProof
from service.usecases.liveness_session import LivenessRequest
from service.usecases.sampler import Samplers
from service.usecases.unlocked_collection import (
    UnlockedCollection,
    models_of,
    require_collection,
)

if TYPE_CHECKING:
    from service.storage.storage import Storage
    from service.storage.transaction import Transaction
    from service.vault.vault import Vault

DEFAULT_CANDIDATES = 10
MOST_CANDIDATES = 100


@dataclass(frozen=True, slots=True)
class SearchRequest:
    source: FaceSource
    collection: str
    caller: Caller
    profile: str | None = None
    limit: int = DEFAULT_CANDIDATES
    faces: Faces | None = None


@dataclass(frozen=True, slots=True)
class RatedCandidate:
    who: Candidate
    band: Band


@dataclass(frozen=True, slots=True)
class SearchResult:
    """`searched`: templates that the probe was compared with: all that the collection has. `liveness`:
    None where the face does not come from a session; whatever it says, the search is made.
    """

    candidates: Sequence[RatedCandidate]
    search: SearchThreshold
    searched: int
    model_id: str
    samples: Sequence[Sample]
    liveness: Judgment | None = None

    @property
    def found(self) -> bool:
        return bool(self.candidates)


def audited_search(request: SearchRequest) -> AuditedCall:
    return AuditedCall(request.caller.name, Action.SEARCH, request.collection)


class Identify:
    """Finds everyone in a collection who reaches the threshold.

    Serves both `identify` and `dedupe`, at the collection's own profile for searches unless
    the caller names another; the threshold rises with the number of people.
    """

    def __init__(
        self,
        samplers: Samplers,
        storage: Storage,
        vault: Vault,
        models: ServedModels,
        audit: AuditRecorder,
        liveness: LivenessProof,
        index: SearchIndex | None = None,
    ) -> None:
        self._samplers = samplers
        self._storage = storage
        self._vault = vault
        self._models = models
        self._audit = audit
        self._liveness = liveness
        self._index = index

    def __call__(self, request: SearchRequest) -> SearchResult:
        """Raises `NotAllowed`, `CollectionNotFound`, `ProfileNotFound`, `ModelMismatch`,
        `TemplateTampered`, and what `Samplers.probe` and `LivenessProof.settle` raise.
        """
        request.caller.require_access(request.collection, request.source)
        probe = self._samplers.probe(request.source, _session_needed(request), request.faces)
        with self._storage.transaction() as tx:
            collection = require_collection(tx, request.collection)
            unlocked = UnlockedCollection.unlock(collection, self._vault)
            liveness = self._liveness.settle(tx, unlocked, probe.session)
            models = models_of(tx, collection, self._models)
            first, *others = (
                self._search(tx, unlocked.of_model(model.model_id), model, template, request)
                for model, template in probe.by(models)
            )
            call, found = audited_search(request), _together(first, others)[: request.limit]
            self._audit.record_decision(tx, call, collection, match=bool(found))
        model_id = models.present.model_id
        return SearchResult(found, first.search, first.searched, model_id, probe.samples, liveness)

    def _search(
        self,
        tx: Transaction,
        unlocked: UnlockedCollection,
        model: ServedModel,
        template: PlainTemplate,
        request: SearchRequest,
    ) -> _Searched:
        """By one model."""
        collection, probe = unlocked.collection, template.embedding
        people = tx.templates.mark(collection).rows
        search = collection.settings.search_over(people, model.calibration, request.profile)
        shortlisted = shortlist(tx, unlocked, probe, search.threshold, self._index)
        found = find_candidates(tx, unlocked, probe, search.threshold, request.limit, shortlisted)
        bands = model.calibration.bands
        candidates = [RatedCandidate(one, bands.of(one.similarity)) for one in found]
        return _Searched(candidates, search, _searched(tx, collection, shortlisted))


def _session_needed(request: SearchRequest) -> LivenessRequest:
    """What a session must have been begun for."""
    return LivenessRequest(Purpose.SEARCH, request.collection, request.caller)


@dataclass(frozen=True, slots=True)
class _Searched:
    """`searched`: templates, those of all models."""

    candidates: Sequence[RatedCandidate]
    search: SearchThreshold
    searched: int


def _together(first: _Searched, others: Sequence[_Searched]) -> Sequence[RatedCandidate]:
    """Everybody whom any of the models finds, once: as the one finds them by which they are farther above
    the threshold. In this order too, since similarities of two models cannot be compared.
    """
    if not others:
        return first.candidates
    best: dict[str, tuple[float, RatedCandidate]] = {}
    for each in (first, *others):
        for one in each.candidates:
            above = one.who.similarity - each.search.threshold
            if one.who.subject_id not in best or above > best[one.who.subject_id][0]:
                best[one.who.subject_id] = above, one
    ranked = sorted(best.values(), key=lambda found: (-found[0], found[1].who.subject_id))
    return [one for _, one in ranked]


def _searched(tx: Transaction, collection: Collection, shortlisted: Shortlist | None) -> int:
    """Templates that were looked at: in memory, and in the database those that came later. Deleted
    ones may be counted for a moment, found they are not.
    """
    if shortlisted is None:
        return tx.templates.count(collection)
    return shortlisted.compared + tx.templates.count(collection, after=shortlisted.up_to)
