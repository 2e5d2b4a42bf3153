"""Photographs in JSON: base64 as browsers, Android and Java write it."""

from __future__ import annotations

import base64
import re

_DATA_URL = re.compile(r"data:[^,;]{0,100}(;[^,;]{0,100}){0,4};base64,", re.ASCII | re.IGNORECASE)
"""`data:image/jpeg;base64,` of `FileReader` and `canvas` (RFC 2397)."""

PATTERN = (
    r"^(data:[^,]*;base64,)?"
    r"([A-Za-z0-9+/_-]{4})*([A-Za-z0-9+/_-]{2}(==)?|[A-Za-z0-9+/_-]{3}=?)?$"
)
"""For the documentation, without the line breaks that may stand anywhere."""


def image_of(text: str) -> bytes:
    """The bytes of `text`. Beside RFC 4648, 4: a `data:` URL, lines (RFC 2045: Java's and Android's
    MIME form), the alphabet for URLs (5) and missing padding. Raises `ValueError` for all else.
    """
    if (url := _DATA_URL.match(text)) is not None:
        text = text[url.end() :]
    text = text.replace("\n", "").replace("\r", "").replace("-", "+").replace("_", "/")
    if not text.endswith("="):
        text += "=" * (-len(text) % 4)
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:  # `binascii.Error`, or not ASCII
        raise ValueError("not base64") from None
