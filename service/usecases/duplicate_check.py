"""The duplicate check refuses or flags an enrollment of somebody who is enrolled under another id.

Which rule applies, and who are the candidates: of one face, and of many that are enrolled at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from service.domain.callers import Caller, Scope
from service.domain.collection import CollectionSettings, DuplicatePolicy
from service.domain.errors import Candidate, DuplicateSubject
from service.domain.face import Embedding
from service.domain.search import SearchIndex
from service.domain.search_threshold import (
    MAX_FALSE_CANDIDATES,
    SearchThreshold,
    search_threshold,
)
from service.domain.template import similarity_of
from service.domain.thresholds import Calibration, OperatingPoint, Profile
from service.domain.warnings import DecisionWarning
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
    """What becomes of somebody who looks like one enrolled.

    `profile`: from which cosine on, and more by the `points` of the calibration the more people there
    are, so that no more than `max_false_candidates` strangers are named.
    """

    policy: DuplicatePolicy
    profile: Profile
    points: Sequence[OperatingPoint] = ()
    max_false_candidates: float = MAX_FALSE_CANDIDATES

    def search_over(self, comparisons: int) -> SearchThreshold:
        return search_threshold(self.profile, self.points, comparisons, self.max_false_candidates)

    def judged(self, found: Sequence[Candidate], search: SearchThreshold) -> DuplicateCheck:
        """What the rule makes of the candidates that reach the threshold."""
        if found and self.policy is DuplicatePolicy.REJECT:
            refusal = DuplicateSubject(found, search.expected_false_candidates)
            return DuplicateCheck(search.warnings, search, refusal=refusal)
        return DuplicateCheck(search.warnings, search, found)

    def nothing_compared(self) -> DuplicateCheck:
        return DuplicateCheck(self.profile.warnings, candidates=[])


@dataclass(frozen=True, slots=True)
class DuplicateCheck:
    """Of one face: who looks like it and is to be flagged, or why it is refused.

    `search`: None where nobody was compared.
    """

    warnings: Sequence[DecisionWarning]
    search: SearchThreshold | None = None
    candidates: Sequence[Candidate] = ()
    refusal: DuplicateSubject | None = None

    @property
    def threshold(self) -> float | None:
        return None if self.search is None else self.search.threshold

    @property
    def expected_false_candidates(self) -> float | None:
        return None if self.search is None else self.search.expected_false_candidates

    def joined_by(self, more: DuplicateCheck) -> DuplicateCheck:
        """With what another model says of the same face: everybody once, as by the first that found them."""
        known = {one.subject_id for one in self.candidates}
        return replace(
            self,
            warnings=[*self.warnings, *(one for one in more.warnings if one not in self.warnings)],
            candidates=[
                *self.candidates,
                *(one for one in more.candidates if one.subject_id not in known),
            ],
            refusal=self.refusal or more.refusal,
        )


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
    holds = policy or own_policy
    asked = own if profile is None else calibration.profile(profile)
    if not caller.may(Scope.ADMIN):
        holds = min(own_policy, holds, key=_STRICTEST_FIRST.index)
        asked = min(own, asked, key=lambda each: each.threshold)
    return DuplicateRule(holds, asked, calibration.operating_points, settings.max_false_candidates)


def check_duplicates(
    tx: Transaction,
    unlocked: UnlockedCollection,
    rule: DuplicateRule,
    subject_id: str,
    others: AbstractSet[str],
    probes: Sequence[Embedding],
    index: SearchIndex | None,
) -> DuplicateCheck:
    """With the candidates to flag, without the subject: who looks like any of `probes`, which are all of
    this person. `others`: of whom it was decided that they are not this person.

    Raises `DuplicateSubject` where the rule rejects them, and what `find_candidates` raises.
    """
    if rule.policy is DuplicatePolicy.ALLOW:
        return rule.nothing_compared()
    search = rule.search_over(len(probes) * tx.templates.mark(unlocked.collection).rows)
    threshold, best = search.threshold, dict[str, float]()
    most = DUPLICATES_SHOWN + len(others)  # who is found and does not count takes nobody's place
    for probe in probes:
        shortlisted = shortlist(tx, unlocked, probe, threshold, index)
        for one in find_candidates(
            tx, unlocked, probe, threshold, most, shortlisted, other_than=subject_id
        ):
            if one.subject_id not in others:
                best[one.subject_id] = max(one.similarity, best.get(one.subject_id, one.similarity))
    found = ranked([Candidate(*one) for one in best.items()], DUPLICATES_SHOWN)
    check = rule.judged(found, search)
    if check.refusal is not None:
        raise check.refusal
    return check


def check_duplicates_of_many(
    tx: Transaction,
    unlocked: UnlockedCollection,
    rule: DuplicateRule,
    faces: Sequence[tuple[str, Embedding]],
    index: SearchIndex | None,
) -> list[DuplicateCheck]:
    """As if each of `faces`, new subjects, was enrolled after those before it. Who is refused is
    nobody's duplicate.
    """
    if rule.policy is DuplicatePolicy.ALLOW:
        return [rule.nothing_compared() for _ in faces]
    people, probes = tx.templates.mark(unlocked.collection).rows, [face for _, face in faces]
    least = rule.search_over(people).threshold  # it only rises, as people are admitted
    found = find_candidates_of_many(tx, unlocked, probes, least, DUPLICATES_SHOWN, index)
    checked: list[DuplicateCheck] = []
    for enrolled, similar in zip(found, _similar_before(probes, least), strict=True):
        here = [
            Candidate(faces[n][0], similarity)
            for n, similarity in similar.items()
            if checked[n].refusal is None
        ]
        search = rule.search_over(people)
        reached = [one for one in (*enrolled, *here) if one.similarity >= search.threshold]
        checked.append(rule.judged(ranked(reached, DUPLICATES_SHOWN), search))
        people += checked[-1].refusal is None
    return checked


def _similar_before(probes: Sequence[Embedding], min_similarity: float) -> list[dict[int, float]]:
    """For each probe the earlier ones with a cosine of `min_similarity`: their numbers and cosines."""
    similar: list[dict[int, float]] = [{} for _ in probes]
    if not probes:
        return similar
    matrix = np.stack(probes)
    proposed = np.tril(matrix @ matrix.T >= min_similarity - HALF_PRECISION_MARGIN, -1)
    for later, earlier in np.argwhere(proposed).tolist():
        similarity = similarity_of(probes[later], probes[earlier])
        if similarity >= min_similarity:
            similar[later][earlier] = similarity
    return similar
