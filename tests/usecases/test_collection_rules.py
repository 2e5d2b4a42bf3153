"""Each collection has its own thresholds, duplicate rules, key and people."""

from __future__ import annotations

from unittest.mock import Mock

import pytest

from service.domain.bulk import Place, Result, Row, Unit
from service.domain.collection import Collection, CollectionSettings, DuplicatePolicy
from service.domain.errors import (
    CollectionNotFound,
    DuplicateSubject,
    NoUsableFace,
    ProfileNotFound,
    UnsupportedImage,
)
from service.domain.face import Faces, ImageFiles, Reason
from tests.domain.vectors import at_cosine, face_of
from tests.usecases.concurrent_calls import outcomes
from tests.usecases.service_process import CALLER, DEFAULT, Service, Tables
from tests.usecases.stand_ins import given

KIM = given(face_of("kim"))
ALIKE = given(at_cosine(face_of("kim"), 0.35))
"""Between aggressive (0.30) and balanced (0.40)."""


def test_new_collection_has_the_defaults(service: Service) -> None:
    details = service.put("shop")
    assert details.collection.settings == CollectionSettings()
    assert details.collection.settings.duplicate_policy is DuplicatePolicy.REJECT
    assert details.collection.settings.duplicate_profile == "balanced"
    assert (details.templates, details.collection.model_id) == (0, None)


def test_settings_are_kept(service: Service) -> None:
    settings = CollectionSettings(
        {"door": 0.55}, DuplicatePolicy.FLAG, "door", faces=Faces.DOMINANT
    )
    service.collections.put("shop", settings, CALLER)
    assert service.collections.show("shop").collection.settings == settings


def test_putting_again_changes_the_settings_and_keeps_people_and_key(service: Service) -> None:
    service.enroll("kim", KIM)
    before = service.collections.show(DEFAULT).collection
    service.put(duplicate_policy=DuplicatePolicy.ALLOW)
    after = service.collections.show(DEFAULT)
    assert (after.collection.keys, after.collection.model_id) == (before.keys, before.model_id)
    assert after.templates == 1
    assert service.verify("kim", KIM).decision.match


def test_collections_own_duplicate_policy_applies(service: Service) -> None:
    service.put(duplicate_policy=DuplicatePolicy.FLAG)
    service.enroll("kim", KIM)
    assert [one.subject_id for one in service.enroll("kim2", KIM).duplicates] == ["kim"]


def test_request_overrides_the_collections_policy(service: Service) -> None:
    service.put(duplicate_policy=DuplicatePolicy.ALLOW)
    service.enroll("kim", KIM)
    with pytest.raises(DuplicateSubject):
        service.enroll("kim2", KIM, on_duplicate=DuplicatePolicy.REJECT)


def test_collections_own_duplicate_profile_applies(service: Service) -> None:
    service.put(duplicate_profile="aggressive")
    service.enroll("kim", KIM)
    with pytest.raises(DuplicateSubject):
        service.enroll("lee", ALIKE)
    assert service.search(ALIKE).search.profile.name == "aggressive"


def test_duplicate_profile_does_not_touch_verification(service: Service) -> None:
    service.put(duplicate_profile="aggressive")
    service.enroll("kim", KIM)
    verification = service.verify("kim", ALIKE)
    assert verification.decision.profile.name == "balanced"
    assert not verification.decision.match


def test_collections_own_thresholds_apply_to_verification_search_and_duplicates(
    service: Service,
) -> None:
    service.put(thresholds={"balanced": 0.33, "door": 0.37})
    service.enroll("kim", KIM)
    assert service.verify("kim", ALIKE).decision.match
    assert not service.verify("kim", ALIKE, profile="door").decision.match
    assert service.found(ALIKE) == ["kim"]
    assert service.found(ALIKE, profile="door") == []
    with pytest.raises(DuplicateSubject):
        service.enroll("lee", ALIKE)


def test_thresholds_of_one_collection_do_not_reach_another(service: Service) -> None:
    service.put("shop", thresholds={"door": 0.37})
    service.enroll("kim", KIM)
    with pytest.raises(ProfileNotFound):
        service.verify("kim", ALIKE, profile="door")


def test_duplicate_profile_must_be_one_of_the_collections(service: Service) -> None:
    with pytest.raises(ProfileNotFound):
        service.put("shop", duplicate_profile="door")
    with pytest.raises(CollectionNotFound):
        service.collections.show("shop")


def test_unknown_collection_is_refused(service: Service) -> None:
    with pytest.raises(CollectionNotFound):
        service.collections.show("nowhere")
    with pytest.raises(CollectionNotFound):
        service.collections.delete("nowhere", CALLER)


def test_default_collection_exists_from_the_start(bare_service: Service) -> None:
    bare_service.collections.ensure_default()
    details = bare_service.collections.show(DEFAULT)
    assert (details.templates, details.collection.settings) == (0, CollectionSettings())


def test_ensuring_the_default_again_changes_nothing(service: Service, tables: Tables) -> None:
    service.enroll("kim", KIM)
    before = tables.content()
    service.collections.ensure_default()
    assert tables.content() == before


def test_deleted_collection_is_gone_with_its_people_and_its_key(
    service: Service, tables: Tables
) -> None:
    service.put("shop")
    service.enroll("kim", KIM, collection="shop", idempotency_key="1")
    assert service.collections.delete("shop", CALLER) == 1
    with pytest.raises(CollectionNotFound):
        service.collections.show("shop")
    assert tables.rows("SELECT 1 FROM collections WHERE name = 'shop'") == []
    assert all(
        tables.content()[name] == [] for name in ("subjects", "templates", "idempotent_responses")
    )


def test_deleting_a_collection_leaves_the_others_alone(service: Service) -> None:
    service.put("shop")
    service.enroll("kim", KIM)
    service.collections.delete("shop", CALLER)
    assert service.verify("kim", KIM).decision.match


def test_default_collection_exists_after_its_deletion_empty_and_under_a_new_key(
    service: Service,
) -> None:
    service.enroll("kim", KIM)
    before = service.collections.show(DEFAULT).collection
    service.collections.delete(DEFAULT, CALLER)
    after = service.collections.show(DEFAULT)
    assert after.templates == 0
    assert after.collection.keys.active.key_id != before.keys.active.key_id
    service.enroll("kim", KIM)


def test_collections_do_not_share_a_search_space(service: Service, tables: Tables) -> None:
    service.put("shop")
    for name in (DEFAULT, "shop"):
        service.enroll("kim", KIM, collection=name)
    first, second = tables.rows("SELECT search::vector::text AS search FROM templates")
    assert first["search"] != second["search"]


def test_several_workers_may_start_on_an_empty_database_at_once(
    bare_service: Service, tables: Tables
) -> None:
    started = outcomes([bare_service.collections.ensure_default] * 8)
    assert started == [None] * 8
    assert len(tables.rows("SELECT 1 FROM collections")) == 1


def test_collections_own_rule_says_which_faces_count(service: Service) -> None:
    service.put(faces=Faces.DOMINANT)
    (sample,) = service.enroll("kim", "kim:1+1").samples
    assert sample.ignored_faces == 1
    assert service.verify("kim", "kim:2+1").decision.match
    assert service.found("kim:2+1") == ["kim"]


def test_request_says_otherwise_than_the_collection(service: Service) -> None:
    service.enroll("kim", "kim:1")
    assert service.verify("kim", "kim:2+1", faces=Faces.DOMINANT).decision.match
    service.put(faces=Faces.DOMINANT)
    with pytest.raises(NoUsableFace) as refusal:
        service.verify("kim", "kim:2+1", faces=Faces.ONE)
    assert [sample.reason for sample in refusal.value.samples] == [Reason.MULTIPLE_FACES]


def test_a_rule_that_changes_between_two_verifications_holds_at_once(service: Service) -> None:
    service.enroll("kim", "kim:1")
    assert service.verify("kim", "kim:2").decision.match
    service.put(faces=Faces.DOMINANT)
    assert service.verify("kim", "kim:2+1").decision.match
    service.put(faces=Faces.ONE)
    with pytest.raises(NoUsableFace):
        service.verify("kim", "kim:2+1")


def test_a_rule_that_changes_and_comes_back_within_a_verification_holds(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.enroll("kim", "kim:1")
    assert service.verify("kim", "kim:2").decision.match
    service.put(faces=Faces.DOMINANT)
    find_collection = service.storage.find_collection

    def find_changed_back(name: str) -> Collection | None:
        service.put(faces=Faces.ONE)
        return find_collection(name)

    monkeypatch.setattr(service.storage, "find_collection", find_changed_back)
    assert service.verify("kim", "kim:2").decision.match


def test_a_rule_that_is_still_remembered_opens_no_collection_that_is_gone(service: Service) -> None:
    service.put("door")
    service.enroll("kim", "kim:1", collection="door")
    assert service.verify("kim", "kim:2", collection="door").decision.match
    service.collections.delete("door", CALLER)
    for photograph in ("kim:2", "no_face"):
        with pytest.raises(CollectionNotFound):
            service.verify("kim", photograph, collection="door")


def test_a_file_that_is_no_photograph_tells_nothing_of_a_collection_that_is_gone(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.put("door")
    service.enroll("kim", "kim:1", collection="door")
    service.verify("kim", "kim:2", collection="door")
    service.collections.delete("door", CALLER)
    monkeypatch.setattr(service.capture, "stills", Mock(side_effect=UnsupportedImage()))
    with pytest.raises(CollectionNotFound):
        service.verify("kim", "text", collection="door")


def test_bulk_run_goes_by_the_collections_rule(service: Service) -> None:
    def enrolled(number: int) -> Result:
        row = Row(Place(Unit.LINE, number), f"kim{number}", ImageFiles([f"kim{number}:1+1"]))
        (outcome,) = service.bulk([row])
        return outcome.result

    assert enrolled(1) is Result.REFUSED
    service.put(faces=Faces.DOMINANT)
    assert enrolled(2) is Result.ENROLLED


def test_photographs_for_a_collection_that_there_is_not_are_not_looked_at(service: Service) -> None:
    with pytest.raises(CollectionNotFound):
        service.verify("kim", "kim:1", collection="nowhere")
    assert service.engine.looked_at == 0
