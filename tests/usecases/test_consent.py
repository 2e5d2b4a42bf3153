"""The consent that an enrollment rests on, and taking it back."""

from __future__ import annotations

import pytest

from service.domain.errors import CollectionNotFound, SubjectNotFound, TemplateTampered
from service.usecases.enrollment import Mode
from tests.usecases.desk import DEFAULT, Desk, Tables

REFERENCE = "동의서 2026-17 (김민지)"


def _reference(desk: Desk) -> str | None:
    return desk.subjects.show("kim", DEFAULT).consent_reference


def test_reference_is_readable_again(desk: Desk) -> None:
    desk.enroll("kim", "kim", consent_reference=REFERENCE)
    assert _reference(desk) == REFERENCE


def test_nobody_has_a_reference_unless_given(desk: Desk) -> None:
    desk.enroll("kim", "kim")
    assert _reference(desk) is None


def test_reference_is_sealed_in_the_row(desk: Desk, tables: Tables) -> None:
    desk.enroll("kim", "kim", consent_reference=REFERENCE)
    (row,) = tables.rows("SELECT consent FROM subjects")
    assert all(
        word.encode() not in row["consent"] for word in ("동의서 2026-17", "2026-17 (김민지)")
    )


@pytest.mark.parametrize("other", ["lee", "kim"])
def test_reference_of_another_person_or_purpose_does_not_open(
    desk: Desk, tables: Tables, other: str
) -> None:
    desk.enroll("kim", "kim", consent_reference=REFERENCE, metadata={"a": 1})
    desk.enroll("lee", "lee", consent_reference=REFERENCE)
    column = "metadata" if other == "kim" else "consent"
    tables.change(
        f"UPDATE subjects SET consent = other.{column} FROM subjects other"
        " WHERE subjects.subject_id = 'kim' AND other.subject_id = :other",
        other=other,
    )
    with pytest.raises(TemplateTampered):
        _reference(desk)


@pytest.mark.parametrize("mode", [Mode.ADD, Mode.REPLACE])
def test_new_reference_takes_the_place_of_the_old_and_none_keeps_it(desk: Desk, mode: Mode) -> None:
    desk.enroll("kim", "kim", consent_reference="form 1")
    desk.enroll("kim", "kim:1", mode=mode)
    assert _reference(desk) == "form 1"
    desk.enroll("kim", "kim:2", mode=mode, consent_reference="form 2")
    assert _reference(desk) == "form 2"


def test_who_withdraws_is_forgotten_and_the_log_says_why(desk: Desk, tables: Tables) -> None:
    desk.enroll("kim", "kim", consent_reference=REFERENCE, metadata={"a": 1}, idempotency_key="1")
    withdrawal = desk.withdraw_consent("kim")
    assert (withdrawal.subject_id, withdrawal.templates_deleted) == ("kim", 1)
    content = tables.content()
    assert all(content[name] == [] for name in ("subjects", "templates", "answers"))
    enrolled, withdrawn = tables.rows("SELECT * FROM audit ORDER BY sequence")
    assert (withdrawn["action"], withdrawn["audit_id"]) == (
        "consent_withdrawn",
        withdrawal.audit_id,
    )
    assert withdrawn["subject"] == enrolled["subject"]


def test_who_gave_no_reference_may_withdraw_too(desk: Desk) -> None:
    desk.enroll("kim", "kim")
    desk.withdraw_consent("kim")
    with pytest.raises(SubjectNotFound):
        desk.verify("kim", "kim")


def test_who_is_not_enrolled_has_nothing_to_withdraw(desk: Desk) -> None:
    with pytest.raises(SubjectNotFound):
        desk.withdraw_consent("kim")
    with pytest.raises(CollectionNotFound):
        desk.withdraw_consent("kim", "nowhere")
