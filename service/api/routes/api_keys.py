"""API keys, for whoever manages all of them: made, listed, revoked. A key is in one answer of its life."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from pydantic import Field

from service.api.auth import AllUseCases, EveryCollectionCaller
from service.api.models import Camel, CollectionName, Moment
from service.api.openapi import PROBLEMS, example, json_body, refusals
from service.api.request_body import body_of, read_json
from service.domain.callers import ApiKey, Scope
from service.domain.errors import ApiKeyExists, ApiKeyNotFound
from service.domain.identifiers import API_KEY

router = APIRouter(prefix="/admin/apikeys", tags=["API keys"], responses=PROBLEMS)

MOST_COLLECTIONS = 100

ApiKeyName = Annotated[str, Field(pattern=f"^{API_KEY}$")]


class ApiKeyBody(Camel):
    """`collections`: the only ones it may touch; empty: all. `expiresAt`: null: it does not expire."""

    name: ApiKeyName
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(Scope))]
    collections: Annotated[list[CollectionName], Field(max_length=MOST_COLLECTIONS)] = Field(
        default_factory=list
    )
    expires_at: Moment | None = None


class ApiKeyAnswer(Camel):
    """`lastUsedAt`: to five minutes; null: never."""

    name: str
    scopes: list[Scope]
    collections: list[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class NewApiKeyAnswer(ApiKeyAnswer):
    """`apiKey`: to be kept by who asked, since only its hash is stored."""

    api_key: str = Field(repr=False)


class ApiKeyList(Camel):
    api_keys: list[ApiKeyAnswer]


_ROW = {
    "name": "till-1",
    "scopes": ["enroll", "verify"],
    "collections": ["default"],
    "createdAt": "2026-01-01T09:00:00Z",
    "expiresAt": None,
    "revokedAt": None,
    "lastUsedAt": "2026-01-02T09:00:00Z",
}
_KEY = "face_0123456789abcdef_0123456789012345678901234567890123456789012"


@router.get("", responses=example({"apiKeys": [_ROW]}))
def list_api_keys(caller: EveryCollectionCaller, use_cases: AllUseCases) -> ApiKeyList:  # noqa: ARG001
    """All keys, revoked and expired ones too, without the keys themselves."""
    return api_key_list(use_cases.api_keys.all())


@router.post(
    "",
    status_code=201,
    responses={
        **example({**_ROW, "lastUsedAt": None, "apiKey": _KEY}, 201),
        **refusals(ApiKeyExists),
    },
    openapi_extra=json_body(
        ApiKeyBody, {"name": "till-1", "scopes": ["enroll", "verify"], "collections": ["default"]}
    ),
)
def create_api_key(
    caller: EveryCollectionCaller,
    use_cases: AllUseCases,
    body: Annotated[ApiKeyBody, Depends(body_of(ApiKeyBody, read_json))],
) -> NewApiKeyAnswer:
    """Make a key. `apiKey` is shown in this answer and never again."""
    new = use_cases.api_keys.create(
        body.name, body.scopes, body.collections, body.expires_at, caller.name
    )
    return NewApiKeyAnswer(**_fields(new.row), api_key=new.key)


@router.delete(
    "/{name}",
    responses={
        **example({**_ROW, "revokedAt": "2026-01-03T09:00:00Z"}),
        **refusals(ApiKeyNotFound),
    },
)
def revoke_api_key(
    caller: EveryCollectionCaller, use_cases: AllUseCases, name: Annotated[ApiKeyName, Path()]
) -> ApiKeyAnswer:
    """From now on the key opens nothing. It stays in the list, and its name is not given again."""
    return ApiKeyAnswer(**_fields(use_cases.api_keys.revoke(name, caller.name)))


def api_key_list(keys: Iterable[ApiKey]) -> ApiKeyList:
    return ApiKeyList(api_keys=[ApiKeyAnswer(**_fields(key)) for key in keys])


def _fields(key: ApiKey) -> dict[str, Any]:
    return {
        "name": key.name,
        "scopes": [scope for scope in Scope if scope in key.scopes],
        "collections": sorted(key.collections),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
    }
