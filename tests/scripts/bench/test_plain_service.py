"""The peer of `/verify` does what it is measured for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlalchemy import Engine, text

from scripts.bench.plain_service import app_with, prepare
from scripts.bench.serving import MASTER_KEY
from service.config import AppConfig
from service.domain.callers import LOCAL_USER
from service.domain.face import Uploads
from service.usecases.enrollment import EnrollRequest
from service.usecases.verify import VerifyRequest
from service.wiring import Wiring

SOMEBODY, SOMEBODY_ELSE = 0, 1


@pytest.fixture
def service(model_root: Path, database_url: str) -> Iterator[Wiring]:
    config = AppConfig(
        model_name="mobile_s",
        model_root=model_root,
        use_gpu=False,
        database_url=SecretStr(database_url),
        master_key=SecretStr(MASTER_KEY),
    )
    wiring = Wiring(config)
    wiring.prepare()
    yield wiring
    wiring.storage.close()


@pytest.fixture
def plain(service: Wiring, database_url: str) -> Iterator[TestClient]:
    bearer = {"Authorization": f"Bearer {prepare(database_url)}"}
    with TestClient(app_with(service, database_url), headers=bearer) as client:
        yield client
    database: Engine = client.app.state.database  # type: ignore[attr-defined]
    database.dispose()


def test_both_services_decide_alike_and_the_plain_one_checks_keys_and_keeps_results(
    service: Wiring, plain: TestClient, people: dict[str, list[Path]]
) -> None:
    photographs = [[file.read_bytes() for file in files[:2]] for files in people.values()]
    enrolled, probe = photographs[SOMEBODY]
    form, files = {"subjectId": "somebody"}, {"images": enrolled}
    assert plain.post("/enroll", data=form, files=files).status_code == 201
    service.enroll(EnrollRequest("somebody", Uploads([enrolled]), "default", LOCAL_USER))

    for shown, match in ((probe, True), (photographs[SOMEBODY_ELSE][0], False)):
        answer = plain.post("/verify", data=form, files={"images": shown}).json()
        asked = VerifyRequest("somebody", Uploads([shown]), "default", LOCAL_USER)
        ours = service.verify(asked).decision
        assert answer["match"] is ours.match is match
        assert answer["similarity"] == pytest.approx(ours.similarity, abs=1e-5)
        assert answer["threshold"] == ours.profile.threshold

    stranger = {"Authorization": "Bearer nobody"}
    refused = plain.post("/verify", data=form, files={"images": probe}, headers=stranger)
    assert refused.status_code == 401
    with service.storage.transaction() as tx:
        results = tx.connection.execute(text("SELECT match FROM plain_results ORDER BY id"))
        assert [row.match for row in results] == [True, False]
