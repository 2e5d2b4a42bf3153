"""What callers do, in one call each: photographs in, the answer out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from service.domain.face import Embedding

Photo = Path | bytes
PROBLEM = "application/problem+json"


def files(photos: Sequence[Photo]) -> list[tuple[str, tuple[str, bytes]]]:
    """The parts `images` of a multipart body."""
    contents = [photo if isinstance(photo, bytes) else photo.read_bytes() for photo in photos]
    return [("images", (f"{index}.png", content)) for index, content in enumerate(contents)]


@dataclass(frozen=True)
class CollectionClient:
    """Calls the service with one key, in one collection. `fields`: those of the contract."""

    http: httpx.Client
    collection: str

    def enroll(self, subject_id: str, *photos: Photo, **fields: Any) -> httpx.Response:
        return self._form("/enroll", photos, subjectId=subject_id, **fields)

    def verify(self, subject_id: str, *photos: Photo, **fields: Any) -> httpx.Response:
        return self._form("/verify", photos, subjectId=subject_id, **fields)

    def dedupe(self, *photos: Photo, **fields: Any) -> httpx.Response:
        return self._form("/dedupe", photos, **fields)

    def identify(self, *photos: Photo, **fields: Any) -> httpx.Response:
        return self._form("/identify", photos, **fields)

    def json(
        self, path: str, headers: dict[str, str] | None = None, **fields: Any
    ) -> httpx.Response:
        """A JSON body with this collection and `fields`."""
        body = {"collection": self.collection, **fields}
        return self.http.post(path, json=body, headers=headers)

    def given(self, path: str, embedding: Embedding, **fields: Any) -> httpx.Response:
        """`embedding` as the face source: no photograph, no inference."""
        return self.json(path, embedding=embedding.tolist(), **fields)

    def subject(self, subject_id: str) -> httpx.Response:
        return self.http.get(f"/admin/subjects/{subject_id}", params=self._where)

    def subjects(self, **query: Any) -> httpx.Response:
        return self.http.get("/admin/subjects", params={**self._where, **query})

    def delete(self, subject_id: str) -> httpx.Response:
        return self.http.delete(f"/admin/subjects/{subject_id}", params=self._where)

    def export(self, subject_id: str) -> httpx.Response:
        return self.http.get(f"/admin/subjects/{subject_id}/export", params=self._where)

    def withdraw_consent(self, subject_id: str) -> httpx.Response:
        return self.http.delete(f"/admin/subjects/{subject_id}/consent", params=self._where)

    def rename(self, subject_id: str, to: str) -> httpx.Response:
        path = f"/admin/subjects/{subject_id}/rename"
        return self.http.post(path, json={"to": to}, params=self._where)

    def merge(self, subject_id: str, other_id: str, **fields: Any) -> httpx.Response:
        body = {"from": other_id, **fields}
        return self.http.post(f"/admin/subjects/{subject_id}/merge", json=body, params=self._where)

    def unlock(self, subject_id: str) -> httpx.Response:
        return self.http.post(f"/admin/subjects/{subject_id}/unlock", params=self._where)

    def put(self, **settings: Any) -> httpx.Response:
        return self.http.put(f"/admin/collections/{self.collection}", json=settings)

    def embedding(self, *photos: Photo) -> list[float]:
        answer = self.http.post("/token/images", files=files(photos)).json()
        assert answer["success"], answer
        numbers: list[float] = answer["embedding"]
        return numbers

    @property
    def _where(self) -> dict[str, str]:
        return {"collection": self.collection}

    def _form(self, path: str, photos: Sequence[Photo], **fields: Any) -> httpx.Response:
        given = {"collection": self.collection, **fields}
        texts = {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in given.items()
        }
        return self.http.post(path, data=texts, files=files(photos))


def code(response: httpx.Response) -> tuple[int, str]:
    """Status and code of a problem document, which is looked at in passing."""
    document = response.json()
    assert response.headers["Content-Type"] == PROBLEM, response.text
    assert {"type", "title", "status", "detail", "code", "requestId"} <= document.keys()
    assert document.keys() <= {
        "type",
        "title",
        "status",
        "detail",
        "code",
        "requestId",
        "errors",
        "liveness",
    }
    assert document["status"] == response.status_code
    assert document["requestId"] == response.headers["X-Request-Id"]
    return response.status_code, document["code"]


def ok(response: httpx.Response, status: int = 200) -> dict[str, Any]:
    """The answer of a call that goes well."""
    assert response.status_code == status, response.text
    assert response.headers["X-Request-Id"]
    answer: dict[str, Any] = response.json()
    return answer
