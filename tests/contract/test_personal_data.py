"""Every route is called with marked things, well and badly; no mark is in a log line, a metric or
an error.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.contract.collection_client import CollectionClient, files, ok
from tests.contract.installation import Installation, Server
from tests.contract.personal_data import PersonalData
from tests.contract.tables import Tables
from tests.contract.video_file import CameraVideo

OPEN_PAGES = ("/healthz", "/readyz", "/docs", "/redoc", "/openapi.json", "/metrics")


@dataclass
class Visit:
    """What was called, and what came back. `errors`: bodies of the answers that were refusals."""

    personal: PersonalData
    photograph: bytes
    log: str = ""
    metrics: str = ""
    audit: str = ""
    routes: list[str] = field(default_factory=list)
    answers: list[httpx.Response] = field(default_factory=list)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.splitlines()]

    @property
    def errors(self) -> str:
        return "\n".join(answer.text for answer in self.answers if answer.status_code >= 400)


class Caller:
    """Makes the calls, and keeps the answers."""

    def __init__(self, visit: Visit, http: httpx.Client, collection: str) -> None:
        self.visit = visit
        self.personal = visit.personal
        self.collection = collection
        self._http = http

    def send(self, method: str, path: str, **content: Any) -> httpx.Response:
        answer = self._http.request(method, path, **content)
        self.visit.answers.append(answer)
        return answer

    def form(self, path: str, **fields: Any) -> httpx.Response:
        parts = [("images", (f"{self.personal.file_name}.png", self.visit.photograph))]
        return self.send("POST", path, data={"collection": self.collection, **fields}, files=parts)

    def given(self, path: str, **fields: Any) -> httpx.Response:
        embedding = self.personal.embedding.tolist()
        body = {"collection": self.collection, "embedding": embedding, **fields}
        return self.send("POST", path, json=body)

    def in_collection(self, method: str, path: str, **sent: Any) -> httpx.Response:
        return self.send(method, path, params={"collection": self.collection}, **sent)


def make_tokens(caller: Caller, folder: Path) -> None:
    photograph = caller.visit.photograph
    (folder / f"{caller.personal.path}.png").write_bytes(photograph)
    ok(caller.send("POST", "/check", files=files([photograph])))
    ok(caller.send("POST", "/token/images", files=files([photograph])))
    ok(caller.send("POST", "/token/directory", json={"dirPath": str(folder)}))
    ok(caller.send("POST", "/token/camera", json={"maxFrames": 1}))
    caller.send("POST", "/token/directory", json={"dirPath": f"/{caller.personal.path}"})
    caller.send("POST", "/token/images", files=files([caller.personal.body.encode()]))


def enroll_and_ask(caller: Caller) -> None:
    personal = caller.personal
    metadata, retry = json.dumps({"note": personal.metadata}), {"Idempotency-Key": personal.retry}
    terms = {"metadata": metadata, "consentReference": personal.consent}
    ok(caller.form("/enroll", subjectId=personal.subject, **terms), 201)
    body = {
        "subjectId": personal.other_subject,
        "collection": caller.collection,
        "embedding": personal.embedding.tolist(),
        "metadata": {"note": personal.metadata},
        "consentReference": personal.consent,
    }
    ok(caller.send("POST", "/enroll", json=body, headers=retry), 201)
    ok(caller.send("POST", "/enroll", json=body, headers=retry), 201)
    caller.send("POST", "/enroll", json={**body, "metadata": {}}, headers=retry)
    ok(caller.form("/verify", subjectId=personal.subject))
    for path in ("/dedupe", "/identify"):
        ok(caller.form(path))
        ok(caller.given(path))


def be_filmed(caller: Caller) -> None:
    personal, photograph = caller.personal, files([caller.visit.photograph])
    whose = {"subjectId": personal.subject, "collection": caller.collection}
    asked = {"purpose": "verify", **whose}
    session = ok(caller.send("POST", "/liveness/sessions", json=asked), 201)["sessionId"]
    frames = f"/liveness/sessions/{session}/frames"
    ok(caller.send("POST", frames, data={"step": 0}, files=photograph))
    caller.send("POST", frames, data={"step": personal.body}, files=photograph)
    caller.send("POST", f"/liveness/sessions/{personal.path}/frames", data={"step": 0})
    other = {**whose, "subjectId": personal.other_subject, "livenessSession": session}
    for body in (other, {**whose, "livenessSession": session}):
        caller.send("POST", "/verify", json=body)
    caller.send("POST", "/verify", json={**whose, "livenessSession": str(uuid4())})


def ask_badly(caller: Caller) -> None:
    personal = caller.personal
    for path in ("/enroll", "/verify"):
        caller.given(path, subjectId=f"{personal.subject}*")
        caller.given(path, subjectId=personal.subject, profile=personal.body)
        caller.send(
            "POST", path, content=personal.body, headers={"Content-Type": "application/json"}
        )
        caller.send("POST", path, content=personal.body, headers={"Content-Type": personal.header})
    caller.given("/enroll", subjectId=personal.subject)
    caller.given("/enroll", subjectId=personal.subject, mode="add")
    caller.given("/enroll", subjectId=personal.subject, metadata=personal.metadata)
    caller.given("/enroll", subjectId=personal.subject, consentReference=f"{personal.consent}\n")
    caller.given("/enroll", subjectId=personal.subject, expiresAt=personal.body)
    caller.given("/verify", subjectId=f"{personal.subject}-unknown")
    caller.send("GET", f"/{personal.path}", params={personal.subject: personal.body})
    caller.send(personal.header.upper().replace("-", ""), "/verify")
    for header in ({"Authorization": f"Bearer {personal.key}"}, {"X-API-Key": personal.key}):
        caller.send("POST", "/verify", headers={"Authorization": "", **header})


def administer(caller: Caller, tables: Tables) -> None:
    personal, collection = caller.personal, f"/admin/collections/{caller.collection}"
    person, other = (
        f"/admin/subjects/{personal.subject}",
        f"/admin/subjects/{personal.other_subject}",
    )
    ok(caller.in_collection("GET", "/admin/subjects"))
    ok(caller.in_collection("GET", person))
    ok(caller.in_collection("GET", f"{person}/export"))
    ok(caller.in_collection("POST", f"{person}/unlock"))
    for old, new in ((personal.subject, personal.path), (personal.path, personal.subject)):
        path = f"/admin/subjects/{old}/rename"
        ok(caller.in_collection("POST", path, json={"to": new}))
    decide(caller)
    merge = {"from": f"{personal.subject}-2"}
    ok(caller.in_collection("POST", f"{person}/merge", json=merge))
    made = {"name": personal.path, "scopes": ["verify"]}
    ok(caller.send("POST", "/admin/apikeys", json=made), 201)
    ok(caller.send("GET", "/admin/apikeys"))
    ok(caller.send("DELETE", f"/admin/apikeys/{personal.path}"))
    ok(caller.send("PUT", collection, json={"duplicatePolicy": "allow"}))
    ok(caller.send("PATCH", collection, json={"faces": "one"}))
    ok(caller.send("GET", collection))
    ok(caller.send("GET", "/admin/collections"))
    break_in(caller, tables)
    ok(caller.in_collection("DELETE", person))
    caller.in_collection("DELETE", person)
    caller.in_collection("GET", f"{person}/export")
    ok(caller.in_collection("DELETE", f"{other}/consent"))
    caller.visit.audit = caller.in_collection("GET", "/admin/audit").text
    ok(caller.send("DELETE", collection))
    for page in OPEN_PAGES:
        caller.send("GET", page)
    caller.send("GET", "/docs/assets/swagger-ui.css")


def decide(caller: Caller) -> None:
    """Somebody has the same photograph."""
    ok(caller.form("/enroll", subjectId=f"{caller.personal.subject}-2", onDuplicate="flag"), 201)
    (one,) = ok(caller.in_collection("GET", "/admin/duplicates"))["duplicates"]
    resolve, where = (
        f"/admin/duplicates/{one['duplicateId']}/resolve",
        {"collection": caller.collection},
    )
    for decision in ("same_person", "different_people"):
        caller.send("POST", resolve, params=where, json={"decision": decision})
    caller.send("POST", resolve, params=where, json={"decision": caller.personal.body})


FAULT = """
    CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION '{words}'; END $$;
    CREATE TRIGGER fault BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION fault()
"""


def break_in(caller: Caller, tables: Tables) -> None:
    """A database that says something of its own, and a template that is not what was sealed."""
    personal = caller.personal
    tables.run(FAULT.format(words=personal.metadata))
    assert caller.form("/verify", subjectId=personal.subject).status_code == 500
    tables.run("DROP FUNCTION fault CASCADE")
    flipped = "UPDATE templates SET sealed = set_byte(sealed, 99, get_byte(sealed, 99) # 1)"
    tables.change(f"{flipped} WHERE subject_id = :subject", subject=personal.subject)
    assert caller.form("/verify", subjectId=personal.subject).status_code == 500


@pytest.fixture(scope="module")
def visit(
    installation: Installation,
    server: Server,
    key: str,
    camera_video: CameraVideo,
    albums: Path,
    portraits: list[Path],
    http: httpx.Client,
) -> Iterator[Visit]:
    personal, collection = PersonalData(), f"c-{uuid4().hex}"
    visit = Visit(personal, personal.photograph(portraits[0]))
    ok(CollectionClient(http, collection).put())
    camera_video.write(portraits[:1])
    folder, tables = albums / personal.path, Tables(installation.database_url)
    folder.mkdir()
    start = len(server.log)
    with server.client(key) as http:
        caller = Caller(visit, http, collection)
        make_tokens(caller, folder)
        enroll_and_ask(caller)
        be_filmed(caller)
        ask_badly(caller)
        administer(caller, tables)
        visit.metrics = http.get("/metrics").text
        visit.routes = routes(http)
    visit.log = server.log[start:]
    yield visit
    tables.close()
    shutil.rmtree(folder)


def routes(http: httpx.Client) -> list[str]:
    """`POST /verify`: every one that is documented."""
    paths = http.get("/openapi.json").json()["paths"]
    return [f"{method.upper()} {path}" for path, methods in paths.items() for method in methods]


def access(visit: Visit) -> list[dict[str, Any]]:
    return [line for line in visit.lines if line["logger"] == "service.access"]


def test_every_route_was_called_and_went_well(visit: Visit) -> None:
    well = {f"{line['method']} {line['route']}" for line in access(visit) if line["status"] < 300}
    assert set(visit.routes) <= well


def test_calls_failed_in_every_way_that_is_told_apart(visit: Visit) -> None:
    outcomes = {line["outcome"] for line in access(visit)}
    assert outcomes >= {
        "ok",
        "invalid_request",
        "unauthenticated",
        "directory_not_allowed",
        "subject_not_found",
        "profile_not_found",
        "subject_exists",
        "subject_mismatch",
        "idempotency_conflict",
        "liveness_expired",
        "liveness_failed",
        "not_found",
        "template_tampered",
        "internal_error",
    }


def test_personal_data_are_found_where_they_are(visit: Visit) -> None:
    """Or the next tests would prove nothing."""
    personal, everything = visit.personal, "\n".join(answer.text for answer in visit.answers)
    assert personal.found_in(everything, visit.photograph)
    assert personal.exif.encode() in visit.photograph
    assert personal.found_in(str(personal.embedding.tolist()), b"")
    assert personal.found_in(str(personal.embedding), b"")


def test_no_mark_is_in_the_log(visit: Visit, key: str) -> None:
    assert visit.personal.found_in(visit.log, visit.photograph, key) == []


def test_no_mark_is_in_the_metrics(visit: Visit, key: str) -> None:
    assert "face_decisions_total" in visit.metrics
    assert visit.personal.found_in(visit.metrics, visit.photograph, key) == []


def test_no_mark_is_in_the_audit_log(visit: Visit, key: str) -> None:
    assert "consent_withdrawn" in visit.audit
    assert visit.personal.found_in(visit.audit, visit.photograph, key) == []


def test_no_mark_is_in_an_error(visit: Visit, key: str) -> None:
    assert visit.personal.found_in(visit.errors, visit.photograph, key) == []


def test_every_call_has_one_line_with_its_particulars(visit: Visit) -> None:
    by_request = {line["request_id"]: line for line in access(visit)}
    for answer in visit.answers:
        line = by_request[answer.headers["X-Request-Id"]]
        assert list(line) == [
            *("time", "level", "logger", "event", "request_id", "method", "route", "status"),
            *("outcome", "milliseconds", "caller"),
        ]
        assert line["status"] == answer.status_code
        problem = answer.headers["Content-Type"] == "application/problem+json"
        assert line["outcome"] == (answer.json()["code"] if problem else "ok")


def test_callers_are_known_by_the_names_of_their_keys(visit: Visit) -> None:
    names = {line["outcome"]: line["caller"] for line in access(visit)}
    assert names["ok"] is None or names["ok"].startswith("key-")
    assert names["unauthenticated"] is None
    assert names["subject_exists"].startswith("key-")


def test_alarm_names_the_request_in_which_it_was_raised(visit: Visit) -> None:
    (alarm,) = [
        line for line in visit.lines if line["logger"] == "service.usecases.unlocked_collection"
    ]
    (call,) = [line for line in access(visit) if line["outcome"] == "template_tampered"]
    assert alarm["event"].startswith("template_tampered: ")
    assert alarm["request_id"] == call["request_id"]


def test_fault_of_ours_is_told_by_its_type_and_its_frames(visit: Visit) -> None:
    (fault,) = [line for line in visit.lines if line["event"] == "unexpected exception"]
    assert fault["exception"] == "QueryFailed"
    assert "failures.py" in fault["frames"][-1]
