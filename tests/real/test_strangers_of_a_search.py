"""A search names no more strangers than its collection allows, on people whom the calibration never saw.

Forty people in two halves: the model is calibrated on one, the other is enrolled and searched over HTTP.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from service.domain.bulk import KnownPerson
from service.domain.face import Embedding, ImageFiles
from service.domain.measurement import with_measurement
from service.domain.template import average
from service.telemetry.logs import formatter
from service.wiring import Wiring
from tests.api.in_process import InProcess, calling

PER_TEMPLATE = 3
"""Photographs of each person that are enrolled; the other seven search."""

MOST = 0.1
"""`maxFalseCandidates`, unless it is set."""

Faces = dict[str, list[Embedding]]


def _half(orl: dict[str, list[Path]], *, second: bool) -> dict[str, list[Path]]:
    numbers = range(21, 41) if second else range(1, 21)
    return {f"s{number}": orl[f"s{number}"] for number in numbers}


@pytest.fixture(scope="module")
def faces(service: Wiring, orl: dict[str, list[Path]]) -> Faces:
    """Of the second half, by person."""
    found: Faces = {}
    for name, files in _half(orl, second=True).items():
        samples = service.sampler.samples(ImageFiles([str(file) for file in files]))
        found[name] = [one.embedding for one in samples if one.embedding is not None]
    return found


def _over_http(wiring: Wiring) -> InProcess:
    return calling(
        enroll=wiring.enroll,
        verify=wiring.verify,
        identify=wiring.identify,
        collections=wiring.collections,
    )


@pytest.fixture(scope="module")
def uncalibrated(service: Wiring, faces: Faces) -> InProcess:
    """With the second half enrolled."""
    http = _over_http(service)
    for name, embeddings in faces.items():
        template = average(embeddings[:PER_TEMPLATE]).tolist()
        fields = {"subjectId": name, "embedding": template, "onDuplicate": "allow"}
        answer = http.request("POST", "/enroll", json=fields)
        assert answer.status_code == 201, answer.text
    return http


@pytest.fixture(scope="module")
def calibrated(
    service: Wiring, uncalibrated: InProcess, orl: dict[str, list[Path]]
) -> Iterator[InProcess]:
    """The same people, served with what the first half told."""
    people = [
        KnownPerson(name, [str(file) for file in files])
        for name, files in _half(orl, second=False).items()
    ]
    measurement = service.calibrate(people).measurement
    wiring = Wiring(service.config)
    wiring.engine = service.engine
    wiring.calibration = with_measurement(service.calibration, measurement)
    yield _over_http(wiring)
    wiring.storage.close()


def _ask(http: InProcess, path: str, embedding: Embedding, **fields: Any) -> dict[str, Any]:
    answer = http.request("POST", path, json={"embedding": embedding.tolist(), **fields})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def _allow(http: InProcess, strangers: float) -> dict[str, Any]:
    settings = {"maxFalseCandidates": strangers}
    answer = http.request("PUT", "/admin/collections/default", json=settings)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


@dataclass(frozen=True)
class Searched:
    """What all searches of one kind came to. `strangers`, `found`: others and the same, per search."""

    answers: Sequence[dict[str, Any]]
    strangers: float
    found: float


def _search_all(http: InProcess, faces: Faces) -> Searched:
    answers, others, same = [], 0, 0
    for name, embeddings in faces.items():
        for probe in embeddings[PER_TEMPLATE:]:
            answers.append(_ask(http, "/identify", probe, limit=100))
            named = [one["subjectId"] for one in answers[-1]["candidates"]]
            same += name in named
            others += len(named) - (name in named)
    return Searched(answers, others / len(answers), same / len(answers))


def _codes(answer: dict[str, Any]) -> list[str]:
    return [one["code"] for one in answer["warnings"]]


def test_fixed_threshold_names_more_strangers_than_allowed_and_nobody_knows(
    uncalibrated: InProcess, faces: Faces
) -> None:
    searched = _search_all(uncalibrated, faces)
    assert searched.strangers > MOST
    for answer in searched.answers:
        assert (answer["threshold"], answer["expectedFalseCandidates"]) == (0.40, None)
        assert _codes(answer) == ["uncalibrated_model"]


@pytest.mark.parametrize("allowed", [MOST, 0.05])
def test_threshold_rises_until_the_promise_holds(
    calibrated: InProcess, faces: Faces, allowed: float
) -> None:
    shown = _allow(calibrated, allowed)
    searched = _search_all(calibrated, faces)
    for answer in searched.answers:
        assert answer["threshold"] == shown["searchThreshold"] > 0.40
        assert answer["expectedFalseCandidates"] == shown["expectedFalseCandidates"] <= allowed
        assert (answer["profile"], answer["searched"], answer["warnings"]) == ("balanced", 20, [])
    assert searched.strangers <= allowed
    assert searched.found > 0.97


def test_promise_that_nothing_measured_can_keep_is_warned_of(
    calibrated: InProcess, faces: Faces
) -> None:
    probe = next(iter(faces.values()))[-1]
    _allow(calibrated, MOST)
    before = _ask(calibrated, "/dedupe", probe)
    _allow(calibrated, 0.001)
    answer = _ask(calibrated, "/dedupe", probe)
    assert answer["threshold"] > before["threshold"]
    (warning,) = answer["warnings"]
    assert warning.pop("message")
    assert warning == {
        "code": "search_names_strangers",
        "expectedFalseCandidates": answer["expectedFalseCandidates"],
        "maxFalseCandidates": 0.001,
    }
    assert warning["expectedFalseCandidates"] > 0.001


def test_comparison_with_one_person_stays_at_its_profile(
    calibrated: InProcess, uncalibrated: InProcess, faces: Faces
) -> None:
    name, embeddings = next(iter(faces.items()))
    answer = _ask(calibrated, "/verify", embeddings[-1], subjectId=name)
    assert (answer["threshold"], answer["warnings"]) == (0.40, [])
    unknown = _ask(uncalibrated, "/verify", embeddings[-1], subjectId=name)
    assert _codes(unknown) == ["uncalibrated_model"]


def test_search_is_counted_with_the_strangers_that_it_names(
    calibrated: InProcess, uncalibrated: InProcess, faces: Faces
) -> None:
    probe = next(iter(faces.values()))[-1]
    counted = [_counted(http) for http in (calibrated, uncalibrated)]
    for http in (calibrated, uncalibrated):
        _ask(http, "/dedupe", probe)
    assert _counted(calibrated) == counted[0] + 1
    assert _counted(uncalibrated) == counted[1]  # nobody knows how many


def test_refused_duplicate_is_counted_and_logged_as_a_search(
    calibrated: InProcess, faces: Faces, caplog: pytest.LogCaptureFixture
) -> None:
    counted, shown = _counted(calibrated), _allow(calibrated, MOST)
    fields = {"subjectId": "again", "embedding": next(iter(faces.values()))[-1].tolist()}
    with caplog.at_level("INFO", "service.access"):
        refusal = calibrated.request("POST", "/enroll", json=fields)
    assert refusal.json()["code"] == "duplicate_subject"
    assert _counted(calibrated) == counted + 1
    line = json.loads(formatter(as_json=True).format(caplog.records[-1]))
    assert line["expected_false_candidates"] == shown["expectedFalseCandidates"] > 0


def _counted(http: InProcess) -> float:
    registry = http.app.state.metrics.registry
    number = registry.get_sample_value("face_expected_false_candidates_count")
    assert isinstance(number, float)
    return number
