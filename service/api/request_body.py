"""Bodies, multipart or JSON, into one shape: in memory, in UTF-8, and bounded before they are read.

A form is read by Starlette's parser.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from fastapi import Request
from pydantic import ValidationError
from python_multipart.multipart import parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from service.api.concurrency import BodyShare
from service.api.field_problems import MOST_CHARACTERS_OF_A_NAME, invalid_request, unknown
from service.api.json_body import ImageTextLimits, json_of
from service.api.models import Camel, FaceBody
from service.api.settings import ApiSettings
from service.domain.errors import FieldProblem, ImageTooLarge, InvalidRequest, TooManyImages
from service.domain.face import FaceSource

MOST_FIELDS = 32
MOST_FILES = 1000
"""Parsed before the limit of images is looked at, which has its own answer."""

MOST_BYTES_OF_A_FIELD = 8 * 1024
"""Twice what the longest one, `metadata`, may have."""

_LONGEST = f"{MOST_BYTES_OF_A_FIELD // 1024} KiB"
_UTF_8 = frozenset({b"utf-8", b"utf8"})

Body = TypeVar("Body", bound=Camel)
Face = TypeVar("Face", bound=FaceBody)

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
    limit: int = request.state.body_share.largest
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


async def _content(request: Request, limit: int) -> bytes:
    return b"".join([piece async for piece in _bounded(request, limit)])


async def _bounded(request: Request, limit: int) -> AsyncGenerator[bytes, None]:
    """The body piece by piece. Raises `ImageTooLarge` at what is beyond `limit`, or announced, and
    `Overloaded` where the process or the key holds too much already.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise _invalid("Content-Encoding")  # a few bytes of gzip are gigabytes
    share: BodyShare = request.state.body_share
    announced = int(request.headers.get("content-length", 0))
    if announced > limit:
        raise _too_large(limit)
    share.require_room(announced)
    received = 0
    async for piece in request.stream():
        received += len(piece)
        if received > limit:
            raise _too_large(limit)
        share.take(len(piece))
        yield piece


def _too_large(limit: int) -> ImageTooLarge:
    return ImageTooLarge(limit=f"{limit // 1024} KiB / request")


async def _form(request: Request, limit: int) -> Mapping[str, Any]:
    form = await read_form(request.headers, _bounded(request, limit))
    fields: dict[str, Any] = {}
    files: list[bytes] = []
    for name, value in form.multi_items():
        if isinstance(value, UploadFile) and name == IMAGES:
            files.append(await value.read())
        elif isinstance(value, UploadFile):
            raise InvalidRequest([unknown(name, [IMAGES])])
        elif name == IMAGES or name in fields:
            raise _invalid(name)
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
    """A dependency: the request's body as a `shape`.

    Named after the caller in a route: FastAPI itself would read a body before it asks who calls.
    Raises `InvalidRequest`.
    """

    async def parsed(request: Request) -> Body:
        settings: ApiSettings = request.app.state.settings
        limits = ImageTextLimits(settings.max_images_per_request, settings.max_image_bytes)
        return await _parsed(shape, await read(request), limits)

    return parsed


@dataclass(frozen=True, slots=True)
class FaceRequest(Generic[Face]):
    """A body, and where its face comes from."""

    body: Face
    source: FaceSource


def face_request_of(shape: type[Face]) -> Callable[..., Coroutine[Any, Any, FaceRequest[Face]]]:
    """A dependency, as `body_of`, for calls about a face: its caller is let into the collection.

    Raises `InvalidRequest`, `NotAllowed`.
    """
    parsed = body_of(shape)

    async def complete(request: Request) -> FaceRequest[Face]:
        settings: ApiSettings = request.app.state.settings
        body = await parsed(request)
        source = body.source(settings.max_frames, settings.max_images)
        request.state.caller.require_access(body.collection, source)
        return FaceRequest(body, source)

    return complete


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


async def read_form(headers: Headers, stream: AsyncGenerator[bytes, None]) -> FormData:
    """The fields as text and the files in memory. Raises `InvalidRequest`."""
    require_utf_8(headers["content-type"])
    form = Form(
        headers,
        _of_few_parts(headers, stream),
        max_files=MOST_FILES,
        max_fields=MOST_FIELDS,
        max_part_size=MOST_BYTES_OF_A_FIELD,
    )
    try:
        read = await form.parse()
    except MultiPartException:
        raise _invalid("body", FieldProblem.NOT_MULTIPART) from None
    if not form.complete:
        raise _invalid("body", FieldProblem.NOT_MULTIPART)
    return read


async def _of_few_parts(
    headers: Headers, stream: AsyncGenerator[bytes, None]
) -> AsyncGenerator[bytes, None]:
    """`stream`, as long as it has no more delimiters than there may be parts. Raises `InvalidRequest`.

    The parser takes a microsecond of the event loop for each that something follows which makes it
    none, so 20 MiB of them took 6 s. RFC 2046, 5.1.1: no part may contain the delimiter.
    """
    _, options = parse_options_header(headers["content-type"])
    delimiter = b"\r\n--" + options.get(b"boundary", b"")
    seen = 0
    async for piece in stream:
        seen += piece.count(delimiter)
        if seen > MOST_FILES + MOST_FIELDS + 1:
            raise _invalid("body", FieldProblem.NOT_MULTIPART)
        yield piece


class _Part:
    """What has come of one part of a form. `text`: None for a file, which Starlette keeps."""

    def __init__(self) -> None:
        self.name = ""
        self.text: bytearray | None = None
        self.headers: dict[bytes, bytes] = {}
        self.header_name = self.header_value = b""

    def end_header(self) -> None:
        self.headers[self.header_name.lower()] = self.header_value
        self.header_name = self.header_value = b""

    def end_headers(self) -> None:
        """Raises `InvalidRequest` at another character set."""
        _, options = parse_options_header(self.headers[b"content-disposition"])
        self.name = options[b"name"].decode(errors="replace")
        self.text = None if b"filename" in options else bytearray()
        require_utf_8(self.headers.get(b"content-type", b""))

    def take(self, data: bytes) -> None:
        """Raises `InvalidRequest` where a field is too long."""
        if self.text is None:
            return
        self.text += data
        if len(self.text) > MOST_BYTES_OF_A_FIELD:
            raise _invalid(self.name, FieldProblem.TOO_LONG, longest=_LONGEST)

    def end(self) -> None:
        """Raises `InvalidRequest` where a field is not UTF-8."""
        try:
            (self.text or b"").decode()
        except UnicodeDecodeError:
            raise _invalid(self.name, FieldProblem.NOT_UTF_8) from None


class Form(MultiPartParser):
    """Starlette's parser, which reads by any character set that a caller names, and byte by byte
    what that does not fit: some of Python's are quadratic, and names would be stored as noise.
    """

    spool_max_size = 0
    """Never onto the disk, where photographs do not belong. The body is bounded."""

    complete = False
    """Once the last boundary has come: a photograph cut off would be missing without a word."""

    def on_part_begin(self) -> None:
        super().on_part_begin()
        self.part = _Part()

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        super().on_header_field(data, start, end)
        self.part.header_name += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        super().on_header_value(data, start, end)
        self.part.header_value += data[start:end]

    def on_header_end(self) -> None:
        super().on_header_end()
        self.part.end_header()

    def on_headers_finished(self) -> None:
        super().on_headers_finished()  # raises where there is no name
        self.part.end_headers()

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        self.part.take(data[start:end])
        super().on_part_data(data, start, end)

    def on_part_end(self) -> None:
        self.part.end()
        super().on_part_end()

    def on_end(self) -> None:
        self.complete = True


def require_utf_8(content_type: str | bytes) -> None:
    """Whatever names another character set is refused, and nothing is read by it."""
    _, options = parse_options_header(content_type)
    if options.get(b"charset", b"utf-8").lower() not in _UTF_8:
        raise _invalid("Content-Type", FieldProblem.NOT_UTF_8)


def _invalid(
    field: str, problem: FieldProblem = FieldProblem.INVALID, **allowed: object
) -> InvalidRequest:
    name = field[:MOST_CHARACTERS_OF_A_NAME]
    return InvalidRequest([{"field": name, "problem": problem, "allowed": allowed}])
