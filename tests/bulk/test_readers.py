"""Files of every format: sound rows as they were written, and each broken one with its place."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.bulk import json_lines as lines
from service.bulk.formats import open_source
from service.domain.bulk import Place, Row, Unit
from service.domain.errors import BulkFileUnusable, ExtraMissing, FaceError, InvalidRequest
from service.domain.face import GivenEmbedding, ImageFiles
from tests.bulk.bulk_files import (
    WRITERS,
    Fields,
    read,
    told,
    write_csv,
    write_json_lines,
    write_parquet,
)
from tests.domain.vectors import face_of

Write = Callable[[Path, Sequence[Fields]], Path]
every_format = pytest.mark.parametrize("write", WRITERS, ids=lambda one: one.__name__)
KIM = face_of("kim")


@every_format
def test_people_come_out_as_they_were_written(tmp_path: Path, write: Write) -> None:
    path = write(
        tmp_path,
        [
            {"subjectId": "kim", "embedding": KIM.tolist(), "metadata": {"문": [3, None]}},
            {"subjectId": "lee", "images": "lee/1.jpg", "expiresAt": "2027-01-01T09:00:00+09:00"},
            {
                "subjectId": "a:b@c.d-e_f",
                "images": ["1.jpg", "/far/2.jpg"],
                "consentReference": "c",
            },
        ],
    )
    kim, lee, third = read(path)
    assert isinstance(kim, Row)
    assert isinstance(kim.source, GivenEmbedding)
    np.testing.assert_allclose(kim.source.numbers, KIM)
    assert kim.metadata == {"문": [3, None]}
    assert isinstance(lee, Row)
    assert lee.source == ImageFiles([str(tmp_path / "lee/1.jpg")])
    assert lee.expires_at == datetime(2027, 1, 1, tzinfo=UTC)
    assert isinstance(third, Row)
    assert third.source == ImageFiles([str(tmp_path / "1.jpg"), "/far/2.jpg"])
    assert (third.subject_id, third.consent_reference) == ("a:b@c.d-e_f", "c")


@every_format
def test_every_row_has_its_place(tmp_path: Path, write: Write) -> None:
    people = [{"subjectId": name, "images": "1.jpg"} for name in ("kim", "no name", "lee")]
    path = write(tmp_path, people)
    first, unit = {".csv": (2, Unit.LINE), ".jsonl": (1, Unit.LINE)}.get(path.suffix, (1, Unit.ROW))
    assert [row.place for row in read(path)] == [Place(unit, first + step) for step in range(3)]
    assert open_source(path, 5).expected == 3


BROKEN: dict[str, tuple[Fields, object]] = {
    "no name": ({"images": "1"}, ("invalid_request", ("subjectId", "missing"))),
    "a name with a space": (
        {"subjectId": "a b", "images": "1"},
        ("invalid_request", ("subjectId", "not_a_name")),
    ),
    "a name too long": (
        {"subjectId": "a" * 129, "images": "1"},
        ("invalid_request", ("subjectId", "not_a_name")),
    ),
    "no source": ({"subjectId": "kim"}, ("invalid_request", ("images", "missing"))),
    "two sources": (
        {"subjectId": "kim", "images": "1", "embedding": [1.0]},
        ("invalid_request", ("images", "one_source")),
    ),
    "metadata that are no object": (
        {"subjectId": "kim", "images": "1", "metadata": [1]},
        ("invalid_request", ("metadata", "not_object")),
    ),
    "metadata too long": (
        {"subjectId": "kim", "images": "1", "metadata": {"a": "b" * 4096}},
        ("invalid_request", ("metadata", "too_long")),
    ),
    "a date without its time": (
        {"subjectId": "kim", "images": "1", "expiresAt": "2027-01-01"},
        ("invalid_request", ("expiresAt", "not_a_moment")),
    ),
    "a day that does not exist": (
        {"subjectId": "kim", "images": "1", "expiresAt": "2027-02-30T00:00:00Z"},
        ("invalid_request", ("expiresAt", "not_a_moment")),
    ),
    "a consent of two lines": (
        {"subjectId": "kim", "images": "1", "consentReference": "a\nb"},
        ("invalid_request", ("consentReference", "not_printable")),
    ),
    "no path among the paths": (
        {"subjectId": "kim", "images": []},
        ("invalid_request", ("images", "invalid")),
    ),
    "two wrong fields": (
        {"subjectId": "!", "images": "1", "consentReference": "\t"},
        ("invalid_request", ("subjectId", "not_a_name"), ("consentReference", "not_printable")),
    ),
}


@every_format
def test_broken_row_is_told_and_the_others_are_sound(tmp_path: Path, write: Write) -> None:
    sound = {"subjectId": "sound", "images": "1.jpg"}
    people = [one for fields, _ in BROKEN.values() for one in (fields, sound)]
    rows = read(write(tmp_path, people))
    expected = [one for _, reason in BROKEN.values() for one in (reason, "sound")]
    assert [told(row) for row in rows] == expected


@every_format
def test_refused_row_keeps_a_sound_name(tmp_path: Path, write: Write) -> None:
    (row,) = read(write(tmp_path, [{"subjectId": "kim"}]))
    assert row.subject_id == "kim"


NO_NUMBERS: list[object] = [["a"], [[1.0]], [True], [None], {"0": 1.0}, 10**400, [10**400], 7]


@pytest.mark.parametrize("value", NO_NUMBERS, ids=lambda value: repr(value)[:12])
def test_what_is_no_list_of_numbers_is_no_embedding(tmp_path: Path, value: object) -> None:
    (row,) = read(write_json_lines(tmp_path, [{"subjectId": "kim", "embedding": value}]))
    assert told(row) == ("invalid_embedding",)


def test_missing_number_of_a_parquet_list_is_not_a_number(tmp_path: Path) -> None:
    (row,) = read(write_parquet(tmp_path, [{"subjectId": "kim", "embedding": [1.0, None]}]))
    assert isinstance(row, Row)
    assert isinstance(row.source, GivenEmbedding)
    np.testing.assert_array_equal(row.source.numbers, [1.0, np.nan])


@pytest.mark.parametrize("kind", [pa.float16(), pa.float32(), pa.float64()], ids=str)
@pytest.mark.parametrize("size", [-1, 512])
def test_parquet_lists_of_every_kind_are_embeddings(tmp_path: Path, kind: Any, size: int) -> None:
    path = tmp_path / "people.parquet"
    halves = np.asarray(KIM, kind.to_pandas_dtype())
    column = pa.array([halves], pa.list_(kind, size))
    pq.write_table(pa.table({"subjectId": ["kim"], "embedding": column}), path)
    (row,) = read(path)
    assert isinstance(row, Row)
    assert isinstance(row.source, GivenEmbedding)
    np.testing.assert_array_equal(row.source.numbers, halves)


def test_parquet_moment_needs_its_zone(tmp_path: Path) -> None:
    path, moment = tmp_path / "people.parquet", datetime(2027, 1, 1)
    for zone, expected in (
        ("UTC", "kim"),
        (None, ("invalid_request", ("expiresAt", "not_a_moment"))),
    ):
        column = pa.array([moment], pa.timestamp("us", zone))
        table = pa.table({"subjectId": ["kim"], "images": ["1.jpg"], "expiresAt": column})
        pq.write_table(table, path)
        assert [told(row) for row in read(path)] == [expected]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"{", ("invalid_request", ("line", "not_json"))),
        (b"[1]", ("invalid_request", ("line", "not_object"))),
        (b"\xff", ("invalid_request", ("line", "not_json"))),
        (
            b'{"subjectId": "kim", "images": "1", "face": 1}',
            ("invalid_request", ("face", "unknown")),
        ),
        (b"[" * 5000, ("invalid_request", ("line", "not_json"))),
        (b'{"subjectId": "kim", "images": "1\\u0000"}', ("invalid_request", ("images", "invalid"))),
        (
            b'{"subjectId": "kim", "images": "1", "metadata": {"a": NaN}}',
            ("invalid_request", ("metadata", "not_json")),
        ),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_broken_line_of_json_lines(tmp_path: Path, line: bytes, expected: object) -> None:
    path = tmp_path / "people.jsonl"
    sound = b'{"subjectId": "lee", "images": "1.jpg"}'
    path.write_bytes(b"\xef\xbb\xbf" + sound + b"\r\n\n" + line + b"\n" + sound)
    rows = read(path)
    assert [told(row) for row in rows] == ["lee", expected, "lee"]
    assert [row.place.at for row in rows] == [1, 3, 4]


@pytest.mark.parametrize(
    "broken",
    [
        'kim,"1.jpg\n',
        'kim,"1.jpg"x\n',
        "kim\n",
        "kim,1.jpg,2.jpg\n",
        "kim,\udcff\n",
        '"kim\n"lee",1.jpg\n',
    ],
)
def test_broken_line_of_csv_takes_no_other_along(tmp_path: Path, broken: str) -> None:
    path = tmp_path / "people.csv"
    text = f'subjectId,images\nlee,"1.jpg"\n{broken}zoe,1.jpg\n\nmax,"[""1.jpg"",\n""2.jpg""]"\neve,1\n'
    path.write_bytes(text.encode(errors="surrogateescape"))
    rows = [row for row in read(path) if row.subject_id != "kim"]
    names = [row.subject_id for row in rows if isinstance(row, Row)]
    assert [name for name in names if name != "lee"] == ["zoe", "max", "eve"]
    refused = [row for row in rows if not isinstance(row, Row)]
    assert [row.place.at for row in refused] == [3]
    shift = broken.count("\n") - 1
    assert [row.place.at for row in rows if row.subject_id == "eve"] == [8 + shift]


@pytest.mark.parametrize("name", ["people.csv", "people.jsonl"])
def test_line_without_end_is_passed_over(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "MOST_LINE_BYTES", 64)
    path, csv = tmp_path / name, name.endswith("csv")
    head = "subjectId,images\n" if csv else ""
    sound = "{},1.jpg\n" if csv else '{{"subjectId": "{}", "images": "1"}}\n'
    path.write_text(head + sound.format("kim") + "a" * 1000 + "\n" + sound.format("lee"), "utf-8")
    rows = [told(row) for row in read(path)]
    assert rows == ["kim", ("invalid_request", ("line", "too_long")), "lee"]


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("people.csv", b"", BulkFileUnusable),
        ("people.csv", b'"subjectId', BulkFileUnusable),
        ("people.csv", b"name,images\n", InvalidRequest),
        ("people.csv", b"subjectId,photos\n", InvalidRequest),
        ("people.csv", b"subjectId,images,images\n", InvalidRequest),
        ("people.parquet", b"PAR1", BulkFileUnusable),
        ("people.txt", b"", BulkFileUnusable),
        ("people", b"", BulkFileUnusable),
    ],
)
def test_file_that_is_no_source_is_refused_as_a_whole(
    tmp_path: Path, name: str, content: bytes, error: type[FaceError]
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(error):
        open_source(path, 5)


def test_parquet_that_breaks_off_gives_what_comes_before(tmp_path: Path) -> None:
    people = [{"subjectId": f"p{number}", "images": "1.jpg"} for number in range(4000)]
    path = write_parquet(tmp_path, people)
    pq.write_table(pq.read_table(path), path, row_group_size=1000)
    third = pq.read_metadata(path).row_group(2).column(0)
    with path.open("r+b") as file:
        file.seek(third.dictionary_page_offset or third.data_page_offset)
        file.write(b"\xff" * 100)
    rows: list[object] = []
    with pytest.raises(BulkFileUnusable):
        rows.extend(told(row) for row in open_source(path, 5).rows())
    assert rows == [f"p{number}" for number in range(2000)]


def test_parquet_without_pyarrow_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_parquet(tmp_path, [{"subjectId": "kim", "images": "1"}])
    monkeypatch.setitem(__import__("sys").modules, "service.bulk.parquet", None)
    with pytest.raises(ExtraMissing) as missing:
        open_source(path, 5)
    assert missing.value.values == {"extra": "bulk"}


texts = st.text(max_size=20)
values = (
    st.none() | st.booleans() | st.integers() | st.floats() | texts | st.lists(texts, max_size=3)
)
anything = st.dictionaries(
    st.sampled_from(["subjectId", "images", "embedding", "metadata", "expiresAt", "x"]), values
)
no_wait = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@no_wait
@given(st.lists(st.binary(max_size=60) | anything.map(lambda one: json.dumps(one).encode())))
def test_whatever_lines_there_are_each_is_a_row_or_refused(
    tmp_path: Path, written: list[bytes]
) -> None:
    path = tmp_path / "people.jsonl"
    path.write_bytes(b"\n".join(written) + b"\n")
    content = path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n")
    filled = [number for number, line in enumerate(content, 1) if line.strip()]
    assert [row.place.at for row in read(path)] == filled


@no_wait
@given(st.text(max_size=400, alphabet=st.sampled_from('ab,"\n[]1')))
def test_sound_rows_before_and_behind_any_text_of_csv_are_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "people.csv"
    path.write_text(f"subjectId,images\nfirst,1\n{text}\nlast,1\n", "utf-8", newline="")
    names = [row.subject_id for row in read(path) if isinstance(row, Row)]
    assert names[0] == "first"
    assert names[-1] == "last"


@no_wait
@given(
    st.lists(st.tuples(st.integers(0, 9), st.dictionaries(texts, texts, max_size=2)), max_size=5)
)
def test_formats_agree(tmp_path: Path, written: list[tuple[int, dict[str, str]]]) -> None:
    later = datetime(2030, 1, 1, tzinfo=UTC)
    people = [
        {
            "subjectId": f"p{number}",
            "images": [f"{number}.jpg"],
            "metadata": metadata,
            "expiresAt": (later + timedelta(days=number)).isoformat(),
        }
        for number, metadata in written
    ]
    read_back = [
        [(row.subject_id, row.source, row.metadata, row.expires_at) for row in rows]  # type: ignore[union-attr]
        for rows in (read(write(tmp_path, people)) for write in (write_json_lines, write_csv))
    ]
    assert read_back[0] == read_back[1]
