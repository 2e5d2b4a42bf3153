"""The Python front door: what `from service import …` promises."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier

import cv2
import numpy as np
import pytest

import service
from service import (
    AppConfig,
    FaceEncoder,
    cosine_similarity,
    encoder_manager,
    extract_face_embeddings,
    generate_embedding_from_embeddings,
    generate_token_from_camera,
    generate_token_from_directory,
    generate_token_from_video,
    load_images_from_directory,
)
from service.adapters import identify_model, save_measurement
from service.domain.errors import CameraUnavailable, ModelUnavailable, NoUsableFace
from service.domain.face import Embedding, Image
from service.domain.measurement import Measurement

People = dict[str, list[Path]]

HEAVY = ("cv2", "onnxruntime", "insightface", "sqlalchemy", "fastapi", "pydantic", "numpy")


@pytest.fixture
def config(model_root: Path, tmp_path: Path) -> Iterator[AppConfig]:
    yield AppConfig(
        model_name="mobile_s", model_root=model_root, use_gpu=False, data_dir=tmp_path / "data"
    )
    encoder_manager.clear_encoder()


@pytest.fixture
def amy(people: People) -> Path:
    return people["amy"][0].parent


def picture(path: Path) -> Image:
    return np.asarray(cv2.imread(str(path)), np.uint8)


def is_unit(embedding: Embedding) -> bool:
    norm = float(np.linalg.norm(embedding))
    return embedding.shape == (512,) and embedding.dtype == np.float32 and abs(norm - 1) < 1e-5


def test_import_alone_loads_nothing_heavy() -> None:
    script = f"import service, sys; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stdout.decode().strip() == "[]"


def test_every_name_can_be_seen_and_taken() -> None:
    assert set(service.__all__) <= set(dir(service))
    assert all(getattr(service, name) is not None for name in service.__all__)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = service.nonsense


def test_token_of_a_folder_is_a_list_of_512_floats_of_length_1(
    config: AppConfig, amy: Path
) -> None:
    token = generate_token_from_directory(dir_path=str(amy), max_images=2, config=config)
    assert isinstance(token, list)
    assert {type(number) for number in token} == {float}
    assert is_unit(np.asarray(token, np.float32))


def test_steps_of_the_contract_lead_to_the_token_of_the_folder(
    config: AppConfig, amy: Path
) -> None:
    encoder = FaceEncoder(config)
    images = load_images_from_directory(str(amy), max_images=3, config=config)
    assert all(image.dtype == np.uint8 and image.shape[2] == 3 for image in images)
    embeddings = extract_face_embeddings(images, encoder=encoder)
    assert len(embeddings) == 3
    assert all(is_unit(embedding) for embedding in embeddings)
    template = generate_embedding_from_embeddings(embeddings)
    assert is_unit(template)
    token = generate_token_from_directory(str(amy), max_images=3, config=config)
    assert cosine_similarity(template, token) > 0.999


def test_same_person_is_nearer_than_another(config: AppConfig, people: People) -> None:
    amy, amy_again, howard = (
        np.asarray(extract_face_embeddings([picture(path)], encoder_manager.get_encoder(config))[0])
        for path in (people["amy"][0], people["amy"][1], people["howard"][0])
    )
    assert cosine_similarity(amy, amy_again) > 0.4 > cosine_similarity(amy, howard)


def test_images_without_exactly_one_face_are_skipped(
    config: AppConfig, people: People, scenes: list[Path]
) -> None:
    grey = np.full((240, 240, 3), 127, np.uint8)
    images = [grey, picture(scenes[0]), picture(people["amy"][0])]
    embeddings = extract_face_embeddings(images, encoder_manager.get_encoder(config))
    assert len(embeddings) == 1
    assert extract_face_embeddings([grey], encoder_manager.get_encoder(config)) == []
    assert extract_face_embeddings([], encoder_manager.get_encoder(config)) == []


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((8, 8, 3), np.float32),
        np.zeros((8, 8), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((0, 8, 3), np.uint8),
        [[0, 0, 0]],
    ],
    ids=["floats", "grey", "four channels", "empty", "list"],
)
def test_array_of_another_form_is_a_value_error(config: AppConfig, array: Image) -> None:
    with pytest.raises(ValueError, match="an image is"):
        extract_face_embeddings([array], encoder_manager.get_encoder(config))


def test_nothing_to_average_is_no_usable_face() -> None:
    with pytest.raises(NoUsableFace):
        generate_embedding_from_embeddings([])


def test_average_has_norm_one_whatever_the_lengths() -> None:
    assert is_unit(generate_embedding_from_embeddings([np.full(512, 2.0, np.float32)]))


def test_folder_without_images_has_none_and_no_token(config: AppConfig, tmp_path: Path) -> None:
    assert load_images_from_directory(tmp_path / "missing", config=config) == []
    with pytest.raises(NoUsableFace):
        generate_token_from_directory(tmp_path / "missing", config=config)


def test_video_that_is_missing_is_an_unavailable_camera(config: AppConfig, tmp_path: Path) -> None:
    with pytest.raises(CameraUnavailable):
        generate_token_from_video(tmp_path / "missing.mp4", config=config)
    without = config.model_copy(update={"camera_index": "missing.mp4"})
    with pytest.raises(CameraUnavailable):
        generate_token_from_camera(config=without)


def test_pack_that_is_missing_is_an_error_each_time(config: AppConfig) -> None:
    missing = config.model_copy(update={"model_name": "nopack"})
    for _ in range(2):
        with pytest.raises(ModelUnavailable):
            encoder_manager.get_encoder(missing)


def test_threads_that_race_for_the_encoder_get_the_same(config: AppConfig) -> None:
    barrier = Barrier(8)

    def race(_: int) -> FaceEncoder:
        barrier.wait()
        return encoder_manager.get_encoder(config)

    with ThreadPoolExecutor(8) as threads:
        assert len({id(encoder) for encoder in threads.map(race, range(8))}) == 1


def test_another_way_of_loading_is_another_encoder(config: AppConfig) -> None:
    other = config.model_copy(update={"detection_threshold": 0.5})
    assert encoder_manager.get_encoder(other) is not encoder_manager.get_encoder(config)


def test_cleared_encoder_is_let_go(config: AppConfig) -> None:
    encoder = weakref.ref(encoder_manager.get_encoder(config))
    assert encoder() is encoder_manager.get_encoder(config)
    encoder_manager.clear_encoder()
    gc.collect()
    assert encoder() is None


def test_calls_on_one_camera_share_it_and_another_camera_is_its_own(config: AppConfig) -> None:
    capture = encoder_manager.get_capture(config)
    same = config.model_copy(update={"camera_index": "0", "detection_threshold": 0.5})
    assert encoder_manager.get_capture(same) is capture
    other = config.model_copy(update={"camera_index": 1})
    assert encoder_manager.get_capture(other) is not capture


def test_many_threads_get_what_one_gets(config: AppConfig, people: People) -> None:
    encoder = encoder_manager.get_encoder(config)
    image = picture(people["amy"][0])
    alone = extract_face_embeddings([image], encoder)[0]
    with ThreadPoolExecutor(16) as threads:
        found = threads.map(lambda _: extract_face_embeddings([image], encoder), range(16))
        assert all(np.allclose(embedding, alone, atol=1e-5) for [embedding] in found)


def test_the_gate_goes_by_what_was_measured_of_the_model(
    config: AppConfig, people: People, tmp_path: Path
) -> None:
    """Of a model whose faces are ten times as plain as these, these are covered ones."""
    measured = config.model_copy(update={"data_dir": tmp_path / "measured"})
    image = picture(people["amy"][0])
    assert len(encoder_manager.get_encoder(config).encode([image])) == 1
    model = identify_model(measured)
    assert model is not None
    now = datetime(2026, 11, 27, tzinfo=UTC)
    save_measurement(measured, Measurement(model, now, 40, 400, (1,), (), (), norm=56.4))
    assert encoder_manager.get_encoder(measured).encode([image]) == []
