"""What all clients go through, in Python; prints what came of it as JSON. The other clients' are the same."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from face_client import FaceClient, Problem, ServiceUnreachable, UnexpectedAnswer
from face_client.client import Sent

FIRST, SECOND, STRANGER = os.environ["FACE_PHOTOS"].split(os.pathsep)
URL, KEY, COLLECTION = (os.environ[f"FACE_{name}"] for name in ("URL", "KEY", "COLLECTION"))


def main() -> dict[str, Any]:
    with FaceClient(URL, KEY, language="en") as client:
        return {
            "client": repr(client),
            "methods": [name for name, each in vars(FaceClient).items() if isinstance(each, Sent)],
            **enrollment(client),
            **answers(client),
            **liveness(client),
            **administration(client),
            **duplicates(client),
            **api_keys(client),
            **deletion(client),
            **failures(),
        }


def enrollment(client: FaceClient) -> dict[str, Any]:
    """Through a door that is shut at first."""
    client.put_collection(COLLECTION, {"retentionDays": 30})
    with FaceClient(os.environ["FACE_BUSY_URL"], KEY) as busy:
        enrolled = busy.enroll("kim", FIRST, collection=COLLECTION, metadata={"door": "north"})
    return {"enrolled": enrolled["subjectId"], "images used": enrolled["imagesUsed"]}


def answers(client: FaceClient) -> dict[str, Any]:
    again = client.verify("kim", SECOND, collection=COLLECTION)
    other = client.verify("kim", Path(STRANGER), collection=COLLECTION)
    with Path(SECOND).open("rb") as file:
        dedupe = client.dedupe(file, collection=COLLECTION)
    token = client.token_from_images([FIRST, SECOND])
    return {
        "match": again["match"],
        "stranger": [other["match"], other["recommendation"]],
        "duplicate": [dedupe["duplicate"], dedupe["candidates"][0]["subjectId"]],
        "identified": client.identify(SECOND, collection=COLLECTION)["match"],
        "usable": client.check(FIRST)["usable"],
        "numbers": len(token["embedding"] or []),
        "camera": len(client.token_from_camera(1)["embedding"] or []),
        "second enrollment": refusal(lambda: client.enroll("lee", SECOND, collection=COLLECTION)),
    }


def liveness(client: FaceClient) -> dict[str, Any]:
    session = client.begin_session("verify", subject_id="kim", collection=COLLECTION)
    frames = client.take_frames(session["sessionId"], 0, [FIRST])
    return {"challenge": session["challenge"][0]["do"], "frames": frames["accepted"]}


def administration(client: FaceClient) -> dict[str, Any]:
    return {
        "subjects": [
            one["subjectId"] for one in client.list_subjects(collection=COLLECTION)["subjects"]
        ],
        "metadata": client.show_subject("kim", collection=COLLECTION)["metadata"],
        "templates": len(client.export_subject("kim", collection=COLLECTION)["templates"]),
        "retention": client.show_collection(COLLECTION)["retentionDays"],
    }


def duplicates(client: FaceClient) -> dict[str, Any]:
    client.enroll("lee", SECOND, collection=COLLECTION, on_duplicate="flag")
    (flagged,) = client.list_duplicates(collection=COLLECTION)["duplicates"]
    where = flagged["duplicateId"]
    resolved = client.resolve_duplicate(where, "same_person", collection=COLLECTION)
    renamed = client.rename_subject("lee", "lee-2", collection=COLLECTION)
    merged = client.merge_subject("kim", "lee-2", collection=COLLECTION)
    unlocked = client.unlock_subject("kim", collection=COLLECTION)
    return {
        "flagged": [flagged["subjectId"], flagged["duplicateOf"]],
        "decision": resolved["decision"],
        "renamed": renamed["subjectId"],
        "merged": merged["subjectId"],
        "gone": refusal(lambda: client.show_subject("lee-2", collection=COLLECTION)),
        "locked": unlocked["lockedUntil"],
    }


def api_keys(client: FaceClient) -> dict[str, Any]:
    name = f"{COLLECTION}-key"
    made = client.create_api_key(name, ["verify"], collections=[COLLECTION])
    with FaceClient(URL, made["apiKey"]) as bound:
        match = bound.verify("kim", SECOND, collection=COLLECTION)["match"]
        client.revoke_api_key(name)
        revoked = [each["name"] for each in client.list_api_keys()["apiKeys"] if each["revokedAt"]]
        refused = refusal(lambda: bound.verify("kim", SECOND, collection=COLLECTION))
    return {"match by new key": match, "revoked": name in revoked, "revoked key": refused}


def deletion(client: FaceClient) -> dict[str, Any]:
    return {
        "deleted": client.delete_subject("kim", collection=COLLECTION)["templatesDeleted"],
        "after deletion": refusal(lambda: client.verify("kim", FIRST, collection=COLLECTION)),
    }


def failures() -> dict[str, Any]:
    with (
        FaceClient(URL, "face_wrong") as wrong,
        FaceClient(os.environ["FACE_MOVED_URL"], KEY) as moved,
        FaceClient(os.environ["FACE_CLOSED_URL"], KEY) as closed,
        FaceClient(os.environ["FACE_UNTRUSTED_URL"], KEY) as untrusted,
    ):
        return {
            "wrong key": refusal(wrong.list_subjects),
            "redirect": refusal(moved.list_subjects),
            "unknown certificate": refusal(untrusted.readyz),
            "no service": refusal(lambda: closed.delete_subject("kim")),
        }


def refusal(call: Callable[[], object]) -> str:
    """Status and code where the service refused, else what became of the call."""
    try:
        call()
    except Problem as problem:
        return f"{problem.status} {problem.code}"
    except UnexpectedAnswer:
        return "unexpected answer"
    except ServiceUnreachable:
        return "unreachable"
    return "none"


if __name__ == "__main__":
    print(json.dumps(main()))
