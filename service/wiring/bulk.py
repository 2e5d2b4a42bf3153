"""Many people at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from service.bulk.ray_environment import ray_environment
from service.config import AppConfig
from service.domain.bulk import BulkCandidate, Outcome, Row
from service.domain.errors import ExtraMissing, ModelMismatch
from service.domain.ports import BulkEmbedding, BulkSource
from service.usecases.bulk_enroll import BulkEnroll, EmbedHere, embedded
from service.usecases.bulk_transaction import EnrollBatch
from service.wiring.images import ImagesWiring
from service.wiring.parts import now
from service.wiring.records import RecordsWiring

ROWS_WAITING = 4
"""Rows whose photographs are read while each core is busy with another one's."""

_OF_THE_ENGINE = (
    "model_name",
    "model_root",
    "detection_threshold",
    "use_gpu",
    "use_directml",
    "max_image_bytes",
    "max_image_pixels",
    "max_images_per_request",
)
"""The settings that a node of a cluster is told: none of them a secret."""


class BulkWiring(RecordsWiring):
    """Enrollment from files and folders, here or on a cluster."""

    def bulk_enroll(self, collection: str, coming: int) -> BulkEnroll:
        """For one run. `coming`: about how many people it may enroll into the collection."""
        keep = self._keep_everybody(collection, coming)
        batch = EnrollBatch(self.storage, self.vault, self.calibration, self._model_id, now, keep)
        return BulkEnroll(self.storage, batch, now)

    def bulk_source(self, path: Path, max_images: int) -> BulkSource:
        """Raises what `open_source` raises."""
        from service.bulk.formats import open_source

        return open_source(path, max_images)

    @contextmanager
    def embedding_here(self) -> Iterator[BulkEmbedding]:
        yield EmbedHere(self.sampler, (os.cpu_count() or 1) + ROWS_WAITING)

    @contextmanager
    def embedding_on_ray(self, address: str | None) -> Iterator[BulkEmbedding]:
        """`address`: of a cluster; None: one of this machine alone, for this time only.

        Raises `ExtraMissing`, `ClusterUnavailable`.
        """
        settings = {name: getattr(self.config, name) for name in _OF_THE_ENGINE}
        on_node = partial(embedding_on_node, settings, self._model_id)
        with ray_environment(address):
            try:
                from service.bulk.ray_cluster import RayEmbedding
            except ModuleNotFoundError:
                raise ExtraMissing(extra="ray") from None
            with RayEmbedding(on_node, partial(embedded, self.sampler), address) as cluster:
                yield cluster


def embedding_on_node(
    settings: Mapping[str, object], model_id: str
) -> Callable[[Row], BulkCandidate | Outcome]:
    """What embeds a row in a process of a cluster, on one core.

    Raises `ModelMismatch` where the node has other files under the model's name than `model_id`.
    """
    wiring = ImagesWiring(AppConfig.model_validate(settings), workers=1)
    if (found := wiring.engine.model.model_id) != model_id:
        raise ModelMismatch(stored=model_id, served=found)
    return partial(embedded, wiring.sampler)
