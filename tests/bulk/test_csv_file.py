"""CSV as spreadsheets save it: read, or the rule that it breaks is named."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from service.bulk.fields import field_named
from service.bulk.formats import open_source
from service.cli.context import causes_of, particulars_of
from service.domain.bulk import BulkRow, RefusedRow, Row
from service.domain.errors import BulkFileUnusable, InvalidRequest
from service.domain.face import ImageFiles
from tests.bulk.bulk_files import read, told


@pytest.fixture
def spreadsheets(cases: Path) -> Path:
    return cases / "csv"


def saved(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "people.csv"
    path.write_bytes(text.encode(encoding))
    return path


def paths_of(row: BulkRow) -> list[str]:
    assert isinstance(row, Row)
    assert isinstance(row.source, ImageFiles)
    return [Path(path).name for path in row.source.paths]


def sentences(row: BulkRow) -> list[str]:
    assert isinstance(row, RefusedRow)
    return particulars_of(row.error, "en")


@pytest.mark.parametrize("name", ["semicolon", "tab", "sep_line", "header_case"])
def test_separators_and_cases_of_spreadsheets_are_read(spreadsheets: Path, name: str) -> None:
    rows = read(spreadsheets / f"{name}.csv")
    assert [told(row) for row in rows] == ["amy", "raj", "penny"]
    assert [paths_of(row) for row in rows] == [["amy.png"], ["raj.png"], ["penny.png"]]
    first = 3 if name == "sep_line" else 2
    assert [row.place.at for row in rows] == [first, first + 1, first + 2]
    assert open_source(spreadsheets / f"{name}.csv", 5).expected == 3


def test_korean_windows_encoding_is_read(spreadsheets: Path) -> None:
    (row,) = read(spreadsheets / "cp949.csv")
    assert paths_of(row) == ["김철수.png"]
    assert isinstance(row, Row)
    assert row.metadata == {"이름": "김철수"}


@pytest.mark.parametrize("broken", [b"Jos\xe9,1.jpg", b"jos\xe9a,1.jpg", b"k\xff\xc7\xd1,1.jpg"])
def test_another_encoding_is_told_row_by_row_and_the_others_are_read(
    tmp_path: Path, broken: bytes
) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(b"subjectId,images\n" + broken + b"\nlee,1.jpg\n")
    wrong, lee = read(path)
    assert told(lee) == "lee"
    assert sentences(wrong) == [
        "line: It is not UTF-8. Save the file again as `CSV UTF-8 (comma delimited)`."
    ]


def test_rare_syllables_of_the_old_encoding_are_not_guessed(tmp_path: Path) -> None:
    path = saved(tmp_path, "subjectId,images\nlee,똠.jpg\n", "cp949")
    assert told(read(path)[0]) == ("invalid_request", ("line", "not_saved_as_utf_8"))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_names_what_to_save_it_as(tmp_path: Path, encoding: str) -> None:
    mark = "" if encoding == "utf-16" else "\N{BYTE ORDER MARK}"
    path = saved(tmp_path, f"{mark}subjectId,images\namy,1.jpg\n", encoding)
    with pytest.raises(BulkFileUnusable) as refused:
        open_source(path, 5)
    (sentence,) = causes_of(refused.value, "en")
    assert "UTF-16" in sentence
    assert "CSV UTF-8" in sentence


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_mark_and_line_ends_do_not_matter(tmp_path: Path, encoding: str, end: str) -> None:
    rows = read(saved(tmp_path, f"subjectId,images{end}amy,1.jpg{end}", encoding))
    assert [told(row) for row in rows] == ["amy"]


@pytest.mark.parametrize("name", ["subjectid", "SUBJECT_ID", " Subject Id ", "subject-id"])
def test_a_fields_name_is_known_in_every_spelling(name: str) -> None:
    assert field_named(name) == "subjectId"


def test_spaces_behind_separators_are_no_part_of_a_value_where_the_head_has_them(
    tmp_path: Path,
) -> None:
    (row,) = read(saved(tmp_path, "subjectId, images\namy, 1.jpg\n"))
    assert paths_of(row) == ["1.jpg"]


def test_empty_columns_and_rows_at_the_end_are_passed_over(spreadsheets: Path) -> None:
    rows = read(spreadsheets / "trailing_commas.csv")
    assert [told(row) for row in rows] == ["amy", "raj"]


def told_of(path: Path) -> list[str]:
    with pytest.raises(InvalidRequest) as refused:
        open_source(path, 5)
    return particulars_of(refused.value, "en")


def test_other_names_are_told_with_what_was_found_and_what_is_needed(spreadsheets: Path) -> None:
    assert told_of(spreadsheets / "korean_header.csv") == [
        "subjectId: This field is needed. Found: 아이디, 사진."
    ]


@pytest.mark.parametrize(
    ("head", "sentence"),
    [
        ("subjectId,image", "image: There is no such field. The nearest name is images."),
        ("subjectId,images,Images", "images: It is given more than once."),
        ("name", "subjectId: This field is needed. Found: name."),
        ("a\x1b[2Jb", "subjectId: This field is needed. Found: a\\x1b[2Jb."),
    ],
)
def test_a_wrong_head_is_told(tmp_path: Path, head: str, sentence: str) -> None:
    assert told_of(saved(tmp_path, f"{head}\nkim,1.jpg\n")) == [sentence]


def test_a_short_row_is_told_with_both_numbers_and_the_next_is_read(spreadsheets: Path) -> None:
    short, raj = read(spreadsheets / "short_row.csv")
    assert sentences(short) == [
        "line: It has not as many fields as the head. Found: 1. Expected: 2."
    ]
    assert short.place.at == 2
    assert told(raj) == "raj"


@pytest.mark.parametrize("row", ["amy,1.jpg,2.jpg", "amy,1.jpg,,2.jpg"])
def test_a_long_row_is_told(tmp_path: Path, row: str) -> None:
    (refused,) = read(saved(tmp_path, f"subjectId,images\n{row}\n"))
    assert told(refused) == ("invalid_request", ("line", "number_of_fields"))


def test_a_value_in_a_column_without_a_name_is_told(tmp_path: Path) -> None:
    (refused,) = read(saved(tmp_path, "subjectId,images,\namy,1.jpg,2.jpg\n"))
    assert told(refused) == ("invalid_request", ("line", "number_of_fields"))


def test_a_date_of_excel_is_told_with_what_is_allowed(spreadsheets: Path) -> None:
    (row,) = read(spreadsheets / "date_excel.csv")
    assert sentences(row) == [
        "expiresAt: It must be a time as in RFC 3339, such as 2027-01-01T09:00:00Z."
    ]


def test_a_quotation_mark_that_stays_open_is_told(tmp_path: Path) -> None:
    (row,) = read(saved(tmp_path, 'subjectId,images\namy,"1.jpg\n'))
    assert sentences(row)[0].startswith("line: Its quotation marks do not match.")


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("told_by", ["head", "line"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp949"])
def test_every_combination_gives_the_same_people(
    tmp_path: Path, separator: str, told_by: str, encoding: str
) -> None:
    metadata = '{"이름": "김; 철|수,"}'
    people: list[list[Any]] = [["Subject ID", "IMAGES", "metadata"], ["kim", '["1.jpg"]', metadata]]
    path = tmp_path / "people.csv"
    with path.open("w", encoding=encoding, newline="") as file:
        if told_by == "line":
            file.write(f"sep={separator}\r\n")
        csv.writer(file, delimiter=separator).writerows(people)
    (row,) = read(path)
    assert isinstance(row, Row)
    assert row.metadata == {"이름": "김; 철|수,"}
