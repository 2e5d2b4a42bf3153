"""What a thief gets who takes the whole database: a dump, made by PostgreSQL's own program."""

from __future__ import annotations

import base64
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from service.domain.callers import LOCAL_USER
from service.domain.face import Embedding, Uploads
from service.storage.embedded_programs import programs
from service.usecases.enrollment import EnrollRequest
from service.wiring import Wiring

MOST_COSINE = 0.3
"""Between a stolen search vector and any real embedding; strangers' embeddings reach as much."""


def note(name: str) -> str:
    """Metadata."""
    return f"note-on-{name}-0123456789"


_VECTOR = re.compile(r"\[(-?[0-9.e+-]+(?:,-?[0-9.e+-]+){511})\]")


@pytest.fixture(scope="module")
def embeddings(service: Wiring, people: dict[str, list[Path]]) -> list[Embedding]:
    """Eight people's templates, as they were before they were enrolled; all are enrolled."""
    enrolled = []
    for name, photographs in people.items():
        source = Uploads([path.read_bytes() for path in photographs[:3]])
        enrolled.append(service.sampler.probe(source).embedding)
        service.enroll(
            EnrollRequest(name, source, "default", LOCAL_USER, metadata={"note": note(name)})
        )
    return enrolled


@pytest.fixture(scope="module")
def dump(module_database_url: str, embeddings: Sequence[Embedding]) -> str:
    """Everything there is in the database, as text; `embeddings` are enrolled."""
    address = module_database_url.replace("postgresql+psycopg://", "postgresql://")
    result = subprocess.run([programs() / "pg_dump", address], capture_output=True, check=True)
    return result.stdout.decode()


def stolen_vectors(dump: str) -> NDArray[np.float64]:
    return np.array([match.split(",") for match in _VECTOR.findall(dump)], dtype=np.float64)


def test_a_dump_holds_one_search_vector_for_each_person(
    dump: str, embeddings: Sequence[Embedding]
) -> None:
    assert stolen_vectors(dump).shape == (len(embeddings), 512)


def test_a_dump_contains_no_embedding_in_any_encoding(
    dump: str, embeddings: Sequence[Embedding]
) -> None:
    for embedding in embeddings:
        for plain in (embedding.tobytes(), embedding.astype(np.float16).tobytes()):
            assert plain[:16].hex() not in dump
            assert base64.b64encode(plain[:15]).decode() not in dump
        numbers = [f"{number:.4f}".rstrip("0") for number in embedding[:4]]
        assert ",".join(numbers) not in dump


def test_no_stolen_search_vector_resembles_a_real_embedding(
    dump: str, embeddings: Sequence[Embedding]
) -> None:
    cosines = stolen_vectors(dump) @ np.stack(embeddings).T.astype(np.float64)
    assert np.abs(cosines).max() < MOST_COSINE


def test_stolen_search_vectors_do_match_among_themselves(
    dump: str, embeddings: Sequence[Embedding]
) -> None:
    """What makes the search work, and what the threat model has to admit."""
    stolen, real = stolen_vectors(dump), np.stack(embeddings).astype(np.float64)
    assert np.sort((stolen @ stolen.T).ravel()) == pytest.approx(
        np.sort((real @ real.T).ravel()), abs=0.01
    )


def test_a_dump_contains_no_metadata(dump: str, people: dict[str, list[Path]]) -> None:
    """Neither as text nor as `bytea` is written."""
    for name in people:
        assert note(name) not in dump
        assert note(name).encode().hex() not in dump
