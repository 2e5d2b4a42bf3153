"""The two clients. Each call is written once, in `calls`; here it becomes a method of both, with its own
signature: `Sent` waits for the answer, `Awaited` is to be awaited.
"""

from __future__ import annotations

import asyncio
import functools
import re
import ssl
import time
from collections.abc import Callable, Coroutine
from itertools import count
from types import TracebackType
from typing import Any, Generic, Literal, ParamSpec, Self, overload

import httpx

from face_client import calls
from face_client.call import Answer, Call
from face_client.outcome import Outcome, Retries, answer_of

P = ParamSpec("P")

SECONDS, CONNECT_SECONDS = 60.0, 5.0
"""Until an answer begins, which may wait for the engine; and until there is a connection."""

_KEY = re.compile(r"[\x21-\x7e]+")


class _Method(Generic[P, Answer]):
    """`make`: whose name, parameters and docstring the method has."""

    def __init__(self, make: Callable[P, Call[Answer]]) -> None:
        self._make = make
        functools.update_wrapper(self, make)  # type: ignore[arg-type]


class Sent(_Method[P, Answer]):
    """A call as a method of `FaceClient`."""

    @overload
    def __get__(self, client: None, owner: type) -> Callable[P, Call[Answer]]: ...
    @overload
    def __get__(self, client: FaceClient, owner: type) -> Callable[P, Answer]: ...
    def __get__(self, client: FaceClient | None, owner: type) -> Callable[P, Any]:
        if client is None:
            return self._make

        @functools.wraps(self._make)
        def method(*args: P.args, **kwargs: P.kwargs) -> Answer:
            return client.send(self._make(*args, **kwargs))

        return method


class Awaited(_Method[P, Answer]):
    """A call as a method of `AsyncFaceClient`."""

    @overload
    def __get__(self, client: None, owner: type) -> Callable[P, Call[Answer]]: ...
    @overload
    def __get__(
        self, client: AsyncFaceClient, owner: type
    ) -> Callable[P, Coroutine[Any, Any, Answer]]: ...
    def __get__(self, client: AsyncFaceClient | None, owner: type) -> Callable[P, Any]:
        if client is None:
            return self._make

        @functools.wraps(self._make)
        async def method(*args: P.args, **kwargs: P.kwargs) -> Answer:
            return await client.send(self._make(*args, **kwargs))

        return method


class _Client:
    """`url`: where the service is, with the prefix that a proxy gives it, if any. `language`: of what people
    read. `verify`: for certificates of an authority of one's own, `ssl.create_default_context(cafile=...)`.
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        language: Literal["ko", "en"] | None = None,
        timeout: float = SECONDS,
        retries: Retries = Retries(),  # noqa: B008 - frozen
        verify: ssl.SSLContext | None = None,
    ) -> None:
        self.url, self._has_key, self._retries = url, key is not None, retries
        self._options: dict[str, Any] = {
            "base_url": url,
            "headers": _headers(key, language),
            "timeout": httpx.Timeout(timeout, connect=CONNECT_SECONDS),
            "follow_redirects": False,  # the key would go along
            "verify": verify or True,
        }

    def __repr__(self) -> str:
        key = "'***'" if self._has_key else None
        return f"{type(self).__name__}({self.url!r}, key={key})"


def _headers(key: str | None, language: str | None) -> dict[str, str]:
    """A key that no header can hold is refused here, where it is not quoted."""
    headers = {"Accept": "application/json"}
    if language is not None:
        headers["Accept-Language"] = language
    if key is not None:
        if not _KEY.fullmatch(key := key.strip()):
            raise ValueError("this is no API key")
        headers["Authorization"] = f"Bearer {key}"
    return headers


class FaceClient(_Client):
    """Calls the service. It may be shared by threads, and is closed at the end: `with FaceClient(...) as client`."""

    @functools.cached_property
    def _http(self) -> httpx.Client:
        return httpx.Client(**self._options)

    def send(self, call: Call[Answer]) -> Answer:
        """What the service answers. Raises `FaceClientError`."""
        for tries in count(1):
            outcome = self._try(call)
            pause = self._retries.pause_after(call, outcome, tries)
            if pause is None:
                break
            time.sleep(pause)
        return answer_of(call, outcome)

    def _try(self, call: Call[Any]) -> Outcome:
        try:
            return self._http.send(self._http.build_request(**call.request()))
        except httpx.TransportError as error:
            return error

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    token_from_camera = Sent(calls.token_from_camera)
    token_from_directory = Sent(calls.token_from_directory)
    token_from_images = Sent(calls.token_from_images)
    check = Sent(calls.check)
    enroll = Sent(calls.enroll)
    verify = Sent(calls.verify)
    dedupe = Sent(calls.dedupe)
    identify = Sent(calls.identify)
    begin_session = Sent(calls.begin_session)
    take_frames = Sent(calls.take_frames)
    list_subjects = Sent(calls.list_subjects)
    show_subject = Sent(calls.show_subject)
    export_subject = Sent(calls.export_subject)
    delete_subject = Sent(calls.delete_subject)
    withdraw_consent = Sent(calls.withdraw_consent)
    rename_subject = Sent(calls.rename_subject)
    merge_subject = Sent(calls.merge_subject)
    unlock_subject = Sent(calls.unlock_subject)
    list_duplicates = Sent(calls.list_duplicates)
    resolve_duplicate = Sent(calls.resolve_duplicate)
    list_collections = Sent(calls.list_collections)
    show_collection = Sent(calls.show_collection)
    put_collection = Sent(calls.put_collection)
    change_collection = Sent(calls.change_collection)
    delete_collection = Sent(calls.delete_collection)
    list_api_keys = Sent(calls.list_api_keys)
    create_api_key = Sent(calls.create_api_key)
    revoke_api_key = Sent(calls.revoke_api_key)
    list_audit = Sent(calls.list_audit)
    healthz = Sent(calls.healthz)
    readyz = Sent(calls.readyz)
    metrics = Sent(calls.metrics)


class AsyncFaceClient(_Client):
    """The same for asyncio: `async with AsyncFaceClient(...) as client`."""

    @functools.cached_property
    def _http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(**self._options)

    async def send(self, call: Call[Answer]) -> Answer:
        """What the service answers. Raises `FaceClientError`."""
        for tries in count(1):
            outcome = await self._try(call)
            pause = self._retries.pause_after(call, outcome, tries)
            if pause is None:
                break
            await asyncio.sleep(pause)
        return answer_of(call, outcome)

    async def _try(self, call: Call[Any]) -> Outcome:
        try:
            return await self._http.send(self._http.build_request(**call.request()))
        except httpx.TransportError as error:
            return error

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    token_from_camera = Awaited(calls.token_from_camera)
    token_from_directory = Awaited(calls.token_from_directory)
    token_from_images = Awaited(calls.token_from_images)
    check = Awaited(calls.check)
    enroll = Awaited(calls.enroll)
    verify = Awaited(calls.verify)
    dedupe = Awaited(calls.dedupe)
    identify = Awaited(calls.identify)
    begin_session = Awaited(calls.begin_session)
    take_frames = Awaited(calls.take_frames)
    list_subjects = Awaited(calls.list_subjects)
    show_subject = Awaited(calls.show_subject)
    export_subject = Awaited(calls.export_subject)
    delete_subject = Awaited(calls.delete_subject)
    withdraw_consent = Awaited(calls.withdraw_consent)
    rename_subject = Awaited(calls.rename_subject)
    merge_subject = Awaited(calls.merge_subject)
    unlock_subject = Awaited(calls.unlock_subject)
    list_duplicates = Awaited(calls.list_duplicates)
    resolve_duplicate = Awaited(calls.resolve_duplicate)
    list_collections = Awaited(calls.list_collections)
    show_collection = Awaited(calls.show_collection)
    put_collection = Awaited(calls.put_collection)
    change_collection = Awaited(calls.change_collection)
    delete_collection = Awaited(calls.delete_collection)
    list_api_keys = Awaited(calls.list_api_keys)
    create_api_key = Awaited(calls.create_api_key)
    revoke_api_key = Awaited(calls.revoke_api_key)
    list_audit = Awaited(calls.list_audit)
    healthz = Awaited(calls.healthz)
    readyz = Awaited(calls.readyz)
    metrics = Awaited(calls.metrics)
