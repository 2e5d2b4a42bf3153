"""What engines tell of a frame beside its crop: landmarks, and what an observer sees while it is decoded."""

from __future__ import annotations

import threading
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from service.domain.face import Box, FaceCrop, Image, Observation, Refusal
from service.domain.passive_liveness import looks_attacked
from service.domain.ports import FaceEngine
from service.engine.engines import load_engine
from service.engine.minifasnet import MiniFasNets
from service.engine.observation import LivenessObserver
from service.engine.pack_engine import PackEngine
from service.engine.pool import WorkerPool
from tests.engine.engines import engine_of
from tests.engine.onnx_models import write_opencv_pack
from tests.engine.photographs import Picture, blank, lamp, picture
from tests.engine.test_dlib_engine import needs_dlib
from tests.engine.test_dlib_yunet import with_yunet
from tests.engine.test_reduced_decoding import Counting, Whole, enlarged

RIGHT, DOWN = 0, 1


class Watching:
    """Implements `FrameObserver`: keeps what it is shown, and by whom."""

    def __init__(self) -> None:
        self.boxes: list[Box] = []
        self.shapes: list[tuple[int, ...]] = []
        self.threads: set[str] = set()

    def __call__(self, image: Image, box: Box) -> Observation:
        self.boxes.append(box)
        self.shapes.append(image.shape)
        self.threads.add(threading.current_thread().name)
        return Observation(0.5, b"")


def crop_of(engine: FaceEngine, photograph: Picture) -> FaceCrop:
    [found] = engine.detect([photograph])
    assert isinstance(found, FaceCrop)
    return found


def require_a_face(found: FaceCrop) -> None:
    """Eyes above the nose above the mouth, left ones left of right ones, all in the box."""
    assert found.landmarks is not None
    assert found.landmarks.shape == (5, 2)
    left_eye, right_eye, nose, left_corner, right_corner = found.landmarks
    for one, other in pairwise((left_eye, nose, left_corner)):
        assert one[DOWN] < other[DOWN]
    assert left_eye[RIGHT] < nose[RIGHT] < right_eye[RIGHT]
    assert left_corner[RIGHT] < right_corner[RIGHT]
    left, top, right, bottom = found.box
    assert ((found.landmarks > (left, top)) & (found.landmarks < (right, bottom))).all()


@pytest.fixture(scope="module")
def portrait(people: dict[str, list[Path]]) -> Path:
    return next(iter(people.values()))[0]


def test_scrfd_tells_landmarks(real: FaceEngine, portrait: Path) -> None:
    assert real.sees_landmarks
    require_a_face(crop_of(real, picture(portrait)))


def test_yunet_tells_landmarks(tmp_path: Path, yunet_file: Path, portrait: Path) -> None:
    write_opencv_pack(tmp_path / "models" / "half", detector=yunet_file)
    engine = engine_of("half", tmp_path)
    assert engine.sees_landmarks
    require_a_face(crop_of(engine, picture(portrait)))


@needs_dlib
def test_dlib_tells_the_landmarks_of_yunet(
    tmp_path: Path, yunet_file: Path, portrait: Path
) -> None:
    root = with_yunet(tmp_path, yunet_file)
    engine = load_engine("dlib", root, detection_threshold=0.6, use_gpu=False)
    assert engine.sees_landmarks
    require_a_face(crop_of(engine, picture(portrait)))


@needs_dlib
def test_dlib_alone_says_that_it_sees_none(tmp_path: Path, portrait: Path) -> None:
    engine = load_engine("dlib", tmp_path, detection_threshold=0.6, use_gpu=False)
    assert not engine.sees_landmarks
    assert crop_of(engine, picture(portrait)).landmarks is None


def test_landmarks_of_a_reduced_photograph_are_those_of_the_whole(
    real: FaceEngine, portrait: Path
) -> None:
    large = enlarged(portrait)
    reduced, whole = real.detect([large, Whole(large)])
    assert isinstance(reduced, FaceCrop)
    assert isinstance(whole, FaceCrop)
    require_a_face(reduced)
    assert reduced.landmarks is not None
    assert whole.landmarks is not None
    eyes = np.linalg.norm(whole.landmarks[0] - whole.landmarks[1])
    assert np.abs(reduced.landmarks - whole.landmarks).max() < 0.05 * eyes


def test_nothing_is_observed_unless_it_is_asked_for(tiny: PackEngine) -> None:
    assert crop_of(tiny, lamp((10, 10))).observation is None


def test_the_face_that_counts_is_observed_and_nothing_else(tiny: PackEngine) -> None:
    observer = Watching()
    lamps = [lamp((10, 10)), blank(640, 640), lamp((3, 3), (14, 14))]
    found, nobody, several = tiny.detect(lamps, observe=observer)
    assert isinstance(found, FaceCrop)
    assert found.observation == Observation(0.5, b"")
    assert isinstance(nobody, Refusal)
    assert isinstance(several, Refusal)
    assert observer.boxes == [found.box]


def test_observers_are_called_by_the_workers(tiny: PackEngine) -> None:
    observer = Watching()
    tiny.detect([lamp((10, 10))] * 8, observe=observer)
    assert len(observer.boxes) == 8
    assert all(name.startswith("face-engine") for name in observer.threads)


def test_a_frame_is_decoded_once_and_observed_as_it_is(real: FaceEngine, portrait: Path) -> None:
    observer, frame = Watching(), Counting(enlarged(portrait))
    [found] = real.detect([frame], observe=observer)
    assert isinstance(found, FaceCrop)
    assert frame.whole == 0
    [(height, width, _)], [box] = observer.shapes, observer.boxes
    assert max(box[2] / width, box[3] / height) <= 1.1
    np.testing.assert_allclose(np.asarray(found.box) / box, found.box[2] / box[2])


def test_what_an_observer_raises_reaches_the_caller(tiny: PackEngine) -> None:
    def broken(image: Image, box: Box) -> Observation:
        raise RuntimeError("the observer broke")

    with pytest.raises(RuntimeError, match="the observer broke"):
        tiny.detect([lamp((10, 10))], observe=broken)


def test_without_models_no_score_is_told(tiny: PackEngine) -> None:
    [found] = tiny.detect([lamp((10, 10))], observe=LivenessObserver(None))
    assert isinstance(found, FaceCrop)
    assert found.observation is not None
    assert found.observation.passive is None


def test_threads_share_the_models_and_get_their_own_scores(
    model_root: Path, liveness_models: Path
) -> None:
    samples = [picture(liveness_models / "samples" / f"{name}.jpg") for name in ("T1", "F1", "F2")]
    engine = load_engine(
        "mobile_s", model_root, detection_threshold=0.6, use_gpu=False, pool=WorkerPool(4)
    )
    observe = LivenessObserver(MiniFasNets(liveness_models))
    scores = []
    for found in engine.detect(samples * 8, observe=observe):
        assert isinstance(found, FaceCrop)
        assert found.observation is not None
        assert isinstance(found.observation.passive, float)
        scores.append(found.observation.passive)
    assert scores == scores[:3] * 8
    assert [looks_attacked([score]) for score in scores[:3]] == [False, True, True]
