"""Thresholds, bands and recommendations as the contract's tables have them."""

from __future__ import annotations

import pytest

from tests.contract.collection_client import CollectionClient, code, ok
from tests.domain.vectors import at_cosine, face_of

KIM = face_of("kim")

BANDS = [
    (0.52, "very_high"),
    (0.48, "high"),
    (0.42, "high"),
    (0.38, "borderline"),
    (0.32, "borderline"),
    (0.28, "low"),
    (0.22, "low"),
    (0.18, "very_low"),
    (-0.5, "very_low"),
]
BELOW_BALANCED = [(0.38, "recapture"), (0.32, "recapture"), (0.28, "deny"), (0.18, "deny")]


@pytest.fixture
def enrolled(client: CollectionClient) -> CollectionClient:
    ok(client.given("/enroll", KIM, subjectId="kim"), 201)
    return client


@pytest.mark.parametrize(("cosine", "band"), BANDS)
def test_band_of_a_similarity(enrolled: CollectionClient, cosine: float, band: str) -> None:
    answer = ok(enrolled.given("/verify", at_cosine(KIM, cosine), subjectId="kim"))
    assert answer["similarity"] == pytest.approx(cosine, abs=0.001)
    assert answer["band"] == band


@pytest.mark.parametrize(("cosine", "recommendation"), BELOW_BALANCED)
def test_recommendation_below_the_threshold(
    enrolled: CollectionClient, cosine: float, recommendation: str
) -> None:
    answer = ok(enrolled.given("/verify", at_cosine(KIM, cosine), subjectId="kim"))
    assert (answer["match"], answer["recommendation"]) == (False, recommendation)


@pytest.mark.parametrize(
    ("profile", "threshold"), [("conservative", 0.45), ("balanced", 0.40), ("aggressive", 0.30)]
)
def test_profile_has_its_threshold(
    enrolled: CollectionClient, profile: str, threshold: float
) -> None:
    above, below = at_cosine(KIM, threshold + 0.01), at_cosine(KIM, threshold - 0.01)
    allowed = ok(enrolled.given("/verify", above, subjectId="kim", profile=profile))
    refused = ok(enrolled.given("/verify", below, subjectId="kim", profile=profile))
    assert (allowed["threshold"], allowed["profile"]) == (threshold, profile)
    assert (allowed["match"], allowed["recommendation"]) == (True, "allow")
    assert refused["match"] is False


@pytest.mark.parametrize("path", ["/verify", "/dedupe", "/identify", "/enroll"])
def test_unknown_profile(enrolled: CollectionClient, path: str) -> None:
    subject = {"subjectId": "kim"} if path == "/verify" else {}
    subject |= {"subjectId": "lee"} if path == "/enroll" else {}
    refusal = enrolled.given(path, face_of("lee"), profile="strictest", **subject)
    assert code(refusal) == (404, "profile_not_found")


def test_search_names_as_many_as_asked_for_most_similar_first(client: CollectionClient) -> None:
    for number, cosine in enumerate((0.6, 0.9, 0.7)):
        face = at_cosine(KIM, cosine, str(number))
        ok(client.given("/enroll", face, subjectId=f"s{number}", onDuplicate="allow"), 201)
    found = ok(client.given("/identify", KIM, limit=2))
    assert [one["subjectId"] for one in found["candidates"]] == ["s1", "s2"]
    assert found["searched"] == 3


def test_search_bands_its_candidates(enrolled: CollectionClient) -> None:
    answer = ok(enrolled.given("/dedupe", at_cosine(KIM, 0.35), profile="aggressive"))
    assert (answer["profile"], answer["threshold"]) == ("aggressive", 0.3)
    assert answer["candidates"][0]["band"] == "borderline"


@pytest.mark.parametrize("limit", [0, 101, "ten", 1.5])
def test_limit_is_checked(enrolled: CollectionClient, limit: object) -> None:
    assert code(enrolled.given("/identify", KIM, limit=limit)) == (400, "invalid_request")
