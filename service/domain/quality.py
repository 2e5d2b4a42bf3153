"""A face image that shows too little decides nothing: its quality is held against limits before it is compared.

An embedding of nothing is nobody's: recognizers put all blurred faces near each other, and
detection scores do not notice. The gate stops gross defects only; natural differences hardly matter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from service.domain.face import (
    Detection,
    EmbeddedFace,
    FaceCrop,
    Quality,
    Reason,
    Refusal,
    Sample,
)


@dataclass(frozen=True, slots=True)
class QualityLimits:
    """The least and most of each cue of `Quality` that one model takes.

    `roll`: degrees to either side. `norm`: None where nobody has measured the model's median; then
    nothing is said to be covered. `source`: where the limits come from.
    """

    sharpness: float
    brightness: float
    overexposure: float
    roll: float
    norm: float | None
    source: str


def refused_for(quality: Quality, limits: QualityLimits) -> Reason | None:
    """Why a face image of this quality is of no use; None where it is of use.

    A face that is turned, or that light hides, is told that first: the other cues follow from it.
    """
    if abs(quality.roll) > limits.roll:
        return Reason.TURNED
    if quality.brightness < limits.brightness:
        return Reason.TOO_DARK
    if quality.overexposure > limits.overexposure:
        return Reason.TOO_BRIGHT
    if quality.sharpness < limits.sharpness:
        return Reason.TOO_BLURRED
    if limits.norm is not None and quality.norm is not None and quality.norm < limits.norm:
        return Reason.COVERED
    return None


def judged(found: Detection, limits: QualityLimits) -> Detection:
    """What was found, refused where its quality is too low."""
    if isinstance(found, Refusal):
        return found
    reason = refused_for(found.quality, limits)
    return found if reason is None else _refused(found, reason)


def _refused(crop: FaceCrop, reason: Reason) -> Refusal:
    return Refusal(reason, crop.detection_score, crop.quality, crop.box, crop.ignored_faces)


def refused_sample(refusal: Refusal) -> Sample:
    """What a photograph without a usable face leaves."""
    return Sample(
        None,
        refusal.reason,
        refusal.detection_score,
        refusal.quality,
        refusal.ignored_faces,
    )


def sample_of(crop: FaceCrop, face: EmbeddedFace, limits: QualityLimits) -> Sample:
    """The sample of an embedded face; refused where the recognizer hardly saw it."""
    quality = replace(crop.quality, norm=face.norm)
    reason = refused_for(quality, limits)
    embedding = face.embedding if reason is None else None
    return Sample(embedding, reason, crop.detection_score, quality, crop.ignored_faces)
