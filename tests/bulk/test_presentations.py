"""Which files of a folder are presentations, of what, and which of their frames are looked at."""

from __future__ import annotations

from pathlib import Path

from service.bulk.presentations import presentations


def touch(*files: Path) -> None:
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()


def test_pictures_are_presentations_of_their_folder(tmp_path: Path) -> None:
    touch(tmp_path / "bonafide" / "kim.jpg", tmp_path / "attack" / "matte print" / "1.png")
    found = [(each.name, each.species, each.files) for each in presentations(tmp_path)]
    assert found == [
        ("bonafide/kim.jpg", None, [str(tmp_path / "bonafide" / "kim.jpg")]),
        ("matte print/1.png", "matte print", [str(tmp_path / "attack" / "matte print" / "1.png")]),
    ]


def test_a_folder_of_frames_is_one_presentation_of_which_three_are_looked_at(
    tmp_path: Path,
) -> None:
    recording = tmp_path / "attack" / "tablet" / "first"
    touch(*(recording / f"{number}.jpg" for number in range(12)))
    [found] = presentations(tmp_path)
    assert (found.name, found.species) == ("tablet/first", "tablet")
    assert [Path(file).name for file in found.files] == ["2.jpg", "6.jpg", "10.jpg"]


def test_what_is_no_photograph_is_no_presentation(tmp_path: Path) -> None:
    touch(
        tmp_path / "bonafide" / "notes.txt",
        tmp_path / "bonafide" / ".hidden.jpg",
        tmp_path / "bonafide" / "empty" / "notes.txt",
        tmp_path / "attack" / "loose.jpg",
    )
    assert presentations(tmp_path) == []


def test_a_folder_without_either_has_none(tmp_path: Path) -> None:
    assert presentations(tmp_path) == []
