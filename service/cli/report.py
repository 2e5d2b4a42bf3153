"""What was measured, as tables: printed, and in a report of one HTML file that loads nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TypeAlias

import typer

from service.cli.context import WRONG_USE, err, print_table
from service.texts import Language, text

Row: TypeAlias = Sequence[str]


@dataclass(frozen=True, slots=True)
class Section:
    """`note`: what to know before reading it; may be empty."""

    title: str
    note: str
    headings: Row
    rows: Sequence[Row]


def visible(name: str) -> str:
    """Of a file: signs that are not seen, or would move a terminal's cursor, as escapes."""
    return repr(name)[1:-1]


def print_sections(sections: Iterable[Section]) -> None:
    for section in sections:
        typer.echo(f"\n{section.title}")
        print_table(section.headings, section.rows)
        if section.note:
            typer.echo(section.note)


def require_new(path: Path, language: Language) -> None:
    """Before hours of work. Wrong use where the file exists. Raises `OSError` where none can be made."""
    try:
        path.touch(exist_ok=False)
    except FileExistsError:
        err.print(text(language, "notice.report_exists", path=path))
        raise typer.Exit(WRONG_USE) from None
    path.unlink()


def write_report(path: Path, title: str, content: str, language: Language) -> None:
    """`path`: a new file; only its owner may read it, since it names files. `content`: HTML.

    Raises `OSError`.
    """
    template = Template(files(__package__).joinpath("report.html").read_text("utf-8"))
    page = template.substitute(language=language, title=escape(title), content=content)
    with path.open("x", encoding="utf-8") as file:
        path.chmod(0o600)
        file.write(page)
    err.print(text(language, "notice.report_written", path=path))


def table(section: Section) -> str:
    """As HTML."""
    head = "".join(f"<th>{escape(one)}</th>" for one in section.headings if any(section.headings))
    rows = "\n".join(_row(row) for row in section.rows)
    note = f"<p>{escape(section.note)}</p>" if section.note else ""
    return f"<h2>{escape(section.title)}</h2>\n{note}\n<table><tr>{head}</tr>\n{rows}\n</table>"


def _row(cells: Row) -> str:
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
