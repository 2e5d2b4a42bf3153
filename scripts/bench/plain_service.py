"""What FastAPI and SQLAlchemy make of the same engine in an hour: the peer of `/verify` over HTTP.

A call looks its key up by the hash, embeds the photograph, reads the person's row, compares, writes a row with the
result and commits. Nothing is sealed, chained, locked, limited or proved. Photographs are analyzed as by the
service itself, by the same threads, graphs and bounds: what is compared is everything around that.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from datetime import datetime
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Depends, FastAPI, File, Form, HTTPException, Request, UploadFile
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel
from sqlalchemy import create_engine, func
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from service.config import AppConfig
from service.domain.errors import Overloaded
from service.domain.face import Embedding, FaceCrop, Uploads
from service.domain.thresholds import BALANCED
from service.wiring import Wiring

DATABASE_URL = "PLAIN_DATABASE_URL"
"""Environment variable; the engine's settings are the service's own."""

NUMBERS = np.dtype(np.float32)


class Base(DeclarativeBase):
    pass


class ApiKey(Base):
    __tablename__ = "plain_api_keys"
    key_hash: Mapped[bytes] = mapped_column(primary_key=True)
    name: Mapped[str]


class Person(Base):
    __tablename__ = "plain_people"
    subject_id: Mapped[str] = mapped_column(primary_key=True)
    template: Mapped[bytes]


class Result(Base):
    __tablename__ = "plain_results"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    caller: Mapped[str]
    subject_id: Mapped[str]
    similarity: Mapped[float]
    match: Mapped[bool]


class Enrolled(BaseModel):
    subjectId: str  # noqa: N815 - as the service spells it


class Answer(Enrolled):
    match: bool
    similarity: float
    threshold: float


class Faces:
    """The service's engine, one embedding a photograph."""

    def __init__(self, wiring: Wiring) -> None:
        self._engine, self._capture = wiring.engine, wiring.capture
        self.threshold = wiring.calibration.profile(BALANCED).threshold

    def embedding(self, photograph: bytes) -> Embedding:
        try:
            [found] = self._engine.detect(self._capture.stills(Uploads([photograph])))
        except Overloaded as refused:
            raise HTTPException(503, headers={"Retry-After": str(refused.retry_after)}) from refused
        if not isinstance(found, FaceCrop):
            raise HTTPException(422, str(found.reason))
        return self._engine.embed([found])[0].embedding


def caller_of(
    request: Request, bearer: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]
) -> str:
    with Session(request.app.state.database) as session:
        key = session.get(ApiKey, _hash(bearer.credentials))
        if key is None:
            raise HTTPException(401)
        return key.name


Caller = Annotated[str, Depends(caller_of)]
SubjectId = Annotated[str, Form(alias="subjectId")]
Photograph = Annotated[UploadFile, File(alias="images")]

router = APIRouter()


@router.get("/readyz")
def readyz() -> None:
    """Ready as soon as it answers."""


@router.post("/enroll", status_code=201, dependencies=[Depends(caller_of)])
def enroll(request: Request, subject_id: SubjectId, photo: Photograph) -> Enrolled:
    embedding = request.app.state.faces.embedding(photo.file.read())
    with Session(request.app.state.database) as session, session.begin():
        session.add(Person(subject_id=subject_id, template=embedding.astype(NUMBERS).tobytes()))
    return Enrolled(subjectId=subject_id)


@router.post("/verify")
def verify(request: Request, caller: Caller, subject_id: SubjectId, photo: Photograph) -> Answer:
    faces: Faces = request.app.state.faces
    embedding = faces.embedding(photo.file.read())  # while no connection waits for it
    with Session(request.app.state.database) as session, session.begin():
        person = session.get(Person, subject_id)
        if person is None:
            raise HTTPException(404)
        similarity = float(embedding @ np.frombuffer(person.template, NUMBERS))
        match = similarity >= faces.threshold
        session.add(
            Result(caller=caller, subject_id=subject_id, similarity=similarity, match=match)
        )
    return Answer(
        subjectId=subject_id, match=match, similarity=similarity, threshold=faces.threshold
    )


def create_app() -> FastAPI:
    """What uvicorn is given."""
    return app_with(Wiring(AppConfig()), os.environ[DATABASE_URL])


def app_with(wiring: Wiring, url: str) -> FastAPI:
    app = FastAPI()
    app.state.database = create_engine(url)
    app.state.faces = Faces(wiring)
    app.include_router(router)
    return app


def prepare(url: str) -> str:
    """Makes the tables in the database at `url`. Returns an API key."""
    database, key = create_engine(url), secrets.token_urlsafe(32)
    Base.metadata.create_all(database)
    with Session(database) as session, session.begin():
        session.add(ApiKey(key_hash=_hash(key), name="bench"))
    database.dispose()
    return key


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
