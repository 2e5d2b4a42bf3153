"""All use cases of one process, as the doors (HTTP, command line) get them."""

from __future__ import annotations

from dataclasses import dataclass

from service.usecases.apikeys import ApiKeys
from service.usecases.collections import Collections
from service.usecases.enroll import Enroll
from service.usecases.erase import Erase
from service.usecases.export import Export
from service.usecases.identify import Identify
from service.usecases.limiting import CallLimits
from service.usecases.lockout import Unlock
from service.usecases.purge import Purge
from service.usecases.readiness import CheckReadiness
from service.usecases.subjects import Subjects
from service.usecases.token import MakeToken
from service.usecases.verify import Verify


@dataclass(frozen=True, slots=True)
class Services:
    token: MakeToken
    enroll: Enroll
    verify: Verify
    identify: Identify
    erase: Erase
    subjects: Subjects
    collections: Collections
    api_keys: ApiKeys
    readiness: CheckReadiness
    export: Export
    purge: Purge
    unlock: Unlock
    limits: CallLimits
