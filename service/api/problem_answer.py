"""The shape of a problem document, for the documentation: RFC 9457, and what `errors` may have."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema
from typing_extensions import TypeAliasType

from service.api.models import Camel, ImageOutcome, LivenessAnswer, Similarity
from service.api.problems import kinds_by_code
from service.domain.errors import FieldProblem, ShutCause

ErrorCode = TypeAliasType(
    "ErrorCode",
    Annotated[str, WithJsonSchema({"type": "string", "enum": sorted(kinds_by_code())})],
)
"""A name in the OpenAPI document. Their own class would be the tree of errors a second time."""


class FieldFinding(Camel):
    """Of `invalid_request`. `message`: what is allowed, in the caller's language."""

    field: str
    problem: FieldProblem
    message: str


class MissingRight(Camel):
    """Of `not_allowed`: what the key lacks, by `Lacking`."""

    scope: str | None = Field(None, description="Of several any would do: token/enroll/verify")
    collection: str | None = None
    collections: Literal["all"] | None = Field(
        None, description="The call concerns all, and the key is bound to some."
    )


class ShutDoor(Camel):
    """Of `unauthenticated`, where calls without a key are taken, but not this one."""

    cause: ShutCause
    what: str
    message: str


class KnownFace(Camel):
    """Of `duplicate_subject`; `subjectId` for keys with the scope `search` only."""

    subject_id: str | None = None
    similarity: Similarity


Particular = TypeAliasType(
    "Particular", ImageOutcome | FieldFinding | ShutDoor | KnownFace | MissingRight
)


class ProblemAnswer(Camel):
    """`errors`: particulars, by `code`; absent where the detail says it all."""

    type: str = Field(
        description="Where the service itself tells about `code`, as a path: /docs/errors#…",
        json_schema_extra={"format": "uri-reference"},
    )
    title: str
    status: int
    detail: str = Field(description="What is wrong and what to do next, in the caller's language")
    code: ErrorCode = Field(description="Stable; docs/errors.md lists all.")
    request_id: str
    errors: list[Particular] | None = None
    liveness: LivenessAnswer | None = Field(
        None, description="Of a session that was used up by a call which came to nothing."
    )
