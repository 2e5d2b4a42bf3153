"""What the code looks up is in the catalogue, with the fields that the code gives, and no more is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import pytest

from scripts.environment import ROOT
from service.domain.thresholds import ARCFACE, BUFFALO_L, DLIB, Calibration
from tests.texts.keys import KEYS, fields, names
from tests.texts.test_catalogue import CODES

SERVICE = ROOT / "service"
MODULES = {
    path.relative_to(ROOT).as_posix(): ast.parse(path.read_text("utf-8"))
    for path in sorted(SERVICE.rglob("*.py"))
}
LITERAL = (
    "token",
    "value",
    "outcome",
    "check",
    "notice",
    "calibration",
    "presentation",
    "error_page",
)
"""Groups whose keys stand whole in the code."""


@dataclass(frozen=True)
class Lookup:
    """A call of `text`: the keys that it may look up, or their group, and the values it gives."""

    place: str
    keys: tuple[str, ...]
    group: str | None
    given: frozenset[str]

    def __str__(self) -> str:
        return f"{self.place} {self.group or self.keys}"


def strings(node: ast.AST) -> list[str]:
    """Literals in `node`, but for the pieces of f-strings."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    children = ast.iter_child_nodes(node)
    if isinstance(node, ast.JoinedStr):
        children = (child for child in children if not isinstance(child, ast.Constant))
    return [*chain.from_iterable(strings(child) for child in children)]


def assigned(function: ast.AST, name: str) -> ast.expr:
    """What `name` stands for in `function`."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == name for target in node.targets
        ):
            return node.value
    return ast.Constant(None)


def given_by(call: ast.Call, function: ast.AST) -> Iterator[str]:
    for keyword in call.keywords:
        if keyword.arg:
            yield keyword.arg
        elif isinstance(keyword.value, ast.Name):
            values = assigned(function, keyword.value.id)
            assert isinstance(values, ast.Dict), ast.unparse(call)
            yield from (str(key.value) for key in values.keys if isinstance(key, ast.Constant))


WITH_VALUES_OF_THEIR_OWN = ("cause", "error", "shortage", "source", "wrong_use")
"""Groups whose fields are filled in from what is told, and not where it is told."""


def lookups() -> Iterator[Lookup]:
    for place, tree in MODULES.items():
        if place == "service/texts/__init__.py" or "service.texts" not in ast.unparse(tree):
            continue
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        for function in functions:
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "text":
                    yield lookup(f"{place}:{call.lineno}", call, function)


def lookup(place: str, call: ast.Call, function: ast.AST) -> Lookup:
    key = call.args[1]
    if isinstance(key, ast.Name):
        key = assigned(function, key.id)
    if isinstance(key, ast.JoinedStr):
        group = str(getattr(key.values[0], "value", "")).split(".")[0]
        given = () if group in WITH_VALUES_OF_THEIR_OWN else given_by(call, function)
        return Lookup(place, (), group, frozenset(given))
    return Lookup(place, tuple(strings(key)), None, frozenset(given_by(call, function)))


LOOKUPS = list(lookups())
WRITTEN = {text for tree in MODULES.values() for text in strings(tree)}
PRINTED = {text for place, tree in MODULES.items() if "/cli/" in place for text in strings(tree)}
KEYWORDS = {
    node.arg
    for tree in MODULES.values()
    for node in ast.walk(tree)
    if isinstance(node, ast.keyword)
}


def causes() -> Iterator[tuple[str, str, set[str]]]:
    """Where a cause is named with the values of its sentence: `because(Cause.X, said=…)`."""
    for place, tree in MODULES.items():
        for call in ast.walk(tree):
            if not (isinstance(call, ast.Call) and call.args):
                continue
            named = re.fullmatch(r"Cause\.([A-Z_0-9]+)", ast.unparse(call.args[0]))
            if named and ast.unparse(call.func).endswith(".because"):
                given = {str(keyword.arg) for keyword in call.keywords}
                yield f"{place}:{call.lineno}", named[1].lower(), given


@pytest.mark.parametrize("one", [one for one in LOOKUPS if not one.group], ids=str)
def test_sentence_has_the_fields_that_are_given(one: Lookup) -> None:
    for key in one.keys:
        assert key in KEYS
        assert fields("en", key) <= one.given
    assert one.given == frozenset().union(*(fields("en", key) for key in one.keys))


@pytest.mark.parametrize("one", [one for one in LOOKUPS if one.group], ids=str)
def test_sentences_by_code_have_fields_that_are_given(one: Lookup) -> None:
    assert one.group in {*CODES, "error", "label", "liveness"}
    if one.group not in WITH_VALUES_OF_THEIR_OWN:
        for key in KEYS:
            if key.startswith(f"{one.group}."):
                assert fields("en", key) <= one.given


@pytest.mark.parametrize(("place", "cause", "given"), list(causes()))
def test_cause_is_named_with_the_values_of_its_sentence(
    place: str, cause: str, given: set[str]
) -> None:
    assert fields("en", f"cause.{cause}") == given, place


def test_values_noted_beside_a_cause_are_those_of_its_sentence() -> None:
    source = (SERVICE / "domain" / "causes.py").read_text("utf-8")
    noted = re.findall(
        r'^    [A-Z_0-9]+ = "(\w+)"(?:  # noqa[^#]*)?(?:  # ([\w, ]+))?$', source, re.MULTILINE
    )
    told = {code: {*values.split(", ")} - {""} for code, values in noted}
    assert told == {name: fields("en", f"cause.{name}") for name in names("cause")}


def test_every_sentence_is_looked_up_somewhere() -> None:
    whole = {key for key in KEYS if key.split(".")[0] in LITERAL}
    assert whole - WRITTEN == set()


def test_every_label_is_printed_somewhere() -> None:
    assert {name for name in names("label") if {name, f"label.{name}"}.isdisjoint(PRINTED)} == set()


def test_everything_allowed_is_told_somewhere() -> None:
    assert names("allowed") - WRITTEN - KEYWORDS == set()


def test_every_group_is_looked_up() -> None:
    groups = {key.split(".")[0] for key in KEYS}
    assert groups == {*CODES, *LITERAL, "error", "label", "allowed", "liveness"}


def test_no_module_has_korean_in_it() -> None:
    korean = [
        path.as_posix()
        for path in SERVICE.rglob("*.py")
        if re.search("[가-힣]", path.read_text("utf-8"))
    ]
    assert korean == []


@pytest.mark.parametrize("calibration", [ARCFACE, BUFFALO_L, DLIB])
def test_sources_of_shipped_calibrations_fill_their_sentences(calibration: Calibration) -> None:
    for source in (calibration.source, *(each.source for each in calibration.profiles.values())):
        assert fields("en", f"source.{source.origin}") == source.values.keys()
