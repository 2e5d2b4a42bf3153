"""The gallery can be distributed by subject as `docs/citus.md` says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from service.storage.engine import single_use_engine
from tests.postgres import TestServer
from tests.storage.distribution import (
    REVISIONS,
    Layout,
    distribute,
    kinds,
    problems,
    refused_later,
    tables,
)

PEOPLE = {
    "subjects",
    "templates",
    "idempotent_responses",
    "failed_comparisons",
    "flagged_duplicates",
}

CONSTRAINTS = text("""
    SELECT conrelid::regclass || ' ' || conname AS name, pg_get_constraintdef(oid) AS definition
    FROM pg_constraint WHERE connamespace = current_schema()::regnamespace
""")


@pytest.fixture(scope="module")
def migrated(postgres_server: TestServer, migrated_template: str) -> Iterator[str]:
    url = postgres_server.create(migrated_template)
    yield url
    postgres_server.drop(url)


@pytest.fixture
def connection(migrated: str) -> Iterator[Connection]:
    """What a test does is undone."""
    with single_use_engine(migrated).connect() as connection:
        yield connection


@pytest.fixture
def layout(connection: Connection) -> Layout:
    return distribute(connection)


def constraints(connection: Connection) -> dict[str, str]:
    return {row.name: row.definition for row in connection.execute(CONSTRAINTS)}


def test_every_key_of_every_table_fits(connection: Connection, layout: Layout) -> None:
    assert problems(connection, layout) == []


def test_everything_about_a_person_is_distributed_by_subject(layout: Layout) -> None:
    assert layout.distributed == dict.fromkeys(PEOPLE, "subject_id")
    assert set(layout.beside.values()) == {"subjects"}


def test_no_other_table_names_a_subject(connection: Connection, layout: Layout) -> None:
    named = text(
        "SELECT table_name FROM information_schema.columns"
        " WHERE column_name = 'subject_id' AND table_schema = current_schema()"
    )
    assert set(connection.scalars(named)) == layout.distributed.keys()


def test_page_says_the_same_in_its_table_and_its_statements(
    connection: Connection, layout: Layout
) -> None:
    assert kinds() == (
        dict.fromkeys(layout.distributed, "distributed")
        | dict.fromkeys(layout.reference, "reference")
        | dict.fromkeys(layout.managed, "managed")
        | dict.fromkeys(layout.local, "local")
    )
    assert kinds().keys() == tables(connection)


def test_statements_put_every_constraint_back(connection: Connection) -> None:
    before = constraints(connection)
    distribute(connection)
    assert constraints(connection) == before


@pytest.mark.parametrize("name", sorted(PEOPLE))
def test_postgresql_itself_can_part_each_table_by_subject(
    connection: Connection, name: str
) -> None:
    """Its own partitioning has the same rule for keys."""
    connection.execute(
        text(f"CREATE TABLE parted (LIKE {name} INCLUDING ALL) PARTITION BY HASH (subject_id)")
    )


WRONG = {
    "CREATE UNIQUE INDEX wrong ON templates (template_id)": "wrong is unique without subject_id",
    "CREATE UNIQUE INDEX wrong ON templates (template_id) INCLUDE (subject_id)": (
        "wrong is unique without subject_id"
    ),
    "CREATE UNIQUE INDEX wrong ON templates (template_id, lower(subject_id))": (
        "wrong is unique without subject_id"
    ),
    "ALTER TABLE idempotent_responses ADD CONSTRAINT wrong UNIQUE (collection_id, caller, key)": (
        "wrong is unique without subject_id"
    ),
    "CREATE TABLE wrong (subject_id text)": "wrong is not a table in exactly one list",
    "DROP TABLE rate_counters": "rate_counters is not a table in exactly one list",
    "ALTER TABLE templates ADD audit_id uuid CONSTRAINT wrong REFERENCES audit": (
        "wrong cannot refer from templates to audit"
    ),
    "ALTER TABLE api_keys ADD CONSTRAINT wrong FOREIGN KEY (name) REFERENCES collections (name)": (
        "wrong cannot refer from api_keys to collections"
    ),
    """ALTER TABLE subjects ADD UNIQUE (collection_id, enrolled_at, subject_id);
       ALTER TABLE failed_comparisons ADD CONSTRAINT wrong
       FOREIGN KEY (collection_id, since, subject_id) REFERENCES subjects (collection_id, enrolled_at, subject_id) ON DELETE SET NULL""": (
        "wrong would set the distribution column"
    ),
    """ALTER TABLE subjects ADD other text COLLATE "C", ADD UNIQUE (other, subject_id);
       ALTER TABLE failed_comparisons ADD other text COLLATE "C", ADD CONSTRAINT wrong
       FOREIGN KEY (subject_id, other) REFERENCES subjects (other, subject_id)""": (
        "wrong cannot refer from failed_comparisons to subjects"
    ),
    "ALTER TABLE templates ADD number bigserial": "templates.number is numbered by one server",
    "ALTER TABLE collections ADD number int GENERATED ALWAYS AS IDENTITY": (
        "collections.number is numbered by one server"
    ),
    'ALTER TABLE failed_comparisons ALTER subject_id TYPE text COLLATE "POSIX"': (
        "the distribution columns are of several types"
    ),
    """CREATE TRIGGER wrong BEFORE UPDATE ON collections
       FOR EACH ROW EXECUTE FUNCTION audit_refuse()""": (
        "collections is no plain, logged table without triggers"
    ),
    "ALTER TABLE failed_comparisons SET UNLOGGED": (
        "failed_comparisons is no plain, logged table without triggers"
    ),
}


@pytest.mark.parametrize("change", WRONG)
def test_what_does_not_fit_is_found(connection: Connection, layout: Layout, change: str) -> None:
    connection.exec_driver_sql(change)
    assert WRONG[change] in problems(connection, layout)


def test_later_revisions_alter_nothing_that_citus_does_not(tmp_path: Path) -> None:
    assert refused_later(REVISIONS) == []
    for name in ("0001_first.py", "0002_next.py"):
        (tmp_path / name).write_text('"ALTER TABLE templates ALTER COLUMN sealed SET STORAGE MAIN"')
    (tmp_path / "0003_last.py").write_text('"ALTER TABLE templates ADD COLUMN other text"')
    assert refused_later(tmp_path) == ["0002_next.py"]
