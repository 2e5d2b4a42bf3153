"""An answer says what it is worth where nobody has measured the model, in the caller's language."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.collection_client import CollectionClient, ok
from tests.domain.vectors import face_of

KIM = face_of("kim")

SENTENCES = {
    "ko": "이 모델과 프로필의 오류율은 측정된 적이 없습니다.",
    "en": "No error rate was measured for this model and profile.",
}


def _answer(client: CollectionClient, path: str, language: str = "ko") -> dict[str, Any]:
    subject = {"subjectId": "kim"} if path in ("/enroll", "/verify") else {}
    mode = {"mode": "replace"} if path == "/enroll" else {}
    headers = {"Accept-Language": language}
    answer = client.json(path, headers, embedding=KIM.tolist(), **subject, **mode)
    return ok(answer, 201 if path == "/enroll" else 200)


@pytest.mark.parametrize("language", SENTENCES)
@pytest.mark.parametrize("path", ["/enroll", "/verify", "/dedupe", "/identify"])
def test_model_that_nobody_measured_is_warned_of(
    client: CollectionClient, path: str, language: str
) -> None:
    ok(client.given("/enroll", KIM, subjectId="kim"), 201)
    (warning,) = _answer(client, path, language)["warnings"]
    assert warning.pop("message").startswith(SENTENCES[language])
    assert warning == {
        "code": "uncalibrated_model",
        "expectedFalseCandidates": None,
        "maxFalseCandidates": None,
    }


def test_retried_enrollment_warns_again(client: CollectionClient) -> None:
    retry = {"Idempotency-Key": "retry-of-a-warning"}
    fields = {"subjectId": "kim", "embedding": KIM.tolist()}
    first, again = (ok(client.json("/enroll", retry, **fields), 201) for _ in range(2))
    assert again == first
    assert [one["code"] for one in again["warnings"]] == ["uncalibrated_model"]


def test_enrollment_names_the_threshold_that_it_compared_at(client: CollectionClient) -> None:
    first = ok(client.given("/enroll", KIM, subjectId="kim", profile="aggressive"), 201)
    assert first["duplicateThreshold"] == 0.30
    allowed = client.given("/enroll", KIM, subjectId="kim-2", onDuplicate="allow")
    assert ok(allowed, 201)["duplicateThreshold"] is None
