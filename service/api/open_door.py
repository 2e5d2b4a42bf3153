"""Calls without a key, from programs of this machine: whose program is at the other end?

A user is known by the number of their account, as text; on Windows by the account's name.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import re
import struct
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

import psutil
from fastapi import Request

from service.api.concurrency import forwarding_header
from service.domain.errors import Shut, ShutCause

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_WORDS = 60.0
"""The log says once in that time why the door stayed shut, for each cause."""

_AUTHORITY = re.compile(
    r"(?:\[(?P<ipv6>[^\[\]]+)\]|(?P<name>[A-Za-z0-9.-]+))(?::[0-9]{1,5})?", re.ASCII
)

End: TypeAlias = tuple[str, int]
"""Address and port."""

_HAS_TABLES: bool = sys.platform == "linux"
_PROC = Path("/proc")
_TABLES = ("net/tcp", "net/tcp6")
_NOBODYS_NUMBER = "sys/kernel/overflowuid"

_ESTABLISHED = "01"
"""Of all others that are closing the kernel names no owner, but user 0."""

_NO_INODE = "0"
_FIELDS = 10
"""Of a line, up to the inode."""


class OpenDoor:
    """Opens for programs of the service's own user and of `users`, and of nobody else.

    Not for a proxy on the same machine, whose callers are anywhere: one that names them in a header
    is known by it, one that does not by its user, as web servers have users of their own. Not for a
    web page from elsewhere, which reaches loopback through the browser of somebody who sits here: it
    names another host (DNS rebinding) or another origin.
    """

    def __init__(
        self,
        users: Iterable[str] = (),
        owner: Callable[[End, End], str | None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`users`: by name or number; who does not exist is nobody."""
        self._users = frozenset(
            {this_user()} | {number for each in users if (number := _known(each))}
        )
        self._owner = owner or owner_of
        self._clock = clock
        self._told: dict[ShutCause, float] = {}

    def why_shut(self, request: Request) -> Shut | None:
        """None where it opens."""
        shut = _by_headers(request) or self._by_owner(request)
        if shut is not None:
            self._tell(shut)
        return shut

    def _by_owner(self, request: Request) -> Shut | None:
        """The last question, for it costs the most: a millisecond at 1,000 connections."""
        client, server = request.client, request.scope.get("server")
        if client is None or not server or not is_loopback(client.host):
            return Shut(ShutCause.OTHER_MACHINE)
        owner = self._owner((client.host, client.port), (server[0], server[1]))
        if owner is None:
            return Shut(ShutCause.UNKNOWN_USER)
        return None if owner in self._users else Shut(ShutCause.OTHER_USER, name_of(owner))

    def _tell(self, shut: Shut) -> None:
        now = self._clock()
        if now - self._told.get(shut.cause, -SECONDS_BETWEEN_WORDS) >= SECONDS_BETWEEN_WORDS:
            self._told[shut.cause] = now
            logger.warning(
                "the door for programs of this machine stayed shut: %s %s", *_words(shut)
            )


def _words(shut: Shut) -> tuple[str, str]:
    return shut.cause.value, shut.what


def _known(user: str) -> str | None:
    number = number_of(user)
    if number is None:
        logger.warning("open_tokens_users: there is no user %s here", user)
    return number


def _by_headers(request: Request) -> Shut | None:
    if header := forwarding_header(request):
        return Shut(ShutCause.FORWARDED, header)
    if not all(is_loopback(host) for host in _hosts(request)):
        return Shut(ShutCause.FOREIGN_NAME, "host")
    if not all(is_loopback(origin) for origin in _origins(request)):
        return Shut(ShutCause.FOREIGN_NAME, "origin")
    return None


def _hosts(request: Request) -> list[str]:
    """Not `request.url`: that has the server's own address where the header is malformed."""
    return [_host(given) for given in request.headers.getlist("host")] or [""]


def _origins(request: Request) -> list[str]:
    return [_host(given.partition("://")[2]) for given in request.headers.getlist("origin")]


def _host(authority: str) -> str:
    """The host of `host:port`; empty for anything else."""
    parts = _AUTHORITY.fullmatch(authority)
    return (parts["ipv6"] or parts["name"]) if parts else ""


def is_loopback(host: str) -> bool:
    """Whether `host`, a name or an address, can only mean this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def owner_of(client: End, server: End, proc: Path = _PROC) -> str | None:
    """Who opened the connection from `client` to `server`; None where that cannot be told."""
    if _HAS_TABLES:
        return _by_kernel_tables(client, server, proc)
    return owner_by_processes(client, server)


def this_user() -> str:
    """Whose process this is."""
    return _user_of(psutil.Process())


def number_of(user: str) -> str | None:
    """The user as `owner_of` knows them, by name or number; None where there is nobody of the name."""
    if os.name == "nt":
        return user.lower()
    if user.isascii() and user.isdigit():
        return str(int(user))
    from pwd import getpwnam

    with suppress(KeyError):
        return str(getpwnam(user).pw_uid)
    return None


def name_of(user: str) -> str:
    """What a person calls a user whom `owner_of` found."""
    if os.name != "nt":
        from pwd import getpwuid

        with suppress(KeyError):
            return getpwuid(int(user)).pw_name
    return user


def _by_kernel_tables(client: End, server: End, proc: Path) -> str | None:
    try:
        owners = {uid for table in _TABLES for uid in _owners(proc / table, client, server)}
        nobody = (proc / _NOBODYS_NUMBER).read_text("ascii").strip()
    except (OSError, ValueError):
        return None
    # Accounts that this container does not know are all shown as one number.
    return owners.pop() if len(owners) == 1 and nobody not in owners else None


def _owners(table: Path, client: End, server: End) -> Iterator[str]:
    """The socket at the client's end has its own address first (proc_net_tcp.txt of Linux)."""
    if not table.exists():
        return  # a kernel without IPv6
    ports = tuple(f":{port:04X}" for _, port in (client, server))
    with table.open(encoding="ascii") as lines:
        for line in lines:
            fields = line.split()
            if len(fields) < _FIELDS or not _end_in(fields[1:3], ports):
                continue
            _, local, remote, state, _, _, _, uid, _, inode, *_ = fields
            ends = _address(local) == _plain(client) and _address(remote) == _plain(server)
            if ends and state == _ESTABLISHED and inode != _NO_INODE:
                yield uid


def _end_in(addresses: Sequence[str], ports: Sequence[str]) -> bool:
    return all(each.endswith(port) for each, port in zip(addresses, ports, strict=True))


def _address(written: str) -> str:
    """`0100007F:5BEF` is 127.0.0.1, in words of the machine's own byte order."""
    digits = written.partition(":")[0]
    words = (int(digits[at : at + 8], 16) for at in range(0, len(digits), 8))
    return _plain_address(b"".join(struct.pack("=I", word) for word in words))


def _plain(end: End) -> str:
    return _plain_address(ipaddress.ip_address(end[0]).packed)


def _plain_address(packed: bytes) -> str:
    """The same for an IPv4 address and for that address as IPv6 writes it."""
    address = ipaddress.ip_address(packed)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def owner_by_processes(client: End, server: End) -> str | None:
    """The same where there are no such tables. Other users' sockets are seen by administrators
    only: whose are not seen are not known.
    """
    owners = set(_holders(psutil.process_iter(), client, server))
    return owners.pop() if len(owners) == 1 else None


def _holders(processes: Iterable[psutil.Process], client: End, server: End) -> Iterator[str]:
    for process in processes:
        with suppress(psutil.Error, OSError):
            for one in process.net_connections("tcp"):
                if one.status == psutil.CONN_ESTABLISHED and (one.laddr, one.raddr) == (
                    client,
                    server,
                ):
                    yield _user_of(process)


def _user_of(process: psutil.Process) -> str:
    if os.name == "nt":
        return str(process.username()).lower()
    return str(process.uids().effective)
