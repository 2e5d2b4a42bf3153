"""`face duplicates`: who was flagged as looking like somebody enrolled, and what a person decides."""

from __future__ import annotations

import re
from typing import Annotated
from uuid import UUID

import typer

from service.cli.context import (
    AsJson,
    Collection,
    LanguageOption,
    labels,
    print_json,
    print_next_page,
    print_table,
    ready,
    shown_moment,
)
from service.cli.language import spoken
from service.domain.callers import LOCAL_USER
from service.domain.collection import DEFAULT_COLLECTION
from service.domain.decision import SimilarityDetail
from service.domain.flagged_duplicate import (
    PLACE,
    DuplicateDecision,
    FlaggedDuplicate,
    FlagPlace,
    FlagStatus,
)
from service.texts import Language, text
from service.usecases.flagged_duplicates import ResolveRequest

app = typer.Typer(
    help="People who were flagged as looking alike.", no_args_is_help=True, rich_markup_mode=None
)

_HEADINGS = (
    "duplicate_id",
    "subject",
    "duplicate_of",
    "similarity",
    "flagged_at",
    "decision",
    "decided_by",
)


def place(given: str) -> FlagPlace:
    if not re.fullmatch(PLACE, given):
        raise typer.BadParameter(text(spoken(), "notice.duplicate_form"))
    return FlagPlace.of(given)


@app.command("list")
def list_duplicates(
    collection: Collection = DEFAULT_COLLECTION,
    status: Annotated[
        FlagStatus, typer.Option(help="Those to decide about, or those that were decided.")
    ] = FlagStatus.OPEN,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 50,
    cursor: Annotated[
        FlagPlace | None,
        typer.Option(
            parser=place, metavar="PLACE", help="Start behind this place.", show_default=False
        ),
    ] = None,
    as_json: AsJson = False,
    lang: LanguageOption = None,
) -> None:
    """Who was enrolled although they look like somebody else, newest first."""
    wiring, language = ready(lang)
    page = wiring.list_duplicates(collection, status, limit, cursor)
    if as_json:
        from service.api.routes.duplicates import duplicate_list  # FastAPI takes half a second

        return print_json(duplicate_list(page))
    print_table(labels(language, _HEADINGS), [_row(one, language) for one in page.duplicates])
    print_next_page(page.next_place, language)
    return None


@app.command()
def resolve(
    duplicate: Annotated[UUID, typer.Argument(metavar="DUPLICATE", help="Its id, as listed.")],
    decision: Annotated[DuplicateDecision, typer.Argument()],
    collection: Collection = DEFAULT_COLLECTION,
    force: Annotated[
        bool, typer.Option("--force", help="Overrule another decision that was made before.")
    ] = False,
    as_json: AsJson = False,
    lang: LanguageOption = None,
) -> None:
    """Decide about two people who look alike. Different people are named for each other no more."""
    wiring, language = ready(lang)
    asked = ResolveRequest(duplicate, decision, collection, LOCAL_USER.name, force)
    resolved = wiring.resolve_duplicate(asked)
    if as_json:
        from service.api.routes.duplicates import flagged_duplicate_answer

        exact = SimilarityDetail.EXACT
        return print_json(flagged_duplicate_answer(resolved, collection, exact))
    typer.echo(
        text(
            language,
            "outcome.decided",
            subject=resolved.subject_id,
            other=resolved.duplicate_of,
            decision=text(language, f"duplicate_decision.{decision}"),
        )
    )
    return None


def _row(flagged: FlaggedDuplicate, language: Language) -> tuple[str, ...]:
    made = flagged.resolution
    return (
        str(flagged.duplicate_id),
        flagged.subject_id,
        flagged.duplicate_of,
        f"{flagged.similarity:.4f}",
        shown_moment(flagged.flagged_at),
        "-" if made is None else text(language, f"duplicate_decision.{made.decision}"),
        "-" if made is None else made.by,
    )
