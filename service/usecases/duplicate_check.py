"""The duplicate check refuses or flags an enrollment of somebody who is enrolled under another id.

Which rule applies, and who are the candidates: of one face, and of many that are enrolled at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from service.domain.callers import Caller, Scope
from service.domain.collection import CollectionSettings, DuplicatePolicy
from service.domain.errors import Candidate, DuplicateSubject
from service.domain.face import Embedding
from service.domain.search import SearchIndex
from service.domain.template import cosine_similarity
from service.domain.thresholds import Calibration, Profile
from service.usecases.candidates import (
    HALF_PRECISION_MARGIN,
    find_candidates,
    find_candidates_of_many,
    ranked,
    shortlist,
)
from service.usecases.unlocked_collection import UnlockedCollection

if TYPE_CHECKING:
    from service.storage.transaction import Transaction

DUPLICATES_SHOWN = 10

_STRICTEST_FIRST = (DuplicatePolicy.REJECT, DuplicatePolicy.FLAG, DuplicatePolicy.ALLOW)


@dataclass(frozen=True, slots=True)
class DuplicateRule:
    """What becomes of somebody enrolled at or above `profile.threshold`."""

    policy: DuplicatePolicy
    profile: Profile


def duplicate_rule(
    settings: CollectionSettings,
    calibration: Calibration,
    caller: Caller,
    policy: DuplicatePolicy | None,
    profile: str | None,
) -> DuplicateRule:
    """The collection's own, or what the caller asks for where that is stricter.

    A laxer policy (reject > flag > allow) or a higher threshold counts only for keys with `admin`:
    else whoever may enroll could sign one person up twice, by a word in the request.
    Raises `ProfileNotFound`.
    """
    own_policy, own = settings.duplicate_policy, calibration.profile(settings.duplicate_profile)
    asked_policy = policy or own_policy
    asked = own if profile is None else calibration.profile(profile)
    if caller.may(Scope.ADMIN):
        return DuplicateRule(asked_policy, asked)
    return DuplicateRule(
        min(own_policy, asked_policy, key=_STRICTEST_FIRST.index),
        min(own, asked, key=lambda each: each.threshold),
    )


def check_duplicates(
    tx: Transaction,
    unlocked: UnlockedCollection,
    rule: DuplicateRule,
    subject_id: str,
    probes: Sequence[Embedding],
    index: SearchIndex | None,
) -> list[Candidate]:
    """The candidates to flag, without the subject: who looks like any of `probes`, which are all of
    this person. Raises `DuplicateSubject` where the rule rejects them, and what `find_candidates` raises.
    """
    if rule.policy is DuplicatePolicy.ALLOW:
        return []
    threshold, best = rule.profile.threshold, dict[str, float]()
    for probe in probes:
        shortlisted = shortlist(tx, unlocked, probe, threshold, index)
        for one in find_candidates(
            tx, unlocked, probe, threshold, DUPLICATES_SHOWN, shortlisted, other_than=subject_id
        ):
            best[one.subject_id] = max(one.similarity, best.get(one.subject_id, one.similarity))
    found = ranked([Candidate(*one) for one in best.items()], DUPLICATES_SHOWN)
    if found and rule.policy is DuplicatePolicy.REJECT:
        raise DuplicateSubject(found)
    return found


Checked: TypeAlias = list[Candidate] | DuplicateSubject
"""The candidates to flag, or the refusal."""


def check_duplicates_of_many(
    tx: Transaction,
    unlocked: UnlockedCollection,
    rule: DuplicateRule,
    faces: Sequence[tuple[str, Embedding]],
    index: SearchIndex | None,
) -> list[Checked]:
    """As if each of `faces`, new subjects, was enrolled after those before it. Who is refused is
    nobody's duplicate.
    """
    if rule.policy is DuplicatePolicy.ALLOW:
        return [[] for _ in faces]
    threshold, probes = rule.profile.threshold, [embedding for _, embedding in faces]
    found = find_candidates_of_many(tx, unlocked, probes, threshold, DUPLICATES_SHOWN, index)
    checked: list[Checked] = []
    for enrolled, similar in zip(found, _similar_before(probes, threshold), strict=True):
        here = [
            Candidate(faces[n][0], similarity)
            for n, similarity in similar.items()
            if not isinstance(checked[n], DuplicateSubject)
        ]
        shown = ranked([*enrolled, *here], DUPLICATES_SHOWN)
        rejected = shown and rule.policy is DuplicatePolicy.REJECT
        checked.append(DuplicateSubject(shown) if rejected else shown)
    return checked


def _similar_before(probes: Sequence[Embedding], min_similarity: float) -> list[dict[int, float]]:
    """For each probe the earlier ones with a cosine of `min_similarity`: their numbers and cosines."""
    similar: list[dict[int, float]] = [{} for _ in probes]
    if not probes:
        return similar
    matrix = np.stack(probes)
    proposed = np.tril(matrix @ matrix.T >= min_similarity - HALF_PRECISION_MARGIN, -1)
    for later, earlier in np.argwhere(proposed).tolist():
        similarity = cosine_similarity(probes[later], probes[earlier])
        if similarity >= min_similarity:
            similar[later][earlier] = similarity
    return similar
