"""What `/docs` shows beyond the types: an example for every call, and its two body forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.api.answers import ProblemAnswer

PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "description": "The request cannot be carried out; `code` says why.",
        "model": ProblemAnswer,
    },
    "5XX": {"description": "The service cannot answer now.", "model": ProblemAnswer},
}

_SHORT_EMBEDDING = [0.0123, -0.0456, 0.0789]
_SHORT_IMAGE = "/9j/4AAQSkZJRg..."


def face_body(**fields: object) -> dict[str, Any]:
    """A request body as multipart with photographs, or as JSON with any face source.

    `fields`: example values of the other fields, by their JSON names.
    """
    sources = {
        "images": ("Photographs in base64", [_SHORT_IMAGE]),
        "embedding": ("512 numbers of the served model, shortened here", _SHORT_EMBEDDING),
        "camera": ("The service's own camera", {"maxFrames": 5}),
        "directory": ("A folder below image_roots", {"dirPath": "faces/user1", "maxImages": 5}),
    }
    examples = {
        name: {"summary": summary, "value": {**fields, name: value}}
        for name, (summary, value) in sources.items()
    }
    return _body(fields, examples)


def images_body() -> dict[str, Any]:
    """A request body that is photographs and nothing else."""
    summary = "Photographs in base64"
    return _body({}, {"images": {"summary": summary, "value": {"images": [_SHORT_IMAGE]}}})


def _body(fields: Mapping[str, object], json_examples: dict[str, Any]) -> dict[str, Any]:
    files = {"type": "array", "items": {"type": "string", "format": "binary"}}
    texts = {name: {"type": "string", "examples": [value]} for name, value in fields.items()}
    form = {"type": "object", "required": ["images"], "properties": {**texts, "images": files}}
    return {
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {"schema": form, "example": fields},
                "application/json": {"schema": {"type": "object"}, "examples": json_examples},
            },
        }
    }


def example(value: object, status: int = 200) -> dict[int | str, dict[str, Any]]:
    """The documented answer of a call that goes well."""
    return {status: {"content": {"application/json": {"example": value}}}}
