"""`face calibrate`: its numbers, its report, what it keeps, and what it refuses."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binomtest

from service import AppConfig, FaceEncoder
from service.cli.calibration_report import COLORS
from tests import browser
from tests.cli.face import Face, Outcome

PROFILES = {"conservative": 0.45, "balanced": 0.40, "aggressive": 0.30}
Vectors = Mapping[str, NDArray[np.float64]]


@pytest.fixture(scope="module")
def orl(people: dict[str, list[Path]]) -> Path:
    """Forty people, ten photographs each."""
    return next(iter(people.values()))[0].parents[2] / "orl"


@pytest.fixture(scope="module")
def photos(people: dict[str, list[Path]]) -> Path:
    return next(iter(people.values()))[0].parents[1]


@pytest.fixture(scope="module")
def vectors(orl: Path, model_root: Path) -> Vectors:
    """By the library, file by file, in the order of their numbers."""
    encoder = FaceEncoder(AppConfig(model_name="mobile_s", model_root=model_root, use_gpu=False))
    found = {}
    for folder in sorted(orl.iterdir()):
        files = sorted(folder.iterdir(), key=lambda file: int(file.stem))
        images = [np.asarray(cv2.imread(str(file)), np.uint8) for file in files]
        found[folder.name] = np.stack(encoder.encode(images)).astype(np.float64)
    return found


def _photographs(vectors: Vectors) -> tuple[list[float], list[float]]:
    mated = [float(a @ b) for each in vectors.values() for a, b in combinations(each, 2)]
    others = [
        float(a @ b)
        for mine, theirs in combinations(vectors.values(), 2)
        for a in mine
        for b in theirs
    ]
    return mated, others


def _templates(vectors: Vectors, size: int) -> tuple[list[float], list[float]]:
    mated: list[float] = []
    others: list[float] = []
    for name, own in vectors.items():
        for start in range(0, len(own) - size + 1, size):
            template = own[start : start + size].mean(axis=0)
            template /= np.linalg.norm(template)
            rest = np.delete(own, range(start, start + size), axis=0)
            mated += [float(template @ probe) for probe in rest]
            strangers = [each for other, each in vectors.items() if other != name]
            others += [float(template @ probe) for each in strangers for probe in each]
    return mated, others


def _bounds(errors: int, trials: int) -> tuple[float, float]:
    """One-sided at 95 %, which is two-sided at 90 %."""
    found = binomtest(errors, trials).proportion_ci(confidence_level=0.90, method="exact")
    return float(found.low), float(found.high)


def _json(outcome: Outcome) -> Any:
    assert outcome.status == 0, outcome.err
    return json.loads(outcome.out)


@pytest.fixture(scope="module")
def told(orl: Path, model_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("calibrate")
    face = Face(
        folder, model_root=model_root, model_name="mobile_s", use_gpu=False, data_dir=folder
    )
    return _json(face("calibrate", orl, "--json"))


@pytest.mark.parametrize("size", [1, 3, 5])
def test_rates_are_those_of_an_independent_computation(
    told: Any, vectors: Vectors, size: int
) -> None:
    mated, others = _photographs(vectors) if size == 1 else _templates(vectors, size)
    (here,) = (each for each in told["templates"] if each["size"] == size)
    for name, threshold in PROFILES.items():
        rates = here["profiles"][name]
        for kind, errors, trials in (
            ("falseMatch", sum(score >= threshold for score in others), len(others)),
            ("falseNonMatch", sum(score < threshold for score in mated), len(mated)),
        ):
            assert (rates[kind]["errors"], rates[kind]["trials"]) == (errors, trials)
            found = (rates[kind]["lower"], rates[kind]["upper"])
            assert found == pytest.approx(_bounds(errors, trials), rel=1e-6, abs=1e-12)


def test_thresholds_for_wanted_rates_are_those_of_an_independent_computation(
    told: Any, vectors: Vectors
) -> None:
    mated, others = _photographs(vectors)
    highest = sorted(others, reverse=True)
    single = told["templates"][0]
    assert [each["falseMatchRate"] for each in single["wanted"] if each["at"]] == [1e-2, 1e-3, 1e-4]
    for each in single["wanted"][:3]:
        allowed = int(each["falseMatchRate"] * len(others))
        threshold = each["at"]["threshold"]
        # One more would be too many; the threshold is its score, rounded up to four decimals.
        assert 0 < threshold - highest[allowed] <= 1e-4
        missed = sum(score < threshold for score in mated)
        assert each["at"]["falseNonMatch"]["errors"] == missed


def test_operating_points_hold_for_all_templates(told: Any, vectors: Vectors) -> None:
    scores = [_photographs(vectors)[1], *(_templates(vectors, size)[1] for size in (3, 5))]
    for point in told["operatingPoints"][::40]:
        bounds = [
            _bounds(sum(score >= point["threshold"] for score in each), len(each))[1]
            for each in scores
        ]
        assert point["falseMatchRateBound"] == pytest.approx(max(bounds), rel=1e-6)


def test_worst_pairs_are_named_by_file(told: Any, vectors: Vectors, orl: Path) -> None:
    _, others = _photographs(vectors)
    worst = told["worstNonMated"][0]
    assert worst["similarity"] == pytest.approx(max(others), abs=1e-6)
    assert all(Path(file).is_file() and file.startswith(str(orl)) for file in worst["photographs"])


def test_nobodys_photograph_is_refused_there(told: Any) -> None:
    assert (told["people"], told["photographs"]) == (40, 400)
    assert told["failureToAcquire"]["errors"] == 0


def _csv(folder: Path, people: Sequence[Path], groups: Sequence[str]) -> Path:
    file = folder / "people.csv"
    rows = [
        f"{person.name},{photo},{group}"
        for person, group in zip(people, groups, strict=True)
        for photo in sorted(person.iterdir())
    ]
    file.write_text("\n".join(["subjectId,images,group", *rows]))
    return file


def test_groups_of_a_csv_are_told_apart(
    face: Face, tmp_path: Path, orl: Path, vectors: Vectors
) -> None:
    people = sorted(orl.iterdir())[:6]
    file = _csv(tmp_path, people, ["women", "men"] * 3)
    groups = {
        each["group"]: each
        for each in _json(face("calibrate", file, "--json"))["templates"][0]["groups"]
    }
    assert list(groups) == ["men", "women", None]
    for group, members in (("women", people[::2]), ("men", people[1::2])):
        mated, others = _photographs({person.name: vectors[person.name] for person in members})
        rates = groups[group]["profiles"]["aggressive"]
        assert groups[group]["people"] == 3
        assert rates["falseMatch"]["trials"] == len(others)
        assert rates["falseMatch"]["errors"] == sum(score >= 0.30 for score in others)
        assert rates["falseNonMatch"]["trials"] == len(mated)
    assert groups[None]["profiles"]["aggressive"]["falseMatch"]["trials"] == 900


def test_refused_photographs_are_a_rate_of_their_own(
    face: Face, tmp_path: Path, photos: Path
) -> None:
    shutil.copytree(photos, tmp_path / "people")
    image = np.asarray(cv2.imread(str(photos / "amy" / "1.png")), np.uint8)
    cv2.imwrite(str(tmp_path / "people" / "amy" / "6.png"), image // 20)
    (tmp_path / "people" / "amy" / "7.png").write_bytes(b"no photograph")
    told = _json(face("calibrate", tmp_path / "people", "--json"))
    assert told["failureToAcquire"]["errors"] == 2
    assert told["failureToAcquire"]["trials"] == 42
    assert {Path(each["photograph"]).name: each["reason"] for each in told["refused"]} == {
        "6.png": "too_dark",
        "7.png": "unreadable",
    }


def test_which_face_counts_is_as_it_is_served(face: Face, tmp_path: Path, photos: Path) -> None:
    """Somebody small stands in the corner of one photograph."""
    shutil.copytree(photos, tmp_path / "people")
    front, behind = (
        np.asarray(cv2.imread(str(photos / name / "1.png")), np.uint8) for name in ("amy", "raj")
    )
    small = np.asarray(cv2.resize(behind, None, fx=0.4, fy=0.4), np.uint8)
    both = np.zeros((front.shape[0], front.shape[1] + small.shape[1], 3), np.uint8)
    both[:, : front.shape[1]] = front
    both[: small.shape[0], front.shape[1] :] = small
    cv2.imwrite(str(tmp_path / "people" / "amy" / "6.png"), both)
    one = _json(face("calibrate", tmp_path / "people", "--json"))
    dominant = _json(face.but(faces="dominant")("calibrate", tmp_path / "people", "--json"))
    assert [each["reason"] for each in one["refused"]] == ["multiple_faces"]
    assert (dominant["refused"], dominant["photographs"]) == ([], 41)


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("en", ("Error rates at the profiles", "not enough comparisons: 3,000 are needed")),
        ("ko", ("프로필별 오류율", "비교 횟수 부족: 3,000회 필요")),
    ],
)
def test_it_is_told_in_the_readers_language(
    face: Face, photos: Path, lang: str, words: Sequence[str]
) -> None:
    outcome = face("calibrate", photos, "--lang", lang)
    assert outcome.status == 0, outcome.err
    assert all(each in outcome.out for each in words)
    assert "leonard/3.png" in outcome.out


def test_what_is_saved_is_stated_from_then_on(
    gallery_face: Face, photos: Path, tmp_path: Path
) -> None:
    before = gallery_face("doctor", "--lang", "en").out
    assert "nobody has measured this model's error rate" in before
    run = gallery_face("calibrate", photos, "--save", "--lang", "en")
    assert run.status == 0, run.err
    (saved,) = (tmp_path / "data" / "calibrations").iterdir()
    assert f"saved: {saved}" in run.err
    after = gallery_face("doctor", "--lang", "en").out
    assert re.search(r"calibration +ok +measured here on \S+: 8 people, 40 photographs", after)
    assert "balanced at 0.4: FMR 0 % (< 1.06 %), FNMR 1.25 % (< 17.1 %)" in after


def test_a_damaged_file_stops_the_start(gallery_face: Face, photos: Path, tmp_path: Path) -> None:
    gallery_face("calibrate", photos, "--save")
    (saved,) = (tmp_path / "data" / "calibrations").iterdir()
    saved.write_text(saved.read_text().replace('"version": 1', '"version": 9'))
    run = gallery_face("verify", "amy", photos / "amy" / "1.png", "--lang", "en")
    assert run.status == 3
    assert f"{saved}: version: " in run.err
    assert "[calibration_damaged]" in run.err
    assert re.search(r"calibration +!!", gallery_face("doctor").out)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere such names cannot be")
def test_file_names_that_are_no_text_are_told_by_escapes(
    face: Face, photos: Path, tmp_path: Path
) -> None:
    shutil.copytree(photos, tmp_path / "people")
    odd = os.fsencode(tmp_path / "people" / "leonard" / "5") + b"\xff\x1b[2J.png"
    (tmp_path / "people" / "leonard" / "5.png").rename(os.fsdecode(odd))
    page = tmp_path / "report.html"
    run = face("calibrate", tmp_path / "people", "--report", page)
    assert run.status == 0, run.err
    assert "leonard/5\\udcff\\x1b[2J.png" in run.out
    assert "\x1b" not in run.out
    assert "leonard/5\\udcff" in page.read_text("utf-8")


def test_nothing_is_saved_unasked(face: Face, photos: Path, tmp_path: Path) -> None:
    assert face("calibrate", photos).status == 0
    assert not (tmp_path / "data" / "calibrations").exists()


def test_report_is_seen_in_a_browser_that_has_no_network(
    face: Face, photos: Path, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    assert face("calibrate", photos, "--report", page, "--lang", "ko").status == 0
    profile = tmp_path / "browser"
    seen = browser.dom(page, profile)
    assert "검출 오류 트레이드오프(DET)" in seen
    assert 'id="det-1"' in seen
    pixels = browser.picture(page, profile)
    for size in (1, 3):
        color = [int(COLORS[size][place : place + 2], 16) for place in (5, 3, 1)]
        assert (pixels == color).all(axis=2).sum() > 100, f"the curve of {size} is not there"


def test_report_loads_nothing(face: Face, photos: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    face("calibrate", photos, "--report", page)
    text = page.read_text("utf-8")
    assert "default-src 'none'" in text
    assert not re.findall(r"(?:src|href)=\"(?!#)|@import|url\((?!#)|<script|<image|<img", text)


def test_report_needs_what_draws_it(
    face: Face, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    run = face("calibrate", photos, "--report", tmp_path / "report.html", "--lang", "en")
    assert run.status == 3
    assert "pip install '.[report]'" in run.err
    assert "[extra_missing]" in run.err


def test_report_that_exists_is_left_alone(face: Face, photos: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text("mine")
    assert face("calibrate", photos, "--report", page).status == 2
    assert page.read_text() == "mine"


def test_place_where_nothing_can_be_written_is_told_before_the_work(
    face: Face, photos: Path, tmp_path: Path
) -> None:
    run = face("calibrate", photos, "--report", tmp_path / "nowhere" / "report.html")
    assert (run.status, run.out) == (3, "")
    assert "nowhere" in run.err


def test_the_fewest_photographs_that_can_be_compared_make_a_report(
    face: Face, photos: Path, tmp_path: Path
) -> None:
    for name in ("amy", "raj"):
        (tmp_path / "few" / name).mkdir(parents=True)
        for photo in ("1.png", "2.png"):
            shutil.copyfile(photos / name / photo, tmp_path / "few" / name / photo)
    run = face("calibrate", tmp_path / "few", "--report", tmp_path / "report.html", "--json")
    assert run.status == 0, run.err
    (single,) = json.loads(run.out)["templates"]
    assert single["profiles"]["balanced"]["falseMatch"]["trials"] == 4
    assert {each["at"] for each in single["wanted"]} == {None}
    assert (tmp_path / "report.html").is_file()


def _one_person(photos: Path, folder: Path) -> None:
    shutil.copytree(photos / "amy", folder / "amy")


def _one_photograph_each(photos: Path, folder: Path) -> None:
    for person in photos.iterdir():
        (folder / person.name).mkdir()
        shutil.copyfile(person / "1.png", folder / person.name / "1.png")


@pytest.mark.parametrize(
    ("fill", "words"),
    [
        (_one_person, "5 of them, of 1 people, show a usable face"),
        (_one_photograph_each, "8 of them, of 8 people, show a usable face"),
        (lambda _photos, _folder: None, "0 of them, of 0 people, show a usable face"),
    ],
    ids=["one person", "one photograph each", "nothing"],
)
def test_too_few_photographs_are_explained(
    face: Face, photos: Path, tmp_path: Path, fill: Any, words: str
) -> None:
    folder = tmp_path / "few"
    folder.mkdir()
    fill(photos, folder)
    run = face("calibrate", folder, "--lang", "en")
    assert (run.status, run.out) == (3, "")
    assert "[too_few_photographs]" in run.err
    assert words in run.err
    assert "Give at least 4" in run.err


def test_photograph_of_a_csv_that_is_not_there_is_named(
    face: Face, tmp_path: Path, photos: Path
) -> None:
    file = tmp_path / "people.csv"
    file.write_text("subjectId,images\namy,gone.png\n")
    run = face("calibrate", file, "--lang", "en")
    assert run.status == 2
    assert "gone.png" in run.err
