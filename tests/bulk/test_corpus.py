"""Photographs of known people come in folders or by a CSV file."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.bulk.corpus import MOST_OF_A_PERSON, known_people
from service.domain.bulk import KnownPerson
from service.domain.errors import BulkFileUnusable, InvalidRequest


def _touch(*files: Path) -> None:
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()


def test_each_folder_is_a_person(tmp_path: Path) -> None:
    _touch(tmp_path / "amy" / "10.png", tmp_path / "amy" / "2.jpg", tmp_path / "bob" / "1.webp")
    _touch(tmp_path / "amy" / "notes.txt", tmp_path / "loose.png")
    assert known_people(tmp_path) == [
        KnownPerson("amy", [str(tmp_path / "amy" / "2.jpg"), str(tmp_path / "amy" / "10.png")]),
        KnownPerson("bob", [str(tmp_path / "bob" / "1.webp")]),
    ]


def test_folders_of_systems_are_nobody(tmp_path: Path) -> None:
    _touch(tmp_path / ".git" / "1.png", tmp_path / "__MACOSX" / "1.png")
    assert known_people(tmp_path) == []


def test_of_one_person_only_so_many_are_taken(tmp_path: Path) -> None:
    _touch(*(tmp_path / "amy" / f"{number}.png" for number in range(60)))
    assert len(known_people(tmp_path)[0].files) == MOST_OF_A_PERSON


def _csv(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "people.csv"
    path.write_text(text, encoding=encoding)
    return path


def test_csv_names_groups(tmp_path: Path) -> None:
    path = _csv(
        tmp_path,
        'subjectId,images,group\namy,1.png,women\namy,2.png,women\nbob,"[""3.png"", ""4.png""]",men\n',
    )
    assert known_people(path) == [
        KnownPerson("amy", [str(tmp_path / "1.png"), str(tmp_path / "2.png")], "women"),
        KnownPerson("bob", [str(tmp_path / "3.png"), str(tmp_path / "4.png")], "men"),
    ]


def test_csv_needs_no_groups(tmp_path: Path) -> None:
    assert known_people(_csv(tmp_path, "subject_id;images\namy;1.png\n")) == [
        KnownPerson("amy", [str(tmp_path / "1.png")])
    ]


def test_csv_of_a_korean_excel_is_read(tmp_path: Path) -> None:
    people = known_people(_csv(tmp_path, "subjectId,images,group\namy,1.png,여성\n", "euc_kr"))
    assert [person.group for person in people] == ["여성"]


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("subjectId,group\namy,women\n", "images"),
        ("images,group\n1.png,women\n", "subjectId"),
        ("subjectId,images,sex\namy,1.png,f\n", "sex"),
        ("subjectId,images,images\namy,1.png,2.png\n", "images"),
        ("subjectId,images,group\namy,1.png,women\namy,2.png,men\n", "3: group"),
        ("subjectId,images\namy,\n", "2: images"),
        ("subjectId,images\na/b,1.png\n", "2: subjectId"),
        ("subjectId,images\namy,1.png,2.png\n", "2: line"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, field: str) -> None:
    with pytest.raises(InvalidRequest) as told:
        known_people(_csv(tmp_path, text))
    assert [problem["field"] for problem in told.value.problems] == [field]


@pytest.mark.parametrize("text", ["", 'subjectId,images\n"amy,1.png\n'])
def test_what_is_no_csv_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(BulkFileUnusable):
        known_people(_csv(tmp_path, text))
