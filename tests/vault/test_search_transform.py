"""The search transform keeps every cosine and hides every vector."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import combinations
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.face import EMBEDDING_SIZE, Embedding
from service.domain.template import cosine_similarity, normalize
from service.vault.cipher import KEY_BYTES
from service.vault.master_key import MasterKey
from service.vault.vault import Vault, search_transform

UNRELATED = 0.3
"""Cosine that two random directions in 512 dimensions do not reach: 6.8 standard deviations."""

NOW = datetime(2026, 1, 2, tzinfo=UTC)

secrets = st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES)


def _embeddings(seed: int, count: int, dimensions: int = EMBEDDING_SIZE) -> list[Embedding]:
    vectors = np.zeros((count, EMBEDDING_SIZE))
    vectors[:, :dimensions] = np.random.default_rng(seed).normal(size=(count, dimensions))
    return [normalize(vector) for vector in vectors]


@settings(max_examples=10, deadline=None)
@given(secrets)
def test_search_transform_is_orthogonal(secret: bytes) -> None:
    matrix = search_transform(secret).astype(np.float64)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(EMBEDDING_SIZE), atol=1e-6)


@settings(max_examples=10, deadline=None)
@given(secrets, st.integers(0, 2**32 - 1), st.sampled_from([128, EMBEDDING_SIZE]))
def test_cosines_are_kept(secret: bytes, seed: int, dimensions: int) -> None:
    matrix = search_transform(secret)
    for a, b in combinations(_embeddings(seed, 4, dimensions), 2):
        assert cosine_similarity(matrix @ a, matrix @ b) == pytest.approx(
            cosine_similarity(a, b), abs=1e-5
        )


@settings(max_examples=5, deadline=None)
@given(secrets)
def test_same_secret_gives_the_same_transform(secret: bytes) -> None:
    np.testing.assert_array_equal(search_transform(secret), search_transform(secret))


def test_search_transform_never_changes_between_versions() -> None:
    """Stored search vectors were made with it. LAPACKs differ in the last digits only."""
    corner = search_transform(bytes(KEY_BYTES))[:2, :3]
    expected = [[0.0430485, -0.04506643, -0.03635102], [-0.02447645, -0.03878129, -0.02994685]]
    np.testing.assert_allclose(corner, expected, atol=1e-6)


@settings(max_examples=10, deadline=None)
@given(secrets, secrets)
def test_transforms_of_two_secrets_are_unrelated(first: bytes, second: bytes) -> None:
    vector = _embeddings(1, 1)[0]
    similarity = cosine_similarity(
        search_transform(first) @ vector, search_transform(second) @ vector
    )
    assert first == second or abs(similarity) < UNRELATED


def test_search_vector_resembles_no_embedding() -> None:
    vault, collection_id = Vault(MasterKey(bytes(KEY_BYTES))), uuid4()
    key = vault.unlock(collection_id, vault.new_keys(collection_id, NOW).active)
    embeddings = _embeddings(2, 20)
    for searched in embeddings:
        found = key.to_search_space(searched).values
        assert all(abs(cosine_similarity(found, other)) < UNRELATED for other in embeddings)


def test_search_vector_is_float32_of_norm_one() -> None:
    vault, collection_id = Vault(MasterKey(bytes(KEY_BYTES))), uuid4()
    key = vault.unlock(collection_id, vault.new_keys(collection_id, NOW).active)
    values = key.to_search_space(_embeddings(3, 1)[0]).values
    assert values.dtype == np.float32
    assert np.linalg.norm(values) == pytest.approx(1.0, abs=1e-5)


def test_many_at_once_are_transformed_as_each_one_is() -> None:
    vault, collection_id = Vault(MasterKey(bytes(KEY_BYTES))), uuid4()
    key = vault.unlock(collection_id, vault.new_key(collection_id))
    embeddings = np.stack(_embeddings(1, 20))
    for one, rotated in zip(embeddings, key.all_to_search_space(embeddings), strict=True):
        np.testing.assert_allclose(rotated, key.to_search_space(one).values, atol=1e-6)
        assert rotated.dtype == np.float32
