"""The one place where adapters are built and handed to use cases."""

from __future__ import annotations

import logging
import os
import platform
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from service.config import AppConfig
from service.domain.bulk import Candidate, Outcome, Row
from service.domain.collection import DEFAULT_COLLECTION
from service.domain.errors import (
    DatabaseUnavailable,
    ExtraMissing,
    KeyServiceUnavailable,
    MasterKeyMissing,
    ModelMismatch,
)
from service.domain.lockout import LockoutRules
from service.domain.ports import (
    BulkEmbedding,
    BulkSource,
    Capture,
    FaceEngine,
    RateLimit,
    Rewrapping,
    Vault,
)
from service.domain.search import SearchIndex
from service.domain.thresholds import Calibration, calibration_for
from service.usecases.apikeys import ApiKeys
from service.usecases.audit import ListAudit, VerifyAudit
from service.usecases.backup import Backup, Restore
from service.usecases.batch import EnrollBatch
from service.usecases.bulk import BulkEnroll
from service.usecases.collections import Collections
from service.usecases.embedding import EmbedHere, embedded
from service.usecases.enroll import Enroll, enrollment_attempt
from service.usecases.enrollment import Enrolled, EnrollRequest
from service.usecases.erase import Erase, Erasure, erasure_attempt, withdrawal_attempt
from service.usecases.export import Export
from service.usecases.identify import Identify, SearchRequest, SearchResult, search_attempt
from service.usecases.keeping import KeepIndex, rows_written
from service.usecases.keys import Keys
from service.usecases.limiting import CallLimits
from service.usecases.lockout import Lockout, Unlock
from service.usecases.people import OpenCollection
from service.usecases.purge import Purge
from service.usecases.quantize import Quantize
from service.usecases.readiness import CheckReadiness
from service.usecases.recording import Recorded, Trail
from service.usecases.rotate import RotateKey
from service.usecases.sampling import Sampler
from service.usecases.services import Services
from service.usecases.subjects import Subjects
from service.usecases.token import MakeToken
from service.usecases.verify import Verification, Verify, VerifyRequest, verification_attempt

if TYPE_CHECKING:
    from fastapi import FastAPI
    from limits.storage import Storage

    from service.capture.limits import ImageLimits
    from service.gallery.copies import PostgresCopies
    from service.gallery.database import PostgresGallery
    from service.gallery.scrubbing import Scrubbed
    from service.observing.metrics import Metrics
    from service.vault.wrapping import KeyWrapper

logger = logging.getLogger(__name__)

DISTRIBUTION = "face-enrollment-service"
KEY_FILE = "master.key"
MEBIBYTE = 1024 * 1024

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


class Wiring:
    """Everything that one process is made of; each part is built when it is first asked for.

    So `face apikey list` loads no model, and `face directory` starts no database. Rooms are
    imported late for the same reason.

    `confined`: folders are read below `image_roots` only, as for callers over HTTP; the command
    line and the Python API read what their user may.

    `workers`: threads of the engine; None: one per core.

    `metrics`: told how long each stage takes; None: nobody asks.
    """

    def __init__(
        self,
        config: AppConfig,
        *,
        confined: bool = False,
        metrics: Metrics | None = None,
        workers: int | None = None,
    ) -> None:
        self.config = config
        self._confined = confined
        self._metrics = metrics
        self._workers = workers

    @cached_property
    def engine(self) -> FaceEngine:
        """Raises `ModelUnavailable`, `GpuUnavailable`, `ConflictingRuntimes`."""
        from service.engine.loading import load_engine
        from service.engine.pool import WorkerPool

        engine = load_engine(
            self.config.model_name,
            self.config.model_root,
            detection_threshold=self.config.detection_threshold,
            use_gpu=self.config.use_gpu,
            use_directml=self.config.use_directml,
            pool=WorkerPool(self._workers) if self._workers else None,
        )
        if self._metrics is None:
            return engine
        from service.observing.watching import watched_engine

        pool = engine.pool
        self._metrics.runs_on(engine.model, engine.providers[0], pool.workers, pool.most_calls)
        return watched_engine(engine, self._metrics)

    @cached_property
    def quantize(self) -> Quantize:
        """Of the configured pack. Raises what `engine` raises."""
        from service.engine.quantising import PackQuantiser

        quantiser = PackQuantiser(self.config.model_name, self.config.model_root)
        quantiser.require_new()  # before a model is loaded for nothing
        return Quantize(self.engine, self.capture, quantiser, self._engine_of)

    def _engine_of(self, model_name: str) -> FaceEngine:
        return Wiring(self.config.model_copy(update={"model_name": model_name})).engine

    @cached_property
    def capture(self) -> Capture:
        from service.capture.adapter import OpenCvCapture

        roots = self.config.image_roots if self._confined else None
        return OpenCvCapture(self.config.camera_index, self.limits, roots)

    @cached_property
    def limits(self) -> ImageLimits:
        from service.capture.limits import ImageLimits

        return ImageLimits(
            max_bytes=self.config.max_image_bytes,
            max_pixels=self.config.max_image_pixels,
            max_images=self.config.max_images_per_request,
        )

    @cached_property
    def database_url(self) -> str:
        """As `server_url`; the embedded one is migrated."""
        if self.config.database_url is None:
            from service.gallery.migrations import migrate

            migrate(self.server_url)
        return self.server_url

    @cached_property
    def server_url(self) -> str:
        """The configured server's address, or that of the embedded one, started."""
        if self.config.database_url is not None:
            url = self.config.database_url.get_secret_value()
            _require_postgresql(url)
            return url
        from service.gallery.embedded import start_embedded

        return start_embedded(self.config.data_dir).url

    def migrate(self) -> None:
        """Bring the database to the newest revision. Raises `DatabaseUnavailable`."""
        from service.gallery.migrations import migrate

        migrate(self.database_url)

    def scrub(self) -> Scrubbed:
        """Make the database's files forget what was deleted. Raises what `scrub` raises."""
        from service.gallery.scrubbing import scrub

        return scrub(self.database_url)

    @cached_property
    def gallery(self) -> PostgresGallery:
        from service.gallery.connecting import POOL_SIZE
        from service.gallery.database import PostgresGallery

        gallery = PostgresGallery(self.database_url, _now, lambda: self.vault)
        if self._metrics is None:
            return gallery
        from service.observing.watching import watched_gallery

        self._metrics.connects(POOL_SIZE)
        return watched_gallery(gallery, self._metrics)

    @cached_property
    def vault(self) -> Vault:
        """Raises `MasterKeyMissing`, `MasterKeyInvalid`, `KeyServiceUnavailable`."""
        if self._metrics is None:
            return self._key_ring()
        from service.observing.watching import watched_vault

        return watched_vault(self._key_ring(), self._metrics)

    def _key_ring(self) -> Vault:
        from service.vault.keyring import KeyRing

        return KeyRing(self.master)

    @cached_property
    def master(self) -> KeyWrapper:
        """Raises `MasterKeyMissing`, `MasterKeyInvalid`, `KeyServiceUnavailable`."""
        from service.vault.master_key import MasterKey, create_key_file, read_key_file

        if self.config.master_key_kms is not None:
            return _kms_key(self.config.master_key_kms)
        if self.config.master_key is not None:
            return MasterKey.from_base64(self.config.master_key.get_secret_value())
        if self.config.master_key_file is not None:
            return read_key_file(self.config.master_key_file)
        if self.config.database_url is not None:
            raise MasterKeyMissing
        return create_key_file(self.key_file)

    def rewrapping_to_file(self, path: Path) -> Rewrapping:
        """From the configured master key to the one in `path`.

        Raises `MasterKeyMissing`, `MasterKeyInvalid`, `KeyServiceUnavailable`.
        """
        from service.vault.master_key import read_key_file
        from service.vault.rewrapping import RewrapKeys

        return RewrapKeys(self.master, read_key_file(path))

    def rewrapping_to_kms(self, key_id: str) -> Rewrapping:
        """From the configured master key to a KMS. Raises what `master` raises."""
        from service.vault.rewrapping import RewrapKeys

        return RewrapKeys(self.master, _kms_key(key_id))

    @property
    def key_file(self) -> Path:
        """The embedded database's own master key, beside its folder."""
        return self.config.data_dir / KEY_FILE

    @cached_property
    def calibration(self) -> Calibration:
        """The served model's thresholds, with the settings' own on top."""
        changed = self.config.threshold_profiles.get(self.config.model_name, {})
        return calibration_for(self.config.model_name).with_thresholds(changed)

    @cached_property
    def sampler(self) -> Sampler:
        return Sampler(self.engine, self.capture, self.calibration.agreement)

    @cached_property
    def token(self) -> MakeToken:
        return MakeToken(self.sampler)

    @cached_property
    def trail(self) -> Trail:
        return Trail(self.gallery, self.vault, _now, decisions=self.config.audit_decisions)

    @cached_property
    def enroll(self) -> Recorded[[EnrollRequest], Enrolled]:
        enroll = Enroll(
            self.sampler,
            self.gallery,
            self.vault,
            self.calibration,
            self._model_id,
            _now,
            self.lockout,
            self.index,
        )
        return Recorded(enroll, enrollment_attempt, self.trail)

    def bulk_enroll(self, collection: str, coming: int) -> BulkEnroll:
        """For one run. `coming`: about how many people it may enroll into the collection."""
        keep = self._keep_everybody(collection, coming)
        batch = EnrollBatch(self.gallery, self.vault, self.calibration, self._model_id, _now, keep)
        return BulkEnroll(self.gallery, batch, _now)

    def bulk_source(self, path: Path, max_images: int) -> BulkSource:
        """Raises what `open_source` raises."""
        from service.bulk.opening import open_source

        return open_source(path, max_images)

    @contextmanager
    def embedding_here(self) -> Iterator[BulkEmbedding]:
        yield EmbedHere(self.sampler, (os.cpu_count() or 1) + ROWS_WAITING)

    @contextmanager
    def embedding_on_ray(self, address: str | None) -> Iterator[BulkEmbedding]:
        """`address`: of a cluster; None: one of this machine alone, for this time only.

        Raises `ExtraMissing`, `ClusterUnavailable`.
        """
        try:
            from service.bulk.ray_cluster import RayEmbedding
        except ModuleNotFoundError:
            raise ExtraMissing(extra="ray") from None
        settings = {name: getattr(self.config, name) for name in _OF_THE_ENGINE}
        on_node = partial(embedding_on_node, settings, self._model_id)
        with RayEmbedding(on_node, partial(embedded, self.sampler), address) as cluster:
            yield cluster

    @cached_property
    def verify(self) -> Recorded[[VerifyRequest], Verification]:
        verify = Verify(
            self.sampler,
            self.gallery,
            self.vault,
            self.calibration,
            self._model_id,
            self.trail,
            self.lockout,
        )
        return Recorded(verify, verification_attempt, self.trail)

    @cached_property
    def identify(self) -> Recorded[[SearchRequest], SearchResult]:
        identify = Identify(
            self.sampler,
            self.gallery,
            self.vault,
            self.calibration,
            self._model_id,
            self.trail,
            self.index,
        )
        return Recorded(identify, search_attempt, self.trail)

    @cached_property
    def erase(self) -> Recorded[[str, str, str], Erasure]:
        return Recorded(Erase(self.gallery, self.vault, _now), erasure_attempt, self.trail)

    @cached_property
    def withdraw_consent(self) -> Recorded[[str, str, str], Erasure]:
        erase = Erase(self.gallery, self.vault, _now)
        return Recorded(erase.withdraw_consent, withdrawal_attempt, self.trail)

    @cached_property
    def export(self) -> Export:
        return Export(self.gallery, self.vault, _now)

    @cached_property
    def purge(self) -> Purge:
        return Purge(self.gallery, self.vault, _now)

    @cached_property
    def subjects(self) -> Subjects:
        return Subjects(self.gallery, self.vault)

    @cached_property
    def collections(self) -> Collections:
        return Collections(self.gallery, self.vault, self.calibration, _now)

    @cached_property
    def api_keys(self) -> ApiKeys:
        return ApiKeys(self.gallery, _now)

    @cached_property
    def keys(self) -> Keys:
        return Keys(self.gallery, self.vault, _now)

    @cached_property
    def rotate_key(self) -> RotateKey:
        return RotateKey(self.gallery, self.vault, _now)

    @cached_property
    def readiness(self) -> CheckReadiness:
        return CheckReadiness(self.engine, self.gallery, self.providers_requested, self.index)

    @cached_property
    def index(self) -> SearchIndex | None:
        """Of a server, which has the time to fill it; None: every search scans the database."""
        if not (self._confined and self.config.search_memory):
            return None
        from service.search.memory import SearchMemory
        from service.search.two_bits import TWO_BITS

        index = SearchMemory(self.config.search_memory * MEBIBYTE, TWO_BITS)
        if self._metrics is None:
            return index
        from service.observing.watching import watched_index

        return watched_index(index, self._metrics)

    def _keep_everybody(self, collection: str, coming: int) -> KeepIndex | None:
        """For one process that enrolls many: small collections too, since they grow."""
        most_bytes = self.config.search_memory * MEBIBYTE
        if not most_bytes:
            return None
        from service.search.kinds import for_many_probes
        from service.search.memory import SearchMemory

        rows = rows_written(self.gallery, collection) + coming
        kind = for_many_probes(rows, most_bytes)
        return KeepIndex(self.gallery, SearchMemory(most_bytes, kind), worth_holding=0)

    @cached_property
    def keep_index(self) -> Callable[[], None] | None:
        """Brings the index up to date, and tells the metrics how far it came."""
        index, metrics = self.index, self._metrics
        if index is None:
            return None
        keep = KeepIndex(self.gallery, index)
        if metrics is None:
            return keep
        from service.observing.watching import afterwards

        return afterwards(keep, lambda: metrics.search_state(index.state()))

    @cached_property
    def audit(self) -> ListAudit:
        return ListAudit(self.gallery, lambda: self.vault)

    @cached_property
    def verify_audit(self) -> VerifyAudit:
        return VerifyAudit(self.gallery, self.vault)

    @cached_property
    def lockout(self) -> Lockout:
        rules = LockoutRules(
            after=self.config.lockout_after,
            window=timedelta(seconds=self.config.lockout_window),
            lasts=timedelta(seconds=self.config.lockout_seconds),
        )
        return Lockout(rules, _now)

    @cached_property
    def unlock(self) -> Unlock:
        return Unlock(self.gallery, self.vault, _now)

    @cached_property
    def call_limits(self) -> CallLimits:
        return CallLimits(
            per_key=self._rate_limit("key", self.config.rate_limit_per_key),
            per_address=self._rate_limit("address", self.config.rate_limit_per_address),
            failures=self._rate_limit("failures", self.config.rate_limit_failures),
        )

    def _rate_limit(self, name: str, rate: str) -> RateLimit:
        from service.limiting.windows import Unlimited, WindowLimit

        return Unlimited() if rate == "off" else WindowLimit(name, rate, self._counters)

    @cached_property
    def _counters(self) -> Storage:
        from service.limiting.redis import redis_counters

        if self.config.rate_limit_storage is None:
            return self.gallery.counters()
        return redis_counters(self.config.rate_limit_storage.get_secret_value())

    @property
    def backup(self) -> Backup:
        """Of the database as it is: one of an older version is not migrated first."""
        from service.gallery.database import PostgresGallery
        from service.vault.archive import SealedArchives

        vault = self._present_vault
        gallery = PostgresGallery(self.server_url)
        version = metadata.version(DISTRIBUTION)
        return Backup(self._copies(), SealedArchives(vault), gallery, vault, _now, version)

    @property
    def restore(self) -> Restore:
        """Starts no database before it has a backup that can be restored."""
        from service.gallery.database import PostgresGallery
        from service.vault.archive import SealedArchives

        vault = self._present_vault
        archives = SealedArchives(vault)
        return Restore(archives, self._copies, lambda: PostgresGallery(self.server_url), vault)

    def _copies(self) -> PostgresCopies:
        from service.gallery.copies import PostgresCopies

        return PostgresCopies(self.server_url)

    @property
    def _present_vault(self) -> Vault:
        """Never with a key made just now: no backup opens with that. Raises `MasterKeyMissing`."""
        config = self.config
        given = (config.master_key, config.master_key_file, config.master_key_kms)
        if not any(given) and not self.key_file.exists():
            raise MasterKeyMissing
        return self.vault

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

    def prepare(self) -> None:
        """Prove that the vault opens, the database is migrated, `default` exists and the audit log
        is under way.

        Raises `Misconfigured`, `Unavailable`, `AuditTampered`.
        """
        vault = self.vault
        self.gallery.check()
        self.collections.ensure_default()
        with self.gallery.transaction() as tx:
            default = tx.collections.find(DEFAULT_COLLECTION)
            tx.audit.begin()
        if default is not None:
            OpenCollection.unlock(default, vault)

    def services(self) -> Services:
        verify, identify = self.verify, self.identify
        if self._metrics is not None:
            from service.observing.watching import noted

            metrics = self._metrics
            verify = noted(verify, lambda verified: metrics.decided(verified.decision))
            identify = noted(identify, lambda result: metrics.searched(_best(result)))
        return Services(
            token=self.token,
            enroll=self.enroll,
            verify=verify,
            identify=identify,
            erase=self.erase,
            withdraw_consent=self.withdraw_consent,
            subjects=self.subjects,
            collections=self.collections,
            api_keys=self.api_keys,
            readiness=self.readiness,
            audit=self.audit,
            trail=self.trail,
            export=self.export,
            purge=self.purge,
            unlock=self.unlock,
            limits=self.call_limits,
            keep_index=self.keep_index,
        )


def embedding_on_node(
    settings: Mapping[str, object], model_id: str
) -> Callable[[Row], Candidate | Outcome]:
    """What embeds a row in a process of a cluster, on one core.

    Raises `ModelMismatch` where the node has other files under the model's name than `model_id`.
    """
    wiring = Wiring(AppConfig.model_validate(settings), workers=1)
    if (found := wiring.engine.model.model_id) != model_id:
        raise ModelMismatch(stored=model_id, served=found)
    return partial(embedded, wiring.sampler)


def server_app() -> FastAPI:
    """What each worker of `face server` runs: settings come from the environment."""
    return build_app(AppConfig())


def build_app(config: AppConfig) -> FastAPI:
    """The HTTP application, model loaded, database at hand.

    Raises `Misconfigured`, `Unavailable`: a service that cannot answer does not start.
    """
    from service.api.app import create_app
    from service.api.caller import is_loopback
    from service.api.settings import ApiSettings
    from service.observing.metrics import Metrics
    from service.observing.telemetry import PrometheusTelemetry

    metrics = Metrics()
    metrics.is_build(metadata.version(DISTRIBUTION), platform.python_version())
    wiring = Wiring(config, confined=True, metrics=metrics)
    wiring.prepare()
    local = is_loopback(config.server_host)
    for name in ("open_tokens", "open_metrics"):
        if getattr(config, name) and not local:
            logger.warning("%s has no effect: the server listens beyond this machine", name)
    settings = ApiSettings(
        language=config.language,
        open_tokens=config.open_tokens and local,
        max_frames=config.max_frames,
        max_images=config.max_images,
        max_image_bytes=config.max_image_bytes,
        max_images_per_request=config.max_images_per_request,
        version=metadata.version(DISTRIBUTION),
        open_metrics=config.open_metrics and local,
        purge_interval=config.purge_interval,
    )
    telemetry = PrometheusTelemetry(metrics, wiring.gallery.oldest_key_made)
    return create_app(wiring.services(), settings, telemetry)


def _best(result: SearchResult) -> float | None:
    """The most similar candidate's cosine."""
    return result.candidates[0].who.similarity if result.candidates else None


def _require_postgresql(url: str) -> None:
    """Raises `DatabaseUnavailable`, having said why; without the URL, which holds a password."""
    from sqlalchemy.exc import ArgumentError

    from service.gallery.connecting import DRIVER, driver_url

    try:
        if driver_url(url).drivername == DRIVER:
            return
    except (ArgumentError, ValueError):
        pass
    logger.error("FACE_DATABASE_URL is no URL of a PostgreSQL, as postgresql://user@host/face is")
    raise DatabaseUnavailable


def _kms_key(key_id: str) -> KeyWrapper:
    """Raises `KeyServiceUnavailable`; boto3 is an extra, and takes its time to import."""
    try:
        from service.vault.aws_kms import AwsKmsKey
    except ModuleNotFoundError:
        logger.error("a KMS needs boto3: pip install 'face-enrollment-service[aws]'")
        raise KeyServiceUnavailable from None
    return AwsKmsKey(key_id)


def _now() -> datetime:
    return datetime.now(UTC)
