"""Face to embedding; nothing is stored."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from service.api.auth import AllUseCases, CallersLanguage, Settings, TokenCaller
from service.api.models import Base64Image, Camel, CameraSource, DirectorySource
from service.api.openapi import PROBLEMS, example, images_body, json_body
from service.api.request_body import body_of, read_json, read_optional_json
from service.domain.errors import CameraUnavailable, InconsistentImages, NoUsableFace
from service.domain.face import CameraFrames, DirectoryImages, FaceSource, Uploads
from service.texts import Language, message, text
from service.usecases.sampler import MakeToken


class ImagesBody(Camel):
    images: list[Base64Image] = Field(min_length=1, repr=False)


class TokenAnswer(Camel):
    success: bool
    embedding: list[float] | None
    error: str | None


_ANSWER = example({"success": True, "embedding": [0.0123, -0.0456], "error": None})

router = APIRouter(prefix="/token", tags=["token"], responses={**PROBLEMS, **_ANSWER})


@router.post("/camera", openapi_extra=json_body(CameraSource, {"maxFrames": 5}, required=False))
def token_from_camera(
    caller: TokenCaller,  # noqa: ARG001 - named first: nobody opens the camera without a key
    use_cases: AllUseCases,
    settings: Settings,
    language: CallersLanguage,
    body: Annotated[CameraSource, Depends(body_of(CameraSource, read_optional_json))],
) -> TokenAnswer:
    """The embedding of whoever stands before the service's camera."""
    source = CameraFrames(body.max_frames or settings.max_frames)
    return _answer(use_cases.token, source, language)


@router.post(
    "/directory",
    openapi_extra=json_body(DirectorySource, {"dirPath": "faces/user1", "maxImages": 5}),
)
def token_from_directory(
    caller: TokenCaller,  # noqa: ARG001
    use_cases: AllUseCases,
    settings: Settings,
    language: CallersLanguage,
    body: Annotated[DirectorySource, Depends(body_of(DirectorySource, read_json))],
) -> TokenAnswer:
    """The embedding of the photographs in a folder below `image_roots`."""
    source = DirectoryImages(body.dir_path, body.max_images or settings.max_images)
    return _answer(use_cases.token, source, language)


@router.post("/images", openapi_extra=images_body(ImagesBody))
def token_from_images(
    caller: TokenCaller,  # noqa: ARG001
    use_cases: AllUseCases,
    language: CallersLanguage,
    body: Annotated[ImagesBody, Depends(body_of(ImagesBody))],
) -> TokenAnswer:
    """The embedding of uploaded photographs of one person."""
    return _answer(use_cases.token, Uploads(body.images), language)


def _answer(make_token: MakeToken, source: FaceSource, language: Language) -> TokenAnswer:
    """A capture that fails is a 200 here: existing clients read `success` after a 2xx."""
    try:
        embedding = make_token(source)
    except CameraUnavailable:
        return _failure(text(language, "token.camera_failed"))
    except NoUsableFace:
        return _failure(text(language, "token.no_embedding"))
    except InconsistentImages as error:
        return _failure(message(language, error).title)
    return TokenAnswer(success=True, embedding=embedding.tolist(), error=None)


def _failure(text: str) -> TokenAnswer:
    return TokenAnswer(success=False, embedding=None, error=text)
