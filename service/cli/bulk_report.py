"""What became of the rows of a bulk enrollment: a line for each that needs somebody's attention."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from service.cli.output import particulars_of
from service.domain.bulk import Outcome, Result
from service.domain.errors import Candidate, DuplicateSubject
from service.texts import Language, message

_OWNER_ONLY = 0o600
"""The report names people."""


class Report:
    """JSON lines in a new file, and the numbers of all outcomes. An empty file does not stay."""

    def __init__(self, path: Path, language: Language) -> None:
        """Raises `FileExistsError` where there is a file of this name."""
        self.path = path
        self._language = language
        self._file: TextIO = os.fdopen(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY), "w", encoding="utf-8"
        )
        self.results: Counter[Result] = Counter()
        self.codes: Counter[str] = Counter()

    @classmethod
    def beside(cls, source: Path, language: Language) -> Self:
        """With the source's name, and a number where there are reports of earlier runs."""
        name = source.resolve()
        for number in count(1):
            again = f"-{number}" if number > 1 else ""
            try:
                return cls(name.with_name(f"{name.name}.report{again}.jsonl"), language)
            except FileExistsError:
                continue
        raise AssertionError  # numbers do not end

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._file.close()
        if not self.has_lines:
            self.path.unlink(missing_ok=True)

    @property
    def has_lines(self) -> bool:
        return bool(self.results[Result.REFUSED] or self.results[Result.FLAGGED])

    @property
    def rows(self) -> int:
        return self.results.total()

    def add(self, outcomes: Sequence[Outcome]) -> None:
        """On the disk when this returns."""
        for outcome in outcomes:
            self.results[outcome.result] += 1
            if outcome.error is not None:
                self.codes[outcome.error.code] += 1
            if outcome.result in (Result.REFUSED, Result.FLAGGED):
                line = json.dumps(_line(outcome, self._language), ensure_ascii=False)
                self._file.write(line + "\n")
        self._file.flush()


def _line(outcome: Outcome, language: Language) -> dict[str, Any]:
    error = outcome.error
    line: dict[str, Any] = {
        str(outcome.place.unit): outcome.place.at,
        "subjectId": outcome.subject_id,
        "result": outcome.result,
    }
    if error is not None:
        line |= {"code": error.code, "message": message(language, error).title}
    candidates = error.candidates if isinstance(error, DuplicateSubject) else outcome.candidates
    if candidates:
        line["duplicates"] = [_alike(one) for one in candidates]
    elif error is not None:
        line["errors"] = particulars_of(error, language) or [message(language, error).detail]
    return line


def _alike(one: Candidate) -> dict[str, object]:
    return {"subjectId": one.subject_id, "similarity": one.similarity}
