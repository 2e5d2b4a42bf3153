"""Hostile and honest callers together; the same for five minutes is `python -m scripts.soak`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from scripts.soak.honest import Answers
from scripts.soak.run import PATHS, Report, Target, soak
from service.domain.callers import Scope
from tests.contract.installation import Installation

SECONDS = 12.0


def test_honest_callers_are_answered_and_memory_does_not_grow(
    database_url: str, model_root: Path, tmp_path: Path
) -> None:
    installation = Installation(tmp_path, model_root, database_url)
    key, token_key = installation.key(), installation.key(Scope.TOKEN)
    with installation.serving(connection_timeout=5) as server:
        report = soak(Target(server.port, server.process.pid, key, token_key), SECONDS)
    assert report.problems == [], "\n".join(report.lines())


def answered(*statuses: int) -> Answers:
    return Answers(Counter(statuses), [0.1] * len(statuses))


def test_call_that_is_not_answered_is_a_problem() -> None:
    report = Report({path: answered(200, 200) for path in PATHS}, [100.0] * 30)
    assert report.problems == []
    report.answers["/verify"] = answered(200, 503, 0)
    (problem,) = report.problems
    assert problem.startswith("/verify: 2 of 3 calls not answered by 200")


def test_memory_that_grows_is_a_problem() -> None:
    growing = Report({path: answered(200) for path in PATHS}, [100.0 + 20 * n for n in range(30)])
    assert growing.problems == ["memory grew from 500 to 680 MiB"]
