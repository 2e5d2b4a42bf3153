"""What a liveness session proves, to a call that decides by it: once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.domain.active_liveness import Judgment, SamePerson, Verdict
from service.domain.audit import Action
from service.domain.errors import LivenessFailed, LivenessUsed
from service.domain.face import ProvenFrame
from service.domain.liveness_session import SessionProgress, SessionRow
from service.domain.ports import NO_TELEMETRY, Telemetry
from service.domain.served_models import ServedModels
from service.domain.thresholds import CONSERVATIVE
from service.usecases.audit_recorder import AuditRecorder
from service.usecases.liveness import LivenessRequest, binding_of, opened, require_open, unlock
from service.usecases.sampler import Probe
from service.usecases.unlocked_collection import UnlockedCollection

if TYPE_CHECKING:
    from service.storage.storage import Storage
    from service.storage.transaction import Transaction
    from service.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class ProvenSession:
    """As it was read; whether it is still so is told when it is used."""

    row: SessionRow
    progress: SessionProgress


class LivenessProof:
    def __init__(
        self,
        storage: Storage,
        vault: Vault,
        models: ServedModels,
        audit: AuditRecorder,
        telemetry: Telemetry = NO_TELEMETRY,
    ) -> None:
        self._storage = storage
        self._vault = vault
        calibration = models.present.calibration
        strictest = calibration.profile(CONSERVATIVE).threshold
        self._same_person = SamePerson(calibration.agreement, strictest)
        self._audit = audit
        self._telemetry = telemetry

    def probe(self, source: ProvenFrame, caller: str) -> Probe:
        """Of what was seen in the caller's session. Raises `LivenessExpired`, `LivenessUsed`, and
        `LivenessFailed` where nobody was seen to look ahead.
        """
        with self._storage.transaction() as tx:
            row = require_open(tx.liveness_sessions.find(source.session_id, caller))
            progress = opened(unlock(tx, row, self._vault), row)
        if progress.sample is None:
            raise LivenessFailed
        return Probe(progress.templates, [progress.sample], ProvenSession(row, progress))

    def settle(
        self,
        tx: Transaction,
        unlocked: UnlockedCollection,
        session: ProvenSession | None,
        request: LivenessRequest,
    ) -> Judgment | None:
        """In the transaction that decides: the session is used from its end on, and by nobody else.

        `session`: None where the face comes from elsewhere; then there is no judgment.

        Raises `LivenessUsed`; `LivenessFailed` where the session is about something else.
        """
        if session is None:
            return None
        if session.row.binding != binding_of(unlocked, request):
            raise LivenessFailed
        judgment = session.progress.judged(self._same_person)
        if not tx.liveness_sessions.end(session.row, judgment.verdict):
            raise LivenessUsed
        self._audit.record(
            tx,
            Action.LIVENESS_VERDICT,
            request.caller.name,
            unlocked.collection,
            request.subject_id,
            outcome=judgment.verdict,
        )
        self._telemetry.judged(request.purpose, judgment.verdict)
        return judgment


def is_refuted(judgment: Judgment | None) -> bool:
    """Whether a session does not prove what it was begun for."""
    return judgment is not None and judgment.verdict is not Verdict.LIVE
