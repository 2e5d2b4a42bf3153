"""Where the face of a command comes from: photographs, or this machine's camera, before which a liveness
challenge is made where the collection requires one or the command asks for it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from service.cli.context import doubts_of, err
from service.cli.language import spoken
from service.domain.active_liveness import Judgment
from service.domain.errors import LivenessFailed
from service.domain.face import CameraFrames, FaceSource, ProvenFrame, Uploads
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


@dataclass(frozen=True, slots=True)
class FaceArguments:
    """`photos`, or the `camera`, with a challenge in any case where `liveness` is asked for."""

    photos: Sequence[Path]
    camera: bool
    liveness: bool

    @staticmethod
    def of(photos: Sequence[Path] | None, *, camera: bool, liveness: bool) -> FaceArguments:
        """Raises `typer.BadParameter`."""
        if camera == bool(photos):
            raise typer.BadParameter(
                text(spoken(), "notice.photographs_or_camera"), param_hint="PHOTO..."
            )
        if liveness and not camera:
            raise typer.BadParameter(
                text(spoken(), "notice.live_by_camera"), param_hint="--liveness"
            )
        return FaceArguments(photos or (), camera, liveness)

    def source(self, wiring: Wiring, request: LivenessRequest, language: Language) -> FaceSource:
        """`request`: what a liveness session would be begun for.

        Raises `CollectionNotFound`, and what starting and filming a session raise.
        """
        if not self.camera:
            return _uploads(self.photos, wiring)
        # First of all, since it loads the model: the person does not wait for that within the session.
        settings = wiring.samplers.look_at(request.collection).settings
        if self.liveness or settings.requires_liveness(request.purpose):
            return _challenged(wiring, request, language)
        return CameraFrames(wiring.config.max_frames)

    def name_of(self, sample: int) -> str:
        """Of the file, where there is one."""
        return self.photos[sample].name if self.photos else str(sample + 1)


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
