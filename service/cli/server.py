"""Start the HTTP service."""

from __future__ import annotations

import errno
import logging.config
import multiprocessing
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.api.settings import FEWEST, RESERVED, fitting
from service.api.shortfalls import log_shortfall
from service.cli import lasting_objects
from service.cli.context import NOT_DONE, YES, err, explain, log_unknown_settings
from service.cli.exit_status import exit_status
from service.cli.language import language_of
from service.config import AppConfig
from service.domain.capacity import descriptor_shortfall
from service.domain.errors import FaceError
from service.telemetry import SHARED_FOLDER
from service.telemetry.logs import log_config
from service.texts import text
from service.wiring import Wiring, rehearsed_app, server_app

if TYPE_CHECKING:
    from fastapi import FastAPI

logger = logging.getLogger(__name__)

START_AGAIN = 1
"""A worker's status at which uvicorn starts it again; at 3 it would stop all, with status 0."""


def server(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535)] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=64, help="Processes, which divide the cores.", show_default=False),
    ] = None,
    open_tokens: Annotated[
        bool | None,
        typer.Option(
            "--open-tokens/--no-open-tokens",
            help="Let programs on this machine call /token/* without a key.",
            show_default=False,
        ),
    ] = None,
    root_path: Annotated[
        str | None,
        typer.Option(help="Prefix under which a proxy serves this: /face.", show_default=False),
    ] = None,
    ssl_certfile: Annotated[
        Path | None, typer.Option(help="Certificate in PEM: serve HTTPS.", show_default=False)
    ] = None,
    ssl_keyfile: Annotated[
        Path | None, typer.Option(help="Its private key in PEM.", show_default=False)
    ] = None,
    ssl_ca_certs: Annotated[
        Path | None,
        typer.Option(
            help="Authorities in PEM: callers must show a certificate.", show_default=False
        ),
    ] = None,
) -> None:
    """Serve enrollment, verification and search over HTTP, or HTTPS."""
    from service.cli.uvicorn_server import tls_options

    _pass_on(
        server_host=host,
        server_port=port,
        server_workers=workers,
        open_tokens=open_tokens,
        root_path=root_path,
        ssl_certfile=ssl_certfile,
        ssl_keyfile=ssl_keyfile,
        ssl_ca_certs=ssl_ca_certs,
    )
    # Being told to stop is how a server's work ends well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(YES))
    os.environ.pop(SHARED_FOLDER, None)  # whose it was: see `_common_metrics`
    config = AppConfig()
    logging.config.dictConfig(_logging(config))
    logging.captureWarnings(capture=True)
    log_unknown_settings(config)
    tls = tls_options(config)
    _require_free_port(config)
    _require_descriptors(config)
    if not tls:
        _warn_of_plain_text(config.server_host)
    _check(config)
    _leave_threads_to_the_service()
    if config.server_workers > 1:
        _rehearse()
    with _common_metrics(config.server_workers):
        _serve(config, tls)


def worker_app() -> FastAPI:
    """What each of several workers runs. One that died may find the database gone for a while."""
    from service.cli.uvicorn_server import end_with_parent

    end_with_parent()
    logging.captureWarnings(capture=True)
    try:
        return lasting_app()
    except FaceError as error:
        explain(error, language_of(None, AppConfig()))
        sys.exit(START_AGAIN)


def lasting_app() -> FastAPI:
    """What a process that serves alone runs."""
    with lasting_objects():
        return server_app()


def _logging(config: AppConfig) -> dict[str, Any]:
    on_terminal = sys.stderr.isatty()
    readable = config.log_format == "console" or (config.log_format == "auto" and on_terminal)
    return log_config(as_json=not readable)


def _warn_of_plain_text(host: str) -> None:
    from service.api.open_door import is_loopback

    if not is_loopback(host):
        logger.warning(
            "listening beyond this machine without TLS: faces and keys cross the network in plain"
            " text, unless a proxy in front of this encrypts them; see ssl_certfile"
        )


@contextmanager
def _common_metrics(workers: int) -> Iterator[None]:
    """Several workers count into files of one folder, so that any of them can tell the sum."""
    if workers == 1:
        yield
        return
    with TemporaryDirectory(prefix="face-metrics-", ignore_cleanup_errors=True) as folder:
        os.environ[SHARED_FOLDER] = folder
        yield


def _leave_threads_to_the_service() -> None:
    """The service has a thread for each of its cores: none that starts others of its own, for each core of
    the machine, in every process. What is set is left; a library reads it when it is loaded. OpenBLAS has one
    in every command already.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def _pass_on(**settings: object) -> None:
    """Worker processes read their settings from the environment, so options go there."""
    for name, value in settings.items():
        if value is not None:
            os.environ[f"FACE_{name.upper()}"] = str(value)


def _require_free_port(config: AppConfig) -> None:
    """Before anything is loaded. Exits where the address is taken, or is not this machine's."""
    address = (config.server_host, config.server_port)
    family = socket.AF_INET6 if ":" in config.server_host else socket.AF_INET
    try:
        socket.create_server(address, family=family).close()
    except OSError as error:
        language = language_of(None, config)
        values = {"address": "{}:{}".format(*address), "cause": os.strerror(error.errno or 0)}
        taken = error.errno == errno.EADDRINUSE
        key = "notice.address_taken" if taken else "notice.cannot_listen"
        err.print(text(language, key, **values))
        raise typer.Exit(NOT_DONE) from None


def _check(config: AppConfig) -> None:
    """Whatever stops a worker from starting stops us here, once and with a clear message.

    The embedded database stays up as long as this process, whatever its workers do.
    """
    wiring = Wiring(config)
    with lasting_objects():
        wiring.prepare()
    wiring.storage.close()


def _rehearse() -> None:
    """Starts what a worker runs once, so that a model that cannot be loaded stops the start.

    In a process of its own: the parent of the workers needs no memory for a model.
    """
    config = _logging(AppConfig())
    rehearsal = multiprocessing.get_context("spawn").Process(
        target=_rehearsed, args=(config,), daemon=True
    )
    rehearsal.start()
    rehearsal.join()
    if rehearsal.exitcode:
        raise typer.Exit(NOT_DONE)


def _rehearsed(logging_config: dict[str, Any]) -> None:
    """Ends as a command does, with a sentence: a process of multiprocessing prints tracebacks."""
    logging.config.dictConfig(logging_config)
    sys.exit(exit_status(rehearsed_app))


def _require_descriptors(config: AppConfig) -> None:
    """Says where connections are fewer than configured. Exits where they are too few to serve."""
    most = fitting(config.max_connections)
    if most < FEWEST:
        language = language_of(None, config)
        err.print(text(language, "notice.too_few_descriptors", needed=FEWEST + RESERVED))
        raise typer.Exit(NOT_DONE)
    wanted = config.max_connections
    if (shortfall := descriptor_shortfall(most, wanted, wanted + RESERVED)) is not None:
        log_shortfall(shortfall, language_of(None, config))


def _serve(config: AppConfig, tls: dict[str, Any]) -> None:
    from service.cli.uvicorn_server import ServerConfig, serve

    alone = config.server_workers == 1
    app = "service.cli.server:lasting_app" if alone else "service.cli.server:worker_app"
    settings = ServerConfig(
        app,
        host=config.server_host,
        port=config.server_port,
        workers=config.server_workers,
        root_path=config.root_path,
        log_config=_logging(config),
        **tls,
    )
    serve(settings)


def register(app: typer.Typer) -> None:
    app.command()(server)
