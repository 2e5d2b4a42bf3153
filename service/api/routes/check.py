"""Whether a picture would do, before anybody is asked to enroll or to verify with it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import Field

from service.api.auth import AllUseCases, CallersLanguage, CheckCaller
from service.api.models import (
    Base64Image,
    Camel,
    QualityAnswer,
    advice_for,
    json_response,
)
from service.api.openapi import PROBLEMS, QUALITY_EXAMPLE, example, images_body
from service.api.request_body import body_of
from service.domain.face import Box, Detection, Faces, Reason, Refusal, Uploads
from service.texts import Language

router = APIRouter(tags=["check"], responses=PROBLEMS)


class CheckBody(Camel):
    images: list[Base64Image] = Field(min_length=1, max_length=1, repr=False)
    faces: Faces | None = None


class FaceBox(Camel):
    """Pixels of the picture as it is shown, turned as its EXIF says: `x`, `y` of the corner at the top left.
    A face that is cut off may reach beyond the border.
    """

    x: int
    y: int
    width: int
    height: int

    @staticmethod
    def of(box: Box) -> FaceBox:
        left, top, right, bottom = map(round, box)
        return FaceBox(x=left, y=top, width=right - left, height=bottom - top)


class CheckAnswer(Camel):
    """`face`, `quality`: null where no face counts."""

    usable: bool
    reason: Reason | None
    advice: str | None
    face: FaceBox | None
    quality: QualityAnswer | None
    ignored_faces: int


@router.post(
    "/check",
    responses=example(
        {
            "usable": True,
            "reason": None,
            "advice": None,
            "face": {"x": 212, "y": 140, "width": 187, "height": 243},
            "quality": {**QUALITY_EXAMPLE, "norm": None},
            "ignoredFaces": 0,
        }
    ),
    response_model=CheckAnswer,
    openapi_extra=images_body(CheckBody),
)
def check(
    caller: CheckCaller,  # noqa: ARG001 - named first: see body_of
    use_cases: AllUseCases,
    language: CallersLanguage,
    body: Annotated[CheckBody, Depends(body_of(CheckBody))],
) -> Response:
    """Is this picture of use? It is looked at and forgotten: nothing is embedded, compared or stored.

    For a camera page, several times a second. What only the recognizer sees, a covered face, is not
    told here.
    """
    found = use_cases.check(Uploads(body.images), body.faces)
    return json_response(check_answer(found, language))


def check_answer(found: Detection, language: Language) -> CheckAnswer:
    reason = found.reason if isinstance(found, Refusal) else None
    return CheckAnswer(
        usable=reason is None,
        reason=reason,
        advice=advice_for(reason, language),
        face=None if found.box is None else FaceBox.of(found.box),
        quality=QualityAnswer.of(found.quality),
        ignored_faces=found.ignored_faces,
    )
