"""`face model`: move the people of a collection to another model, and see how far that is."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from pydantic.alias_generators import to_camel

from service.cli.context import (
    WRONG_USE,
    Json,
    LanguageOption,
    err,
    labels,
    matching,
    print_table,
    progress_bar,
    ready,
)
from service.cli.language import language_of, spoken
from service.config import AppConfig
from service.domain import identifiers
from service.domain.callers import LOCAL_USER
from service.texts import Language, text
from service.usecases.model_move import MoveStatus
from service.wiring import Wiring

app = typer.Typer(help="Models.", no_args_is_help=True, rich_markup_mode=None)

Named = Annotated[
    str, typer.Argument(metavar="COLLECTION", callback=matching(identifiers.COLLECTION))
]
OneOrAll = Annotated[
    str | None,
    typer.Argument(
        metavar="[COLLECTION]", callback=matching(identifiers.COLLECTION), show_default=False
    ),
]
To = Annotated[
    str | None,
    typer.Option("--to", metavar="NAME", help="Begin: the model of FACE_NEXT_MODEL_NAME."),
]
Finish = Annotated[
    bool, typer.Option("--finish", help="The new model decides alone; old templates go.")
]
EraseUnmoved = Annotated[
    bool,
    typer.Option("--erase-unmoved", help="With --finish: erase who was never moved, for good."),
]
Cancel = Annotated[bool, typer.Option("--cancel", help="Give it up: new templates go.")]
Unmoved = Annotated[
    bool, typer.Option("--unmoved", help="Print who was not moved yet, one id a line.")
]

_COLUMNS = ("collection", "model", "next_model", "people", "moved", "retiring_model", "remaining")


@app.command()
def move(
    collection: Named,
    to: To = None,
    finish: Finish = False,
    erase_unmoved: EraseUnmoved = False,
    cancel: Cancel = False,
    lang: LanguageOption = None,
) -> None:
    """Store people under another model as they come, then let that one decide. Interrupted: run it again."""
    _require_one_step(AppConfig(), lang, [to is not None, finish, cancel], to, erase_unmoved)
    wiring, language = ready(lang)
    mover, caller = wiring.move_model, LOCAL_USER.name
    if to is not None:
        begun = mover.begin(collection, caller)
        if begun.collection.next_model_id is None:  # it decides already
            _tell_finished(wiring, collection, language)
            return
        counts = {"people": begun.people, "moved": begun.moved}
        err.print(text(language, "outcome.move_begun", collection=collection, model=to, **counts))
    elif cancel:
        with progress_bar(collection) as report:
            mover.cancel(collection, caller, report)
        err.print(text(language, "outcome.move_cancelled", collection=collection))
    else:
        with progress_bar(collection) as report:
            mover.finish(collection, caller, report, erase_unmoved=erase_unmoved)
        _tell_finished(wiring, collection, language)


@app.command()
def status(
    collection: OneOrAll = None,
    unmoved: Unmoved = False,
    as_json: Json = False,
    lang: LanguageOption = None,
) -> None:
    """How many people have a template of the next model, of how many."""
    if unmoved and collection is None:
        raise typer.BadParameter(text(spoken(), "notice.unmoved_of_one"))
    wiring, language = ready(lang)
    mover = wiring.move_model
    if unmoved and collection is not None:
        for subject_id in mover.unmoved(collection):
            typer.echo(subject_id)
        return
    found = mover.all() if collection is None else [mover.status(collection)]
    rows = [_row(each) for each in found]
    if as_json:
        typer.echo(
            json.dumps([dict(zip(map(to_camel, _COLUMNS), row, strict=True)) for row in rows])
        )
        return
    shown = [["-" if cell is None else cell for cell in row] for row in rows]
    print_table(labels(language, _COLUMNS), shown)


def _require_one_step(
    config: AppConfig, lang: str | None, steps: list[bool], to: str | None, erase_unmoved: bool
) -> None:
    """Wrong use otherwise. A move to a model that the servers beside do not serve would stop them all, so
    that it must stand in the settings, which are the same for them.
    """
    language = language_of(lang, config)
    if sum(steps) != 1 or (erase_unmoved and not steps[1]):
        raise typer.BadParameter(text(language, "notice.one_step"))
    if to is not None and to != config.next_model_name:
        err.print(text(language, "notice.next_model_name", name=to))
        raise typer.Exit(WRONG_USE)


def _tell_finished(wiring: Wiring, collection: str, language: Language) -> None:
    model = wiring.move_model.status(collection).collection.model_id
    err.print(text(language, "outcome.move_finished", collection=collection, model=model))


def _row(each: MoveStatus) -> tuple[str | int | None, ...]:
    collection = each.collection
    return (
        collection.name,
        collection.model_id,
        collection.next_model_id,
        each.people,
        each.moved if collection.next_model_id else None,
        collection.retiring_model_id,
        each.remaining if collection.retiring_model_id else None,
    )
