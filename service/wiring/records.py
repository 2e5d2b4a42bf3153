"""What is asked about people and collections, faces apart."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property

from service.domain.lockout import LockoutRules
from service.usecases.api_keys import ApiKeys
from service.usecases.audit import AuditRecorder, ListAudit, Recorded, VerifyAudit
from service.usecases.collections import Collections
from service.usecases.erase import Erase, Erasure, Purge, erasure_attempt, withdrawal_attempt
from service.usecases.key_rotation import Keys, RotateKey
from service.usecases.lockouts import Lockout, Unlock
from service.usecases.readiness import CheckReadiness
from service.usecases.subjects import Export, Subjects
from service.wiring.images import ImagesWiring
from service.wiring.parts import now
from service.wiring.searching import SearchingWiring


class RecordsWiring(SearchingWiring, ImagesWiring):
    """Needs no photograph."""

    @cached_property
    def trail(self) -> AuditRecorder:
        return AuditRecorder(self.storage, self.vault, now, decisions=self.config.audit_decisions)

    @cached_property
    def lockout(self) -> Lockout:
        rules = LockoutRules(
            after=self.config.lockout_after,
            window=timedelta(seconds=self.config.lockout_window),
            lasts=timedelta(seconds=self.config.lockout_seconds),
        )
        return Lockout(rules, now)

    @cached_property
    def unlock(self) -> Unlock:
        return Unlock(self.storage, self.vault, now)

    @cached_property
    def erase(self) -> Recorded[[str, str, str], Erasure]:
        return Recorded(Erase(self.storage, self.vault, now), erasure_attempt, self.trail)

    @cached_property
    def withdraw_consent(self) -> Recorded[[str, str, str], Erasure]:
        erase = Erase(self.storage, self.vault, now)
        return Recorded(erase.withdraw_consent, withdrawal_attempt, self.trail)

    @cached_property
    def export(self) -> Export:
        return Export(self.storage, self.vault, now)

    @cached_property
    def purge(self) -> Purge:
        if self._metrics is None:
            return Purge(self.storage, self.vault, now)
        return Purge(self.storage, self.vault, now, self._metrics.purge_holds)

    @cached_property
    def subjects(self) -> Subjects:
        return Subjects(self.storage, self.vault)

    @cached_property
    def collections(self) -> Collections:
        return Collections(self.storage, self.vault, self.calibration, now)

    @cached_property
    def api_keys(self) -> ApiKeys:
        return ApiKeys(self.storage, now)

    @cached_property
    def keys(self) -> Keys:
        return Keys(self.storage, self.vault, now)

    @cached_property
    def rotate_key(self) -> RotateKey:
        return RotateKey(self.storage, self.vault, now)

    @cached_property
    def readiness(self) -> CheckReadiness:
        return CheckReadiness(self.engine, self.storage, self.providers_requested, self.index)

    @cached_property
    def audit(self) -> ListAudit:
        return ListAudit(self.storage, lambda: self.vault)

    @cached_property
    def verify_audit(self) -> VerifyAudit:
        return VerifyAudit(self.storage, self.vault)
