"""JSON bodies cost about their parse, whatever is in them, and mean one thing."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from service.api.field_problems import MOST_TOLD
from service.api.json_body import ESCAPES, MOST_NAMES, MOST_PIECES, ImageTextLimits, json_of
from service.api.models import Camel
from service.api.routes.collections import CollectionBody
from service.api.routes.enroll import EnrollBody
from service.api.routes.search import SearchBody
from service.domain.errors import FieldProblem, ImageTooLarge, InvalidRequest, TooManyImages

KIM: dict[str, Any] = {"subjectId": "kim", "images": ["aGk="]}
MOST_IMAGES = 3
LIMITS = ImageTextLimits(MOST_IMAGES, size=1024 * 1024)


def problems(content: bytes, shape: type[Camel] = EnrollBody) -> list[tuple[str, str]]:
    with pytest.raises(InvalidRequest) as refusal:
        json_of(content, shape, LIMITS)
    return [(each["field"], each["problem"]) for each in refusal.value.problems]


def of(**fields: object) -> bytes:
    return json.dumps({**KIM, **fields}).encode()


@pytest.mark.parametrize(
    "images",
    [
        b"1," * MOST_IMAGES + b"1",
        b"1," * (MOST_PIECES - 10) + b"1",
        b"1," * 500_000 + b"1",
        b'"data:image/jpeg;base64,aGk=",' * 100_000 + b'""',
    ],
    ids=["one too many", "parsed", "a megabyte", "photographs"],
)
def test_too_many_images_are_counted_and_not_looked_at(
    images: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EnrollBody, "model_validate_json", None)
    with pytest.raises(TooManyImages) as refusal:
        json_of(b'{"subjectId": "kim", "images": [' + images + b"]}", EnrollBody, LIMITS)
    assert refusal.value.values == {"limit": MOST_IMAGES}


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 10_000_000,
        b'{"a":' * 1_000_000,
        b'{"embedding": [' + b"1," * 1_000_000 + b"1]}",
        b"{" + b",".join(b'"a%d": 1' % n for n in range(200_000)) + b"}",
        of(metadata={"a": [[]] * (MOST_PIECES + 1)}),
    ],
    ids=["deep", "deep objects", "numbers", "names", "metadata"],
)
def test_what_is_too_much_is_not_parsed(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json, "loads", None)
    assert problems(content) == [("body", FieldProblem.TOO_LONG)]


def test_number_of_names_is_bounded() -> None:
    names = {f"a{number}": 1 for number in range(MOST_NAMES)}
    assert problems(of(**names)) == [("body", FieldProblem.TOO_LONG)]


def test_only_some_findings_are_told() -> None:
    assert len(problems(of(**{f"a{number}": 1 for number in range(100)}))) == MOST_TOLD


def test_wrong_list_of_numbers_is_one_finding() -> None:
    wrong = json.dumps({"embedding": ["x"] * 4000}).encode()
    assert problems(wrong, SearchBody) == [("embedding.0", FieldProblem.NOT_NUMBER)]


def test_largest_honest_body_is_taken() -> None:
    metadata = {f"{number:03}": "" for number in range(300)}
    embedding = [-0.123456789] * 4096
    body = {"subjectId": "kim", "embedding": embedding, "metadata": metadata}
    assert json_of(json.dumps(body).encode(), EnrollBody, LIMITS).metadata == metadata


@pytest.mark.parametrize(
    "content",
    [
        b'{"subjectId": "kim", "subjectId": "lee", "images": [""]}',
        b'{"subjectId": "kim", "subject\\u0049d": "lee", "images": [""]}',
    ],
)
def test_name_given_twice_is_refused(content: bytes) -> None:
    assert problems(content) == [("subjectId", FieldProblem.REPEATED)]


def test_name_given_twice_within_is_refused() -> None:
    content = b'{"thresholdProfiles": {"vip": 0.5, "vip": -1}}'
    assert problems(content, CollectionBody) == [("vip", FieldProblem.REPEATED)]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\xef\xbb\xbf{}", FieldProblem.NOT_JSON),
        ("{}".encode("utf-16"), FieldProblem.NOT_UTF_8),
        (b'{"subjectId": "\xff"}', FieldProblem.NOT_UTF_8),
        (b"[" * 5000, FieldProblem.NOT_JSON),
        (b"{} {}", FieldProblem.NOT_JSON),
        (b"", FieldProblem.NOT_JSON),
    ],
)
def test_what_is_no_json_in_utf_8_is_said_so(content: bytes, problem: FieldProblem) -> None:
    assert problems(content) == [("body", problem)]


@pytest.mark.parametrize("text", ["6", "6.0", "60e-1"])
def test_whole_number_may_be_written_in_any_way(text: str) -> None:
    content = f'{{"images": [""], "limit": {text}}}'.encode()
    assert json_of(content, SearchBody, LIMITS).limit == 6


@pytest.mark.parametrize("value", ["1", True, 1.5, float("inf"), [1], {}])
def test_number_is_a_number_in_json(value: object) -> None:
    (found,) = problems(json.dumps({"images": [""], "limit": value}).encode(), SearchBody)
    assert found == ("limit", FieldProblem.NOT_INTEGER)


@pytest.mark.parametrize("value", [0, 2**63, -1, 10**30])
def test_number_out_of_range_is_said_so(value: int) -> None:
    ((field, problem),) = problems(
        json.dumps({"images": [""], "limit": value}).encode(), SearchBody
    )
    assert field == "limit"
    assert problem == FieldProblem.OUT_OF_RANGE


def test_nearest_name_is_told_at_every_depth() -> None:
    for fields, nearest in (
        ({"colection": "a"}, "collection"),
        ({"camera": {"maxFrame": 1}}, "maxFrames"),
    ):
        with pytest.raises(InvalidRequest) as refusal:
            json_of(of(**fields), EnrollBody, LIMITS)
        assert refusal.value.problems[0]["allowed"] == {"nearest": nearest}


ALLOWED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"mode": "merge"}, {"choices": "create, add, replace"}),
    ({"camera": {"maxFrames": 0}}, {"least": 1, "most": 100}),
    ({"camera": {"maxFrames": 101}}, {"least": 1, "most": 100}),
    ({"consentReference": "x" * 257}, {"longest": 256}),
    ({"metadata": {"a": "x" * 5000}}, {"longest": 4096}),
    ({"subjectId": "a/b"}, {"longest": 128, "signs": ". _ : @ -"}),
]


@pytest.mark.parametrize(("fields", "allowed"), ALLOWED)
def test_finding_tells_what_would_be_right(fields: dict[str, Any], allowed: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        json_of(of(**fields), EnrollBody, LIMITS)
    assert refusal.value.problems[0]["allowed"] == allowed


@pytest.mark.parametrize("escape", ["\\n", "\\u000a", '\\"', "\\/"])
def test_text_of_escapes_alone_is_refused_unread(
    escape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json, "loads", None)
    content = '{"subjectId": "kim", "images": ["' + escape * 2 * ESCAPES + '"]}'
    assert problems(content.encode()) == [("body", FieldProblem.INVALID)]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_of_base64_with_escaped_slashes_are_read(end: str) -> None:
    photograph = bytes(range(256)) * 4096
    text = base64.b64encode(photograph).decode()
    lines = end.join(text[start : start + 64] for start in range(0, len(text), 64))
    content = of(images=[lines]).replace(b"/", b"\\/")
    assert json_of(content, EnrollBody, LIMITS).images == [photograph]


def test_image_longer_than_any_may_be_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EnrollBody, "model_validate_json", None)
    with pytest.raises(ImageTooLarge) as refusal:
        json_of(of(images=["A" * (LIMITS.characters + 1)]), EnrollBody, LIMITS)
    assert refusal.value.values == {"limit": "1 MiB"}


@pytest.mark.parametrize("size", [LIMITS.size - 2, LIMITS.size - 1, LIMITS.size])
def test_largest_image_is_decoded_in_lines_and_from_a_data_url(size: int) -> None:
    lines = base64.encodebytes(bytes(size)).decode().replace("\n", "\r\n")
    content = of(images=["data:image/jpeg;base64," + lines])
    assert json_of(content, EnrollBody, LIMITS).images == [bytes(size)]
