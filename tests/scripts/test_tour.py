"""The parts of the quickstart that need no server."""

from __future__ import annotations

import email
import email.policy
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scripts.environment import ROOT, Environment
from scripts.tour import model, photographs
from scripts.tour.calls import multipart
from scripts.tour.installed import Installed
from scripts.tour.server import HOST, near_free_port
from scripts.tour.table import StepFailed, Table, columns, padded
from scripts.tour.words import LANGUAGES, Words, language_of_terminal
from service.engine.licenses import License, license_of

WORDS = Words("en")


class RecordedEnvironment(Environment):
    """Remembers which extras were asked for."""

    def ensure(self, extras: Iterable[str] = (), device: str | None = None) -> None:
        assert device is None
        (self.root / "extras").write_text(",".join(extras))


@dataclass(frozen=True)
class Packs(Installed):
    """A service that has no pack beside `had`."""

    had: tuple[str, ...] = ()

    def ask(self, *question: str) -> dict[str, Any]:
        what, name = question
        if what == "license":
            return {"license": license_of(name)}
        problem = f"the download from https://x failed: no way to {name}"
        return {"problem": None if name in self.had else problem}


def _packs(folder: Path, *had: str) -> Packs:
    return Packs(RecordedEnvironment(folder), {}, had)


def test_takes_the_configured_model(tmp_path: Path) -> None:
    choice = model.choose(_packs(tmp_path, "buffalo_l", "mobile_s"), "mobile_s", WORDS)
    assert (choice.name, choice.license) == ("mobile_s", WORDS("license_unknown"))


def test_takes_buffalo_l_where_none_is_configured(tmp_path: Path) -> None:
    choice = model.choose(_packs(tmp_path, "buffalo_l", "sface"), None, WORDS)
    assert (choice.name, choice.license) == ("buffalo_l", WORDS("license_insightface"))


def test_takes_sface_where_buffalo_l_cannot_be_had_and_says_why(tmp_path: Path) -> None:
    choice = model.choose(_packs(tmp_path, "sface"), None, WORDS)
    assert (choice.name, choice.license) == ("sface", WORDS("license_opencv"))
    assert "buffalo_l: no way to buffalo_l" in choice.reason
    assert not (tmp_path / "extras").exists()


def test_takes_dlib_where_no_pack_can_be_had_and_says_why(tmp_path: Path) -> None:
    choice = model.choose(_packs(tmp_path), None, WORDS)
    assert (choice.name, choice.license) == ("dlib", WORDS("license_cc0"))
    assert "no way to buffalo_l" in choice.reason
    assert "no way to sface" in choice.reason
    assert (tmp_path / "extras").read_text() == "dlib"


def test_installs_dlib_where_it_is_configured(tmp_path: Path) -> None:
    assert model.choose(_packs(tmp_path), "dlib", WORDS).name == "dlib"
    assert (tmp_path / "extras").read_text() == "dlib"


@pytest.mark.parametrize("name", ["mine", "buffalo_l", "sface"])
def test_never_replaces_a_configured_model(tmp_path: Path, name: str) -> None:
    with pytest.raises(StepFailed, match="no way to"):
        model.choose(_packs(tmp_path), name, WORDS)


@pytest.mark.parametrize("license_", License)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_license_has_words(language: str, license_: License) -> None:
    assert Words(language).has(f"license_{license_}")


def _person(folder: Path, name: str, photos: int) -> None:
    (folder / name).mkdir()
    for number in range(photos):
        (folder / name / f"{number}.jpg").touch()


def test_enrolls_three_photographs_and_verifies_with_the_fourth(tmp_path: Path) -> None:
    _person(tmp_path, "a", 5)
    _person(tmp_path, "b", 5)
    cast_ = photographs.from_folder(tmp_path, WORDS)
    assert [path.name for path in cast_.enrolled] == ["0.jpg", "1.jpg", "2.jpg"]
    assert (cast_.subject, cast_.same.name, cast_.other.parent.name) == ("a", "3.jpg", "b")


def test_enrolls_one_photograph_where_there_are_two(tmp_path: Path) -> None:
    _person(tmp_path, "a", 1)
    _person(tmp_path, "b", 2)
    cast_ = photographs.from_folder(tmp_path, WORDS)
    assert (cast_.subject, len(cast_.enrolled), cast_.same.name) == ("b", 1, "1.jpg")


@pytest.mark.parametrize("photos", [(), (5,), (1, 1)])
def test_refuses_a_folder_without_two_people(tmp_path: Path, photos: tuple[int, ...]) -> None:
    for number, count in enumerate(photos):
        _person(tmp_path, str(number), count)
    with pytest.raises(StepFailed):
        photographs.from_folder(tmp_path, WORDS)


def test_sends_fields_and_photographs_as_multipart(tmp_path: Path) -> None:
    photograph = tmp_path / "me.png"
    photograph.write_bytes(b"\x89PNG\r\n")
    content = multipart("b", [photograph], {"subjectId": "me"})
    head = b"Content-Type: multipart/form-data; boundary=b\r\n\r\n"
    message = email.message_from_bytes(head + content, policy=email.policy.HTTP)
    field, image = message.iter_parts()
    assert field.get_payload() == "me"
    assert image.get_content_type() == "image/png"
    assert image.get_payload(decode=True) == b"\x89PNG\r\n"


def test_every_text_that_is_said_exists_in_both_languages() -> None:
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "scripts/tour").glob("*.py"))
    said = set(re.findall(r'_?words\(\s*"(\w+)"', sources))
    for language in LANGUAGES:
        for key in said:
            assert Words(language).has(key), key


@pytest.mark.parametrize(
    ("locale", "language"),
    [("ko_KR.UTF-8", "ko"), ("en_US.UTF-8", "en"), ("C", "en"), ("de_DE", "en")],
)
def test_speaks_korean_in_a_korean_terminal_only(
    monkeypatch: pytest.MonkeyPatch, locale: str, language: str
) -> None:
    monkeypatch.setenv("LC_ALL", locale)
    assert language_of_terminal() == language


def test_korean_letters_take_two_columns() -> None:
    assert columns("등록 a") == 6
    assert padded("등록", 6) == "등록  "


def test_a_failed_step_is_shown_and_passed_on(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(StepFailed), Table().step("server"):
        raise StepFailed("the cause")
    assert re.match(r"FAIL  server +the cause ", capsys.readouterr().out)


def test_port_in_place_of_a_taken_one_is_near_it() -> None:
    """Not one of those that the system gives to anybody's calls before the server listens."""
    with socket.create_server((HOST, 0)) as listener:
        taken = listener.getsockname()[1]
        assert taken < near_free_port(taken) < taken + 100


def test_port_beyond_the_last_is_any_that_is_free() -> None:
    assert near_free_port(2**16 - 1) > 0
