"""The one place where adapters are handed to use cases.

`server_app` is what each worker of `face server` runs; `Wiring` is what it is made of, and the
command line and the Python API as well.
"""

from __future__ import annotations

import logging
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from service import adapters
from service.config import AppConfig
from service.domain.bulk import BulkCandidate, BulkOutcome, Row
from service.domain.capacity import MEBIBYTE
from service.domain.collection import DEFAULT_COLLECTION
from service.domain.decision import SimilarityDetail
from service.domain.errors import ExtraMissing, LivenessModelsUnset
from service.domain.face import Faces
from service.domain.flagged_duplicate import FlaggedDuplicate
from service.domain.lockout import LockoutRules
from service.domain.ports import (
    NO_TELEMETRY,
    BulkEmbedding,
    Capture,
    FaceEngine,
    FrameObserver,
    LivenessModels,
    Telemetry,
)
from service.domain.search import BYTES_PER_HELD_ROW, SearchIndex
from service.domain.served_models import ServedModel, ServedModels
from service.domain.thresholds import Calibration
from service.engine.licenses import license_of
from service.machine import cores, return_freed_memory, share_of_cores
from service.privacy import ray_environment
from service.usecases.api_keys import ApiKeys
from service.usecases.audit import ListAudit, VerifyAudit
from service.usecases.audit_recorder import AuditRecorder, audit_refusals
from service.usecases.backup import Backup, Restore
from service.usecases.bulk_enroll import BulkEnroll, EmbedHere, embedded
from service.usecases.bulk_transaction import EnrollBatch
from service.usecases.capacity import CheckCapacity
from service.usecases.collections import Collections
from service.usecases.enroll import Enroll, audited_enrollment
from service.usecases.enrollment import Enrolled, EnrollRequest
from service.usecases.erase import Erase, Erasure, Purge, audited_erasure, audited_withdrawal
from service.usecases.flagged_duplicates import (
    ListDuplicates,
    ResolveDuplicate,
    ResolveRequest,
    audited_resolution,
)
from service.usecases.identify import Identify, SearchRequest, SearchResult, audited_search
from service.usecases.index_sync import WORTH_HOLDING, IndexSync, rows_written
from service.usecases.key_rotation import Keys, RotateKey
from service.usecases.liveness_frames import FramesRequest, TakeFrames, TakenFrames, audited_frames
from service.usecases.liveness_proof import LivenessProof
from service.usecases.liveness_session import LivenessRequest
from service.usecases.liveness_start import StartedSession, StartLiveness, audited_start
from service.usecases.lockouts import Lockout
from service.usecases.merge import Merge, MergeRequest, audited_merge
from service.usecases.model_move import AdvanceMoves, MoveModel
from service.usecases.move_person import MovePerson
from service.usecases.readiness import CheckReadiness
from service.usecases.rename import Rename, audited_rename
from service.usecases.sampler import (
    CheckPhotograph,
    MakeToken,
    PairSampler,
    Sampler,
    Samplers,
    sampler_of,
)
from service.usecases.step_frames import StepFrames
from service.usecases.step_inspection import FrameObservers
from service.usecases.subjects import ChangedSubject, Export, Subjects
from service.usecases.unlock import Unlock
from service.usecases.unlocked_collection import UnlockedCollection
from service.usecases.use_cases import UseCases
from service.usecases.verify import Verification, Verify, VerifyRequest, audited_verification

if TYPE_CHECKING:
    from fastapi import FastAPI
    from limits.storage import Storage as CounterStorage

    from service.api.rate_limits import RateLimits
    from service.api.settings import ApiSettings
    from service.engine.pool import WorkerPool
    from service.storage.dump_restore import DatabaseDumps
    from service.storage.embedded_server import EmbeddedServer
    from service.storage.scrub import Scrubbed
    from service.storage.storage import Storage
    from service.telemetry.metrics import Metrics
    from service.usecases.calibrate import Calibrate
    from service.usecases.measure_liveness import MeasureLiveness
    from service.usecases.quantize import Quantize
    from service.vault.master_key import KeyWrapper, RewrapKeys
    from service.vault.vault import Vault

logger = logging.getLogger(__name__)

DISTRIBUTION = "face-enrollment-service"

ROWS_WAITING = 4
"""Rows whose photographs are read while each core is busy with another one's."""

_OF_THE_ENGINE = (
    "model_name",
    "next_model_name",
    "model_root",
    "detection_threshold",
    "faces",
    "use_gpu",
    "use_directml",
    "max_image_bytes",
    "max_image_pixels",
    "max_images_per_request",
)
"""The settings that a node of a cluster is told: none of them a secret."""


def server_app() -> FastAPI:
    """What each worker of `face server` runs: settings come from the environment."""
    config = AppConfig()
    return build_app(config, looks_at_machine=config.server_workers == 1)


def rehearsed_app() -> FastAPI:
    """As `server_app`, of one process before the others."""
    return build_app(AppConfig(), looks_at_machine=True)


def build_app(config: AppConfig, *, looks_at_machine: bool = False) -> FastAPI:
    """The HTTP application, model loaded, database at hand.

    `looks_at_machine`: whether to say in the log where the machine does not suffice for all processes.
    Raises `OperationFailed`, `Unavailable`: a service that cannot answer does not start.
    """
    from service.api.app import create_app
    from service.api.shortfalls import log_shortfall
    from service.telemetry.metrics import Exposition, Metrics

    metrics = Metrics()
    metrics.is_build(version(), platform.python_version())
    adapters.leave_threads_to_the_pool()
    workers = share_of_cores(config.server_workers)
    wiring = Wiring(config, over_http=True, metrics=metrics, workers=workers)
    capacity = wiring.capacity  # before the model
    wiring.prepare()
    settings = api_settings(config)
    metrics.takes_connections(settings.connections.most)
    storage = wiring.storage
    exposition = Exposition(metrics, storage.oldest_key_made, storage.clock_difference)
    app = create_app(wiring.use_cases(), settings, wiring.rate_limits, metrics, exposition)
    return_freed_memory()
    for shortfall in capacity() if looks_at_machine else ():
        log_shortfall(shortfall, config.language)
    return app


def api_settings(config: AppConfig) -> ApiSettings:
    """What the HTTP room is told. Calls without a key are for this machine only."""
    from service.api.open_door import is_loopback
    from service.api.settings import ApiSettings, ConnectionLimits, fitting

    local = is_loopback(config.server_host)
    for name in ("open_tokens", "open_metrics"):
        if getattr(config, name) and not local:
            logger.warning("%s has no effect: the server listens beyond this machine", name)
    return ApiSettings(
        language=config.language,
        open_tokens=config.open_tokens and local,
        max_frames=config.max_frames,
        max_images=config.max_images,
        max_image_bytes=config.max_image_bytes,
        max_images_per_request=config.max_images_per_request,
        version=version(),
        open_metrics=config.open_metrics and local,
        open_users=config.open_tokens_users,
        purge_interval=config.purge_interval,
        reply_similarity=SimilarityDetail(config.reply_similarity),
        connections=ConnectionLimits(fitting(config.max_connections), config.connection_timeout),
        pages=config.pages,
        cors_origins=config.cors_origins,
        root_path=config.root_path,
    )


def embedding_on_node(
    settings: Mapping[str, object],
    models: ServedModels,
    model_ids: Sequence[str],
    faces: Faces | None,
) -> Callable[[Row], BulkCandidate | BulkOutcome]:
    """What embeds a row in a process of a cluster, on one core, by these models.

    `models`: of the machine that asks. It keeps what was measured of them, and its gate counts.

    Raises `ModelMismatch` where the node has other files under a model's name.
    """
    wiring = Wiring(AppConfig.model_validate(settings), workers=1)
    wiring.models, wiring.calibration = models, models.present.calibration
    return partial(embedded, wiring.sampler_of(model_ids), faces=faces)


def version() -> str:
    """The service's own."""
    return metadata.version(DISTRIBUTION)


utc_now: Callable[[], datetime] = partial(datetime.now, UTC)


class Wiring:
    """Everything that one process is made of; each part is made when it is first asked for.

    So `face apikey list` loads no model, and `face directory` starts no database. A test puts a
    stand-in in an adapter's place before that: `wiring.engine = StandInEngine()`.

    `over_http`: for callers over HTTP; folders are read below `image_roots` only, and large
    collections are held in memory. `workers`: threads of the engine, and of searches in memory; None: one per core.
    `one_call`: the process ends after one. `metrics`: told how long each stage takes; None: nobody
    asks. `clock`: None: this machine's.
    """

    def __init__(
        self,
        config: AppConfig,
        *,
        over_http: bool = False,
        metrics: Metrics | None = None,
        workers: int | None = None,
        one_call: bool = False,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self.config = config
        self.clock = clock or utc_now
        self._over_http = over_http
        self._metrics = metrics
        self._telemetry: Telemetry = metrics or NO_TELEMETRY
        self._workers = workers
        self._one_call = one_call

    # Adapters.

    @cached_property
    def _pool(self) -> WorkerPool:
        return adapters.make_pool(self._workers, one_call=self._one_call)

    @cached_property
    def engine(self) -> FaceEngine:
        return adapters.make_engine(self.config, self._pool, self._metrics)

    @cached_property
    def next_engine(self) -> FaceEngine | None:
        """Of the model that people are moved to, on the same workers; None where there is none."""
        config = self._next_config
        return None if config is None else adapters.make_engine(config, self._pool)

    @cached_property
    def _next_config(self) -> AppConfig | None:
        name = self.config.next_model_name
        if name in (None, self.config.model_name):
            return None
        return self.config.model_copy(update={"model_name": name})

    @property
    def model_id(self) -> str:
        return self.engine.model.model_id

    @cached_property
    def capture(self) -> Capture:
        return adapters.make_capture(self.config, over_http=self._over_http)

    @cached_property
    def liveness_models(self) -> LivenessModels | None:
        """The passive liveness check; None where none is configured."""
        return adapters.make_liveness_models(self.config)

    @cached_property
    def observe_ahead(self) -> FrameObserver:
        """Of frames of a liveness session in which somebody looks ahead: by the models as well."""
        return adapters.make_frame_observer(self.liveness_models)

    @cached_property
    def observe_movement(self) -> FrameObserver:
        """Of the others: without the models, which know no turned faces and take their time."""
        return adapters.make_frame_observer(None)

    @cached_property
    def calibration(self) -> Calibration:
        """Of the model that serves, and where none is loaded, of the file that would be.

        Raises `ModelUnavailable`, `CalibrationDamaged`.
        """
        return self._calibration_of(self.config, "engine")

    @cached_property
    def _next_calibration(self) -> Calibration | None:
        """As `calibration`, of the model that people are moved to; None where there is none."""
        config = self._next_config
        return None if config is None else self._calibration_of(config, "next_engine")

    def _calibration_of(self, config: AppConfig, engine: str) -> Calibration:
        """`engine`: the name of the property that loads it."""
        loaded: FaceEngine | None = vars(self).get(engine)  # there once it was asked for
        model = adapters.identify_model(config) if loaded is None else loaded.model
        return adapters.make_calibration(config, model)

    @cached_property
    def embedded(self) -> EmbeddedServer:
        """The database server of this process, started. Raises `DatabaseUnavailable`."""
        from service.storage.embedded_server import start_embedded

        return start_embedded(self.config.data_dir)

    @cached_property
    def server_url(self) -> str:
        """The address of the configured database, or of the embedded one."""
        if self.config.database_url is None:
            return self.embedded.url
        url = self.config.database_url.get_secret_value()
        return adapters.configured_url(url, self.config.database_password_file)

    @cached_property
    def database_url(self) -> str:
        """As `server_url`; the embedded one is migrated."""
        if self.config.database_url is None:
            from service.storage.migrations import migrate

            migrate(self.server_url)
        return self.server_url

    @cached_property
    def master_key(self) -> KeyWrapper:
        return adapters.master_key(self.config, lambda: self.server_url)

    @cached_property
    def vault(self) -> Vault:
        """Raises what `adapters.master_key` raises."""
        from service.vault.vault import Vault

        return Vault(self.master_key, self._telemetry)

    @cached_property
    def storage(self) -> Storage:
        from service.storage.engine import POOL_SIZE
        from service.storage.storage import Storage

        if self._metrics is not None:
            self._metrics.connects(POOL_SIZE)
        return Storage(self.database_url, self.clock, lambda: self.vault, telemetry=self._telemetry)

    @cached_property
    def index(self) -> SearchIndex | None:
        """Large collections, in the memory of a server; None: every search scans the database."""
        if not self._over_http:
            return None
        return adapters.make_index(self.config, self._telemetry, self._workers)

    @cached_property
    def counters(self) -> CounterStorage:
        return adapters.make_counters(self.config, lambda: self.storage)

    # Faces.

    @cached_property
    def models(self) -> ServedModels:
        """The engines' models, each with its own thresholds. Raises what `make_engine` raises."""
        present, beside = ServedModel(self.model_id, self.calibration), self.next_engine
        if beside is None or self._next_calibration is None:
            return ServedModels(present)
        return ServedModels(present, ServedModel(beside.model.model_id, self._next_calibration))

    @cached_property
    def sampler(self) -> Sampler:
        return self._sampler_by(self.engine, self.calibration)

    def _sampler_by(
        self,
        engine: FaceEngine,
        calibration: Calibration,
        *,
        embeddings_of: str | None = None,
        shows_faces: bool = False,
    ) -> Sampler:
        return Sampler(
            engine,
            self.capture,
            calibration,
            self._telemetry,
            Faces(self.config.faces),
            embeddings_of=embeddings_of,
            shows_faces=shows_faces,
        )

    @cached_property
    def samplers(self) -> Samplers:
        return Samplers(self.storage, self.models, *self._model_samplers, self.liveness_proof)

    @cached_property
    def _model_samplers(self) -> tuple[Sampler, Sampler | None]:
        """Of the served models."""
        if self.next_engine is None or self.models.next is None:
            return self.sampler, None
        numbers, others = self.models.present.calibration, self.models.next.calibration
        return (
            self._sampler_by(self.engine, numbers, shows_faces=True),
            self._sampler_by(
                self.next_engine, others, shows_faces=True, embeddings_of=self.model_id
            ),
        )

    def sampler_of(self, model_ids: Sequence[str]) -> Sampler | PairSampler:
        """Without a database. Raises `ModelMismatch` where one of them is not served."""
        return sampler_of(model_ids, *self._model_samplers)

    @cached_property
    def token(self) -> MakeToken:
        return MakeToken(self.sampler)

    @cached_property
    def check(self) -> CheckPhotograph:
        return CheckPhotograph(self.sampler, self.capture)

    @cached_property
    def start_liveness(self) -> Callable[[LivenessRequest], StartedSession]:
        start = StartLiveness(self.storage, self.vault, self.audit_recorder, self.engine)
        return audit_refusals(start, audited_start, self.audit_recorder)

    @cached_property
    def take_frames(self) -> Callable[[FramesRequest], TakenFrames]:
        take = TakeFrames(
            self.samplers,
            StepFrames(self.capture),
            FrameObservers(self.observe_ahead, self.observe_movement),
            self.storage,
            self.vault,
        )
        return audit_refusals(take, audited_frames, self.audit_recorder)

    @cached_property
    def liveness_proof(self) -> LivenessProof:
        return LivenessProof(
            self.storage, self.vault, self.models, self.audit_recorder, self._telemetry
        )

    @cached_property
    def enroll(self) -> Callable[[EnrollRequest], Enrolled]:
        enroll = Enroll(
            self.samplers,
            self.storage,
            self.vault,
            self.models,
            self.clock,
            self.audit_recorder,
            self.lockout,
            self.liveness_proof,
            self.index,
        )
        return audit_refusals(enroll, audited_enrollment, self.audit_recorder)

    @cached_property
    def verify(self) -> Callable[[VerifyRequest], Verification]:
        verify = Verify(
            self.samplers,
            self.storage,
            self.vault,
            self.models,
            self.audit_recorder,
            self.lockout,
            MovePerson(self.audit_recorder, self.clock),
            self.liveness_proof,
        )
        return audit_refusals(verify, audited_verification, self.audit_recorder)

    @cached_property
    def identify(self) -> Callable[[SearchRequest], SearchResult]:
        identify = Identify(
            self.samplers,
            self.storage,
            self.vault,
            self.models,
            self.audit_recorder,
            self.liveness_proof,
            self.index,
        )
        return audit_refusals(identify, audited_search, self.audit_recorder)

    @cached_property
    def measure_liveness(self) -> MeasureLiveness:
        """Raises `LivenessModelsUnavailable`, `LivenessModelsUnset`."""
        from service.usecases.measure_liveness import MeasureLiveness

        if self.liveness_models is None:
            raise LivenessModelsUnset
        quality = self.calibration.quality
        return MeasureLiveness(self.engine, self.capture, self.observe_ahead, quality)

    @property
    def quantize(self) -> Quantize:
        """Of the configured pack. Raises what `make_engine` raises."""
        from service.engine.quantize import PackQuantizer
        from service.usecases.quantize import Quantize

        def engine_of(model_name: str) -> FaceEngine:
            return adapters.make_engine(self.config.model_copy(update={"model_name": model_name}))

        quantizer = PackQuantizer(self.config.model_name, self.config.model_root)
        quantizer.require_new()  # before a model is loaded for nothing
        return Quantize(self.engine, self.capture, quantizer, engine_of)

    @property
    def calibrate(self) -> Calibrate:
        """Of the served model, with the served settings. Raises what `make_engine` raises."""
        from service.usecases.calibrate import Calibrate

        most = self.config.max_images_per_request
        return Calibrate(self.sampler, self.engine.model, self.calibration, most, self.clock)

    # People and collections.

    @cached_property
    def lockout(self) -> Lockout:
        rules = LockoutRules(
            after=self.config.lockout_after,
            window=timedelta(seconds=self.config.lockout_window),
            lasts=timedelta(seconds=self.config.lockout_seconds),
        )
        return Lockout(rules, self.clock)

    @cached_property
    def unlock(self) -> Unlock:
        return Unlock(self.storage, self.vault, self.audit_recorder)

    @cached_property
    def rename(self) -> Callable[[str, str, str, str], ChangedSubject]:
        rename = Rename(self.storage, self.vault, self.clock, self.audit_recorder, self.lockout)
        return audit_refusals(rename, audited_rename, self.audit_recorder)

    @cached_property
    def merge(self) -> Callable[[MergeRequest], ChangedSubject]:
        parts = self.clock, self.audit_recorder, self.lockout
        merge = Merge(self.storage, self.vault, self.models, *parts)
        return audit_refusals(merge, audited_merge, self.audit_recorder)

    @cached_property
    def erase(self) -> Callable[[str, str, str], Erasure]:
        return audit_refusals(self._erase, audited_erasure, self.audit_recorder)

    @cached_property
    def withdraw_consent(self) -> Callable[[str, str, str], Erasure]:
        withdraw = self._erase.withdraw_consent
        return audit_refusals(withdraw, audited_withdrawal, self.audit_recorder)

    @cached_property
    def _erase(self) -> Erase:
        return Erase(self.storage, self.audit_recorder)

    @cached_property
    def export(self) -> Export:
        return Export(self.storage, self.vault, self.audit_recorder)

    @cached_property
    def list_duplicates(self) -> ListDuplicates:
        return ListDuplicates(self.storage)

    @cached_property
    def resolve_duplicate(self) -> Callable[[ResolveRequest], FlaggedDuplicate]:
        resolve = ResolveDuplicate(self.storage, self.clock, self.audit_recorder)
        return audit_refusals(resolve, audited_resolution, self.audit_recorder)

    @cached_property
    def purge(self) -> Purge:
        if self._metrics is None:
            return Purge(self.storage, self.vault, self.clock, self.audit_recorder)
        report = self._metrics.purge_holds
        return Purge(self.storage, self.vault, self.clock, self.audit_recorder, report)

    @cached_property
    def subjects(self) -> Subjects:
        return Subjects(self.storage, self.vault, self.lockout)

    @cached_property
    def collections(self) -> Collections:
        return Collections(
            self.storage,
            self.vault,
            lambda: self.calibration,
            self.clock,
            self.audit_recorder,
            lambda: self._next_calibration,
        )

    @cached_property
    def index_sync(self) -> IndexSync | None:
        return None if self.index is None else IndexSync(self.storage, self.index)

    def bulk_enroll(self, collection: str, coming: int) -> BulkEnroll:
        """For one run. `coming`: about how many people it may enroll into the collection."""
        return BulkEnroll(self.storage, self.enroll_batch(collection, coming), self.clock)

    def enroll_batch(self, collection: str, coming: int) -> EnrollBatch:
        sync = None
        if self.config.search_memory:
            rows = rows_written(self.storage, collection) + coming
            index = adapters.make_bulk_index(self.config, rows)
            sync = IndexSync(self.storage, index, worth_holding=0)  # small ones too: they grow
        return EnrollBatch(
            self.storage,
            self.vault,
            self.models,
            self.clock,
            self.audit_recorder,
            sync,
        )

    @contextmanager
    def embedding_here(self, collection: str, faces: Faces | None) -> Iterator[BulkEmbedding]:
        """For a run that enrolls people into this collection. `faces`: None: as it is set."""
        look = self.samplers.look_at(collection)
        workers = cores() + ROWS_WAITING
        yield EmbedHere(
            self.samplers.of(look.model_ids), workers, faces=faces or look.settings.faces
        )

    @contextmanager
    def embedding_on_ray(
        self, collection: str, faces: Faces | None, address: str | None
    ) -> Iterator[BulkEmbedding]:
        """As `embedding_here`. `address`: of a cluster; None: one of this machine alone, for this time only.

        Raises `ExtraMissing`, `ClusterUnavailable`.
        """
        settings = {name: getattr(self.config, name) for name in _OF_THE_ENGINE}
        look = self.samplers.look_at(collection)
        rule = faces or look.settings.faces
        on_node = partial(embedding_on_node, settings, self.models, look.model_ids, rule)
        with ray_environment(address):
            try:
                from service.bulk.ray_cluster import RayEmbedding
            except ModuleNotFoundError:
                raise ExtraMissing(extra="ray") from None
            here = partial(embedded, self.samplers.of(look.model_ids), faces=rule)
            with RayEmbedding(on_node, here, address) as cluster:
                yield cluster

    # Administration.

    @cached_property
    def api_keys(self) -> ApiKeys:
        return ApiKeys(self.storage, self.clock, self.audit_recorder)

    @cached_property
    def rate_limits(self) -> RateLimits:
        from service.api.rate_limits import RateLimits

        return RateLimits(
            self.counters,
            per_key=self.config.rate_limit_per_key,
            per_address=self.config.rate_limit_per_address,
            failures=self.config.rate_limit_failures,
        )

    @cached_property
    def audit_recorder(self) -> AuditRecorder:
        decisions = self.config.audit_decisions
        return AuditRecorder(self.storage, lambda: self.vault, self.clock, decisions=decisions)

    @cached_property
    def list_audit(self) -> ListAudit:
        return ListAudit(self.storage, lambda: self.vault)

    @cached_property
    def verify_audit(self) -> VerifyAudit:
        return VerifyAudit(self.storage, self.vault)

    @cached_property
    def keys(self) -> Keys:
        return Keys(self.storage, self.vault, self.audit_recorder)

    @cached_property
    def rotate_key(self) -> RotateKey:
        return RotateKey(self.storage, self.vault, self.clock, self.audit_recorder)

    @cached_property
    def move_model(self) -> MoveModel:
        return MoveModel(self.storage, lambda: self.models, self.audit_recorder)

    @cached_property
    def advance_moves(self) -> AdvanceMoves:
        report = self._metrics.moves if self._metrics else lambda _moved, _waiting: None
        return AdvanceMoves(self.move_model, lambda: self.models, report)

    @cached_property
    def capacity(self) -> CheckCapacity:
        """Of this machine for all processes of the server."""
        config = self.config
        return CheckCapacity(config.server_workers, config.max_image_pixels, self._search_bytes)

    def _search_bytes(self) -> int:
        """What large collections will take in memory."""
        most = self.config.search_memory * MEBIBYTE
        with self.storage.transaction() as tx:
            rows = sum(mark.rows for mark in tx.templates.marks() if mark.rows > WORTH_HOLDING)
        return min(most, rows * BYTES_PER_HELD_ROW)

    @cached_property
    def readiness(self) -> CheckReadiness:
        requested = adapters.requested_providers(self.config)
        models = self.liveness_models
        return CheckReadiness(
            self.engine,
            self.storage,
            requested,
            license_of(self.config.model_name).spdx,
            self.index,
            () if models is None else models.names,
        )

    def rewrapping_to(self, new: Path | str) -> RewrapKeys:
        """From the configured master key to `new`: the one in a file, or a KMS key by its id.

        Raises `MasterKeyMissing`, `MasterKeyInvalid`, `KeyServiceUnavailable`.
        """
        from service.vault.master_key import RewrapKeys, read_key_file

        new_key = read_key_file(new) if isinstance(new, Path) else adapters.kms_key(new)
        return RewrapKeys(self.master_key, new_key)

    def migrate(self) -> None:
        """Bring the database to the newest revision. Raises `DatabaseUnavailable`."""
        from service.storage.migrations import migrate

        migrate(self.database_url)

    def scrub(self) -> Scrubbed:
        """Make the database's files forget what was deleted. Raises what `scrub` raises."""
        from service.storage.scrub import scrub

        return scrub(self.database_url)

    @property
    def backup(self) -> Backup:
        """Of the database as it is: one of an older version is not migrated first."""
        from service.vault.archive import SealedArchives

        adapters.require_existing_key(self.config)
        archives = SealedArchives(self.vault)
        storage = self._unmigrated()
        return Backup(self._dumps(), archives, storage, self.vault, self.clock, version())

    @property
    def restore(self) -> Restore:
        """Starts no database before it has a backup that can be restored."""
        from service.vault.archive import SealedArchives

        adapters.require_existing_key(self.config)
        return Restore(SealedArchives(self.vault), self._dumps, self._unmigrated, self.vault)

    def _dumps(self) -> DatabaseDumps:
        from service.storage.dump_restore import DatabaseDumps

        return DatabaseDumps(self.server_url)

    def _unmigrated(self) -> Storage:
        from service.storage.storage import Storage

        return Storage(self.server_url, vault=lambda: self.vault)

    @property
    def restart_database(self) -> Callable[[], None] | None:
        """To be called every second by a process that serves; None for a server of somebody else."""
        if self.config.database_url is not None:
            return None
        from service.storage.embedded_server import ServerRestart

        return ServerRestart(self.embedded)

    def prepare(self) -> None:
        """Prove that the vault opens, the database is migrated, `default` exists and the audit log
        is under way, begun now if the database is empty.

        Raises `OperationFailed`, `Unavailable`, `AuditTampered`.
        """
        vault = self.vault
        self.storage.require_suitable()
        self.storage.check()
        self.storage.require_citus_settings(search_memory=self.config.search_memory > 0)
        self.collections.ensure_default()
        with self.storage.transaction() as tx:
            default = tx.collections.find_with_keys_locked(DEFAULT_COLLECTION)
        if default is not None:
            UnlockedCollection.unlock(default, vault)

    def use_cases(self) -> UseCases:
        """For callers over HTTP."""
        return UseCases(
            token=self.token,
            check=self.check,
            start_liveness=self.start_liveness,
            take_frames=self.take_frames,
            enroll=self.enroll,
            verify=self.verify,
            identify=self.identify,
            erase=self.erase,
            withdraw_consent=self.withdraw_consent,
            subjects=self.subjects,
            collections=self.collections,
            api_keys=self.api_keys,
            readiness=self.readiness,
            capacity=self.capacity,
            list_duplicates=self.list_duplicates,
            resolve_duplicate=self.resolve_duplicate,
            list_audit=self.list_audit,
            audit_recorder=self.audit_recorder,
            export=self.export,
            purge=self.purge,
            unlock=self.unlock,
            rename=self.rename,
            merge=self.merge,
            index_sync=self.index_sync,
            advance_moves=self.advance_moves,
            restart_database=self.restart_database,
        )
