"""Settings that are wrong, and where they come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.face import MASTER_KEY, Face, Outcome

SECRET = "s3cr3t"
SOMEWHERE = "postgresql://face@127.0.0.1:1/face"


def is_a_sentence(outcome: Outcome) -> bool:
    said = outcome.out + outcome.err
    return bool(outcome.err) and "Traceback" not in said and SECRET not in said


@pytest.mark.parametrize(
    ("name", "value"),
    [("server_port", "abc"), ("threshold_profiles", "balanced=0.4"), ("language", "fr")],
)
def test_wrong_setting_is_named_with_status_2(bare: Face, name: str, value: str) -> None:
    outcome = bare.but(**{name: value}, master_key=SECRET)("subjects", "list")
    assert outcome.status == 2
    assert name in outcome.err.lower()
    assert is_a_sentence(outcome)


@pytest.mark.parametrize("key", [SECRET, None], ids=["short", "missing"])
def test_external_database_wants_a_whole_master_key(bare: Face, key: str | None) -> None:
    outcome = bare.but(database_url=SOMEWHERE, master_key=key)("server", "--workers", 2, "--port=0")
    assert outcome.status == 3
    assert f"[master_key_{'invalid' if key else 'missing'}]" in outcome.err
    assert is_a_sentence(outcome)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://face:{SECRET}@127.0.0.1:1/face",
        f"mysql://face:{SECRET}@localhost/face",
        f"postgresql://face:{SECRET}@localhost:port/face",
        SECRET,
    ],
    ids=["nobody listens", "other database", "no port", "no URL"],
)
def test_database_that_cannot_be_reached_is_a_sentence(bare: Face, url: str) -> None:
    outcome = bare.but(database_url=url, master_key=MASTER_KEY)("subjects", "list")
    assert outcome.status == 3
    assert "[database_unavailable]" in outcome.err
    assert is_a_sentence(outcome)


def test_data_folder_that_cannot_be_made_is_a_sentence(bare: Face, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    outcome = bare.but(data_dir=tmp_path / "file" / "data")("subjects", "list")
    assert outcome.status == 3
    assert str(tmp_path / "file") in outcome.err
    assert is_a_sentence(outcome)


def test_dotenv_of_the_working_folder_is_honored(bare: Face) -> None:
    (bare.folder / ".env").write_text(f"FACE_LANGUAGE=en\nFACE_DATABASE_URL={SOMEWHERE}\n")
    outcome = bare("subjects", "list")
    assert outcome.status == 3
    assert outcome.err.startswith("There is no master key.")


def test_dotenv_in_another_encoding_is_a_sentence(bare: Face) -> None:
    (bare.folder / ".env").write_bytes("# 얼굴\nFACE_LANGUAGE=en\n".encode("cp949"))
    outcome = bare("subjects", "list")
    assert outcome.status == 2
    assert ".env" in outcome.err
    assert is_a_sentence(outcome)


def test_misspelt_setting_is_told_with_the_nearest(bare_gallery: Face) -> None:
    (bare_gallery.folder / ".env").write_text("FACE_OPEN_TOKEN=true\nSERVER_PROT=1\n")
    outcome = bare_gallery("apikey", "list", FACE_MASTER_KEY_FIEL="/x", FACE_ODD="1")
    assert outcome.status == 0
    for name, nearest in (
        ("FACE_OPEN_TOKEN", "FACE_OPEN_TOKENS"),
        ("SERVER_PROT", "FACE_SERVER_PORT"),
        ("FACE_MASTER_KEY_FIEL", "FACE_MASTER_KEY_FILE"),
    ):
        assert f" {name}" in outcome.err
        assert nearest in outcome.err
    assert "FACE_ODD" in outcome.err
    assert "FACE_OPEN_TOKEN" in bare_gallery("doctor", "--lang", "en").out


def test_server_tells_of_a_misspelt_setting_and_of_what_stops_it(bare: Face) -> None:
    closed = bare.but(database_url=SOMEWHERE, master_key=MASTER_KEY, open_token="true")
    for workers in (1, 2):
        outcome = closed("server", "--port", 0, "--workers", workers)
        assert outcome.status == 3
        assert "FACE_OPEN_TOKENS" in outcome.err
        assert "127.0.0.1:1" in outcome.err.splitlines()[-1]
        assert is_a_sentence(outcome)


def test_key_file_that_is_not_there_is_named(bare: Face, tmp_path: Path) -> None:
    missing = bare.but(database_url=SOMEWHERE, master_key_file=tmp_path / "none")
    outcome = missing("delete", "kim")
    assert (outcome.status, str(tmp_path / "none") in outcome.err) == (3, True)
    assert "[master_key_missing]" in outcome.err


def test_setting_that_is_right_is_not_told(bare_gallery: Face) -> None:
    (bare_gallery.folder / ".env").write_text("face_log_format=json\n# FACE_NOTHING=1\n")
    assert bare_gallery("apikey", "list", FACE_NEW_MASTER_KEY_FILE="x", FACE_TEST_X="1").err == ""


def test_password_of_the_database_is_read_from_its_file(bare_gallery: Face, tmp_path: Path) -> None:
    missing = bare_gallery.but(database_password_file=tmp_path / "none")("apikey", "list")
    assert (missing.status, str(tmp_path / "none") in missing.err) == (3, True)
    (tmp_path / "password").write_text("p:/@%\\\n")
    given = bare_gallery.but(database_password_file=tmp_path / "password")
    assert given("apikey", "list").status == 0
