"""The consent that an enrollment rests on, and taking it back."""

from __future__ import annotations

import pytest

from service.domain.errors import CollectionNotFound, SubjectNotFound, TemplateTampered
from service.usecases.enrollment import Mode
from tests.usecases.service_process import DEFAULT, Service, Tables

REFERENCE = "동의서 2026-17 (김민지)"


def _reference(service: Service) -> str | None:
    return service.subjects.show("kim", DEFAULT).consent_reference


def test_reference_is_readable_again(service: Service) -> None:
    service.enroll("kim", "kim", consent_reference=REFERENCE)
    assert _reference(service) == REFERENCE


def test_nobody_has_a_reference_unless_given(service: Service) -> None:
    service.enroll("kim", "kim")
    assert _reference(service) is None


def test_reference_is_sealed_in_the_row(service: Service, tables: Tables) -> None:
    service.enroll("kim", "kim", consent_reference=REFERENCE)
    (row,) = tables.rows("SELECT consent FROM subjects")
    assert all(
        word.encode() not in row["consent"] for word in ("동의서 2026-17", "2026-17 (김민지)")
    )


@pytest.mark.parametrize("other", ["lee", "kim"])
def test_reference_of_another_person_or_purpose_does_not_open(
    service: Service, tables: Tables, other: str
) -> None:
    service.enroll("kim", "kim", consent_reference=REFERENCE, metadata={"a": 1})
    service.enroll("lee", "lee", consent_reference=REFERENCE)
    column = "metadata" if other == "kim" else "consent"
    tables.change(
        f"UPDATE subjects SET consent = other.{column} FROM subjects other"
        " WHERE subjects.subject_id = 'kim' AND other.subject_id = :other",
        other=other,
    )
    with pytest.raises(TemplateTampered):
        _reference(service)


@pytest.mark.parametrize("mode", [Mode.ADD, Mode.REPLACE])
def test_new_reference_takes_the_place_of_the_old_and_none_keeps_it(
    service: Service, mode: Mode
) -> None:
    service.enroll("kim", "kim", consent_reference="form 1")
    service.enroll("kim", "kim:1", mode=mode)
    assert _reference(service) == "form 1"
    service.enroll("kim", "kim:2", mode=mode, consent_reference="form 2")
    assert _reference(service) == "form 2"


def test_who_withdraws_is_forgotten_and_the_log_says_why(service: Service, tables: Tables) -> None:
    service.enroll(
        "kim", "kim", consent_reference=REFERENCE, metadata={"a": 1}, idempotency_key="1"
    )
    withdrawal = service.withdraw_consent("kim")
    assert (withdrawal.subject_id, withdrawal.templates_deleted) == ("kim", 1)
    content = tables.content()
    assert all(content[name] == [] for name in ("subjects", "templates", "idempotent_responses"))
    enrolled, withdrawn = tables.rows("SELECT * FROM audit ORDER BY sequence")
    assert (withdrawn["action"], withdrawn["audit_id"]) == (
        "consent_withdrawn",
        withdrawal.audit_id,
    )
    assert withdrawn["subject"] == enrolled["subject"]


def test_who_gave_no_reference_may_withdraw_too(service: Service) -> None:
    service.enroll("kim", "kim")
    service.withdraw_consent("kim")
    with pytest.raises(SubjectNotFound):
        service.verify("kim", "kim")


def test_who_is_not_enrolled_has_nothing_to_withdraw(service: Service) -> None:
    with pytest.raises(SubjectNotFound):
        service.withdraw_consent("kim")
    with pytest.raises(CollectionNotFound):
        service.withdraw_consent("kim", "nowhere")
