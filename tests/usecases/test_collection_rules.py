"""Each collection has its own thresholds, duplicate rules, key and people."""

from __future__ import annotations

import pytest

from service.domain.collection import CollectionSettings, DuplicatePolicy
from service.domain.errors import CollectionNotFound, DuplicateSubject, ProfileNotFound
from tests.domain.vectors import at_cosine, face_of
from tests.usecases.desk import CALLER, DEFAULT, Desk, Tables
from tests.usecases.simultaneous import outcomes
from tests.usecases.stand_ins import given

KIM = given(face_of("kim"))
ALIKE = given(at_cosine(face_of("kim"), 0.35))
"""Between aggressive (0.30) and balanced (0.40)."""


def test_new_collection_has_the_defaults(desk: Desk) -> None:
    details = desk.put("shop")
    assert details.collection.settings == CollectionSettings()
    assert details.collection.settings.duplicate_policy is DuplicatePolicy.REJECT
    assert details.collection.settings.duplicate_profile == "balanced"
    assert (details.templates, details.collection.model_id) == (0, None)


def test_settings_are_kept(desk: Desk) -> None:
    settings = CollectionSettings({"door": 0.55}, DuplicatePolicy.FLAG, "door")
    desk.collections.put("shop", settings, CALLER)
    assert desk.collections.show("shop").collection.settings == settings


def test_putting_again_changes_the_settings_and_keeps_people_and_key(desk: Desk) -> None:
    desk.enroll("kim", KIM)
    before = desk.collections.show(DEFAULT).collection
    desk.put(duplicate_policy=DuplicatePolicy.ALLOW)
    after = desk.collections.show(DEFAULT)
    assert (after.collection.keys, after.collection.model_id) == (before.keys, before.model_id)
    assert after.templates == 1
    assert desk.verify("kim", KIM).decision.match


def test_collections_own_duplicate_policy_applies(desk: Desk) -> None:
    desk.put(duplicate_policy=DuplicatePolicy.FLAG)
    desk.enroll("kim", KIM)
    assert [one.subject_id for one in desk.enroll("kim2", KIM).duplicates] == ["kim"]


def test_request_overrides_the_collections_policy(desk: Desk) -> None:
    desk.put(duplicate_policy=DuplicatePolicy.ALLOW)
    desk.enroll("kim", KIM)
    with pytest.raises(DuplicateSubject):
        desk.enroll("kim2", KIM, on_duplicate=DuplicatePolicy.REJECT)


def test_collections_own_duplicate_profile_applies(desk: Desk) -> None:
    desk.put(duplicate_profile="aggressive")
    desk.enroll("kim", KIM)
    with pytest.raises(DuplicateSubject):
        desk.enroll("lee", ALIKE)
    assert desk.search(ALIKE).profile.name == "aggressive"


def test_duplicate_profile_does_not_touch_verification(desk: Desk) -> None:
    desk.put(duplicate_profile="aggressive")
    desk.enroll("kim", KIM)
    verification = desk.verify("kim", ALIKE)
    assert verification.decision.profile.name == "balanced"
    assert not verification.decision.match


def test_collections_own_thresholds_apply_to_verification_search_and_duplicates(desk: Desk) -> None:
    desk.put(thresholds={"balanced": 0.33, "door": 0.37})
    desk.enroll("kim", KIM)
    assert desk.verify("kim", ALIKE).decision.match
    assert not desk.verify("kim", ALIKE, profile="door").decision.match
    assert desk.found(ALIKE) == ["kim"]
    assert desk.found(ALIKE, profile="door") == []
    with pytest.raises(DuplicateSubject):
        desk.enroll("lee", ALIKE)


def test_thresholds_of_one_collection_do_not_reach_another(desk: Desk) -> None:
    desk.put("shop", thresholds={"door": 0.37})
    desk.enroll("kim", KIM)
    with pytest.raises(ProfileNotFound):
        desk.verify("kim", ALIKE, profile="door")


def test_duplicate_profile_must_be_one_of_the_collections(desk: Desk) -> None:
    with pytest.raises(ProfileNotFound):
        desk.put("shop", duplicate_profile="door")
    with pytest.raises(CollectionNotFound):
        desk.collections.show("shop")


def test_unknown_collection_is_refused(desk: Desk) -> None:
    with pytest.raises(CollectionNotFound):
        desk.collections.show("nowhere")
    with pytest.raises(CollectionNotFound):
        desk.collections.delete("nowhere", CALLER)


def test_default_collection_exists_from_the_start(bare_desk: Desk) -> None:
    bare_desk.collections.ensure_default()
    details = bare_desk.collections.show(DEFAULT)
    assert (details.templates, details.collection.settings) == (0, CollectionSettings())


def test_ensuring_the_default_again_changes_nothing(desk: Desk, tables: Tables) -> None:
    desk.enroll("kim", KIM)
    before = tables.content()
    desk.collections.ensure_default()
    assert tables.content() == before


def test_deleted_collection_is_gone_with_its_people_and_its_key(desk: Desk, tables: Tables) -> None:
    desk.put("shop")
    desk.enroll("kim", KIM, collection="shop", idempotency_key="1")
    assert desk.collections.delete("shop", CALLER) == 1
    with pytest.raises(CollectionNotFound):
        desk.collections.show("shop")
    assert tables.rows("SELECT 1 FROM collections WHERE name = 'shop'") == []
    assert all(tables.content()[name] == [] for name in ("subjects", "templates", "answers"))


def test_deleting_a_collection_leaves_the_others_alone(desk: Desk) -> None:
    desk.put("shop")
    desk.enroll("kim", KIM)
    desk.collections.delete("shop", CALLER)
    assert desk.verify("kim", KIM).decision.match


def test_default_collection_exists_after_its_deletion_empty_and_under_a_new_key(desk: Desk) -> None:
    desk.enroll("kim", KIM)
    before = desk.collections.show(DEFAULT).collection
    desk.collections.delete(DEFAULT, CALLER)
    after = desk.collections.show(DEFAULT)
    assert after.templates == 0
    assert after.collection.keys.active.key_id != before.keys.active.key_id
    desk.enroll("kim", KIM)


def test_collections_do_not_share_a_search_space(desk: Desk, tables: Tables) -> None:
    desk.put("shop")
    for name in (DEFAULT, "shop"):
        desk.enroll("kim", KIM, collection=name)
    first, second = tables.rows("SELECT search::vector::text AS search FROM templates")
    assert first["search"] != second["search"]


def test_several_workers_may_start_on_an_empty_database_at_once(
    bare_desk: Desk, tables: Tables
) -> None:
    started = outcomes([bare_desk.collections.ensure_default] * 8)
    assert started == [None] * 8
    assert len(tables.rows("SELECT 1 FROM collections")) == 1
