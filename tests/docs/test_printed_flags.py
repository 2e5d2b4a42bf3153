"""Every `face …` that is printed anywhere names a command, options and settings that there are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from service.cli.app import app
from service.config import setting_names
from service.texts import CATALOGUE
from tests.docs.printed import PAGES, blocks, inline_commands, name_of, words_of

HELP = {"--help", "-h"}
OTHER_VARIABLES = {
    "FACE_NEW_MASTER_KEY_FILE",
    "FACE_NEW_MASTER_KEY_KMS",
    "FACE_TEST_DATABASE_URL",
    "FACE_TEST_SESSIONS",
    "FACE_TEST_SHARED",
}


def mistakes(words: list[str]) -> list[str]:
    """Options that the named command has not, or the command where there is none."""
    command: Any = typer.main.get_command(app)
    options = _options(command)
    rest = [word.strip("[],") for word in words]
    while rest and hasattr(command, "commands") and not rest[0].startswith("-"):
        if not re.fullmatch(r"[a-z-]+", rest[0]):
            return []  # `face …`: any of them
        if rest[0] not in command.commands:
            return [rest[0]]
        command = command.commands[rest.pop(0)]
        options = _options(command)
    named = (word.partition("=")[0] for word in rest if word.startswith("-") and word.strip("-."))
    return [*_not_taken(command, rest), *(name for name in named if name not in options)]


def _not_taken(command: Any, words: list[str]) -> list[str]:
    """Words in lower case, in the place of an argument that takes certain ones, which are not among them."""
    given = [word for word in words if not word.startswith("-")]
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    choices = [getattr(each.type_descriptor, "choices", None) for each in arguments]
    pairs = zip(given, choices, strict=False)
    return [word for word, among in pairs if among and word.islower() and word not in among]


def _options(command: Any) -> set[str]:
    return HELP.union(*(each.opts + each.secondary_opts for each in command.params))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_and_options_exist(page: Path) -> None:
    printed = [command for block in blocks(page) for command in block.commands]
    wrong = {
        command: found
        for command in (*printed, *inline_commands(page))
        if (found := mistakes(words_of(command)))
    }
    assert wrong == {}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_variables_are_settings(page: Path) -> None:
    named = set(re.findall(r"\bFACE_[A-Z_]+[A-Z]\b", page.read_text("utf-8")))
    assert named <= setting_names() | OTHER_VARIABLES


def _commands_of(sentence: str) -> list[str]:
    """Of a Korean one, in which every `face …` is a command."""
    found = re.findall(r"\bface(?: [a-zA-Z<>{}_-]+)+", sentence)
    return [command.replace("{collection}", "COLLECTION") for command in found]


def test_commands_that_sentences_name_exist_and_are_the_same_in_both_languages() -> None:
    korean = {key: _commands_of(sentence) for key, sentence in CATALOGUE["ko"].items()}
    named = [(key, command) for key, commands in korean.items() for command in commands]
    assert len(named) > 20
    assert [each for each in named if mistakes(words_of(each[1]))] == []
    english = {
        key: text.replace("{collection}", "COLLECTION") for key, text in CATALOGUE["en"].items()
    }
    assert [each for each in named if each[1] not in english[each[0]]] == []


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["verify", "kim", "--profil", "x"], ["--profil"]),
        (["subjects", "lst"], ["lst"]),
        (["nothing"], ["nothing"]),
        (["model", "fetch", "sface"], ["sface"]),
        (["apikey", "create", "x", "--scope=verify"], []),
    ],
)
def test_mistake_would_be_found(words: list[str], found: list[str]) -> None:
    assert mistakes(words) == found
