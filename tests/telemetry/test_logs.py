"""One line, one JSON object; nothing in it that nobody named."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime, timedelta

import pytest

from service.domain.audit import REQUEST_ID
from service.engine.pool import WorkerPool
from service.telemetry.logs import without_offers
from tests.telemetry.lines import Lines


@pytest.fixture
def lines() -> Lines:
    return Lines()


def test_line_says_when_how_bad_who_and_what(lines: Lines) -> None:
    lines.logger("service.storage").warning("%d rows", 3)
    line = lines.last
    assert list(line) == ["time", "level", "logger", "event"]
    assert line["level"] == "warning"
    assert line["logger"] == "service.storage"
    assert line["event"] == "3 rows"


def test_time_is_utc(lines: Lines) -> None:
    lines.logger("service").info("now")
    assert lines.last["time"].endswith("Z")
    assert datetime.now(UTC) - datetime.fromisoformat(lines.last["time"]) < timedelta(minutes=1)


def test_line_stays_one_line_whatever_is_in_it(lines: Lines) -> None:
    lines.logger("service").info('two\nlines, "quoted"')
    assert "\n" not in lines.texts[-1]
    assert lines.last["event"] == 'two\nlines, "quoted"'


def test_korean_stays_readable(lines: Lines) -> None:
    lines.logger("service").info("등록")
    assert "등록" in lines.texts[-1]


def test_request_is_named_in_every_line_on_its_way(lines: Lines) -> None:
    before = REQUEST_ID.set("r-1")
    lines.logger("service").info("here")
    REQUEST_ID.reset(before)
    assert lines.last["request_id"] == "r-1"
    lines.logger("service").info("afterwards")
    assert "request_id" not in lines.last


def test_workers_know_the_request_that_they_work_for(lines: Lines) -> None:
    logger, pool = lines.logger("service.engine"), WorkerPool(workers=2)
    before = REQUEST_ID.set("r-1")
    pool.map(lambda item: logger.info("photograph %d", item), [1, 2, 3])
    REQUEST_ID.reset(before)
    assert [text.count('"request_id": "r-1"') for text in lines.texts] == [1, 1, 1]


def test_fields_that_nobody_named_are_left_out(lines: Lines) -> None:
    lines.logger("uvicorn").info("one", extra={"status": 200, "color_message": "x", "row": "kim"})
    assert lines.last["status"] == 200
    assert lines.last.keys().isdisjoint({"color_message", "row"})


@pytest.mark.parametrize("as_json", [True, False])
def test_exception_is_its_type_and_its_frames(as_json: bool) -> None:
    lines = Lines(as_json=as_json)
    try:
        raise ValueError("Key (subject_id)=(kim)")
    except ValueError:
        lines.logger("sqlalchemy").error("failed", exc_info=True)
    assert "ValueError" in lines.texts[-1]
    assert f"{__file__}:" in lines.texts[-1]
    assert "kim" not in lines.texts[-1]


def test_line_without_an_exception_under_way_names_none(lines: Lines) -> None:
    assert sys.exc_info() == (None, None, None)
    lines.logger("asyncio").error("failed", exc_info=True)
    assert "exception" not in lines.last


def test_other_libraries_have_one_line_to_say_it_in(lines: Lines) -> None:
    lines.logger("asyncio").error("Task exception was never retrieved\nfuture: <... kim ...>")
    assert lines.last["event"] == "Task exception was never retrieved"


def test_offers_of_another_protocol_are_passed_over() -> None:
    told = without_offers()
    for sentence, expected in {
        "Unsupported upgrade request.": False,
        "No supported WebSocket library detected. Please use": False,
        "Invalid HTTP request received.": True,
    }.items():
        assert told(logging.makeLogRecord({"msg": sentence})) is expected


def test_terminal_gets_text() -> None:
    lines = Lines(as_json=False)
    lines.logger("service.access").info("request", extra={"route": "/verify", "status": 200})
    assert "request" in lines.texts[-1]
    assert "route=/verify" in lines.texts[-1]
    assert not lines.texts[-1].startswith("{")
