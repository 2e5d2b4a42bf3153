"""Log lines: one JSON object each, or readable text for a terminal.

Everything passes through one formatter: the rooms' lines, uvicorn's and those of other libraries.
It fails closed. Of what a line carries beside its sentence only `FIELDS` are printed, and of an
exception its type and frames: messages of libraries quote what they failed on.
"""

from __future__ import annotations

import traceback
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any

from structlog.contextvars import merge_contextvars
from structlog.dev import ConsoleRenderer
from structlog.processors import EventRenamer, JSONRenderer, TimeStamper
from structlog.stdlib import ExtraAdder, ProcessorFormatter, add_log_level, add_logger_name
from structlog.typing import Processor

Event = MutableMapping[str, Any]

FIELDS = (
    "method",
    "route",
    "status",
    "outcome",
    "milliseconds",
    "caller",
    "exception",
    "frames",
)
"""What a line may carry beside time, level, logger, event and request_id: `extra` of a log call."""

FIRST = ("time", "level", "logger", "event", "request_id")


def log_config(*, as_json: bool, colours: bool = False) -> dict[str, Any]:
    """For `logging.config.dictConfig`, and for uvicorn, which hands it to its workers.

    `colours`: those of the readable text.
    """
    line = {"()": "service.observing.logs.formatter", "as_json": as_json, "colours": colours}
    stderr = {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": line},
        "handlers": {"stderr": stderr},
        "root": {"level": "WARNING", "handlers": ["stderr"]},
        "loggers": {"service": {"level": "INFO"}, "uvicorn": {"level": "INFO"}},
    }


def formatter(*, as_json: bool, colours: bool) -> ProcessorFormatter:
    """The one formatter of all lines."""
    return ProcessorFormatter(
        foreign_pre_chain=[
            merge_contextvars,
            add_log_level,
            add_logger_name,
            ExtraAdder(allow=FIELDS),
            TimeStamper(fmt="iso", utc=True, key="time"),
            _name_exception,
            _keep_first_line,
        ],
        processors=[
            ProcessorFormatter.remove_processors_meta,
            *(_json() if as_json else _text(colours)),
        ],
    )


def frames_of(error_traceback: TracebackType | None) -> list[str]:
    """`file:line function` of each frame, the outermost first; without source or values."""
    frames = traceback.extract_tb(error_traceback)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def _json() -> list[Processor]:
    return [_in_order, JSONRenderer(ensure_ascii=False)]


def _text(colours: bool) -> list[Processor]:
    return [EventRenamer("event"), ConsoleRenderer(colors=colours, timestamp_key="time")]


def _in_order(_: object, __: str, event: Event) -> Event:
    leading = {name: event[name] for name in FIRST if name in event}
    return {**leading, **event}


def _name_exception(_: object, __: str, event: Event) -> Event:
    """Type and frames instead of the exception, whose message is not ours."""
    given = event.pop("exc_info", None)
    event.pop("stack_info", None)
    if isinstance(given, tuple) and given[0] is not None:
        event["exception"] = given[0].__name__
        event["frames"] = frames_of(given[2])
    return event


def _keep_first_line(_: object, __: str, event: Event) -> Event:
    """Of other libraries: what follows is a statement, a future's repr or a source line."""
    if not event["logger"].startswith("service"):
        event["event"] = event["event"].partition("\n")[0]
    return event
