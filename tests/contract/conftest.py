"""One server for all of these tests, and for each test a collection of its own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from service.domain.callers import Scope
from service.engine.engines import load_engine
from tests.contract.collection_client import CollectionClient, ok
from tests.contract.installation import Installation, Server
from tests.contract.tables import Tables
from tests.contract.video_file import CameraVideo
from tests.liveness.portrait import PortrayedPerson, portrayed_person
from tests.postgres import TestServer


@pytest.fixture(scope="session")
def installation(
    postgres_server: TestServer, migrated_template: str, model_root: Path
) -> Iterator[Installation]:
    url = postgres_server.create(migrated_template)
    with tempfile.TemporaryDirectory(prefix="face-contract-") as folder:
        yield Installation(Path(folder), model_root, url)
    postgres_server.drop(url)


@pytest.fixture(scope="session")
def camera_video(installation: Installation) -> CameraVideo:
    return CameraVideo(installation.folder / "camera.avi")


@pytest.fixture(scope="session")
def albums(installation: Installation) -> Path:
    """A folder that the server may read."""
    folder = installation.folder / "albums"
    folder.mkdir()
    return folder


@pytest.fixture
def album(albums: Path) -> Path:
    """One of this test's own."""
    folder = albums / uuid4().hex
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def server(
    installation: Installation,
    camera_video: CameraVideo,
    albums: Path,
    people: dict[str, list[Path]],
) -> Iterator[Server]:
    photos = next(iter(people.values()))[0].parents[1]
    roots = os.pathsep.join([str(photos), str(albums)])
    with installation.serving(image_roots=roots, camera_index=camera_video.path) as server:
        yield server


@pytest.fixture(scope="session")
def strict(installation: Installation) -> Iterator[Server]:
    """Reads no folders, and takes 2 images of 1 MiB: bodies of about 3 MiB."""
    with installation.serving(max_image_bytes=1024 * 1024, max_images_per_request=2) as server:
        yield server


@pytest.fixture(scope="session")
def key(installation: Installation) -> str:
    """One with all scopes."""
    return installation.key()


@pytest.fixture(scope="session")
def http(server: Server, key: str) -> Iterator[httpx.Client]:
    with server.client(key) as http:
        yield http


@pytest.fixture
def client(http: httpx.Client) -> CollectionClient:
    """In a collection of this test's own."""
    client = CollectionClient(http, f"c-{uuid4().hex}")
    ok(client.put())
    return client


@pytest.fixture(scope="session")
def enroller_key(installation: Installation) -> str:
    """One that may enroll, vectors too, and nothing else."""
    return installation.key(Scope.ENROLL, Scope.EMBEDDING)


@pytest.fixture
def enroller(
    server: Server, enroller_key: str, client: CollectionClient
) -> Iterator[CollectionClient]:
    """In the collection of `client`."""
    with server.client(enroller_key) as http:
        yield CollectionClient(http, client.collection)


@pytest.fixture
def tables(installation: Installation) -> Iterator[Tables]:
    tables = Tables(installation.database_url)
    yield tables
    tables.close()


@pytest.fixture(scope="session")
def portraits(people: dict[str, list[Path]]) -> list[Path]:
    """The first person's five photographs."""
    return next(iter(people.values()))


@pytest.fixture(scope="session")
def portrayed(model_root: Path, people: dict[str, list[Path]]) -> dict[str, PortrayedPerson]:
    """Everybody of people/ by name, for heads and sheets that show them."""
    engine = load_engine("mobile_s", model_root, detection_threshold=0.6, use_gpu=False)
    return {name: portrayed_person(name, people[name], engine) for name in people}
