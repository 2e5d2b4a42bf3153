"""What a route says of itself in the OpenAPI document beyond its types: the bodies that it takes, an example of
each and of its answer, and the errors that are its own.

What can be told from the whole document, `document` adds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from service.api.models import Camel, one_of
from service.api.problem_answer import ProblemAnswer
from service.api.problems import PROBLEM, status_of
from service.domain.errors import FaceError
from service.domain.face import EMBEDDING_SIZE

SCHEMAS = "#/components/schemas/"


def schema_of(shape: type[Camel]) -> dict[str, Any]:
    """With all that it refers to in `$defs`; in the document each stands once, by its title."""
    return shape.model_json_schema(ref_template=SCHEMAS + "{model}")


_REFERENCE = {"$ref": SCHEMAS + ProblemAnswer.__name__}
"""`document` has the shape once: in each of hundreds of answers it would cost seconds at the first call."""


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": {PROBLEM: {"schema": _REFERENCE}}}


PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": _problem("The request cannot be carried out; `code` says why."),
    "5XX": _problem("The service cannot answer now."),
}


def refusals(*kinds: type[FaceError]) -> dict[int | str, dict[str, Any]]:
    """The documented errors of a call beyond those that its fields bring with them, by status."""
    codes = defaultdict(set)
    for kind in kinds:
        codes[status_of(kind)].add(kind.code)
    return {status: _problem(shown_codes(codes[status])) for status in sorted(codes)}


def shown_codes(codes: Iterable[str]) -> str:
    return ", ".join(f"`{code}`" for code in sorted(codes))


_EMBEDDING = [round(EMBEDDING_SIZE**-0.5, 6)] * EMBEDDING_SIZE
_SHORT_IMAGE = "/9j/4AAQSkZJRg=="
_SESSION = "0b6f9c1e-4f0a-4a53-9f61-6f6f0d7c1f0a"


def face_body(shape: type[Camel], **fields: object) -> dict[str, Any]:
    """A request body as JSON with any face source, or as multipart with photographs.

    `fields`: example values of the other fields, by their JSON names.
    """
    sources = {
        "images": ("Photographs in base64", [_SHORT_IMAGE]),
        "embedding": ("512 numbers of the served model; scope `embedding` as well", _EMBEDDING),
        "camera": ("The service's own camera", {"maxFrames": 5}),
        "directory": ("A folder below image_roots", {"dirPath": "faces/user1", "maxImages": 5}),
        "livenessSession": ("The frontal frame of a liveness session", _SESSION),
    }
    examples = {
        name: {"summary": summary, "value": {**fields, name: value}}
        for name, (summary, value) in sources.items()
    }
    return _body(shape, examples, fields)


def images_body(
    shape: type[Camel], *others: Mapping[str, object], **fields: object
) -> dict[str, Any]:
    """A request body that is photographs, or in JSON one of the `others`. `fields`: as those of `face_body`."""
    sources = [{"images": [_SHORT_IMAGE]}, *others]
    examples = {name: {"value": {**fields, **source}} for source in sources for name in source}
    return _body(shape, examples, fields)


def json_body(
    shape: type[Camel], value: Mapping[str, object], *, required: bool = True
) -> dict[str, Any]:
    """A request body that is JSON only, with an example."""
    content = {"application/json": {"schema": schema_of(shape), "example": value}}
    return {"requestBody": {"required": required, "content": content}}


def change_body(shape: type[Camel], value: Mapping[str, object]) -> dict[str, Any]:
    """The body of a `PATCH`, with an example. It has no defaults, which clients that are generated would send:
    what the caller does not name would be set back by them.
    """
    body = json_body(shape, value)
    schema = body["requestBody"]["content"]["application/json"]["schema"]
    schema["title"] = f"{shape.__name__.removesuffix('Body')}Change"
    for field in schema["properties"].values():
        field.pop("default", None)
    return body


def _body(
    shape: type[Camel], examples: Mapping[str, object], fields: Mapping[str, object]
) -> dict[str, Any]:
    """JSON before multipart: some generators of clients take the first and no other."""
    content = {
        "application/json": {"schema": schema_of(shape), "examples": examples},
        "multipart/form-data": _multipart(shape, fields),
    }
    return {"requestBody": {"required": True, "content": content}}


FILE = {"type": "string", "format": "binary"}
"""OpenAPI 3.0's word, which generators know; that of 3.1, `contentMediaType`, they take for text."""

_JSON_SOURCES = frozenset({"embedding", "camera", "directory"})
_FORM_SOURCES = ("images", "livenessSession")


def _multipart(shape: type[Camel], fields: Mapping[str, object]) -> dict[str, Any]:
    """The fields of `shape` that a form has, as text, and the photographs as files."""
    form = schema_of(shape)
    form["title"] = f"{shape.__name__.removesuffix('Body')}Form"
    form["properties"] = {
        name: _files(without_null(schema)) if name == "images" else without_null(schema)
        for name, schema in form["properties"].items()
        if name not in _JSON_SOURCES
    }
    form.pop("if", None)
    form.pop("then", None)
    sources = [name for name in _FORM_SOURCES if name in form["properties"]]
    required = [name for name in form.get("required", ()) if name not in sources]
    if len(sources) == 1:
        form["required"] = required + sources
    else:
        form |= {"required": required, **one_of(*({"required": [name]} for name in sources))}
    names = ["1.jpg", "2.jpg"][: form["properties"]["images"].get("maxItems")]
    return {"schema": form, "example": {**fields, "images": names}}


def _files(images: Mapping[str, Any]) -> dict[str, Any]:
    """As the schema `images` of base64, where it says how many."""
    most = {"maxItems": images["maxItems"]} if "maxItems" in images else {}
    return {"type": "array", "minItems": 1, **most, "items": FILE}


def without_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters and fields of a form are there or not."""
    if "anyOf" not in schema:
        return dict(schema)
    kind, _ = schema["anyOf"]
    return {**{name: schema[name] for name in schema if name not in ("anyOf", "default")}, **kind}


QUALITY_EXAMPLE = {
    "sharpness": 0.187,
    "brightness": 118.3,
    "overexposure": 0.002,
    "roll": -2.1,
    "norm": 21.4,
    "features": 0.244,
}
IMAGE_EXAMPLE = {
    "index": 0,
    "accepted": True,
    "reason": None,
    "advice": None,
    "detectionScore": 0.87,
    "quality": QUALITY_EXAMPLE,
    "ignoredFaces": 0,
}


def example(value: object, status: int = 200) -> dict[int | str, dict[str, Any]]:
    """The documented answer of a call that goes well."""
    return {status: {"content": {"application/json": {"example": value}}}}
