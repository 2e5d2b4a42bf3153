"""The OpenAPI document of a service with default settings, without a server, a database or a model."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from limits.storage import MemoryStorage

from service.api.app import create_app
from service.api.document import Operation
from service.api.openapi import SCHEMAS
from service.api.rate_limits import RateLimits
from service.api.settings import ApiSettings
from service.config import AppConfig
from service.telemetry.metrics import Metrics
from service.usecases.use_cases import UseCases

Document = dict[str, Any]


def default_document() -> Document:
    default = {name: field.default for name, field in AppConfig.model_fields.items()}
    settings = ApiSettings(
        language=default["language"],
        open_tokens=default["open_tokens"],
        max_frames=default["max_frames"],
        max_images=default["max_images"],
        max_image_bytes=default["max_image_bytes"],
        max_images_per_request=default["max_images_per_request"],
        version="",
        purge_interval=default["purge_interval"],
    )
    use_cases = cast("UseCases", None)  # no call is made
    return create_app(use_cases, settings, RateLimits(MemoryStorage()), Metrics(), bytes).openapi()


def calls(document: Document) -> Iterator[tuple[str, str, Operation]]:
    """Method, path and operation, in the order of the routes."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def shape_name(schema: Document) -> str | None:
    """The name of the shape that `schema` refers to; None where it stands for itself."""
    reference: str = schema.get("$ref", "")
    return reference.removeprefix(SCHEMAS) or None


def json_example(content: Document) -> object:
    """The first of the examples of a body or an answer; None where there is none."""
    many = [each["value"] for each in content.get("examples", {}).values()]
    return content.get("example", next(iter(many), None))
