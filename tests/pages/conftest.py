"""One server with the pages, and one browser whose camera shows a film, for all of these tests."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.browser import chromium
from tests.contract.installation import Installation, Server
from tests.pages.film import Film
from tests.pages.gallery import enroll_person, put_collection
from tests.postgres import TestServer

_OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"


@pytest.fixture(scope="session")
def installation(
    postgres_server: TestServer, migrated_template: str, model_root: Path
) -> Iterator[Installation]:
    url = postgres_server.create(migrated_template)
    with tempfile.TemporaryDirectory(prefix="face-pages-") as folder:
        yield Installation(Path(folder), model_root, url)
    postgres_server.drop(url)


@pytest.fixture(scope="session")
def server(installation: Installation) -> Iterator[Server]:
    with installation.serving("--root-path", "/face", pages=True) as server:
        yield server


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Film:
    return Film(tmp_path_factory.mktemp("film") / "film.y4m")


@contextmanager
def browser_with(playwright: Playwright, *cameras: str) -> Iterator[Browser]:
    """Without a network beyond this machine. `cameras`: options for the camera."""
    browser = playwright.chromium.launch(
        executable_path=chromium(), args=["--no-sandbox", "--disable-gpu", _OFFLINE, *cameras]
    )
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def browser(playwright: Playwright, film: Film) -> Iterator[Browser]:
    options = (
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={film.file}",
    )
    with browser_with(playwright, *options) as browser:
        yield browser


@pytest.fixture(scope="session")
def pictures(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures of the pages are left for whoever wants to look at them: `--pictures FOLDER`."""
    folder: Path | None = pytestconfig.getoption("--pictures")
    if folder is None:
        return tmp_path_factory.mktemp("pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def operator_key(installation: Installation) -> str:
    """One with all scopes."""
    return installation.key()


@pytest.fixture(scope="session")
def gallery(server: Server, operator_key: str, people: dict[str, list[Path]]) -> str:
    """A collection with five people."""
    name = put_collection(server, operator_key, "gallery", duplicatePolicy="flag")
    for person, photographs in list(people.items())[:5]:
        enroll_person(server, operator_key, photographs[0], person, name)
    return name
