"""Which files of which folders are read."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from service.capture.directory import directory_photographs, named_photographs
from service.capture.images import ImageLimits
from service.capture.sources import load_images
from service.domain.errors import DirectoryNotAllowed, TooManyImages
from service.domain.face import Photograph, Reason
from tests.capture.pictures import LIMITS, encoded, picture

JPEG = encoded(picture(30, 20), "JPEG")

needs_posix = pytest.mark.skipif(os.name == "nt", reason="symlinks, FIFOs and modes of POSIX")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An allowed folder."""
    return _folder(tmp_path / "allowed", "1.jpg", "2.jpg")


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    return _folder(tmp_path / "outside", "secret.jpg")


def _folder(path: Path, *names: str) -> Path:
    path.mkdir(parents=True)
    for name in names:
        (path / name).write_bytes(JPEG)
    return path


def _photographs(path: Path | str, *roots: Path, max_images: int = 10) -> list[Photograph]:
    return directory_photographs(str(path), max_images, LIMITS, roots or None)


def _widths(path: Path, max_images: int = 10) -> list[int]:
    return [image.shape[1] for image in load_images(path, max_images, LIMITS)]


def _with_widths(folder: Path, names: dict[str, int]) -> Path:
    folder.mkdir()
    for name, width in names.items():
        (folder / name).write_bytes(encoded(picture(width, 10), "PNG"))
    return folder


def test_images_come_in_natural_order_of_their_names(tmp_path: Path) -> None:
    names = {"10.png": 10, "2.png": 2, "1.png": 1, "b3.png": 30, "B20.png": 200}
    assert _widths(_with_widths(tmp_path / "p", names)) == [1, 2, 10, 30, 200]


def test_only_the_first_images_are_taken(tmp_path: Path) -> None:
    names = {f"{n}.png": n for n in range(1, 20)}
    assert _widths(_with_widths(tmp_path / "p", names), max_images=3) == [1, 2, 3]


@pytest.mark.parametrize("name", ["a.jpg", "a.jpeg", "a.png", "a.JPG", "a.JpEg", "a.PNG"])
def test_suffixes_are_taken_in_any_case(tmp_path: Path, name: str) -> None:
    assert len(_photographs(_folder(tmp_path / "p", name))) == 1


@pytest.mark.parametrize("name", ["a.webp", "a.gif", "a.txt", "jpg", ".jpg", "a.jpg.bak"])
def test_other_names_are_left_out(tmp_path: Path, name: str) -> None:
    assert _photographs(_folder(tmp_path / "p", name)) == []


def test_nothing_is_read_before_it_is_looked_at(root: Path) -> None:
    first, _ = _photographs(root)
    (root / "1.jpg").unlink()
    assert first.pixels() is Reason.UNREADABLE


def test_an_unreadable_image_leaves_the_others_readable(root: Path) -> None:
    (root / "1.jpg").write_bytes(b"not a photograph")
    first, second = _photographs(root)
    assert first.pixels() is Reason.UNREADABLE
    assert isinstance(second.pixels(), np.ndarray)


def test_loading_leaves_unreadable_images_out(root: Path) -> None:
    (root / "1.jpg").write_bytes(b"")
    assert len(load_images(root, 5, LIMITS)) == 1


def test_a_file_of_too_many_bytes_is_too_large(root: Path) -> None:
    limits = ImageLimits(len(JPEG) - 1, LIMITS.max_pixels, 1)
    assert directory_photographs(str(root), 1, limits, None)[0].pixels() is Reason.TOO_LARGE


def test_a_file_of_too_many_pixels_is_too_large(root: Path) -> None:
    limits = ImageLimits(LIMITS.max_bytes, 30 * 20 - 1, 1)
    assert directory_photographs(str(root), 1, limits, None)[0].pixels() is Reason.TOO_LARGE


def test_a_subfolder_named_as_an_image_is_left_out(root: Path) -> None:
    (root / "0.jpg").mkdir()
    assert len(_photographs(root)) == 2


@needs_posix
def test_a_fifo_named_as_an_image_is_left_out(root: Path) -> None:
    os.mkfifo(root / "0.jpg")
    assert len(_photographs(root)) == 2


@needs_posix
def test_a_device_behind_a_symlink_is_left_out(root: Path) -> None:
    (root / "0.jpg").symlink_to("/dev/zero")
    assert len(_photographs(root)) == 2


@needs_posix
def test_broken_and_endless_symlinks_are_left_out(root: Path) -> None:
    (root / "0.jpg").symlink_to(root / "missing.jpg")
    (root / "00.jpg").symlink_to(root / "00.jpg")
    assert len(_photographs(root)) == 2
    assert len(_photographs(root, root)) == 2


@needs_posix
def test_without_roots_symlinks_are_followed(root: Path, outside: Path) -> None:
    (root / "0.jpg").symlink_to(outside / "secret.jpg")
    assert all(isinstance(p.pixels(), np.ndarray) for p in _photographs(root))


@pytest.mark.parametrize(
    "path", ["missing", "1.jpg", "nul\0", "x" * 5000, "a/" * 5000, "C:\\faces"]
)
def test_without_roots_what_is_no_folder_has_no_images(root: Path, path: str) -> None:
    assert _photographs(f"{root}/{path}") == []


def test_below_a_root_images_are_read(root: Path) -> None:
    inner = _folder(root / "alice", "1.jpg")
    assert isinstance(_photographs(inner, root)[0].pixels(), np.ndarray)


def test_one_root_of_several_is_enough(root: Path, outside: Path) -> None:
    assert len(_photographs(root, outside, root)) == 2


def test_no_roots_allow_nothing(root: Path) -> None:
    with pytest.raises(DirectoryNotAllowed):
        directory_photographs(str(root), 5, LIMITS, ())


@needs_posix
def test_a_root_may_be_a_symlink(root: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(root)
    assert len(_photographs(root, link)) == 2
    assert len(_photographs(link, root)) == 2


@pytest.mark.parametrize("name", ["missing", "1.jpg", "x" * 300, "nothing/../missing"])
def test_below_a_root_a_missing_folder_has_no_images(root: Path, name: str) -> None:
    assert _photographs(root / name, root) == []


ELSEWHERE = [
    "{root}/../outside",
    "{root}/../missing",
    "{root}-too",
    "{root}/nul" + "\0",
    "/",
    "",
    ".",
    "../outside",
    "C:\\faces",
    "\\\\server\\share",
    "~",
    "x" * 100_000,
    "../" * 5000,
    "\udcff",
    "file:///etc",
]


@pytest.mark.parametrize("elsewhere", ELSEWHERE, ids=range(len(ELSEWHERE)))
def test_outside_the_roots_nothing_is_allowed_whether_it_exists_or_not(
    root: Path, outside: Path, elsewhere: str
) -> None:
    with pytest.raises(DirectoryNotAllowed):
        _photographs(elsewhere.format(root=root), root)


@needs_posix
def test_a_folder_that_is_a_symlink_to_the_outside_is_not_allowed(
    root: Path, outside: Path
) -> None:
    (root / "alice").symlink_to(outside)
    with pytest.raises(DirectoryNotAllowed):
        _photographs(root / "alice", root)


@needs_posix
@pytest.mark.parametrize("target", ["secret.jpg", "missing.jpg"])
def test_an_image_that_is_a_symlink_to_the_outside_is_not_allowed(
    root: Path, outside: Path, target: str
) -> None:
    (root / "0.jpg").symlink_to(outside / target)
    with pytest.raises(DirectoryNotAllowed):
        _photographs(root, root)


@needs_posix
def test_an_image_that_is_a_symlink_below_the_root_is_read(root: Path) -> None:
    (root / "0.jpg").symlink_to(root / "2.jpg")
    assert isinstance(_photographs(root, root)[0].pixels(), np.ndarray)


@needs_posix
def test_an_image_swapped_for_a_symlink_after_the_check_is_not_read(
    root: Path, outside: Path
) -> None:
    first, *_ = _photographs(root, root)
    (root / "1.jpg").unlink()
    (root / "1.jpg").symlink_to(outside / "secret.jpg")
    assert first.pixels() is Reason.UNREADABLE


@needs_posix
def test_a_folder_swapped_for_a_symlink_after_the_check_is_not_read(
    root: Path, outside: Path
) -> None:
    inner = _folder(root / "alice", "secret.jpg")
    (photograph,) = _photographs(inner, root)
    shutil.rmtree(inner)
    inner.symlink_to(outside)
    assert photograph.pixels() is Reason.UNREADABLE


@needs_posix
def test_a_fifo_swapped_in_after_the_check_does_not_block(root: Path) -> None:
    first, *_ = _photographs(root)
    (root / "1.jpg").unlink()
    os.mkfifo(root / "1.jpg")
    assert first.pixels() is Reason.UNREADABLE


def test_real_photographs_load_as_blue_green_red(people: dict[str, list[Path]]) -> None:
    folder = next(iter(people.values()))[0].parent
    shapes = [(str(image.dtype), *image.shape[2:]) for image in load_images(folder, 5, LIMITS)]
    assert shapes == [("uint8", 3)] * 5


def test_paths_of_photographs_do_not_print(root: Path) -> None:
    assert root.name not in repr(_photographs(root)[0])


def test_named_files_are_read_one_by_one(root: Path) -> None:
    found = named_photographs([str(root / name) for name in ("2.jpg", "1.jpg")], LIMITS, None)
    assert all(isinstance(one.pixels(), np.ndarray) for one in found)


def test_named_files_outside_the_roots_are_refused(root: Path, outside: Path) -> None:
    assert named_photographs([str(root / "1.jpg")], LIMITS, [root])
    for path in (outside / "secret.jpg", root / ".." / "outside" / "secret.jpg"):
        with pytest.raises(DirectoryNotAllowed):
            named_photographs([str(path)], LIMITS, [root])


def test_one_person_has_as_many_named_files_as_a_request_may_have_images(root: Path) -> None:
    with pytest.raises(TooManyImages):
        named_photographs([str(root / "1.jpg")] * (LIMITS.max_images + 1), LIMITS, None)
