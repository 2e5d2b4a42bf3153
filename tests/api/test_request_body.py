"""Multipart bodies: in UTF-8, in memory, bounded."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import FormData, Headers, UploadFile

from service.api.request_body import MOST_BYTES_OF_A_FIELD, MOST_FIELDS, MOST_FILES, Form, read_form
from service.domain.errors import FieldProblem, InvalidRequest

KIND = "multipart/form-data; boundary=B"
END = b"--B--\r\n"


def part(disposition: str, content: bytes = b"", *headers: str) -> bytes:
    lines = [f"Content-Disposition: form-data; {disposition}", *headers, "", ""]
    return b"--B\r\n" + "\r\n".join(lines).encode() + content + b"\r\n"


FIELD = part('name="subjectId"', b"kim")
FILE = part('name="images"; filename="1.jpg"', b"\xff\xd8\r\n--\x00", "Content-Type: image/jpeg")
WHOLE = FIELD + FILE + END


async def _form(pieces: Iterable[bytes], kind: str) -> FormData:
    async def stream() -> AsyncGenerator[bytes, None]:
        for piece in pieces:
            yield piece

    return await read_form(Headers({"content-type": kind}), stream())


def read(*pieces: bytes, kind: str = KIND) -> FormData:
    return asyncio.run(_form(pieces, kind))


def refused(*pieces: bytes, kind: str = KIND) -> tuple[str, str]:
    with pytest.raises(InvalidRequest) as refusal:
        read(*pieces, kind=kind)
    (problem,) = refusal.value.problems
    return problem["field"], problem["problem"]


@given(st.lists(st.integers(0, len(WHOLE)), max_size=20))
def test_pieces_make_no_difference(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(WHOLE)]
    form = read(*(WHOLE[start:end] for start, end in pairwise(edges)))
    image = form["images"]
    assert form["subjectId"] == "kim"
    assert isinstance(image, UploadFile)
    assert image.file.read() == b"\xff\xd8\r\n--\x00"


def test_photographs_do_not_touch_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", None)
    large = b"x" * 20 * 1024 * 1024
    image = read(part('name="images"; filename="1"', large) + END)["images"]
    assert isinstance(image, UploadFile)
    assert image.size == len(large)


@given(st.binary(max_size=300))
def test_noise_is_refused(noise: bytes) -> None:
    assert refused(noise) == ("body", FieldProblem.NOT_MULTIPART)


@pytest.mark.parametrize("length", range(0, len(WHOLE) - 2, 7))
def test_body_that_is_cut_off_is_refused(length: int) -> None:
    assert refused(WHOLE[:length]) == ("body", FieldProblem.NOT_MULTIPART)


@pytest.mark.parametrize("charset", ["punycode", "idna", "euc-kr", "latin-1", "utf-16", "none"])
def test_other_character_sets_are_refused_unread(charset: str) -> None:
    """Python's punycode takes ten seconds for such a field."""
    long = part('name="a"', b"a" * 200_000)
    assert refused(long + END, kind=f"{KIND}; charset={charset}") == (
        "Content-Type",
        FieldProblem.NOT_UTF_8,
    )
    for disposition in ('name="a"', 'name="images"; filename="1"'):
        own = part(disposition, b"a", f"Content-Type: text/plain; charset={charset}")
        assert refused(own + END) == ("Content-Type", FieldProblem.NOT_UTF_8)


def test_utf_8_may_be_named() -> None:
    named = part('name="a"', "김".encode(), 'Content-Type: text/plain; charset="UTF-8"')
    assert read(named + END, kind=f"{KIND}; charset=utf-8")["a"] == "김"


@pytest.mark.parametrize("content", [b"\xff\xe9", "김".encode("euc-kr"), "김".encode()[:2]])
def test_field_that_is_no_utf_8_is_refused(content: bytes) -> None:
    assert refused(part('name="a"', content) + END) == ("a", FieldProblem.NOT_UTF_8)


@pytest.mark.parametrize(
    ("disposition", "most"),
    [('name="a"', MOST_FIELDS), ('name="a"; filename="b"', MOST_FILES)],
    ids=["fields", "files"],
)
def test_number_of_parts_is_limited(disposition: str, most: int) -> None:
    assert len(read(part(disposition) * most + END).multi_items()) == most
    assert refused(part(disposition) * (most + 1) + END) == ("body", FieldProblem.NOT_MULTIPART)


def test_length_of_a_field_is_limited() -> None:
    longest = b"x" * MOST_BYTES_OF_A_FIELD
    assert read(part('name="a"', longest) + END)["a"] == longest.decode()
    assert refused(part('name="a"', longest + b"x") + END) == ("a", FieldProblem.TOO_LONG)


@pytest.mark.parametrize(
    "headers",
    [["X: " + "y" * 5000], [f"X{number}: y" for number in range(10)]],
    ids=["long", "many"],
)
def test_headers_of_a_part_are_limited(headers: list[str]) -> None:
    assert refused(part('name="a"', b"", *headers) + END) == ("body", FieldProblem.NOT_MULTIPART)


def test_delimiters_that_are_none_are_refused_before_the_parser_sees_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It takes a microsecond for each."""
    monkeypatch.setattr(Form, "on_part_data", None)
    content = b"\r\n--B-" * (MOST_FILES + MOST_FIELDS + 1)
    body = part('name="images"; filename="1"', content) + END
    assert refused(body) == ("body", FieldProblem.NOT_MULTIPART)


def test_few_delimiters_that_are_none_belong_to_the_photograph() -> None:
    content = b"\r\n--B-" * MOST_FIELDS
    image = read(part('name="images"; filename="1"', content) + END)["images"]
    assert isinstance(image, UploadFile)
    assert image.file.read() == content
