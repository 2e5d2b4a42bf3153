"""What must not be in the log: who, whose face, which key."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from tests.contract.collection_client import CollectionClient, files
from tests.contract.installation import Server
from tests.domain.vectors import face_of

SUBJECT, OTHER = "marked-subject-5417", "marked-subject-9120"
METADATA = {"note": "marked-metadata-3381"}
FOLDER = "/marked-folder-2275"
MARK = "marked-photograph-8846"
RETRY = "marked-retry-1190"


@pytest.fixture
def photograph(portraits: list[Path]) -> bytes:
    """With a text in it that would show wherever the file's bytes do."""
    marks, file = PngImagePlugin.PngInfo(), io.BytesIO()
    marks.add_text("mark", MARK)
    with Image.open(portraits[0]) as image:
        image.save(file, "PNG", pnginfo=marks)
    return file.getvalue()


@pytest.fixture
def everything_was_called(client: CollectionClient, photograph: bytes) -> list[float]:
    """Every route, going well and going wrong; the embedding of the photograph."""
    http, encoded = client.http, base64.b64encode(photograph).decode()
    embedding = client.embedding(photograph)
    http.post("/token/directory", json={"dirPath": FOLDER})
    http.post("/token/camera", json={})
    retry = {"Idempotency-Key": RETRY}
    kim = {"subjectId": SUBJECT, "images": [encoded], "metadata": METADATA}
    for _ in range(2):
        client.json("/enroll", headers=retry, **kim)
    client.json("/enroll", headers=retry, **{**kim, "subjectId": OTHER})
    client.enroll(OTHER, photograph, onDuplicate="flag", metadata=METADATA)
    client.enroll(OTHER, photograph, mode="nonsense", metadata=METADATA)
    client.enroll(f"{SUBJECT}/", photograph)
    for path in ("/verify", "/dedupe", "/identify"):
        subject = {"subjectId": SUBJECT} if path == "/verify" else {}
        client.json(path, None, images=[encoded], **subject)
        client.json(path, None, embedding=embedding, **subject)
        client.json(path, None, embedding=embedding[:511], **subject)
        http.post(path, content=encoded)
        http.post(path, files=files([MARK.encode(), photograph]))
    client.given("/verify", face_of("x"), subjectId=f"{SUBJECT}-unknown")
    client.subjects(cursor=SUBJECT)
    client.subject(SUBJECT)
    client.subject(f"{SUBJECT}%0A")
    http.get(f"/nowhere/{SUBJECT}", headers={"X-API-Key": f"{SUBJECT}"})
    http.get("/admin/subjects", headers={"Authorization": f"Bearer {MARK}"})
    client.delete(SUBJECT)
    client.delete(SUBJECT)
    http.delete(f"/admin/collections/{client.collection}")
    return embedding


def test_log_names_no_subject_no_photograph_and_no_folder(
    everything_was_called: list[float], server: Server
) -> None:
    calls = {(line["method"], line["route"], line["status"]) for line in server.access()}
    assert ("POST", "/enroll", 201) in calls
    assert ("DELETE", "/admin/subjects/{subjectId}", 200) in calls
    for marked in ("marked-", MARK, SUBJECT, OTHER, FOLDER, RETRY, METADATA["note"]):
        assert marked not in server.log


def test_log_has_no_part_of_a_photograph(
    everything_was_called: list[float], server: Server, photograph: bytes
) -> None:
    assert base64.b64encode(photograph[:30]).decode() not in server.log
    assert "IHDR" not in server.log
    assert "\\x89PNG" not in server.log


def test_log_has_no_number_of_an_embedding(
    everything_was_called: list[float], server: Server
) -> None:
    """To seven digits: six are what a time has behind its seconds."""
    for number in everything_was_called:
        assert f"{abs(number):.12f}"[:9] not in server.log


def test_log_has_no_key(everything_was_called: list[float], server: Server, key: str) -> None:
    assert key not in server.log
    assert key.split("_", 2)[2] not in server.log  # the secret may hold underscores
    assert "Bearer" not in server.log


def test_log_names_the_caller_and_the_request(
    everything_was_called: list[float], server: Server, client: CollectionClient
) -> None:
    answer = client.http.get("/admin/subjects", headers={"X-Request-Id": "joined-with-the-till"})
    assert answer.status_code == 200
    server.wait_until(lambda: "joined-with-the-till" in server.log)  # written after the answer
    (line,) = [line for line in server.access() if line["request_id"] == "joined-with-the-till"]
    assert (line["method"], line["route"], line["status"]) == ("GET", "/admin/subjects", 200)
    assert line["caller"].startswith("key-")
