"""A peer that does exactly what a test's script says, byte for byte, and a session with a fake clock."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from obmen.http import Http, Retry, Transport
from obmen.testing.clock import FakeClock

Script = Callable[[socket.socket, bytes], None]


class Peer:
    """Listens on loopback; each request is handed to the next script, the last one again and again."""

    def __init__(self, *scripts: Script) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self._scripts = list(scripts)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)
        for connection in self._open:
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            while request := _read(connection):
                self.requests.append(request)
                script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
                script(connection, request)
        except OSError:
            return


def _read(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65536)
        if not chunk:
            return b""
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            while len(body) < int(value):
                body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def answer(body: bytes = b"{}", status: int = 200, **headers: str) -> Script:
    """A whole answer, with its right length."""
    lines = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    lines.update({name.replace("_", "-"): value for name, value in headers.items()})
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return raw(f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + body)


def raw(data: bytes, *, hang_up: bool = False) -> Script:
    """Bytes as they stand; the connection is closed after them where a test says so."""

    def script(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(data)
        if hang_up:
            connection.shutdown(socket.SHUT_RDWR)

    return script


def silence(_connection: socket.socket, _request: bytes) -> None:
    """Take the request and never answer."""


@pytest.fixture(autouse=True)
def _no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def peer() -> Iterator[Callable[..., Peer]]:
    made: list[Peer] = []

    def make(*scripts: Script) -> Peer:
        made.append(Peer(*scripts))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def http(clock: FakeClock) -> Iterator[Callable[..., Http]]:
    made: list[Http] = []

    def make(base_url: str, **transport: Any) -> Http:
        retry = transport.pop("retry", Retry(attempts=2))
        settings = {"timeout": (5.0, 5.0), **transport}
        made.append(Http("shop", Transport(base_url=base_url, retry=retry, **settings), clock=clock))
        return made[-1]

    yield make
    for one in made:
        one.close()
