"""The wire itself: knows whether any byte of a call left for the peer, and reads answers within bounds.

A reset connection raises the same exception before the first byte and after the last one; but a call of
which nothing left can simply be made again, while one that left may have had its effect. Guessing this from
the exception doubles orders or parks them for nothing, so the connection itself notes it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from obmen.errors import ConfigurationError, IncompleteSource
from obmen.http.transport import Transport

_CHUNK = 1 << 16
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_OPENS_DOORS = ("authorization", "key", "token", "secret", "cookie", "password")


def _free() -> None:
    """Let every call go."""


class _Note(threading.local):
    sent = False
    guard: Callable[[], None] = staticmethod(_free)


_NOTE = _Note()


class _Plain(HTTPConnection):
    def connect(self) -> None:
        try:
            super().connect()
        finally:
            _NOTE.sent = False  # what a proxy was told so far is not the call

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        _NOTE.guard()
        _NOTE.sent = True
        super().send(data)


class _Secure(HTTPSConnection):
    def connect(self) -> None:
        try:
            super().connect()
        finally:
            _NOTE.sent = False  # see above; nor is the handshake

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        _NOTE.guard()
        _NOTE.sent = True
        super().send(data)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


class Wire(HTTPAdapter):
    """Requests' adapter with connections that note when a call leaves. It repeats nothing by itself.

    ``guard`` is called just before anything leaves; what it raises keeps the call from being made, for a peer does
    nothing with half a call.
    """

    guard: Callable[[], None] = staticmethod(_free)

    @property
    def sent(self) -> bool:
        """Whether any byte of this thread's latest call left for the peer."""
        return _NOTE.sent

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools of direct connections."""
        super().init_poolmanager(*args, **kwargs)
        _noting(self.poolmanager)

    def proxy_manager_for(self, proxy: Any, **kwargs: Any) -> Any:
        """Make the pools of connections through a proxy."""
        return _noting(super().proxy_manager_for(proxy, **kwargs))

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send, with the note wiped first."""
        _NOTE.sent, _NOTE.guard = False, self.guard
        return super().send(request, *args, **kwargs)


def _noting(manager: Any) -> Any:
    manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}
    return manager


def opened(connection: str, transport: Transport, wire: Wire) -> requests.Session:
    """Return a session that takes proxies and certificates from the environment, but nothing from netrc."""
    host = _host(transport.base_url, connection)
    session = requests.Session()
    session.mount("https://", wire)
    session.mount("http://", wire)
    session.headers.update({"User-Agent": "obmen", **transport.headers})
    environment = session.merge_environment_settings(transport.base_url, {}, False, None, None)
    if host not in _LOOPBACK:
        session.proxies.update(environment["proxies"])
    if environment["verify"] not in (None, True):
        session.verify = environment["verify"]
    session.trust_env = False
    session.auth = transport.auth
    return session


def _host(url: str, connection: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        raise ConfigurationError(f"{connection}: the connection's address cannot be read. Mend it.") from None


def credentials(transport: Transport) -> list[str]:
    """Return the secrets that stand in the transport itself, whether or not its author named them."""
    found = [value for name, value in transport.headers.items() if any(word in name.lower() for word in _OPENS_DOORS)]
    if isinstance(transport.auth, HTTPBasicAuth):
        password = transport.auth.password
        found.append(password.decode("utf-8", "replace") if isinstance(password, bytes) else str(password))
    return found


def read_body(response: requests.Response, *, most: int, seconds: float, now: Callable[[], float]) -> bytes:
    """Read an answer's body, decoded, within ``most`` bytes and ``seconds``.

    Raises IncompleteSource past the first bound, ReadTimeout past the second, and whatever requests or
    urllib3 raise for a broken body. Both hold for a peer that answers without end, or one byte at a time.
    """
    until = now() + seconds
    chunks: list[bytes] = []
    size = 0
    try:
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            chunks.append(chunk)
            size += len(chunk)
            _bounded(size, most, now(), until)
    finally:
        response.close()
    return b"".join(chunks)


def _bounded(size: int, most: int, moment: float, until: float) -> None:
    if size > most:
        raise IncompleteSource(f"the answer is larger than {most} bytes")
    if moment > until:
        raise requests.ReadTimeout


def innermost(error: BaseException) -> str:
    """Name the innermost cause, in the system's words where it has some: the outer texts quote addresses."""
    seen = {id(error)}
    while True:
        inner = [getattr(error, "reason", None), error.__cause__, *error.args, error.__context__]
        cause = next((one for one in inner if isinstance(one, BaseException) and id(one) not in seen), None)
        if cause is None:
            break
        seen.add(id(cause))
        error = cause
    words = getattr(error, "verify_message", None) or getattr(error, "strerror", None)
    return f"{type(error).__name__}: {words}" if words else type(error).__name__
