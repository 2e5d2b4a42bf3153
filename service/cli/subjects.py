"""Who is enrolled: lists, one person, all that is held about them, another id, and locks that are opened."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from service.cli.context import (
    AsJson,
    Collection,
    LanguageOption,
    SubjectId,
    labels,
    matching,
    print_json,
    print_next_page,
    print_table,
    ready,
    shown_moment,
)
from service.domain import identifiers
from service.domain.callers import LOCAL_USER
from service.domain.collection import DEFAULT_COLLECTION
from service.texts import text
from service.usecases.merge import MergeRequest
from service.usecases.subjects import ChangedSubject

subjects = typer.Typer(help="Who is enrolled.", no_args_is_help=True, rich_markup_mode=None)

NewId = Annotated[str, typer.Argument(metavar="TO", callback=matching(identifiers.SUBJECT_ID))]
Cursor = Annotated[
    str | None,
    typer.Option(callback=matching(identifiers.SUBJECT_ID), help="Start after this subject."),
]


@subjects.command("list")
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
        from service.api.routes.subjects import subject_list

        return print_json(subject_list(page))
    headings = labels(language, ("subject", "templates", "enrolled_at"))
    rows = [(one.subject_id, one.templates, shown_moment(one.enrolled_at)) for one in page.subjects]
    print_table(headings, rows)
    print_next_page(page.next_cursor, language)
    return None


@subjects.command("show")
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
        from service.api.routes.subjects import subject_answer

        return print_json(subject_answer(details))
    rows = [
        (text(language, "label.subject"), details.summary.subject_id),
        (text(language, "label.templates"), details.summary.templates),
        (text(language, "label.enrolled_at"), shown_moment(details.summary.enrolled_at)),
        (text(language, "label.models"), ", ".join(details.model_ids)),
        (text(language, "label.metadata"), json.dumps(details.metadata, ensure_ascii=False)),
        (text(language, "label.expires"), shown_moment(details.expires_at)),
        (text(language, "label.consent"), details.consent_reference or "-"),
        (text(language, "label.locked"), shown_moment(details.locked_until)),
    ]
    print_table(["", ""], rows)
    return None


@subjects.command("export")
def export_subject(
    subject: SubjectId, collection: Collection = DEFAULT_COLLECTION, lang: LanguageOption = None
) -> None:
    """Everything held about a person, as JSON, vectors included."""
    wiring, _ = ready(lang)
    from service.api.routes.subjects import export_answer

    print_json(export_answer(wiring.export(subject, collection, LOCAL_USER.name)))


@subjects.command("rename")
def rename_subject(
    subject: SubjectId,
    to: NewId,
    collection: Collection = DEFAULT_COLLECTION,
    as_json: AsJson = False,
    lang: LanguageOption = None,
) -> None:
    """Give a person another id. All that is kept of them goes along."""
    wiring, language = ready(lang)
    renamed = wiring.rename(subject, to, collection, LOCAL_USER.name)
    audit_id = renamed.audit_id
    said = text(language, "outcome.renamed", subject=subject, to=to, audit_id=audit_id)
    _print_changed(renamed, said, as_json=as_json)


@subjects.command("merge")
def merge_subject(
    subject: SubjectId,
    other: Annotated[
        str,
        typer.Option(
            "--from",
            callback=matching(identifiers.SUBJECT_ID),
            help="The same person's other id, which is gone thereafter.",
            show_default=False,
        ),
    ],
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Also where they do not look the same, or were decided to be different."
        ),
    ] = False,
    collection: Collection = DEFAULT_COLLECTION,
    as_json: AsJson = False,
    lang: LanguageOption = None,
) -> None:
    """Two who are enrolled are one person. Status 1: they do not look the same."""
    wiring, language = ready(lang)
    merged = wiring.merge(MergeRequest(subject, other, collection, LOCAL_USER.name, force))
    audit_id = merged.audit_id
    said = text(language, "outcome.merged", subject=subject, other=other, audit_id=audit_id)
    _print_changed(merged, said, as_json=as_json)


@subjects.command("unlock")
def unlock_subject(
    subject: SubjectId,
    collection: Collection = DEFAULT_COLLECTION,
    as_json: AsJson = False,
    lang: LanguageOption = None,
) -> None:
    """Open a subject that was locked after too many refusals."""
    wiring, language = ready(lang)
    unlocked = wiring.unlock(subject, collection, LOCAL_USER.name)
    said = text(language, "outcome.unlocked", subject=subject, audit_id=unlocked.audit_id)
    _print_changed(unlocked, said, as_json=as_json)


def _print_changed(changed: ChangedSubject, said: str, *, as_json: bool) -> None:
    if as_json:
        from service.api.routes.subject_changes import changed_subject_answer

        return print_json(changed_subject_answer(changed))
    typer.echo(said)
    return None
