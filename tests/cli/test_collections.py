"""`face collections`: made, shown, set and erased, with every setting that HTTP has."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from service.cli.collections import Setting
from service.domain.collection import CollectionSettings
from tests.cli.face import Face

SETTINGS = {
    "threshold": ("vip=0.5", "ownThresholds", {"vip": 0.5}, {}),
    "duplicate-policy": ("flag", "duplicatePolicy", "flag", "reject"),
    "duplicate-profile": ("conservative", "duplicateProfile", "conservative", "balanced"),
    "faces": ("dominant", "faces", "dominant", None),
    "require-liveness": ("both", "requireLiveness", "both", "none"),
    "retention-days": ("365", "retentionDays", 365, None),
    "max-false-candidates": ("0.5", "maxFalseCandidates", 0.5, 0.1),
}
"""By option: a value, the field of the answer, what that is then, and what it is by default."""


@pytest.fixture
def face(gallery_face: Face) -> Face:
    return gallery_face.but(language="en")


def told(face: Face, *arguments: str) -> dict[str, Any]:
    outcome = face("collections", *arguments, "--json")
    assert outcome.status == 0, outcome.err
    answer: dict[str, Any] = json.loads(outcome.out)
    return answer


def test_every_setting_has_its_option() -> None:
    assert set(SETTINGS) == {*Setting}
    assert {setting.field for setting in Setting} == {
        each.name for each in fields(CollectionSettings)
    }


def test_collection_is_made_set_shown_listed_and_erased(face: Face) -> None:
    given = [word for name, (value, *_) in SETTINGS.items() for word in (f"--{name}", value)]
    made = told(face, "create", "shop", *given)
    assert {name: made[name] for _, name, _, _ in SETTINGS.values()} == {
        name: meant for _, name, meant, _ in SETTINGS.values()
    }
    assert told(face, "show", "shop") == made
    listed = told(face, "list")
    assert [one["collection"] for one in listed["collections"]] == ["default", "shop"]
    assert listed["collections"][1] == made
    assert told(face, "delete", "shop", "--yes") == {"collection": "shop", "templatesDeleted": 0}
    gone = face("collections", "show", "shop")
    assert gone.status == 3
    assert "[collection_not_found]" in gone.err


def test_setting_is_changed_alone_and_unset(face: Face) -> None:
    before = told(face, "create", "shop")
    for name, (value, field, meant, default) in SETTINGS.items():
        assert before[field] == default
        changed = told(face, "set", "shop", f"--{name}", value)
        assert changed[field] == meant
        assert told(face, "set", "shop", "--unset", name) == before


def test_page_after_page_is_listed(face: Face) -> None:
    told(face, "create", "shop")
    first = face("collections", "list", "--limit", "1")
    assert "default" in first.out
    assert "next page: --cursor default" in first.out
    assert [
        one["collection"] for one in told(face, "list", "--cursor", "default")["collections"]
    ] == ["shop"]


def test_settings_are_readable_in_both_languages(face: Face) -> None:
    shown = face("collections", "show", "default").out
    assert "where somebody looks alike" in shown
    assert "as the service is set" in shown
    assert "conservative" in shown
    assert "검색 임계값" in face("collections", "show", "default", "--lang", "ko").out


def test_name_is_given_once(face: Face) -> None:
    again = face("collections", "create", "default")
    assert again.status == 3
    assert "[collection_exists]" in again.err


def test_nobody_is_erased_unless_it_is_said_twice(
    face: Face, people: dict[str, list[Path]]
) -> None:
    told(face, "create", "shop")
    enrolled = face("enroll", "amy", people["amy"][0], "--collection", "shop")
    assert enrolled.status == 0, enrolled.err
    once = face("collections", "delete", "shop")
    assert once.status == 2
    assert "--yes" in once.err
    assert told(face, "show", "shop")["templates"] == 1
    deleted = face("collections", "delete", "shop", "--yes")
    assert (deleted.status, deleted.out) == (0, "shop: deleted (templates 1)\n")
    emptied = face("collections", "delete", "default", "--yes")
    assert (emptied.status, emptied.out) == (
        0,
        "default: emptied, under a new key (templates 0)\n",
    )
    assert told(face, "show", "default")["templates"] == 0


@pytest.mark.parametrize(
    ("arguments", "allowed"),
    [
        (("create", "a/b"), "A to Z"),
        (("create", "shop", "--retention-days", "0"), "It must be at least 1."),
        (
            ("create", "shop", "--max-false-candidates", "1000"),
            "It must be at least 1e-06. It must be at most 100",
        ),
        (("create", "shop", "--threshold", "vip"), "balanced=0.42"),
        (
            ("create", "shop", "--threshold", "vip=2"),
            "It must be at least -1.0. It must be at most 1",
        ),
        (("create", "shop", "--faces", "all"), "'dominant'"),
        (("set", "default"), "at least one setting"),
        (("set", "default", "--faces", "one", "--unset", "faces"), "none both"),
        (("set", "default", "--unset", "colour"), "'retention-days'"),
    ],
    ids=" ".join,
)
def test_wrong_use_is_told_what_is_allowed(
    bare_gallery: Face, arguments: tuple[str, ...], allowed: str
) -> None:
    refused = bare_gallery.but(language="en")("collections", *arguments)
    assert (refused.status, refused.out) == (2, "")
    assert allowed in " ".join(refused.err.split())


def test_unknown_profile_of_searches_is_a_job_not_done(face: Face) -> None:
    unknown = face("collections", "set", "default", "--duplicate-profile", "nobodys")
    assert unknown.status == 3
    assert "[profile_not_found]" in unknown.err
