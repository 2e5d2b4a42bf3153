"""Programs of other users of this machine: a caller, and a relay as a web server is one.

Whatever they import they must import before: another user may not read where Python is installed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

CALL_SECONDS = 60

_CALLER = """
import encodings.idna, http.client, json, os, sys
user, port, method, path, body = json.loads(sys.argv[1])
os.setuid(user)
connection = http.client.HTTPConnection("127.0.0.1", port, timeout=50)
connection.request(method, path, body, {"Content-Type": "application/json"})
answer = connection.getresponse()
print(json.dumps([answer.status, answer.read().decode()]))
"""

_RELAY = """
import encodings.idna, os, socket, sys, threading
user, port = int(sys.argv[1]), int(sys.argv[2])
listener = socket.create_server(("127.0.0.1", 0))
os.setuid(user)
print(listener.getsockname()[1], flush=True)

def pump(source, sink):
    while data := source.recv(65536):
        sink.sendall(data)
    sink.shutdown(socket.SHUT_WR)

while True:
    inner, _ = listener.accept()
    outer = socket.create_connection(("127.0.0.1", port))
    for pair in ((inner, outer), (outer, inner)):
        threading.Thread(target=pump, args=pair, daemon=True).start()
"""


def call_as(user: int, port: int, method: str, path: str, body: str = "") -> tuple[int, str]:
    """Status and body of a call that a process of this user makes."""
    arguments = json.dumps([user, port, method, path, body])
    run = subprocess.run(
        [sys.executable, "-c", _CALLER, arguments],
        capture_output=True,
        check=True,
        timeout=CALL_SECONDS,
    )
    answer: list[Any] = json.loads(run.stdout)
    return int(answer[0]), str(answer[1])


@contextmanager
def relay_of(user: int, port: int) -> Iterator[int]:
    """The port of a relay that passes everything on, unchanged, and says nothing about it."""
    command = [sys.executable, "-c", _RELAY, str(user), str(port)]
    relay = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert relay.stdout is not None
        yield int(relay.stdout.readline())
    finally:
        relay.kill()
        relay.communicate()
