"""A template that was changed in the database raises an alarm over HTTP, and is never a match."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest

from tests.contract.collection_client import CollectionClient, code, ok
from tests.contract.installation import Line, Server, lines_of
from tests.contract.tables import Tables
from tests.domain.vectors import face_of

KIM, LEE = face_of("kim"), face_of("lee")
OF_THE_COLLECTION = (
    " templates.collection_id = (SELECT collection_id FROM collections WHERE name = :name)"
)


@pytest.fixture
def enrolled(client: CollectionClient) -> CollectionClient:
    ok(client.given("/enroll", KIM, subjectId="kim"), 201)
    ok(client.given("/enroll", LEE, subjectId="lee"), 201)
    return client


def flip_a_byte(tables: Tables, client: CollectionClient) -> None:
    tables.change(
        "UPDATE templates SET sealed = set_byte(sealed, 99, get_byte(sealed, 99) # 1)"
        f" WHERE {OF_THE_COLLECTION}",
        name=client.collection,
    )


def swap_two_rows(tables: Tables, client: CollectionClient) -> None:
    """All but the names: the key is the person's and the model's."""
    columns = ("template_id", "sealed", "search", "row_sequence", "tag", "created_at")
    exchanged = ", ".join(f"{column} = other.{column}" for column in columns)
    tables.change(
        f"UPDATE templates SET {exchanged} FROM templates other"
        " WHERE other.collection_id = templates.collection_id"
        f" AND other.subject_id <> templates.subject_id AND {OF_THE_COLLECTION}",
        name=client.collection,
    )


def swap_what_is_sealed(tables: Tables, client: CollectionClient) -> None:
    tables.change(
        "UPDATE templates SET sealed = other.sealed FROM templates other"
        " WHERE other.collection_id = templates.collection_id"
        f" AND other.subject_id <> templates.subject_id AND {OF_THE_COLLECTION}",
        name=client.collection,
    )


def seal_under_another_key(tables: Tables, client: CollectionClient) -> None:
    """The rows of another collection, where the same people were enrolled under the same names."""
    other = CollectionClient(client.http, f"c-{uuid4().hex}")
    ok(other.put())
    ok(other.given("/enroll", KIM, subjectId="kim"), 201)
    ok(other.given("/enroll", LEE, subjectId="lee"), 201)
    tables.change(
        "UPDATE templates SET sealed = theirs.sealed, template_id = theirs.template_id"
        " FROM templates theirs JOIN collections ON collections.collection_id ="
        " theirs.collection_id AND collections.name = :other"
        f" WHERE theirs.subject_id = templates.subject_id AND {OF_THE_COLLECTION}",
        name=client.collection,
        other=other.collection,
    )


TAMPERING = [flip_a_byte, swap_two_rows, swap_what_is_sealed, seal_under_another_key]


@pytest.mark.parametrize("tamper", TAMPERING)
def test_altered_template_is_an_alarm_and_never_a_match(
    enrolled: CollectionClient, tables: Tables, tamper: Callable[[Tables, CollectionClient], None]
) -> None:
    tamper(tables, enrolled)
    for answer in (
        enrolled.given("/verify", KIM, subjectId="kim"),
        enrolled.given("/verify", LEE, subjectId="kim"),
        enrolled.given("/dedupe", KIM),
        enrolled.given("/identify", KIM),
        enrolled.given("/enroll", KIM, subjectId="kim2"),
        enrolled.given("/enroll", KIM, subjectId="kim", mode="add"),
    ):
        assert code(answer) in ((500, "template_tampered"), (500, "record_tampered"))
        assert "match" not in answer.json()
    assert len(ok(enrolled.subjects())["subjects"]) == 2


def errors_since(server: Server, before: str) -> list[Line]:
    return [line for line in lines_of(server.log[len(before) :]) if line["level"] == "error"]


def test_alarm_is_logged_as_an_error(
    enrolled: CollectionClient, tables: Tables, server: Server
) -> None:
    flip_a_byte(tables, enrolled)
    before = server.log
    enrolled.given("/verify", KIM, subjectId="kim")
    (line,) = errors_since(server, before)
    assert line["event"].startswith("template_tampered: ")
    assert "kim" not in str(line)


def test_altered_metadata_is_an_alarm(
    client: CollectionClient, tables: Tables, server: Server
) -> None:
    ok(client.given("/enroll", KIM, subjectId="kim", metadata={"a": 1}), 201)
    tables.change(
        "UPDATE subjects SET metadata = set_byte(metadata, 40, get_byte(metadata, 40) # 1)"
        " WHERE collection_id = (SELECT collection_id FROM collections WHERE name = :name)",
        name=client.collection,
    )
    before = server.log
    assert code(client.subject("kim")) == (500, "template_tampered")
    assert len(errors_since(server, before)) == 1


def test_altered_person_can_still_be_deleted(enrolled: CollectionClient, tables: Tables) -> None:
    flip_a_byte(tables, enrolled)
    assert ok(enrolled.delete("kim"))["templatesDeleted"] == 1
