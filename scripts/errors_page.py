"""The reference part of docs/errors.md: every error by its code, and every code beside them, in English
and in Korean, from the classes, the tables of statuses and the texts. Run it by the Python of `.venv`.

python scripts/errors_page.py          print it
python scripts/errors_page.py --check  status 1 where docs/errors.md has another one
python scripts/errors_page.py --write  put it between the markers of docs/errors.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.environment import ROOT
from scripts.generated_files import print_check_or_write
from scripts.markers import put_between_markers
from service.api.problems import kinds_by_code, status_of
from service.cli import context
from service.domain.errors import FaceError
from service.texts import CATALOGUE, Language

MARKERS = "errors"
LANGUAGES: tuple[Language, ...] = ("en", "ko")
PAGE = ROOT / "docs" / "errors.md"

NOT_OVER_HTTP = frozenset(
    {
        "backup_damaged",
        "backup_too_new",
        "bulk_file_unusable",
        "calibration_damaged",
        "cluster_unavailable",
        "collection_exists",
        "conflicting_runtimes",
        "copy_failed",
        "database_not_empty",
        "extra_missing",
        "gpu_unavailable",
        "liveness_models_unset",
        "model_move_under_way",
        "model_not_moving",
        "pack_exists",
        "people_not_moved",
        "profiles_missing",
        "quantization_failed",
        "subject_repeated",
        "tls_unusable",
        "too_few_photographs",
        "too_few_presentations",
    }
)
"""What only the command line, the start of a server and the report of a bulk run tell."""

TABLES = {
    "Reasons of photographs": "advice",
    "Problems of fields": "field_problem",
    "Why a door without keys stayed shut": "keyless_call",
    "What a key lacks": "lacking",
    "Warnings": "warning",
    "Doubts of a liveness session": "liveness.doubt",
}
"""The other codes of answers, by the group of their texts."""


def reference() -> str:
    """The part between the markers, as Markdown."""
    kinds = kinds_by_code()
    over_http = sorted(
        kinds.keys() - NOT_OVER_HTTP, key=lambda code: (status_of(kinds[code]), code)
    )
    lines = ["| status | codes |", "| --- | --- |", *_by_status(kinds, over_http), ""]
    lines += ["## By code", ""]
    for code in over_http:
        lines += _section(code, kinds[code], f"HTTP {status_of(kinds[code])}, ")
    lines += ["## At the command line and at the start only", ""]
    for code in sorted(NOT_OVER_HTTP):
        lines += _section(code, kinds[code])
    for title, group in TABLES.items():
        lines += [f"## {title}", "", *_table(group), ""]
    return "\n".join(lines).rstrip()


def current() -> str:
    """The text of the page with the reference of today. Raises `NoMarkers`."""
    return put_between_markers(PAGE.read_text("utf-8"), MARKERS, reference())


def _by_status(kinds: dict[str, type[FaceError]], codes: list[str]) -> Iterator[str]:
    for status in sorted({status_of(kinds[code]) for code in codes}):
        links = [f"[`{code}`](#{code})" for code in codes if status_of(kinds[code]) == status]
        yield f"| {status} | {', '.join(links)} |"


def _section(code: str, kind: type[FaceError], over_http: str = "") -> list[str]:
    where = f"{over_http}exit status {context.status_of(kind)}"
    lines = [f"### {code}", "", f"{where[0].upper()}{where[1:]}.", ""]
    for language in LANGUAGES:
        told = (CATALOGUE[language][f"error.{code}.{part}"] for part in ("title", "detail"))
        lines += ["**{}** {}".format(*map(_shown, told)), ""]
    return lines


def _table(group: str) -> Iterator[str]:
    yield "| code | English | 한국어 |"
    yield "| --- | --- | --- |"
    prefix = f"{group}."
    for key in CATALOGUE["en"]:
        if key.startswith(prefix):
            sentences = [_shown(CATALOGUE[language][key]) for language in LANGUAGES]
            yield f"| `{key.removeprefix(prefix)}` | {' | '.join(sentences)} |"


def _shown(sentence: str) -> str:
    """`<name>` outside of backticks would be taken for HTML."""
    parts = sentence.split("`")
    parts[::2] = [part.replace("<", "\\<").replace("|", "\\|") for part in parts[::2]]
    return "`".join(parts)


def main() -> int:
    return print_check_or_write(reference, lambda: {PAGE: current()})


if __name__ == "__main__":
    sys.exit(main())
