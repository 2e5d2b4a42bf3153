"""A backup's manifest and its wrapped key as one line of JSON, for eyes and for `jq`."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any
from uuid import UUID

from service.domain.backup import Contents, Manifest
from service.domain.collection import WrappedKey
from service.domain.errors import BackupDamaged


def written_manifest(manifest: Manifest, wrapped: WrappedKey) -> bytes:
    contents = manifest.contents
    members = {
        "madeAt": manifest.made_at.isoformat(),
        "serviceVersion": manifest.service_version,
        "revision": contents.revision,
        "postgresql": contents.postgresql,
        "pgvector": contents.pgvector,
        "modelIds": contents.model_ids,
        "roles": contents.roles,
        "rows": dict(contents.rows),
        "keyId": str(wrapped.key_id),
        "wrappedKey": base64.b64encode(wrapped.wrapped).decode(),
    }
    return json.dumps(members).encode() + b"\n"


def read_manifest(line: bytes) -> tuple[Manifest, WrappedKey]:
    """Raises `BackupDamaged`. What it says is not proved yet: its key must open first."""
    try:
        return _read(json.loads(line))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BackupDamaged from None


def _read(members: dict[str, Any]) -> tuple[Manifest, WrappedKey]:
    contents = Contents(
        revision=members["revision"],
        postgresql=members["postgresql"],
        pgvector=members["pgvector"],
        model_ids=tuple(members["modelIds"]),
        roles=tuple(members["roles"]),
        rows=members["rows"],
    )
    made_at = datetime.fromisoformat(members["madeAt"])
    wrapped = base64.b64decode(members["wrappedKey"], validate=True)
    key = WrappedKey(UUID(members["keyId"]), wrapped)
    return Manifest(made_at, members["serviceVersion"], contents), key
