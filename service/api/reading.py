"""Bodies, multipart or JSON, into one shape."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fastapi import Request
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from service.api.bodies import CollectionsBody
from service.api.body_memory import BodyShare
from service.api.camel import Camel
from service.api.field_problems import MOST_CHARACTERS_OF_A_NAME, invalid_request
from service.api.form import read_form, require_utf_8
from service.api.json_body import ImageTextLimits, json_of
from service.api.settings import ApiSettings
from service.domain.errors import ImageTooLarge, InvalidRequest, TooManyImages
from service.domain.messages import FieldProblem

Body = TypeVar("Body", bound=Camel)

IMAGES = "images"

MOST_BYTES_WITHOUT_IMAGES = 32 * 1024
"""Of a body that holds no photographs; the longest path, written in escapes, is 24 KiB of it."""


@dataclass(frozen=True, slots=True)
class RawBody:
    """A body before validation: JSON text, or form fields with the bytes of the files."""

    json: bytes | None = field(default=None, repr=False)
    form: Mapping[str, Any] = field(default_factory=dict, repr=False)


async def read_body(request: Request) -> RawBody:
    """The whole body, photographs included."""
    limit: int = request.app.state.settings.max_body_bytes
    if _media_type(request) == "multipart/form-data":
        return RawBody(form=await _form(request, limit))
    return await _json(request, limit)


async def read_json(request: Request) -> RawBody:
    """The body of a call that takes no photographs."""
    return await _json(request, MOST_BYTES_WITHOUT_IMAGES)


async def read_optional_json(request: Request) -> RawBody:
    """The same where sending nothing means that nothing is asked for specially."""
    content = await _content(request, MOST_BYTES_WITHOUT_IMAGES)
    if content:
        _require_json(request)
    return RawBody(json=content or b"{}")


async def _json(request: Request, limit: int) -> RawBody:
    _require_json(request)
    return RawBody(json=await _content(request, limit))


def _require_json(request: Request) -> None:
    kind = _media_type(request)
    if kind != "application/json" and not kind.endswith("+json"):
        raise _invalid("Content-Type")
    require_utf_8(request.headers["content-type"])


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _invalid(field: str) -> InvalidRequest:
    return InvalidRequest([{"field": field, "problem": FieldProblem.INVALID}])


async def _content(request: Request, limit: int) -> bytes:
    return b"".join([piece async for piece in _bounded(request, limit)])


async def _bounded(request: Request, limit: int) -> AsyncGenerator[bytes, None]:
    """The body piece by piece. Raises `ImageTooLarge` at what is beyond `limit`, or announced, and
    `Overloaded` where the process or the key holds too much already.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise _invalid("Content-Encoding")  # a few bytes of gzip are gigabytes
    too_large = ImageTooLarge(limit=f"{limit // 1024} KiB / request")
    share: BodyShare = request.state.body_share
    announced = int(request.headers.get("content-length", 0))
    if announced > limit:
        raise too_large
    share.require_room(announced)
    received = 0
    async for piece in request.stream():
        received += len(piece)
        if received > limit:
            raise too_large
        share.take(len(piece))
        yield piece


async def _form(request: Request, limit: int) -> Mapping[str, Any]:
    form = await read_form(request.headers, _bounded(request, limit))
    fields: dict[str, Any] = {}
    files: list[bytes] = []
    for name, value in form.multi_items():
        if isinstance(value, UploadFile) and name == IMAGES:
            files.append(await value.read())
        elif isinstance(value, UploadFile) or name == IMAGES or name in fields:
            raise _invalid(name[:MOST_CHARACTERS_OF_A_NAME])
        else:
            fields[name] = value
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
        settings: ApiSettings = request.app.state.settings
        limits = ImageTextLimits(settings.max_images_per_request, settings.max_image_bytes)
        body = await _parsed(shape, await read(request), limits)
        if isinstance(body, CollectionsBody):
            request.state.caller.require_collection(body.collection)
        return body

    return parsed


async def _parsed(shape: type[Body], raw: RawBody, limits: ImageTextLimits) -> Body:
    """JSON in a worker thread: it may be megabytes of base64. The fields of a form are bounded, and
    its files are bytes already.
    """
    if raw.json is not None:
        return await run_in_threadpool(json_of, raw.json, shape, limits)
    try:
        return shape.model_validate(raw.form, by_alias=True, by_name=False)
    except ValidationError as error:
        findings = error.errors(include_input=False, include_url=False)
        raise invalid_request(findings, shape) from None
