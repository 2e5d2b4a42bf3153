"""All parts together, and the calls that need most of them."""

from __future__ import annotations

from functools import cached_property

from service.domain.collection import DEFAULT_COLLECTION
from service.usecases.audit import Recorded
from service.usecases.enroll import Enroll, enrollment_attempt
from service.usecases.enrollment import Enrolled, EnrollRequest
from service.usecases.identify import Identify, SearchRequest, SearchResult, search_attempt
from service.usecases.unlocked_collection import UnlockedCollection
from service.usecases.use_cases import UseCases
from service.usecases.verify import Verification, Verify, VerifyRequest, verification_attempt
from service.wiring.bulk import BulkWiring
from service.wiring.parts import now


class Wiring(BulkWiring):
    """Everything that one process is made of."""

    @cached_property
    def enroll(self) -> Recorded[[EnrollRequest], Enrolled]:
        enroll = Enroll(
            self.sampler,
            self.storage,
            self.vault,
            self.calibration,
            self._model_id,
            now,
            self.lockout,
            self.index,
        )
        return Recorded(enroll, enrollment_attempt, self.trail)

    @cached_property
    def verify(self) -> Recorded[[VerifyRequest], Verification]:
        verify = Verify(
            self.sampler,
            self.storage,
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
            self.storage,
            self.vault,
            self.calibration,
            self._model_id,
            self.trail,
            self.index,
        )
        return Recorded(identify, search_attempt, self.trail)

    def prepare(self) -> None:
        """Prove that the vault opens, the database is migrated, `default` exists and the audit log
        is under way, begun now if the database is empty.

        Raises `Misconfigured`, `Unavailable`, `AuditTampered`.
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
        return UseCases(
            token=self.token,
            enroll=self.enroll,
            verify=self.verify,
            identify=self.identify,
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
            keep_index=self.keep_index,
            restart_database=self.restart_database,
        )
