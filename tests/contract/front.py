"""What stands between a client and the service: a door that is busy at first, and one that leads elsewhere."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx

SECONDS, _PAUSE = 60.0, 0.02
_OF_A_CONNECTION = {"host", "connection", "content-length", "transfer-encoding", "server", "date"}


@dataclass
class Front:
    """Answers with each of the `refusals` once, by their statuses, then passes on to `target`; without
    one, sends everybody to `elsewhere`. `seen`: the headers of each request.
    """

    target: str | None = None
    refusals: list[int] = field(default_factory=list)
    elsewhere: str = ""
    url: str = ""
    seen: list[Mapping[str, str]] = field(default_factory=list)

    def answer(self, request: BaseHTTPRequestHandler) -> tuple[int, Mapping[str, str], bytes]:
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        self.seen.append({name.lower(): value for name, value in request.headers.items()})
        if self.refusals:
            return self.refusals.pop(0), {"Retry-After": "0"}, b""
        if self.target is None:
            return 307, {"Location": self.elsewhere + request.path}, b""
        headers = _passed(request.headers)
        passed = httpx.request(
            request.command,
            self.target + request.path,
            content=body,
            headers=headers,
            timeout=SECONDS,
        )
        return passed.status_code, _passed(passed.headers), passed.content


def _passed(headers: Mapping[str, str] | Message) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _OF_A_CONNECTION}


@contextmanager
def opened(front: Front, tls: ssl.SSLContext | None = None) -> Iterator[Front]:
    """On a port of this machine, until the end. `tls`: speaks HTTPS."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            status, headers, body = front.answer(self)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

        def log_message(self, *args: object) -> None: ...

    class Server(ThreadingHTTPServer):
        def handle_error(self, *args: object) -> None:
            """Nothing is said of callers who hang up."""

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    front.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, args=(_PAUSE,), daemon=True).start()
    yield front
    server.shutdown()
    server.server_close()
