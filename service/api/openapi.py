"""The OpenAPI document beyond the types: an example for every call, and its two body forms.

And the pages that show it, with their scripts from here: a closed network has no CDN.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, Literal

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic.json_schema import models_json_schema

from service.api.models import Camel, ProblemAnswer
from service.api.problems import PROBLEM
from service.api.request_body import MOST_BYTES_WITHOUT_IMAGES
from service.api.settings import ApiSettings
from service.domain.face import EMBEDDING_SIZE

TITLE = "Face enrollment and verification"

ASSETS = "docs/assets"
"""Addresses are relative, so that a proxy may put the service below any path."""

_CONTENT_TYPES = {"js": "text/javascript", "css": "text/css", "png": "image/png"}
_KEPT_SECONDS = 24 * 60 * 60

Asset = Literal["swagger-ui-bundle.js", "swagger-ui.css", "redoc.standalone.js", "favicon.png"]

router = APIRouter(include_in_schema=False)

_SCHEMAS = "#/components/schemas/"


def _ref(shape: type[Camel]) -> dict[str, str]:
    return {"$ref": _SCHEMAS + shape.__name__}


def completed(
    document: dict[str, Any], bodies: Sequence[type[Camel]], settings: ApiSettings
) -> dict[str, Any]:
    """The generated `document` with what FastAPI does not see: the schemas of `bodies`, which our own
    dependencies read, and of problems, which handlers answer; with the limits of `settings`, and with
    examples made whole.
    """
    shapes: list[type[Camel]] = [*bodies, ProblemAnswer]
    _, definitions = models_json_schema(
        [(shape, "validation") for shape in shapes], ref_template=_SCHEMAS + "{model}"
    )
    schemas = document["components"]["schemas"]
    schemas.update(definitions["$defs"])
    for path in document["paths"].values():
        for operation in path.values():
            _add_size(operation.get("requestBody"), settings)
            for answer in operation["responses"].values():
                for content in answer.get("content", {}).values():
                    _add_nulls(content.get("example"), content.get("schema", {}), schemas)
    _limit_images(document, settings.max_images_per_request)
    return document


def _add_size(body: dict[str, Any] | None, settings: ApiSettings) -> None:
    if body is None:
        return
    with_images = "multipart/form-data" in body["content"]
    most = settings.max_body_bytes if with_images else MOST_BYTES_WITHOUT_IMAGES
    body["description"] = f"At most {most // 1024} KiB, in UTF-8."


_IMAGE = frozenset({"contentEncoding", "contentMediaType"})
"""What the schemas of photographs have and no others."""


def _limit_images(value: object, most: int) -> None:
    """Wherever the schema of `images` stands in `value`."""
    if isinstance(value, list):
        for each in value:
            _limit_images(each, most)
    if isinstance(value, dict):
        if _IMAGE.intersection(value.get("items", ())):
            value.setdefault("maxItems", most)
        for each in value.values():
            _limit_images(each, most)


def _add_nulls(value: object, schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> None:
    """FastAPI drops what is null from examples, where it is as much a part of the answer."""
    schema = schemas.get(schema.get("$ref", "").removeprefix(_SCHEMAS), schema)
    if isinstance(value, list):
        for each in value:
            _add_nulls(each, schema.get("items", {}), schemas)
    if isinstance(value, dict):
        for name, inner in schema.get("properties", {}).items():
            _add_nulls(value.setdefault(name, None), inner, schemas)


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": {PROBLEM: {"schema": _ref(ProblemAnswer)}}}


PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": _problem("The request cannot be carried out; `code` says why."),
    "5XX": _problem("The service cannot answer now."),
}

_EMBEDDING = [round(EMBEDDING_SIZE**-0.5, 6)] * EMBEDDING_SIZE
_SHORT_IMAGE = "/9j/4AAQSkZJRg=="
_SESSION = "0b6f9c1e-4f0a-4a53-9f61-6f6f0d7c1f0a"


def face_body(shape: type[Camel], **fields: object) -> dict[str, Any]:
    """A request body as multipart with photographs, or as JSON with any face source.

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
    return _body(_multipart(shape, fields), {"schema": _ref(shape), "examples": examples})


def images_body(
    shape: type[Camel], *others: Mapping[str, object], **fields: object
) -> dict[str, Any]:
    """A request body that is photographs, or in JSON one of the `others`. `fields`: as those of `face_body`."""
    sources = [{"images": [_SHORT_IMAGE]}, *others]
    examples = {name: {"value": {**fields, **source}} for source in sources for name in source}
    return _body(_multipart(shape, fields), {"schema": _ref(shape), "examples": examples})


def json_body(
    shape: type[Camel], value: Mapping[str, object], *, required: bool = True
) -> dict[str, Any]:
    """A request body that is JSON only, with an example."""
    content = {"application/json": {"schema": _ref(shape), "example": value}}
    return {"requestBody": {"required": required, "content": content}}


_BYTES = {"type": "string", "contentMediaType": "application/octet-stream"}
_JSON_SOURCES = frozenset({"embedding", "camera", "directory"})
_FORM_SOURCES = ("images", "livenessSession")


def _multipart(shape: type[Camel], fields: Mapping[str, object]) -> dict[str, Any]:
    """The fields of `shape` that a form has, as text, and the photographs as files."""
    whole = shape.model_json_schema(ref_template=_SCHEMAS + "{model}")
    texts = {
        name: _without_null(schema)
        for name, schema in whole["properties"].items()
        if name not in {*_JSON_SOURCES, "images"}
    }
    files = _files(_without_null(whole["properties"]["images"]))
    names = ["1.jpg", "2.jpg"][: files.get("maxItems")]
    form = {
        "type": "object",
        "additionalProperties": False,
        "required": [name for name in whole.get("required", ()) if name in texts],
        "properties": {**texts, "images": files},
        "oneOf": [{"required": [name]} for name in _FORM_SOURCES if name in whole["properties"]],
    }
    return {"schema": form, "example": {**fields, "images": names}}


def _files(images: Mapping[str, Any]) -> dict[str, Any]:
    """As the schema `images` of base64, where it says how many."""
    most = {"maxItems": images["maxItems"]} if "maxItems" in images else {}
    return {"type": "array", "minItems": 1, **most, "items": _BYTES}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A form's fields are there or not."""
    if "anyOf" not in schema:
        return schema
    kind, _ = schema["anyOf"]
    return {"title": schema["title"], **kind} if "title" in schema else dict(kind)


def _body(form: dict[str, Any], json: dict[str, Any]) -> dict[str, Any]:
    content = {"multipart/form-data": form, "application/json": json}
    return {"requestBody": {"required": True, "content": content}}


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


@router.get("/openapi.json")
def description(request: Request) -> JSONResponse:
    """Every call, for programs."""
    app: FastAPI = request.app
    return JSONResponse(app.openapi())


@router.get("/docs")
def swagger() -> HTMLResponse:
    """Every call, to be tried out."""
    page = get_swagger_ui_html(
        openapi_url="openapi.json",
        title=TITLE,
        swagger_js_url=f"{ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{ASSETS}/swagger-ui.css",
        swagger_favicon_url=f"{ASSETS}/favicon.png",
    )
    return _with_policy(page)


@router.get("/redoc")
def redoc() -> HTMLResponse:
    """Every call, to be read."""
    page = get_redoc_html(
        openapi_url="openapi.json",
        title=TITLE,
        redoc_js_url=f"{ASSETS}/redoc.standalone.js",
        redoc_favicon_url=f"{ASSETS}/favicon.png",
        with_google_fonts=False,
    )
    return _with_policy(page)


@router.get(f"/{ASSETS}/{{name}}")
def asset(name: Asset) -> Response:
    """One of the files of the two pages, as `fastapi_offline` packs them."""
    content = (files("fastapi_offline") / "static" / name).read_bytes()
    kept = {"Cache-Control": f"public, max-age={_KEPT_SECONDS}"}
    return Response(content, headers=kept, media_type=_CONTENT_TYPES[name.rpartition(".")[2]])


def _with_policy(page: HTMLResponse) -> HTMLResponse:
    """Scripts from here and the page's own, by their hashes; nothing from elsewhere.

    Both pages set styles from within scripts, Swagger UI has its icons in `data:`, and ReDoc
    searches in a worker that it makes of a `blob:`.
    """
    scripts = re.findall(r"<script>(.*?)</script>", bytes(page.body).decode(), re.DOTALL)
    page.headers["Content-Security-Policy"] = "; ".join(
        (
            "default-src 'none'",
            " ".join(["script-src 'self'", *_hashes(scripts)]),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "worker-src blob:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )
    return page


def _hashes(scripts: Sequence[str]) -> list[str]:
    digests = [hashlib.sha256(script.encode()).digest() for script in scripts]
    return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
