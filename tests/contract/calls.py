"""One call of every route that needs a key, with the scope that it asks for."""

from __future__ import annotations

from typing import Any

import httpx

from service.domain.callers import Scope
from tests.contract.installation import Server
from tests.domain.vectors import face_of

FACE = {"embedding": face_of("kim").tolist()}
KIM = {"subjectId": "kim", **FACE}

CALLS: dict[str, tuple[Scope, str, str, Any]] = {
    "camera": (Scope.TOKEN, "POST", "/token/camera", {}),
    "directory": (Scope.TOKEN, "POST", "/token/directory", {"dirPath": "/"}),
    "images": (Scope.TOKEN, "POST", "/token/images", {"images": [""]}),
    "enroll": (Scope.ENROLL, "POST", "/enroll", KIM),
    "verify": (Scope.VERIFY, "POST", "/verify", KIM),
    "dedupe": (Scope.SEARCH, "POST", "/dedupe", FACE),
    "identify": (Scope.SEARCH, "POST", "/identify", FACE),
    "list": (Scope.ADMIN, "GET", "/admin/subjects", None),
    "show": (Scope.ADMIN, "GET", "/admin/subjects/kim", None),
    "delete": (Scope.ADMIN, "DELETE", "/admin/subjects/kim", None),
    "export": (Scope.ADMIN, "GET", "/admin/subjects/kim/export", None),
    "withdraw consent": (Scope.ADMIN, "DELETE", "/admin/subjects/kim/consent", None),
    "rename": (Scope.ADMIN, "POST", "/admin/subjects/kim/rename", {"to": "lee"}),
    "merge": (Scope.ADMIN, "POST", "/admin/subjects/kim/merge", {"from": "lee"}),
    "unlock": (Scope.ADMIN, "POST", "/admin/subjects/kim/unlock", None),
    "put collection": (Scope.ADMIN, "PUT", "/admin/collections/default", {}),
    "change collection": (Scope.ADMIN, "PATCH", "/admin/collections/default", {}),
    "list collections": (Scope.ADMIN, "GET", "/admin/collections", None),
    "show collection": (Scope.ADMIN, "GET", "/admin/collections/default", None),
    "audit": (Scope.ADMIN, "GET", "/admin/audit", None),
    "delete collection": (Scope.ADMIN, "DELETE", "/admin/collections/default", None),
    "metrics": (Scope.ADMIN, "GET", "/metrics", None),
}


def call(server: Server, name: str, headers: dict[str, str]) -> httpx.Response:
    _, method, path, body = CALLS[name]
    with server.client() as http:
        return http.request(method, path, json=body, headers=headers)
