"""The layout of the code keeps a stranger's way short: one name for a thing, and few files."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

SERVICE = Path(__file__).resolve().parents[1] / "service"
MODULES = sorted(SERVICE.rglob("*.py"))

MOST_FILES = 245
GERUNDS_THAT_ARE_NOUNS = {"wiring", "padding", "tuning"}
"""The composition root's usual name; what is appended to a vector; and what a machine's settings are."""

FRAMEWORKS = ("fastapi", "starlette", "uvicorn")


def _tree(module: Path) -> ast.Module:
    return ast.parse(module.read_text("utf-8"))


def test_house_has_few_files() -> None:
    assert len(MODULES) <= MOST_FILES


def test_no_module_is_named_by_a_gerund() -> None:
    named = {module.stem for module in MODULES if module.stem.endswith("ing")}
    assert named <= GERUNDS_THAT_ARE_NOUNS


def test_no_public_class_name_stands_twice() -> None:
    places = defaultdict(list)
    for module in MODULES:
        for node in _tree(module).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(module.relative_to(SERVICE).as_posix())
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (each.name for each in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield from (f"{node.module}.{each.name}" for each in node.names)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_nothing_private_of_the_framework_is_imported(framework: str) -> None:
    private = [
        (module.name, name)
        for module in MODULES
        for node in ast.walk(_tree(module))
        for name in _imported(node)
        if name.split(".")[0] == framework and any(part.startswith("_") for part in name.split("."))
    ]
    assert private == []
