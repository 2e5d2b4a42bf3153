"""What was measured of a model is kept in a file named by its SHA-256, beside the database's folder.

A server, a command and the library read it at the start. Whoever serves on several machines copies it.
A file that is not as it was written stops the start: thresholds are not chosen by guesses.
"""

from __future__ import annotations

import os
import tempfile
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from service.domain.errors import CalibrationDamaged
from service.domain.measurement import MeasuredProfile, Measurement
from service.domain.ports import ModelIdentity
from service.domain.thresholds import OperatingPoint

FOLDER = "calibrations"

MOST_BYTES = 1024 * 1024
"""A file has some 40 kB: 600 operating points."""

MOST_NORM = 10_000.0
"""Far above any recognizer's median norm: with a limit by it, every face would be told to be covered."""

Share = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
Cosine = Annotated[float, Field(ge=-1.0, le=1.0, allow_inf_nan=False)]
Number = Annotated[int, Field(ge=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(
        defer_build=True,
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
    )


class _Model(_Strict):
    name: Annotated[str, Field(min_length=1, max_length=64)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Profile(_Strict):
    name: str
    threshold: Cosine
    false_match_rate: Share
    false_match_rate_bound: Share
    false_non_match_rate: Share
    false_non_match_rate_bound: Share

    @model_validator(mode="after")
    def _bounds_bound(self) -> Self:
        if (
            self.false_match_rate_bound < self.false_match_rate
            or self.false_non_match_rate_bound < self.false_non_match_rate
        ):
            raise ValueError("a rate must not be above its bound")
        return self


class _Point(_Strict):
    """`falseMatchRate`: the upper bound at 95 %."""

    threshold: Cosine
    false_match_rate: Share


class _File(_Strict):
    version: Literal[1] = 1
    model: _Model
    measured_at: datetime
    people: Number
    photographs: Number
    template_sizes: Annotated[tuple[Number, ...], Field(min_length=1, max_length=8)]
    profiles: tuple[_Profile, ...]
    operating_points: Annotated[tuple[_Point, ...], Field(max_length=4096)]
    median_norm: Annotated[float, Field(gt=0.0, le=MOST_NORM, allow_inf_nan=False)] | None

    @model_validator(mode="after")
    def _falls(self) -> Self:
        """A search takes the first point that is strict enough, so they must stand in order."""
        points = self.operating_points
        for one, other in pairwise(points):
            if other.threshold <= one.threshold or other.false_match_rate >= one.false_match_rate:
                raise ValueError("thresholds must rise and rates fall from point to point")
        return self


def calibration_file(data_dir: Path, model: ModelIdentity) -> Path:
    return data_dir / FOLDER / f"{model.sha256}.json"


def read_measurement(data_dir: Path, model: ModelIdentity) -> Measurement | None:
    """What was saved of exactly this model; None for nothing. Raises `CalibrationDamaged`."""
    path = calibration_file(data_dir, model)
    try:
        if path.exists() and not path.is_file():  # a pipe would never end
            raise CalibrationDamaged(path=path, cause="not a regular file")
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise CalibrationDamaged(path=path, cause=error.strerror or "unreadable") from None
    if len(content) > MOST_BYTES:
        raise CalibrationDamaged(path=path, cause="too large")
    return _measurement(_checked(path, content), path, model)


def _checked(path: Path, content: bytes) -> _File:
    try:
        return _File.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise CalibrationDamaged(path=path, cause=f"{place}: {first['msg']}") from None


def _measurement(file: _File, path: Path, model: ModelIdentity) -> Measurement:
    if file.model.sha256 != model.sha256:
        raise CalibrationDamaged(path=path, cause="it is another model's")
    return Measurement(
        model,
        file.measured_at,
        file.people,
        file.photographs,
        file.template_sizes,
        tuple(MeasuredProfile(**one.model_dump()) for one in file.profiles),
        tuple(OperatingPoint(**one.model_dump()) for one in file.operating_points),
        file.median_norm,
    )


def save_measurement(data_dir: Path, measurement: Measurement) -> Path:
    """Whole or not at all; only its owner may read it. Returns where. Raises `OSError`."""
    path = calibration_file(data_dir, measurement.model)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.stem[:8]}-", dir=path.parent)
    unfinished = Path(name)  # of mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(_written(measurement) + "\n")
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def _written(measurement: Measurement) -> str:
    model = measurement.model
    file = _File(
        model=_Model(name=model.name, sha256=model.sha256),
        measured_at=measurement.measured_at,
        people=measurement.people,
        photographs=measurement.photographs,
        template_sizes=measurement.sizes,
        profiles=tuple(
            _Profile.model_validate(one, from_attributes=True) for one in measurement.profiles
        ),
        operating_points=tuple(
            _Point.model_validate(one, from_attributes=True) for one in measurement.operating_points
        ),
        median_norm=measurement.norm,
    )
    return file.model_dump_json(by_alias=True, indent=1)
