"""One call as a value: what is sent, and what may be done when it fails. Clients send it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import quote

from face_client.photos import Camera, Directory, Embedding, Face, LivenessSession, contents_of

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Call(Generic[Answer]):
    """`repeatable`: done twice it is as done once, so that a lost answer may be asked for again.
    `accepted`: statuses beside 2xx that bring an answer.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Mapping[str, Any] | None = field(default=None, repr=False)
    form: Mapping[str, Any] | None = field(default=None, repr=False)
    photos: Sequence[bytes] = field(default=(), repr=False)
    repeatable: bool = True
    accepted: Sequence[int] = ()

    def request(self) -> dict[str, Any]:
        """The arguments of `httpx.Client.build_request`, without what is not given."""
        body: dict[str, Any] = {"json": self.json} if self.json is not None else {}
        if self.form is not None:
            body = {"data": self.form, "files": _parts(self.photos)}
        return {
            "method": self.method,
            "url": self.path,
            "params": given(**self.query),
            "headers": dict(self.headers),
            **body,
        }


def _parts(photos: Sequence[bytes]) -> list[tuple[str, tuple[str, bytes]]]:
    """Without the files' own names, which may tell who is on them."""
    return [("images", (str(number), photo)) for number, photo in enumerate(photos)]


def given(**fields: object) -> dict[str, Any]:
    """Those that are not None."""
    return {name: value for name, value in fields.items() if value is not None}


def path(*parts: str) -> str:
    """An address of these parts, whatever they hold. Raises `ValueError` for those that name nothing."""
    for part in parts:
        if part in ("", ".", ".."):
            raise ValueError(f"{part!r} names nothing")
    return "".join("/" + quote(part, safe="") for part in parts)


def moment(value: datetime | str | None) -> str | None:
    """RFC 3339. Raises `ValueError` for a time of no zone."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone: datetime.now(UTC)")
        return value.isoformat()
    return value


def face_fields(face: Face, **fields: object) -> dict[str, Any]:
    """The body of a call about a face, as arguments of `Call`: photographs make it a form."""
    if isinstance(face, (Embedding, Camera, Directory, LivenessSession)):
        return {"json": {**given(**fields), **face.fields()}}
    texts = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in given(**fields).items()
    }
    return {"form": texts, "photos": contents_of(face)}
