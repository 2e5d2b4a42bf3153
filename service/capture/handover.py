"""Between the thread that reads a device and the call that looks at its frames."""

from __future__ import annotations

from threading import Condition

from service.domain.face import Image


class Handover:
    """Room for one frame: nothing piles up where a camera is faster than the model."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._frame: Image | None = None
        self._ended = False
        self._closed = False

    @property
    def ended(self) -> bool:
        """Whether no more frames come."""
        return self._ended

    def put(self, frame: Image, *, keep_all: bool) -> bool:
        """Leave a frame; `keep_all`: once the one before it is taken, else in its place.

        False where nobody wants frames any more.
        """
        with self._changed:
            if keep_all:
                self._changed.wait_for(lambda: self._frame is None or self._closed)
            self._frame = frame
            self._changed.notify_all()
            return not self._closed

    def take(self, seconds: float) -> Image | None:
        """The next frame; None where none comes in time, or none comes any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None or self._ended, seconds)
            frame, self._frame = self._frame, None
            self._changed.notify_all()
            return frame

    def end(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
