"""The pages for people, `/kiosk` and `/console`, as plain files over the public API, and where `/` leads.

All addresses in them are relative, so that a proxy may put the service below any path. They load
nothing from elsewhere and hold no key; what they may do in a browser stands in their headers.
"""

from __future__ import annotations

import mimetypes
from pathlib import Path

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import FileResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from service.api.settings import ApiSettings

FILES = Path(__file__).parents[1] / "pages"

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""Files from here, pictures that the page makes itself, and nothing written into the page."""

ONLY_CAMERA = "camera=(self), microphone=(), geolocation=(), display-capture=()"
NO_DEVICES = "camera=(), microphone=(), geolocation=(), display-capture=()"

REVALIDATED = "no-cache"
"""Kept, and asked about each time: after an upgrade no page runs with files of before."""

# Where a Windows registry calls it text/plain, browsers refuse to run it under `nosniff`.
mimetypes.add_type("text/javascript", ".js")

_files = StaticFiles(directory=FILES)

router = APIRouter(include_in_schema=False)


@router.get("/")
def start() -> Response:
    """Which pages there are."""
    return _page("start", NO_DEVICES)


@router.get("/kiosk")
def kiosk() -> Response:
    """A person before a camera is enrolled and verified."""
    return _page("kiosk", ONLY_CAMERA)


@router.get("/console")
def console() -> Response:
    """An operator sees and changes what there is."""
    return _page("console", NO_DEVICES)


@router.get("/kiosk/")
@router.get("/console/")
def without_slash(request: Request) -> Response:
    """To the page: relative addresses in it hold without the slash."""
    return RedirectResponse("../" + request.scope["route"].path.strip("/"))


def _page(name: str, devices: str) -> Response:
    headers = {
        "Cache-Control": REVALIDATED,
        "Content-Security-Policy": POLICY,
        "Permissions-Policy": devices,
    }
    return FileResponse(FILES / name / "index.html", headers=headers)


@router.get("/pages/{path:path}")
async def file(path: str, request: Request) -> Response:
    """A script, a style or a picture of the pages."""
    response = await _files.get_response(path, request.scope)
    response.headers["Cache-Control"] = REVALIDATED
    return response


docs_first = APIRouter(include_in_schema=False)


@docs_first.get("/")
def documentation() -> Response:
    """The documentation of the calls, where there are no pages."""
    return RedirectResponse("docs")


def add_pages(app: FastAPI, settings: ApiSettings) -> None:
    """The pages where they are wanted; `/` leads somewhere in any case."""
    if settings.pages:
        app.include_router(router)
    else:
        app.include_router(docs_first)
