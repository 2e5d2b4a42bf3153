"""The HTTP application, from the settings alone."""

from __future__ import annotations

import logging
import platform
from importlib import metadata
from typing import TYPE_CHECKING

from service.config import AppConfig
from service.domain.decision import SimilarityDetail
from service.wiring.parts import DISTRIBUTION
from service.wiring.process import Wiring

if TYPE_CHECKING:
    from fastapi import FastAPI

logger = logging.getLogger(__name__)


def server_app() -> FastAPI:
    """What each worker of `face server` runs: settings come from the environment."""
    return build_app(AppConfig())


def build_app(config: AppConfig) -> FastAPI:
    """The HTTP application, model loaded, database at hand.

    Raises `Misconfigured`, `Unavailable`: a service that cannot answer does not start.
    """
    from service.api.app import create_app
    from service.api.connections import ConnectionLimits, fitting
    from service.api.open_door import is_loopback
    from service.api.settings import ApiSettings
    from service.telemetry.exposition import Exposition
    from service.telemetry.metrics import Metrics

    metrics = Metrics()
    metrics.is_build(metadata.version(DISTRIBUTION), platform.python_version())
    wiring = Wiring(config, confined=True, metrics=metrics)
    wiring.prepare()
    local = is_loopback(config.server_host)
    for name in ("open_tokens", "open_metrics"):
        if getattr(config, name) and not local:
            logger.warning("%s has no effect: the server listens beyond this machine", name)
    connections = ConnectionLimits(fitting(config.max_connections), config.connection_timeout)
    metrics.takes_connections(connections.most)
    settings = ApiSettings(
        language=config.language,
        open_tokens=config.open_tokens and local,
        max_frames=config.max_frames,
        max_images=config.max_images,
        max_image_bytes=config.max_image_bytes,
        max_images_per_request=config.max_images_per_request,
        version=metadata.version(DISTRIBUTION),
        open_metrics=config.open_metrics and local,
        open_users=config.open_tokens_users,
        purge_interval=config.purge_interval,
        reply_similarity=SimilarityDetail(config.reply_similarity),
        connections=connections,
    )
    storage = wiring.storage
    exposition = Exposition(metrics, storage.oldest_key_made, storage.clock_difference)
    return create_app(wiring.use_cases(), settings, wiring.rate_limits, metrics, exposition)
