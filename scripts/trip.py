"""How much of the service one call goes through: functions, files, folders, changes of folder.

    python -m scripts.trip --model-root ../shared/insightface --photo face.png

A reader who follows a call opens every file that it enters, and reads each function once, where it
is entered first: in that order the changes of folder are counted. It is done over a real server on
loopback, a database and a model of its own, after the same call was made once before. What the
server does by itself every second is left out: the call is made several times, and what is not
entered each time is no part of it.
"""

from __future__ import annotations

import argparse
import atexit
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import CodeType, FrameType

import httpx
import uvicorn

SERVICE = Path(__file__).resolve().parents[1] / "service"
MODEL = "mobile_s"
START_SECONDS = 120.0

CALLS = {"verify": ("/verify", "kim", 200), "duplicate": ("/enroll", "lee", 409)}
"""Path, subject and status of the calls that are followed; kim is enrolled."""

TIMES = 6
"""How often each call is made."""

SETTLED_SECONDS = 0.15
"""After which a call has nothing left to do: its log line is written after its answer."""

_WITHOUT_NAME = {"<module>", "<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>", "<lambda>"}


@dataclass(frozen=True)
class Trip:
    """The functions of the service that one call entered, in the order of their first entry.

    `functions`: file, relative to `service/`, and qualified name.
    """

    functions: tuple[tuple[str, str], ...]

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(file for file, _ in self.functions))

    @property
    def folders(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(map(_folder, self.files)))

    @property
    def changes_of_folder(self) -> int:
        return sum(
            _folder(before) != _folder(after)
            for (before, _), (after, _) in pairwise(self.functions)
        )

    def __str__(self) -> str:
        return (
            f"{len(self.functions)} functions, {len(self.files)} files, "
            f"{len(self.folders)} folders, {self.changes_of_folder} changes of folder"
        )


def _folder(file: str) -> str:
    return Path(file).parent.as_posix()


class Recorder:
    """Notes every function that any thread of this process enters while it is on."""

    def __init__(self) -> None:
        self._entered: dict[CodeType, None] = {}
        self._is_on = False

    def install(self) -> None:
        """For this thread and for all that start after it."""
        threading.setprofile(self._note)
        sys.setprofile(self._note)

    def _note(self, frame: FrameType, event: str, _: object) -> None:
        if self._is_on and event == "call":
            self._entered.setdefault(frame.f_code)

    @contextmanager
    def recording(self) -> Iterator[None]:
        self._entered.clear()
        self._is_on = True
        try:
            yield
        finally:
            self._is_on = False

    def trip(self) -> Trip:
        """What was noted last."""
        return Trip(tuple(self._functions()))

    def _functions(self) -> Iterator[tuple[str, str]]:
        for code in self._entered:
            path = Path(code.co_filename)
            if path.is_relative_to(SERVICE) and code.co_name not in _WITHOUT_NAME:
                yield path.relative_to(SERVICE).as_posix(), code.co_qualname


@contextmanager
def serving(folder: Path, model_root: Path) -> Iterator[httpx.Client]:
    """A client of a server in this process, with a key that may do everything."""
    from service.cli.uvicorn_server import ServerConfig
    from service.config import AppConfig
    from service.domain.callers import Scope
    from service.wiring import Wiring, build_app

    config = AppConfig(
        model_name=MODEL, model_root=model_root, data_dir=folder, use_gpu=False, purge_interval=0
    )
    app = partial(build_app, config)
    server = uvicorn.Server(ServerConfig(app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        _wait_for(server)
        port = server.servers[0].sockets[0].getsockname()[1]
        key = Wiring(config).api_keys.create("trip", tuple(Scope), (), None).key
        yield httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"X-API-Key": key})
    finally:
        server.should_exit = True
        thread.join()


def _wait_for(server: uvicorn.Server) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not server.started:
        if time.monotonic() > deadline:
            raise TimeoutError("the server does not start")
        time.sleep(0.05)


def trips(model_root: Path, photo: Path) -> dict[str, Trip]:
    """The trip of each of `CALLS`, by name. `photo`: one that shows one face."""
    recorder = Recorder()
    recorder.install()
    folder = Path(tempfile.mkdtemp(prefix="face-trip-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # after the database's own end
    found = {}
    with serving(folder, model_root) as http:
        _post(http, photo, "/enroll", "kim", 201)
        for name, call in CALLS.items():
            _post(http, photo, *call)
            time.sleep(SETTLED_SECONDS)
            found[name] = _common([_followed(recorder, http, photo, *call) for _ in range(TIMES)])
    return found


def _followed(
    recorder: Recorder, http: httpx.Client, photo: Path, path: str, subject_id: str, status: int
) -> Trip:
    with recorder.recording():
        _post(http, photo, path, subject_id, status)
        time.sleep(SETTLED_SECONDS)
    return recorder.trip()


def _common(several: Sequence[Trip]) -> Trip:
    """What all of them entered, in the order of the first."""
    everywhere = set.intersection(*(set(trip.functions) for trip in several))
    return Trip(tuple(function for function in several[0].functions if function in everywhere))


def _post(http: httpx.Client, photo: Path, path: str, subject_id: str, status: int) -> None:
    images = {"images": (photo.name, photo.read_bytes())}
    answer = http.post(path, data={"subjectId": subject_id}, files=images)
    if answer.status_code != status:
        raise RuntimeError(f"{path} answered {answer.status_code}: {answer.text}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Count what one call goes through.")
    parser.add_argument("--model-root", type=Path, required=True)
    parser.add_argument("--photo", type=Path, required=True)
    parser.add_argument(
        "--list", action="store_true", help="every function, as it is entered first"
    )
    asked = parser.parse_args()
    for name, trip in trips(asked.model_root, asked.photo).items():
        print(f"{name}: {trip}")
        if asked.list:
            for file, function in trip.functions:
                print(f"    {file}: {function}")


if __name__ == "__main__":
    main()
