"""One connection of HTTP/1.1: uvicorn's, on the parser httptools, with refusals of our own.

httptools takes a tenth less of a call's processor time than h11 (decision 7). What uvicorn leaves
out on it is added here: a problem document for what is not HTTP at all, an end to a head, for which
httptools has none, and the body of a call that offers to speak another protocol.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop
from typing import Any
from uuid import uuid4

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from starlette.requests import Request
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from service.api.headers import secured
from service.api.problems import problem
from service.api.requests import REQUEST_ID, tell
from service.domain.calls import answering
from service.domain.errors import InvalidRequest

MOST_BYTES_OF_A_HEAD = 64 * 1024
"""Of a request's line and headers, or of what may follow a body in pieces: uvicorn's limit on h11.
Kept in memory before anybody is asked for a key.
"""


class Connection(HttpToolsProtocol):
    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._unfinished = 0
        """Bytes received since the last end of a head, piece of a body or end of a request."""

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        self._unfinished += len(data)
        while data:
            data = self._parsed(data)
        if self._unfinished > MOST_BYTES_OF_A_HEAD and not self.transport.is_closing():
            self.send_400_response("too long a head")

    def on_headers_complete(self) -> None:
        """Raises `ValueError` at what would make a tunnel of this connection."""
        self._unfinished = 0
        if self.parser.get_method() == b"CONNECT":
            raise ValueError
        if not self.parser.should_upgrade():
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unfinished = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unfinished = 0
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def _parsed(self, data: bytes) -> bytes:
        """What is to be parsed next, if anything."""
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as offer:
            return self._without_offer() + data[offer.args[0] :]
        except HttpParserError:
            self.send_400_response("not HTTP")
        return b""

    def _without_offer(self) -> bytes:
        """The head just parsed, for another parser: this one takes the call's body for the other
        protocol. An offer need not be taken (RFC 9110, 7.8); Java's own client makes one with each
        call.
        """
        method, version = self.parser.get_method(), self.parser.get_http_version()
        kept = [b"%b: %b\r\n" % header for header in self.headers if header[0] != b"upgrade"]
        self.parser = HttpRequestParser(self)
        return b"".join(
            [b"%b %b HTTP/%b\r\n" % (method, self.url, version.encode()), *kept, b"\r\n"]
        )

    def send_400_response(self, msg: str) -> None:
        """To what is not HTTP, and so has no request to answer; the connection ends."""
        self.logger.info("a connection is closed: %s", msg)
        app = self.config.loaded_app
        request = Request(_nothing_known(app))
        answer = problem(request, InvalidRequest())
        answer.headers[REQUEST_ID] = request.state.request_id
        answer.headers["Connection"] = "close"
        headers = secured(answer.raw_headers, over_tls=self.scheme == "https")
        head = [b"%b: %b\r\n" % header for header in headers]
        self.transport.write(b"".join([STATUS_LINE[400], *head, b"\r\n", bytes(answer.body)]))
        self.transport.close()
        with answering(request.state.request_id):
            tell(app.state.telemetry, request, answer.status_code, 0.0)


def _nothing_known(app: object) -> dict[str, Any]:
    """A request as far as a problem document and a line in the log need one."""
    state = {"request_id": uuid4().hex}
    return {"type": "http", "method": "?", "headers": [], "app": app, "state": state}
