"""The main job on real photographs: enroll, verify, find duplicates, forget."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.contract.collection_client import CollectionClient, code, ok

People = dict[str, list[Path]]
ENROLLED, PROBES = slice(0, 3), slice(3, 5)
CALLERS = 4


@pytest.fixture(scope="module")
def client(http: httpx.Client, people: People) -> Iterator[CollectionClient]:
    """Everybody is enrolled with photographs 1 to 3."""
    client = CollectionClient(http, f"main-{uuid4().hex}")
    ok(client.put())
    for name, photos in people.items():
        ok(client.enroll(name, *photos[ENROLLED]), 201)
    yield client
    ok(http.delete(f"/admin/collections/{client.collection}"))


@pytest.fixture(scope="module")
def verdicts(
    client: CollectionClient, people: People
) -> dict[tuple[str, str, Path], dict[str, Any]]:
    """Photographs 4 and 5 of everybody against everybody, at the profile `balanced`."""
    asked = [
        (claimed, name, photo)
        for claimed, name in product(people, people)
        for photo in people[name][PROBES]
    ]
    with ThreadPoolExecutor(CALLERS) as callers:
        answers = callers.map(
            lambda one: ok(client.verify(one[0], one[2], profile="balanced")), asked
        )
        return dict(zip(asked, answers, strict=True))


def test_all_16_other_photographs_of_enrolled_people_match(
    verdicts: dict[tuple[str, str, Path], dict[str, Any]],
) -> None:
    own = [answer for (claimed, name, _), answer in verdicts.items() if claimed == name]
    assert [answer["match"] for answer in own] == [True] * 16


def test_all_112_photographs_of_others_are_refused(
    verdicts: dict[tuple[str, str, Path], dict[str, Any]],
) -> None:
    others = [answer for (claimed, name, _), answer in verdicts.items() if claimed != name]
    assert [answer["match"] for answer in others] == [False] * 112


def test_everybody_is_found_out_under_a_second_name(
    client: CollectionClient, people: People
) -> None:
    for name, photos in people.items():
        refusal = client.enroll(f"{name}-again", photos[3])
        assert code(refusal) == (409, "duplicate_subject")
        assert refusal.json()["errors"][0]["subjectId"] == name


def test_everybody_is_identified(client: CollectionClient, people: People) -> None:
    for name, photos in people.items():
        (candidate,) = ok(client.identify(photos[4]))["candidates"]
        assert candidate["subjectId"] == name


def test_photograph_of_several_people_is_refused_with_the_reason(
    client: CollectionClient, scenes: list[Path]
) -> None:
    for scene in scenes:
        refusal = client.enroll("crowd", scene)
        assert code(refusal) == (422, "no_usable_face")
        assert [each["reason"] for each in refusal.json()["errors"]] == ["multiple_faces"]


def test_photographs_of_different_people_are_refused_together(
    client: CollectionClient, people: People
) -> None:
    first, second, *_ = people.values()
    refusal = client.enroll("mixed", first[0], second[0])
    assert code(refusal) == (422, "inconsistent_images")


def test_deleted_person_is_forgotten_and_can_enroll_anew(
    client: CollectionClient, people: People
) -> None:
    name, photos = next(iter(people.items()))
    assert ok(client.delete(name))["templatesDeleted"] == 1
    assert code(client.verify(name, photos[3])) == (404, "subject_not_found")
    assert code(client.subject(name)) == (404, "subject_not_found")
    assert ok(client.dedupe(photos[3]))["candidates"] == []
    assert ok(client.identify(photos[3]))["candidates"] == []
    ok(client.enroll(name, *photos[ENROLLED]), 201)
    assert ok(client.verify(name, photos[3]))["match"] is True
