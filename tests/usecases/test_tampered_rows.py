"""A stored row that is not what was sealed raises an alarm, and is never a match."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from sqlalchemy import text

from service.domain.collection import DuplicatePolicy
from service.domain.errors import RecordTampered, TemplateTampered
from service.domain.template import template_of
from service.usecases.enrollment import Mode
from service.usecases.unlocked_collection import UnlockedCollection
from tests.domain.vectors import face_of
from tests.usecases.service_process import DEFAULT, Service, Tables

KIM, LEE = "kim-minji", "lee-junho"

TAMPERED = (TemplateTampered, RecordTampered)
"""Which of them: by what is looked at first."""

QUESTIONS: dict[str, Callable[[Service], object]] = {
    "verify": lambda service: service.verify(KIM, "kim"),
    "verify a stranger": lambda service: service.verify(KIM, "park"),
    "search": lambda service: service.search("kim"),
    "enroll under another name": lambda service: service.enroll("kim2", "kim"),
    "enroll and flag": lambda service: service.enroll(
        "kim2", "kim", on_duplicate=DuplicatePolicy.FLAG
    ),
    "add": lambda service: service.enroll(KIM, "kim", mode=Mode.ADD),
    "replace": lambda service: service.enroll(KIM, "kim", mode=Mode.REPLACE),
}
BY_NAME = [name for name in QUESTIONS if "verify" in name or name in ("add", "replace")]


def _flip_a_byte(service: Service, tables: Tables) -> None:
    tables.change(
        "UPDATE templates SET sealed = set_byte(sealed, 99, get_byte(sealed, 99) # 1)"
        " WHERE subject_id = :kim",
        kim=KIM,
    )


def _take_lees_sealed_vector(service: Service, tables: Tables) -> None:
    tables.change(
        "UPDATE templates SET sealed = lee.sealed FROM templates lee"
        " WHERE templates.subject_id = :kim AND lee.subject_id = :lee",
        kim=KIM,
        lee=LEE,
    )


def _seal_under_another_key(service: Service, tables: Tables) -> None:
    service.put("shop")
    shop = UnlockedCollection.unlock(service.collections.show("shop").collection, service.vault)
    forged = shop.seal(KIM, service.model_id, template_of([face_of("kim")]), service.clock())
    tables.change(
        "UPDATE templates SET sealed = :sealed, template_id = :id WHERE subject_id = :kim",
        sealed=forged.sealed,
        id=forged.template_id,
        kim=KIM,
    )


def _pretend_another_model(service: Service, tables: Tables) -> None:
    """Sealed for one model, labelled as the served one."""
    people = UnlockedCollection.unlock(service.collections.show(DEFAULT).collection, service.vault)
    other = people.seal(KIM, "other@sha256:0", template_of([face_of("kim")]), service.clock())
    tables.change(
        "UPDATE templates SET sealed = :sealed, template_id = :id WHERE subject_id = :kim",
        sealed=other.sealed,
        id=other.template_id,
        kim=KIM,
    )


TAMPERING: dict[str, Callable[[Service, Tables], None]] = {
    "a flipped byte": _flip_a_byte,
    "another subject's sealed vector": _take_lees_sealed_vector,
    "a vector sealed under another key": _seal_under_another_key,
    "a vector sealed for another model": _pretend_another_model,
}


@pytest.fixture
def enrolled(service: Service) -> Service:
    service.enroll(KIM, "kim")
    service.enroll(LEE, "lee")
    return service


@pytest.mark.parametrize("tampering", TAMPERING)
def test_altered_template_is_never_compared_and_nothing_is_stored(
    enrolled: Service, tables: Tables, tampering: str
) -> None:
    TAMPERING[tampering](enrolled, tables)
    before = tables.beside_the_log()
    for ask in QUESTIONS.values():
        with pytest.raises(TAMPERED):
            ask(enrolled)
    assert tables.beside_the_log() == before


@pytest.mark.parametrize("tampering", TAMPERING)
def test_alarm_is_logged_as_an_error_that_names_nobody(
    enrolled: Service, tables: Tables, caplog: pytest.LogCaptureFixture, tampering: str
) -> None:
    TAMPERING[tampering](enrolled, tables)
    with pytest.raises(TAMPERED) as refused:
        enrolled.verify(KIM, "kim")
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    (row,) = tables.rows("SELECT * FROM templates WHERE subject_id = :kim", kim=KIM)
    where = "template_id" if refused.type is TemplateTampered else "collection_id"
    assert refused.value.code in record.getMessage()
    assert str(row[where]) in record.getMessage()
    assert KIM not in caplog.text


@pytest.mark.parametrize("offset", [0, 1, 17, 29, -16, -1])
def test_every_part_of_a_sealed_vector_counts(
    enrolled: Service, tables: Tables, offset: int
) -> None:
    tables.change(
        "UPDATE templates SET sealed = set_byte(sealed, at, get_byte(sealed, at) # 128)"
        " FROM (SELECT (:offset + CASE WHEN :offset < 0 THEN length(sealed) ELSE 0 END) AS at"
        " FROM templates LIMIT 1) AS place",
        offset=offset,
    )
    with pytest.raises(TAMPERED):
        enrolled.verify(KIM, "kim")


def test_template_slipped_in_beside_a_good_one_is_found_out(
    enrolled: Service, tables: Tables
) -> None:
    tables.change(
        "INSERT INTO templates SELECT collection_id, subject_id, 'another', gen_random_uuid(),"
        " sealed, search, created_at, key_id, space_id, row_sequence + 1000, tag FROM templates"
        " WHERE subject_id = :kim",
        kim=KIM,
    )
    with pytest.raises(TAMPERED):
        enrolled.verify(KIM, "kim")


def test_rows_that_exchanged_their_subjects_do_not_open(enrolled: Service, tables: Tables) -> None:
    served, aside = enrolled.model_id, "aside"  # so that nobody has two of one model meanwhile
    for old, was, new, becomes in [
        (KIM, served, LEE, aside),
        (LEE, served, KIM, served),
        (LEE, aside, LEE, served),
    ]:
        tables.change(
            "UPDATE templates SET subject_id = :new, model_id = :becomes"
            " WHERE subject_id = :old AND model_id = :was",
            old=old,
            was=was,
            new=new,
            becomes=becomes,
        )
    for name, photo in [(KIM, "lee"), (LEE, "kim"), (KIM, "kim")]:
        with pytest.raises(TAMPERED):
            enrolled.verify(name, photo)


def test_template_of_another_collection_does_not_open(enrolled: Service, tables: Tables) -> None:
    enrolled.put("shop")
    enrolled.enroll(KIM, "park", collection="shop")
    tables.change(
        "UPDATE templates SET sealed = shop.sealed, search = shop.search,"
        " template_id = shop.template_id FROM templates shop"
        " WHERE templates.collection_id <> shop.collection_id AND templates.subject_id = :kim"
        " AND shop.collection_id = (SELECT collection_id FROM collections WHERE name = 'shop')",
        kim=KIM,
    )
    with pytest.raises(TAMPERED):
        enrolled.verify(KIM, "park")


SEARCH_COLUMNS = {
    "another's": "lee.search",
    "nothing": "array_fill(0, ARRAY[512])::halfvec",
    "shorter": "templates.search * array_fill(0.5, ARRAY[512])::halfvec",
    "longer": "templates.search * array_fill(2, ARRAY[512])::halfvec",
    "a little aside": "(templates.search::vector + lee.search::vector"
    " * array_fill(0.01, ARRAY[512])::vector)::halfvec",
}


@pytest.mark.parametrize("column", SEARCH_COLUMNS)
def test_search_column_changed_by_itself_is_found_out(
    enrolled: Service, tables: Tables, column: str
) -> None:
    tables.change(
        f"UPDATE templates SET search = {SEARCH_COLUMNS[column]} FROM templates lee"
        " WHERE templates.subject_id = :kim AND lee.subject_id = :lee",
        kim=KIM,
        lee=LEE,
    )
    for name in BY_NAME:
        with pytest.raises(TAMPERED):
            QUESTIONS[name](enrolled)


def test_row_made_to_look_like_another_is_found_out_by_a_search(
    enrolled: Service, tables: Tables
) -> None:
    tables.change(
        "UPDATE templates SET search = lee.search FROM templates lee WHERE lee.subject_id = :lee",
        lee=LEE,
    )
    with pytest.raises(TAMPERED):
        enrolled.search("lee")
    with pytest.raises(TAMPERED):
        enrolled.enroll("lee2", "lee")


def test_others_are_still_served(enrolled: Service, tables: Tables) -> None:
    _flip_a_byte(enrolled, tables)
    assert enrolled.verify(LEE, "lee").decision.match
    assert enrolled.found("lee") == [LEE]


@pytest.mark.parametrize(
    "ask", [name for name in QUESTIONS if name.startswith(("search", "enroll"))]
)
def test_person_taken_away_from_a_template_is_noticed_by_searches(
    enrolled: Service, tables: Tables, ask: str
) -> None:
    """As an administrator of the database can: else `kim` could be enrolled once more."""
    with tables.unguarded() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        gone = text("DELETE FROM subjects WHERE subject_id = :kim")
        assert connection.execute(gone, {"kim": KIM}).rowcount == 1
    with pytest.raises(RecordTampered):
        QUESTIONS[ask](enrolled)


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("templates", "created_at"),
        ("subjects", "enrolled_at"),
        ("subjects", "expires_at"),
        ("collections", "created_at"),
        ("collection_keys", "created_at"),
    ],
)
@pytest.mark.parametrize("moment", ["infinity", "-infinity", "20000-01-01", "4000-01-01 BC"])
def test_moment_that_cannot_be_read_was_not_written_by_the_service(
    enrolled: Service, tables: Tables, table: str, column: str, moment: str
) -> None:
    tables.change(f"UPDATE {table} SET {column} = CAST(:moment AS timestamptz)", moment=moment)
    with pytest.raises(RecordTampered):
        enrolled.verify(KIM, "kim")
