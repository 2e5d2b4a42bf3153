"""What a request's body may be, and what it never prints."""

from __future__ import annotations

import base64
import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from service.api.routes.enroll import EnrollBody
from service.api.routes.search import SearchBody
from service.api.routes.verify import VerifyBody
from service.domain.face import (
    CameraFrames,
    DirectoryImages,
    GivenEmbedding,
    ProvenFrame,
    Uploads,
)
from service.usecases.enrollment import Mode

SESSION = "0b6f9c1e-4f0a-4a53-9f61-6f6f0d7c1f0a"
KIM: dict[str, Any] = {"subjectId": "kim", "embedding": [1.0]}
json_objects = st.dictionaries(
    st.text(max_size=5),
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3),
        max_leaves=5,
    ),
    max_size=4,
)


def enroll(**fields: object) -> EnrollBody:
    return EnrollBody.model_validate_json(json.dumps({**KIM, **fields}))


def test_defaults() -> None:
    body = enroll()
    assert (body.collection, body.mode, body.on_duplicate) == ("default", Mode.CREATE, None)
    assert (body.profile, body.metadata) == (None, None)


@given(json_objects)
def test_metadata_is_kept_as_it_is(metadata: dict[str, Any]) -> None:
    assert enroll(metadata=metadata).metadata == metadata


@given(json_objects)
def test_metadata_of_a_form_means_the_same(metadata: dict[str, Any]) -> None:
    form = {"subjectId": "kim", "images": [b"x"], "metadata": json.dumps(metadata)}
    assert EnrollBody.model_validate(form).metadata == metadata


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_metadata_has_only_numbers_that_json_has(text: str) -> None:
    with pytest.raises(ValidationError):
        EnrollBody.model_validate_json(
            f'{{"subjectId": "kim", "embedding": [1], "metadata": {{"a": {text}}}}}'
        )


def test_sources() -> None:
    image = base64.b64encode(b"photograph").decode()
    sources = [
        ({"images": [image]}, Uploads([b"photograph"])),
        ({"embedding": [0.5, 1]}, GivenEmbedding([0.5, 1.0])),
        ({"camera": {}}, CameraFrames(3)),
        ({"camera": {"maxFrames": 7}}, CameraFrames(7)),
        ({"directory": {"dirPath": "d"}}, DirectoryImages("d", 4)),
        ({"directory": {"dirPath": "d", "maxImages": 9}}, DirectoryImages("d", 9)),
        ({"livenessSession": SESSION}, ProvenFrame(UUID(SESSION))),
    ]
    for fields, source in sources:
        body = SearchBody.model_validate_json(json.dumps(fields))
        assert body.source(max_frames=3, max_images=4) == source


def test_form_may_name_a_session() -> None:
    body = VerifyBody.model_validate({"subjectId": "kim", "livenessSession": SESSION, "images": []})
    assert body.source(max_frames=3, max_images=4) == ProvenFrame(UUID(SESSION))


def test_body_never_prints_a_face() -> None:
    image = base64.b64encode(b"photograph").decode()
    bodies = [
        enroll(metadata={"secret": "words"}),
        VerifyBody.model_validate_json(json.dumps({"subjectId": "kim", "images": [image]})),
    ]
    for body in bodies:
        assert "photograph" not in repr(body)
        assert "1.0" not in repr(body)
        assert "words" not in repr(body)


@given(st.text(max_size=8).filter(lambda text: not text.isascii() or not text.isalnum()))
def test_mode_is_one_of_three(mode: str) -> None:
    with pytest.raises(ValidationError):
        enroll(mode=mode)
