"""What a liveness session proves, to a call that decides by it: once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING

from service.domain.active_liveness import Judgment, Verdict
from service.domain.audit import Action
from service.domain.errors import LivenessFailed
from service.domain.face import ProvenFrame
from service.domain.liveness_identity import LIKE_THE_ENROLLED, SamePerson, is_one_person
from service.domain.liveness_session import SessionProgress, SessionRow
from service.domain.ports import NO_TELEMETRY, Telemetry
from service.domain.served_models import ServedModels
from service.domain.step_pose import Doubt
from service.domain.thresholds import CONSERVATIVE
from service.usecases.audit_recorder import AuditRecorder
from service.usecases.liveness_session import (
    LivenessRequest,
    binding_of,
    require_found,
    unlocked_collection,
    unsealed,
    why_changed,
)
from service.usecases.move_person import Recognized
from service.usecases.sampler import Probe
from service.usecases.unlocked_collection import UnlockedCollection

if TYPE_CHECKING:
    from service.storage.storage import Storage
    from service.storage.transaction import Transaction
    from service.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class ProvenSession:
    """As it was read, for a call that needs it; whether it is still so is told when it is used."""

    row: SessionRow
    progress: SessionProgress
    needed: LivenessRequest


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
        least = calibration.profiles.get(CONSERVATIVE) or min(
            calibration.profiles.values(), key=attrgetter("threshold")
        )
        self._same_person = SamePerson(calibration.agreement, least.threshold)
        self._audit = audit
        self._telemetry = telemetry

    def probe(self, source: ProvenFrame, needed: LivenessRequest) -> Probe:
        """Of what was seen in the caller's session. Raises `LivenessExpired`, `LivenessUsed`, and
        `LivenessFailed` where it is about something else than is needed, or nobody was seen to look ahead.
        """
        with self._storage.transaction() as tx:
            row = require_found(tx.liveness_sessions.find(source.session_id, needed.caller.name))
            unlocked = unlocked_collection(tx, row, self._vault)
            progress = unsealed(unlocked, row)
            is_about_this = row.binding == binding_of(unlocked, needed)
        if progress.sample is None or not is_about_this:
            raise LivenessFailed
        return Probe(progress.templates, [progress.sample], ProvenSession(row, progress, needed))

    def settle(
        self,
        tx: Transaction,
        unlocked: UnlockedCollection,
        session: ProvenSession | None,
        who: Recognized | None = None,
    ) -> Judgment | None:
        """In the transaction that decides: the session is used from its end on, and by nobody else.

        `session`: None where the face comes from elsewhere: then there is no judgment. `who`: whom the frame
        that looks ahead was compared with, if anybody.

        Raises `LivenessUsed`, `LivenessExpired`.
        """
        if session is None:
            return None
        judgment = session.progress.judged(self._same_person)
        if who is not None and who.decision.match and not self.shows(unlocked, session, who):
            judgment = judgment.with_attack(Doubt.ANOTHER_PERSON)
        if not tx.liveness_sessions.end(session.row, judgment.verdict):
            raise why_changed(tx, session.row)
        self._write_down(tx, unlocked, session.needed, judgment)
        return judgment

    def shows(
        self, unlocked: UnlockedCollection, session: ProvenSession | None, who: Recognized
    ) -> bool:
        """Whether it is they who look ahead at the end and turn, and not only in the frame that is compared:
        a print of them, or of a face between theirs and another, may be held before the camera for that one.

        True where the face comes from elsewhere, or there is no template of the model that saw the frames.
        Raises `TemplateTampered`.
        """
        if session is None:
            return True
        progress, model_id = session.progress, next(iter(session.progress.templates))
        if all(row.model_id != model_id for row in who.templates):
            return True
        face = unlocked.template_of(who.templates, model_id).embedding
        least = min(self._same_person.ahead, who.decision.profile.threshold)
        alike = replace(self._same_person, ahead=least)
        frames = progress.challenge, progress.frames
        return is_one_person(*frames, face, alike, LIKE_THE_ENROLLED)

    def _write_down(
        self,
        tx: Transaction,
        unlocked: UnlockedCollection,
        needed: LivenessRequest,
        judgment: Judgment,
    ) -> None:
        whose = needed.caller.name, unlocked.collection, needed.subject_id
        self._audit.record(tx, Action.LIVENESS_VERDICT, *whose, outcome=judgment.verdict)
        self._telemetry.judged(needed.purpose, judgment.verdict)


def is_not_live(judgment: Judgment | None) -> bool:
    """Whether a session does not prove what it was begun for."""
    return judgment is not None and judgment.verdict is not Verdict.LIVE
