"""The audit log: what was done, and whether the log is whole."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

import typer

from service.cli.context import (
    NO,
    AsJson,
    LanguageOption,
    labels,
    matching,
    print_json,
    print_next_page,
    print_table,
    shown_moment,
)
from service.cli.language import language_of, spoken
from service.config import AppConfig
from service.domain import identifiers
from service.domain.audit import AuditQuery, AuditRecord
from service.domain.integrity import Break, Checkpoint, Finding, LogVerdict
from service.texts import Language, text
from service.wiring import Wiring

app = typer.Typer(help="The audit log.", no_args_is_help=True, rich_markup_mode=None)

_HEADINGS = ("number", "at", "caller", "action", "collection", "outcome", "request")
_CHECKPOINT = re.compile(r"(0|[1-9][0-9]{0,18}):([0-9a-f]{64})", re.ASCII)


def moment(given: str) -> datetime:
    """`2026-01-31` or `2026-01-31T09:00+09:00`; UTC where it does not say otherwise."""
    try:
        at = datetime.fromisoformat(given)
    except ValueError:
        raise typer.BadParameter(text(spoken(), "notice.moment_form")) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def checkpoint(given: str) -> Checkpoint:
    parts = _CHECKPOINT.fullmatch(given)
    if parts is None:
        raise typer.BadParameter(text(spoken(), "notice.checkpoint_form"))
    return Checkpoint(int(parts[1]), bytes.fromhex(parts[2]))


Moment = Annotated[datetime | None, typer.Option(parser=moment, metavar="TIME", show_default=False)]


@app.command("list")
def list_audit(
    action: Annotated[str | None, typer.Option(show_default=False)] = None,
    collection: Annotated[
        str | None, typer.Option(callback=matching(identifiers.COLLECTION), show_default=False)
    ] = None,
    subject: Annotated[
        str | None,
        typer.Option(
            callback=matching(identifiers.SUBJECT_ID),
            help="Only what concerns this person; needs --collection.",
            show_default=False,
        ),
    ] = None,
    since: Moment = None,
    until: Moment = None,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 50,
    cursor: Annotated[int | None, typer.Option(min=1, help="Start below this number.")] = None,
    as_json: AsJson = False,
    lang: LanguageOption = None,
) -> None:
    """What was done and what was refused, newest first."""
    config = AppConfig()
    language = language_of(lang, config)
    query = AuditQuery(action, collection, since=since, until=until)
    page = Wiring(config).list_audit(query, limit, cursor, subject)
    if as_json:
        from service.api.routes.audit import audit_list  # FastAPI takes half a second

        return print_json(audit_list(page))
    print_table(labels(language, _HEADINGS), [_row(one) for one in page.records])
    print_next_page(page.next_cursor, language)
    return None


@app.command()
def verify(
    expect: Annotated[
        Checkpoint | None,
        typer.Option(
            parser=checkpoint,
            metavar="NUMBER:DIGEST",
            help="A checkpoint that was printed and noted earlier: it must still hold.",
            show_default=False,
        ),
    ] = None,
    lang: LanguageOption = None,
) -> None:
    """Is the log what was written, and is what it vouches for? Status 1: no."""
    config = AppConfig()
    language = language_of(lang, config)
    verified = Wiring(config).verify_audit(expect)
    if verified.log.broken is not None:
        typer.echo(_broken(verified.log.broken, language))
        raise typer.Exit(NO)
    _print_whole(verified.log, language)
    for finding in verified.findings:
        typer.echo(_found(finding, language))
    if verified.findings:
        raise typer.Exit(NO)


def _found(finding: Finding, language: Language) -> str:
    flaw = text(language, f"flaw.{finding.flaw}")
    values = {"record": finding.record, "flaw": flaw, "count": finding.count}
    found = text(language, "outcome.audit_finding", **values)
    return f"{found}: {', '.join(finding.some)}" if finding.some else found


def _broken(broken: Break, language: Language) -> str:
    flaw = text(language, f"flaw.{broken.flaw}")
    return text(language, "outcome.audit_broken", sequence=broken.sequence, flaw=flaw)


def _print_whole(verdict: LogVerdict, language: Language) -> None:
    typer.echo(text(language, "outcome.audit_whole", records=verdict.records))
    if head := verdict.head:
        at = shown_moment(head.begun_at)
        typer.echo(text(language, "outcome.audit_begun", at=at))
        typer.echo(
            f"{text(language, 'label.checkpoint')}: {Checkpoint(head.sequence, head.digest)}"
        )


def _row(record: AuditRecord) -> tuple[str, ...]:
    entry = record.entry
    return (
        str(record.sequence),
        shown_moment(entry.at),
        entry.caller,
        entry.action,
        entry.collection or "-",
        entry.outcome,
        entry.request_id or "-",
    )
