"""Cameras made of files and of a server on this machine."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from pathlib import Path
from threading import Event, Thread
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from service.domain.face import Photograph, Reason

WIDTH, HEIGHT = 64, 48
_STEP = 8


def frame(index: int) -> NDArray[np.uint8]:
    """A grey that tells the frame's number, up to 31."""
    return np.full((HEIGHT, WIDTH, 3), index * _STEP, np.uint8)


def number_of(photograph: Photograph) -> int:
    pixels = photograph.pixels()
    assert not isinstance(pixels, Reason)
    return round(float(pixels.mean()) / _STEP)


def record(path: Path, count: int) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (WIDTH, HEIGHT))
    for index in range(count):
        writer.write(frame(index))
    writer.release()
    return path


class StreamServer:
    """Sends frames as MJPEG over HTTP, then does what broken cameras do.

    `sent`: frames; None never even answers. `then_close`: whether the connection ends after them;
    else it stays silent until the other side leaves, which sets `left`.
    """

    _LONGEST = 30.0

    def __init__(self, sent: Sequence[int] | None, *, then_close: bool = False) -> None:
        self._sent = sent
        self._then_close = then_close
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(self._LONGEST)
        self._thread = Thread(target=self._serve, daemon=True)
        self.left = Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/stream"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self._thread.join(self._LONGEST)

    def _serve(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        with connection:
            connection.settimeout(self._LONGEST)
            self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        try:
            if self._sent is not None:
                connection.recv(4096)
                connection.sendall(_HEADERS)
                for index in self._sent:
                    connection.sendall(_part(index))
            if not self._then_close:
                while connection.recv(4096):
                    pass
        except ConnectionError:
            pass
        except TimeoutError:
            return
        self.left.set()


_HEADERS = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"


def _part(index: int) -> bytes:
    encoded = cv2.imencode(".jpg", frame(index))[1].tobytes()
    head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(encoded)}\r\n\r\n"
    return head.encode() + encoded + b"\r\n"
