"""Multipart bodies, parsed as they come in and kept in memory: photographs never touch the disk.

Starlette's own reader puts each file into a temporary one and hands it over by coroutines, for twice
the processor time of the parser itself. `BodyLimit` bounds what memory a body takes.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field

from python_multipart.multipart import MultipartParser, parse_options_header

MOST_FIELDS = 32
MOST_FILES = 1000
"""Files parsed before the limit of images is looked at, which has its own answer."""

MOST_BYTES_OF_A_FIELD = 1024 * 1024

_OTHERWISE = "latin-1"
"""Every byte is a character in it: what is not in the body's own character set stays readable."""


class MalformedForm(ValueError):
    """Not multipart, not whole, or beyond the limits above."""


@dataclass(slots=True)
class Part:
    """A field, or where it has a file name, a file."""

    name: str
    is_file: bool
    content: bytearray = field(default_factory=bytearray, repr=False)
    """Not a list of pieces: of one byte each they would take fifty times the memory."""


class MultipartForm:
    """Raises `MalformedForm`, or the parser's own `ValueError`s, at whatever is wrong."""

    def __init__(self, content_type: str) -> None:
        _, parameters = parse_options_header(content_type)
        if not parameters.get(b"boundary"):
            raise MalformedForm
        named = parameters.get(b"charset")
        self._charset = "utf-8" if named is None else _known_charset(named)
        self._parser = MultipartParser(
            parameters[b"boundary"],
            {
                "on_part_begin": self._begin,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._end_of_header,
                "on_headers_finished": self._end_of_headers,
                "on_part_data": self._content,
                "on_end": self._end,
            },
        )
        self._parts: list[Part] = []
        self._left = {True: MOST_FILES, False: MOST_FIELDS}
        self._complete = False

    def write(self, piece: bytes) -> None:
        self._parser.write(piece)

    def parts(self) -> list[Part]:
        """In order, once all was written: a photograph cut off would be missing without a word."""
        if not self._complete:
            raise MalformedForm
        return self._parts

    def text(self, part: Part) -> str:
        return self._text(part.content)

    def _text(self, content: bytes | bytearray) -> str:
        try:
            return content.decode(self._charset)
        except UnicodeDecodeError:
            return content.decode(_OTHERWISE)

    def _begin(self) -> None:
        self._name = self._value = self._disposition = b""

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_of_header(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = self._value
        self._name = self._value = b""

    def _end_of_headers(self) -> None:
        _, options = parse_options_header(self._disposition)
        if b"name" not in options:
            raise MalformedForm
        part = Part(self._text(options[b"name"]), is_file=b"filename" in options)
        self._left[part.is_file] -= 1
        if self._left[part.is_file] < 0:
            raise MalformedForm
        self._parts.append(part)

    def _content(self, data: bytes, start: int, end: int) -> None:
        part = self._parts[-1]
        part.content += data[start:end]
        if not part.is_file and len(part.content) > MOST_BYTES_OF_A_FIELD:
            raise MalformedForm

    def _end(self) -> None:
        self._complete = True


def _known_charset(name: bytes) -> str:
    try:
        "".encode(charset := codecs.lookup(name.decode(_OTHERWISE)).name)
    except LookupError:  # none, or no character set, as `rot13`
        return _OTHERWISE
    return charset
