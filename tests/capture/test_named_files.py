"""Files named one by one: found in whichever Unicode form, or told by their paths why not."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from service.capture import heif
from service.capture.directory import as_on_disk, directory_photographs, named_photographs
from service.domain.errors import FieldProblem, InvalidRequest, UnsupportedImage
from service.domain.face import Photograph
from tests.bulk.test_folder_tree import without_rights
from tests.capture.pictures import LIMITS, encoded, picture

JPEG = encoded(picture(30, 20), "JPEG")
Form = Literal["NFC", "NFD"]
FORMS: tuple[Form, ...] = ("NFC", "NFD")


def written(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(JPEG)
    return path


def photographs(*paths: Path | str) -> list[Photograph]:
    return named_photographs([str(path) for path in paths], LIMITS, None)


def problems(*paths: Path | str) -> list[Mapping[str, Any]]:
    with pytest.raises(InvalidRequest) as refused:
        photographs(*paths)
    return list(refused.value.problems)


def problem(path: Path | str) -> FieldProblem:
    (only,) = problems(path)
    assert only["field"] == "images"
    assert only["allowed"] == {"path": str(path)}
    return FieldProblem(only["problem"])


@pytest.mark.parametrize("on_disk", FORMS)
@pytest.mark.parametrize("named", FORMS)
def test_hangul_is_found_in_either_form(tmp_path: Path, on_disk: Form, named: Form) -> None:
    written(
        tmp_path / unicodedata.normalize(on_disk, "학생") / unicodedata.normalize("NFC", "김.jpg")
    )
    path = tmp_path / unicodedata.normalize(named, "학생") / unicodedata.normalize("NFD", "김.jpg")
    assert isinstance(photographs(path)[0].pixels(), np.ndarray)
    assert len(directory_photographs(str(path.parent), 5, LIMITS, None)) == 1


def test_what_exists_as_named_is_taken_though_the_other_form_exists_too(tmp_path: Path) -> None:
    both = [written(tmp_path / unicodedata.normalize(form, "김.jpg")) for form in FORMS]
    assert [as_on_disk(path) for path in both] == both


def test_a_missing_file_and_a_missing_folder_are_told_apart(tmp_path: Path) -> None:
    assert problem(tmp_path / "nobody.jpg") is FieldProblem.NO_SUCH_FILE
    assert problem(tmp_path / "nowhere" / "1.jpg") is FieldProblem.NO_SUCH_FOLDER
    assert problem(written(tmp_path / "1.jpg") / "2.jpg") is FieldProblem.NO_SUCH_FOLDER


def test_all_that_are_missing_are_told_at_once(tmp_path: Path) -> None:
    sound = written(tmp_path / "1.jpg")
    missing = [tmp_path / "2.jpg", tmp_path / "3.jpg"]
    told = problems(missing[0], sound, missing[1])
    assert [each["allowed"]["path"] for each in told] == [str(path) for path in missing]


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert problem(tmp_path) is FieldProblem.NOT_A_FILE


def test_what_no_file_can_be_named_is_no_file() -> None:
    assert problem("a\0b") is FieldProblem.NO_SUCH_FILE


@pytest.mark.skipif(os.name == "nt", reason="symlinks, FIFOs and modes of POSIX")
def test_links_pipes_and_closed_files_are_told(tmp_path: Path) -> None:
    loop, pipe, closed = tmp_path / "loop", tmp_path / "pipe", written(tmp_path / "closed.jpg")
    loop.symlink_to(loop)
    os.mkfifo(pipe)
    closed.chmod(0)
    assert problem(loop) is FieldProblem.LINK_LEADS_NOWHERE
    assert problem(pipe) is FieldProblem.NOT_A_FILE
    with without_rights():
        assert problem(closed) is FieldProblem.CLOSED


def test_heic_that_cannot_be_read_here_is_told_as_such(
    cases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = cases / "images" / "iphone.heic"
    (tmp_path / "1.heic").write_bytes(phone.read_bytes())
    assert len(directory_photographs(str(tmp_path), 5, LIMITS, None)) == 1
    monkeypatch.setattr(heif, "find_spec", lambda _: None)
    with pytest.raises(UnsupportedImage):
        photographs(cases / "images" / "heic_named.jpg")
    with pytest.raises(UnsupportedImage):
        directory_photographs(str(tmp_path), 5, LIMITS, None)


def test_hidden_files_of_a_folder_are_no_photographs(tmp_path: Path) -> None:
    written(tmp_path / "1.jpg")
    (tmp_path / "._1.jpg").write_bytes(b"an archive of macOS has these")
    assert len(directory_photographs(str(tmp_path), 5, LIMITS, None)) == 1


def test_a_folder_of_both_gives_what_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "1.heic").write_bytes(b"")
    written(tmp_path / "2.jpg")
    monkeypatch.setattr(heif, "find_spec", lambda _: None)
    (found,) = directory_photographs(str(tmp_path), 5, LIMITS, None)
    assert isinstance(found.pixels(), np.ndarray)
