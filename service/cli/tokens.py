"""Photographs to embeddings, and comparing two of them; nothing is stored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from service.cli.context import Lang, LanguageOption
from service.cli.output import NO, WRONG_USE, err, language_of, print_embedding
from service.config import AppConfig
from service.domain.decision import decide
from service.domain.errors import InvalidEmbedding
from service.domain.face import EMBEDDING_SIZE, Embedding
from service.domain.source import CameraFrames, DirectoryImages, FaceSource, VideoFrames
from service.domain.template import cosine_similarity, normalize
from service.domain.thresholds import BALANCED
from service.texts import text
from service.wiring import Wiring

MaxFrames = Annotated[int | None, typer.Option(min=1, max=100, help="Frames with one face.")]


def camera(max_frames: MaxFrames = None) -> None:
    """Print the embedding of whoever stands before the camera."""
    config = AppConfig()
    _print_token(CameraFrames(max_frames or config.max_frames), config)


def directory(
    path: Annotated[Path, typer.Option("--path", exists=True, file_okay=False)],
    max_images: Annotated[int | None, typer.Option(min=1, help="Images to take.")] = None,
) -> None:
    """Print the embedding of the photographs in a folder (.jpg, .jpeg, .png)."""
    config = AppConfig()
    _print_token(DirectoryImages(str(path), max_images or config.max_images), config)


def video(
    path: Annotated[Path, typer.Option("--path", exists=True, dir_okay=False)],
    max_frames: Annotated[int, typer.Option(min=1, max=100, help="Frames with one face.")] = 10,
) -> None:
    """Print the embedding of the person in a video file."""
    _print_token(VideoFrames(str(path), max_frames), AppConfig())


def compare(
    first: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    second: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    lang: LanguageOption = None,
) -> None:
    """Compare two files that hold an embedding each. Status 1: not the same person."""
    config = AppConfig()
    wiring = Wiring(config)
    vectors = [_read(path, lang, config) for path in (first, second)]
    similarity = cosine_similarity(*vectors)
    decision = decide(similarity, wiring.calibration.profile(BALANCED), wiring.calibration)
    band = text(language_of(lang, config), f"band.{decision.band}")
    typer.echo(f"cosine_similarity={similarity:.4f}, {band}")
    if not decision.match:
        raise typer.Exit(NO)


def _print_token(source: FaceSource, config: AppConfig) -> None:
    print_embedding(Wiring(config).token(source).tolist())


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


def register(app: typer.Typer) -> None:
    for command in (camera, directory, video, compare):
        app.command()(command)
