"""What deletion leaves to do, and giving a person their data, on the command line."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import text

from service import wiring
from service.config import AppConfig
from service.domain.collection import Subject
from service.domain.errors import ClocksDisagree, SubjectNotFound
from service.domain.expiry import ALWAYS_REMOVED
from service.domain.face import EMBEDDING_SIZE
from service.domain.template import template_of
from service.storage.engine import single_use_engine
from service.usecases.unlocked_collection import UnlockedCollection
from service.wiring import Wiring
from tests.cli.face import MASTER_KEY, call
from tests.domain.vectors import face_of
from tests.enrolled import add_people

YESTERDAY = datetime.now(UTC) - timedelta(days=1)


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    for name, value in (("DATABASE_URL", database_url), ("MASTER_KEY", MASTER_KEY)):
        monkeypatch.setenv(f"FACE_{name}", value)
    monkeypatch.setenv("FACE_LANGUAGE", "en")


def _enroll(subject_id: str, expires_at: datetime | None = None) -> None:
    """Without a model: the rows that an enrollment makes."""
    made = Wiring(AppConfig())
    made.prepare()
    with made.storage.transaction() as tx:
        collection = tx.collections.find_with_keys_locked("default")
        assert collection is not None
        people = UnlockedCollection.unlock(collection, made.vault)
        enrolled = YESTERDAY - timedelta(days=1)
        row = people.seal(subject_id, "model", template_of([face_of(subject_id)]), enrolled)
        add_people(tx, collection, [row], enrolled, expires_at)


def _actions(database_url: str) -> list[str]:
    with single_use_engine(database_url).connect() as connection:
        return list(connection.scalars(text("SELECT action FROM audit ORDER BY sequence")))


def test_purge_removes_whose_time_is_over_and_tells_how_many(database_url: str) -> None:
    _enroll("kim", YESTERDAY)
    _enroll("lee")
    outcome = call("purge")
    assert (outcome.status, outcome.out) == (0, "people whose time was over, removed: 1\n")
    assert _actions(database_url) == ["expire"]
    assert call("purge", "--lang", "ko").out == "기간이 지나 삭제한 사람: 0\n"


def test_process_whose_clock_is_far_ahead_purges_nobody(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _enroll("kim", datetime.now(UTC) + timedelta(days=1))
    with monkeypatch.context() as wrong:
        wrong.setattr(wiring, "utc_now", lambda: datetime.now(UTC) + timedelta(days=400))
        with pytest.raises(ClocksDisagree):
            call("purge", "--confirm", "default")
    assert _actions(database_url) == []
    assert call("subjects", "show", "kim").status == 0


def test_unusually_many_wait_for_a_word(database_url: str) -> None:
    _enroll("kim", YESTERDAY)
    with Wiring(AppConfig()).storage.transaction() as tx:
        collection = tx.collections.find_with_keys_locked("default")
        assert collection is not None
        enrolled, names = YESTERDAY - timedelta(days=1), range(ALWAYS_REMOVED)
        tx.subjects.add_all(
            collection, [Subject(f"p{n}", enrolled, expires_at=YESTERDAY) for n in names]
        )
    held = call("purge")
    assert (held.status, held.out) == (3, "people whose time was over, removed: 0\n")
    many = ALWAYS_REMOVED + 1
    assert f"default: {many} of {many} people are expired" in held.err
    assert "face purge --confirm default" in held.err
    assert "한꺼번에 너무 많아" in call("purge", "--lang", "ko").err
    done = call("purge", "--confirm", "default")
    assert (done.status, done.out) == (0, f"people whose time was over, removed: {many}\n")


def test_scrub_is_status_0_where_nothing_remains() -> None:
    _enroll("kim")
    outcome = call("scrub")
    assert (outcome.status, outcome.out) == (0, "")


def test_export_is_everything_as_json(database_url: str) -> None:
    _enroll("kim")
    outcome = call("subjects", "export", "kim")
    exported = json.loads(outcome.out)
    assert outcome.status == 0
    (template,) = exported["templates"]
    assert len(template["embedding"]) == EMBEDDING_SIZE
    np.testing.assert_allclose(template["embedding"], face_of("kim"))
    assert [(one["action"], one["caller"]) for one in exported["audit"]] == [("export", "local")]


def test_expired_person_is_not_exported() -> None:
    _enroll("kim", YESTERDAY)
    with pytest.raises(SubjectNotFound):
        call("subjects", "export", "kim")


@pytest.mark.parametrize(
    ("option", "action"), [([], "erase"), (["--consent-withdrawn"], "consent_withdrawn")]
)
def test_deletion_writes_down_why(database_url: str, option: list[str], action: str) -> None:
    _enroll("kim")
    assert call("delete", "kim", *option).status == 0
    assert _actions(database_url) == [action]


def test_expiry_and_consent_are_shown() -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    _enroll("kim", tomorrow)
    lines = call("subjects", "show", "kim").out.splitlines()
    shown = {name: value.strip() for name, value in (line.split(maxsplit=1) for line in lines)}
    assert (shown["expires"], shown["consent"]) == (f"{tomorrow:%F %T} UTC", "-")
