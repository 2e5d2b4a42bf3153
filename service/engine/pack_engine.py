"""The engine of a pack of two ONNX models: one finds the face, which is aligned, the other turns it into numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np

from service.domain.errors import ModelUnavailable
from service.domain.face import (
    EMBEDDING_SIZE,
    Decoded,
    Detection,
    EmbeddedFace,
    FaceCrop,
    Faces,
    Image,
    Photograph,
    Reason,
    ReduciblePhotograph,
    Refusal,
)
from service.domain.ports import FrameObserver, ModelIdentity
from service.domain.quality import refused
from service.domain.template import embedded_face
from service.engine.alignment import alignment
from service.engine.finder import FaceFinder
from service.engine.models import load_models
from service.engine.packs import Pack
from service.engine.pool import Batches, WorkerPool
from service.engine.providers import CPU, CUDA
from service.engine.quality import Cut, arcface_part, quality_of, quality_of_picture, roll_of
from service.engine.selection import (
    DETECTION_FLOOR,
    SCORE_MARGIN,
    FoundFace,
    SelectedFace,
    is_settled,
    likeliest_face,
    selected_face,
)
from service.engine.sessions import BATCH_SIZES, features_by_size


class PackEngine:
    """A `FaceEngine`. Sessions are safe to run from many threads, so all threads share them."""

    def __init__(
        self,
        pack: Pack,
        detection_threshold: float,
        providers: Sequence[str],
        pool: WorkerPool,
    ) -> None:
        """`detection_threshold`: score, 0 to 1, from which a face counts.

        Raises `ModelUnavailable`.
        """
        detector, self._recognizer = load_models(pack, providers)
        self._finder = FaceFinder(detector)
        self._crop_side = self._recognizer.crop_side
        self._threshold = detection_threshold
        self._floor = min(DETECTION_FLOOR, detection_threshold)
        self._doubt_floor = max(0.0, min(self._floor, detection_threshold - SCORE_MARGIN))
        self.pool = pool
        self._pack = pack
        self.model: ModelIdentity = pack.model
        self.providers: Sequence[str] = self._recognizer.providers
        self._batches = None if self.providers[0] == CPU else Batches(self._embed_batch)
        self._fills_batches = self.providers[0] == CUDA and not self._recognizer.takes_one
        self.dimensions = self._warm_up()
        self.sees_landmarks = True

    def detect(
        self,
        photographs: Sequence[Photograph],
        faces: Faces = Faces.ONE,
        observe: FrameObserver | None = None,
    ) -> list[Detection]:
        return self.pool.map(partial(self._detect_one, rule=faces, observe=observe), photographs)

    def embed(self, crops: Sequence[FaceCrop]) -> list[EmbeddedFace]:
        """On the CPU face by face, over all workers: there a batch takes as long as its faces do
        one after the other (measured with 8: 1.00 to 1.04 of it). On a GPU in one batch, together
        with what other calls want at the same time.
        """
        if self._batches is not None:
            return self._batches(crops) if crops else []
        return self.pool.map_unbounded(self._embed_one, crops)

    def _detect_one(
        self, photograph: Photograph, rule: Faces, observe: FrameObserver | None
    ) -> Detection:
        decoded = _decoded(photograph, self._finder.side)
        if isinstance(decoded, Reason):
            return Refusal(decoded)
        reduced = decoded.denominator > 1
        faces = self._finder.faces(decoded.pixels, self._doubt_floor if reduced else self._floor)
        if reduced and not is_settled(faces, self._threshold, self._crop_side, rule):
            return self._detect_one(_Whole(photograph), rule, observe)
        height, width = decoded.pixels.shape[:2]
        selected = selected_face(faces, self._threshold, rule, (height, width))
        if isinstance(selected, Refusal):
            return self._told_better(selected, decoded.pixels, faces)
        crop = self._crop(decoded, selected)
        if self._finder.is_turned(decoded.pixels, selected.face):
            return refused(crop, Reason.TURNED)
        if observe is None:
            return crop
        return replace(crop, observation=observe(decoded.pixels, selected.face.box))

    def _told_better(self, refusal: Refusal, image: Image, faces: Sequence[FoundFace]) -> Refusal:
        """What is seen badly, or not at all, may lie on its side, or have its cause in the light."""
        if refusal.reason is Reason.NO_FACE:
            return self._nothing_seen(image)
        if refusal.reason is not Reason.LOW_DETECTION_SCORE or refusal.box is None:
            return refusal
        face = likeliest_face(faces)
        if self._finder.is_turned(image, face) or self._finder.picture_is_turned(image):
            return replace(refusal, reason=Reason.TURNED)
        return replace(refusal, quality=self._crop(Decoded(image), SelectedFace(face)).quality)

    def _nothing_seen(self, image: Image) -> Refusal:
        """One look more, as dear as the first: nobody who sends pictures of nothing gets more."""
        quality = quality_of_picture(image)
        if quality is None:
            return Refusal(Reason.NO_FACE)
        turned = self._finder.picture_is_turned(image)
        return Refusal(Reason.TURNED if turned else Reason.NO_FACE, quality=quality)

    def _crop(self, decoded: Decoded, selected: SelectedFace) -> FaceCrop:
        face = selected.face
        landmarks, side = np.asarray(face.landmarks), self._crop_side
        cut = Cut(alignment(landmarks, side), decoded.pixels.shape[:2], arcface_part(side))
        aligned = np.asarray(cv2.warpAffine(decoded.pixels, cut.matrix, (side, side)), np.uint8)
        quality = quality_of(aligned, cut, roll_of(landmarks))
        whole = face.in_whole(decoded.denominator)
        return FaceCrop(aligned, face.score, quality, whole.box, selected.ignored, whole.landmarks)

    def _embed_one(self, crop: FaceCrop) -> EmbeddedFace:
        return self._embed_batch([crop])[0]

    def _embed_batch(self, crops: Sequence[FaceCrop]) -> list[EmbeddedFace]:
        pixels = [crop.pixels for crop in crops]
        return [embedded_face(numbers) for numbers in self._features(pixels)]

    def _features(self, pixels: list[Image]) -> np.ndarray:
        """(n, dimensions) numbers."""
        if self._fills_batches:
            return features_by_size(self._recognizer.numbers, pixels)
        return self._recognizer.numbers(pixels)

    def _warm_up(self) -> int:
        """Run both models, in every worker at once where many calls will be served; return how many numbers come out.

        A pack that cannot run is refused now and not at the first caller; and onnxruntime's arenas,
        which grow with the inferences that run side by side and stay, have grown: whatever comes
        later, memory stays as it is at the start.
        """
        face = [np.zeros((self._crop_side, self._crop_side, 3), np.uint8)]
        try:
            widths = self.pool.warm_up(
                self._finder.warm_up,
                lambda: self._features(face).shape[1],
            )
            for size in BATCH_SIZES if self._fills_batches else ():
                self._features(face * size)
        except Exception as error:
            raise self._unavailable(f"its models cannot be run: {error}") from error
        dimensions = int(widths[0])
        if dimensions > EMBEDDING_SIZE:
            raise self._unavailable(f"its embeddings have {dimensions} numbers, more than 512")
        return dimensions

    def _unavailable(self, cause: str) -> ModelUnavailable:
        return ModelUnavailable(model=self.model.name, path=self._pack.folder, cause=cause)


@dataclass(frozen=True, slots=True)
class _Whole:
    """A photograph that is not to be reduced."""

    photograph: Photograph

    def pixels(self) -> Image | Reason:
        return self.photograph.pixels()


def _decoded(photograph: Photograph, side: int) -> Decoded | Reason:
    """No larger than it need be: the detector reduces every picture to its own `side` anyway."""
    if isinstance(photograph, ReduciblePhotograph):
        return photograph.reduced(side)
    pixels = photograph.pixels()
    return pixels if isinstance(pixels, Reason) else Decoded(pixels)
