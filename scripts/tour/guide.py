"""The quickstart's steps in their order, and what is undone at the end of them."""

from __future__ import annotations

import argparse
import os
import platform
import secrets
import signal
import stat
import sys
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from scripts.environment import LOCK, RUNTIMES, Environment, EnvironmentFailed
from scripts.tour import model, photographs
from scripts.tour.installed import Installed, Settings
from scripts.tour.server import Server
from scripts.tour.table import StepFailed, Table
from scripts.tour.visit import Visit
from scripts.tour.words import LANGUAGES, Words, language_of_terminal

SCOPES = ("token", "enroll", "verify", "search", "admin")
_INTERRUPTED = 130
_DEVICE_SETTINGS = {
    "cpu": {"FACE_USE_GPU": "false", "FACE_USE_DIRECTML": "false"},
    "cuda": {"FACE_USE_GPU": "required"},
    "directml": {"FACE_USE_GPU": "false", "FACE_USE_DIRECTML": "true"},
}


class Guide:
    """One run of the quickstart. `name` marks what it makes and removes again."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._words = Words(options.lang)
        self._table = Table()
        self._name = f"quickstart-{secrets.token_hex(4)}"
        self._installed = Installed(Environment(), _overrides(options))
        self._key = ""

    def run(self) -> None:
        """Raises `StepFailed` or `EnvironmentFailed`; everything started is stopped by then."""
        began = time.monotonic()
        self._make_environment()
        with ThreadPoolExecutor(1) as meanwhile:
            found = meanwhile.submit(self._find_photographs)
            settings = self._install()
            self._choose_model(settings)
            cast = self._show_photographs(found)
        self._migrate(settings)
        with ExitStack() as undo:
            server = self._start_server(settings, undo)
            self._show_master_key(settings)
            self._make_key()
            service = server.service.with_key(self._key)
            Visit(service, cast, self._name, self._table, self._words).run()
            print("\n" + self._words("done", seconds=time.monotonic() - began), flush=True)
            if not self._options.once:
                self._serve(server)

    def _make_environment(self) -> None:
        with self._table.step(self._words("python")) as row:
            environment = self._installed.environment
            environment.make()
            row.outcome = f"{platform.python_version()}, {environment.folder}"

    def _install(self) -> Settings:
        with self._table.step(self._words("install")) as row:
            self._installed.environment.ensure(device=self._options.device)
            row.outcome = self._words("installed", lock=LOCK)
            return self._installed.settings()

    def _choose_model(self, settings: Settings) -> None:
        with self._table.step(self._words("model")) as row:
            choice = model.choose(self._installed, settings.model, self._words)
            row.outcome = choice.reason
        with self._table.step(self._words("license")) as row:
            row.outcome = choice.license
        overrides = {**self._installed.overrides, "FACE_MODEL_NAME": choice.name}
        self._installed = replace(self._installed, overrides=overrides)

    def _find_photographs(self) -> photographs.Cast:
        if self._options.photos:
            return photographs.from_folder(self._options.photos, self._words)
        return photographs.from_package(self._installed.environment, self._words)

    def _show_photographs(self, cast: Future[photographs.Cast]) -> photographs.Cast:
        with self._table.step(self._words("photographs")) as row:
            folder = self._options.photos
            known = "photographs_given" if folder else "photographs_package"
            row.outcome = self._words(known, folder=folder)
            return cast.result()

    def _migrate(self, settings: Settings) -> None:
        with self._table.step(self._words("database")) as row:
            self._installed.face("migrate")
            kind = "database_embedded" if settings.embedded else "database_external"
            row.outcome = self._words(kind, folder=settings.data_dir)

    def _make_key(self) -> None:
        with self._table.step(self._words("api_key")) as row:
            scopes = [part for scope in SCOPES for part in ("--scope", scope)]
            self._key = self._installed.face("apikey", "create", self._name, *scopes).strip()
            row.outcome = self._words("api_key_made", name=self._name)

    def _start_server(self, settings: Settings, undo: ExitStack) -> Server:
        with self._table.step(self._words("server")) as row:
            wanted = self._options.port or settings.port
            server = Server(self._installed, wanted, settings.data_dir / "quickstart-server.log")
            undo.callback(self._stop, server)
            undo.push(lambda _, error, __: self._show_log(server, error))
            providers = ", ".join(server.wait_ready(self._words("advice_server")))
            said = "server_ready" if server.port == wanted else "server_moved"
            url = server.service.url
            row.outcome = self._words(said, url=url, providers=providers, port=wanted)
            return server

    def _show_master_key(self, settings: Settings) -> None:
        with self._table.step(self._words("master_key")) as row:
            row.outcome = self._words("master_key_configured")
            if settings.own_key:
                path = settings.data_dir / "master.key"
                mode = f"{stat.S_IMODE(path.stat().st_mode):04o}"
                row.outcome = self._words("master_key_file", path=path, mode=mode)

    def _show_log(self, server: Server, error: BaseException | None) -> bool:
        if isinstance(error, StepFailed):
            print(f"\n{self._words('server_log', path=server.log)}\n{server.log_tail()}\n")
        return False

    def _stop(self, server: Server) -> None:
        with self._table.step(self._words("stop")) as row:
            try:
                if self._key:
                    self._installed.face("apikey", "revoke", self._name)
            finally:
                server.stop()
            row.outcome = self._words("stopped")

    def _serve(self, server: Server) -> None:
        """Until Ctrl-C, which is the good end of it."""
        url = server.service.url
        curls = _curls(url, self._key)
        try:
            said = self._words("serving", url=url, api_key=self._key)
            print(f"\n{said}\n\n{curls}", flush=True)
            status = server.wait()
        except KeyboardInterrupt:
            return
        raise StepFailed(f"face server: {status}", self._words("advice_server"))


def _curls(url: str, key: str) -> str:
    call = f"curl -H 'Authorization: Bearer {key}'"
    return (
        f"{call} -F images=@me1.jpg {url}/token/images\n"
        f"{call} -F subjectId=me -F images=@me1.jpg -F images=@me2.jpg {url}/enroll\n"
        f"{call} -F subjectId=me -F images=@me3.jpg {url}/verify\n"
        f"{call} -X DELETE {url}/admin/subjects/me\n"
    )


def _overrides(options: argparse.Namespace) -> dict[str, str]:
    chosen = {"FACE_PAGES": os.environ.get("FACE_PAGES", "true")}
    chosen |= _DEVICE_SETTINGS.get(options.device, {})
    if options.data_dir:
        chosen["FACE_DATA_DIR"] = str(options.data_dir.absolute())
    return chosen


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="quickstart.py")
    parser.add_argument("--once", action="store_true", help="stop after the run")
    photos = os.environ.get("FACE_QUICKSTART_PHOTOS")
    parser.add_argument(
        "--photos", type=Path, default=photos and Path(photos), help="one folder per person"
    )
    parser.add_argument("--device", choices=RUNTIMES, help="default: as configured")
    parser.add_argument("--port", type=int, help="default: as configured, or a free one")
    parser.add_argument("--data-dir", type=Path, help="default: as configured")
    parser.add_argument("--lang", choices=LANGUAGES, default=language_of_terminal())
    return parser.parse_args(arguments)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def main(arguments: Sequence[str]) -> int:
    """The status: 0 all is well, 1 a step failed, 130 interrupted before the end."""
    options = _options(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    try:
        Guide(options).run()
    except (StepFailed, EnvironmentFailed) as error:
        print(f"\n{error}\n{getattr(error, 'advice', '')}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    return 0
