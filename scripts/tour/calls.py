"""Calls to the running service over HTTP, with urllib alone."""

from __future__ import annotations

import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TIMEOUT_SECONDS = 60.0
UNREACHABLE = 0
"""The status of a call that nobody answered."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: dict[str, Any]


class Service:
    """The service at `url`. Never through a proxy: it runs on this machine."""

    def __init__(self, url: str, key: str = "") -> None:
        self.url = url
        self._key = key
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def with_key(self, key: str) -> Service:
        return Service(self.url, key)

    def get(self, path: str) -> Answer:
        return self._send("GET", path, b"", "application/json")

    def put(self, path: str, body: dict[str, Any]) -> Answer:
        return self._send("PUT", path, json.dumps(body).encode(), "application/json")

    def delete(self, path: str) -> Answer:
        return self._send("DELETE", path, b"", "application/json")

    def post(self, path: str, photographs: Iterable[Path], **fields: str) -> Answer:
        boundary = secrets.token_hex(16)
        content = multipart(boundary, photographs, fields)
        return self._send("POST", path, content, f"multipart/form-data; boundary={boundary}")

    def _send(self, method: str, path: str, content: bytes, kind: str) -> Answer:
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": kind}
        request = urllib.request.Request(  # noqa: S310 - always http://127.0.0.1
            self.url + path, content or None, headers if self._key else {}, method=method
        )
        try:
            with self._opener.open(request, timeout=_TIMEOUT_SECONDS) as response:
                return Answer(response.status, json.load(response))
        except urllib.error.HTTPError as error:
            return Answer(error.code, _document(error.read()))
        except OSError as error:
            return Answer(UNREACHABLE, {"detail": str(error)})


def multipart(boundary: str, photographs: Iterable[Path], fields: dict[str, str]) -> bytes:
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    for number, photograph in enumerate(photographs):
        kind = "png" if photograph.suffix.lower() == ".png" else "jpeg"
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="images"; '
            f'filename="{number}.{kind}"\r\nContent-Type: image/{kind}\r\n\r\n'
        )
        parts.append(head.encode() + photograph.read_bytes() + b"\r\n")
    return b"".join([*parts, f"--{boundary}--\r\n".encode()])


def _document(content: bytes) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(content)
    except ValueError:
        return {"detail": content.decode("utf-8", "replace")}
    return document
