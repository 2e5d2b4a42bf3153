"""The pages that show the OpenAPI document, with their scripts from here: a closed network has no CDN."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.resources import files
from typing import Literal

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse, Response

TITLE = "Face enrollment and verification"

ASSETS = "docs/assets"
"""Addresses are relative, so that a proxy may put the service below any path."""

_CONTENT_TYPES = {"js": "text/javascript", "css": "text/css", "png": "image/png"}
_KEPT_SECONDS = 24 * 60 * 60

Asset = Literal["swagger-ui-bundle.js", "swagger-ui.css", "redoc.standalone.js", "favicon.png"]

router = APIRouter(include_in_schema=False)


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
    scripts = inline_sources(bytes(page.body).decode(), "script")
    page.headers["Content-Security-Policy"] = "; ".join(
        (
            "default-src 'none'",
            " ".join(["script-src 'self'", *scripts]),
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


def inline_sources(page: str, element: str) -> list[str]:
    """The contents of each such element without attributes, as a policy allows them: by their hashes."""
    contents = re.findall(f"<{element}>(.*?)</{element}>", page, re.DOTALL)
    digests = [hashlib.sha256(content.encode()).digest() for content in contents]
    return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
