"""From photographs to embeddings: engine, capture, and how they are judged."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from service.domain.ports import Capture, FaceEngine
from service.domain.thresholds import Calibration, calibration_for
from service.usecases.quantize import Quantize
from service.usecases.sampling import MakeToken, Sampler
from service.wiring.parts import Parts

if TYPE_CHECKING:
    from service.capture.images import ImageLimits


class ImagesWiring(Parts):
    """Half of the service, and useful alone: no database is started for it."""

    @cached_property
    def engine(self) -> FaceEngine:
        """Raises `ModelUnavailable`, `GpuUnavailable`, `ConflictingRuntimes`."""
        from service.engine.engines import load_engine
        from service.engine.pool import WorkerPool

        engine = load_engine(
            self.config.model_name,
            self.config.model_root,
            detection_threshold=self.config.detection_threshold,
            use_gpu=self.config.use_gpu,
            use_directml=self.config.use_directml,
            pool=WorkerPool(self._workers) if self._workers else None,
        )
        if self._metrics is not None:
            pool = engine.pool
            self._metrics.runs_on(engine.model, engine.providers[0], pool.workers, pool.most_calls)
        return engine

    @cached_property
    def quantize(self) -> Quantize:
        """Of the configured pack. Raises what `engine` raises."""
        from service.engine.quantize import PackQuantizer

        quantizer = PackQuantizer(self.config.model_name, self.config.model_root)
        quantizer.require_new()  # before a model is loaded for nothing
        return Quantize(self.engine, self.capture, quantizer, self._engine_of)

    def _engine_of(self, model_name: str) -> FaceEngine:
        return ImagesWiring(self.config.model_copy(update={"model_name": model_name})).engine

    @cached_property
    def capture(self) -> Capture:
        from service.capture.sources import OpenCvCapture

        roots = self.config.image_roots if self._confined else None
        return OpenCvCapture(self.config.camera_index, self.limits, roots)

    @cached_property
    def limits(self) -> ImageLimits:
        from service.capture.images import ImageLimits

        return ImageLimits(
            max_bytes=self.config.max_image_bytes,
            max_pixels=self.config.max_image_pixels,
            max_images=self.config.max_images_per_request,
        )

    @cached_property
    def calibration(self) -> Calibration:
        """The served model's thresholds, with the settings' own on top."""
        changed = self.config.threshold_profiles.get(self.config.model_name, {})
        return calibration_for(self.config.model_name).with_thresholds(changed)

    @cached_property
    def sampler(self) -> Sampler:
        return Sampler(self.engine, self.capture, self.calibration.agreement, self._telemetry)

    @cached_property
    def token(self) -> MakeToken:
        return MakeToken(self.sampler)

    @property
    def _model_id(self) -> str:
        return self.engine.model.model_id

    @property
    def providers_requested(self) -> list[str]:
        wanted = {
            "CUDAExecutionProvider": bool(self.config.use_gpu),
            "DmlExecutionProvider": self.config.use_directml,
            "CPUExecutionProvider": True,
        }
        return [name for name, asked in wanted.items() if asked]
