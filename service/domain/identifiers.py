"""What subjects, collections, profiles and keys may be called, as regular expressions.

Printable ASCII without slashes, spaces or control characters: a name fits into a URL's path, a
file name and a log line as it is. Not `.` or `..`, which clients take out of a path before they
send it: nobody could be asked for, or deleted, by such a name.

What an enrollment's metadata, consent reference and expiry must look like, whoever brings them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

SIGNS = "_:@-"
SIGNS_OF_A_PROFILE = "_-"
SIGNS_OF_AN_API_KEY = "_@-"
MOST_CHARACTERS_OF_A_SUBJECT_ID = 128
MOST_CHARACTERS = 64


def _pattern(signs: str, most: int) -> str:
    """Without looking ahead, which is not known everywhere: one, two, or more characters."""
    other = f"[A-Za-z0-9{signs}]"
    any_one = f"[A-Za-z0-9.{signs}]"
    return rf"(?:{other}{any_one}?|[.]{other}|{any_one}{{3,{most}}})"


SUBJECT_ID = _pattern(SIGNS, MOST_CHARACTERS_OF_A_SUBJECT_ID)
COLLECTION = _pattern(SIGNS, MOST_CHARACTERS)
PROFILE = _pattern(SIGNS_OF_A_PROFILE, MOST_CHARACTERS)
API_KEY = _pattern(SIGNS_OF_AN_API_KEY, MOST_CHARACTERS)

ALLOWED: Mapping[str, tuple[int, str]] = {
    SUBJECT_ID: (MOST_CHARACTERS_OF_A_SUBJECT_ID, SIGNS),
    COLLECTION: (MOST_CHARACTERS, SIGNS),
    PROFILE: (MOST_CHARACTERS, SIGNS_OF_A_PROFILE),
    API_KEY: (MOST_CHARACTERS, SIGNS_OF_AN_API_KEY),
}
"""By pattern, for people: the greatest length, and the signs besides letters, digits and the dot."""


IDEMPOTENCY_KEY = r"[\x21-\x7e]{1,128}"

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
