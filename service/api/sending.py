"""Answers of the calls that come most often, written in the thread that made them."""

from __future__ import annotations

from fastapi import Response

from service.api.camel import Camel


def sent(answer: Camel, status: int = 200) -> Response:
    """`answer` as JSON. FastAPI would hand it to another thread, to validate it a second time."""
    content = answer.model_dump_json(by_alias=True)
    return Response(content, status, media_type="application/json")
