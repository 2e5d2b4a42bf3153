"""A person is given everything that is held about them, and nothing about others."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from service.domain.collection import DuplicatePolicy
from service.domain.errors import CollectionNotFound, SubjectNotFound, TemplateTampered
from service.domain.lockout import Refusals
from service.domain.template import average
from service.usecases.enrollment import Mode
from tests.usecases.service_process import CALLER, DEFAULT, Service, Tables
from tests.usecases.stand_ins import embedding_of_photo

DAY = timedelta(days=1)


@pytest.fixture
def enrolled(service: Service) -> Service:
    """Kim, with two photographs and everything else, and Lee."""
    service.put(retention_days=30)
    service.enroll(
        "kim",
        "kim",
        metadata={"door": 1},
        consent_reference="form 1",
        expires_at=service.clock.now + 60 * DAY,
        idempotency_key="order-1",
    )
    service.clock.advance(DAY)
    service.enroll("kim", "kim:1", mode=Mode.ADD)
    service.enroll("lee", "lee", metadata={"door": 2}, idempotency_key="order-2")
    return service


def test_template_is_opened(enrolled: Service) -> None:
    (template,) = enrolled.export("kim").templates
    expected = average([embedding_of_photo("kim"), embedding_of_photo("kim:1")])
    np.testing.assert_allclose(template.embedding, expected, atol=1e-6)
    assert (template.model_id, template.samples) == (enrolled.model_id, 2)
    assert template.created_at == enrolled.clock.now


def test_terms_and_metadata_are_readable(enrolled: Service) -> None:
    exported = enrolled.export("kim")
    assert (exported.subject_id, exported.collection) == ("kim", DEFAULT)
    assert (exported.metadata, exported.consent_reference) == ({"door": 1}, "form 1")
    assert exported.enrolled_at == enrolled.clock.now - DAY
    assert exported.expires_at == exported.enrolled_at + 30 * DAY


def test_log_of_the_person_is_told_with_who_did_what(enrolled: Service) -> None:
    exported = enrolled.export("kim")
    assert [(one.action, one.caller) for one in exported.audit] == [
        ("enroll", CALLER),
        ("add", CALLER),
        ("export", CALLER),
    ]
    assert exported.audit[-1].audit_id == exported.audit_id


def test_export_is_written_down(enrolled: Service, tables: Tables) -> None:
    exported = enrolled.export("kim")
    (row,) = tables.rows("SELECT * FROM audit WHERE action = 'export'")
    assert (row["audit_id"], row["at"]) == (exported.audit_id, exported.exported_at)


def test_kept_answers_are_named_and_not_told(enrolled: Service) -> None:
    """An answer may name other people."""
    enrolled.enroll("kim2", "kim:2", on_duplicate=DuplicatePolicy.FLAG, idempotency_key="order-3")
    (answer,) = enrolled.export("kim2").answers
    assert (answer.caller, answer.key) == (CALLER, "order-3")


def test_counted_refusals_are_told(enrolled: Service) -> None:
    assert enrolled.export("kim").refusals == {}
    enrolled.verify("kim", "lee:1")
    counted = enrolled.export("kim").refusals
    assert counted == {CALLER: Refusals(1, enrolled.clock.now)}


def test_earlier_bearer_of_the_name_is_not_told_about(enrolled: Service) -> None:
    enrolled.erase("kim")
    enrolled.clock.advance(DAY)
    enrolled.enroll("kim", "somebody else")
    exported = enrolled.export("kim")
    assert [one.action for one in exported.audit] == ["enroll", "export"]
    assert (exported.metadata, exported.consent_reference) == (None, None)
    assert (len(exported.templates), exported.answers) == (1, [])


def test_altered_template_is_not_exported(enrolled: Service, tables: Tables) -> None:
    tables.change("UPDATE templates SET sealed = set_byte(sealed, 60, get_byte(sealed, 60) # 1)")
    with pytest.raises(TemplateTampered):
        enrolled.export("kim")


def test_nothing_of_it_is_printed(enrolled: Service) -> None:
    printed = repr(enrolled.export("kim"))
    assert "form 1" not in printed
    assert "door" not in printed
    assert "array" not in printed


def test_who_is_not_enrolled_has_nothing_to_export(service: Service) -> None:
    with pytest.raises(SubjectNotFound):
        service.export("kim")
    with pytest.raises(CollectionNotFound):
        service.export("kim", "nowhere")
