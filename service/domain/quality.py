"""A face image that shows too little decides nothing: its quality is held against limits before it is compared.

An embedding of nothing is nobody's: recognizers put all blurred faces near each other, and
detection scores do not notice. The gate stops gross defects only; natural differences hardly matter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from service.domain.face import (
    Box,
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
    only what is plain is said to be covered. `source`: where the limits come from.
    """

    sharpness: float
    brightness: float
    overexposure: float
    roll: float
    features: float
    norm: float | None
    source: str

    def with_median_norm(self, median: float) -> QualityLimits:
        """The same for a model whose recognizer gives `median` of good photographs."""
        return replace(self, norm=COVERED_BELOW * median)


COVERED_BELOW = 0.65
"""Of a model's median norm. Measured with a small ArcFace pack: of 36 faces under a drawn mask and drawn
sunglasses 34 are below it, and none of 440 untouched photographs (docs/quality.md)."""

GROSS_DEFECTS = QualityLimits(
    sharpness=0.040,
    brightness=24.0,
    overexposure=0.50,
    roll=50.0,
    features=0.090,
    norm=None,
    source="docs/quality.md: chosen on 40 photographs of people/, checked on 400 of orl/",
)


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
    if quality.sharpness < limits.sharpness and quality.brightness < 2 * limits.brightness:
        return Reason.TOO_DARK  # want of light is why it shows so little
    if quality.sharpness < limits.sharpness:
        # A plain mask takes some of a face's sharpness; blur takes it all before an eye is plain.
        masked = quality.sharpness >= limits.sharpness / 2 and _is_plain(
            quality, limits.features / 10
        )
        return Reason.COVERED if masked else Reason.TOO_BLURRED
    if _is_plain(quality, limits.features):
        # What JPEG's blocks add to a blurred face looks sharp, but not where the eyes are.
        blurred = quality.sharpness < 1.5 * limits.sharpness and not _is_plain(
            quality, limits.features / 10
        )
        return Reason.TOO_BLURRED if blurred else Reason.COVERED
    if limits.norm is not None and quality.norm is not None and quality.norm < limits.norm:
        return Reason.COVERED
    return None


def _is_plain(quality: Quality, least: float) -> bool:
    """Whether an eye or the mouth has less detail than that. Of a face, they have the most."""
    return quality.features is not None and quality.features < least


SMALL_FACE = 48.0
"""Pixels of a face box's shorter side below which want of sharpness is want of pixels: coming closer helps."""


def judged(found: Detection, limits: QualityLimits) -> Detection:
    """What was found, refused where its quality is too low; of what was not, the cause that quality tells."""
    if isinstance(found, Refusal):
        return replace(found, reason=_cause(found, limits))
    reason = refused_for(found.quality, limits)
    if reason is Reason.TOO_BLURRED and _shorter_side(found.box) < SMALL_FACE:
        reason = Reason.FACE_TOO_SMALL
    return found if reason is None else refused(found, reason)


def _cause(refusal: Refusal, limits: QualityLimits) -> Reason:
    """A face that is seen badly may be blurred; one that is not seen at all may lie in the dark."""
    if refusal.quality is None:
        return refusal.reason
    reason = refused_for(refusal.quality, limits) or refusal.reason
    if refusal.reason is Reason.LOW_DETECTION_SCORE:
        return reason
    by_light = refusal.reason is Reason.NO_FACE and reason in {Reason.TOO_DARK, Reason.TOO_BRIGHT}
    return reason if by_light else refusal.reason


def _shorter_side(box: Box) -> float:
    left, top, right, bottom = box
    return min(right - left, bottom - top)


def refused(crop: FaceCrop, reason: Reason) -> Refusal:
    """The refusal of a face that was found."""
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
