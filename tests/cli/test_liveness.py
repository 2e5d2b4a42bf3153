"""`face liveness measure` and `face model fetch liveness`, on the real models."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from service.texts import text
from tests.cli.face import Face
from tests.engine.test_dlib_engine import needs_dlib


@pytest.fixture
def pictures(liveness_models: Path, tmp_path: Path) -> Path:
    """30 presentations of the person, 30 of the screen and 2 of the print."""
    samples, root = liveness_models / "samples", tmp_path / "pictures"
    for number in range(30):
        _copy(samples / "T1.jpg", root / "bonafide" / f"{number}.jpg")
        _copy(samples / "F2.jpg", root / "attack" / "screen" / f"{number}.jpg")
    for number in range(2):
        _copy(samples / "F1.jpg", root / "attack" / "print" / f"{number}.jpg")
    return root


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


@pytest.fixture
def measuring(face: Face, liveness_models: Path) -> Face:
    return face.but(liveness_models=liveness_models)


def test_rates_are_told_by_species_and_nothing_of_too_few(measuring: Face, pictures: Path) -> None:
    run = measuring("liveness", "measure", pictures, "--json")
    assert run.status == 0, run.err
    told = json.loads(run.out)
    screen, print_, people = told["attacks"]["screen"], told["attacks"]["print"], told["bonaFide"]
    assert (screen["apcer"]["errors"], screen["apcer"]["trials"]) == (0, 30)
    assert screen["apcer"]["upper"] == pytest.approx(1 - 0.05 ** (1 / 30))
    assert (people["bpcer"]["rate"], people["bpnrr"]["rate"]) == (0.0, 0.0)
    assert (print_["presentations"], print_["apcer"], print_["apnrr"]) == (2, None, None)
    assert (told["worst"], told["untold"], told["certificate"]) == ("screen", ["print"], False)


@pytest.mark.parametrize("language", ["ko", "en"])
def test_report_is_one_page_that_says_it_is_no_certificate(
    language: str, measuring: Face, pictures: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report.html"
    run = measuring("liveness", "measure", pictures, "--report", report, "--lang", language)
    assert run.status == 0, run.err
    page = report.read_text("utf-8")
    for shown in (page, run.out):
        assert "APCER" in shown
        assert "BPCER" in shown
        assert "ISO/IEC 30107-3" in shown
        assert ("no certificate" if language == "en" else "인증이 아닙니다") in shown
    assert "://" not in page
    assert report.stat().st_mode & 0o077 == 0


def test_folder_names_that_are_no_text_are_told_by_escapes(
    measuring: Face, pictures: Path, tmp_path: Path
) -> None:
    odd = os.fsdecode(b"print\xff\x1b[2J")
    (pictures / "attack" / "print").rename(pictures / "attack" / odd)
    report = tmp_path / "report.html"
    run = measuring("liveness", "measure", pictures, "--report", report)
    assert run.status == 0, run.err
    for shown in (run.out, report.read_text("utf-8")):
        assert "print\\udcff\\x1b[2J" in shown
        assert "\x1b" not in shown


def test_report_that_exists_is_left_alone(measuring: Face, pictures: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    report.write_text("mine")
    assert measuring("liveness", "measure", pictures, "--report", report).status == 2
    assert report.read_text() == "mine"


def test_gray_pictures_and_close_ups_get_no_answer(
    measuring: Face, people: dict[str, list[Path]], tmp_path: Path
) -> None:
    for name, photographs in people.items():
        for number, photograph in enumerate(photographs):
            _copy(photograph, tmp_path / "pictures" / "bonafide" / f"{name}{number}.png")
    told = json.loads(measuring("liveness", "measure", tmp_path / "pictures", "--json").out)
    assert told["bonaFide"]["bpnrr"]["rate"] == 1.0
    assert told["bonaFide"]["bpcer"] is None
    assert sum(told["bonaFide"]["reasons"].values()) == 40


def test_too_few_presentations_are_explained(measuring: Face, tmp_path: Path) -> None:
    run = measuring("liveness", "measure", tmp_path, "--lang", "en")
    assert (run.status, run.out) == (3, "")
    assert "[too_few_presentations]" in run.err
    assert "bonafide" in run.err


def test_without_models_it_is_told_how_to_get_them(face: Face, tmp_path: Path) -> None:
    run = face("liveness", "measure", tmp_path, "--lang", "en")
    assert (run.status, run.out) == (3, "")
    assert "[liveness_models_unset]" in run.err
    assert "face model fetch liveness" in run.err


def test_fetched_models_are_named_with_their_license(
    bare: Face, liveness_models: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "packs" / "models" / "liveness"
    for model in liveness_models.glob("*.onnx"):
        _copy(model, folder / model.name)
    run = bare("model", "fetch", "liveness", "--lang", "en")
    assert (run.status, run.out) == (0, f"{folder}\n")
    assert f"FACE_LIVENESS_MODELS={folder}" in run.err
    assert "Apache-2.0" in run.err


def test_damaged_models_are_not_called_fetched(
    bare: Face, liveness_models: Path, tmp_path: Path
) -> None:
    for model in liveness_models.glob("*.onnx"):
        _copy(model, tmp_path / model.name)
        (tmp_path / model.name).write_bytes(b"damaged")
    run = bare.but(liveness_models=tmp_path)("model", "fetch", "liveness", "--lang", "en")
    assert (run.status, run.out) == (3, "")
    assert "SHA-256" in run.err


def test_doctor_names_the_models_or_says_that_there_are_none(
    face: Face, gallery_face: Face, liveness_models: Path, tmp_path: Path
) -> None:
    told = gallery_face.but(liveness_models=liveness_models)("doctor", "--lang", "en")
    assert told.status == 0, told.out
    assert "MiniFASNetV2, MiniFASNetV1SE, Apache-2.0" in told.out
    assert text("en", "check.no_liveness_models") in gallery_face("doctor", "--lang", "en").out
    damaged = gallery_face.but(liveness_models=tmp_path)("doctor", "--lang", "en")
    assert damaged.status == 3
    assert "liveness     !!  The liveness models cannot be used." in damaged.out


@needs_dlib
def test_doctor_says_that_dlib_alone_has_no_sessions(gallery_face: Face) -> None:
    told = gallery_face.but(model_name="dlib")("doctor", "--lang", "en")
    assert told.status == 0, told.out
    assert text("en", "check.no_landmarks", model="dlib") in told.out


def test_server_with_damaged_models_does_not_start(
    gallery_face: Face, liveness_models: Path, tmp_path: Path
) -> None:
    _copy(liveness_models / "MiniFASNetV2.onnx", tmp_path / "MiniFASNetV2.onnx")
    (tmp_path / "MiniFASNetV1SE.onnx").write_bytes(b"damaged")
    run = gallery_face.but(liveness_models=tmp_path)("server", "--port", 0)
    assert run.status == 3
    assert "[liveness_models_unavailable]" in run.err
