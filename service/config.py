"""Every setting: its default, its unit, its environment name (`FACE_` and the field in capitals).

A keyword argument wins over the environment, and the environment over the file `.env`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import platformdirs
from pydantic import AfterValidator, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, DotEnvSettingsSource, NoDecode, SettingsConfigDict

from service.domain.capacity import MEBIBYTE

MEGAPIXEL = 1_000_000

SHARED_COUNTERS = ("redis://", "rediss://", "redis+unix://")

Rate = Annotated[str, Field(pattern=r"^(off|[1-9][0-9]{0,8}/(second|minute|hour|day))$")]
Origin = Annotated[str, Field(pattern=r"^https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?$")]
"""As browsers write it (RFC 6454): no path, small letters. `*` and `null` are none: they are anybody."""

ExpandedPath = Annotated[Path, AfterValidator(Path.expanduser)]


class AppConfig(BaseSettings):
    """All settings of the service.

    >>> AppConfig(use_gpu=False, server_port=8080).server_port
    8080
    """

    model_config = SettingsConfigDict(
        env_prefix="FACE_",
        env_file=".env",
        env_file_encoding="utf-8-sig",  # Windows editors put a byte-order mark in front
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
        description="a pack under `<model_root>/models/`, `sface` or `dlib`",
    )
    next_model_name: str | None = Field(
        None,
        description="the model that people are [moved to](model-move.md), served beside `model_name`; "
        "unset: none",
    )
    model_root: ExpandedPath = Field(
        Path("~/.insightface"), description="where packs are kept, in InsightFace's own layout"
    )
    liveness_models: ExpandedPath | None = Field(
        None,
        description="folder of the passive liveness models, filled by `face model fetch liveness`; "
        "unset: the challenge alone",
    )
    detection_threshold: float = Field(
        0.6, ge=0.0, le=1.0, description="minimum face detection score, 0 to 1"
    )
    server_host: str = Field("127.0.0.1", description="address to listen on")
    server_port: int = Field(23535, ge=0, le=65535, description="port to listen on")
    server_workers: int = Field(
        1,
        ge=1,
        le=64,
        description="processes of `face server`, among which the machine's cores are divided "
        "([sizing](sizing.md#processes-on-one-machine))",
    )
    data_dir: ExpandedPath = Field(
        default_factory=lambda: platformdirs.user_data_path("face"),
        description="embedded database, key file and saved calibrations; default: the user data "
        "folder of `face`",
    )
    database_url: SecretStr | None = Field(
        None,
        description="SQLAlchemy URL of a PostgreSQL with pgvector; unset: the embedded server",
    )
    database_password_file: ExpandedPath | None = Field(
        None, description="a file that holds the password of the role in `database_url`"
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
        False,
        description="let programs of the service's own user on this machine call `/token/*` without "
        "a key",
    )
    open_tokens_users: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="users, by name or number, whose programs may do so too (and read `/metrics`, "
        "under `open_metrics`); several: separated by commas",
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
        "ko",
        description="language of messages where `Accept-Language`, or at the command line `--lang`, does not"
        " choose; unset, the command line speaks that of the terminal's locale, where it has one",
    )
    faces: Literal["one", "dominant"] = Field(
        "one",
        description="which photographs have a face that counts: `one`: those with exactly one; "
        "`dominant`: those as well in which one face is at least twice as large as any other and nearest "
        "to the middle; a collection and a request may say otherwise",
    )
    master_key_kms: str | None = Field(
        None,
        description="AWS KMS key (id, ARN or alias) in place of a master key of one's own; region, "
        "credentials and endpoint by AWS's own variables",
    )
    rate_limit_per_key: Rate = Field(
        "600/minute", description="calls with one API key; `off`: any number"
    )
    rate_limit_per_address: Rate = Field(
        "1200/minute",
        description="calls with right keys from one address (of IPv6: its /64 network); or `off`",
    )
    rate_limit_failures: Rate = Field(
        "30/minute",
        description="calls without a key or with a wrong one from one address; right keys pass all "
        "the same; or `off`",
    )
    rate_limit_storage: SecretStr | None = Field(
        None, description="`redis://…` or `rediss://…`, where calls are counted; unset: PostgreSQL"
    )
    lockout_after: int = Field(
        10,
        ge=0,
        le=1000,
        description="refused faces after which a subject is locked for the key that sent them; five "
        "such keys lock it for all; 0: never",
    )
    lockout_window: int = Field(
        900,
        ge=1,
        le=2_592_000,
        description="seconds within which they count together; a match in between changes nothing",
    )
    lockout_seconds: int = Field(
        900, ge=1, le=2_592_000, description="seconds that a subject stays locked"
    )
    audit_decisions: bool = Field(
        True,
        description="write every verification and search into the audit log; refusals always are",
    )

    purge_interval: int = Field(
        300,
        ge=0,
        le=86_400,
        description="seconds between two purges of expired people by a running server; 0: never",
    )

    ssl_certfile: ExpandedPath | None = Field(
        None, description="certificate, with those that vouch for it, in PEM; set: HTTPS only"
    )
    ssl_keyfile: ExpandedPath | None = Field(
        None, description="its private key, in PEM; unset: it is in `ssl_certfile`"
    )
    ssl_keyfile_password: SecretStr | None = Field(
        None, description="what the private key is encrypted with"
    )
    ssl_ca_certs: ExpandedPath | None = Field(
        None, description="authorities, in PEM; set: callers must show a certificate of theirs"
    )
    log_format: Literal["auto", "json", "console"] = Field(
        "auto",
        description="of `face server`; `auto`: readable on a terminal, else one JSON object a line",
    )
    open_metrics: bool = Field(
        False,
        description="let programs of the service's own user on this machine, and of "
        "`open_tokens_users`, read `/metrics` without a key",
    )
    max_connections: int = Field(
        2048,
        ge=64,
        le=65_536,
        description="connections of one process at a time, three quarters of them from one address; "
        "fewer where the system's limit of open files is lower",
    )
    connection_timeout: int = Field(
        20,
        ge=1,
        le=600,
        description="seconds for a TLS handshake, for a request's head, between two pieces of a "
        "body, and for a caller who does not read the answer; who takes longer is cut off",
    )

    reply_similarity: Literal["rounded", "exact", "band"] = Field(
        "rounded",
        description="what answers show of a similarity: `rounded`: two decimals, rounded down; "
        "`exact`; `band`: its band alone. Keys with the scope `embedding` are always told all of it",
    )
    search_memory: int = Field(
        2048,
        ge=0,
        description="MiB of memory in which each process of a server may hold large collections for "
        "searches, 156 bytes a template; beyond that, and at 0, searches scan the database",
    )
    pages: bool = Field(
        False, description="serve the pages for people, `/kiosk` ([kiosk](kiosk.md)) and `/console`"
    )
    cors_origins: Annotated[tuple[Origin, ...], NoDecode] = Field(
        (),
        description="origins of web pages elsewhere that may call with a key: `https://door.example`; "
        "several: separated by commas; none: none",
    )
    root_path: str = Field(
        "",
        pattern=r"^(/[A-Za-z0-9._~-]+)*$",
        description="the prefix under which a proxy serves this, which takes it away from addresses "
        "that it passes on: `/face`",
    )

    @field_validator("rate_limit_storage")
    @classmethod
    def _has_counters_shared_by_all_processes(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(SHARED_COUNTERS):
            raise ValueError(f"must start with one of {', '.join(SHARED_COUNTERS)}")
        return url

    @field_validator("image_roots", mode="before")
    @classmethod
    def _split(cls, roots: object) -> object:
        return _paths(roots) if isinstance(roots, str) else roots

    @field_validator("open_tokens_users", "cors_origins", mode="before")
    @classmethod
    def _named(cls, names: object) -> object:
        if not isinstance(names, str):
            return names
        return [name.strip() for name in names.split(",") if name.strip()]


def is_readable_dotenv() -> bool:
    """Whether the file `.env`, where there is one, can be read as text."""
    try:
        DotEnvSettingsSource(AppConfig)
    except (UnicodeDecodeError, OSError):
        return False
    return True


def given_names() -> Iterator[tuple[str, str]]:
    """Where (`.env`, or empty for the environment) and under which name something is set: every
    variable that begins as a setting does, and every line of `.env`.
    """
    prefix = AppConfig.model_config["env_prefix"]
    yield from (("", name) for name in os.environ if name.upper().startswith(prefix))
    yield from ((".env", name.upper()) for name in DotEnvSettingsSource(AppConfig).env_vars)


def setting_names() -> frozenset[str]:
    """The environment's name of every setting."""
    prefix = AppConfig.model_config["env_prefix"]
    return frozenset(f"{prefix}{field.upper()}" for field in AppConfig.model_fields)


def _paths(text: str) -> list[str]:
    if text.lstrip().startswith("["):
        return list(json.loads(text))
    return [path for path in text.split(os.pathsep) if path]
