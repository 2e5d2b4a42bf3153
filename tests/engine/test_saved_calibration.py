"""What was measured is kept whole, for exactly one model, and nothing else is taken for it."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from service.domain.errors import CalibrationDamaged
from service.domain.measurement import MeasuredProfile, Measurement
from service.domain.ports import ModelIdentity
from service.domain.thresholds import OperatingPoint
from service.engine.saved_calibration import (
    MOST_BYTES,
    calibration_file,
    read_measurement,
    save_measurement,
)

MODEL = ModelIdentity("mobile_s", "3" * 64)
OTHER = ModelIdentity("mobile_s", "4" * 64)
MEASURED = Measurement(
    MODEL,
    datetime(2026, 11, 27, 9, 30, tzinfo=UTC),
    40,
    400,
    (1, 3, 5),
    (MeasuredProfile("balanced", 0.4, 0.008, 0.009, 0.005, 0.01),),
    (OperatingPoint(0.1, 0.2), OperatingPoint(0.4, 0.009), OperatingPoint(0.61, 0.0001)),
    5.6,
)


def test_what_was_saved_is_read(tmp_path: Path) -> None:
    path = save_measurement(tmp_path / "data", MEASURED)
    assert path == tmp_path / "data" / "calibrations" / f"{MODEL.sha256}.json"
    assert read_measurement(tmp_path / "data", MODEL) == MEASURED


def test_a_newer_measurement_takes_the_place_of_the_older(tmp_path: Path) -> None:
    save_measurement(tmp_path, MEASURED)
    newer = Measurement(MODEL, MEASURED.measured_at, 8, 40, (1,), (), (), None)
    save_measurement(tmp_path, newer)
    assert read_measurement(tmp_path, MODEL) == newer
    assert len(list((tmp_path / "calibrations").iterdir())) == 1


def test_profiles_may_have_any_name_and_number(tmp_path: Path) -> None:
    many = tuple(
        MeasuredProfile(f"문 {number} {'x' * 80}", 0.4, 0.0, 0.1, 0.0, 0.1) for number in range(99)
    )
    save_measurement(tmp_path, replace(MEASURED, profiles=many))
    assert read_measurement(tmp_path, MODEL) == replace(MEASURED, profiles=many)


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = save_measurement(tmp_path, MEASURED)
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_another_model_has_none(tmp_path: Path) -> None:
    save_measurement(tmp_path, MEASURED)
    assert read_measurement(tmp_path, OTHER) is None


def test_a_file_renamed_for_another_model_is_refused(tmp_path: Path) -> None:
    save_measurement(tmp_path, MEASURED).rename(calibration_file(tmp_path, OTHER))
    with pytest.raises(CalibrationDamaged):
        read_measurement(tmp_path, OTHER)


def _points(*pairs: tuple[float, float]) -> list[dict[str, float]]:
    return [{"threshold": at, "falseMatchRate": rate} for at, rate in pairs]


@pytest.mark.parametrize(
    "change",
    [
        lambda file: file.update(version=2),
        lambda file: file.update(unknown=1),
        lambda file: file.pop("model"),
        lambda file: file["model"].update(sha256="short"),
        lambda file: file.update(operatingPoints=_points((0.4, 0.1), (0.3, 0.01))),
        lambda file: file.update(operatingPoints=_points((0.3, 0.01), (0.4, 0.1))),
        lambda file: file.update(operatingPoints=_points((0.3, 0.01), (0.4, 0.01))),
        lambda file: file.update(operatingPoints=_points((0.3, 1.1))),
        lambda file: file.update(operatingPoints=_points((2.0, 0.1))),
        lambda file: file.update(medianNorm=-1.0),
        lambda file: file.update(medianNorm=1e300),
        lambda file: file["profiles"][0].update(falseMatchRateBound=0.001),
        lambda file: file["profiles"][0].update(falseNonMatchRateBound=0.001),
        lambda file: file["profiles"][0].update(falseMatchRate=None),
        lambda file: file.update(templateSizes=[]),
    ],
)
def test_a_file_that_was_changed_is_refused(
    tmp_path: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    path = save_measurement(tmp_path, MEASURED)
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(CalibrationDamaged) as told:
        read_measurement(tmp_path, MODEL)
    assert told.value.values["path"] == path


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such files")
def test_a_pipe_is_refused(tmp_path: Path) -> None:
    path = calibration_file(tmp_path, MODEL)
    path.parent.mkdir()
    os.mkfifo(path)
    with pytest.raises(CalibrationDamaged):
        read_measurement(tmp_path, MODEL)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]", b" " * (MOST_BYTES + 1)])
def test_what_is_no_such_file_is_refused(tmp_path: Path, content: bytes) -> None:
    save_measurement(tmp_path, MEASURED).write_bytes(content)
    with pytest.raises(CalibrationDamaged):
        read_measurement(tmp_path, MODEL)
