"""The database's condition of who is expired is the domain's rule."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from service.domain.collection import CollectionSettings, Subject
from service.domain.expiry import is_expired
from service.storage.expiry import alive, expired
from service.storage.storage import Storage
from service.storage.tables import subjects
from tests.storage.people import NOW, collection

DAY, TICK = timedelta(days=1), timedelta(microseconds=1)
ENROLLED = [NOW - DAY - TICK, NOW - DAY, NOW - DAY + TICK, NOW]
"""Just over, at and within a retention of one day; and now."""

EXPIRES = [None, NOW - TICK, NOW, NOW + TICK, NOW + DAY]


def people() -> list[Subject]:
    return [
        Subject(f"{n}-{m}", enrolled_at, expires_at=expires_at)
        for n, enrolled_at in enumerate(ENROLLED)
        for m, expires_at in enumerate(EXPIRES)
    ]


@pytest.mark.parametrize("days", [None, 1, 2])
@pytest.mark.parametrize("now", [NOW, NOW + TICK])
def test_condition_finds_whom_the_rule_says(
    storage: Storage, days: int | None, now: datetime
) -> None:
    kept = collection(settings=CollectionSettings(retention_days=days))
    over = {each.subject_id for each in people() if is_expired(each, kept.settings, now)}
    with storage.transaction() as tx:
        tx.collections.add(kept)
        tx.subjects.add_all(kept, people())
        found, living = (
            set(tx.connection.scalars(select(subjects.c.subject_id).where(rule(kept, now))))
            for rule in (expired, alive)
        )
    assert found == over
    assert living == {each.subject_id for each in people()} - over
