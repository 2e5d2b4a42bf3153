"""What became of a photograph, as JSON that is sealed and read back later: without its embedding."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

from service.domain.face import Quality, Reason, Sample


def written(sample: Sample) -> list[Any]:
    quality = None if sample.quality is None else astuple(sample.quality)
    return [sample.reason, sample.detection_score, quality, sample.ignored_faces]


def read(
    reason: str | None, score: float | None, quality: list[Any] | None, ignored_faces: int
) -> Sample:
    """What is read back has no embedding: an answer shows none."""
    known = None if quality is None else Quality(*quality)
    return Sample(None, None if reason is None else Reason(reason), score, known, ignored_faces)
