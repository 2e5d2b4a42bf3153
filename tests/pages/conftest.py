"""One server with the pages for all of these tests, and for each file a browser whose camera shows a film."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from service.domain.callers import Scope
from tests.browser import chromium
from tests.contract.collection_client import CollectionClient, ok
from tests.contract.installation import Installation, Server
from tests.pages.film import Film
from tests.pages.gallery import enroll_person, put_collection
from tests.pages.kiosk_page import KioskPage
from tests.postgres import TestServer

CALLS_PER_MINUTE = 600
"""Of one key, as where nobody says otherwise: more than a kiosk makes, which asks four times a second."""

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
    rate = f"{CALLS_PER_MINUTE}/minute"
    with installation.serving(
        "--root-path", "/face", pages=True, rate_limit_per_key=rate
    ) as server:
        yield server


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Of one file: it leaves an event loop running, beside which tests of other files could run none."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Film:
    return Film(tmp_path_factory.mktemp("film") / "film.y4m")


@pytest.fixture(scope="session")
def calls(installation: Installation, server: Server) -> Iterator[httpx.Client]:
    """For whoever runs the service."""
    with server.client(installation.key()) as http:
        yield http


@pytest.fixture
def client(calls: httpx.Client) -> CollectionClient:
    """In a collection of this test's own."""
    client = CollectionClient(calls, f"c-{uuid4().hex}")
    ok(client.put())
    return client


@contextmanager
def browser_with(playwright: Playwright, *cameras: str) -> Iterator[Browser]:
    """Without a network beyond this machine. `cameras`: options for the camera."""
    browser = playwright.chromium.launch(
        executable_path=chromium(), args=["--no-sandbox", "--disable-gpu", _OFFLINE, *cameras]
    )
    yield browser
    browser.close()


@pytest.fixture(scope="module")
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


@pytest.fixture
def page(browser: Browser, film: Film) -> Iterator[Page]:
    """One that may use the camera, before which nobody stands yet."""
    film.dark()
    size = {"width": 1280, "height": 800}
    context = browser.new_context(permissions=["camera"], viewport=size)  # type: ignore[arg-type]
    yield context.new_page()
    context.close()


@pytest.fixture(params=["ko", "en"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def kiosk(page: Page, server: Server, language: str, pictures: Path) -> KioskPage:
    """Dark in English, so that both are looked at."""
    page.emulate_media(color_scheme="light" if language == "ko" else "dark")
    return KioskPage(page, server.url, language, pictures)


@pytest.fixture
def key(installation: Installation, client: CollectionClient) -> str:
    """As a kiosk is paired: it may verify and enroll, in one collection."""
    return installation.key(Scope.VERIFY, Scope.ENROLL, collections=(client.collection,))
