"""What a liveness session has come to, as the bytes that are sealed: landmarks and numbers, never pixels."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np

from service.domain.challenge import Step
from service.domain.face import Embedding
from service.domain.liveness_session import SessionProgress
from service.domain.passive_liveness import NoSignal
from service.domain.step_pose import Frame
from service.domain.template import PlainTemplate
from service.usecases import sample_record

_NUMBER = np.dtype("<f4")


def as_bytes(progress: SessionProgress) -> bytes:
    content = {
        "challenge": [step.value for step in progress.challenge],
        "met": progress.met,
        "frames": [_written(frame) for frame in progress.frames],
        "hashes": [_text(each) for each in progress.hashes],
        "templates": {
            model_id: [_text(template.total.astype(_NUMBER).tobytes()), template.samples]
            for model_id, template in progress.templates.items()
        },
        "sample": None if progress.sample is None else sample_record.written(progress.sample),
    }
    return json.dumps(content).encode()


def progress_of(plain: bytes) -> SessionProgress:
    content = json.loads(plain)
    sample = content["sample"]
    return SessionProgress(
        tuple(map(Step, content["challenge"])),
        content["met"],
        tuple(_frame(*each) for each in content["frames"]),
        tuple(map(_bytes, content["hashes"])),
        {
            model_id: PlainTemplate(_numbers(total), samples)
            for model_id, (total, samples) in content["templates"].items()
        },
        None if sample is None else sample_record.read(*sample),
    )


def _written(frame: Frame) -> list[Any]:
    embedding = None
    if frame.embedding is not None:
        embedding = _text(frame.embedding.astype(_NUMBER).tobytes())
    return [frame.step, frame.landmarks.tolist(), embedding, frame.passive, frame.is_replayed]


def _frame(
    step: int,
    landmarks: list[list[float]],
    embedding: str | None,
    passive: float | str | None,
    is_replayed: bool,
) -> Frame:
    return Frame(
        step,
        np.asarray(landmarks, np.float64),
        None if embedding is None else _numbers(embedding),
        NoSignal(passive) if isinstance(passive, str) else passive,
        is_replayed,
    )


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)


def _numbers(text: str) -> Embedding:
    return np.frombuffer(_bytes(text), _NUMBER).astype(np.float32)
