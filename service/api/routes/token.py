"""Face to embedding; nothing is stored."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from service.api.auth import AllUseCases, CallersLanguage, Settings, TokenCaller
from service.api.models import (
    Base64Image,
    Camel,
    CameraSource,
    DirectorySource,
    ImageOutcome,
    image_outcomes,
)
from service.api.openapi import IMAGE_EXAMPLE, PROBLEMS, example, images_body, json_body
from service.api.problem_answer import ErrorCode
from service.api.request_body import body_of, read_json, read_optional_json
from service.domain.errors import (
    CameraUnavailable,
    FaceError,
    InconsistentImages,
    NoUsableFace,
)
from service.domain.face import CameraFrames, DirectoryImages, Faces, SampleSource, Uploads
from service.texts import Language, message, text
from service.usecases.sampler import MakeToken


class ImagesBody(Camel):
    images: list[Base64Image] = Field(min_length=1, repr=False)
    faces: Faces | None = None


class CameraBody(CameraSource):
    faces: Faces | None = None


class DirectoryBody(DirectorySource):
    faces: Faces | None = None


class TokenAnswer(Camel):
    """`error` is one sentence for most failures; `code` and `images` tell which it was."""

    success: bool
    embedding: list[float] | None
    error: str | None
    code: ErrorCode | None
    images: list[ImageOutcome]


_ANSWER = example(
    {
        "success": True,
        "embedding": [0.0123, -0.0456],
        "error": None,
        "code": None,
        "images": [IMAGE_EXAMPLE],
    }
)

router = APIRouter(prefix="/token", tags=["token"], responses={**PROBLEMS, **_ANSWER})


@router.post("/camera", openapi_extra=json_body(CameraBody, {"maxFrames": 5}, required=False))
def token_from_camera(
    caller: TokenCaller,  # noqa: ARG001 - named first: nobody opens the camera without a key
    use_cases: AllUseCases,
    settings: Settings,
    language: CallersLanguage,
    body: Annotated[CameraBody, Depends(body_of(CameraBody, read_optional_json))],
) -> TokenAnswer:
    """The embedding of whoever stands before the service's camera."""
    source = CameraFrames(body.max_frames or settings.max_frames)
    return _answer(use_cases.token, source, body.faces, language)


@router.post(
    "/directory",
    openapi_extra=json_body(DirectoryBody, {"dirPath": "faces/user1", "maxImages": 5}),
)
def token_from_directory(
    caller: TokenCaller,  # noqa: ARG001
    use_cases: AllUseCases,
    settings: Settings,
    language: CallersLanguage,
    body: Annotated[DirectoryBody, Depends(body_of(DirectoryBody, read_json))],
) -> TokenAnswer:
    """The embedding of the photographs in a folder below `image_roots`."""
    source = DirectoryImages(body.dir_path, body.max_images or settings.max_images)
    return _answer(use_cases.token, source, body.faces, language)


@router.post("/images", openapi_extra=images_body(ImagesBody))
def token_from_images(
    caller: TokenCaller,  # noqa: ARG001
    use_cases: AllUseCases,
    language: CallersLanguage,
    body: Annotated[ImagesBody, Depends(body_of(ImagesBody))],
) -> TokenAnswer:
    """The embedding of uploaded photographs of one person."""
    return _answer(use_cases.token, Uploads(body.images), body.faces, language)


def _answer(
    make_token: MakeToken, source: SampleSource, faces: Faces | None, language: Language
) -> TokenAnswer:
    """A capture that fails is a 200 here: existing clients read `success` after a 2xx."""
    try:
        probe = make_token(source, faces)
    except CameraUnavailable as error:
        return _failure(error, text(language, "token.camera_failed"), [])
    except NoUsableFace as error:
        images = image_outcomes(error.samples, language)
        return _failure(error, text(language, "token.no_embedding"), images)
    except InconsistentImages as error:
        images = image_outcomes(error.samples, language)
        return _failure(error, message(language, error).title, images)
    return TokenAnswer(
        success=True,
        embedding=probe.embedding.tolist(),
        error=None,
        code=None,
        images=image_outcomes(probe.samples, language),
    )


def _failure(error: FaceError, sentence: str, images: list[ImageOutcome]) -> TokenAnswer:
    return TokenAnswer(
        success=False, embedding=None, error=sentence, code=error.code, images=images
    )
