"""What Citus demands of distributed tables, asked of a live database through `pg_catalog`.

`docs/citus.md` holds the statements that distribute the gallery. Citus is not at hand here, so they
are run with functions in place of its own, which note what they are asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, text

PAGE = Path(__file__).parents[2] / "docs" / "citus.md"
REVISIONS = PAGE.parents[1] / "migrations" / "versions"

_NOT_PASSED_ON = re.compile(r"\bSET (STORAGE|STATISTICS)\b")

KEPT_APART = "none"
"""`colocate_with` of the table that begins a group."""

_NOTING = """
    CREATE TABLE pg_temp.noted (function text, name text, distribution text, beside text);
    CREATE FUNCTION create_reference_table(name regclass) RETURNS void LANGUAGE sql
    AS $$ INSERT INTO pg_temp.noted VALUES ('reference', name) $$;
    CREATE FUNCTION create_distributed_table(
        name regclass, distribution text, colocate_with text, shard_count int DEFAULT NULL
    ) RETURNS void LANGUAGE sql
    AS $$ INSERT INTO pg_temp.noted VALUES ('distributed', name, distribution, colocate_with) $$;
    CREATE FUNCTION citus_add_local_table_to_metadata(name regclass) RETURNS void LANGUAGE sql
    AS $$ INSERT INTO pg_temp.noted VALUES ('managed', name) $$;
    CREATE FUNCTION truncate_local_data_after_distributing_table(name regclass)
    RETURNS void LANGUAGE sql AS $$ INSERT INTO pg_temp.noted VALUES ('truncated', name) $$;
"""

_TABLES = text("""
    SELECT relname FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')
""")

_UNIQUE = text("""
    SELECT owner.relname AS owner, index.relname AS name,
           ARRAY(SELECT attname FROM pg_attribute
                 WHERE attrelid = owner.oid AND attnum = ANY (indkey[0: indnkeyatts - 1])) AS columns
    FROM pg_index
    JOIN pg_class AS owner ON owner.oid = indrelid
    JOIN pg_class AS index ON index.oid = indexrelid
    WHERE (indisunique OR indisexclusion) AND owner.relnamespace = current_schema()::regnamespace
""")
"""Constraints and bare unique indexes alike. Expressions count as no column."""

_FOREIGN = text("""
    SELECT conname AS name, child.relname AS child, parent.relname AS parent,
           confupdtype::text || confdeltype::text AS actions,
           ARRAY(SELECT own.attname || ' ' || their.attname
                 FROM unnest(conkey, confkey) AS pair (own_number, their_number)
                 JOIN pg_attribute AS own ON own.attrelid = conrelid AND own.attnum = own_number
                 JOIN pg_attribute AS their
                     ON their.attrelid = confrelid AND their.attnum = their_number) AS pairs
    FROM pg_constraint
    JOIN pg_class AS child ON child.oid = conrelid
    JOIN pg_class AS parent ON parent.oid = confrelid
    WHERE contype = 'f' AND connamespace = current_schema()::regnamespace
""")

_COLUMNS = text("""
    SELECT relname AS owner, attname AS name, attnotnull AS filled,
           format_type(atttypid, atttypmod) || ' ' || attcollation::regcollation AS kind,
           attidentity <> '' OR pg_get_expr(adbin, adrelid) LIKE '%nextval(%' AS numbered
    FROM pg_attribute
    JOIN pg_class ON pg_class.oid = attrelid
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attnum > 0 AND NOT attisdropped AND relkind = 'r'
        AND relnamespace = current_schema()::regnamespace
""")

_PLAIN = text("""
    SELECT relname AS name, relkind = 'r' AND relpersistence = 'p' AND NOT relrowsecurity
        AND NOT relispartition AND NOT EXISTS (SELECT FROM pg_rewrite WHERE ev_class = pg_class.oid)
        AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = pg_class.oid AND NOT tgisinternal)
        AS plain
    FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')
""")


@dataclass(frozen=True)
class Layout:
    """Which table goes where. `distributed`: each with its distribution column. `beside`: each
    distributed table, with the one whose group it is in. `managed`: local, and known to Citus.
    """

    distributed: Mapping[str, str]
    beside: Mapping[str, str]
    reference: AbstractSet[str]
    managed: AbstractSet[str]
    local: AbstractSet[str]

    @property
    def moved(self) -> AbstractSet[str]:
        return self.distributed.keys() | self.reference


def statements() -> str:
    """Those of the page that distribute the tables."""
    _, _, rest = PAGE.read_text("utf-8").partition("<!-- distribute:start -->\n```sql\n")
    script, end, _ = rest.partition("```\n<!-- distribute:end -->")
    assert end
    return script


def refused_later(revisions: Path) -> list[str]:
    """Revisions after the first that alter what Citus alters on no distributed table. The first comes
    before anything is distributed.
    """
    _, *later = sorted(revisions.glob("*.py"))
    return [path.name for path in later if _NOT_PASSED_ON.search(path.read_text("utf-8"))]


def kinds() -> dict[str, str]:
    """The page's table: what becomes of each table."""
    row = re.compile(r"^\| `(\w+)` \| (distributed|reference|managed|local) \|", re.MULTILINE)
    return dict(row.findall(PAGE.read_text("utf-8")))


def distribute(connection: Connection) -> Layout:
    """Runs the page's statements. What they do is undone with the transaction."""
    connection.exec_driver_sql(_NOTING)
    connection.exec_driver_sql(statements())
    noted = connection.exec_driver_sql("SELECT * FROM pg_temp.noted").all()
    distributed = {row.name: row for row in noted if row.function == "distributed"}
    reference = {row.name for row in noted if row.function == "reference"}
    managed = {row.name for row in noted if row.function == "managed"}
    emptied = [row.name for row in noted if row.function == "truncated"]
    assert sorted(emptied) == sorted(distributed.keys() | reference)
    return Layout(
        distributed={name: row.distribution for name, row in distributed.items()},
        beside={
            name: name if row.beside == KEPT_APART else row.beside
            for name, row in distributed.items()
        },
        reference=reference,
        managed=managed,
        local={name for name, kind in kinds().items() if kind == "local"},
    )


def tables(connection: Connection) -> set[str]:
    return set(connection.scalars(_TABLES))


def problems(connection: Connection, layout: Layout) -> list[str]:
    """What Citus would refuse, in words; none: it would take all."""
    return [
        *_homeless(connection, layout),
        *_unique_elsewhere(connection, layout),
        *_foreign(connection, layout),
        *_columns(connection, layout),
        *_special(connection, layout),
    ]


def _homeless(connection: Connection, layout: Layout) -> Iterator[str]:
    """A table must be in one list, and one only."""
    lists = [layout.distributed.keys(), layout.reference, layout.managed, layout.local]
    for name in sorted(tables(connection).union(*lists)):
        if sum(name in one for one in lists) != 1 or name not in tables(connection):
            yield f"{name} is not a table in exactly one list"


def _unique_elsewhere(connection: Connection, layout: Layout) -> Iterator[str]:
    """What is to be unique can be held so within one shard only."""
    for row in connection.execute(_UNIQUE):
        column = layout.distributed.get(row.owner)
        if column is not None and column not in row.columns:
            yield f"{row.name} is unique without {column}"


def _foreign(connection: Connection, layout: Layout) -> Iterator[str]:
    for row in connection.execute(_FOREIGN):
        if not _may_refer(row.child, row.parent, row.pairs, layout):
            yield f"{row.name} cannot refer from {row.child} to {row.parent}"
        elif row.child in layout.distributed and set(row.actions) & {"n", "d"}:
            yield f"{row.name} would set the distribution column"


def _may_refer(child: str, parent: str, pairs: list[str], layout: Layout) -> bool:
    """Within one shard; or to what is on every server."""
    if child in layout.distributed and parent in layout.distributed:
        together = layout.beside[child] == layout.beside[parent]
        return together and f"{layout.distributed[child]} {layout.distributed[parent]}" in pairs
    if child in layout.moved | layout.managed or parent in layout.moved:
        return child not in layout.local and parent in layout.reference
    return True


def _columns(connection: Connection, layout: Layout) -> Iterator[str]:
    """Equal values fall into equal shards only where they are of one type and one order."""
    columns = connection.execute(_COLUMNS).all()
    distribution = [row for row in columns if layout.distributed.get(row.owner) == row.name]
    if len({row.kind for row in distribution}) > 1:
        yield "the distribution columns are of several types"
    for row in distribution:
        if not row.filled:
            yield f"{row.owner}.{row.name} may be NULL"
    if len(distribution) != len(layout.distributed):
        yield "a distribution column is missing"
    for row in columns:
        if row.numbered and row.owner in layout.moved:
            yield f"{row.owner}.{row.name} is numbered by one server"


def _special(connection: Connection, layout: Layout) -> Iterator[str]:
    for row in connection.execute(_PLAIN):
        if row.name in layout.moved and not row.plain:
            yield f"{row.name} is no plain, logged table without triggers"
