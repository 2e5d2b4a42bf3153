"""The sentences of causes, and who is told them."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from service.cli.causes import CAUSES, cause_text
from service.cli.output import explain
from service.domain.causes import Cause, Diagnosis
from service.domain.errors import DatabaseUnavailable, MasterKeyMissing
from service.domain.messages import Language
from tests.api.in_process import calling, raising

HANGUL = re.compile("[가-힣]")
SAID = "permission denied for table subjects"


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_every_cause_has_a_sentence() -> None:
    assert set(CAUSES) == set(Cause)


@pytest.mark.parametrize("cause", Cause)
def test_both_languages_say_the_same_values(cause: Cause) -> None:
    korean, english = CAUSES[cause]["ko"], CAUSES[cause]["en"]
    assert HANGUL.search(korean)
    assert not HANGUL.search(english)
    assert placeholders(korean) == placeholders(english)


@pytest.mark.parametrize("language", ["ko", "en"])
def test_command_line_tells_the_cause(
    language: Language, capsys: pytest.CaptureFixture[str]
) -> None:
    error = DatabaseUnavailable().because(Cause.RIGHT_MISSING, said=SAID)
    assert explain(error, language) == 3
    told = capsys.readouterr().err
    assert cause_text(Diagnosis(Cause.RIGHT_MISSING, {"said": SAID}), language) in told
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
