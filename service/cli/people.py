"""Enroll, verify, search, forget, and who is enrolled: the main job, on this machine's database."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from service.bulk.fields import CONSENT, EXPIRES, METADATA, terms_of
from service.cli.context import (
    NO,
    AsJson,
    Collection,
    FacesOption,
    LanguageOption,
    Profile,
    SubjectId,
    labels,
    print_json,
    print_table,
    print_warnings,
    ready,
)
from service.cli.face_source import (
    CameraOption,
    EmbeddingFile,
    FaceArguments,
    FolderOption,
    LivenessOption,
    MostFrames,
    MostImages,
    Photographs,
    print_liveness,
)
from service.cli.language import spoken
from service.domain.callers import LOCAL_USER
from service.domain.collection import DEFAULT_COLLECTION, DuplicatePolicy
from service.domain.decision import Decision
from service.domain.identifiers import IDEMPOTENCY_KEY
from service.domain.liveness_session import Purpose
from service.texts import Language, advice_text, text
from service.usecases.enrollment import EnrollRequest, Mode
from service.usecases.identify import (
    DEFAULT_CANDIDATES,
    MOST_CANDIDATES,
    SearchRequest,
    SearchResult,
)
from service.usecases.liveness_proof import is_not_live
from service.usecases.liveness_session import LivenessRequest
from service.usecases.verify import VerifyRequest

Limit = Annotated[int, typer.Option(min=1, max=MOST_CANDIDATES, help="Most candidates to name.")]
ConsentReference = Annotated[
    str | None, typer.Option(help="By which consent, such as the number of a form. Kept sealed.")
]
ExpiresAt = Annotated[
    str | None,
    typer.Option(metavar="MOMENT", help="When they expire, such as 2027-01-31T18:00:00+09:00."),
]
Metadata = Annotated[
    str | None, typer.Option(metavar="JSON", help="An object of at most 4 KiB. Kept sealed.")
]


def _idempotency_key(given: str | None) -> str | None:
    if given is not None and not re.fullmatch(IDEMPOTENCY_KEY, given):
        raise typer.BadParameter(text(spoken(), "notice.key_form"))
    return given


IdempotencyKey = Annotated[
    str | None,
    typer.Option(
        callback=_idempotency_key, help="A retry under the same key gets the first answer."
    ),
]


def enroll(
    subject: SubjectId,
    photos: Photographs = None,
    embedding: EmbeddingFile = None,
    directory: FolderOption = None,
    camera: CameraOption = False,
    liveness: LivenessOption = False,
    max_frames: MostFrames = None,
    max_images: MostImages = None,
    collection: Collection = DEFAULT_COLLECTION,
    mode: Annotated[Mode, typer.Option()] = Mode.CREATE,
    on_duplicate: Annotated[DuplicatePolicy | None, typer.Option(show_default=False)] = None,
    profile: Profile = None,
    faces: FacesOption = None,
    consent_reference: ConsentReference = None,
    expires_at: ExpiresAt = None,
    metadata: Metadata = None,
    idempotency_key: IdempotencyKey = None,
    as_json: AsJson = False,
    lang: LanguageOption = None,
) -> None:
    """Enroll a person. Status 1: the face is enrolled under another name."""
    arguments = FaceArguments(
        photos, embedding, directory, camera, liveness, max_frames, max_images
    )
    said = {METADATA: metadata, EXPIRES: expires_at, CONSENT: consent_reference}
    terms = terms_of(said)
    wiring, language = ready(lang, one_call=True)
    proof = LivenessRequest(Purpose.ENROLL, collection, LOCAL_USER, subject)
    request = EnrollRequest(
        subject_id=subject,
        source=arguments.source(wiring, proof, language),
        collection=collection,
        caller=LOCAL_USER,
        mode=mode,
        on_duplicate=on_duplicate,
        profile=profile,
        metadata=terms.metadata,
        idempotency_key=idempotency_key,
        expires_at=terms.expires_at,
        consent_reference=terms.consent_reference,
        faces=faces,
    )
    enrolled = wiring.enroll(request)
    if as_json:
        from service.api.routes.enroll import enroll_answer  # FastAPI takes half a second

        return print_json(enroll_answer(enrolled, language))
    samples = enrolled.samples
    values = {"subject": subject, "used": enrolled.images_used, "given": len(samples)}
    typer.echo(text(language, "outcome.enrolled", **values))
    for number, sample in enumerate(samples):
        if sample.reason:
            advice = advice_text(language, sample.reason)
            typer.echo(f"  {arguments.name_of(number)}: {sample.reason} - {advice}")
    heading = text(language, "label.duplicates")
    for one in enrolled.duplicates:
        typer.echo(f"  {heading}: {one.subject_id}  {one.similarity:.4f}")
    print_liveness(enrolled.liveness, language)
    print_warnings(enrolled.warnings, language)
    return None


def verify(
    subject: SubjectId,
    photos: Photographs = None,
    embedding: EmbeddingFile = None,
    directory: FolderOption = None,
    camera: CameraOption = False,
    liveness: LivenessOption = False,
    max_frames: MostFrames = None,
    max_images: MostImages = None,
    collection: Collection = DEFAULT_COLLECTION,
    profile: Profile = None,
    faces: FacesOption = None,
    as_json: AsJson = False,
    lang: LanguageOption = None,
) -> None:
    """Is this the person they say they are? Status 1: no."""
    arguments = FaceArguments(
        photos, embedding, directory, camera, liveness, max_frames, max_images
    )
    wiring, language = ready(lang, one_call=True)
    proof = LivenessRequest(Purpose.VERIFY, collection, LOCAL_USER, subject)
    source = arguments.source(wiring, proof, language)
    result = wiring.verify(VerifyRequest(subject, source, collection, LOCAL_USER, profile, faces))
    decision = result.decision
    if as_json:
        from service.api.routes.verify import verify_answer

        print_json(verify_answer(result, language))
    else:
        typer.echo(_compared(subject, decision, language))
        print_liveness(result.liveness, language)
        print_warnings(decision.profile.warnings, language)
    if not decision.match or is_not_live(result.liveness):
        raise typer.Exit(NO)


def dedupe(
    photos: Photographs = None,
    embedding: EmbeddingFile = None,
    directory: FolderOption = None,
    camera: CameraOption = False,
    liveness: LivenessOption = False,
    max_frames: MostFrames = None,
    max_images: MostImages = None,
    collection: Collection = DEFAULT_COLLECTION,
    profile: Profile = None,
    faces: FacesOption = None,
    limit: Limit = DEFAULT_CANDIDATES,
    as_json: AsJson = False,
    lang: LanguageOption = None,
) -> None:
    """Did this person sign up already? Status 1: yes, a duplicate."""
    arguments = FaceArguments(
        photos, embedding, directory, camera, liveness, max_frames, max_images
    )
    wiring, language = ready(lang, one_call=True)
    source = arguments.source(
        wiring, LivenessRequest(Purpose.SEARCH, collection, LOCAL_USER), language
    )
    result = wiring.identify(SearchRequest(source, collection, LOCAL_USER, profile, limit, faces))
    if as_json:
        from service.api.routes.search import dedupe_answer

        print_json(dedupe_answer(result, language))
    else:
        _print_candidates(result, language)
    if result.found or is_not_live(result.liveness):
        raise typer.Exit(NO)


def identify(
    photos: Photographs = None,
    embedding: EmbeddingFile = None,
    directory: FolderOption = None,
    camera: CameraOption = False,
    liveness: LivenessOption = False,
    max_frames: MostFrames = None,
    max_images: MostImages = None,
    collection: Collection = DEFAULT_COLLECTION,
    profile: Profile = None,
    faces: FacesOption = None,
    limit: Limit = DEFAULT_CANDIDATES,
    as_json: AsJson = False,
    lang: LanguageOption = None,
) -> None:
    """Who is this? Status 1: nobody who is enrolled."""
    arguments = FaceArguments(
        photos, embedding, directory, camera, liveness, max_frames, max_images
    )
    wiring, language = ready(lang, one_call=True)
    source = arguments.source(
        wiring, LivenessRequest(Purpose.SEARCH, collection, LOCAL_USER), language
    )
    result = wiring.identify(SearchRequest(source, collection, LOCAL_USER, profile, limit, faces))
    if as_json:
        from service.api.routes.search import identify_answer

        print_json(identify_answer(result, language))
    else:
        _print_candidates(result, language)
    if not result.found or is_not_live(result.liveness):
        raise typer.Exit(NO)


def delete(
    subject: SubjectId,
    collection: Collection = DEFAULT_COLLECTION,
    consent_withdrawn: Annotated[
        bool, typer.Option("--consent-withdrawn", help="Write down that this is why.")
    ] = False,
    as_json: AsJson = False,
    lang: LanguageOption = None,
) -> None:
    """Forget a person: templates, metadata and earlier answers."""
    wiring, language = ready(lang)
    forget = wiring.withdraw_consent if consent_withdrawn else wiring.erase
    erasure = forget(subject, collection, LOCAL_USER.name)
    if as_json:
        from service.api.routes.subjects import erasure_answer

        return print_json(erasure_answer(erasure))
    values = {"templates": erasure.templates_deleted, "audit_id": erasure.audit_id}
    typer.echo(text(language, "outcome.deleted", subject=subject, **values))
    return None


def _compared(subject: str, decision: Decision, language: Language) -> str:
    return text(
        language,
        "outcome.match" if decision.match else "outcome.no_match",
        subject=subject,
        similarity=decision.similarity,
        profile=decision.profile.name,
        threshold=decision.profile.threshold,
        band=text(language, f"band.{decision.band}"),
        recommendation=text(language, f"recommendation.{decision.recommendation}"),
    )


def _print_candidates(result: SearchResult, language: Language) -> None:
    key = "outcome.duplicate" if result.found else "outcome.no_duplicate"
    search = result.search
    values = {
        "searched": result.searched,
        "profile": search.profile.name,
        "threshold": search.threshold,
    }
    typer.echo(text(language, key, **values))
    rows = [
        (each.who.subject_id, f"{each.who.similarity:.4f}", text(language, f"band.{each.band}"))
        for each in result.candidates
    ]
    if rows:
        print_table(labels(language, ("subject", "similarity", "band")), rows)
    print_liveness(result.liveness, language)
    print_warnings(search.warnings, language)


def register(app: typer.Typer) -> None:
    for command in (enroll, verify, dedupe, identify, delete):
        app.command()(command)
