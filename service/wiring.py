"""The one place where adapters are built and handed to use cases."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from service.config import AppConfig
from service.domain.errors import DatabaseUnavailable, MasterKeyMissing
from service.domain.ports import Capture, FaceEngine, Vault
from service.domain.thresholds import Calibration, calibration_for
from service.usecases.apikeys import ApiKeys
from service.usecases.audit import ListAudit, VerifyAudit
from service.usecases.collections import Collections
from service.usecases.enroll import Enroll, enrollment_attempt
from service.usecases.enrollment import Enrolled, EnrollRequest
from service.usecases.erase import Erase, Erasure, erasure_attempt
from service.usecases.identify import Identify, SearchRequest, SearchResult, search_attempt
from service.usecases.readiness import CheckReadiness
from service.usecases.recording import Recorded, Trail
from service.usecases.sampling import Sampler
from service.usecases.services import Services
from service.usecases.subjects import Subjects
from service.usecases.token import MakeToken
from service.usecases.verify import Verification, Verify, VerifyRequest, verification_attempt

if TYPE_CHECKING:
    from fastapi import FastAPI

    from service.capture.limits import ImageLimits
    from service.gallery.database import PostgresGallery

logger = logging.getLogger(__name__)

DISTRIBUTION = "face-enrollment-service"
KEY_FILE = "master.key"

DRIVER = "postgresql+psycopg"
"""The only one that is installed, and the only database that has pgvector."""


class Wiring:
    """Everything that one process is made of; each part is built when it is first asked for.

    So `face apikey list` loads no model, and `face directory` starts no database. Rooms are
    imported late for the same reason.

    `confined`: folders are read below `image_roots` only, as for callers over HTTP; the command
    line and the Python API read what their user may.
    """

    def __init__(self, config: AppConfig, *, confined: bool = False) -> None:
        self.config = config
        self._confined = confined

    @cached_property
    def engine(self) -> FaceEngine:
        """Raises `ModelUnavailable`, `GpuUnavailable`, `ConflictingRuntimes`."""
        from service.engine.loading import load_engine

        return load_engine(
            self.config.model_name,
            self.config.model_root,
            detection_threshold=self.config.detection_threshold,
            use_gpu=self.config.use_gpu,
            use_directml=self.config.use_directml,
        )

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
        """The configured server's address, or that of the embedded one, started and migrated."""
        if self.config.database_url is not None:
            url = self.config.database_url.get_secret_value()
            _require_postgresql(url)
            return url
        from service.gallery.embedded import start_embedded
        from service.gallery.migrations import migrate

        url = start_embedded(self.config.data_dir).url
        migrate(url)
        return url

    def migrate(self) -> None:
        """Bring the database to the newest revision. Raises `DatabaseUnavailable`."""
        from service.gallery.migrations import migrate

        migrate(self.database_url)

    @cached_property
    def gallery(self) -> PostgresGallery:
        from service.gallery.database import PostgresGallery

        return PostgresGallery(self.database_url, lambda: self.vault)

    @cached_property
    def vault(self) -> Vault:
        """Raises `MasterKeyMissing`, `MasterKeyInvalid`."""
        from service.vault.keyring import KeyRing
        from service.vault.master_key import MasterKey, create_key_file, read_key_file

        if self.config.master_key is not None:
            return KeyRing(MasterKey.from_base64(self.config.master_key.get_secret_value()))
        if self.config.master_key_file is not None:
            return KeyRing(read_key_file(self.config.master_key_file))
        if self.config.database_url is not None:
            raise MasterKeyMissing
        return KeyRing(create_key_file(self.key_file))

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
            self.sampler, self.gallery, self.vault, self.calibration, self._model_id, _now
        )
        return Recorded(enroll, enrollment_attempt, self.trail)

    @cached_property
    def verify(self) -> Recorded[[VerifyRequest], Verification]:
        verify = Verify(
            self.sampler, self.gallery, self.vault, self.calibration, self._model_id, self.trail
        )
        return Recorded(verify, verification_attempt, self.trail)

    @cached_property
    def identify(self) -> Recorded[[SearchRequest], SearchResult]:
        identify = Identify(
            self.sampler, self.gallery, self.vault, self.calibration, self._model_id, self.trail
        )
        return Recorded(identify, search_attempt, self.trail)

    @cached_property
    def erase(self) -> Recorded[[str, str, str], Erasure]:
        return Recorded(Erase(self.gallery, self.vault, _now), erasure_attempt, self.trail)

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
    def readiness(self) -> CheckReadiness:
        return CheckReadiness(self.engine, self.gallery, self.providers_requested)

    @cached_property
    def audit(self) -> ListAudit:
        return ListAudit(self.gallery, lambda: self.vault)

    @cached_property
    def verify_audit(self) -> VerifyAudit:
        return VerifyAudit(self.gallery, self.vault)

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
            default = tx.collections.find("default")
            tx.audit.begin()
        if default is not None:
            vault.unlock(default.collection_id, default.key)

    def services(self) -> Services:
        return Services(
            token=self.token,
            enroll=self.enroll,
            verify=self.verify,
            identify=self.identify,
            erase=self.erase,
            subjects=self.subjects,
            collections=self.collections,
            api_keys=self.api_keys,
            readiness=self.readiness,
            audit=self.audit,
            trail=self.trail,
        )


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

    wiring = Wiring(config, confined=True)
    wiring.prepare()
    local = is_loopback(config.server_host)
    if config.open_tokens and not local:
        logger.warning("open_tokens has no effect: the server listens beyond this machine")
    settings = ApiSettings(
        language=config.language,
        open_tokens=config.open_tokens and local,
        max_frames=config.max_frames,
        max_images=config.max_images,
        max_image_bytes=config.max_image_bytes,
        max_images_per_request=config.max_images_per_request,
        version=metadata.version(DISTRIBUTION),
    )
    return create_app(wiring.services(), settings)


def _require_postgresql(url: str) -> None:
    """Raises `DatabaseUnavailable`, having said why; without the URL, which holds a password."""
    from sqlalchemy.exc import ArgumentError

    from service.gallery.connecting import driver_url

    try:
        if driver_url(url).drivername == DRIVER:
            return
    except (ArgumentError, ValueError):
        pass
    logger.error("FACE_DATABASE_URL is no URL of a PostgreSQL, as postgresql://user@host/face is")
    raise DatabaseUnavailable


def _now() -> datetime:
    return datetime.now(UTC)
