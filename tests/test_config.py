"""The settings of the contract: defaults, names, and what wins over what."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import platformdirs
import pytest
from pydantic import ValidationError
from pydantic_settings import SettingsError

from service.config import AppConfig

DEFAULTS: dict[str, Any] = {
    "camera_index": 0,
    "max_frames": 5,
    "max_images": 5,
    "use_gpu": True,
    "use_directml": False,
    "model_name": "buffalo_l",
    "next_model_name": None,
    "model_root": Path.home() / ".insightface",
    "liveness_models": None,
    "detection_threshold": 0.6,
    "server_host": "127.0.0.1",
    "server_port": 23535,
    "server_workers": 1,
    "data_dir": platformdirs.user_data_path("face"),
    "database_url": None,
    "database_password_file": None,
    "master_key": None,
    "master_key_file": None,
    "threshold_profiles": {},
    "image_roots": (),
    "open_tokens": False,
    "open_tokens_users": (),
    "max_image_bytes": 10 * 1024 * 1024,
    "max_image_pixels": 40_000_000,
    "max_images_per_request": 20,
    "language": "ko",
    "master_key_kms": None,
    "purge_interval": 300,
    "search_memory": 2048,
    "ssl_certfile": None,
    "ssl_keyfile": None,
    "ssl_keyfile_password": None,
    "ssl_ca_certs": None,
    "log_format": "auto",
    "open_metrics": False,
    "max_connections": 2048,
    "connection_timeout": 20,
    "rate_limit_per_key": "600/minute",
    "rate_limit_per_address": "1200/minute",
    "rate_limit_failures": "30/minute",
    "rate_limit_storage": None,
    "lockout_after": 10,
    "lockout_window": 900,
    "lockout_seconds": 900,
    "audit_decisions": True,
    "reply_similarity": "rounded",
    "faces": "one",
    "pages": False,
    "cors_origins": (),
    "root_path": "",
}

SECRET = "s3cr3t"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No setting from outside; the folder in which `.env` is looked for."""
    for name in [name for name in os.environ if name.upper().startswith("FACE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("field", DEFAULTS)
def test_default_is_the_contracts(field: str) -> None:
    assert getattr(AppConfig(), field) == DEFAULTS[field]


def test_there_is_no_setting_that_the_contract_does_not_name() -> None:
    assert set(AppConfig.model_fields) == set(DEFAULTS)


def test_every_setting_says_what_it_means() -> None:
    assert all(field.description for field in AppConfig.model_fields.values())


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("FACE_CAMERA_INDEX", "rtsp://cam/1", "camera_index", "rtsp://cam/1"),
        ("FACE_MAX_FRAMES", "9", "max_frames", 9),
        ("FACE_MAX_IMAGES", "9", "max_images", 9),
        ("FACE_USE_GPU", "required", "use_gpu", "required"),
        ("FACE_USE_GPU", "false", "use_gpu", False),
        ("FACE_USE_DIRECTML", "true", "use_directml", True),
        ("FACE_MODEL_NAME", "dlib", "model_name", "dlib"),
        ("FACE_MODEL_ROOT", "/packs", "model_root", Path("/packs")),
        ("FACE_DETECTION_THRESHOLD", "0.5", "detection_threshold", 0.5),
        ("FACE_SERVER_HOST", "::1", "server_host", "::1"),
        ("FACE_SERVER_PORT", "8080", "server_port", 8080),
        ("FACE_DATA_DIR", "~/face", "data_dir", Path.home() / "face"),
        ("FACE_MASTER_KEY_FILE", "~/key", "master_key_file", Path.home() / "key"),
        ("FACE_OPEN_TOKENS", "1", "open_tokens", True),
        ("FACE_MAX_IMAGE_BYTES", "2048", "max_image_bytes", 2048),
        ("FACE_MAX_IMAGE_PIXELS", "2048", "max_image_pixels", 2048),
        ("FACE_MAX_IMAGES_PER_REQUEST", "3", "max_images_per_request", 3),
        ("FACE_LANGUAGE", "en", "language", "en"),
        ("FACE_PURGE_INTERVAL", "0", "purge_interval", 0),
        ("FACE_PAGES", "true", "pages", True),
        ("FACE_ROOT_PATH", "/a/face", "root_path", "/a/face"),
    ],
)
def test_environment_sets_the_field(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, field: str, value: object
) -> None:
    monkeypatch.setenv(name, text)
    assert getattr(AppConfig(), field) == value
    assert type(getattr(AppConfig(), field)) is type(value)


def test_camera_index_from_the_environment_is_the_same_camera(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FACE_CAMERA_INDEX", "2")
    assert str(AppConfig().camera_index) == str(AppConfig(camera_index=2).camera_index)


def test_image_roots_are_separated_as_in_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACE_IMAGE_ROOTS", os.pathsep.join(["/faces", "~/more"]))
    assert AppConfig().image_roots == (Path("/faces"), Path.home() / "more")


def test_users_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACE_OPEN_TOKENS_USERS", "kiosk, 1003,")
    assert AppConfig().open_tokens_users == ("kiosk", "1003")


def test_origins_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACE_CORS_ORIGINS", "https://door.example, http://127.0.0.1:3000")
    assert AppConfig().cors_origins == ("https://door.example", "http://127.0.0.1:3000")


def test_image_roots_may_be_a_json_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACE_IMAGE_ROOTS", '["/faces", "/more"]')
    assert AppConfig().image_roots == (Path("/faces"), Path("/more"))


def test_image_roots_from_python_are_paths() -> None:
    assert AppConfig(image_roots=(Path("~/faces"),)).image_roots == (Path.home() / "faces",)


def test_threshold_profiles_are_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACE_THRESHOLD_PROFILES", '{"buffalo_l": {"balanced": 0.42}}')
    assert AppConfig().threshold_profiles == {"buffalo_l": {"balanced": 0.42}}


@pytest.mark.parametrize("name", ["FACE_MASTER_KEY", "FACE_DATABASE_URL"])
def test_secret_is_read_but_never_printed(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, SECRET)
    config = AppConfig()
    assert SECRET not in f"{config!r} {config} {config.model_dump()}"
    secret = getattr(config, name.removeprefix("FACE_").lower())
    assert secret.get_secret_value() == SECRET


def test_keyword_wins_over_environment_and_environment_over_dotenv(
    monkeypatch: pytest.MonkeyPatch, bare_environment: Path
) -> None:
    (bare_environment / ".env").write_text("FACE_SERVER_PORT=1\n")
    assert AppConfig().server_port == 1
    monkeypatch.setenv("FACE_SERVER_PORT", "2")
    assert AppConfig().server_port == 2
    assert AppConfig(server_port=3).server_port == 3


def test_dotenv_is_read_as_utf8(bare_environment: Path) -> None:
    (bare_environment / ".env").write_text("FACE_MODEL_ROOT=/얼굴\n", "utf-8")
    assert AppConfig().model_root == Path("/얼굴")


def test_foreign_entries_of_dotenv_are_ignored(bare_environment: Path) -> None:
    (bare_environment / ".env").write_text("OTHER=1\nFACE_UNKNOWN=1\n")
    assert AppConfig() == AppConfig()


def test_empty_variable_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACE_SERVER_PORT", "")
    assert AppConfig().server_port == 23535


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("FACE_MAX_FRAMES", "0"),
        ("FACE_MAX_IMAGES", "0"),
        ("FACE_USE_GPU", "maybe"),
        ("FACE_MODEL_NAME", "../elsewhere"),
        ("FACE_DETECTION_THRESHOLD", "1.1"),
        ("FACE_SERVER_PORT", "65536"),
        ("FACE_SERVER_PORT", "http"),
        ("FACE_THRESHOLD_PROFILES", '{"buffalo_l": {"balanced": 1.5}}'),
        ("FACE_THRESHOLD_PROFILES", "balanced=0.4"),
        ("FACE_IMAGE_ROOTS", '["/faces"'),
        ("FACE_MAX_IMAGE_BYTES", "0"),
        ("FACE_CORS_ORIGINS", "*"),
        ("FACE_CORS_ORIGINS", "null"),
        ("FACE_CORS_ORIGINS", "https://door.example/page"),
        ("FACE_ROOT_PATH", "face"),
        ("FACE_ROOT_PATH", "/face/"),
        ("FACE_ROOT_PATH", "//elsewhere.example"),
        ("FACE_MAX_IMAGE_PIXELS", "0"),
        ("FACE_MAX_IMAGES_PER_REQUEST", "0"),
        ("FACE_LANGUAGE", "fr"),
        ("FACE_PURGE_INTERVAL", "-1"),
    ],
)
def test_invalid_value_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    monkeypatch.setenv(name, text)
    with pytest.raises((ValidationError, SettingsError)):
        AppConfig()


def test_refusal_of_one_setting_does_not_print_the_secret_beside_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FACE_MASTER_KEY", SECRET)
    with pytest.raises(ValidationError) as refusal:
        AppConfig(image_roots="[")
    assert SECRET not in str(refusal.value)


def test_settings_do_not_change_once_made() -> None:
    config = AppConfig()
    with pytest.raises(ValidationError):
        config.server_port = 1  # type: ignore[misc]
