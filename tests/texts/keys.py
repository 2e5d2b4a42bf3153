"""The keys of the catalogue of texts, by their groups."""

from __future__ import annotations

from string import Formatter

from service.texts import CATALOGUE, Language

KEYS = list(CATALOGUE["en"])


def names(group: str) -> set[str]:
    """What stands under `group`: of `error.overloaded.title`, under `error`, `overloaded`."""
    return {key.split(".")[1] for key in KEYS if key.split(".")[0] == group}


def fields(language: Language, key: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(CATALOGUE[language][key]) if name}
