"""What needs models alone: embeddings of photographs, two of them compared, an 8-bit copy, and their files."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from service.cli.context import (
    NO,
    WRONG_USE,
    FacesOption,
    Json,
    Lang,
    LanguageOption,
    Profile,
    err,
    labels,
    print_embedding,
    print_table,
)
from service.cli.language import language_of
from service.config import AppConfig
from service.domain.decision import decide
from service.domain.errors import InvalidEmbedding
from service.domain.face import (
    EMBEDDING_SIZE,
    CameraFrames,
    DirectoryImages,
    Embedding,
    Faces,
    SampleSource,
    VideoFrames,
)
from service.domain.template import normalize, similarity_of
from service.domain.thresholds import BALANCED
from service.machine import multiplies_bytes
from service.texts import text
from service.wiring import Wiring

if TYPE_CHECKING:
    from service.usecases.quantize import QuantizationReport

MaxFrames = Annotated[int | None, typer.Option(min=1, max=100, help="Frames with one face.")]


def camera(
    max_frames: MaxFrames = None,
    faces: FacesOption = None,
    lang: LanguageOption = None,  # noqa: ARG001 - read before the command is
) -> None:
    """Print the embedding of whoever stands before the camera."""
    config = AppConfig()
    _print_token(CameraFrames(max_frames or config.max_frames), config, faces)


def directory(
    path: Annotated[Path, typer.Option("--path", exists=True, file_okay=False)],
    max_images: Annotated[int | None, typer.Option(min=1, help="Images to take.")] = None,
    faces: FacesOption = None,
    lang: LanguageOption = None,  # noqa: ARG001
) -> None:
    """Print the embedding of the photographs in a folder (.jpg, .jpeg, .png)."""
    config = AppConfig()
    _print_token(DirectoryImages(str(path), max_images or config.max_images), config, faces)


def video(
    path: Annotated[Path, typer.Option("--path", exists=True, dir_okay=False)],
    max_frames: Annotated[int, typer.Option(min=1, max=100, help="Frames with one face.")] = 10,
    faces: FacesOption = None,
    lang: LanguageOption = None,  # noqa: ARG001
) -> None:
    """Print the embedding of the person in a video file."""
    _print_token(VideoFrames(str(path), max_frames), AppConfig(), faces)


def compare(
    first: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    second: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    lang: LanguageOption = None,
) -> None:
    """Compare two files that hold an embedding each. Status 1: not the same person."""
    config = AppConfig()
    wiring = Wiring(config)
    vectors = [_read(path, lang, config) for path in (first, second)]
    similarity = similarity_of(*vectors)
    decision = decide(similarity, wiring.calibration.profile(BALANCED), wiring.calibration)
    band = text(language_of(lang, config), f"band.{decision.band}")
    typer.echo(f"cosine_similarity={similarity:.4f}, {band}")
    if not decision.match:
        raise typer.Exit(NO)


def _print_token(source: SampleSource, config: AppConfig, faces: Faces | None) -> None:
    print_embedding(Wiring(config).token(source, faces).embedding.tolist())


def _read(path: Path, lang: Lang | None, config: AppConfig) -> Embedding:
    try:
        numbers = np.asarray(json.loads(path.read_text(encoding="utf-8-sig")), np.float64)
        if numbers.shape != (EMBEDDING_SIZE,):
            raise InvalidEmbedding
        return normalize(numbers)
    except (OSError, ValueError, TypeError, OverflowError, InvalidEmbedding):
        language = language_of(lang, config)
        err.print(text(language, "notice.unreadable_vector", path=path))
        raise typer.Exit(WRONG_USE) from None


MAX_PER_PERSON = 50

Photos = Annotated[
    Path,
    typer.Option(
        "--photos",
        metavar="DIR",
        help="One folder per person; they calibrate and measure, and are kept nowhere.",
        exists=True,
        file_okay=False,
    ),
]


def quantize(
    photos: Photos, profile: Profile = None, json_: Json = False, lang: LanguageOption = None
) -> None:
    """Copy the configured model pack with 8-bit weights, as NAME_int8, and print what that costs.

    The copy is another model: people enrolled under the original have to be enrolled again, or moved.
    """
    config = AppConfig()
    wiring = Wiring(config)
    chosen = wiring.calibration.profile(profile or BALANCED)
    report = wiring.quantize(_people(photos), chosen.threshold)
    facts = _facts(report)
    if json_:
        typer.echo(json.dumps(facts))
        return
    language = language_of(lang, config)
    print_table(
        ("", ""),
        [*zip(labels(language, facts), map(_shown, facts.values()), strict=True)],
    )
    err.print(text(language, "notice.another_model", name=report.name))
    if multiplies_bytes() is False:
        err.print(text(language, "notice.bytes_not_multiplied"))


def _people(photos: Path) -> dict[str, DirectoryImages]:
    folders = sorted(folder for folder in photos.iterdir() if folder.is_dir())
    return {folder.name: DirectoryImages(str(folder), MAX_PER_PERSON) for folder in folders}


def _facts(report: QuantizationReport) -> dict[str, str | int | float]:
    at, before, after = report.threshold, report.before, report.after
    return {
        "model": report.model_id,
        "photographs": report.photographs,
        "size_ratio": report.size_ratio,
        "speed_ratio": report.speed_ratio,
        "agreement_min": report.agreement[0],
        "agreement_mean": report.agreement[1],
        "threshold": at,
        "fnmr_before": before.false_non_match.value or 0.0,
        "fnmr_after": after.false_non_match.value or 0.0,
        "fmr_before": before.false_match.value or 0.0,
        "fmr_after": after.false_match.value or 0.0,
    }


def _shown(value: float | str) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


class Fetched(StrEnum):
    LIVENESS = "liveness"


def fetch(
    name: Annotated[Fetched, typer.Argument(metavar="NAME", help="liveness.")],  # noqa: ARG001 - there is one
    lang: LanguageOption = None,
) -> None:
    """Download models from where they are published, refused unless their SHA-256 is right.

    `liveness`: those of the passive liveness check, into FACE_LIVENESS_MODELS.
    """
    from service.engine.minifasnet import LICENSE, fetch
    from service.engine.packs import pack_folder

    config = AppConfig()
    folder = config.liveness_models or pack_folder("liveness", config.model_root)
    fetch(folder)
    typer.echo(folder)
    language = language_of(lang, config)
    err.print(text(language, "notice.liveness_models", folder=folder, license=LICENSE))


def register(app: typer.Typer) -> None:
    for command in (camera, directory, video, compare, quantize):
        app.command()(command)
