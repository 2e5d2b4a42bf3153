"""Every setting: its default, its unit, its environment name (`FACE_` and the field in capitals).

A keyword argument wins over the environment, and the environment over the file `.env`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import platformdirs
from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

MEBIBYTE = 1024 * 1024
MEGAPIXEL = 1_000_000

ExpandedPath = Annotated[Path, AfterValidator(Path.expanduser)]


class AppConfig(BaseSettings):
    """All settings of the service.

    >>> AppConfig(use_gpu=False, server_port=8080).server_port
    8080
    """

    model_config = SettingsConfigDict(
        env_prefix="FACE_",
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,  # it quotes the settings beside the wrong one, keys included
        protected_namespaces=(),
        validate_default=True,
    )

    camera_index: int | str = Field(
        0, description="camera index, or a file path or stream URL that OpenCV can open"
    )
    max_frames: int = Field(
        5, ge=1, le=100, description="frames with exactly one face to collect from the camera"
    )
    max_images: int = Field(5, ge=1, le=1000, description="images to take from a directory")
    use_gpu: bool | Literal["required"] = Field(
        True, description="try CUDA first; `required` makes a missing GPU an error"
    )
    use_directml: bool = Field(False, description="try DirectML")
    model_name: str = Field(
        "buffalo_l",
        pattern=r"^[A-Za-z0-9._-]{1,64}$",
        description="a pack under `<model_root>/models/`, or `dlib`",
    )
    model_root: ExpandedPath = Field(
        Path("~/.insightface"), description="where packs are kept, in InsightFace's own layout"
    )
    detection_threshold: float = Field(
        0.6, ge=0.0, le=1.0, description="minimum face detection score, 0 to 1"
    )
    server_host: str = Field("127.0.0.1", description="address to listen on")
    server_port: int = Field(23535, ge=0, le=65535, description="port to listen on")
    data_dir: ExpandedPath = Field(
        default_factory=lambda: platformdirs.user_data_path("face"),
        description="embedded database and key file; default: the user data folder of `face`",
    )
    database_url: SecretStr | None = Field(
        None,
        description="SQLAlchemy URL of a PostgreSQL with pgvector; unset: the embedded server",
    )
    master_key: SecretStr | None = Field(None, description="32 bytes, base64")
    master_key_file: ExpandedPath | None = Field(
        None, description="a file that holds the master key, base64"
    )
    threshold_profiles: dict[str, dict[str, Annotated[float, Field(ge=-1.0, le=1.0)]]] = Field(
        default_factory=dict,
        description='cosine by model and profile, as JSON: `{"buffalo_l": {"balanced": 0.42}}`; '
        "what is not named keeps the model's default",
    )
    image_roots: Annotated[tuple[ExpandedPath, ...], NoDecode] = Field(
        (),
        description="folders that `/token/directory` and a `directory` source may read, symlinks "
        "resolved; several: separated as in PATH; none: none",
    )
    open_tokens: bool = Field(
        False, description="let programs on this machine call `/token/*` without a key"
    )
    max_image_bytes: int = Field(
        10 * MEBIBYTE, ge=1024, description="bytes of one encoded image; refused above"
    )
    max_image_pixels: int = Field(
        40 * MEGAPIXEL, ge=1024, description="pixels of one image; refused above"
    )
    max_images_per_request: int = Field(
        20, ge=1, le=100, description="images in one request; refused above"
    )
    language: Literal["ko", "en"] = Field(
        "ko", description="language of messages where `Accept-Language` does not choose"
    )
    audit_decisions: bool = Field(
        True,
        description="write every verification and search into the audit log; refusals always are",
    )

    @model_validator(mode="before")
    @classmethod
    def _split_image_roots(cls, values: dict[str, object]) -> dict[str, object]:
        roots = values.get("image_roots")
        if isinstance(roots, str):
            return {**values, "image_roots": _paths(roots)}
        return values


def _paths(text: str) -> list[str]:
    import json
    import os

    if text.lstrip().startswith("["):
        return list(json.loads(text))
    return [path for path in text.split(os.pathsep) if path]
