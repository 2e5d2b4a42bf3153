"""What an enrollment's metadata, consent reference and expiry must look like, whoever brings them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

MOST_METADATA_BYTES = 4096
MOST_REFERENCE_CHARACTERS = 256

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)


def metadata_fits(metadata: Mapping[str, Any]) -> bool:
    """Whether it is short enough. Raises `ValueError` for what is no JSON (RFC 8259, 6): NaN."""
    text = json.dumps(metadata, ensure_ascii=False, allow_nan=False)
    return len(text.encode()) <= MOST_METADATA_BYTES


def is_moment(text: str) -> bool:
    """RFC 3339: no seconds since 1970, no date alone, no time without its zone."""
    return _RFC_3339.fullmatch(text) is not None


def is_reference(text: str) -> bool:
    return 1 <= len(text) <= MOST_REFERENCE_CHARACTERS and text.isprintable()
