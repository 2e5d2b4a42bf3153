"""Adapters made from the settings: one function each, called by the wiring.

Each imports its room when it is called: `face apikey list` loads no model library, and
`face directory` no database driver.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from service.config import AppConfig
from service.domain.capacity import MEBIBYTE
from service.domain.causes import Cause
from service.domain.errors import DatabaseUnavailable, ExtraMissing, MasterKeyMissing
from service.domain.measurement import Measurement, with_measurement
from service.domain.ports import (
    NO_TELEMETRY,
    Capture,
    FaceEngine,
    FrameObserver,
    LivenessModels,
    ModelIdentity,
    Telemetry,
)
from service.domain.thresholds import Calibration, calibration_for

if TYPE_CHECKING:
    from limits.storage import Storage as CounterStorage
    from sqlalchemy.engine import URL

    from service.capture.images import ImageLimits
    from service.engine.pool import WorkerPool
    from service.search.vector_index import VectorIndex
    from service.storage.storage import Storage
    from service.telemetry.metrics import Metrics
    from service.vault.master_key import KeyWrapper

KEY_FILE = "master.key"


def make_pool(workers: int | None = None, *, one_call: bool = False) -> WorkerPool:
    """What all engines of a process share. `workers`: threads; None: one per core that it may use. `one_call`:
    the process ends after one.
    """
    from service.engine.pool import WorkerPool

    return WorkerPool(workers, one_call=one_call)


def leave_threads_to_the_pool() -> None:
    """OpenCV does its work in the thread that calls it: the others are at photographs of their own."""
    import cv2

    cv2.setNumThreads(1)


def make_engine(
    config: AppConfig,
    pool: WorkerPool | None = None,
    metrics: Metrics | None = None,
) -> FaceEngine:
    """`pool`: None: one of its own, with a thread per core.

    Raises `ModelUnavailable`, `GpuUnavailable`, `ConflictingRuntimes`.
    """
    from service.engine.engines import load_engine

    pool = pool or make_pool()
    engine = load_engine(
        config.model_name,
        config.model_root,
        detection_threshold=config.detection_threshold,
        use_gpu=config.use_gpu,
        use_directml=config.use_directml,
        pool=pool,
    )
    if metrics is not None:
        metrics.runs_on(engine.model, engine.providers[0], pool.workers, pool.most_calls)
    return engine


def make_liveness_models(config: AppConfig) -> LivenessModels | None:
    """None where no folder is set. Raises `LivenessModelsUnavailable` where it is not as published."""
    if config.liveness_models is None:
        return None
    from service.engine.minifasnet import MiniFasNets

    return MiniFasNets(config.liveness_models)


def make_frame_observer(models: LivenessModels | None) -> FrameObserver:
    """`models`: by which frames are looked at; None: by none."""
    from service.engine.observation import LivenessObserver

    return LivenessObserver(models)


def requested_providers(config: AppConfig) -> list[str]:
    """Execution providers of onnxruntime, best first."""
    wanted = {
        "CUDAExecutionProvider": bool(config.use_gpu),
        "DmlExecutionProvider": config.use_directml,
        "CPUExecutionProvider": True,
    }
    return [name for name, asked in wanted.items() if asked]


def make_capture(config: AppConfig, *, over_http: bool = False) -> Capture:
    """`over_http`: folders are read below `image_roots` only; else what the user may read."""
    from service.capture.sources import OpenCvCapture

    roots = config.image_roots if over_http else None
    return OpenCvCapture(config.camera_index, image_limits(config), roots)


def image_limits(config: AppConfig) -> ImageLimits:
    from service.capture.images import ImageLimits

    return ImageLimits(
        max_bytes=config.max_image_bytes,
        max_pixels=config.max_image_pixels,
        max_images=config.max_images_per_request,
    )


def identify_model(config: AppConfig) -> ModelIdentity | None:
    """Whose numbers count where no engine is loaded. Raises `ModelUnavailable`."""
    from service.engine.packs import identify_model

    return identify_model(config.model_name, config.model_root)


def make_calibration(config: AppConfig, model: ModelIdentity | None) -> Calibration:
    """The numbers of `model`, with the settings' own thresholds, and the rates that were measured here.

    Raises `CalibrationDamaged`.
    """
    changed = config.threshold_profiles.get(config.model_name, {})
    calibration = calibration_for(model).with_thresholds(changed)
    measured = None if model is None else saved_measurement(config, model)
    return calibration if measured is None else with_measurement(calibration, measured)


def saved_measurement(config: AppConfig, model: ModelIdentity) -> Measurement | None:
    """What `face calibrate --save` found out about exactly this model. Raises `CalibrationDamaged`."""
    from service.engine.saved_calibration import read_measurement

    return read_measurement(config.data_dir, model)


def save_measurement(config: AppConfig, measurement: Measurement) -> Path:
    """Where it is kept from now on. Raises `OSError`."""
    from service.engine.saved_calibration import save_measurement

    return save_measurement(config.data_dir, measurement)


def make_index(
    config: AppConfig, telemetry: Telemetry = NO_TELEMETRY, workers: int | None = None
) -> VectorIndex | None:
    """For a server, which has the time to fill it; None: every search scans the database. `workers`: threads
    that search; None: one per core.
    """
    if not config.search_memory:
        return None
    from service.search.two_bits import TWO_BITS
    from service.search.vector_index import VectorIndex

    return VectorIndex(config.search_memory * MEBIBYTE, TWO_BITS, workers, telemetry)


def make_bulk_index(config: AppConfig, rows: int) -> VectorIndex:
    """For one process that enrolls many. `rows`: of the collection, about, once they are in."""
    from service.search.vector_index import VectorIndex, kind_for_many_probes

    max_bytes = config.search_memory * MEBIBYTE
    return VectorIndex(max_bytes, kind_for_many_probes(rows, max_bytes))


def master_key(config: AppConfig, server_url: Callable[[], str]) -> KeyWrapper:
    """The configured one; of the embedded database its own.

    `server_url`: called only for the latter. Raises `MasterKeyMissing`, `MasterKeyInvalid`,
    `KeyServiceUnavailable`, `ExtraMissing`, and what starting the embedded server raises.
    """
    from service.vault.master_key import MasterKey, read_key_file

    if config.master_key_kms is not None:
        return kms_key(config.master_key_kms)
    if config.master_key is not None:
        return MasterKey.from_base64(config.master_key.get_secret_value(), "FACE_MASTER_KEY")
    if config.master_key_file is not None:
        return read_key_file(config.master_key_file)
    if config.database_url is not None:
        raise MasterKeyMissing
    return _embedded_key(key_file(config), server_url)


def _embedded_key(file: Path, server_url: Callable[[], str]) -> KeyWrapper:
    """Made only where the database is still empty: in the place of a key that was lost, a new one
    would hide that from whoever could still put the old one back. Raises `MasterKeyMissing`.
    """
    from service.storage.audit_log import holds_rows
    from service.vault.master_key import create_key_file

    # Asked for once more at the end: meanwhile another process may have begun with both.
    if not file.exists() and holds_rows(server_url()) and not file.exists():
        raise MasterKeyMissing().because(Cause.KEY_LOST, path=file)
    return create_key_file(file)


def kms_key(key_id: str) -> KeyWrapper:
    """Raises `KeyServiceUnavailable`, `ExtraMissing`; boto3 is an extra, and takes its time to import."""
    try:
        from service.vault.aws_kms import AwsKmsKey
    except ModuleNotFoundError:
        raise ExtraMissing(extra="aws") from None
    return AwsKmsKey(key_id)


def key_file(config: AppConfig) -> Path:
    """The embedded database's own master key, beside its folder."""
    return config.data_dir / KEY_FILE


def require_existing_key(config: AppConfig) -> None:
    """No backup opens with a key that is made just now. Raises `MasterKeyMissing`."""
    given = (config.master_key, config.master_key_file, config.master_key_kms)
    if not any(given) and not key_file(config).exists():
        raise MasterKeyMissing().because(Cause.KEY_FILE_MISSING, path=key_file(config))


def configured_url(url: str, password_file: Path | None) -> str:
    """`url` with the password in the first line of `password_file`.

    A mounted secret is read by every command as it is: libpq's own PGPASSFILE must be of mode 0600,
    which a container's secret is not. Raises `DatabaseUnavailable`.
    """
    parsed = _postgresql(url)
    if password_file is not None:
        parsed = parsed.set(password=_password(password_file))
    return parsed.render_as_string(hide_password=False)


def _postgresql(url: str) -> URL:
    """Raises `DatabaseUnavailable`, without the URL, which may hold a password."""
    from sqlalchemy.exc import ArgumentError

    from service.storage.engine import driver_url
    from service.storage.queries import DRIVER

    try:
        parsed = driver_url(url)
    except (ArgumentError, ValueError):
        raise DatabaseUnavailable().because(Cause.URL_INVALID) from None
    if parsed.drivername != DRIVER:
        raise DatabaseUnavailable().because(Cause.URL_INVALID)
    return parsed


def _password(file: Path) -> str:
    try:
        return file.read_text("utf-8").partition("\n")[0].removesuffix("\r")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        failure = DatabaseUnavailable()
        raise failure.because(Cause.PASSWORD_FILE_UNUSABLE, path=file, reason=reason) from None


def make_counters(config: AppConfig, storage: Callable[[], Storage]) -> CounterStorage:
    """Where calls are counted: in Redis, or in the database."""
    from service.api.rate_limits import redis_counters

    if config.rate_limit_storage is None:
        return storage().counters()
    return redis_counters(config.rate_limit_storage.get_secret_value())
