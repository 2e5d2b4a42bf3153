"""Names that fit into a path of a URL, a file name and a line of a log."""

from __future__ import annotations

import re

import pytest

from service.domain import identifiers

LENGTHS = {
    identifiers.SUBJECT_ID: 128,
    identifiers.COLLECTION: 64,
    identifiers.PROFILE: 64,
    identifiers.API_KEY: 64,
}


@pytest.mark.parametrize("pattern", LENGTHS)
@pytest.mark.parametrize("name", ["a", "7", "_", "-", "a.", ".a", "..a", "...", "a.b", "A-1_.z"])
def test_name_is_taken(pattern: str, name: str) -> None:
    assert re.fullmatch(pattern, name)


@pytest.mark.parametrize("pattern", LENGTHS)
@pytest.mark.parametrize(
    "name", [".", "..", "", "/", "a/b", "a b", " ", "a\n", "\n", "é", "김", "%2e"]
)
def test_name_is_refused(pattern: str, name: str) -> None:
    assert not re.fullmatch(pattern, name)


@pytest.mark.parametrize(("pattern", "longest"), LENGTHS.items())
def test_length_is_limited(pattern: str, longest: int) -> None:
    assert re.fullmatch(pattern, "a" * longest)
    assert not re.fullmatch(pattern, "a" * (longest + 1))


@pytest.mark.parametrize("pattern", LENGTHS)
def test_what_people_are_told_is_what_is_taken(pattern: str) -> None:
    most, signs = identifiers.ALLOWED[pattern]
    assert most == LENGTHS[pattern]
    for sign in map(chr, range(33, 127)):
        assert bool(re.fullmatch(pattern, "a" + sign)) == (sign.isalnum() or sign in f".{signs}")
