"""Multipart bodies, by Starlette's parser: in memory, in UTF-8 and bounded."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, Headers
from starlette.formparsers import MultiPartException, MultiPartParser

from service.api.field_problems import MOST_CHARACTERS_OF_A_NAME
from service.domain.errors import InvalidRequest
from service.domain.messages import FieldProblem

MOST_FIELDS = 32
MOST_FILES = 1000
"""Parsed before the limit of images is looked at, which has its own answer."""

MOST_BYTES_OF_A_FIELD = 8 * 1024
"""Twice what the longest one, `metadata`, may have."""

_LONGEST = f"{MOST_BYTES_OF_A_FIELD // 1024} KiB"
_UTF_8 = frozenset({b"utf-8", b"utf8"})


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


class Form(MultiPartParser):
    """Starlette's parser, which reads by any character set that a caller names, and byte by byte
    what that does not fit: some of Python's are quadratic, and names would be stored as noise.
    """

    spool_max_size = 0
    """Never onto the disk, where photographs do not belong. The body is bounded."""

    complete = False
    """Once the last boundary has come: a photograph cut off would be missing without a word."""

    def on_headers_finished(self) -> None:
        super().on_headers_finished()
        for name, value in self._current_part.item_headers:
            if name == b"content-type":
                require_utf_8(value)

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        part = self._current_part
        if part.file is None and len(part.data) + end - start > MOST_BYTES_OF_A_FIELD:
            raise _invalid(part.field_name, FieldProblem.TOO_LONG, longest=_LONGEST)
        super().on_part_data(data, start, end)

    def on_part_end(self) -> None:
        part = self._current_part
        if part.file is None:
            _require_text(part.field_name, part.data)
        super().on_part_end()

    def on_end(self) -> None:
        self.complete = True


def require_utf_8(content_type: str | bytes) -> None:
    """Whatever names another character set is refused, and nothing is read by it."""
    _, options = parse_options_header(content_type)
    if options.get(b"charset", b"utf-8").lower() not in _UTF_8:
        raise _invalid("Content-Type", FieldProblem.NOT_UTF_8)


def _require_text(name: str, content: bytes | bytearray) -> None:
    try:
        content.decode()
    except UnicodeDecodeError:
        raise _invalid(name, FieldProblem.NOT_UTF_8) from None


def _invalid(field: str, problem: FieldProblem, **allowed: object) -> InvalidRequest:
    name = field[:MOST_CHARACTERS_OF_A_NAME]
    return InvalidRequest([{"field": name, "problem": problem, "allowed": allowed}])
