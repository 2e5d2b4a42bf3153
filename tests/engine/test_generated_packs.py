"""Any folder of the right shape is a model: generated packs, no weights needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from service.domain.errors import ModelUnavailable
from service.domain.face import FaceCrop, Reason, Refusal
from service.engine.pack_engine import PackEngine
from tests.engine.engines import engine_of
from tests.engine.onnx_models import write_detector, write_other, write_pack
from tests.engine.photographs import BrokenPhotograph, Picture, blank, lamp, plain_crop


def test_the_only_face_becomes_a_crop_of_the_recognizers_size(tiny: PackEngine) -> None:
    seen = tiny.detect([lamp((10, 10))])[0]
    assert isinstance(seen, FaceCrop)
    assert seen.pixels.shape == (112, 112, 3)


def test_an_embedding_is_512_float32_of_norm_1(tiny: PackEngine) -> None:
    embedding = tiny.embed([plain_crop(90)])[0].embedding
    assert embedding.shape == (512,)
    assert embedding.dtype == np.float32
    assert np.linalg.norm(embedding) == pytest.approx(1.0, abs=1e-5)


def test_no_crops_give_no_embeddings(tiny: PackEngine) -> None:
    assert tiny.embed([]) == []


def test_an_empty_picture_has_no_face(tiny: PackEngine) -> None:
    assert tiny.detect([blank(640, 640)]) == [Refusal(Reason.NO_FACE)]


def test_two_faces_are_refused(tiny: PackEngine) -> None:
    seen = tiny.detect([lamp((3, 3), (14, 14))])[0]
    assert isinstance(seen, Refusal)
    assert seen.reason is Reason.MULTIPLE_FACES


def test_a_face_below_the_threshold_is_told_with_its_score(tiny: PackEngine) -> None:
    seen = tiny.detect([lamp((10, 10), brightness=191)])[0]
    assert isinstance(seen, Refusal)
    assert seen.reason is Reason.LOW_DETECTION_SCORE
    assert seen.detection_score is not None
    assert 0.3 <= seen.detection_score < 0.6


def test_a_face_of_few_pixels_is_refused(tmp_path: Path) -> None:
    write_pack(tmp_path / "models" / "far")
    write_detector(tmp_path / "models" / "far" / "det_tiny.onnx", box=0.4)
    seen = engine_of("far", tmp_path).detect([lamp((10, 10))])[0]
    assert isinstance(seen, Refusal)
    assert seen.reason is Reason.FACE_TOO_SMALL


def test_what_cannot_be_decoded_keeps_its_reason(tiny: PackEngine) -> None:
    assert tiny.detect([Picture(Reason.UNREADABLE)]) == [Refusal(Reason.UNREADABLE)]


def test_what_breaks_in_a_worker_reaches_the_caller(tiny: PackEngine) -> None:
    with pytest.raises(RuntimeError, match="the decoder broke"):
        tiny.detect([lamp((10, 10)), BrokenPhotograph()])


def test_answers_come_in_the_order_of_the_photographs(tiny: PackEngine) -> None:
    seen = tiny.detect([blank(64, 64), lamp((5, 5)), Picture(Reason.TOO_LARGE), lamp((9, 9))])
    assert [getattr(one, "reason", None) for one in seen] == [
        Reason.NO_FACE,
        None,
        Reason.TOO_LARGE,
        None,
    ]


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 640), (640, 1), (1, 5000), (5000, 1), (2, 3000), (7, 9), (31, 33)]
)
def test_a_degenerate_picture_is_answered(tiny: PackEngine, shape: tuple[int, int]) -> None:
    assert isinstance(tiny.detect([blank(*shape, value=255)])[0], FaceCrop | Refusal)


def test_a_recognizer_of_one_face_at_a_time_embeds_several(tmp_path: Path) -> None:
    write_pack(tmp_path / "models" / "single", batch=1)
    write_pack(tmp_path / "models" / "batch")
    faces = [plain_crop(value) for value in (10, 90, 200)]
    single, batch = (
        [face.embedding for face in engine_of(name, tmp_path).embed(faces)]
        for name in ("single", "batch")
    )
    assert np.allclose(single, batch, atol=1e-5)


def test_a_recognizer_of_128_numbers_is_padded_with_zeros(tmp_path: Path) -> None:
    write_pack(tmp_path / "models" / "short", numbers=128)
    engine = engine_of("short", tmp_path)
    embedding = engine.embed([plain_crop(90)])[0].embedding
    assert engine.dimensions == 128
    assert not embedding[128:].any()


def test_a_recognizer_of_another_size_gets_crops_of_that_size(tmp_path: Path) -> None:
    write_pack(tmp_path / "models" / "large", size=224)
    seen = engine_of("large", tmp_path).detect([lamp((10, 10))])[0]
    assert isinstance(seen, FaceCrop)
    assert seen.pixels.shape == (224, 224, 3)


@pytest.mark.parametrize(
    ("numbers", "size", "cause"),
    [(1024, 112, "1024 numbers"), (512, 160, "cannot be aligned to its 160 x 160")],
)
def test_a_recognizer_that_does_not_fit_is_refused(
    tmp_path: Path, numbers: int, size: int, cause: str
) -> None:
    write_pack(tmp_path / "models" / "odd", numbers=numbers, size=size)
    with pytest.raises(ModelUnavailable) as refused:
        engine_of("odd", tmp_path)
    assert cause in str(refused.value.values["cause"])


def test_a_detector_without_landmarks_is_refused(tmp_path: Path) -> None:
    folder = write_pack(tmp_path / "models" / "blind")
    write_detector(folder / "det_tiny.onnx", components=2)
    with pytest.raises(ModelUnavailable) as refused:
        engine_of("blind", tmp_path)
    assert "no landmarks" in str(refused.value.values["cause"])


def test_other_models_of_the_folder_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_pack(tmp_path / "models" / "five")
    write_other(folder / "1k3d68.onnx", 192)
    write_other(folder / "2d106det.onnx", 192)
    write_other(folder / "genderage.onnx", 96)
    assert _sessions_made(monkeypatch, "five", tmp_path) == ["det_tiny.onnx", "w_tiny.onnx"]


def _sessions_made(monkeypatch: pytest.MonkeyPatch, name: str, root: Path) -> list[str]:
    """The files that onnxruntime is given while an engine is loaded and used."""
    from service.onnx_runtime import onnxruntime

    made: list[str] = []
    start = onnxruntime.InferenceSession.__init__

    def noting(session: object, model: object, *rest: object, **options: object) -> None:
        made.append(Path(str(model)).name)
        start(session, model, *rest, **options)

    monkeypatch.setattr(onnxruntime.InferenceSession, "__init__", noting)
    engine_of(name, root).detect([lamp((10, 10))])
    return sorted(made)
