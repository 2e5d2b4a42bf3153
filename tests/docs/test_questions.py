"""Each question that a maintainer asks has its answer in docs/architecture.md: a file, and a name in it."""

from __future__ import annotations

import ast
import re

import pytest

from scripts.environment import ROOT

QUESTIONS = (
    "the lock-out rule",
    "a refusal reason",
    "the liveness check",
    "where a head has to be when a step ends",
    "what passive liveness models add to it",
    "how long a liveness session lasts, and what it may cost",
    "a liveness session is used once",
    "the gate",
    "a frame that was seen before",
    "a new engine",
    "which two models a pack holds",
    "where a model is downloaded from",
    "where a face is cut out of a photograph",
    "the license of a model's weights",
    "a new bulk format",
    "a new export format",
    "one template of several photographs",
    "the duplicate check",
    "who was flagged as looking like whom, until a person has decided",
    "two models at a time",
    "who is moved to another model, and when not",
    "how a move begins and ends",
    "how long an idempotent answer is kept",
    "the SQL of /verify",
    "where a transaction commits",
    "a metric",
    "a setting that HTTP needs",
    "the status of an error",
    "the page that an error leads to",
    "what a browser may do with the pages",
    "how a call stands in the OpenAPI document",
    "when somebody is expired",
    "the thresholds",
    "an error rate and its bounds",
    "what was measured of a model, kept",
    "the threshold of a search",
    "who may call /admin",
    "where a refusal becomes an audit record",
    "somebody gets another id, and what goes along",
    "two who turn out to be one person",
    "how many cores, and how much memory, there are for this process",
    "what a machine has too little of, and from when on that is told",
    "what runs in the background",
)

_ROW = re.compile(r"^\| (?P<question>[^|]+?) \| `(?P<file>[^`]+\.py)` \| `(?P<name>\w+)` \|$", re.M)


def _answers() -> dict[str, tuple[str, str]]:
    """File and name, by question: what stands before a colon."""
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    return {
        row["question"].partition(":")[0]: (row["file"], row["name"]) for row in _ROW.finditer(page)
    }


def _defined(file: str) -> set[str]:
    """The functions, classes and constants of a module."""
    names: set[str] = set()
    for node in ast.parse((ROOT / file).read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return names


def test_every_question_is_answered_and_no_other() -> None:
    assert tuple(_answers()) == QUESTIONS


@pytest.mark.parametrize("question", QUESTIONS)
def test_answer_is_there(question: str) -> None:
    file, name = _answers()[question]
    assert name in _defined(file)
