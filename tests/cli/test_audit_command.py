"""`face audit`: the log on a terminal, and whether it is whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import text

from service.domain.errors import InvalidRequest, MasterKeyInvalid
from tests.cli.face import MASTER_KEY, Outcome, call
from tests.usecases.service_process import Tables


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database_url: str) -> None:
    """The settings of a service that never wrote anything."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FACE_DATABASE_URL", database_url)
    monkeypatch.setenv("FACE_MASTER_KEY", MASTER_KEY)


@pytest.fixture
def written(started: None) -> None:
    """Where three keys were made."""
    for name in ("till", "door", "gate"):
        assert call("apikey", "create", name, "--scope", "verify").status == 0


def audit(*arguments: str) -> Outcome:
    return call("audit", *arguments)


def checkpoint() -> str:
    return audit("verify", "--lang", "en").out.split()[-1]


def test_list_is_for_people_and_for_machines(written: None) -> None:
    outcome = audit("list", "--lang", "en", "--limit", "2")
    assert outcome.status == 0
    heading, *rows, cursor = outcome.out.splitlines()
    assert heading.split() == [
        "number", "at", "caller", "action", "collection", "outcome", "request"
    ]  # fmt: skip
    assert [row.split()[0] for row in rows] == ["3", "2"]
    assert cursor == "next page: --cursor 2"
    rest = json.loads(audit("list", "--cursor", "2", "--json").out)
    assert [(one["sequence"], one["action"]) for one in rest["records"]] == [(1, "api_key_create")]


def test_list_is_asked_by_action_and_time(written: None) -> None:
    for options, count in (
        (("--action", "api_key_create"), 3),
        (("--action", "erase"), 0),
        (("--since", "2026-01-01"), 3),
        (("--until", "2026-01-01T00:00+09:00"), 0),
    ):
        records = json.loads(audit("list", "--json", *options).out)["records"]
        assert len(records) == count, options


def test_list_needs_no_master_key(written: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """An auditor has none."""
    monkeypatch.delenv("FACE_MASTER_KEY")
    outcome = audit("list", "--json")
    assert len(json.loads(outcome.out)["records"]) == 3


def test_whole_log_is_status_0_and_tells_its_checkpoint(written: None) -> None:
    outcome = audit("verify", "--lang", "en")
    assert outcome.status == 0
    whole, begun, noted = outcome.out.splitlines()
    assert whole == "the audit log is whole: 3 records"
    assert begun.startswith("chain begun ")
    assert noted.startswith("checkpoint: 3:")
    assert audit("verify", "--expect", checkpoint()).status == 0


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "not as the service wrote it (1)"),
        ("ko", "서비스가 기록한 것과 다름 (1건)"),
    ],
)
def test_altered_key_beside_a_whole_log_is_status_1_and_told(
    written: None, database_url: str, language: str, sentence: str
) -> None:
    Tables(database_url).change("UPDATE api_keys SET scopes = '{admin}' WHERE name = 'till'")
    outcome = audit("verify", "--lang", language)
    assert outcome.status == 1
    finding = outcome.out.splitlines()[-1]
    assert finding.startswith("api_key ")
    assert finding.endswith(sentence)


def test_manipulated_log_is_status_1_and_tells_the_number(written: None, database_url: str) -> None:
    with Tables(database_url).unguarded() as connection:
        connection.execute(text("DELETE FROM audit WHERE sequence = 2"))
    outcome = audit("verify", "--lang", "en")
    assert outcome.status == 1
    assert outcome.out == "the audit log is not whole: number 2, removed\n"


def test_log_that_does_not_hold_what_was_noted_is_status_1(written: None) -> None:
    noted = checkpoint()
    for expected, flaw in (
        (f"9{noted}", "number 4, from here on everything is gone"),
        ("2:" + "0" * 64, "number 2, not as the checkpoint says"),
    ):
        outcome = audit("verify", "--lang", "en", "--expect", expected)
        assert (outcome.status, outcome.out.strip()) == (
            1,
            f"the audit log is not whole: {flaw}",
        )


def test_verifying_begins_no_chain(started: None, database_url: str) -> None:
    assert audit("verify").status == 0
    assert Tables(database_url).rows("SELECT * FROM audit_head") == []


def test_another_master_key_is_refused(written: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACE_MASTER_KEY", "B" * 42 + "A=")
    with pytest.raises(MasterKeyInvalid):
        audit("verify")


def test_person_is_asked_for_in_a_collection(written: None) -> None:
    with pytest.raises(InvalidRequest):
        audit("list", "--subject", "kim")


@pytest.mark.parametrize(
    "wrong",
    [
        ("verify", "--expect", "nonsense"),
        ("list", "--since", "yesterday"),
        ("list", "--collection", "a/b"),
    ],
)
def test_wrong_use_is_status_2(started: None, wrong: tuple[str, ...]) -> None:
    assert audit(*wrong).status == 2
