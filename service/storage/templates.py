"""Templates: rows by subject, and the exact search over a whole collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import numpy as np
from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Float,
    RowMapping,
    case,
    cast,
    delete,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY

from service.domain.collection import Collection, SearchVector, StoredTemplate
from service.domain.face import EMBEDDING_SIZE
from service.domain.ports import Telemetry
from service.domain.search import Positions, Shortlist, WriteWatermark, WrittenRows
from service.storage.engine import insert_rows, is_distributed
from service.storage.expiry import Clock, of_the_living
from service.storage.tables import templates
from service.storage.template_rows import RowSequence, SearchRows, positions_up_to

NEWEST = 2**63 - 1
"""Up to the newest row, and as many as there are."""


class TemplateRows:
    """Rows as they are stored: whose they are, and that these are still enrolled, is told by
    `SubjectRows`. Only `count` and `any` leave out those of people whose time is over.
    """

    def __init__(
        self,
        connection: Connection,
        clock: Clock,
        row_sequence: RowSequence,
        rows: SearchRows,
        telemetry: Telemetry,
    ) -> None:
        self._connection = connection
        self._telemetry = telemetry
        self._clock = clock
        self._row_sequence = row_sequence
        self._rows = rows

    def of(self, collection: Collection, subject_id: str) -> list[StoredTemplate]:
        return self.of_all(collection, [subject_id])

    def of_all(self, collection: Collection, subject_ids: Sequence[str]) -> list[StoredTemplate]:
        query = (
            select(templates)
            .where(_in(collection), templates.c.subject_id.in_(subject_ids))
            .order_by(templates.c.created_at, templates.c.template_id)
        )
        return [stored_template(row) for row in self._connection.execute(query).mappings()]

    def add(self, collection: Collection, template: StoredTemplate) -> None:
        self.add_all(collection, [template])

    def add_all(self, collection: Collection, added: Sequence[StoredTemplate]) -> None:
        if not added:
            return
        positions = self._row_sequence.take(collection, len(added))
        rows = [
            {
                **_columns(collection, template, position),
                "tag": self._rows.tag(collection, template, position),
            }
            for template, position in zip(added, positions, strict=True)
        ]
        insert_rows(self._connection, templates, rows)

    def delete_of(
        self, collection: Collection, subject_id: str, model_id: str | None = None
    ) -> list[UUID]:
        """Delete the person's template of one model, or of all; which these were."""
        query = delete(templates).where(_in(collection), templates.c.subject_id == subject_id)
        if model_id is not None:
            query = query.where(templates.c.model_id == model_id)
        deleted = self._connection.execute(query.returning(templates.c.template_id)).scalars().all()
        self._row_sequence.give_up(collection, len(deleted))
        return list(deleted)

    def count(self, collection: Collection, after: int = 0) -> int:
        """Those after a position."""
        later = [templates.c.row_sequence > after] if after else []
        query = select(func.count()).select_from(templates).where(self._living(collection), *later)
        return self._connection.execute(query).scalar_one()

    def people_of(self, collection: Collection, model_id: str) -> int:
        """How many have a template of this model, also those whose time is over."""
        query = select(func.count()).select_from(templates).where(_of_model(collection, model_id))
        return self._connection.execute(query).scalar_one()

    def some_of(self, collection: Collection, model_id: str, limit: int) -> list[str]:
        """Ids of up to `limit` people who have a template of this model."""
        query = select(templates.c.subject_id).where(_of_model(collection, model_id)).limit(limit)
        return list(self._connection.scalars(query))

    def lacking(
        self, collection: Collection, model_id: str, limit: int, after: str | None
    ) -> list[str]:
        """Ids of up to `limit` people who have templates, but none of this model; by id, those behind
        `after`. Also those whose time is over.
        """
        has_it = func.bool_or(templates.c.model_id == model_id)
        query = select(templates.c.subject_id).where(_in(collection))
        if after is not None:
            query = query.where(templates.c.subject_id > after)
        query = query.group_by(templates.c.subject_id).having(~has_it)
        ordered = query.order_by(templates.c.subject_id).limit(limit)
        return list(self._connection.scalars(ordered))

    def any(self, collection: Collection) -> bool:
        query = select(templates.c.template_id).where(self._living(collection)).limit(1)
        return self._connection.execute(query).first() is not None

    def nearest(
        self,
        collection: Collection,
        probes: Mapping[UUID, SearchVector],
        min_similarity: float,
        limit: int,
        skip: int = 0,
        other_than: str | None = None,
        among: Shortlist | None = None,
    ) -> list[StoredTemplate]:
        """Exact scan: of the rows with a cosine of `min_similarity`, nearest first, the `limit` after
        the first `skip`; those of the subject `other_than` do not count.

        `among`: only rows that are on this list, or newer than it.

        `probes`: the probe as it is in each space. A row is compared with the one of its own space, so
        that it is found at every moment of a rotation, and with no vector of another model.

        Exact, also where somebody has built a vector index: those answer only an ORDER BY the
        bare `<#>`, and the negative of it is ordered here.
        """
        similarity = _cosine_with(probes)
        query = (
            select(templates)
            .where(_in(collection), similarity >= min_similarity)
            .order_by(similarity.desc(), templates.c.subject_id, templates.c.template_id)
            .limit(limit)
            .offset(skip)
        )
        if other_than is not None:
            query = query.where(templates.c.subject_id != other_than)
        if among is not None:
            query = query.where(_among(among))
        with self._telemetry.stage("search"):
            return [stored_template(row) for row in self._connection.execute(query).mappings()]

    def mark(self, collection: Collection) -> WriteWatermark:
        """How far writing has come, as far as others have ended their transactions."""
        return self._row_sequence.mark(collection)

    def marks(self) -> list[WriteWatermark]:
        """Those of all collections."""
        return self._row_sequence.marks()

    def recount(self, collection: Collection) -> None:
        """Count the rows that are there, whatever was known of them: once an operator has looked at
        what was altered. Nobody may write any meanwhile.
        """
        self._row_sequence.recount(collection)

    def begin_epochs(self) -> None:
        """From now on the positions of every collection are other ones than they were: nothing
        that anybody knows about them holds any longer.
        """
        self._row_sequence.begin_epochs()

    def listed(self, collection_id: UUID, positions: Positions, after: int) -> list[WrittenRows]:
        """The rows at these positions, and all after a position; the expired too."""
        with self._telemetry.stage("search"):
            newer = self._rows.between(collection_id, after, NEWEST, NEWEST)
            return [*self._rows.at(collection_id, positions), *newer]

    def are_spread(self) -> bool:
        """Whether they are on several servers, so that positions tell nothing of what is there."""
        return is_distributed(self._connection)

    def written_between(
        self, collection_id: UUID, after: int, up_to: int, limit: int
    ) -> list[WrittenRows]:
        """The first `limit` rows after a position, up to another one; the expired too."""
        return self._rows.between(collection_id, after, up_to, limit)

    def written_at(self, collection_id: UUID, positions: Positions) -> list[WrittenRows]:
        """Those of the rows at these positions that still are there; the expired too."""
        return self._rows.at(collection_id, positions)

    def positions_up_to(self, collection_id: UUID, up_to: int) -> Positions:
        """Every position at which there is a row."""
        return positions_up_to(self._connection, collection_id, up_to)

    def at(self, collection: Collection, positions: Sequence[int]) -> dict[int, StoredTemplate]:
        """By position, where there still is one."""
        query = select(templates).where(
            _in(collection), _is_one_of(templates.c.row_sequence, positions)
        )
        rows = self._connection.execute(query).mappings()
        return {row["row_sequence"]: stored_template(row) for row in rows}

    def _living(self, collection: Collection) -> ColumnElement[bool]:
        return _in(collection) & of_the_living(templates, collection, self._clock())


def _in(collection: Collection) -> ColumnElement[bool]:
    return templates.c.collection_id == collection.collection_id


def _of_model(collection: Collection, model_id: str) -> ColumnElement[bool]:
    return _in(collection) & (templates.c.model_id == model_id)


def _among(shortlist: Shortlist) -> ColumnElement[bool]:
    """On the shortlist, or too new for it."""
    listed = _is_one_of(templates.c.row_sequence, shortlist.positions.tolist())
    return or_(listed, templates.c.row_sequence > shortlist.up_to)


def _is_one_of(column: Column[int], numbers: Sequence[int]) -> ColumnElement[bool]:
    """One parameter, however many numbers there are."""
    return column == func.any(cast(list(numbers), ARRAY(BigInteger)))


def _columns(collection: Collection, template: StoredTemplate, position: int) -> dict[str, Any]:
    return {
        "collection_id": collection.collection_id,
        "subject_id": template.subject_id,
        "template_id": template.template_id,
        "model_id": template.model_id,
        "sealed": template.sealed,
        "search": template.search.values,
        "created_at": template.created_at,
        "key_id": template.key_id,
        "space_id": template.space_id,
        "row_sequence": position,
    }


def _cosine_with(probes: Mapping[UUID, SearchVector]) -> ColumnElement[float]:
    """`<#>` is the negative inner product: for vectors of norm 1, the negative cosine.

    One expression over all spaces, so that one scan ranks all rows together.
    """
    given = case(
        {space: cast(probe.values, HALFVEC(EMBEDDING_SIZE)) for space, probe in probes.items()},
        value=templates.c.space_id,
    )
    return -templates.c.search.op("<#>", return_type=Float())(given)


def stored_template(row: RowMapping) -> StoredTemplate:
    return StoredTemplate(
        template_id=row["template_id"],
        subject_id=row["subject_id"],
        model_id=row["model_id"],
        key_id=row["key_id"],
        sealed=row["sealed"],
        search=SearchVector(np.asarray(row["search"], dtype=np.float32)),
        created_at=row["created_at"],
    )
