"""Where the face of a command comes from: photographs, a folder of them, an embedding, or this machine's
camera, before which a liveness challenge is made where the collection requires one or the command asks for it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from service.cli.context import doubts_of, err
from service.cli.language import spoken
from service.domain.active_liveness import Judgment
from service.domain.errors import InvalidEmbedding, LivenessFailed
from service.domain.face import (
    CameraFrames,
    DirectoryImages,
    FaceSource,
    GivenEmbedding,
    ProvenFrame,
    Uploads,
)
from service.domain.liveness_session import MOST_FRAMES_OF_A_CALL
from service.texts import Language, advice_text, text
from service.usecases.liveness_frames import FramesRequest
from service.usecases.liveness_session import LivenessRequest
from service.wiring import Wiring

TIME_TO_READ = 1.0
"""Seconds for the person to read what to do, before they are filmed."""

Photographs = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[PHOTO]...", exists=True, dir_okay=False, readable=True, show_default=False
    ),
]
CameraOption = Annotated[
    bool,
    typer.Option(
        "--camera",
        help="Take the face from this machine's camera instead. Where the collection requires it, the person "
        "is told to do a liveness challenge.",
    ),
]
LivenessOption = Annotated[
    bool,
    typer.Option(
        "--liveness",
        help="With --camera: a liveness challenge in any case. Status 1 as well: nobody living was seen.",
    ),
]


EmbeddingFile = Annotated[
    Path | None,
    typer.Option(
        "--embedding",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="Take the 512 numbers of a file instead, as `face directory` prints them.",
    ),
]
FolderOption = Annotated[
    Path | None,
    typer.Option(
        "--directory",
        metavar="DIR",
        exists=True,
        file_okay=False,
        help="Take a folder's photographs.",
    ),
]
MostFrames = Annotated[
    int | None, typer.Option("--max-frames", min=1, max=100, help="With --camera: frames to take.")
]
MostImages = Annotated[
    int | None,
    typer.Option("--max-images", min=1, max=100, help="With --directory: photographs to take."),
]


@dataclass(frozen=True, slots=True)
class FaceArguments:
    """One of `photos`, `embedding`, `directory` and `camera`, the last with a challenge in any case where
    `liveness` is asked for.
    """

    photos: Sequence[Path] | None = None
    embedding: Path | None = None
    directory: Path | None = None
    camera: bool = False
    liveness: bool = False
    max_frames: int | None = None
    max_images: int | None = None

    def __post_init__(self) -> None:
        """Raises `typer.BadParameter`."""
        given = (self.photos, self.embedding, self.directory, self.camera)
        if sum(map(bool, given)) != 1:
            raise typer.BadParameter(text(spoken(), "notice.one_source"), param_hint="PHOTO...")
        if self.liveness and not self.camera:
            raise typer.BadParameter(
                text(spoken(), "notice.live_by_camera"), param_hint="--liveness"
            )

    def source(self, wiring: Wiring, request: LivenessRequest, language: Language) -> FaceSource:
        """`request`: what a liveness session would be begun for.

        Raises `CollectionNotFound`, `InvalidEmbedding`, and what starting and filming a session raise.
        """
        if self.photos:
            return _uploads(self.photos, wiring)
        if self.embedding is not None:
            return GivenEmbedding(_numbers_in(self.embedding))
        if self.directory is not None:
            most = self.max_images or wiring.config.max_images
            return DirectoryImages(str(self.directory), most)
        # First of all, since it loads the model: the person does not wait for that within the session.
        settings = wiring.samplers.look_at(request.collection).settings
        if self.liveness or settings.requires_liveness(request.purpose):
            return _challenged(wiring, request, language)
        return CameraFrames(self.max_frames or wiring.config.max_frames)

    def name_of(self, sample: int) -> str:
        """Of the file, where there is one."""
        return self.photos[sample].name if self.photos else str(sample + 1)


def _numbers_in(file: Path) -> list[float]:
    """Raises `InvalidEmbedding` for what is no list of numbers; whether they are an embedding the call tells."""
    try:
        numbers = json.loads(file.read_text(encoding="utf-8-sig"))
    except ValueError:
        raise InvalidEmbedding from None
    if not isinstance(numbers, list) or not set(map(type, numbers)) <= {float, int}:
        raise InvalidEmbedding
    return numbers


def _uploads(photos: Sequence[Path], wiring: Wiring) -> Uploads:
    """No more of each than tells that it is too large: a device has no end."""
    return Uploads([_start_of(photo, wiring.config.max_image_bytes + 1) for photo in photos])


def _start_of(photo: Path, size: int) -> bytes:
    with photo.open("rb") as file:
        return file.read(size)


def _challenged(wiring: Wiring, request: LivenessRequest, language: Language) -> ProvenFrame:
    """Step by step on stderr, each until it is met. Whatever came of it, the call that follows decides.

    Raises `LivenessExpired` where the time is over.
    """
    started = wiring.start_liveness(request)
    session, steps = started.session_id, started.challenge
    number: int | None = 0
    while number is not None:
        sentence = text(language, f"liveness.step.{steps[number]}")
        err.print(f"{number + 1}/{len(steps)}  {sentence}")
        time.sleep(TIME_TO_READ)
        frames = FramesRequest(session, number, CameraFrames(MOST_FRAMES_OF_A_CALL), request.caller)
        try:
            taken = wiring.take_frames(frames)
        except LivenessFailed:  # no more frames are looked at
            break
        if taken.advice is not None:
            err.print(f"     {advice_text(language, taken.advice)}")
        number = taken.next
    return ProvenFrame(session)


def print_liveness(judgment: Judgment | None, language: Language) -> None:
    """None: the face does not come from a session."""
    if judgment is None:
        return
    typer.echo(text(language, f"liveness.verdict.{judgment.verdict}"))
    for doubt in doubts_of(judgment, language):
        typer.echo(f"  {doubt}")
