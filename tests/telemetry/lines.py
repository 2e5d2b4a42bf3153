"""Loggers whose lines go through the service's formatter into a list."""

from __future__ import annotations

import json
import logging
from typing import Any

from service.telemetry.logs import formatter


class Lines(logging.Handler):
    """What was written, formatted."""

    def __init__(self, *, as_json: bool = True) -> None:
        super().__init__()
        self.setFormatter(formatter(as_json=as_json))
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(self.format(record))

    def logger(self, name: str) -> logging.Logger:
        """One that writes here alone."""
        logger = logging.Logger(name)
        logger.addHandler(self)
        return logger

    @property
    def text(self) -> str:
        return "\n".join(self.texts)

    @property
    def all(self) -> list[dict[str, Any]]:
        return [json.loads(text) for text in self.texts]

    @property
    def last(self) -> dict[str, Any]:
        return self.all[-1]
