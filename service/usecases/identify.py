"""Who is this, and did this person sign up already? One search, two ways to ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.domain.audit import Action
from service.domain.callers import Caller
from service.domain.collection import Collection
from service.domain.errors import Candidate
from service.domain.face import FaceSource, Sample
from service.domain.search import SearchIndex, Shortlist
from service.domain.search_threshold import SearchThreshold, search_threshold
from service.domain.thresholds import Band, Calibration
from service.usecases.audit_recorder import AuditedCall, AuditRecorder
from service.usecases.candidates import find_candidates, shortlist
from service.usecases.sampler import Sampler
from service.usecases.unlocked_collection import UnlockedCollection, require_collection

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


@dataclass(frozen=True, slots=True)
class RatedCandidate:
    who: Candidate
    band: Band


@dataclass(frozen=True, slots=True)
class SearchResult:
    """`searched`: templates that the probe was compared with: all that the collection has."""

    candidates: Sequence[RatedCandidate]
    search: SearchThreshold
    searched: int
    model_id: str
    samples: Sequence[Sample]

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
        sampler: Sampler,
        storage: Storage,
        vault: Vault,
        calibration: Calibration,
        model_id: str,
        audit: AuditRecorder,
        index: SearchIndex | None = None,
    ) -> None:
        self._sampler = sampler
        self._storage = storage
        self._vault = vault
        self._calibration = calibration
        self._model_id = model_id
        self._audit = audit
        self._index = index

    def __call__(self, request: SearchRequest) -> SearchResult:
        """Raises `NotAllowed`, `CollectionNotFound`, `ProfileNotFound`, `ModelMismatch`,
        `TemplateTampered`, and what `Sampler.probe` raises.
        """
        request.caller.require_access(request.collection, request.source)
        probe = self._sampler.probe(request.source)
        with self._storage.transaction() as tx:
            collection = require_collection(tx, request.collection)
            if tx.templates.any(collection):  # an emptied collection is free for another model
                collection.require_model(self._model_id)
            unlocked = UnlockedCollection.unlock(collection, self._vault).of_model(self._model_id)
            calibration = self._calibration.with_thresholds(collection.settings.thresholds)
            search = _search_threshold(tx, collection, calibration, request.profile)
            shortlisted = shortlist(tx, unlocked, probe.embedding, search.threshold, self._index)
            found = find_candidates(
                tx, unlocked, probe.embedding, search.threshold, request.limit, shortlisted
            )
            searched = _searched(tx, collection, shortlisted)
            call = audited_search(request)
            self._audit.record_decision(tx, call, collection, match=bool(found))
        candidates = [RatedCandidate(one, calibration.bands.of(one.similarity)) for one in found]
        return SearchResult(candidates, search, searched, self._model_id, probe.samples)


def _search_threshold(
    tx: Transaction, collection: Collection, calibration: Calibration, asked: str | None
) -> SearchThreshold:
    """Raises `ProfileNotFound`."""
    settings = collection.settings
    profile = calibration.profile(asked or settings.duplicate_profile)
    people, most = tx.templates.mark(collection).rows, settings.max_false_candidates
    return search_threshold(profile, calibration.operating_points, people, most)


def _searched(tx: Transaction, collection: Collection, shortlisted: Shortlist | None) -> int:
    """Templates that were looked at: in memory, and in the database those that came later. Deleted
    ones may be counted for a moment, found they are not.
    """
    if shortlisted is None:
        return tx.templates.count(collection)
    return shortlisted.compared + tx.templates.count(collection, after=shortlisted.up_to)
