"""Shapes that several calls share: camelCase in JSON, nothing unknown, exactly one face source.

What one call alone takes or answers stands beside its route. The command line's `--json` prints the
same answers.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from annotated_types import Ge, GroupedMetadata, Le
from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError
from starlette.responses import Response

from service.domain.active_liveness import Judgment, Verdict
from service.domain.collection import DEFAULT_COLLECTION
from service.domain.face import (
    EMBEDDING_SIZE,
    CameraFrames,
    DirectoryImages,
    Faces,
    FaceSource,
    GivenEmbedding,
    ProvenFrame,
    Quality,
    Reason,
    Sample,
    Uploads,
)
from service.domain.identifiers import (
    COLLECTION,
    PROFILE,
    SUBJECT_ID,
    is_moment,
)
from service.domain.step_pose import Doubt
from service.domain.warnings import DecisionWarning, WarningCode
from service.texts import Language, text, warning_text

MOST_FRAMES = 100
MOST_DIRECTORY_IMAGES = 100
MOST_PATH_CHARACTERS = 4096
MOST_NUMBERS = 4096
"""Far beyond an embedding's 512, so that a wrong length gets its own answer, `invalid_embedding`."""

_DATA_URL = re.compile(r"data:[^,;]{0,100}(;[^,;]{0,100}){0,4};base64,", re.ASCII | re.IGNORECASE)
"""`data:image/jpeg;base64,` of `FileReader` and `canvas` (RFC 2397)."""

BASE64_PATTERN = (
    r"^(data:[^,]*;base64,)?"
    r"([A-Za-z0-9+/_-]{4})*([A-Za-z0-9+/_-]{2}(==)?|[A-Za-z0-9+/_-]{3}=?)?$"
)
"""For the documentation, without the line breaks that may stand anywhere."""


def _title(name: str, _: object) -> str:
    """For the documentation, where pydantic would make "Subjectid" of `subjectId`."""
    return name.replace("_", " ").capitalize()


class Camel(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        field_title_generator=_title,
        frozen=True,
        protected_namespaces=(),
        validate_by_alias=True,
        validate_by_name=True,
    )


def image_of(text: str) -> bytes:
    """The bytes of `text`. Beside RFC 4648, 4: a `data:` URL, lines (RFC 2045: Java's and Android's
    MIME form), the alphabet for URLs (5) and missing padding. Raises `ValueError` for all else.
    """
    if (url := _DATA_URL.match(text)) is not None:
        text = text[url.end() :]
    text = text.replace("\n", "").replace("\r", "").replace("-", "+").replace("_", "/")
    if not text.endswith("="):
        text += "=" * (-len(text) % 4)
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:  # `binascii.Error`, or not ASCII
        raise ValueError("not base64") from None


def _decoded(value: object) -> object:
    """Base64 of a JSON body; a multipart body brings the bytes themselves."""
    if not isinstance(value, str):
        return value
    try:
        return image_of(value)
    except ValueError:
        raise PydanticCustomError("base64_invalid", "not base64") from None


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


@dataclass(frozen=True, slots=True)
class Between(GroupedMetadata):
    """Bounds of a number, inclusive. A refusal tells both: pydantic's own tells the one that was broken."""

    least: float
    most: float

    def __iter__(self) -> Iterator[object]:
        yield from (Ge(self.least), Le(self.most), WrapValidator(self._checked))

    def _checked(self, value: object, within: ValidatorFunctionWrapHandler) -> object:
        try:
            return within(value)
        except ValidationError as error:
            if {each["type"] for each in error.errors()} & _BROKEN_BOUNDS:
                bounds = {"ge": self.least, "le": self.most}
                raise PydanticCustomError("out_of_range", "{ge} to {le}", bounds) from None
            raise


_BROKEN_BOUNDS = {"greater_than_equal", "less_than_equal"}

WHOLE = BeforeValidator(_whole)
SubjectId = Annotated[str, Field(pattern=f"^{SUBJECT_ID}$")]
CollectionName = Annotated[str, Field(pattern=f"^{COLLECTION}$")]
ProfileName = Annotated[str, Field(pattern=f"^{PROFILE}$")]
Base64Image = Annotated[
    bytes,
    BeforeValidator(_decoded),
    WithJsonSchema({"type": "string", "contentEncoding": "base64", "pattern": BASE64_PATTERN}),
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

Similarity = Annotated[
    float | None,
    Field(
        description="Cosine. Two decimals, rounded down, unless the key has the scope `embedding`; "
        "null where the service is set to tell bands only. `match` is decided by the exact one."
    ),
]


class CameraSource(Camel):
    max_frames: Annotated[int, Between(1, MOST_FRAMES), WHOLE] | None = None


class DirectorySource(Camel):
    dir_path: Annotated[str, Field(min_length=1, max_length=MOST_PATH_CHARACTERS)]
    max_images: Annotated[int, Between(1, MOST_DIRECTORY_IMAGES), WHOLE] | None = None


def require_one(sources: Mapping[str, object]) -> None:
    """Of these, by their names, None where one is not given. Raises `PydanticCustomError`."""
    if sum(source is not None for source in sources.values()) != 1:
        expected = ", ".join(f"'{name}'" for name in sources)
        raise PydanticCustomError("one_source", "one of {expected}", {"expected": expected})


def exactly_one(*sources: str) -> JsonDict:
    """The same for the documentation. What else a source is, its field says: a second type would be
    intersected with that one.
    """
    shapes: dict[str, JsonDict] = {name: {"not": {"type": "null"}} for name in sources}
    shapes["images"] |= {"minItems": 1}
    return one_of(*({"required": [name], "properties": {name: shapes[name]}} for name in shapes))


def one_of(*shapes: Mapping[str, Any]) -> JsonDict:
    """For the documentation: a body has one of `shapes`.

    As `then`, which is a rule to whoever checks, while generators of clients take `oneOf` and `allOf` for types.
    """
    return {"if": {"type": "object"}, "then": {"oneOf": [dict(shape) for shape in shapes]}}


class FaceBody(Camel):
    """A request about one collection, with exactly one face source."""

    model_config = ConfigDict(
        json_schema_extra=exactly_one(
            "images", "embedding", "camera", "directory", "livenessSession"
        )
    )

    collection: CollectionName = DEFAULT_COLLECTION
    images: list[Base64Image] | None = Field(None, repr=False)
    embedding: Annotated[list[float], Field(max_length=MOST_NUMBERS, fail_fast=True)] | None = (
        Field(None, repr=False)
    )
    camera: CameraSource | None = None
    directory: DirectorySource | None = None
    liveness_session: UUID | None = None
    profile: ProfileName | None = None
    faces: Faces | None = None

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        require_one(
            {
                "images": self.images or None,
                "embedding": self.embedding,
                "camera": self.camera,
                "directory": self.directory,
                "livenessSession": self.liveness_session,
            }
        )
        return self

    def source(self, max_frames: int, max_images: int) -> FaceSource:
        """Where the face comes from; the arguments stand in for what was left out."""
        if self.embedding is not None:
            return GivenEmbedding(self.embedding)
        if self.camera is not None:
            return CameraFrames(self.camera.max_frames or max_frames)
        if self.directory is not None:
            return DirectoryImages(self.directory.dir_path, self.directory.max_images or max_images)
        if self.liveness_session is not None:
            return ProvenFrame(self.liveness_session)
        return Uploads(self.images or [])


class QualityAnswer(Camel):
    """What the gate looks at, of the face that counts (the cues of ISO/IEC 29794-5)."""

    sharpness: float = Field(description="0 and more; of the aligned face")
    brightness: float = Field(description="Mean of the face, 0 to 255")
    overexposure: float = Field(description="Share of the face that is white, 0 to 1")
    roll: float = Field(description="Degrees of the line through the eyes; 0 upright")
    norm: float | None = Field(
        description="How much the recognizer sees; null where it was not asked"
    )
    features: float | None = Field(
        description="As sharpness, of an eye or the mouth, whichever has least; null without a face"
    )

    @staticmethod
    def of(quality: Quality | None) -> QualityAnswer | None:
        if quality is None:
            return None
        return QualityAnswer(
            sharpness=round(quality.sharpness, 3),
            brightness=round(quality.brightness, 1),
            overexposure=round(quality.overexposure, 3),
            roll=round(quality.roll, 1),
            norm=None if quality.norm is None else round(quality.norm, 2),
            features=None if quality.features is None else round(quality.features, 3),
        )


class ImageOutcome(Camel):
    """`quality`: null where no face counts. `ignoredFaces`: others than the one that counts."""

    index: int
    accepted: bool
    reason: Reason | None
    advice: str | None
    detection_score: float | None
    quality: QualityAnswer | None
    ignored_faces: int


class WarningAnswer(Camel):
    """`expectedFalseCandidates`: strangers that one search names on average at this size; it and
    `maxFalseCandidates`, the collection's, are those of `search_names_strangers`.
    """

    code: WarningCode
    message: str
    expected_false_candidates: float | None = None
    max_false_candidates: float | None = None


class LivenessReason(Camel):
    """`message`: for the person, in the caller's language."""

    code: Doubt
    message: str


class LivenessAnswer(Camel):
    """What a session was found to show. `reasons`: why it is not `live`; empty where it is."""

    verdict: Verdict
    reasons: list[LivenessReason]


Liveness = Annotated[
    LivenessAnswer | None, Field(description="Of `livenessSession`; null for every other source.")
]


def advice_for(reason: Reason | None, language: Language) -> str | None:
    return text(language, f"advice.{reason}") if reason else None


def image_outcomes(samples: Sequence[Sample], language: Language) -> list[ImageOutcome]:
    return [
        ImageOutcome(
            index=index,
            accepted=sample.reason is None,
            reason=sample.reason,
            advice=advice_for(sample.reason, language),
            detection_score=sample.detection_score,
            quality=QualityAnswer.of(sample.quality),
            ignored_faces=sample.ignored_faces,
        )
        for index, sample in enumerate(samples)
    ]


def warning_answers(warnings: Sequence[DecisionWarning], language: Language) -> list[WarningAnswer]:
    return [
        WarningAnswer(
            code=one.code,
            message=warning_text(language, one),
            expected_false_candidates=one.expected_false_candidates,
            max_false_candidates=one.max_false_candidates,
        )
        for one in warnings
    ]


def liveness_answer(judgment: Judgment | None, language: Language) -> LivenessAnswer | None:
    if judgment is None:
        return None
    reasons = [
        LivenessReason(code=doubt, message=text(language, f"liveness.doubt.{doubt}"))
        for doubt in judgment.doubts
    ]
    return LivenessAnswer(verdict=judgment.verdict, reasons=reasons)


def json_response(answer: Camel, status: int = 200) -> Response:
    """`answer` as JSON. FastAPI would hand it to another thread, to validate it a second time."""
    content = answer.model_dump_json(by_alias=True)
    return Response(content, status, media_type="application/json")
