"""Folders of folders, as people copy them from phones, archives and network drives."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service.bulk.formats import open_source
from service.cli.context import particulars_of
from service.domain.bulk import Place, RefusedRow, Row, Unit
from service.domain.face import DirectoryImages
from tests.bulk.bulk_files import read, told

NOBODY_ID = 65_534
"""A user without rights, for tests that root runs."""


@pytest.fixture
def album(tmp_path: Path) -> Path:
    for name in ("lee", "kim"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.jpg").write_bytes(b"")
    return tmp_path


@contextmanager
def without_rights() -> Iterator[None]:
    before = os.geteuid()
    if before == 0:
        os.seteuid(NOBODY_ID)
    try:
        yield
    finally:
        os.seteuid(before)


def sentence_of(row: object) -> str:
    assert isinstance(row, RefusedRow)
    return particulars_of(row.error, "en")[0]


def test_folders_are_people_by_name(album: Path) -> None:
    source = open_source(album, 3)
    kim, lee = source.rows()
    assert source.expected == 2
    assert [told(kim), told(lee)] == ["kim", "lee"]
    assert isinstance(kim, Row)
    assert kim.place == Place(Unit.FOLDER, "kim")
    assert kim.source == DirectoryImages(str(album / "kim"), 3)


def test_a_folder_with_another_name_than_an_id_is_told_what_is_allowed(album: Path) -> None:
    (album / "a b").mkdir()
    (row, *_) = read(album)
    assert row.place == Place(Unit.FOLDER, "a b")
    assert told(row) == ("invalid_request", ("subjectId", "not_a_name"))
    assert "128" in sentence_of(row)


@pytest.mark.parametrize(
    "name",
    [
        "__MACOSX",
        "@eaDir",
        "#recycle",
        "$RECYCLE.BIN",
        "System Volume Information",
        "lost+found",
        ".git",
    ],
)
def test_folders_of_systems_are_nobody(album: Path, name: str) -> None:
    (album / name).mkdir()
    (album / name / "1.jpg").write_bytes(b"")
    assert [told(row) for row in read(album)] == ["kim", "lee"]


@pytest.mark.parametrize("name", [".DS_Store", "Thumbs.db", "desktop.ini", "list.txt", "._1.jpg"])
def test_files_of_systems_are_passed_over(album: Path, name: str) -> None:
    (album / name).write_bytes(b"")
    assert [told(row) for row in read(album)] == ["kim", "lee"]


@pytest.mark.parametrize("name", ["aa.jpg", "aa.PNG", "aa.heic"])
def test_a_photograph_beside_the_folders_is_told_and_stops_nothing(album: Path, name: str) -> None:
    (album / name).write_bytes(b"")
    loose, *people = read(album)
    assert loose.place == Place(Unit.FILE, name)
    assert loose.subject_id is None
    assert sentence_of(loose).startswith("images: This photograph is in nobody's folder.")
    assert str(album / name) in sentence_of(loose)
    assert [told(row) for row in people] == ["kim", "lee"]


@pytest.mark.skipif(os.name == "nt", reason="symlinks of POSIX")
def test_a_link_to_itself_is_told_and_stops_nothing(album: Path) -> None:
    (album / "aa").symlink_to(album / "aa")
    loop, *people = read(album)
    assert sentence_of(loop).startswith("images: This link leads to itself")
    assert [told(row) for row in people] == ["kim", "lee"]


@pytest.mark.skipif(os.name == "nt", reason="symlinks of POSIX")
def test_a_link_to_a_folder_above_is_one_folder_and_no_loop(album: Path) -> None:
    (album / "aa").symlink_to(album)
    assert told(read(album)[0]) == ("invalid_request", ("images", "no_photographs"))


@pytest.mark.parametrize("content", [None, "notes.txt", "._1.jpg"])
def test_a_folder_without_photographs_is_told(album: Path, content: str | None) -> None:
    (album / "aa").mkdir()
    if content:
        (album / "aa" / content).write_bytes(b"")
    row = read(album)[0]
    assert row.subject_id == "aa"
    assert sentence_of(row).startswith("images: There is no photograph in the folder.")


@pytest.mark.skipif(os.name == "nt", reason="modes of POSIX")
def test_a_closed_folder_is_told_and_stops_nothing(album: Path) -> None:
    for folder in (*album.parents, album):  # pytest's own are for their user alone
        if folder.stat().st_uid == os.getuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    (album / "aa").mkdir(0o700)
    (album / "aa").chmod(0)
    with without_rights():
        closed, *people = read(album)
    (album / "aa").chmod(0o700)
    assert sentence_of(closed).startswith("images: It may not be read.")
    assert [told(row) for row in people] == ["kim", "lee"]
