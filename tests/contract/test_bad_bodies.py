"""Requests that are not as they should be: a problem document, and nothing stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.contract.collection_client import CollectionClient, code, files
from tests.contract.tables import Tables
from tests.domain.vectors import face_of

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "multipart/form-data; boundary=B"}
EMBEDDING = json.dumps(face_of("kim").tolist())
DEEP = 100_000


@pytest.fixture(autouse=True)
def _nothing_is_stored(client: CollectionClient, tables: Tables) -> Iterator[None]:
    before = tables.counts()
    yield
    assert tables.counts() == before


def part(name: str, content: bytes, filename: str | None = None) -> bytes:
    file = f'; filename="{filename}"' if filename else ""
    head = f'--B\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
    return head.encode() + content + b"\r\n"


JSON_BODIES = {
    "nothing": b"",
    "no JSON": b"{subjectId: kim}",
    "unfinished": b'{"subjectId": "kim"',
    "list": b"[]",
    "null": b"null",
    "text": b'"kim"',
    "number": b"1",
    "invalid UTF-8": b'{"subjectId": "\xff\xfe"}',
    "UTF-16": '{"subjectId": "kim"}'.encode("utf-16"),
    "deeply nested": b"[" * DEEP,
    "deeply nested objects": b'{"a":' * DEEP,
    "deeply nested metadata": b'{"metadata": ' + b"[" * DEEP,
    "huge number": b'{"subjectId": "kim", "camera": {"maxFrames": 1' + b"0" * 400 + b"}}",
    "huger number": b'{"subjectId": "kim", "embedding": [' + b"9" * 5000 + b"]}",
    "numbers for texts": b'{"subjectId": 1, "embedding": "x"}',
    "lone surrogate": b'{"subjectId": "\\ud800", "images": [""]}',
    "NaN in metadata": f'{{"subjectId": "k", "embedding": {EMBEDDING}, "metadata": {{"a": NaN}}}}'.encode(),
    "infinity in metadata": f'{{"subjectId": "k", "embedding": {EMBEDDING}, "metadata": {{"a": 1e999}}}}'.encode(),
}


@pytest.mark.parametrize("name", JSON_BODIES)
def test_json_body(http: httpx.Client, name: str) -> None:
    answer = http.post("/enroll", content=JSON_BODIES[name], headers=JSON)
    assert code(answer) == (400, "invalid_request")


KIM = part("subjectId", b"kim")
FORM_BODIES = {
    "nothing": b"",
    "garbage": b"\x00\xff" * 1000,
    "no parts": b"--B--\r\n",
    "no end": KIM,
    "photograph cut off": KIM + part("images", b"\xff\xd8\xff", "1.jpg")[:-4],
    "part without a name": b"--B\r\nContent-Type: text/plain\r\n\r\nx\r\n--B--\r\n",
    "part without a header": b"--B\r\n\r\nx\r\n--B--\r\n",
    "unknown field": KIM + part("nickname", b"x") + part("images", b"", "1") + b"--B--\r\n",
    "field twice": KIM + KIM + part("images", b"", "1") + b"--B--\r\n",
    "file as a field": part("subjectId", b"kim", "1.jpg") + b"--B--\r\n",
    "photograph as a field": KIM + part("images", b"\xff\xd8\xff") + b"--B--\r\n",
    "hundreds of fields": b"".join(part(f"f{n}", b"") for n in range(300)) + b"--B--\r\n",
    "thousands of files": part("images", b"", "1") * 2000 + b"--B--\r\n",
    "endless header": b"--B\r\n" + b"X: y\r\n" * 10_000 + b"\r\nx\r\n--B--\r\n",
    "long field": part("subjectId", b"k" * 2_000_000) + b"--B--\r\n",
    "invalid UTF-8": part("subjectId", b"\xff\xfe") + b"--B--\r\n",
}


@pytest.mark.parametrize("name", FORM_BODIES)
def test_form(http: httpx.Client, name: str) -> None:
    answer = http.post("/enroll", content=FORM_BODIES[name], headers=FORM)
    assert code(answer) == (400, "invalid_request")


@pytest.mark.parametrize(
    "metadata",
    ["", "{", "[1]", "null", "[" * DEEP, '{"a":' + "[" * 900 + "]" * 900 + "}", '{"a": NaN}', "\0"],
    ids=["empty", "unfinished", "list", "null", "deep", "nested", "NaN", "zero"],
)
def test_metadata_of_a_form(client: CollectionClient, portraits: list[Path], metadata: str) -> None:
    assert code(client.enroll("kim", portraits[0], metadata=metadata)) == (400, "invalid_request")


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "image/jpeg",
        "multipart/mixed; boundary=B",
        "multipart/form-data",
        'multipart/form-data; boundary=""',
        "multipart/form-data; boundary=" + "B" * 5000,
        "multipart/form-data; charset=rot13; boundary=B",
        "multipart/form-data; charset=punycode; boundary=B",
        "application/json; charset=utf-16",
        "application/json, text/plain",
        "\x7f;;;=",
    ],
)
@pytest.mark.parametrize("path", ["/enroll", "/token/images", "/token/camera"])
def test_content_type(http: httpx.Client, kind: str, path: str) -> None:
    answer = http.post(path, content=b"{}", headers={"Content-Type": kind})
    assert code(answer) == (400, "invalid_request")


@pytest.mark.parametrize("kind", [JSON, FORM], ids=["JSON", "form"])
def test_compressed_body_is_refused_by_name(http: httpx.Client, kind: dict[str, str]) -> None:
    answer = http.post("/enroll", content=b"\x1f\x8b", headers={**kind, "Content-Encoding": "gzip"})
    assert code(answer) == (400, "invalid_request")
    assert [each["field"] for each in answer.json()["errors"]] == ["Content-Encoding"]


@pytest.mark.parametrize(
    "subject_id",
    [
        ".",
        "..",
        "",
        "a/b",
        "../etc",
        "a\nb",
        "kim\n",
        "a b",
        "\0",
        "김민지",
        "é",
        "a" * 129,
        "kim%2F",
        "a\\b",
    ],
)
def test_subject_id_of_another_form(client: CollectionClient, subject_id: str) -> None:
    for answer in (
        client.given("/enroll", face_of("kim"), subjectId=subject_id),
        client.given("/verify", face_of("kim"), subjectId=subject_id),
        client.http.post("/enroll", data={"subjectId": subject_id}, files=files([b""])),
    ):
        assert code(answer) == (400, "invalid_request")
        assert answer.json()["errors"][0]["field"] == "subjectId"


@pytest.mark.parametrize(
    "path", ["a%0Ab", "%FF%FE", "a" * 129, "%ED%95%9C", "a%00b", "a%20b", "%25"]
)
def test_subject_id_of_another_form_in_a_path(http: httpx.Client, path: str) -> None:
    for method in ("GET", "DELETE"):
        answer = http.request(method, f"/admin/subjects/{path}")
        assert code(answer) == (400, "invalid_request")


def test_slash_makes_another_address(http: httpx.Client) -> None:
    assert code(http.get("/admin/subjects/a%2Fb")) == (404, "not_found")


@pytest.mark.parametrize("collection", [".", "..", "", "a/b", "김", "a" * 65, "\n"])
def test_collection_of_another_form(
    client: CollectionClient, http: httpx.Client, collection: str
) -> None:
    elsewhere = CollectionClient(http, collection)
    assert code(elsewhere.given("/dedupe", face_of("kim"))) == (400, "invalid_request")
    assert code(elsewhere.subjects()) == (400, "invalid_request")


def test_field_has_one_name_and_that_is_in_camel_case(
    client: CollectionClient, portraits: list[Path]
) -> None:
    form = {"subject_id": "kim"}
    for answer in (
        client.given("/enroll", face_of("kim"), subject_id="kim"),
        client.http.post("/enroll", data=form, files=files(portraits[:1])),
        client.json("/dedupe", camera={"max_frames": 1}),
    ):
        assert code(answer) == (400, "invalid_request")
        assert "unknown" in {each["problem"] for each in answer.json()["errors"]}


def test_refusal_does_not_repeat_what_was_sent(client: CollectionClient) -> None:
    answer = client.given("/enroll", face_of("kim"), subjectId="마음대로", metadata="secret-words")
    assert code(answer) == (400, "invalid_request")
    assert "마음대로" not in answer.text
    assert "secret-words" not in answer.text
