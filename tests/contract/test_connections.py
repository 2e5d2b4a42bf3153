"""What goes over a connection beside whole, well-formed requests one at a time."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.contract.installation import CALL_SECONDS, LOOPBACK, Server

PIECE = 65_536
MEBIBYTE = 1024 * 1024
AT_REST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"

NOT_HTTP = {
    "noise": b"\x00\x01\x02\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "zero in a header": b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n",
    "header without a colon": b"GET /healthz HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n",
    "path that is not ASCII": "GET /\uac00 HTTP/1.1\r\nHost: a\r\n\r\n".encode(),
    "two lengths": b"POST /verify HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "length of 5,000 zeros": b"POST /verify HTTP/1.1\r\nHost: a\r\nContent-Length: "
    + b"0" * 5000
    + b"\r\n\r\n",
    "length with a sign": b"POST /verify HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n",
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "two hosts of HTTP/1.0": b"GET /healthz HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
    "two hosts": b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
}


class Line:
    """A connection whose bytes the test writes itself."""

    def __init__(self, server: Server) -> None:
        self.socket = socket.create_connection((LOOPBACK, server.port), timeout=CALL_SECONDS)
        self._read = self.socket.makefile("rb")

    def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.socket.sendall(piece)

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Status, headers in small letters, body."""
        status, headers = self.head()
        return status, headers, self._body(headers)

    def head(self) -> tuple[int, dict[str, str]]:
        """The same of an answer without a body."""
        status = int(self._read.readline().split()[1])
        headers: dict[str, str] = {}
        while line := self._read.readline().decode().strip():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        return status, headers

    def _body(self, headers: dict[str, str]) -> bytes:
        if "content-length" in headers or headers.get("connection") != "close":
            return self._read.read(int(headers.get("content-length", 0)))
        if headers.get("transfer-encoding") != "chunked":
            return self._read.read()
        whole = b""
        while size := int(self._read.readline(), 16):
            whole += self._read.read(size + 2)[:-2]
        self._read.readline()
        return whole

    def ended(self) -> bool:
        return self._read.read(1) == b""

    def close(self) -> None:
        self._read.close()
        self.socket.close()


@pytest.fixture
def line(server: Server) -> Iterator[Line]:
    with closing(Line(server)) as line:
        yield line


def form(key: str, *headers: str) -> tuple[bytes, bytes]:
    """Head and body of a call that is refused for the unknown subject."""
    body = b'--B\r\nContent-Disposition: form-data; name="subjectId"\r\n\r\nnobody\r\n--B--\r\n'
    lines = [
        "POST /verify HTTP/1.1",
        "Host: localhost",
        f"X-API-Key: {key}",
        "Content-Type: multipart/form-data; boundary=B",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode(), body


def sized(key: str, *headers: str) -> tuple[bytes, bytes]:
    length = len(form(key)[1])
    return form(key, f"Content-Length: {length}", *headers)


@pytest.mark.parametrize("sent", NOT_HTTP.values(), ids=NOT_HTTP)
def test_what_is_not_http_is_refused_and_ends_the_connection(line: Line, sent: bytes) -> None:
    """By the server itself: there is no request yet that a problem document could be about."""
    line.send(sent)
    assert line.answer()[0] == 400
    assert line.ended()


DOUBTFUL = {
    "length and pieces": (
        b"POST /verify HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
    ),
    "pieces of HTTP/1.0": b"POST /verify HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9 with a number": b"GET /healthz HTTP/0.9\r\n\r\n",
    "host with a space": b"GET /healthz HTTP/1.1\r\nHost: a b\r\n\r\n",
    "host with a path": b"GET /healthz HTTP/1.1\r\nHost: a/b\r\n\r\n",
}


@pytest.mark.parametrize("sent", DOUBTFUL.values(), ids=DOUBTFUL)
def test_what_may_be_read_in_two_ways_is_refused_and_ends_the_connection(
    line: Line, sent: bytes
) -> None:
    line.send(sent)
    status, headers, body = line.answer()
    assert (status, json.loads(body)["code"]) == (400, "invalid_request")
    assert json.loads(body)["requestId"] == headers["x-request-id"]
    assert line.ended()


ADDRESSED = {
    "with a port": (b"GET /healthz HTTP/1.1\r\nHost: face.example:443\r\n\r\n", 200),
    "by IPv6": (b"GET /healthz HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 200),
    "by a name with an underscore": (b"GET /healthz HTTP/1.1\r\nHost: face_app\r\n\r\n", 200),
    "HTTP/1.0, without a host": (b"GET /healthz HTTP/1.0\r\n\r\n", 200),
    "absolute form": (b"GET http://a/healthz HTTP/1.1\r\nHost: a\r\n\r\n", 404),
    "the server itself": (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 404),
    "OPTIONS": (b"OPTIONS /verify HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    "method in small letters": (b"get /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    "tunnel": (b"CONNECT localhost:1 HTTP/1.1\r\nHost: localhost:1\r\n\r\n", 404),
}


@pytest.mark.parametrize("name", ADDRESSED)
def test_other_forms_of_a_request_are_answered_by_the_service(line: Line, name: str) -> None:
    sent, expected = ADDRESSED[name]
    line.send(sent)
    status, headers, _ = line.answer()
    assert status == expected
    assert headers["x-request-id"]


def test_garbage_behind_a_request_does_not_lose_its_answer(line: Line, key: str) -> None:
    line.send(b"".join(sized(key)) + b"\x00garbage\r\n\r\n")
    status, _, body = line.answer()
    assert (status, json.loads(body)["code"]) == (400, "invalid_request")
    assert line.answer()[0] == 400
    assert line.ended()


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/docs", "/redoc", "/openapi.json"])
def test_head_is_get_without_its_body(line: Line, path: str) -> None:
    line.send(f"HEAD {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    status, headers = line.head()
    assert status == 200
    assert int(headers["content-length"]) > 0
    line.send(AT_REST)
    assert line.answer()[0] == 200


def test_head_that_calls_for_nothing_is_told_the_methods(line: Line) -> None:
    line.send(b"HEAD /verify HTTP/1.1\r\nHost: a\r\n\r\n")
    status, headers = line.head()
    assert (status, headers["allow"]) == (405, "POST")


def test_slash_at_the_end_leads_nowhere(line: Line) -> None:
    line.send(b"POST /verify/ HTTP/1.1\r\nHost: elsewhere\r\n\r\n")
    status, headers, _ = line.answer()
    assert status == 404
    assert "location" not in headers


def test_endless_head_is_not_listened_to(line: Line) -> None:
    line.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\n", b"X: y\r\n" * 12_000)
    assert line.answer()[0] == 400


def test_endless_header_is_not_listened_to(line: Line) -> None:
    line.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: ", b"y" * 66_000)
    assert line.answer()[0] == 400


def test_endless_trailer_is_not_listened_to(line: Line, key: str) -> None:
    head, _ = form(key, "Transfer-Encoding: chunked")
    line.send(head, b"1\r\n-\r\n0\r\n", b"X: y\r\n" * 60_000)
    assert line.answer()[0] == 400


def test_head_of_15_kib_is_listened_to(line: Line) -> None:
    line.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: ", b"y" * 15_000, b"\r\n\r\n")
    assert line.answer()[0] == 200


def test_connection_takes_the_next_call(line: Line, key: str) -> None:
    statuses = []
    for _ in range(3):
        line.send(*sized(key))
        statuses.append(line.answer()[0])
    assert statuses == [400, 400, 400]


def test_caller_may_end_the_connection(line: Line, key: str) -> None:
    line.send(*sized(key, "Connection: close"))
    line.answer()
    assert line.ended()


def test_calls_sent_at_once_are_answered_in_order(line: Line, key: str) -> None:
    line.send(b"".join(sized(key)) + AT_REST + b"".join(sized(key)) + AT_REST)
    assert [line.answer()[0] for _ in range(4)] == [400, 200, 400, 200]


def test_body_may_come_byte_by_byte(line: Line, key: str) -> None:
    head, body = sized(key)
    line.send(head, *(bytes([one]) for one in body))
    _, _, answer = line.answer()
    assert json.loads(answer)["errors"][0]["field"] == ""


def test_body_may_come_in_pieces_of_unknown_number(line: Line, key: str) -> None:
    head, body = form(key, "Transfer-Encoding: chunked")
    line.send(head, *(b"1\r\n%c\r\n" % one for one in body), b"0\r\n\r\n")
    _, _, answer = line.answer()
    assert json.loads(answer)["errors"][0]["field"] == ""


def test_caller_who_asks_first_is_told_to_send_the_body(line: Line, key: str) -> None:
    head, body = sized(key, "Expect: 100-continue")
    line.send(head)
    assert line.answer()[0] == 100
    line.send(body)
    assert line.answer()[0] == 400


def test_stranger_who_asks_first_is_told_to_keep_the_body(line: Line) -> None:
    line.send(sized("face_wrong", "Expect: 100-continue")[0])
    assert line.answer()[0] == 401


OFFER = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk")
"""As Java's own client makes it with every call."""


def test_call_is_read_whole_in_spite_of_an_offer_of_another_protocol(line: Line, key: str) -> None:
    line.send(*sized(key, *OFFER))
    _, _, answer = line.answer()
    assert json.loads(answer)["errors"][0]["field"] == ""


def test_connection_takes_the_next_call_after_an_offer_of_another_protocol(
    line: Line, key: str
) -> None:
    line.send(b"".join(sized(key, *OFFER)) * 2 + AT_REST)
    assert [line.answer()[0] for _ in range(3)] == [400, 400, 200]


def test_thousands_of_offers_at_once_are_passed_over(line: Line) -> None:
    offer = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    line.send(offer * 2000 + AT_REST)
    assert {line.answer()[0] for _ in range(2001)} == {200}


def test_next_caller_is_answered_after_one_who_went_away(server: Server, key: str) -> None:
    with closing(Line(server)) as leaving:
        head, body = sized(key)
        leaving.send(head, body[:10])
    with closing(Line(server)) as staying:
        staying.send(*sized(key))
        assert staying.answer()[0] == 400
