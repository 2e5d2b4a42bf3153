"""Multipart bodies, by Starlette's parser: in memory, in UTF-8 and bounded."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, Headers
from starlette.formparsers import MultiPartException, MultiPartParser

from service.domain.errors import InvalidRequest
from service.domain.messages import FieldProblem

MOST_FIELDS = 32
MOST_FILES = 1000
"""Parsed before the limit of images is looked at, which has its own answer."""

MOST_BYTES_OF_A_FIELD = 8 * 1024
"""Twice what the longest one, `metadata`, may have."""

MOST_BYTES_OF_A_NAME = 100
_UTF_8 = frozenset({b"utf-8", b"utf8"})


async def read_form(headers: Headers, stream: AsyncGenerator[bytes, None]) -> FormData:
    """The fields as text and the files in memory. Raises `InvalidRequest`."""
    _require_utf_8(headers["content-type"].encode("latin-1"))
    form = Form(
        headers,
        stream,
        max_files=MOST_FILES,
        max_fields=MOST_FIELDS,
        max_part_size=MOST_BYTES_OF_A_FIELD,
    )
    try:
        return await form.parse()
    except MultiPartException:
        raise _invalid("body", FieldProblem.NOT_MULTIPART) from None


class Form(MultiPartParser):
    """Starlette's parser, which reads by any character set that a caller names, and byte by byte
    what that does not fit: some of Python's are quadratic, and names would be stored as noise.
    """

    spool_max_size = 0
    """Never onto the disk, where photographs do not belong. The body is bounded."""

    def on_headers_finished(self) -> None:
        super().on_headers_finished()
        for name, value in self._current_part.item_headers:
            if name == b"content-type":
                _require_utf_8(value)

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        part = self._current_part
        if part.file is None and len(part.data) + end - start > MOST_BYTES_OF_A_FIELD:
            raise _invalid(part.field_name, FieldProblem.TOO_LONG)
        super().on_part_data(data, start, end)

    def on_part_end(self) -> None:
        part = self._current_part
        if part.file is None:
            _require_text(part.field_name, part.data)
        super().on_part_end()


def _require_utf_8(content_type: bytes) -> None:
    _, options = parse_options_header(content_type)
    if options.get(b"charset", b"utf-8").lower() not in _UTF_8:
        raise _invalid("Content-Type", FieldProblem.NOT_UTF_8)


def _require_text(name: str, content: bytes | bytearray) -> None:
    try:
        content.decode()
    except UnicodeDecodeError:
        raise _invalid(name, FieldProblem.NOT_UTF_8) from None


def _invalid(field: str, problem: FieldProblem) -> InvalidRequest:
    return InvalidRequest([{"field": field[:MOST_BYTES_OF_A_NAME], "problem": problem}])
