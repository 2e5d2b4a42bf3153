"""What an upload must be like to be looked at."""

from __future__ import annotations

from collections.abc import Sequence

from service.capture.images import EncodedPhotograph, is_supported
from service.capture.limits import ImageLimits
from service.domain.errors import ImageTooLarge, TooManyImages, UnsupportedImage
from service.domain.face import Photograph


def uploaded_photographs(images: Sequence[bytes], limits: ImageLimits) -> list[Photograph]:
    """One photograph per upload, in the order given, none of them decoded yet.

    An empty upload, or a damaged one, becomes a photograph that is `UNREADABLE`: the others of
    the request may still do. Raises `TooManyImages`, `ImageTooLarge`, `UnsupportedImage`.
    """
    if len(images) > limits.max_images:
        raise TooManyImages(limit=limits.max_images)
    photographs = [EncodedPhotograph(encoded, limits) for encoded in images]
    for photograph in photographs:
        _require_acceptable(photograph)
    return [*photographs]


def _require_acceptable(photograph: EncodedPhotograph) -> None:
    if photograph.encoded and not is_supported(photograph.encoded):
        raise UnsupportedImage
    if limit := photograph.exceeded():
        raise ImageTooLarge(limit=limit)
