"""What subjects, collections, profiles and keys may be called, as regular expressions.

Printable ASCII without slashes, spaces or control characters: a name fits into a URL's path, a
file name and a log line as it is. Not `.` or `..`, which clients take out of a path before they
send it: nobody could be asked for, or deleted, by such a name.
"""

from __future__ import annotations

from collections.abc import Mapping

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
