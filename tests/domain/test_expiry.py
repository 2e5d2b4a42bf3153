"""When a person's time is over: their own moment or the collection's, whichever comes first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from service.domain.collection import CollectionSettings, Subject
from service.domain.expiry import expiry_of

ENROLLED = datetime(2026, 1, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("own", "retention_days", "expiry"),
    [
        (None, None, None),
        (ENROLLED + DAY, None, ENROLLED + DAY),
        (None, 2, ENROLLED + 2 * DAY),
        (ENROLLED + DAY, 2, ENROLLED + DAY),
        (ENROLLED + 3 * DAY, 2, ENROLLED + 2 * DAY),
    ],
)
def test_earlier_of_both_counts(
    own: datetime | None, retention_days: int | None, expiry: datetime | None
) -> None:
    settings = CollectionSettings(retention_days=retention_days)
    assert expiry_of(Subject("kim", ENROLLED, expires_at=own), settings) == expiry


def test_nothing_of_the_sealed_values_is_printed() -> None:
    assert "form-1" not in repr(Subject("kim", ENROLLED, b"form-1", consent=b"form-1"))
