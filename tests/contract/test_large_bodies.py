"""Bodies that no valid request can have are refused early, and the caller is told."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import httpx
import pytest

from tests.contract.collection_client import code
from tests.contract.installation import CALL_SECONDS, Server

MEBIBYTE = 1024 * 1024
BODY = 8 * MEBIBYTE
JSON = {"Content-Type": "application/json"}


def chunks() -> Iterator[bytes]:
    for _ in range(BODY // MEBIBYTE):
        yield b" " * MEBIBYTE


@pytest.mark.parametrize("path", ["/enroll", "/token/images", "/token/camera"])
@pytest.mark.parametrize("body", ["of declared length", "in chunks"])
def test_body_above_the_limit(strict: Server, key: str, path: str, body: str) -> None:
    with strict.client(key) as http:
        content = chunks() if body == "in chunks" else b" " * BODY
        answer = http.post(path, content=content, headers=JSON)
    assert code(answer) == (413, "image_too_large")


@pytest.mark.parametrize(
    "call",
    [
        "POST /token/camera",
        "POST /token/directory",
        "PUT /admin/collections/default",
        "PATCH /admin/collections/default",
    ],
)
def test_call_that_takes_no_photographs_takes_no_large_body(
    strict: Server, key: str, call: str
) -> None:
    method, _, path = call.partition(" ")
    with strict.client(key) as http:
        answer = http.request(method, path, content=b" " * 40 * 1024, headers=JSON)
    assert code(answer) == (413, "image_too_large")


def test_megabyte_of_images_that_are_none_is_refused_in_few_words(strict: Server, key: str) -> None:
    with strict.client(key) as http:
        body = b'{"subjectId": "kim", "images": [' + b"1," * 500_000 + b"1]}"
        answer = http.post("/enroll", content=body, headers=JSON)
    assert code(answer) == (413, "too_many_images")
    assert len(answer.content) < 1000


def test_form_above_the_limit(strict: Server, key: str) -> None:
    with strict.client(key) as http:
        answer = http.post("/enroll", files={"images": ("1.jpg", b" " * BODY)})
    assert code(answer) == (413, "image_too_large")


def test_stranger_who_sends_chunks_is_told_to_authenticate(strict: Server) -> None:
    with strict.client() as http:
        answer = http.post("/enroll", content=chunks(), headers=JSON)
    assert code(answer) == (401, "unauthenticated")


@pytest.mark.parametrize(
    "call",
    [
        "POST /token/camera",
        "POST /token/directory",
        "POST /token/images",
        "POST /enroll",
        "POST /verify",
        "POST /dedupe",
        "POST /identify",
        "PUT /admin/collections/default",
        "PATCH /admin/collections/default",
    ],
)
def test_stranger_is_answered_before_the_body_is_sent(strict: Server, call: str) -> None:
    with socket.create_connection(("127.0.0.1", strict.port), timeout=CALL_SECONDS) as line:
        line.sendall(_head(call))
        assert b" 401 " in line.recv(MEBIBYTE)


def test_caller_who_hangs_up_is_no_error(strict: Server, key: str) -> None:
    with socket.create_connection(("127.0.0.1", strict.port)) as line:
        line.sendall(_head("POST /enroll", f"X-API-Key: {key}") + b"{")
    with strict.client(key) as http:
        assert http.get("/healthz").status_code == 200
        assert http.post("/enroll", content=b"{", headers=JSON).status_code == 400
    assert "ClientDisconnect" not in strict.log


def _head(call: str, *headers: str) -> bytes:
    """Of a request whose body of 1,000 bytes is not there yet."""
    lines = [f"{call} HTTP/1.1", "Host: localhost", "Content-Type: application/json", *headers]
    return "\r\n".join([*lines, "Content-Length: 1000", "", ""]).encode()


def test_announced_gigabytes_are_not_waited_for(strict: Server, key: str) -> None:
    with socket.create_connection(("127.0.0.1", strict.port), timeout=CALL_SECONDS) as line:
        head = _head("POST /enroll", f"X-API-Key: {key}").replace(b": 1000", b": 99999999999")
        line.sendall(head)
        assert b" 413 " in line.recv(MEBIBYTE)


def test_service_answers_after_all_of_this(strict: Server) -> None:
    assert httpx.get(f"{strict.url}/readyz", timeout=CALL_SECONDS).status_code == 200


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize(("known", "status"), [(False, b" 401 "), (True, b" 413 ")])
def test_refusal_is_read_by_a_caller_who_sends_all_of_it_first(
    strict: Server, key: str, version: str, known: bool, status: bytes
) -> None:
    """As proxies and simple clients do, which want the connection closed. Four times, since a reset
    is a matter of who is faster.
    """
    authorization = f"Authorization: Bearer {key}\r\n" if known else ""
    head = (
        f"POST /enroll HTTP/{version}\r\nHost: localhost\r\nConnection: close\r\n{authorization}"
        f"Content-Type: application/json\r\nContent-Length: {BODY}\r\n\r\n"
    )
    for _ in range(4):
        with socket.create_connection(("127.0.0.1", strict.port), timeout=CALL_SECONDS) as line:
            line.sendall(head.encode() + bytes(BODY))
            answer = _read_to_the_end(line)
        assert status in answer.partition(b"\r\n")[0]
        assert answer.endswith(b"}")


def _read_to_the_end(line: socket.socket) -> bytes:
    answer = b""
    while piece := line.recv(MEBIBYTE):
        answer += piece
    return answer
