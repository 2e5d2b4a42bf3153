"""Log lines: one JSON object each, or readable text for a terminal.

Everything passes through one formatter: the rooms' lines, uvicorn's and those of other libraries.
It fails closed. Of what a line carries beside its sentence only `FIELDS` are printed, and of an
exception its type and frames: messages of libraries quote what they failed on.
"""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TypeAlias

from service.domain.audit import REQUEST_ID

Event: TypeAlias = dict[str, Any]

FIELDS = (
    "code",
    "method",
    "route",
    "status",
    "outcome",
    "milliseconds",
    "caller",
    "expected_false_candidates",
    "exception",
    "frames",
)
"""What a line may carry beside time, level, logger, event and request_id: `extra` of a log call."""

_HEAD = frozenset({"time", "level", "logger", "event"})


def log_config(*, as_json: bool) -> dict[str, Any]:
    """For `logging.config.dictConfig`, and for uvicorn, which hands it to its workers."""
    line = {"()": "service.telemetry.logs.formatter", "as_json": as_json}
    stderr = {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": line},
        "handlers": {"stderr": stderr},
        "root": {"level": "WARNING", "handlers": ["stderr"]},
        "filters": {"offers": {"()": "service.telemetry.logs.without_offers"}},
        "loggers": {
            "service": {"level": "INFO"},
            "uvicorn": {"level": "INFO"},
            "uvicorn.error": {"filters": ["offers"]},
        },
    }


def without_offers() -> Callable[[logging.LogRecord], bool]:
    """Java's own client offers HTTP/2 with every call, and uvicorn warns twice of each offer."""
    offers = ("Unsupported upgrade request.", "No supported WebSocket library")
    return lambda record: not record.getMessage().startswith(offers)


class Lines(logging.Formatter):
    """The one formatter of all lines. `written`: an event as text."""

    def __init__(self, written: Callable[[Event], str]) -> None:
        super().__init__()
        self._written = written

    def format(self, record: logging.LogRecord) -> str:
        return self._written(_event(record))


def formatter(*, as_json: bool) -> Lines:
    _note_only_what_is_printed()
    if as_json:
        # Made once: `json.dumps` makes an encoder for every line that is not in ASCII.
        return Lines(json.JSONEncoder(ensure_ascii=False, default=repr).encode)
    return Lines(_readable)


def _note_only_what_is_printed() -> None:
    """Python's own advice on logging that costs less: no thread or process is looked up for each
    line (https://docs.python.org/3/howto/logging.html#optimization).
    """
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def frames_of(error_traceback: TracebackType | None) -> list[str]:
    """`file:line function` of each frame, the outermost first; without source or values."""
    frames = traceback.extract_tb(error_traceback)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def _event(record: logging.LogRecord) -> Event:
    event: Event = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "event": _sentence(record),
    }
    if (request_id := REQUEST_ID.get()) is not None:
        event["request_id"] = request_id
    given = record.__dict__
    event.update((name, given[name]) for name in FIELDS if name in given)
    if record.exc_info and record.exc_info[0] is not None:
        event["exception"] = record.exc_info[0].__name__
        event["frames"] = frames_of(record.exc_info[2])
    return event


def _readable(event: Event) -> str:
    """One line for a terminal: the head in columns, then `field=value`."""
    head = "{time} [{level:<8}] {event:<30} [{logger}]".format_map(event)
    fields = [f"{name}={value}" for name, value in event.items() if name not in _HEAD]
    return " ".join([head, *fields])


def _sentence(record: logging.LogRecord) -> str:
    """Of other libraries the first line: what follows is a statement, a future or a source line."""
    sentence = record.getMessage()
    return sentence if record.name.startswith("service") else sentence.partition("\n")[0]
