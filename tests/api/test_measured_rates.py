"""A collection shows what was measured of the model, with where it comes from in the caller's language."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from service.domain.collection import Collection, CollectionSettings
from service.domain.measurement import MeasuredProfile, Measurement, with_measurement
from service.domain.ports import ModelIdentity
from service.domain.thresholds import ARCFACE, BUFFALO_L, Calibration, OperatingPoint
from service.usecases.collections import CollectionDetails
from tests.api.in_process import calling

MEASURED = Measurement(
    ModelIdentity("mobile_s", "3" * 64),
    datetime(2026, 11, 27, tzinfo=UTC),
    40,
    400,
    (1, 3, 5),
    (MeasuredProfile("balanced", 0.4, 0.0096, 0.0106, 0.0055, 0.0094),),
    (OperatingPoint(0.3, 0.055), OperatingPoint(0.4, 0.0106), OperatingPoint(0.45, 0.0053)),
    5.6,
)


class _Collections:
    def __init__(self, calibration: Calibration) -> None:
        self._calibration = calibration

    def show(self, name: str) -> CollectionDetails:
        keys: Any = None
        now = datetime(2026, 1, 1, tzinfo=UTC)
        collection = Collection(uuid4(), name, None, CollectionSettings(), keys, now)
        return CollectionDetails(collection, self._calibration, 10)


def _profiles(calibration: Calibration, language: str = "en") -> Any:
    http = calling(collections=_Collections(calibration))
    answer = http.request(
        "GET", "/admin/collections/default", headers={"Accept-Language": language}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["thresholdProfiles"]


def test_measured_rates_stand_with_their_bounds() -> None:
    balanced = _profiles(with_measurement(ARCFACE, MEASURED))["balanced"]
    assert balanced.pop("source").startswith("measured here on 2026-11-27: 40 people, 400")
    assert balanced == {
        "threshold": 0.4,
        "falseMatchRate": 0.0096,
        "falseMatchRateBound": 0.0106,
        "falseNonMatchRate": 0.0055,
        "falseNonMatchRateBound": 0.0094,
    }


def test_where_they_come_from_is_told_in_korean() -> None:
    balanced = _profiles(with_measurement(ARCFACE, MEASURED), "ko")["balanced"]
    assert balanced["source"].startswith("이곳에서 2026-11-27에 측정: 40명, 사진 400장")


def test_published_rates_say_that_they_were_published_together() -> None:
    balanced = _profiles(BUFFALO_L)["balanced"]
    assert (balanced["falseMatchRate"], balanced["falseNonMatchRate"]) == (1e-6, 0.0875)
    assert balanced["falseMatchRateBound"] is None
    assert "FNMR 8.75 % in the same line" in balanced["source"]


@pytest.mark.parametrize(("language", "words"), [("en", "nobody has measured"), ("ko", "측정되지")])
def test_what_nobody_measured_has_no_rate(language: str, words: str) -> None:
    balanced = _profiles(ARCFACE, language)["balanced"]
    assert balanced["falseMatchRate"] is None
    assert words in balanced["source"]
