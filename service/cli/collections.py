"""Galleries apart: what there is, how each is set, and the end of one; all that HTTP can do with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from service.cli.context import (
    AsJson,
    LanguageOption,
    labels,
    matching,
    percent,
    print_json,
    print_next_page,
    print_table,
    ready,
    shown_moment,
)
from service.cli.language import spoken
from service.domain import identifiers
from service.domain.callers import LOCAL_USER
from service.domain.collection import (
    DEFAULT_COLLECTION,
    CollectionSettings,
    DuplicatePolicy,
    RequireLiveness,
)
from service.domain.face import Faces
from service.domain.thresholds import Profile
from service.texts import Language, text
from service.usecases.collections import CollectionDetails

app = typer.Typer(help="Collections of people.", no_args_is_help=True, rich_markup_mode=None)

DEFAULT_PAGE, LARGEST_PAGE = 50, 100


class Setting(StrEnum):
    """What `--unset` sets to its default; the names of the options."""

    THRESHOLD = "threshold"
    DUPLICATE_POLICY = "duplicate-policy"
    DUPLICATE_PROFILE = "duplicate-profile"
    FACES = "faces"
    REQUIRE_LIVENESS = "require-liveness"
    RETENTION_DAYS = "retention-days"
    MAX_FALSE_CANDIDATES = "max-false-candidates"

    @property
    def field(self) -> str:
        """Of `CollectionSettings`."""
        name = self.value.replace("-", "_")
        return "thresholds" if self is Setting.THRESHOLD else name


def own_threshold(given: str) -> tuple[str, float]:
    """`vip=0.5`: a profile and the cosine from which on two faces match. Raises `typer.BadParameter`."""
    profile, equals, cosine = given.partition("=")
    try:
        if equals:
            return profile, float(cosine)
    except ValueError:
        pass
    raise typer.BadParameter(text(spoken(), "notice.threshold_form"))


Name = Annotated[
    str, typer.Argument(metavar="COLLECTION", callback=matching(identifiers.COLLECTION))
]
Threshold = Annotated[
    list[Any] | None,
    typer.Option(
        parser=own_threshold,
        metavar="PROFILE=COSINE",
        help="The collection's own threshold of a profile; repeatable. These are all it has.",
        show_default=False,
    ),
]
Policy = Annotated[
    DuplicatePolicy | None,
    typer.Option(
        "--duplicate-policy",
        help="What an enrollment does where somebody looks alike: a floor, callers may be stricter.",
        show_default=False,
    ),
]
SearchProfile = Annotated[
    str | None,
    typer.Option(
        "--duplicate-profile",
        callback=matching(identifiers.PROFILE),
        metavar="PROFILE",
        help="The profile of duplicate checks and searches.",
        show_default=False,
    ),
]
FacesThatCount = Annotated[
    Faces | None,
    typer.Option("--faces", help="Which photographs have a face that counts.", show_default=False),
]
Liveness = Annotated[
    RequireLiveness | None,
    typer.Option(
        "--require-liveness", help="For what a liveness session is needed.", show_default=False
    ),
]
RetentionDays = Annotated[
    int | None,
    typer.Option(
        "--retention-days",
        metavar="DAYS",
        help="Days after their enrollment when people are removed.",
        show_default=False,
    ),
]
MaxFalseCandidates = Annotated[
    float | None,
    typer.Option(
        "--max-false-candidates",
        metavar="NUMBER",
        help="Strangers that one search may name on average.",
        show_default=False,
    ),
]


@app.command("list")
def list_collections(
    limit: Annotated[int, typer.Option(min=1, max=LARGEST_PAGE)] = DEFAULT_PAGE,
    cursor: Annotated[
        str | None,
        typer.Option(callback=matching(identifiers.COLLECTION), help="Start after this one."),
    ] = None,
    as_json: AsJson = False,
    lang: LanguageOption = None,
) -> None:
    """All collections by name, a page at a time."""
    wiring, language = ready(lang)
    page = wiring.collections.page(LOCAL_USER, limit, cursor)
    if as_json:
        from service.api.routes.collections import collection_list

        return print_json(collection_list(page, language))
    headings = labels(
        language, ("collection", "templates", "model", "duplicate_policy", "created_at")
    )
    print_table(headings, [_row(each) for each in page.collections])
    print_next_page(page.next_cursor, language)
    return None


@app.command("show")
def show_collection(collection: Name, as_json: AsJson = False, lang: LanguageOption = None) -> None:
    """One collection: settings, size, thresholds and their error rates."""
    wiring, language = ready(lang)
    _print(wiring.collections.show(collection), language, as_json=as_json)


@app.command("create")
def create_collection(
    collection: Name,
    threshold: Threshold = None,
    duplicate_policy: Policy = None,
    duplicate_profile: SearchProfile = None,
    faces: FacesThatCount = None,
    require_liveness: Liveness = None,
    retention_days: RetentionDays = None,
    max_false_candidates: MaxFalseCandidates = None,
    as_json: AsJson = False,
    lang: LanguageOption = None,
) -> None:
    """Make a collection, with a data key of its own. What is not given has its default."""
    named = _named(
        threshold,
        duplicate_policy=duplicate_policy,
        duplicate_profile=duplicate_profile,
        faces=faces,
        require_liveness=require_liveness,
        retention_days=retention_days,
        max_false_candidates=max_false_candidates,
    )
    wiring, language = ready(lang)
    settings = CollectionSettings(**named)
    made = wiring.collections.create(collection, settings, LOCAL_USER.name)
    _print(made, language, as_json=as_json)


@app.command("set")
def set_collection(
    collection: Name,
    threshold: Threshold = None,
    duplicate_policy: Policy = None,
    duplicate_profile: SearchProfile = None,
    faces: FacesThatCount = None,
    require_liveness: Liveness = None,
    retention_days: RetentionDays = None,
    max_false_candidates: MaxFalseCandidates = None,
    unset: Annotated[
        list[Setting] | None,
        typer.Option(help="Give it its default again; repeatable.", show_default=False),
    ] = None,
    as_json: AsJson = False,
    lang: LanguageOption = None,
) -> None:
    """Change what is given, each as a whole; the rest stays as it is."""
    named = _named(
        threshold,
        duplicate_policy=duplicate_policy,
        duplicate_profile=duplicate_profile,
        faces=faces,
        require_liveness=require_liveness,
        retention_days=retention_days,
        max_false_candidates=max_false_candidates,
    )
    again = {setting.field: getattr(CollectionSettings(), setting.field) for setting in unset or ()}
    if (not named and not again) or named.keys() & again.keys():
        raise typer.BadParameter(text(spoken(), "notice.set_or_unset"))
    wiring, language = ready(lang)
    changed = wiring.collections.change(collection, {**named, **again}, LOCAL_USER.name)
    _print(changed, language, as_json=as_json)


@app.command("delete")
def delete_collection(
    collection: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Everybody in it is to be erased.")] = False,
    as_json: AsJson = False,
    lang: LanguageOption = None,
) -> None:
    """Erase everybody in it, and destroy its data key. `default` is left empty, under a new key."""
    if not yes:
        asked = text(spoken(), "notice.erase_everybody", name=collection)
        raise typer.BadParameter(asked)
    wiring, language = ready(lang)
    deleted = wiring.collections.delete(collection, LOCAL_USER.name)
    if as_json:
        from service.api.routes.collections import CollectionErasureAnswer

        return print_json(CollectionErasureAnswer(collection=collection, templates_deleted=deleted))
    stays = collection == DEFAULT_COLLECTION
    outcome = "outcome.collection_emptied" if stays else "outcome.collection_deleted"
    typer.echo(text(language, outcome, collection=collection, templates=deleted))
    return None


def _named(threshold: Sequence[tuple[str, float]] | None, **given: object) -> dict[str, Any]:
    """What was given, by the fields of `CollectionSettings`, as HTTP would take it. Raises
    `InvalidRequest`.
    """
    from service.api.field_problems import invalid_request
    from service.api.routes.collections import CollectionBody

    fields = {name: value for name, value in given.items() if value is not None}
    if threshold:
        fields["threshold_profiles"] = dict(threshold)
    try:
        return CollectionBody.model_validate(fields).named()
    except ValidationError as error:
        raise invalid_request(error.errors(), CollectionBody) from None


def _print(details: CollectionDetails, language: Language, *, as_json: bool) -> None:
    if as_json:
        from service.api.routes.collections import collection_answer

        return print_json(collection_answer(details, language))
    print_table(("", ""), list(_settings(details, language)))
    profile, threshold, source = labels(language, ("profile", "threshold", "source"))
    rows = [_rates(each, language) for each in details.calibration.profiles.values()]
    print_table((profile, threshold, "FMR", "FNMR", source), rows)
    return None


def _settings(details: CollectionDetails, language: Language) -> Iterator[tuple[str, object]]:
    collection, settings, search = details.collection, details.collection.settings, details.search
    limit = settings.retention_days
    yield text(language, "label.collection"), collection.name
    yield text(language, "label.templates"), details.templates
    yield text(language, "label.model"), collection.model_id or "-"
    yield text(language, "label.created_at"), shown_moment(collection.created_at)
    yield text(language, "label.duplicate_policy"), settings.duplicate_policy
    yield text(language, "label.duplicate_profile"), settings.duplicate_profile
    yield text(language, "label.search_threshold"), f"{search.threshold:.4f}"
    yield text(language, "label.max_false_candidates"), f"{settings.max_false_candidates:g}"
    yield (
        text(language, "label.expected_false_candidates"),
        _number(search.expected_false_candidates),
    )
    yield text(language, "label.faces"), settings.faces or text(language, "value.as_the_service")
    yield text(language, "label.require_liveness"), settings.require_liveness
    yield text(language, "label.retention_days"), limit or text(language, "value.unlimited")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def _rates(profile: Profile, language: Language) -> tuple[str, ...]:
    source = profile.source
    return (
        profile.name,
        f"{profile.threshold:.4f}",
        "-" if profile.false_match_rate is None else percent(profile.false_match_rate),
        "-" if profile.false_non_match_rate is None else percent(profile.false_non_match_rate),
        text(language, f"source.{source.origin}", **source.values),
    )


def _row(details: CollectionDetails) -> tuple[object, ...]:
    collection = details.collection
    return (
        collection.name,
        details.templates,
        collection.model_id or "-",
        collection.settings.duplicate_policy,
        shown_moment(collection.created_at),
    )
