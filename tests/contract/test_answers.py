"""Every answer has exactly the fields of the contract, in camelCase."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from tests.contract.collection_client import CollectionClient, files, ok
from tests.domain.vectors import face_of

IMAGE_FIELDS = {
    *("index", "accepted", "reason", "advice", "detectionScore", "quality", "ignoredFaces")
}
QUALITY_FIELDS = {"sharpness", "brightness", "overexposure", "roll", "norm", "features"}
SEARCH_FIELDS = {
    *("candidates", "threshold", "profile", "searched", "exact", "expectedFalseCandidates"),
    "warnings",
    "liveness",
    "images",
}


@pytest.fixture
def enrolled(client: CollectionClient, portraits: list[Path]) -> CollectionClient:
    ok(client.enroll("kim", portraits[0]), 201)
    return client


def test_token(http: httpx.Client, portraits: list[Path]) -> None:
    answer = ok(http.post("/token/images", files=files(portraits[:1])))
    assert answer.keys() == {"success", "embedding", "error", "code", "images"}
    assert answer["code"] is None
    assert [image.keys() for image in answer["images"]] == [IMAGE_FIELDS]
    assert (answer["success"], len(answer["embedding"]), answer["error"]) == (True, 512, None)


def test_token_without_a_face(http: httpx.Client) -> None:
    answer = ok(http.post("/token/images", files=files([b""])))
    assert (answer["success"], answer["embedding"]) == (False, None)
    assert answer["error"] == "얼굴 임베딩을 추출하지 못했습니다."
    assert (answer["code"], answer["images"][0]["reason"]) == ("no_usable_face", "unreadable")


def test_enroll(client: CollectionClient, portraits: list[Path]) -> None:
    answer = ok(client.enroll("kim", portraits[0], b""), 201)
    assert answer.keys() == {
        "subjectId",
        "collection",
        "templateId",
        "modelId",
        "imagesUsed",
        "images",
        "duplicates",
        "duplicateThreshold",
        "warnings",
        "liveness",
        "enrolledAt",
    }
    assert (answer["subjectId"], answer["collection"]) == ("kim", client.collection)
    assert (answer["imagesUsed"], answer["duplicates"]) == (1, [])
    assert UUID(answer["templateId"])
    assert datetime.fromisoformat(answer["enrolledAt"]).tzinfo is not None


def test_images_of_an_enrollment(client: CollectionClient, portraits: list[Path]) -> None:
    good, unreadable = ok(client.enroll("kim", portraits[0], b""), 201)["images"]
    assert good.keys() == unreadable.keys() == IMAGE_FIELDS
    assert (good["index"], good["accepted"], good["reason"], good["advice"]) == (
        0,
        True,
        None,
        None,
    )
    assert 0.6 <= good["detectionScore"] <= 1
    assert (unreadable["index"], unreadable["accepted"]) == (1, False)
    assert unreadable["reason"] == "unreadable"
    assert "다시 촬영" in unreadable["advice"]
    assert good["quality"].keys() == QUALITY_FIELDS
    assert all(len(f"{cue:g}") <= 6 for cue in good["quality"].values())
    assert (good["ignoredFaces"], unreadable["quality"]) == (0, None)


def test_images_of_a_refused_enrollment(client: CollectionClient, cases: Path) -> None:
    blurred = cases / "images" / "amy_blur20.jpg"
    (refused,) = client.enroll("amy", blurred).json()["errors"]
    assert refused.keys() == IMAGE_FIELDS
    assert (refused["accepted"], refused["reason"]) == (False, "too_blurred")
    assert refused["quality"].keys() == QUALITY_FIELDS
    assert refused["quality"]["sharpness"] < 0.05
    assert refused["quality"]["norm"] is None


def test_verify(enrolled: CollectionClient, portraits: list[Path]) -> None:
    answer = ok(enrolled.verify("kim", portraits[1]))
    assert answer.keys() == {
        "subjectId",
        "match",
        "similarity",
        "threshold",
        "profile",
        "band",
        "recommendation",
        "modelId",
        "images",
        "warnings",
        "liveness",
    }
    assert answer["liveness"] is None
    assert (answer["match"], answer["recommendation"]) == (True, "allow")
    assert (answer["profile"], answer["threshold"]) == ("balanced", 0.4)
    assert answer["images"][0].keys() == IMAGE_FIELDS


def test_dedupe(enrolled: CollectionClient, portraits: list[Path]) -> None:
    answer = ok(enrolled.dedupe(portraits[1]))
    assert answer.keys() == {"duplicate", *SEARCH_FIELDS}
    assert (answer["duplicate"], answer["searched"], answer["exact"]) == (True, 1, True)
    assert [image.keys() for image in answer["images"]] == [IMAGE_FIELDS]
    (candidate,) = answer["candidates"]
    assert candidate.keys() == {"subjectId", "similarity", "band"}


def test_identify(enrolled: CollectionClient, portraits: list[Path]) -> None:
    answer = ok(enrolled.identify(portraits[1]))
    assert answer.keys() == {"match", *SEARCH_FIELDS}
    assert (answer["match"], answer["candidates"][0]["subjectId"]) == (True, "kim")


def test_a_no_is_an_answer(enrolled: CollectionClient) -> None:
    stranger = face_of("a stranger")
    assert ok(enrolled.given("/verify", stranger, subjectId="kim"))["match"] is False
    assert ok(enrolled.given("/dedupe", stranger))["duplicate"] is False
    assert ok(enrolled.given("/identify", stranger))["match"] is False


def test_subject(enrolled: CollectionClient) -> None:
    answer = ok(enrolled.subject("kim"))
    assert answer.keys() == {
        "subjectId",
        "collection",
        "templates",
        "enrolledAt",
        "modelIds",
        "metadata",
        "expiresAt",
        "consentReference",
        "lockedUntil",
    }


def test_subjects(enrolled: CollectionClient) -> None:
    answer = ok(enrolled.subjects())
    assert answer.keys() == {"subjects", "nextCursor"}
    assert answer["subjects"][0].keys() == {"subjectId", "collection", "templates", "enrolledAt"}


def test_no_answer_about_subjects_has_a_vector_in_it(enrolled: CollectionClient) -> None:
    for answer in (enrolled.subject("kim"), enrolled.subjects()):
        assert "[-0." not in answer.text
        assert len(answer.text) < 1000


def test_deletion(enrolled: CollectionClient) -> None:
    answer = ok(enrolled.delete("kim"))
    assert answer.keys() == {"subjectId", "collection", "templatesDeleted", "deletedAt", "auditId"}
    assert (answer["subjectId"], answer["templatesDeleted"]) == ("kim", 1)
    assert UUID(answer["auditId"])


def test_withdrawal_of_consent_answers_as_a_deletion_does(enrolled: CollectionClient) -> None:
    answer = ok(enrolled.withdraw_consent("kim"))
    assert answer.keys() == {"subjectId", "collection", "templatesDeleted", "deletedAt", "auditId"}


def test_export(enrolled: CollectionClient) -> None:
    answer = ok(enrolled.export("kim"))
    assert answer.keys() == {
        "subjectId",
        "collection",
        "enrolledAt",
        "expiresAt",
        "consentReference",
        "metadata",
        "templates",
        "audit",
        "answers",
        "refusals",
        "duplicates",
        "exportedAt",
        "auditId",
    }
    (template,) = answer["templates"]
    assert template.keys() == {"templateId", "modelId", "createdAt", "samples", "embedding"}
    assert all(
        one.keys() == {"auditId", "at", "action", "outcome", "caller"} for one in answer["audit"]
    )


def test_health(http: httpx.Client) -> None:
    assert ok(http.get("/healthz")) == {"status": "alive"}


def test_readiness_tells_model_and_providers(http: httpx.Client) -> None:
    answer = ok(http.get("/readyz"))
    assert answer.keys() == {
        "status",
        "database",
        "model",
        "modelLicense",
        "providersRequested",
        "providersObtained",
        "livenessModels",
        "search",
    }
    assert answer["search"] == {"rows": 0, "bytes": 0, "behind": 0, "problem": None}
    assert answer["status"] == answer["database"] == "ready"
    assert answer["model"].startswith("mobile_s@sha256:")
    assert answer["providersObtained"] == ["CPUExecutionProvider"]
