"""The Python front door: photographs to embeddings, without a server or a database."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from service.adapters import image_limits
from service.config import AppConfig
from service.domain.errors import NoUsableFace
from service.domain.face import (
    CameraFrames,
    DirectoryImages,
    Embedding,
    FaceCrop,
    Faces,
    Image,
    Reason,
    SampleSource,
    VideoFrames,
)
from service.domain.ports import Capture, FaceEngine
from service.domain.quality import judged, sample_of
from service.domain.template import average, cosine_similarity, normalize
from service.usecases.sampler import MakeToken, Sampler
from service.wiring import Wiring

__all__ = [
    "AppConfig",
    "FaceEncoder",
    "cosine_similarity",
    "encoder_manager",
    "extract_face_embeddings",
    "generate_embedding_from_embeddings",
    "generate_token_from_camera",
    "generate_token_from_directory",
    "generate_token_from_video",
    "load_images_from_directory",
]


class FaceEncoder:
    """One loaded model. Safe to share: any number of threads may call it at once.

    >>> encoder = FaceEncoder(AppConfig(use_gpu=False))                    # doctest: +SKIP
    >>> encoder.encode(load_images_from_directory("faces/user1"))          # doctest: +SKIP

    Raises `ModelUnavailable`, `GpuUnavailable`, `ConflictingRuntimes`.
    """

    def __init__(self, config: AppConfig | None = None) -> None:
        config = config or AppConfig()
        wiring = Wiring(config)
        self._engine: FaceEngine = wiring.engine
        self._calibration = wiring.calibration
        self._faces = Faces(config.faces)

    @property
    def model_id(self) -> str:
        """Name and SHA-256 of the model: embeddings compare only under the same one."""
        return self._engine.model.model_id

    def encode(self, images: Sequence[Image]) -> list[Embedding]:
        """One embedding per image with one face that counts and shows enough, in order; other images
        are skipped.

        `images`: height x width x 3, blue-green-red, uint8. An embedding: float32 (512,), L2
        norm 1. Raises `ValueError` for arrays of another form, `Overloaded`.
        """
        photographs = [_Decoded(_checked(image)) for image in images]
        limits = self._calibration.quality
        detections = self._engine.detect(photographs, self._faces)
        seen = [judged(found, limits) for found in detections]
        crops = [found for found in seen if isinstance(found, FaceCrop)]
        faces = self._engine.embed(crops) if crops else []
        samples = [sample_of(*each, limits) for each in zip(crops, faces, strict=True)]
        return [each.embedding for each in samples if each.embedding is not None]

    def token(self, source: SampleSource, capture: Capture) -> list[float]:
        """The template of what `capture` gets from `source`, as 512 numbers.

        Raises `NoUsableFace`, `InconsistentImages`, `CameraUnavailable`.
        """
        make_token = MakeToken(Sampler(self._engine, capture, self._calibration, faces=self._faces))
        return [float(number) for number in make_token(source).embedding]


class _Decoded:
    """A picture that is decoded already."""

    def __init__(self, image: Image) -> None:
        self._image = image

    def pixels(self) -> Image | Reason:
        return self._image


def _checked(image: Image) -> Image:
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        raise ValueError("an image is a NumPy array of uint8")
    if image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ValueError(f"an image is height x width x 3 (BGR), not {image.shape}")
    return image


class _EncoderManager:
    """Hands every thread and task the same loaded model; one per way of loading it.

    And the same camera: a device can be opened once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._encoders: dict[tuple[object, ...], FaceEncoder] = {}
        self._captures: dict[tuple[object, ...], Capture] = {}

    def get_encoder(self, config: AppConfig | None = None) -> FaceEncoder:
        """The shared encoder of `config`, loaded by whoever asks first."""
        config = config or AppConfig()
        key = (
            config.model_name,
            config.model_root,
            config.detection_threshold,
            config.use_gpu,
            config.use_directml,
            config.data_dir,  # where what was measured of the model is kept: the gate goes by it
            config.faces,
        )
        with self._lock:
            if key not in self._encoders:
                self._encoders[key] = FaceEncoder(config)
            return self._encoders[key]

    def get_capture(self, config: AppConfig) -> Capture:
        """The shared camera of `config`, which its callers use one after the other."""
        wiring = Wiring(config)
        key = (str(config.camera_index), image_limits(config))
        with self._lock:
            return self._captures.setdefault(key, wiring.capture)

    def clear_encoder(self) -> None:
        """Let go of the loaded models; they are freed when their last user is done."""
        with self._lock:
            self._encoders.clear()


encoder_manager = _EncoderManager()


def load_images_from_directory(
    dir_path: str | Path, max_images: int = 5, config: AppConfig | None = None
) -> list[Image]:
    """The readable ones of the first `max_images` images of a folder, by name.

    Each height x width x 3, blue-green-red, uint8. Empty where there is no such folder.
    """
    from service.capture.sources import load_images

    return load_images(dir_path, max_images, image_limits(config or AppConfig()))


def extract_face_embeddings(
    images: Sequence[Image], encoder: FaceEncoder | None = None
) -> list[Embedding]:
    """One embedding per image with exactly one face; float32 (512,), L2 norm 1."""
    return (encoder or encoder_manager.get_encoder()).encode(images)


def generate_embedding_from_embeddings(embeddings: Sequence[Embedding]) -> Embedding:
    """The mean direction of one person's embeddings; float32 (512,), L2 norm 1.

    Raises `NoUsableFace` for none.
    """
    if not len(embeddings):
        raise NoUsableFace
    return normalize(average(embeddings))


def generate_token_from_directory(
    dir_path: str | Path, max_images: int = 5, config: AppConfig | None = None
) -> list[float]:
    """512 numbers from the photographs of one person in a folder.

    Raises `NoUsableFace`, `InconsistentImages`.
    """
    return _token(DirectoryImages(str(dir_path), max_images), config)


def generate_token_from_camera(
    max_frames: int | None = None, config: AppConfig | None = None
) -> list[float]:
    """512 numbers from whoever stands before the camera `config.camera_index`.

    Raises `CameraUnavailable`, `NoUsableFace`, `InconsistentImages`.
    """
    config = config or AppConfig()
    return _token(CameraFrames(max_frames or config.max_frames), config)


def generate_token_from_video(
    path: str | Path, max_frames: int = 10, config: AppConfig | None = None
) -> list[float]:
    """512 numbers from a video file of one person.

    Raises `CameraUnavailable`, `NoUsableFace`, `InconsistentImages`.
    """
    return _token(VideoFrames(str(path), max_frames), config)


def _token(source: SampleSource, config: AppConfig | None) -> list[float]:
    config = config or AppConfig()
    encoder = encoder_manager.get_encoder(config)
    return encoder.token(source, encoder_manager.get_capture(config))
