"""The shapes of requests: camelCase, nothing unknown, exactly one face source."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError, from_json

from service.api.camel import Camel
from service.api.json_body import PATTERN, image_of
from service.domain.collection import DEFAULT_COLLECTION, DuplicatePolicy
from service.domain.face import (
    EMBEDDING_SIZE,
    CameraFrames,
    DirectoryImages,
    FaceSource,
    GivenEmbedding,
    Uploads,
)
from service.domain.identifiers import (
    COLLECTION,
    MOST_METADATA_BYTES,
    MOST_REFERENCE_CHARACTERS,
    PROFILE,
    SUBJECT_ID,
    is_moment,
    metadata_fits,
)
from service.domain.thresholds import BALANCED
from service.usecases.enrollment import Mode
from service.usecases.identify import DEFAULT_CANDIDATES, MOST_CANDIDATES

MOST_FRAMES = 100
MOST_DIRECTORY_IMAGES = 100
MOST_PATH_CHARACTERS = 4096
MOST_RETENTION_DAYS = 36_500
MOST_NUMBERS = 4096
"""Far beyond an embedding's 512, so that a wrong length gets its own answer, `invalid_embedding`."""


def _decoded(value: object) -> object:
    """Base64 of a JSON body; a multipart body brings the bytes themselves."""
    if not isinstance(value, str):
        return value
    try:
        return image_of(value)
    except ValueError:
        raise PydanticCustomError("base64_invalid", "not base64") from None


def _parsed_metadata(value: object, info: ValidationInfo) -> object:
    """Multipart fields are text: there the metadata is a JSON text.

    Read by the parser of JSON bodies, which bounds how deep it may be nested.
    """
    if not isinstance(value, str) or info.mode == "json":
        return value
    try:
        return from_json(value)
    except ValueError:
        raise PydanticCustomError("json_invalid", "not JSON") from None


def _within_limit(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    if not metadata_fits(metadata):
        raise PydanticCustomError(
            "metadata_too_long", "too long", {"max_length": MOST_METADATA_BYTES}
        )
    return metadata


def _rfc_3339(value: object) -> datetime:
    try:
        if isinstance(value, str) and is_moment(value):
            return datetime.fromisoformat(value)
    except ValueError:  # the 30th of February
        pass
    raise PydanticCustomError("moment_invalid", "not RFC 3339")


def _whole(value: object) -> object:
    """JSON knows one kind of number: 6.0 is as whole as 6 (and is what some clients write)."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def printable(text: str) -> str:
    """Also without the zero byte, which PostgreSQL has no text with."""
    if not text.isprintable():
        raise PydanticCustomError("not_printable", "not printable")
    return text


WHOLE = BeforeValidator(_whole)
SubjectId = Annotated[str, Field(pattern=f"^{SUBJECT_ID}$")]
CollectionName = Annotated[str, Field(pattern=f"^{COLLECTION}$")]
ProfileName = Annotated[str, Field(pattern=f"^{PROFILE}$")]
Base64Image = Annotated[
    bytes,
    BeforeValidator(_decoded),
    WithJsonSchema({"type": "string", "contentEncoding": "base64", "pattern": PATTERN}),
]
Metadata = Annotated[
    dict[str, Any], BeforeValidator(_parsed_metadata), AfterValidator(_within_limit)
]


Numbers = Annotated[
    list[float],
    Field(
        max_length=MOST_NUMBERS,
        fail_fast=True,
        json_schema_extra={"minItems": EMBEDDING_SIZE, "maxItems": EMBEDDING_SIZE},
    ),
]
Moment = Annotated[AwareDatetime, BeforeValidator(_rfc_3339)]
ConsentReference = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MOST_REFERENCE_CHARACTERS,
        json_schema_extra={"pattern": "^[^\u0000-\u001f\u007f-\u009f]*$"},
    ),
    AfterValidator(printable),
]


class CameraSource(Camel):
    max_frames: Annotated[int, Field(ge=1, le=MOST_FRAMES), WHOLE] | None = None


class DirectorySource(Camel):
    dir_path: Annotated[str, Field(min_length=1, max_length=MOST_PATH_CHARACTERS)]
    max_images: Annotated[int, Field(ge=1, le=MOST_DIRECTORY_IMAGES), WHOLE] | None = None


class CollectionsBody(Camel):
    """A request about one collection: only callers who are let in there get an answer."""

    collection: CollectionName = DEFAULT_COLLECTION


_SOURCES: Mapping[str, JsonDict] = {
    "images": {"type": "array", "minItems": 1},
    "embedding": {"type": "array"},
    "camera": {"type": "object"},
    "directory": {"type": "object"},
}


class FaceBody(CollectionsBody):
    """A request with exactly one face source."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": [name], "properties": {name: source}}
                for name, source in _SOURCES.items()
            ]
        }
    )

    images: list[Base64Image] | None = Field(None, repr=False)
    embedding: Annotated[list[float], Field(max_length=MOST_NUMBERS, fail_fast=True)] | None = (
        Field(None, repr=False)
    )
    camera: CameraSource | None = None
    directory: DirectorySource | None = None
    profile: ProfileName | None = None

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        given = [self.images or None, self.embedding, self.camera, self.directory]
        if sum(source is not None for source in given) != 1:
            raise PydanticCustomError("one_source", "exactly one face source")
        return self

    def source(self, max_frames: int, max_images: int) -> FaceSource:
        """Where the face comes from; the arguments stand in for what was left out."""
        if self.embedding is not None:
            return GivenEmbedding(self.embedding)
        if self.camera is not None:
            return CameraFrames(self.camera.max_frames or max_frames)
        if self.directory is not None:
            return DirectoryImages(self.directory.dir_path, self.directory.max_images or max_images)
        return Uploads(self.images or [])


class EnrollBody(FaceBody):
    subject_id: SubjectId
    mode: Mode = Mode.CREATE
    on_duplicate: DuplicatePolicy | None = None
    metadata: Metadata | None = Field(None, repr=False)
    expires_at: Moment | None = None
    consent_reference: ConsentReference | None = Field(None, repr=False)


class VerifyBody(FaceBody):
    subject_id: SubjectId


class SearchBody(FaceBody):
    limit: Annotated[int, Field(ge=1, le=MOST_CANDIDATES), WHOLE] = DEFAULT_CANDIDATES


class ImagesBody(Camel):
    images: list[Base64Image] = Field(min_length=1, repr=False)


class CollectionBody(Camel):
    threshold_profiles: dict[ProfileName, Annotated[float, Field(ge=-1.0, le=1.0)]] = Field(
        default_factory=dict, max_length=32, json_schema_extra={"additionalProperties": False}
    )
    duplicate_policy: DuplicatePolicy = DuplicatePolicy.REJECT
    duplicate_profile: ProfileName = BALANCED
    retention_days: Annotated[int, Field(ge=1, le=MOST_RETENTION_DAYS), WHOLE] | None = None
