"""Who is told what stood in the way."""

from __future__ import annotations

import pytest

from service.cli.context import explain
from service.domain.causes import Cause
from service.domain.errors import DatabaseUnavailable, MasterKeyMissing
from service.texts import Language, text
from tests.api.in_process import calling, raising

SAID = "permission denied for table subjects"


@pytest.mark.parametrize("language", ["ko", "en"])
def test_command_line_tells_the_cause(
    language: Language, capsys: pytest.CaptureFixture[str]
) -> None:
    error = DatabaseUnavailable().because(Cause.RIGHT_MISSING, said=SAID)
    assert explain(error, language) == 3
    told = capsys.readouterr().err
    assert text(language, "cause.right_missing", said=SAID) in told
    assert "[database_unavailable]" in told


@pytest.mark.parametrize(
    "error",
    [
        DatabaseUnavailable().because(Cause.RIGHT_MISSING, said=SAID),
        MasterKeyMissing().because(Cause.KEY_FILE_MISSING, path=SAID),
    ],
    ids=lambda error: error.code,
)
def test_callers_over_http_are_not_told(error: DatabaseUnavailable | MasterKeyMissing) -> None:
    client = calling(verify=raising(error))
    answer = client.request("POST", "/verify", json={"subjectId": "kim", "embedding": [1.0]})
    assert (answer.status_code, answer.json()["code"]) == (503, error.code)
    assert SAID not in answer.text
    assert str(error.diagnosis and error.diagnosis.cause) not in answer.text
