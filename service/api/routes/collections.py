"""Galleries apart, each with its own key, thresholds and duplicate rules."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from service.api.auth import AdminCaller, AllUseCases, CallersLanguage, PathCollection
from service.api.models import WHOLE, Between, Camel, CollectionName, ProfileName
from service.api.openapi import PROBLEMS, change_body, example, json_body, refusals
from service.api.request_body import body_of, read_json
from service.domain.collection import CollectionSettings, DuplicatePolicy, RequireLiveness
from service.domain.errors import ClocksDisagree, ProfileNotFound, PurgeHeld
from service.domain.face import Faces
from service.domain.search_threshold import MAX_FALSE_CANDIDATES
from service.domain.thresholds import BALANCED, Bands, Profile
from service.texts import Language, text
from service.usecases.collections import CollectionDetails, CollectionPage
from service.usecases.identify import MOST_CANDIDATES

router = APIRouter(prefix="/admin/collections", tags=["collections"], responses=PROBLEMS)

MOST_RETENTION_DAYS = 36_500

LEAST_FALSE_CANDIDATES = 1e-6
"""One stranger in a million searches. At most it is as many as a search may name."""


class CollectionBody(Camel):
    threshold_profiles: dict[ProfileName, Annotated[float, Between(-1.0, 1.0)]] = Field(
        default_factory=dict, max_length=32, json_schema_extra={"additionalProperties": False}
    )
    duplicate_policy: DuplicatePolicy = DuplicatePolicy.REJECT
    duplicate_profile: ProfileName = BALANCED
    faces: Faces | None = Field(None, description="null: as the service is set")
    require_liveness: RequireLiveness = Field(
        RequireLiveness.NONE,
        description="For what `livenessSession` is the only face source that is taken",
    )
    retention_days: Annotated[int, Between(1, MOST_RETENTION_DAYS), WHOLE] | None = None
    max_false_candidates: Annotated[float, Between(LEAST_FALSE_CANDIDATES, MOST_CANDIDATES)] = (
        MAX_FALSE_CANDIDATES
    )

    def named(self) -> dict[str, Any]:
        """What the caller names, by the fields of `CollectionSettings`."""
        fields = {"threshold_profiles": "thresholds"}
        return {fields.get(name, name): getattr(self, name) for name in self.model_fields_set}


class ProfileAnswer(Camel):
    """`…Bound`: what the rate is below, at 95 %. `source`: where they come from, in the caller's language."""

    threshold: float
    false_match_rate: float | None
    false_match_rate_bound: float | None
    false_non_match_rate: float | None
    false_non_match_rate_bound: float | None
    source: str

    @staticmethod
    def of(profile: Profile, language: Language) -> ProfileAnswer:
        source = profile.source
        return ProfileAnswer(
            threshold=profile.threshold,
            false_match_rate=profile.false_match_rate,
            false_match_rate_bound=profile.false_match_rate_bound,
            false_non_match_rate=profile.false_non_match_rate,
            false_non_match_rate_bound=profile.false_non_match_rate_bound,
            source=text(language, f"source.{source.origin}", **source.values),
        )


class BandsAnswer(Camel):
    """The lowest similarity of each band, falling; below `low` is very low."""

    very_high: float
    high: float
    borderline: float
    low: float

    @staticmethod
    def of(bands: Bands) -> BandsAnswer:
        return BandsAnswer(
            very_high=bands.very_high, high=bands.high, borderline=bands.borderline, low=bands.low
        )


class CollectionAnswer(Camel):
    """`ownThresholds`: those of `thresholdProfiles` that are the collection's own, as they were set.
    `bands`: of the served model.

    `expectedFalseCandidates`: strangers that one search names on average at this size, by
    `duplicateProfile`; its threshold is then `searchThreshold`.
    """

    collection: str
    model_id: str | None
    threshold_profiles: dict[str, ProfileAnswer]
    own_thresholds: dict[str, float]
    bands: BandsAnswer
    duplicate_policy: DuplicatePolicy
    duplicate_profile: str
    faces: Faces | None
    require_liveness: RequireLiveness
    templates: int
    expected_false_candidates: float | None
    max_false_candidates: float
    search_threshold: float
    created_at: datetime
    retention_days: int | None


class CollectionList(Camel):
    collections: list[CollectionAnswer]
    next_cursor: str | None


class CollectionErasureAnswer(Camel):
    collection: str
    templates_deleted: int


_EXAMPLE = {
    "collection": "default",
    "modelId": "buffalo_l@sha256:4c06...",
    "thresholdProfiles": {
        "balanced": {
            "threshold": 0.4,
            "falseMatchRate": 0.0004,
            "falseMatchRateBound": 0.0006,
            "falseNonMatchRate": 0.012,
            "falseNonMatchRateBound": 0.017,
            "source": "...",
        }
    },
    "ownThresholds": {"balanced": 0.4},
    "bands": {"veryHigh": 0.5, "high": 0.4, "borderline": 0.3, "low": 0.2},
    "duplicatePolicy": "reject",
    "duplicateProfile": "balanced",
    "faces": None,
    "requireLiveness": "none",
    "templates": 1200,
    "expectedFalseCandidates": 0.0012,
    "maxFalseCandidates": 0.1,
    "searchThreshold": 0.4,
    "createdAt": "2026-01-01T09:00:00Z",
    "retentionDays": 365,
}
_ANSWER = example(_EXAMPLE)
_SET = {**_ANSWER, **refusals(ProfileNotFound, PurgeHeld, ClocksDisagree)}

DEFAULT_PAGE, LARGEST_PAGE = 50, 100


@router.get("", responses=example({"collections": [_EXAMPLE], "nextCursor": None}))
def list_collections(
    caller: AdminCaller,
    use_cases: AllUseCases,
    language: CallersLanguage,
    limit: Annotated[int, Query(), Between(1, LARGEST_PAGE)] = DEFAULT_PAGE,
    cursor: CollectionName | None = None,
) -> CollectionList:
    """The collections that the caller's key is let into, by name."""
    return collection_list(use_cases.collections.page(caller, limit, cursor), language)


@router.put(
    "/{collection}",
    responses=_SET,
    openapi_extra=json_body(
        CollectionBody,
        {
            "thresholdProfiles": {"balanced": 0.42, "vip": 0.5},
            "duplicatePolicy": "reject",
            "duplicateProfile": "conservative",
            "retentionDays": 365,
            "maxFalseCandidates": 0.1,
        },
    ),
)
def put_collection(
    caller: AdminCaller,
    use_cases: AllUseCases,
    name: PathCollection,
    language: CallersLanguage,
    body: Annotated[CollectionBody, Depends(body_of(CollectionBody, read_json))],
) -> CollectionAnswer:
    """Create a collection, or set all of its settings: what is not named is set to its default.

    A person expires `retentionDays` after their first enrollment, or at their own `expiresAt`,
    whichever comes first. `expectedFalseCandidates` tells how many strangers one search names on average at the present
    size: choose `duplicateProfile` by it. Where it would be more than `maxFalseCandidates`, the threshold of searches rises,
    as far as the model was calibrated; else they warn.
    """
    settings = CollectionSettings(**body.named())
    return collection_answer(use_cases.collections.put(name, settings, caller.name), language)


@router.patch(
    "/{collection}",
    responses=_SET,
    openapi_extra=change_body(CollectionBody, {"faces": "dominant"}),
)
def change_collection(
    caller: AdminCaller,
    use_cases: AllUseCases,
    name: PathCollection,
    language: CallersLanguage,
    body: Annotated[CollectionBody, Depends(body_of(CollectionBody, read_json))],
) -> CollectionAnswer:
    """Set of a collection what is named, each as a whole; the rest stays as it is."""
    return collection_answer(
        use_cases.collections.change(name, body.named(), caller.name), language
    )


@router.get("/{collection}", responses=_ANSWER)
def show_collection(
    use_cases: AllUseCases, name: PathCollection, language: CallersLanguage
) -> CollectionAnswer:
    """A collection's settings, size and stated error rates."""
    return collection_answer(use_cases.collections.show(name), language)


@router.delete(
    "/{collection}", responses=example({"collection": "shop-1", "templatesDeleted": 1200})
)
def delete_collection(
    caller: AdminCaller, use_cases: AllUseCases, name: PathCollection
) -> CollectionErasureAnswer:
    """Remove a collection with its people and destroy its key; `default` is emptied instead."""
    deleted = use_cases.collections.delete(name, caller.name)
    return CollectionErasureAnswer(collection=name, templates_deleted=deleted)


def collection_list(page: CollectionPage, language: Language) -> CollectionList:
    shown = [collection_answer(details, language) for details in page.collections]
    return CollectionList(collections=shown, next_cursor=page.next_cursor)


def collection_answer(details: CollectionDetails, language: Language) -> CollectionAnswer:
    collection = details.collection
    return CollectionAnswer(
        collection=collection.name,
        model_id=collection.model_id,
        threshold_profiles={
            profile.name: ProfileAnswer.of(profile, language)
            for profile in details.calibration.profiles.values()
        },
        own_thresholds=dict(collection.settings.thresholds),
        bands=BandsAnswer.of(details.calibration.bands),
        duplicate_policy=collection.settings.duplicate_policy,
        duplicate_profile=collection.settings.duplicate_profile,
        faces=collection.settings.faces,
        require_liveness=collection.settings.require_liveness,
        templates=details.templates,
        expected_false_candidates=details.search.expected_false_candidates,
        max_false_candidates=collection.settings.max_false_candidates,
        search_threshold=details.search.threshold,
        created_at=collection.created_at,
        retention_days=collection.settings.retention_days,
    )
