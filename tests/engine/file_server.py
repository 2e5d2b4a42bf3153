"""A server of one file on this machine, with the faults of real ones."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Origin:
    """`announced`: bytes told in the head; None: none are. `silent`: it stops in the middle and says no more.
    `drips`: seconds between single bytes. `moved_to`: where it sends whoever asks. `asked`: what came.
    """

    content: bytes
    path: str = "/file"
    announced: int | None = -1
    silent: bool = False
    drips: float = 0.0
    moved_to: str | None = None
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)


@contextmanager
def serving(origin: Origin) -> Iterator[str]:
    """The address of `origin`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            origin.asked.append((self.path, dict(self.headers)))
            try:
                _answer(self, origin)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its signature
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        origin.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _answer(request: BaseHTTPRequestHandler, origin: Origin) -> None:
    if origin.moved_to is not None and request.path == origin.path:
        request.send_response(302)
        request.send_header("Location", origin.moved_to)
        request.end_headers()
        return
    if request.path != origin.path and origin.moved_to is None and "://" not in request.path:
        request.send_error(404)
        return
    request.send_response(200)
    if origin.announced is not None:
        announced = len(origin.content) if origin.announced < 0 else origin.announced
        request.send_header("Content-Length", str(announced))
    request.end_headers()
    _send(request, origin)


def _send(request: BaseHTTPRequestHandler, origin: Origin) -> None:
    if origin.drips:
        for byte in origin.content:
            if origin.over.is_set():
                return
            request.wfile.write(bytes([byte]))
            request.wfile.flush()
            time.sleep(origin.drips)
    half = len(origin.content) // 2
    request.wfile.write(origin.content[:half] if origin.silent else origin.content)
    request.wfile.flush()
    if origin.silent:
        origin.over.wait()
