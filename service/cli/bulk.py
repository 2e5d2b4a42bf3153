"""Enroll everybody of a file or folder.

The report has a line for each row that needs somebody's attention.
"""

from __future__ import annotations

import gc
import json
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Self, TextIO

import typer

from service.bulk.formats import open_source
from service.cli.context import (
    NO,
    WRONG_USE,
    AsJson,
    Collection,
    FacesOption,
    LanguageOption,
    Profile,
    err,
    particulars_of,
    print_json,
    print_table,
    print_warnings,
    progress_bar,
    ready,
)
from service.domain.bulk import BulkOutcome, Result
from service.domain.callers import LOCAL_USER
from service.domain.collection import DEFAULT_COLLECTION, DuplicatePolicy
from service.domain.errors import Candidate, DuplicateSubject
from service.domain.face import Faces
from service.domain.ports import BulkEmbedding, BulkSource
from service.domain.warnings import DecisionWarning
from service.texts import Language, message, text
from service.usecases.bulk_transaction import BulkRequest
from service.wiring import Wiring

Source = Annotated[
    Path,
    typer.Argument(
        metavar="SOURCE",
        exists=True,
        readable=True,
        help="A folder of folders with photographs, or a .csv, .jsonl or .parquet file.",
    ),
]
ReportFile = Annotated[
    Path | None,
    typer.Option("--report", dir_okay=False, help="A new file. Default: beside SOURCE."),
]
MaxImages = Annotated[
    int | None, typer.Option(min=1, help="Photographs to take from a person's folder.")
]
OnRay = Annotated[bool, typer.Option("--ray", help="Embed on Ray: on this machine's cores.")]
RayAddress = Annotated[
    str | None,
    typer.Option("--ray-address", help="Embed on this Ray cluster; `auto` finds a running one."),
]


def bulk_enroll(
    source: Source,
    collection: Collection = DEFAULT_COLLECTION,
    on_duplicate: Annotated[DuplicatePolicy | None, typer.Option(show_default=False)] = None,
    profile: Profile = None,
    faces: FacesOption = None,
    max_images: MaxImages = None,
    report: ReportFile = None,
    ray: OnRay = False,
    ray_address: RayAddress = None,
    as_json: AsJson = False,
    lang: LanguageOption = None,
) -> None:
    """Enroll everybody of a file or folder; the same again after it was stopped goes on.

    Status 1: some rows were refused, and the report says why.
    """
    wiring, language = ready(lang)
    rows = open_source(source, max_images or wiring.config.max_images)
    request = BulkRequest(collection, LOCAL_USER, on_duplicate, profile)
    began = time.perf_counter()
    with _report(source, report, language) as told:
        try:
            on_ray = ray or ray_address is not None
            with _embedding(wiring, collection, faces, ray_address, ray=on_ray) as embed:
                _run(wiring, request, rows, embed, told, language)
        finally:
            _print(told, time.perf_counter() - began, language, as_json=as_json)
    if told.codes:
        raise typer.Exit(NO)


def _run(
    wiring: Wiring,
    request: BulkRequest,
    source: BulkSource,
    embed: BulkEmbedding,
    told: Report,
    language: Language,
) -> None:
    gc.freeze()  # what is loaded by now stays: to look through it again and again costs 7 %
    expected = source.expected
    enroll = wiring.bulk_enroll(request.collection, expected)
    with progress_bar(text(language, "label.bulk")) as show:
        for outcomes in enroll(request, source.rows(), embed):
            told.add(outcomes)
            show(told.rows, max(expected, told.rows))


@contextmanager
def _report(source: Path, path: Path | None, language: Language) -> Iterator[Report]:
    try:
        made = Report(path, language) if path else Report.beside(source, language)
    except FileExistsError:
        err.print(text(language, "notice.report_exists", path=path))
        raise typer.Exit(WRONG_USE) from None
    with made as report:
        yield report


@contextmanager
def _embedding(
    wiring: Wiring, collection: str, faces: Faces | None, address: str | None, *, ray: bool
) -> Iterator[BulkEmbedding]:
    on_ray, here = wiring.embedding_on_ray, wiring.embedding_here
    with on_ray(collection, faces, address) if ray else here(collection, faces) as embed:
        yield embed


def _print(told: Report, seconds: float, language: Language, *, as_json: bool) -> None:
    results = told.results
    path = str(told.path) if told.has_lines else None
    if as_json:
        from service.cli.bulk_answer import bulk_answer

        counts = told.results, told.codes
        return print_json(bulk_answer(*counts, told.warnings, path, language))
    facts: list[tuple[str, object]] = [(text(language, "label.read"), told.rows)]
    facts += [(text(language, f"bulk_result.{result}"), results[result]) for result in Result]
    facts += [
        ("  " + text(language, f"error.{code}.title"), number)
        for code, number in told.codes.most_common()
    ]
    facts += [(text(language, "label.rate"), f"{told.rows / seconds:,.1f}")]
    facts += [(text(language, "label.report"), path or "-")]
    print_table(("", ""), facts)
    print_warnings(told.warnings, language)
    return None


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
        self.warnings: Sequence[DecisionWarning] = ()

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

    def add(self, outcomes: Sequence[BulkOutcome]) -> None:
        """On the disk when this returns."""
        for outcome in outcomes:
            self.results[outcome.result] += 1
            self.warnings = outcome.warnings or self.warnings
            if outcome.error is not None:
                self.codes[outcome.error.code] += 1
            if outcome.result in (Result.REFUSED, Result.FLAGGED):
                line = json.dumps(_line(outcome, self._language), ensure_ascii=False)
                self._file.write(line + "\n")
        self._file.flush()


def _line(outcome: BulkOutcome, language: Language) -> dict[str, Any]:
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


def register(app: typer.Typer) -> None:
    app.command("bulk-enroll")(bulk_enroll)
