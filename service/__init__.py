"""Face enrollment, verification and duplicate check.

The names below come from `service.library` when they are first used: `import service` alone
loads neither OpenCV nor onnxruntime. It does tell them, and others, to send no usage data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.privacy import switch_off_usage_data

switch_off_usage_data()

if TYPE_CHECKING:
    from service.library import (
        AppConfig,
        FaceEncoder,
        cosine_similarity,
        encoder_manager,
        extract_face_embeddings,
        generate_embedding_from_embeddings,
        generate_token_from_camera,
        generate_token_from_directory,
        generate_token_from_video,
        load_images_from_directory,
    )

__all__ = [
    "AppConfig",
    "FaceEncoder",
    "cosine_similarity",
    "encoder_manager",
    "extract_face_embeddings",
    "generate_embedding_from_embeddings",
    "generate_token_from_camera",
    "generate_token_from_directory",
    "generate_token_from_video",
    "load_images_from_directory",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the module's attributes have many types
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from service import library

    return getattr(library, name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
