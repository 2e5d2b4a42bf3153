"""`face quantize`: the copy, its price, and what it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from service.domain.face import FaceCrop, Quality
from service.engine import quantize
from service.engine.packs import find_pack
from service.machine import multiplies_bytes
from tests.cli.face import Face

PACK, COPY = "mobile_s", "mobile_s_int8"


@pytest.fixture
def packs(tmp_path: Path, model_root: Path) -> Path:
    """A model root of our own that holds the real small pack."""
    source = model_root / "models" / PACK
    target = tmp_path / "packs" / "models" / PACK
    target.mkdir(parents=True)
    for model in source.glob("*.onnx"):
        shutil.copyfile(model, target / model.name)
    return tmp_path / "packs"


@pytest.fixture
def photos(people: dict[str, list[Path]]) -> Path:
    return next(iter(people.values()))[0].parents[1]


def test_the_copy_is_a_smaller_model_that_agrees(bare: Face, packs: Path, photos: Path) -> None:
    run = bare.but(model_name=PACK)("quantize", "--photos", photos, "--json")
    assert run.status == 0, run.err
    report = json.loads(run.out)
    copy = find_pack(COPY, packs)
    assert report["model"] == copy.model.model_id
    assert copy.model.sha256 != find_pack(PACK, packs).model.sha256
    assert report["photographs"] == 40
    assert report["size_ratio"] < 0.5
    assert report["agreement_min"] > 0.98
    assert report["fmr_after"] == 0.0
    assert report["fnmr_after"] <= 0.05
    assert sorted(path.name for path in (packs / "models").iterdir()) == [PACK, COPY]
    assert ("VNNI" in run.err) == (multiplies_bytes() is False)


@pytest.mark.parametrize(("can", "largest"), [(True, 127), (None, 127), (False, 64)])
def test_weights_have_7_bits_where_sums_of_8_are_cut_off(
    packs: Path, monkeypatch: pytest.MonkeyPatch, can: bool | None, largest: int
) -> None:
    monkeypatch.setattr(quantize, "multiplies_bytes", lambda: can)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    pixels = np.random.default_rng(1).integers(0, 255, (112, 112, 3), np.uint8)
    crop = FaceCrop(pixels, 0.9, Quality(0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 112.0, 112.0))
    quantize.PackQuantizer(PACK, packs).quantize([crop])
    model = onnx.load_model(str(find_pack(COPY, packs).recognition.path))
    weights = [numpy_helper.to_array(one) for one in model.graph.initializer]
    assert max(np.abs(one.astype(int)).max() for one in weights if one.dtype == np.int8) == largest


def test_what_is_there_already_is_left_alone(bare: Face, packs: Path, photos: Path) -> None:
    kept = packs / "models" / COPY / "kept"
    kept.parent.mkdir()
    kept.write_text("mine")
    run = bare.but(model_name=PACK)("quantize", "--photos", photos, "--lang", "en")
    assert (run.status, run.out) == (3, "")
    assert "[pack_exists]" in run.err
    assert kept.read_text() == "mine"


def test_too_few_photographs_are_refused(bare: Face, packs: Path, photos: Path) -> None:
    some = packs / "some"
    shutil.copytree(photos / "amy", some / "amy")
    run = bare.but(model_name=PACK)("quantize", "--photos", some, "--lang", "ko")
    assert (run.status, run.out) == (3, "")
    assert "[too_few_photographs]" in run.err
    assert "5장" in run.err
    assert not (packs / "models" / COPY).exists()


def test_a_pack_that_is_not_there_is_said(bare: Face, tmp_path: Path) -> None:
    run = bare.but(model_name="nobodys")("quantize", "--photos", tmp_path)
    assert run.status == 3
    assert "[model_unavailable]" in run.err


def test_dlib_is_refused(bare: Face, tmp_path: Path) -> None:
    run = bare.but(model_name="dlib")("quantize", "--photos", tmp_path)
    assert run.status == 3
    assert "[quantization_failed]" in run.err
