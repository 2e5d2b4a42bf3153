"""The camera of this machine, a video file here: a face as it is, or a person who does a liveness challenge."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen

import cv2
import numpy as np
import pytest

from service.domain.challenge import MOST, Step
from service.domain.face import Image
from service.domain.ports import FaceEngine
from service.engine.engines import load_engine
from service.texts import text
from tests.cli.face import SECONDS, Face, Outcome
from tests.contract.video_file import write_video
from tests.liveness.head import RenderedHead
from tests.liveness.portrait import FRONTAL, portrait
from tests.liveness.scene import HEIGHT, WIDTH, Pose, Presented, Scene

People = dict[str, list[Path]]

FRAMES = 8

GOALS = {
    Step.LOOK_AHEAD: Pose(),
    Step.TURN_LEFT: Pose(turned=36),
    Step.TURN_RIGHT: Pose(turned=-36),
    Step.LOOK_UP: Pose(tilted=-24),
    Step.LOOK_DOWN: Pose(tilted=22),
    Step.COME_CLOSER: Pose(near=1.8),
}
"""Where each movement of the person ends."""


@pytest.fixture
def camera(tmp_path: Path) -> Path:
    return tmp_path / "camera.avi"


@pytest.fixture
def kiosk(gallery_face: Face, camera: Path) -> Face:
    return gallery_face.but(camera_index=camera, language="en")


def test_camera_without_a_challenge(kiosk: Face, camera: Path, people: People) -> None:
    write_video(camera, people["amy"][:2])
    enrolled = kiosk("enroll", "amy", "--camera", "--json")
    assert enrolled.status == 0
    assert json.loads(enrolled.out)["imagesUsed"] == 4
    write_video(camera, people["howard"][2:3])
    assert kiosk("verify", "amy", "--camera").status == 1
    assert kiosk("dedupe", "--camera").status == 0
    assert kiosk("identify", "--camera").status == 1


@dataclass
class Films:
    """Of one person, as many of each movement as a challenge may ask for, and one to spare. None is shown twice."""

    films: Mapping[Step, Sequence[Path]]
    shown: Counter[Step] = field(default_factory=Counter)

    def show(self, step: Step, camera: Path) -> None:
        self.films[step][self.shown[step]].replace(camera)
        self.shown[step] += 1


def films(presented: Presented, folder: Path) -> Films:
    random = np.random.default_rng(1)
    return Films(
        {
            step: [
                write_film(folder / f"{step}{number}.avi", way(presented, pose, random))
                for number in range(MOST // 2 + 1)
            ]
            for step, pose in GOALS.items()
        }
    )


def way(presented: Presented, goal: Pose, random: np.random.Generator) -> Iterator[Image]:
    for number in range(1, FRAMES + 1):
        yield presented.seen(Pose().towards(goal, number / FRAMES).swayed(random))


def write_film(path: Path, frames: Iterator[Image]) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (WIDTH, HEIGHT))
    for frame in frames:
        writer.write(frame)
    writer.release()
    return path


def obeyed(process: Popen[bytes], films: Films, camera: Path) -> Outcome:
    """Shows what the command asks for, as soon as it has."""
    steps = {text("en", f"liveness.step.{step}"): step for step in Step}
    assert process.stderr is not None
    assert process.stdout is not None
    said = []
    for line in process.stderr:
        said.append(line.decode())
        asked = said[-1].partition("  ")[2].strip()
        if asked in steps:
            films.show(steps[asked], camera)
    out = process.stdout.read().decode()
    return Outcome(process.wait(SECONDS), out, "".join(said))


@pytest.mark.slow
def test_person_does_what_the_command_asks_for(
    kiosk: Face, camera: Path, people: People, engine: FaceEngine, tmp_path: Path
) -> None:
    photo = people["penny"][FRONTAL["penny"] - 1]
    assert kiosk("enroll", "penny", photo).status == 0
    shown = films(RenderedHead(portrait(photo, engine), Scene(seed=1)), tmp_path)
    with kiosk.start("verify", "penny", "--camera", "--liveness", "--json") as process:
        outcome = obeyed(process, shown, camera)
    assert outcome.status == 0, outcome
    answer = json.loads(outcome.out)
    assert answer["match"] is True
    assert answer["liveness"] == {"verdict": "live", "reasons": []}


@pytest.fixture
def engine(model_root: Path) -> FaceEngine:
    return load_engine("mobile_s", model_root, detection_threshold=0.6, use_gpu=False)
