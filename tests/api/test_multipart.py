"""Multipart bodies: whatever pieces they come in, the same parts; and what is not one, is refused."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api.multipart import (
    MOST_BYTES_OF_A_FIELD,
    MOST_FIELDS,
    MOST_FILES,
    MalformedForm,
    MultipartForm,
)

KIND = "multipart/form-data; boundary=B"
END = b"--B--\r\n"


def part(disposition: str, content: bytes = b"", *headers: str) -> bytes:
    lines = [f"Content-Disposition: form-data; {disposition}", *headers, "", ""]
    return b"--B\r\n" + "\r\n".join(lines).encode() + content + b"\r\n"


FIELD = part('name="subjectId"', b"kim")
FILE = part('name="images"; filename="1.jpg"', b"\xff\xd8\r\n--\x00", "Content-Type: image/jpeg")
WHOLE = FIELD + FILE + END


def read(body: bytes, kind: str = KIND) -> MultipartForm:
    form = MultipartForm(kind)
    form.write(body)
    return form


def contents(form: MultipartForm) -> Sequence[tuple[str, bool, bytes]]:
    return [(each.name, each.is_file, bytes(each.content)) for each in form.parts()]


def test_part_without_a_file_name_is_a_field() -> None:
    assert contents(read(FIELD + END)) == [("subjectId", False, b"kim")]


def test_part_with_a_file_name_is_a_file() -> None:
    assert contents(read(FILE + END)) == [("images", True, b"\xff\xd8\r\n--\x00")]


def test_file_name_may_be_empty() -> None:
    assert contents(read(part('name="images"; filename=""') + END)) == [("images", True, b"")]


def test_parts_keep_their_order() -> None:
    assert [name for name, _, _ in contents(read(FILE + FIELD + FILE + END))] == [
        "images",
        "subjectId",
        "images",
    ]


def test_names_of_headers_have_no_case() -> None:
    assert contents(read(WHOLE.replace(b"Content-Disp", b"CONTENT-disp"))) == contents(read(WHOLE))


@given(st.lists(st.integers(0, len(WHOLE)), max_size=20))
def test_pieces_make_no_difference(cuts: list[int]) -> None:
    form = MultipartForm(KIND)
    edges = [0, *sorted(cuts), len(WHOLE)]
    for start, end in pairwise(edges):
        form.write(WHOLE[start:end])
    assert contents(form) == contents(read(WHOLE))


@given(st.binary(max_size=300))
def test_noise_is_refused(noise: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the parser has some of its own
        read(noise).parts()


@pytest.mark.parametrize("length", range(len(WHOLE) - 2))
def test_body_that_is_cut_off_is_refused(length: int) -> None:
    with pytest.raises(MalformedForm):
        read(WHOLE[:length]).parts()


@pytest.mark.parametrize(
    "kind", ["multipart/form-data", 'multipart/form-data; boundary=""', "multipart/form-data; b=B"]
)
def test_form_without_a_boundary_is_refused(kind: str) -> None:
    with pytest.raises(MalformedForm):
        MultipartForm(kind)


def test_part_without_a_name_is_refused() -> None:
    with pytest.raises(MalformedForm):
        read(part('filename="1.jpg"') + END)


def test_part_does_not_inherit_the_name_of_the_one_before() -> None:
    with pytest.raises(MalformedForm):
        read(FIELD + b"--B\r\nContent-Type: text/plain\r\n\r\nx\r\n" + END)


@pytest.mark.parametrize(
    ("disposition", "most"),
    [('name="a"', MOST_FIELDS), ('name="a"; filename="b"', MOST_FILES)],
    ids=["fields", "files"],
)
def test_number_of_parts_is_limited(disposition: str, most: int) -> None:
    assert len(read(part(disposition) * most + END).parts()) == most
    with pytest.raises(MalformedForm):
        read(part(disposition) * (most + 1) + END)


def test_length_of_a_field_is_limited() -> None:
    read(part('name="a"', b"x" * MOST_BYTES_OF_A_FIELD) + END)
    with pytest.raises(MalformedForm):
        read(part('name="a"', b"x" * (MOST_BYTES_OF_A_FIELD + 1)) + END)


def test_length_of_a_file_is_not_its_concern() -> None:
    [(_, _, content)] = contents(
        read(part('name="images"; filename="1"', b"x" * 2 * MOST_BYTES_OF_A_FIELD) + END)
    )
    assert len(content) == 2 * MOST_BYTES_OF_A_FIELD


@pytest.mark.parametrize(
    ("charset", "content"),
    [
        ("", "김".encode()),
        ("; charset=utf-8", "김".encode()),
        ("; charset=euc-kr", "김".encode("euc-kr")),
    ],
)
def test_text_is_in_the_character_set_of_the_body(charset: str, content: bytes) -> None:
    form = read(part('name="consentReference"', content) + END, KIND + charset)
    assert form.text(form.parts()[0]) == "김"


@pytest.mark.parametrize("charset", ["", "; charset=rot13", "; charset=none-such"])
def test_text_in_no_known_character_set_is_read_byte_by_byte(charset: str) -> None:
    form = read(part('name="a"', b"\xff\xe9") + END, KIND + charset)
    assert form.text(form.parts()[0]) == "ÿé"
