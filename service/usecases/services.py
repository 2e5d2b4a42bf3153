"""All use cases of one process, as the doors (HTTP, command line) get them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from service.usecases.apikeys import ApiKeys
from service.usecases.audit import ListAudit
from service.usecases.collections import Collections
from service.usecases.enrollment import Enrolled, EnrollRequest
from service.usecases.erase import Erasure
from service.usecases.export import Export
from service.usecases.identify import SearchRequest, SearchResult
from service.usecases.limiting import CallLimits
from service.usecases.lockout import Unlock
from service.usecases.purge import Purge
from service.usecases.readiness import CheckReadiness
from service.usecases.recording import Trail
from service.usecases.subjects import Subjects
from service.usecases.token import MakeToken
from service.usecases.verify import Verification, VerifyRequest


@dataclass(frozen=True, slots=True)
class Services:
    token: MakeToken
    enroll: Callable[[EnrollRequest], Enrolled]
    verify: Callable[[VerifyRequest], Verification]
    identify: Callable[[SearchRequest], SearchResult]
    erase: Callable[[str, str, str], Erasure]
    withdraw_consent: Callable[[str, str, str], Erasure]
    subjects: Subjects
    collections: Collections
    api_keys: ApiKeys
    readiness: CheckReadiness
    export: Export
    purge: Purge
    unlock: Unlock
    limits: CallLimits
    audit: ListAudit
    trail: Trail
    keep_index: Callable[[], None] | None = None
    restart_database: Callable[[], None] | None = None
