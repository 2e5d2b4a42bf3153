"""A deleted collection's key is destroyed: what was sealed under it opens nowhere any more."""

from __future__ import annotations

import pytest

from service.domain.collection import Collection, StoredTemplate
from service.domain.errors import MasterKeyInvalid, TemplateTampered
from service.usecases.unlocked_collection import UnlockedCollection
from tests.usecases.service_process import CALLER, DEFAULT, Service


@pytest.fixture
def stolen(service: Service) -> tuple[Collection, StoredTemplate]:
    """A collection and a row of it, as in an old backup of the tables, without the keys'."""
    service.put("shop")
    service.enroll("kim", "kim", collection="shop")
    with service.storage.transaction() as tx:
        collection = tx.collections.find_with_keys_locked("shop")
        assert collection is not None
        (row,) = tx.templates.of(collection, "kim")
    service.collections.delete("shop", CALLER)
    return collection, row


def test_row_kept_from_before_opens_under_no_key_in_the_database(
    service: Service, stolen: tuple[Collection, StoredTemplate]
) -> None:
    service.put("shop")
    for name in (DEFAULT, "shop"):
        with service.storage.transaction() as tx:
            left = tx.collections.find_with_keys_locked(name)
        assert left is not None
        with pytest.raises(TemplateTampered):
            UnlockedCollection.unlock(left, service.vault).open(stolen[1])


def test_no_other_key_passes_for_the_destroyed_one(
    service: Service, stolen: tuple[Collection, StoredTemplate]
) -> None:
    left = service.collections.show(DEFAULT).collection
    with pytest.raises(MasterKeyInvalid):
        service.vault.unlock(stolen[0].collection_id, left.keys.active)
