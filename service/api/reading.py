"""Bodies, multipart or JSON, into one shape."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fastapi import Request
from pydantic import ValidationError

from service.api.bodies import CollectionsBody
from service.api.camel import Camel
from service.api.multipart import MultipartForm
from service.api.problems import invalid_request
from service.domain.errors import InvalidRequest, TooManyImages
from service.domain.messages import FieldProblem

Body = TypeVar("Body", bound=Camel)

IMAGES = "images"


@dataclass(frozen=True, slots=True)
class RawBody:
    """A body before validation: JSON text, or form fields with the bytes of the files."""

    json: bytes | None = field(default=None, repr=False)
    form: Mapping[str, Any] = field(default_factory=dict, repr=False)


async def read_body(request: Request) -> RawBody:
    """The whole body."""
    if _media_type(request) == "multipart/form-data":
        return RawBody(form=await _read_form(request))
    return await read_json(request)


async def read_json(request: Request) -> RawBody:
    """The same where a form has no meaning."""
    kind = _media_type(request)
    if kind == "application/json" or kind.endswith("+json"):
        return RawBody(json=await request.body())
    raise _invalid("Content-Type")


async def read_optional_json(request: Request) -> RawBody:
    """The same where sending nothing means that nothing is asked for specially."""
    return await read_json(request) if await request.body() else RawBody(json=b"{}")


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _invalid(field: str) -> InvalidRequest:
    return InvalidRequest([{"field": field, "problem": FieldProblem.INVALID}])


async def _read_form(request: Request) -> Mapping[str, Any]:
    try:
        form = MultipartForm(request.headers["content-type"])
        async for piece in request.stream():
            form.write(piece)
        parts = form.parts()
    except ValueError:
        raise _invalid("body") from None
    fields: dict[str, Any] = {}
    files: list[bytes] = []
    for part in parts:
        if part.is_file and part.name == IMAGES:
            files.append(bytes(part.content))
        elif part.is_file or part.name == IMAGES or part.name in fields:
            raise _invalid(part.name[:100])
        else:
            fields[part.name] = form.text(part)
    _check_number(request, len(files))
    return {**fields, IMAGES: files}


def _check_number(request: Request, images: int) -> None:
    limit: int = request.app.state.settings.max_images_per_request
    if images > limit:
        raise TooManyImages(limit=limit)


def body_of(
    shape: type[Body], read: Callable[[Request], Awaitable[RawBody]] = read_body
) -> Callable[..., Coroutine[Any, Any, Body]]:
    """A dependency: the request's body as a `shape`, if its caller is let into the collection.

    Named after the caller in a route: FastAPI itself would read a body before it asks who calls.
    Raises `InvalidRequest`, `NotAllowed`.
    """

    async def parsed(request: Request) -> Body:
        body = await _parsed(shape, await read(request))
        if isinstance(body, CollectionsBody):
            request.state.caller.require_collection(body.collection)
        return body

    return parsed


async def _parsed(shape: type[Body], raw: RawBody) -> Body:
    """JSON in a worker thread: it may be megabytes of base64. The fields of a form are bounded, and
    its files are bytes already.
    """
    if raw.json is None:
        return _validated(shape, raw)
    return await asyncio.to_thread(_validated, shape, raw)


def _validated(shape: type[Body], raw: RawBody) -> Body:
    try:
        if raw.json is not None:
            return shape.model_validate_json(raw.json, by_alias=True, by_name=False)
        return shape.model_validate(raw.form, by_alias=True, by_name=False)
    except ValidationError as error:
        raise invalid_request(error.errors(include_input=False, include_url=False)) from None
