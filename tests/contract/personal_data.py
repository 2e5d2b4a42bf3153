"""Things that must not be found again: photographs, vectors, keys, ids and metadata with marks."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import numpy as np
from PIL import Image, PngImagePlugin

from service.domain.face import Embedding
from tests.domain.vectors import face_of

_PATCH = 24
"""Side, in pixels, of the colored corner; small enough to leave the face alone."""


def _word(kind: str) -> str:
    return f"mark-{kind}-{uuid4().hex}"


@dataclass(frozen=True)
class PersonalData:
    """`found_in` tells which of them a text holds, however they were written into it."""

    subject: str = field(default_factory=lambda: _word("subject"))
    other_subject: str = field(default_factory=lambda: _word("other"))
    metadata: str = field(default_factory=lambda: _word("metadata"))
    consent: str = field(default_factory=lambda: _word("consent"))
    retry: str = field(default_factory=lambda: _word("retry"))
    path: str = field(default_factory=lambda: _word("path"))
    exif: str = field(default_factory=lambda: _word("exif"))
    file_name: str = field(default_factory=lambda: _word("file"))
    header: str = field(default_factory=lambda: _word("header"))
    body: str = field(default_factory=lambda: _word("body"))
    key: str = "face_0000000000000000_" + "MARK" * 10 + "MAR"
    color: tuple[int, int, int] = (201, 13, 77)

    @property
    def embedding(self) -> Embedding:
        return face_of(self.subject)

    def photograph(self, original: Path) -> bytes:
        """`original` with a corner in `color`, and a mark in its EXIF data and in a text."""
        image = Image.open(original).convert("RGB")
        image.paste(self.color, (0, 0, _PATCH, _PATCH))
        exif, text = Image.Exif(), PngImagePlugin.PngInfo()
        exif[0x010E] = self.exif  # ImageDescription
        text.add_text("Comment", self.exif)
        content = io.BytesIO()
        image.save(content, "PNG", exif=exif, pnginfo=text)
        return content.getvalue()

    def found_in(self, text: str, photograph: bytes, *secrets: str) -> list[str]:
        """`secrets`: more words, such as keys."""
        return [each for each in self._forms(photograph, secrets) if each in text]

    def _forms(self, photograph: bytes, secrets: tuple[str, ...]) -> Iterator[str]:
        yield from (self.subject, self.other_subject, self.metadata, self.retry, self.path)
        yield from (
            self.consent,
            self.exif,
            self.file_name,
            self.header,
            self.body,
            self.key,
            *secrets,
        )
        yield from _numbers(self.embedding)
        yield from _pixels(self.color)
        middle = photograph[len(photograph) // 2 :][:30]  # past what all files have in common
        yield from (base64.b64encode(middle).decode(), middle.hex(), repr(middle)[2:-1])


def _numbers(embedding: Embedding) -> Iterator[str]:
    """As JSON and as NumPy print them: to seven digits that count, which no time or count shares by chance."""
    for number in embedding[:16]:
        printed = f"{abs(float(number)):.15f}"
        zeros = len(printed) - len(printed.lstrip("0."))
        yield printed[: zeros + 7]
    yield np.array2string(embedding[:4], precision=4)[1:-1]


def _pixels(color: tuple[int, int, int]) -> Iterator[str]:
    for order in (color, color[::-1]):
        yield ", ".join(str(value) for value in order)
        yield " ".join(f"{value:3}" for value in order)
        yield bytes(order * 3).hex()
        yield base64.b64encode(bytes(order * 3)).decode()
