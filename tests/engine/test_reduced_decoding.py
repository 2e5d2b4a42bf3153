"""A large JPEG decoded at a fraction of its size is judged as the whole one is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from service.capture.images import EncodedPhotograph, ImageLimits
from service.domain.face import (
    Decoded,
    Detection,
    Embedding,
    FaceCrop,
    Faces,
    Image,
    Photograph,
    Reason,
)
from service.domain.ports import FaceEngine
from service.domain.template import average, cosine_similarity
from service.engine.selection import FoundFace, is_settled

LIMITS = ImageLimits(max_bytes=40 * 1024 * 1024, max_pixels=40_000_000, max_images=20)
MEGAPIXELS = 12
LEAST_AGREEMENT = 0.99
THRESHOLD = 0.40


@dataclass
class Whole:
    """The photograph as it is decoded without the reduction."""

    encoded: EncodedPhotograph

    def pixels(self) -> Image | Reason:
        return self.encoded.pixels()


@dataclass
class Counting:
    """How often it was decoded in full."""

    encoded: EncodedPhotograph
    whole: int = 0

    def pixels(self) -> Image | Reason:
        self.whole += 1
        return self.encoded.pixels()

    def reduced(self, least_side: int) -> Decoded | Reason:
        return self.encoded.reduced(least_side)


def jpeg(image: Image) -> EncodedPhotograph:
    return EncodedPhotograph(cv2.imencode(".jpg", image)[1].tobytes(), LIMITS)


def read(path: Path) -> Image:
    return np.asarray(cv2.imread(str(path)), np.uint8)


def enlarged(path: Path) -> EncodedPhotograph:
    image = read(path)
    factor = (MEGAPIXELS * 1e6 / (image.shape[0] * image.shape[1])) ** 0.5
    large = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    return jpeg(np.asarray(large, np.uint8))


def set_into(path: Path, share: float) -> EncodedPhotograph:
    """Twelve megapixels of grey with the photograph taking a share of the width."""
    canvas = np.full((3000, 4000, 3), 120, np.uint8)
    side = round(4000 * share)
    canvas[300 : 300 + side, 900 : 900 + side] = cv2.resize(read(path), (side, side))
    return jpeg(canvas)


def outcome(detection: Detection) -> str:
    return "accepted" if isinstance(detection, FaceCrop) else detection.reason.value


@pytest.fixture(scope="module")
def portraits(people: dict[str, list[Path]]) -> list[EncodedPhotograph]:
    return [enlarged(paths[3]) for paths in people.values()]


def test_portraits_are_accepted_without_being_decoded_in_full(
    real: FaceEngine, portraits: list[EncodedPhotograph]
) -> None:
    counting = [Counting(portrait) for portrait in portraits]
    assert {outcome(seen) for seen in real.detect(counting)} == {"accepted"}
    assert sum(one.whole for one in counting) == 0


def test_portraits_match_the_same_people_as_decoded_in_full(
    real: FaceEngine, portraits: list[EncodedPhotograph], people: dict[str, list[Path]]
) -> None:
    def embedded(photographs: Sequence[Photograph]) -> list[Embedding]:
        seen = real.detect(photographs)
        crops = [one for one in seen if isinstance(one, FaceCrop)]
        return [face.embedding for face in real.embed(crops)]

    enrolled = [
        average(embedded([EncodedPhotograph(path.read_bytes(), LIMITS) for path in paths[:3]]))
        for paths in people.values()
    ]
    reduced, whole = embedded(portraits), embedded([Whole(one) for one in portraits])
    cosines = [cosine_similarity(*pair) for pair in zip(reduced, whole, strict=True)]
    assert min(cosines) >= LEAST_AGREEMENT
    here, there = (np.stack(one) @ np.stack(enrolled).T >= THRESHOLD for one in (reduced, whole))
    assert np.array_equal(here, there)
    assert here.any(axis=1).all()


def test_groups_are_refused_as_decoded_in_full(real: FaceEngine, scenes: list[Path]) -> None:
    photographs = [enlarged(path) for path in scenes]
    reduced = real.detect(photographs)
    whole = real.detect([Whole(one) for one in photographs])
    assert [outcome(one) for one in reduced] == [outcome(one) for one in whole]
    assert {outcome(one) for one in reduced} == {Reason.MULTIPLE_FACES.value}


@pytest.mark.parametrize("share", [0.02, 0.05, 0.1])
def test_a_small_face_in_a_large_photograph_is_judged_on_all_its_pixels(
    real: FaceEngine, people: dict[str, list[Path]], share: float
) -> None:
    for paths in list(people.values())[:2]:
        counting = Counting(set_into(paths[0], share))
        seen, whole = real.detect([counting])[0], real.detect([Whole(counting.encoded)])[0]
        assert counting.whole == 1
        assert outcome(seen) == outcome(whole)
        if isinstance(seen, FaceCrop) and isinstance(whole, FaceCrop):
            assert np.array_equal(seen.pixels, whole.pixels)


@pytest.mark.parametrize(
    ("faces", "rules"),
    [
        ([(0.9, 200)], {Faces.ONE, Faces.DOMINANT}),
        ([(0.9, 20), (0.9, 20)], {Faces.ONE}),  # two people, however small
        ([(0.9, 20), (0.9, 200)], {Faces.ONE, Faces.DOMINANT}),
        ([(0.9, 200), (0.9, 60), (0.65, 20)], {Faces.ONE}),
        ([(0.9, 200), (0.4, 200)], {Faces.ONE, Faces.DOMINANT}),
        ([], set()),
        ([(0.9, 100)], set()),  # fewer pixels than a crop
        ([(0.65, 200)], set()),
        ([(0.4, 200)], set()),
        ([(0.9, 200), (0.55, 20)], set()),
        ([(0.9, 200), (0.65, 20)], set()),
    ],
)
def test_what_a_reduced_picture_settles(faces: list[tuple[float, int]], rules: set[Faces]) -> None:
    found = [FoundFace(score, (0.0, 0.0, side, side)) for score, side in faces]
    assert {rule for rule in Faces if is_settled(found, 0.6, 112, rule)} == rules
