"""Every call of the service, as a function that makes a `Call`. `FaceClient` and `AsyncFaceClient` have
them as methods, by the names of the service's own operations.

`collection`: where it is None, the service's `default`. `profile`, `faces`: where None, the collection's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import uuid4

from face_client import answers
from face_client.call import Call, face_fields, given, moment, path
from face_client.photos import Camera, Face, Photo, Photos, contents_of


def token_from_camera(
    max_frames: int | None = None, *, faces: answers.Faces | None = None
) -> Call[answers.Token]:
    """The embedding of whoever stands before the service's camera."""
    return Call("POST", "/token/camera", json=given(maxFrames=max_frames, faces=faces))


def token_from_directory(
    dir_path: str, *, max_images: int | None = None, faces: answers.Faces | None = None
) -> Call[answers.Token]:
    """The embedding of the photographs in a folder of the service's machine."""
    body = given(dirPath=dir_path, maxImages=max_images, faces=faces)
    return Call("POST", "/token/directory", json=body)


def token_from_images(images: Photos, *, faces: answers.Faces | None = None) -> Call[answers.Token]:
    """The embedding of photographs of one person."""
    return Call("POST", "/token/images", **face_fields(images, faces=faces))


def check(image: Photo, *, faces: answers.Faces | None = None) -> Call[answers.Check]:
    """Whether a picture would do, before anybody is asked to verify with it."""
    return Call("POST", "/check", **face_fields(image, faces=faces))


def enroll(
    subject_id: str,
    face: Face,
    *,
    collection: str | None = None,
    mode: Literal["create", "add", "replace"] | None = None,
    on_duplicate: answers.DuplicatePolicy | None = None,
    profile: str | None = None,
    faces: answers.Faces | None = None,
    consent_reference: str | None = None,
    expires_at: datetime | str | None = None,
    metadata: Mapping[str, Any] | None = None,
    idempotency_key: str | None = None,
) -> Call[answers.Enrollment]:
    """Enroll a person, unless somebody enrolled already looks the same: `DuplicateSubject`.

    `idempotency_key`: under the same one a later call returns the first answer. Where it is None, the
    tries of this call share one.
    """
    body = face_fields(
        face,
        subjectId=subject_id,
        collection=collection,
        mode=mode,
        onDuplicate=on_duplicate,
        profile=profile,
        faces=faces,
        consentReference=consent_reference,
        expiresAt=moment(expires_at),
        metadata=metadata,
    )
    headers = {"Idempotency-Key": idempotency_key or uuid4().hex}
    return Call("POST", "/enroll", headers=headers, **body)


def verify(
    subject_id: str,
    face: Face,
    *,
    collection: str | None = None,
    profile: str | None = None,
    faces: answers.Faces | None = None,
) -> Call[answers.Verification]:
    """Whether this is the person they say they are. A "no" is an answer: `match` is False."""
    body = face_fields(
        face, subjectId=subject_id, collection=collection, profile=profile, faces=faces
    )
    return Call("POST", "/verify", **body)


def dedupe(
    face: Face,
    *,
    collection: str | None = None,
    profile: str | None = None,
    faces: answers.Faces | None = None,
    limit: int | None = None,
) -> Call[answers.DuplicateCheck]:
    """Whether this person is enrolled, under whatever name."""
    body = face_fields(face, collection=collection, profile=profile, faces=faces, limit=limit)
    return Call("POST", "/dedupe", **body)


def identify(
    face: Face,
    *,
    collection: str | None = None,
    profile: str | None = None,
    faces: answers.Faces | None = None,
    limit: int | None = None,
) -> Call[answers.Identification]:
    """Whose face this is."""
    body = face_fields(face, collection=collection, profile=profile, faces=faces, limit=limit)
    return Call("POST", "/identify", **body)


def begin_session(
    purpose: Literal["verify", "enroll", "search"],
    *,
    subject_id: str | None = None,
    collection: str | None = None,
) -> Call[answers.Session]:
    """Begin a liveness session: a random challenge, for one use within 90 seconds."""
    body = given(purpose=purpose, collection=collection, subjectId=subject_id)
    return Call("POST", "/liveness/sessions", json=body)


def take_frames(session_id: str, step: int, frames: Photos | Camera) -> Call[answers.Frames]:
    """Send the frames of one step, in the order in which they were taken, or let the service's camera take them."""
    where = path("liveness", "sessions", session_id, "frames")
    if isinstance(frames, Camera):
        return Call("POST", where, json={"step": step, "camera": {}}, repeatable=False)
    form = {"step": str(step)}
    return Call("POST", where, form=form, photos=contents_of(frames), repeatable=False)


def list_subjects(
    *, collection: str | None = None, limit: int | None = None, cursor: str | None = None
) -> Call[answers.SubjectList]:
    """Who is enrolled, by their ids, a page at a time: `cursor` is the `nextCursor` of the page before."""
    query = {"collection": collection, "limit": limit, "cursor": cursor}
    return Call("GET", "/admin/subjects", query=query)


def show_subject(subject_id: str, *, collection: str | None = None) -> Call[answers.Subject]:
    """One person, without vectors."""
    return Call("GET", _subject(subject_id), query={"collection": collection})


def export_subject(
    subject_id: str, *, collection: str | None = None
) -> Call[answers.SubjectExport]:
    """Everything that is held about a person, vectors included."""
    return Call("GET", _subject(subject_id, "export"), query={"collection": collection})


def delete_subject(subject_id: str, *, collection: str | None = None) -> Call[answers.Erasure]:
    """Forget a person."""
    return _forgotten(_subject(subject_id), collection)


def withdraw_consent(subject_id: str, *, collection: str | None = None) -> Call[answers.Erasure]:
    """Forget a person who takes their consent back."""
    return _forgotten(_subject(subject_id, "consent"), collection)


def rename_subject(
    subject_id: str, to: str, *, collection: str | None = None
) -> Call[answers.ChangedSubject]:
    """Give a person another id."""
    return _changed(subject_id, "rename", collection, {"to": to})


def merge_subject(
    subject_id: str, from_: str, *, force: bool = False, collection: str | None = None
) -> Call[answers.ChangedSubject]:
    """Take the photographs of `from_`, who is the same person, over to `subject_id`; `from_` is gone then.

    `force`: also where the two do not look the same, or were decided to be different people.
    """
    return _changed(subject_id, "merge", collection, {"from": from_, "force": force})


def unlock_subject(
    subject_id: str, *, collection: str | None = None
) -> Call[answers.ChangedSubject]:
    """Open a person who was locked after too many refusals."""
    return _changed(subject_id, "unlock", collection, None)


def list_duplicates(
    *,
    collection: str | None = None,
    status: Literal["open", "resolved"] | None = None,
    limit: int | None = None,
    cursor: str | None = None,
) -> Call[answers.DuplicateList]:
    """Those whom `on_duplicate="flag"` has flagged, newest first; where `status` is None, those to decide."""
    query = {"collection": collection, "status": status, "limit": limit, "cursor": cursor}
    return Call("GET", "/admin/duplicates", query=query)


def resolve_duplicate(
    duplicate_id: str,
    decision: answers.Decision,
    *,
    force: bool | None = None,
    collection: str | None = None,
) -> Call[answers.FlaggedDuplicate]:
    """Say whether two who look alike are one person. `force`: also against an earlier decision."""
    where = path("admin", "duplicates", duplicate_id, "resolve")
    body = given(decision=decision, force=force)
    return Call("POST", where, query={"collection": collection}, json=body, repeatable=False)


def list_collections(
    *, limit: int | None = None, cursor: str | None = None
) -> Call[answers.CollectionList]:
    """The collections that the key is let into, a page at a time."""
    return Call("GET", "/admin/collections", query={"limit": limit, "cursor": cursor})


def show_collection(collection: str) -> Call[answers.Collection]:
    """A collection's settings, size and stated error rates."""
    return Call("GET", _collection(collection))


def put_collection(
    collection: str, settings: answers.CollectionSettings | None = None
) -> Call[answers.Collection]:
    """Create a collection, or set all of its settings."""
    return Call("PUT", _collection(collection), json={**(settings or {})})


def change_collection(
    collection: str, settings: answers.CollectionSettings
) -> Call[answers.Collection]:
    """Set of a collection what is named."""
    return Call("PATCH", _collection(collection), json={**settings})


def delete_collection(collection: str) -> Call[answers.CollectionErasure]:
    """Remove a collection with its people; `default` is emptied instead."""
    return Call("DELETE", _collection(collection), repeatable=False)


def list_api_keys() -> Call[answers.ApiKeyList]:
    """All API keys, without the keys themselves."""
    return Call("GET", "/admin/apikeys")


def create_api_key(
    name: str,
    scopes: Sequence[answers.Scope],
    *,
    collections: Sequence[str] | None = None,
    expires_at: datetime | str | None = None,
) -> Call[answers.NewApiKey]:
    """Make an API key; `apiKey` of the answer is shown this once. `collections`: the only ones it may touch."""
    bound = None if collections is None else list(collections)
    body = given(name=name, scopes=list(scopes), collections=bound, expiresAt=moment(expires_at))
    return Call("POST", "/admin/apikeys", json=body, repeatable=False)


def revoke_api_key(name: str) -> Call[answers.ApiKey]:
    """From now on the key opens nothing."""
    return Call("DELETE", path("admin", "apikeys", name), repeatable=False)


def list_audit(
    *,
    action: str | None = None,
    collection: str | None = None,
    subject_id: str | None = None,
    since: datetime | str | None = None,
    until: datetime | str | None = None,
    limit: int | None = None,
    cursor: int | None = None,
) -> Call[answers.AuditList]:
    """The audit log, newest first, a page at a time."""
    query = {
        "action": action,
        "collection": collection,
        "subjectId": subject_id,
        "since": moment(since),
        "until": moment(until),
        "limit": limit,
        "cursor": cursor,
    }
    return Call("GET", "/admin/audit", query=query)


def healthz() -> Call[answers.Health]:
    """Whether the process answers."""
    return Call("GET", "/healthz")


def readyz() -> Call[answers.Readiness]:
    """Whether it is ready; where it is not, `database` tells why."""
    return Call("GET", "/readyz", accepted=(503,))


def metrics() -> Call[str]:
    """The numbers of the service, as Prometheus text."""
    return Call("GET", "/metrics")


def _subject(subject_id: str, *rest: str) -> str:
    return path("admin", "subjects", subject_id, *rest)


def _collection(name: str) -> str:
    return path("admin", "collections", name)


def _forgotten(where: str, collection: str | None) -> Call[answers.Erasure]:
    """Done twice it would answer that there is nobody."""
    return Call("DELETE", where, query={"collection": collection}, repeatable=False)


def _changed(
    subject_id: str, change: str, collection: str | None, body: Mapping[str, Any] | None
) -> Call[answers.ChangedSubject]:
    where, query = _subject(subject_id, change), {"collection": collection}
    return Call("POST", where, query=query, json=body, repeatable=False)
