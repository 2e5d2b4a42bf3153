"""What is kept about a person beside the templates, and how people are listed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.domain.errors import CollectionNotFound, SubjectNotFound, TemplateTampered
from service.usecases.enrollment import Mode
from tests.usecases.service_process import DEFAULT, Service, Tables

METADATA = {"이름": "김민지", "door": 3, "tags": ["member of staff", None], "nested": {"a": 1.5}}


def test_metadata_is_readable_again(service: Service) -> None:
    service.enroll("kim", "kim:1", metadata=METADATA)
    assert service.subjects.show("kim", DEFAULT).metadata == METADATA


def test_metadata_is_sealed_in_the_row(service: Service, tables: Tables) -> None:
    service.enroll("kim", "kim:1", metadata=METADATA)
    (row,) = tables.rows("SELECT metadata FROM subjects")
    assert b"member of staff" not in row["metadata"]


def test_metadata_of_another_subject_does_not_open(service: Service, tables: Tables) -> None:
    service.enroll("kim", "kim:1", metadata={"owner": "kim"})
    service.enroll("lee", "lee:1", metadata={"owner": "lee"})
    tables.change(
        "UPDATE subjects SET metadata = other.metadata FROM subjects other"
        " WHERE subjects.subject_id = 'kim' AND other.subject_id = 'lee'"
    )
    with pytest.raises(TemplateTampered):
        service.subjects.show("kim", DEFAULT)


def test_nobody_has_metadata_unless_given(service: Service, tables: Tables) -> None:
    service.enroll("kim", "kim:1")
    assert service.subjects.show("kim", DEFAULT).metadata is None
    assert tables.rows("SELECT metadata FROM subjects") == [{"metadata": None}]


def test_empty_metadata_is_kept_as_empty(service: Service) -> None:
    service.enroll("kim", "kim:1", metadata={})
    assert service.subjects.show("kim", DEFAULT).metadata == {}


@pytest.mark.parametrize("mode", [Mode.ADD, Mode.REPLACE])
def test_new_metadata_takes_the_place_of_the_old(service: Service, mode: Mode) -> None:
    service.enroll("kim", "kim:1", metadata={"door": 1})
    service.enroll("kim", "kim:2", metadata={"door": 2}, mode=mode)
    assert service.subjects.show("kim", DEFAULT).metadata == {"door": 2}


@pytest.mark.parametrize("mode", [Mode.ADD, Mode.REPLACE])
def test_metadata_stays_where_no_new_is_given(service: Service, mode: Mode) -> None:
    service.enroll("kim", "kim:1", metadata={"door": 1})
    service.enroll("kim", "kim:2", mode=mode)
    assert service.subjects.show("kim", DEFAULT).metadata == {"door": 1}


def test_entry_tells_model_templates_and_first_enrollment(service: Service) -> None:
    service.enroll("kim", "kim:1")
    first = service.clock.now
    service.clock.advance(timedelta(days=1))
    service.enroll("kim", "kim:2", mode=Mode.ADD)
    details = service.subjects.show("kim", DEFAULT)
    assert details.model_ids == [service.model_id]
    assert (details.summary.templates, details.summary.enrolled_at) == (1, first)


def test_unknown_subject_or_collection_is_not_found(service: Service) -> None:
    with pytest.raises(SubjectNotFound):
        service.subjects.show("kim", DEFAULT)
    with pytest.raises(CollectionNotFound):
        service.subjects.show("kim", "nowhere")
    with pytest.raises(CollectionNotFound):
        service.subjects.page("nowhere", 10, None)


def _pages(service: Service, limit: int) -> list[list[str]]:
    pages, cursor = [], None
    while True:
        page = service.subjects.page(DEFAULT, limit, cursor)
        pages.append([one.subject_id for one in page.subjects])
        cursor = page.next_cursor
        if cursor is None:
            return pages


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6, 100])
def test_pages_name_everybody_once_in_byte_order(service: Service, limit: int) -> None:
    names = ["lee", "Kim", "a-b", "a.b", "kim", "10"]
    for name in names:
        service.enroll(name, f"{name}x")
    pages = _pages(service, limit)
    assert [name for page in pages for name in page] == sorted(names)
    assert all(len(page) == limit for page in pages[:-1])


def test_last_full_page_has_no_next_one(service: Service) -> None:
    service.enroll("kim", "kim:1")
    assert service.subjects.page(DEFAULT, 1, None).next_cursor is None


def test_empty_collection_is_one_empty_page(service: Service) -> None:
    assert _pages(service, 10) == [[]]


def test_page_goes_on_where_its_cursor_was_erased(service: Service) -> None:
    for name in ("a", "b", "c"):
        service.enroll(name, f"{name}x")
    cursor = service.subjects.page(DEFAULT, 1, None).next_cursor
    service.erase("a")
    rest = service.subjects.page(DEFAULT, 10, cursor)
    assert [one.subject_id for one in rest.subjects] == ["b", "c"]


def test_page_shows_one_collection_only(service: Service) -> None:
    service.put("shop")
    service.enroll("kim", "kim:1", collection="shop")
    assert _pages(service, 10) == [[]]
