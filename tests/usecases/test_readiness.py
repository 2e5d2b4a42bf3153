"""Can this process serve, and on what does it run?"""

from __future__ import annotations

from service.storage.storage import Storage
from service.usecases.readiness import CheckReadiness, Readiness
from tests.usecases.stand_ins import StandInEngine

NOBODY_LISTENS = "postgresql://127.0.0.1:1/face"


def _readiness(storage: Storage) -> Readiness:
    return CheckReadiness(StandInEngine(), storage, ["CUDAExecutionProvider"], "CC0-1.0")()


def test_service_with_a_migrated_database_is_ready(storage: Storage) -> None:
    readiness = _readiness(storage)
    assert (readiness.ready, readiness.problem) == (True, None)


def test_service_without_a_database_is_not_ready() -> None:
    readiness = _readiness(Storage(NOBODY_LISTENS))
    assert (readiness.ready, readiness.problem) == (False, "database_unavailable")


def test_service_before_its_migrations_is_not_ready(empty_database_url: str) -> None:
    storage = Storage(empty_database_url)
    assert _readiness(storage).problem == "database_not_migrated"
    storage.close()


def test_what_was_asked_for_and_what_was_obtained_are_both_told(storage: Storage) -> None:
    readiness = _readiness(storage)
    assert readiness.providers_requested == ["CUDAExecutionProvider"]
    assert readiness.providers_obtained == ["CPUExecutionProvider"]
    assert readiness.model_id == StandInEngine().model.model_id


def test_liveness_models_are_told(storage: Storage) -> None:
    check = CheckReadiness(
        StandInEngine(), storage, [], "CC0-1.0", liveness_models=["MiniFASNetV2"]
    )
    assert check().liveness_models == ["MiniFASNetV2"]
    assert _readiness(storage).liveness_models == ()
