"""`face bulk-enroll` as an operator runs it: on real photographs, killed, and again."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from service.domain.errors import BulkFileUnusable, ExtraMissing, FaceError, InvalidRequest
from tests.bulk.bulk_files import write_json_lines
from tests.cli.face import MASTER_KEY, SECONDS, Face, call
from tests.domain.vectors import face_of
from tests.usecases.service_process import Tables

People = dict[str, list[Path]]


def report_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture
def here(
    tmp_path: Path, model_root: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """An empty folder, and a database of this test's own for commands in this process."""
    settings = {
        "MODEL_NAME": "mobile_s",
        "MODEL_ROOT": str(model_root),
        "USE_GPU": "false",
        "DATABASE_URL": database_url,
        "MASTER_KEY": MASTER_KEY,
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"FACE_{name}", value)
    return tmp_path


@pytest.fixture
def album(tmp_path: Path, people: People) -> Path:
    """amy, howard and raj; amy once more as eve; and folders that are of no use."""
    folder = tmp_path / "album"
    for name in ("amy", "howard", "raj"):
        (folder / name).mkdir(parents=True)
        for photo in people[name][:2]:
            (folder / name / photo.name).symlink_to(photo)
    for name in ("eve", "blank", "no name"):
        (folder / name).mkdir()
    (folder / "eve" / "1.png").symlink_to(people["amy"][3])
    (folder / "blank" / "1.png").write_text("no photograph")
    return folder


def test_folders_are_enrolled_and_each_refusal_is_reported(
    here: Path, album: Path, people: People
) -> None:
    outcome = call("bulk-enroll", album, "--lang", "en")
    assert outcome.status == 1
    report = here / "album.report.jsonl"
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    told = {line["folder"]: line for line in report_of(report)}
    assert {name: line["code"] for name, line in told.items()} == {
        "blank": "no_usable_face",
        "eve": "duplicate_subject",
        "no name": "invalid_request",
    }
    assert told["eve"]["duplicates"][0]["subjectId"] == "amy"
    assert told["blank"]["errors"][0].startswith("1: unreadable")
    assert told["no name"]["errors"][0].startswith("subjectId: This name cannot be used.")
    assert str(report) in outcome.out
    assert call("verify", "raj", people["raj"][3]).status == 0

    again = call("bulk-enroll", album, "--json")
    told = json.loads(again.out)
    assert [one["code"] for one in told.pop("warnings")] == ["uncalibrated_model"]
    assert told == {
        "rows": 6,
        "enrolled": 0,
        "flagged": 0,
        "already": 3,
        "refused": {"duplicate_subject": 1, "invalid_request": 1, "no_usable_face": 1},
        "report": str(here / "album.report-2.jsonl"),
    }


def test_sound_file_leaves_no_report_and_is_status_0(here: Path, people: People) -> None:
    rows = [
        {"subjectId": "amy", "images": [str(photo) for photo in people["amy"][:2]]},
        {"subjectId": "kim", "embedding": face_of("kim").tolist(), "metadata": {"door": 3}},
    ]
    assert call("bulk-enroll", write_json_lines(here, rows)).status == 0
    assert list(here.glob("*.report*")) == []
    shown = json.loads(call("subjects", "show", "kim", "--json").out)
    assert shown["metadata"] == {"door": 3}


def test_a_spreadsheets_file_is_enrolled_and_what_is_missing_is_told_by_its_path(
    here: Path, people: People
) -> None:
    (here / "ph").mkdir()
    for name in ("amy", "raj"):
        (here / "ph" / f"{name}.png").symlink_to(people[name][0])
    text = "sep=;\r\nSubject ID;Images;;\r\namy;ph/amy.png;;\r\nkim;ph/kim.png;;\r\nraj;ph/raj.png\r\n;;;\r\n"
    (here / "people.csv").write_text(text + "lee;ph/amy.png;;", "cp949", newline="")
    outcome = call("bulk-enroll", here / "people.csv", "--json")
    told = json.loads(outcome.out)
    assert (outcome.status, told["rows"], told["enrolled"]) == (1, 4, 1)
    report = {line["line"]: line for line in report_of(here / "people.csv.report.jsonl")}
    assert report[4]["errors"] == [f"images: 파일이 없습니다. 경로: {here / 'ph' / 'kim.png'}"]
    assert report[5]["errors"][0].startswith("line: 항목의 수가")
    assert report[7]["code"] == "duplicate_subject"


def test_report_is_a_new_file_and_names_flagged_people(here: Path) -> None:
    numbers = face_of("kim").tolist()
    rows = [{"subjectId": name, "embedding": numbers} for name in ("kim", "eve")]
    path = write_json_lines(here, rows)
    report = here / "report"
    report.write_text("mine")
    refused = call("bulk-enroll", path, "--report", report, "--lang", "en")
    assert (refused.status, report.read_text()) == (2, "mine")
    assert "exists already" in refused.err
    report.unlink()
    assert call("bulk-enroll", path, "--report", report, "--on-duplicate", "flag").status == 0
    (line,) = report_of(report)
    similarity = pytest.approx(1.0)
    assert line == {
        "line": 2,
        "subjectId": "eve",
        "result": "flagged",
        "duplicates": [{"subjectId": "kim", "similarity": similarity}],
    }


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("people.csv", InvalidRequest),
        ("people.parquet", BulkFileUnusable),
        ("people.xls", BulkFileUnusable),
    ],
)
def test_file_of_no_use_is_an_error_and_leaves_no_report(
    here: Path, name: str, error: type[FaceError]
) -> None:
    (here / name).write_text("name\n")
    with pytest.raises(error):
        call("bulk-enroll", here / name)
    assert list(here.glob("*.report*")) == []


PEOPLE, TWINS = 520, 20
"""More than are read at a time; one in every twenty-six is the twin of somebody before."""

EVERY = PEOPLE // TWINS

LOOK_AGAIN = 0.1
"""Seconds."""


def _crowd() -> list[bytes]:
    """Lines."""
    lines = []
    for number in range(PEOPLE):
        face = number - 7 if _is_twin(number) else number
        row = {"subjectId": f"p{number}", "embedding": face_of(f"p{face}").tolist()}
        lines.append(json.dumps(row).encode() + b"\n")
    return lines


def _is_twin(number: int) -> bool:
    return number % EVERY == EVERY - 1


def test_run_that_is_killed_leaves_whole_people_and_the_next_one_goes_on(
    gallery_face: Face, here: Path, database_url: str
) -> None:
    """The last rows do not come before it is killed, so that it cannot be done by then."""
    lines, path = _crowd(), here / "people.jsonl"
    os.mkfifo(path)
    killed = Event()
    Thread(target=_feed, args=(path, lines[:-10], killed), daemon=True).start()
    with gallery_face.start("bulk-enroll", path, "--report", here / "first") as process:
        _kill_midway(process, database_url)
    killed.set()
    assert process.returncode == -signal.SIGKILL
    before = _storage(database_url)
    assert 0 < len(before) < PEOPLE - TWINS
    assert set(before.values()) == {1}

    path.unlink()
    path.write_bytes(b"".join(lines))
    told = json.loads(call("bulk-enroll", path, "--json").out)
    assert told["refused"] == {"duplicate_subject": TWINS}
    assert (told["already"], told["already"] + told["enrolled"]) == (len(before), PEOPLE - TWINS)
    assert _storage(database_url) == {f"p{n}": 1 for n in range(PEOPLE) if not _is_twin(n)}
    assert call("audit", "verify").status == 0


def _feed(path: Path, lines: list[bytes], until: Event) -> None:
    with path.open("wb") as pipe:
        pipe.write(b"".join(lines))
        pipe.flush()
        until.wait(SECONDS)


def _kill_midway(process: subprocess.Popen[bytes], url: str) -> None:
    """As soon as somebody is enrolled."""
    while process.poll() is None:
        with suppress(subprocess.TimeoutExpired):
            process.wait(LOOK_AGAIN)
        if _storage(url):
            process.kill()


def _storage(url: str) -> dict[str, int]:
    """Who is enrolled, with how many templates."""
    count = (
        "SELECT s.subject_id AS name, count(t.template_id) AS templates"
        " FROM subjects s LEFT JOIN templates t USING (collection_id, subject_id) GROUP BY 1"
    )
    return {row["name"]: row["templates"] for row in Tables(url).rows(count)}


@pytest.mark.slow
def test_ray_embeds_what_this_process_would(
    gallery_face: Face, here: Path, album: Path, database_url: str
) -> None:
    outcome = gallery_face("bulk-enroll", album, "--ray", "--json")
    assert outcome.status == 1, outcome.err
    told = json.loads(outcome.out)
    assert (told["enrolled"], told["rows"]) == (3, 6)
    assert "Starting execution" not in outcome.err
    assert told["refused"] == {"duplicate_subject": 1, "invalid_request": 1, "no_usable_face": 1}
    assert set(_storage(database_url)) == {"amy", "howard", "raj"}
    assert json.loads(call("bulk-enroll", album, "--json").out)["already"] == 3


def test_ray_without_its_packages_names_the_extra(
    here: Path, album: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "service.bulk.ray_cluster", None)
    with pytest.raises(ExtraMissing) as missing:
        call("bulk-enroll", album, "--ray")
    assert missing.value.values == {"extra": "ray"}
