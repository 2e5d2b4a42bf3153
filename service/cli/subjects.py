"""Who is enrolled."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from service.api.responses import export_answer, subject_answer, subject_list
from service.cli.context import (
    AsJson,
    Collection,
    LanguageOption,
    SubjectId,
    matching,
    ready,
)
from service.cli.output import labels, print_json, print_table
from service.domain import identifiers
from service.domain.callers import LOCAL_USER
from service.domain.collection import DEFAULT_COLLECTION
from service.texts import text

app = typer.Typer(help="Who is enrolled.", no_args_is_help=True, rich_markup_mode=None)

Cursor = Annotated[
    str | None,
    typer.Option(callback=matching(identifiers.SUBJECT_ID), help="Start after this subject."),
]


@app.command("list")
def list_subjects(
    collection: Collection = DEFAULT_COLLECTION,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 50,
    cursor: Cursor = None,
    as_json: AsJson = False,
    lang: LanguageOption = None,
) -> None:
    """Everybody in a collection, in the order of their ids."""
    wiring, language = ready(lang)
    page = wiring.subjects.page(collection, limit, cursor)
    if as_json:
        return print_json(subject_list(page))
    headings = labels(language, ("subject", "templates", "enrolled_at"))
    rows = [(one.subject_id, one.templates, f"{one.enrolled_at:%F %T %Z}") for one in page.subjects]
    print_table(headings, rows)
    if page.next_cursor:
        typer.echo(f"{text(language, 'label.next')}: --cursor {page.next_cursor}")
    return None


@app.command("show")
def show_subject(
    subject: SubjectId,
    collection: Collection = DEFAULT_COLLECTION,
    as_json: AsJson = False,
    lang: LanguageOption = None,
) -> None:
    """One person, without vectors."""
    wiring, language = ready(lang)
    details = wiring.subjects.show(subject, collection)
    if as_json:
        return print_json(subject_answer(details))
    rows = [
        (text(language, "label.subject"), details.summary.subject_id),
        (text(language, "label.templates"), details.summary.templates),
        (text(language, "label.enrolled_at"), f"{details.summary.enrolled_at:%F %T %Z}"),
        (text(language, "label.models"), ", ".join(details.model_ids)),
        (text(language, "label.metadata"), json.dumps(details.metadata, ensure_ascii=False)),
        (
            text(language, "label.expires"),
            f"{details.expires_at:%F %T %Z}" if details.expires_at else "-",
        ),
        (text(language, "label.consent"), details.consent_reference or "-"),
    ]
    print_table(["", ""], rows)
    return None


@app.command("export")
def export_subject(
    subject: SubjectId, collection: Collection = DEFAULT_COLLECTION, lang: LanguageOption = None
) -> None:
    """Everything held about a person, as JSON, vectors included."""
    wiring, _ = ready(lang)
    print_json(export_answer(wiring.export(subject, collection, LOCAL_USER.name)))


@app.command("unlock")
def unlock_subject(
    subject: SubjectId, collection: Collection = DEFAULT_COLLECTION, lang: LanguageOption = None
) -> None:
    """Open a subject that was locked after too many refusals."""
    wiring, language = ready(lang)
    wiring.unlock(subject, collection, LOCAL_USER.name)
    typer.echo(text(language, "outcome.unlocked", subject=subject))
