"""Base64 as browsers, Android and Java write it, and nothing else."""

from __future__ import annotations

import base64
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.api.models import BASE64_PATTERN, image_of

IMAGE = bytes(range(256)) * 3
PLAIN = base64.b64encode(IMAGE).decode()


def in_lines(text: str, end: str) -> str:
    return end.join(text[start : start + 76] for start in range(0, len(text), 76)) + end


WRITTEN = {
    "RFC 4648": PLAIN,
    "FileReader.readAsDataURL": f"data:image/jpeg;base64,{PLAIN}",
    "data URL without a type": f"data:;base64,{PLAIN}",
    "data URL with a parameter": f"data:image/png;name=a.png;base64,{PLAIN}",
    "android.util.Base64.DEFAULT": in_lines(PLAIN, "\n"),
    "java.util.Base64.getMimeEncoder": in_lines(PLAIN, "\r\n"),
    "java.util.Base64.getUrlEncoder": base64.urlsafe_b64encode(IMAGE).decode(),
    "base64url without padding": base64.urlsafe_b64encode(IMAGE[:-1]).decode().rstrip("="),
    "data URL of that": f"data:image/webp;base64,{PLAIN.rstrip('=')}",
}


@pytest.mark.parametrize("writer", WRITTEN)
def test_what_clients_write_is_taken(writer: str) -> None:
    assert IMAGE.startswith(image_of(WRITTEN[writer]))
    assert len(image_of(WRITTEN[writer])) >= len(IMAGE) - 1


@given(st.binary(max_size=100))
@example(b"")
@example(b"\xfb\xff")
def test_every_way_means_the_same(content: bytes) -> None:
    plain = base64.b64encode(content).decode()
    safe = base64.urlsafe_b64encode(content).decode()
    for text in (plain, safe, plain.rstrip("="), safe.rstrip("="), in_lines(plain, "\r\n")):
        assert image_of(text) == content
    assert re.fullmatch(BASE64_PATTERN, plain)


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "aGk==",
        "=aGk=",
        "aG k=",
        "aGk=aGk=",
        "aGk\t",
        "no base64!",
        "가나다라",
        "\ud800aGk",
        "data:image/png,aGk=",
        "data:image/png;base64",
        "http://localhost/1.jpg",
        "data:" + ";" * 10_000 + "base64,aGk=",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not base64"):
        image_of(text)
