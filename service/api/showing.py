"""What use cases return, as answers."""

from __future__ import annotations

from collections.abc import Sequence

from service.api.answers import CandidateAnswer, Duplicate, ImageOutcome
from service.domain.errors import Lookalike
from service.domain.face import Sample
from service.domain.messages import Language, advice
from service.usecases.identify import Candidate


def images_shown(samples: Sequence[Sample], language: Language) -> list[ImageOutcome]:
    return [
        ImageOutcome(
            index=index,
            accepted=sample.accepted,
            reason=sample.reason,
            advice=advice(sample.reason, language) if sample.reason else None,
            detection_score=sample.detection_score,
        )
        for index, sample in enumerate(samples)
    ]


def duplicates_shown(lookalikes: Sequence[Lookalike], *, with_ids: bool) -> list[Duplicate]:
    """Whose face it is, is told only to callers who may search."""
    return [
        Duplicate(subject_id=one.subject_id if with_ids else None, similarity=one.similarity)
        for one in lookalikes
    ]


def candidates_shown(candidates: Sequence[Candidate]) -> list[CandidateAnswer]:
    return [
        CandidateAnswer(
            subject_id=candidate.who.subject_id,
            similarity=candidate.who.similarity,
            band=candidate.band,
        )
        for candidate in candidates
    ]
