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
from tests.contract.films import Cinema
from tests.contract.installation import Installation, Server
from tests.contract.marks import Marks
from tests.contract.tables import Tables

OPEN_PAGES = ("/healthz", "/readyz", "/docs", "/redoc", "/openapi.json", "/metrics")


@dataclass
class Visit:
    """What was called, and what came back. `errors`: bodies of the answers that were refusals."""

    marks: Marks
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
        self.marks = visit.marks
        self.collection = collection
        self._http = http

    def send(self, method: str, path: str, **content: Any) -> httpx.Response:
        answer = self._http.request(method, path, **content)
        self.visit.answers.append(answer)
        return answer

    def form(self, path: str, **fields: Any) -> httpx.Response:
        parts = [("images", (f"{self.marks.file_name}.png", self.visit.photograph))]
        return self.send("POST", path, data={"collection": self.collection, **fields}, files=parts)

    def given(self, path: str, **fields: Any) -> httpx.Response:
        embedding = self.marks.embedding.tolist()
        body = {"collection": self.collection, "embedding": embedding, **fields}
        return self.send("POST", path, json=body)

    def in_collection(self, method: str, path: str) -> httpx.Response:
        return self.send(method, path, params={"collection": self.collection})


def make_tokens(caller: Caller, folder: Path) -> None:
    photograph = caller.visit.photograph
    (folder / f"{caller.marks.path}.png").write_bytes(photograph)
    ok(caller.send("POST", "/token/images", files=files([photograph])))
    ok(caller.send("POST", "/token/directory", json={"dirPath": str(folder)}))
    ok(caller.send("POST", "/token/camera", json={"maxFrames": 1}))
    caller.send("POST", "/token/directory", json={"dirPath": f"/{caller.marks.path}"})
    caller.send("POST", "/token/images", files=files([caller.marks.body.encode()]))


def enroll_and_ask(caller: Caller) -> None:
    marks = caller.marks
    metadata, retry = json.dumps({"note": marks.metadata}), {"Idempotency-Key": marks.retry}
    terms = {"metadata": metadata, "consentReference": marks.consent}
    ok(caller.form("/enroll", subjectId=marks.subject, **terms), 201)
    body = {
        "subjectId": marks.other_subject,
        "collection": caller.collection,
        "embedding": marks.embedding.tolist(),
        "metadata": {"note": marks.metadata},
        "consentReference": marks.consent,
    }
    ok(caller.send("POST", "/enroll", json=body, headers=retry), 201)
    ok(caller.send("POST", "/enroll", json=body, headers=retry), 201)
    caller.send("POST", "/enroll", json={**body, "metadata": {}}, headers=retry)
    ok(caller.form("/verify", subjectId=marks.subject))
    for path in ("/dedupe", "/identify"):
        ok(caller.form(path))
        ok(caller.given(path))


def ask_badly(caller: Caller) -> None:
    marks = caller.marks
    for path in ("/enroll", "/verify"):
        caller.given(path, subjectId=f"{marks.subject}*")
        caller.given(path, subjectId=marks.subject, profile=marks.body)
        caller.send("POST", path, content=marks.body, headers={"Content-Type": "application/json"})
        caller.send("POST", path, content=marks.body, headers={"Content-Type": marks.header})
    caller.given("/enroll", subjectId=marks.subject)
    caller.given("/enroll", subjectId=marks.subject, mode="add")
    caller.given("/enroll", subjectId=marks.subject, metadata=marks.metadata)
    caller.given("/enroll", subjectId=marks.subject, consentReference=f"{marks.consent}\n")
    caller.given("/enroll", subjectId=marks.subject, expiresAt=marks.body)
    caller.given("/verify", subjectId=f"{marks.subject}-unknown")
    caller.send("GET", f"/{marks.path}", params={marks.subject: marks.body})
    caller.send(marks.header.upper().replace("-", ""), "/verify")
    for header in ({"Authorization": f"Bearer {marks.key}"}, {"X-API-Key": marks.key}):
        caller.send("POST", "/verify", headers={"Authorization": "", **header})


def administer(caller: Caller, tables: Tables) -> None:
    marks, collection = caller.marks, f"/admin/collections/{caller.collection}"
    person, other = f"/admin/subjects/{marks.subject}", f"/admin/subjects/{marks.other_subject}"
    ok(caller.in_collection("GET", "/admin/subjects"))
    ok(caller.in_collection("GET", person))
    ok(caller.in_collection("GET", f"{person}/export"))
    ok(caller.in_collection("DELETE", f"{person}/lock"))
    ok(caller.send("PUT", collection, json={"duplicatePolicy": "allow"}))
    ok(caller.send("GET", collection))
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


FAULT = """
    CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION '{words}'; END $$;
    CREATE TRIGGER fault BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION fault()
"""


def break_in(caller: Caller, tables: Tables) -> None:
    """A database that says something of its own, and a template that is not what was sealed."""
    marks = caller.marks
    tables.run(FAULT.format(words=marks.metadata))
    assert caller.form("/verify", subjectId=marks.subject).status_code == 500
    tables.run("DROP FUNCTION fault CASCADE")
    flipped = "UPDATE templates SET sealed = set_byte(sealed, 99, get_byte(sealed, 99) # 1)"
    tables.change(f"{flipped} WHERE subject_id = :subject", subject=marks.subject)
    assert caller.form("/verify", subjectId=marks.subject).status_code == 500


@pytest.fixture(scope="module")
def visit(
    installation: Installation,
    server: Server,
    key: str,
    cinema: Cinema,
    albums: Path,
    portraits: list[Path],
    http: httpx.Client,
) -> Iterator[Visit]:
    marks, collection = Marks(), f"c-{uuid4().hex}"
    visit = Visit(marks, marks.photograph(portraits[0]))
    ok(CollectionClient(http, collection).put())
    cinema.show(portraits[:1])
    folder, tables = albums / marks.path, Tables(installation.database_url)
    folder.mkdir()
    start = len(server.log)
    with server.client(key) as http:
        caller = Caller(visit, http, collection)
        make_tokens(caller, folder)
        enroll_and_ask(caller)
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
        "not_found",
        "template_tampered",
        "internal_error",
    }


def test_marks_are_found_where_they_are(visit: Visit) -> None:
    """Or the next tests would prove nothing."""
    marks, everything = visit.marks, "\n".join(answer.text for answer in visit.answers)
    assert marks.found_in(everything, visit.photograph)
    assert marks.exif.encode() in visit.photograph
    assert marks.found_in(str(marks.embedding.tolist()), b"")
    assert marks.found_in(str(marks.embedding), b"")


def test_no_mark_is_in_the_log(visit: Visit, key: str) -> None:
    assert visit.marks.found_in(visit.log, visit.photograph, key) == []


def test_no_mark_is_in_the_metrics(visit: Visit, key: str) -> None:
    assert "face_decisions_total" in visit.metrics
    assert visit.marks.found_in(visit.metrics, visit.photograph, key) == []


def test_no_mark_is_in_the_audit_log(visit: Visit, key: str) -> None:
    assert "consent_withdrawn" in visit.audit
    assert visit.marks.found_in(visit.audit, visit.photograph, key) == []


def test_no_mark_is_in_an_error(visit: Visit, key: str) -> None:
    assert visit.marks.found_in(visit.errors, visit.photograph, key) == []


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
