"""Hosts the endpoints of a project's connections on one address, for systems that call by themselves.

Endpoints know nothing of the web and work in threads; here is what stands between: which connection a call is
for, bodies that are read as they come, bounds on size and time, and a log line without secrets.
"""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote_to_bytes

import anyio
import anyio.to_thread
import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request as Call
from starlette.responses import Response as Reply
from starlette.routing import Route

from obmen.endpoint import Endpoint, Request, Response

THREADS = 16
LARGEST_BODY = 128 << 20
LONGEST_BODY = 180.0
"""Seconds for one body to arrive, as long as 1C waits for an answer."""
_STOP_PATIENCE = 30
_SHOWN = ("type", "mode", "filename")
"""What a log line shows of a query; the rest may open a session."""
_LOG = structlog.get_logger("obmen.serve")
_BAD = 400


class _Arriving(io.RawIOBase):
    """A body, read in a thread while it arrives. Raises OSError if the caller goes away or is too slow."""

    def __init__(self, call: Call) -> None:
        self._receive = call.receive
        self._until = time.monotonic() + LONGEST_BODY
        self._rest = b""
        self._ended = False
        self._got = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest and not self._ended:
            self._more(anyio.from_thread.run(self._message))
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size

    def _more(self, message: Mapping[str, Any]) -> None:
        if message["type"] != "http.request":
            self._ended = True
            raise ConnectionResetError("the caller went away")
        self._rest = message.get("body", b"")
        self._ended = not message.get("more_body", False)
        self._got += len(self._rest)
        if self._got > LARGEST_BODY:
            raise ConnectionAbortedError("the body is too large")

    async def _message(self) -> Mapping[str, Any]:
        with anyio.move_on_after(max(0.0, self._until - time.monotonic())):
            return await self._receive()
        raise TimeoutError("the body did not arrive in time")


def application(endpoints: Mapping[str, Endpoint], *, threads: int = THREADS) -> Starlette:
    """Return the web application: each connection's endpoint under its name."""
    limiter = anyio.CapacityLimiter(threads)

    async def answer(call: Call) -> Reply:
        began = time.monotonic()
        name = call.path_params["connection"]
        endpoint = endpoints.get(name)
        request = _request(call)
        response = await _answered(endpoint, request, limiter)
        _log(name, request, response, time.monotonic() - began)
        reply = Reply(response.body, response.status, dict(response.headers))
        reply.headers["Content-Type"] = response.content_type
        return reply

    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
    return Starlette(routes=[Route("/{connection}{rest:path}", answer, methods=methods)])


async def _answered(endpoint: Endpoint | None, request: Request, limiter: anyio.CapacityLimiter) -> Response:
    if endpoint is None:
        return Response(404, b"There is no such connection.")
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > LARGEST_BODY:
        return Response(413, b"The body is too large.", headers={"Connection": "close"})
    try:
        return await anyio.to_thread.run_sync(endpoint.handle, request, limiter=limiter)
    except Exception:
        _LOG.exception("serve.failed", peer=request.client)  # a path may hold a secret
        return Response(500, b"Obmen failed; its log says where.")


def _request(call: Call) -> Request:
    client = call.client.host if call.client is not None else ""
    headers = {name.lower(): value for name, value in call.headers.items()}
    path = call.path_params.get("rest", "")
    body = io.BufferedReader(_Arriving(call))
    return Request(call.method, path, query_of(call.scope["query_string"]), headers, body, client)


def query_of(raw: bytes) -> dict[str, str]:
    """Return a query's values by name, in UTF-8, or in windows-1251 where they cannot be that."""
    found = {}
    for pair in raw.split(b"&"):
        name, _, value = pair.replace(b"+", b" ").partition(b"=")
        if name:
            found[_text(name)] = _text(value)
    return found


def _text(quoted: bytes) -> str:
    plain = unquote_to_bytes(quoted)
    try:
        return plain.decode()
    except UnicodeDecodeError:
        return plain.decode("cp1251", "replace")


def _log(connection: str, request: Request, response: Response, seconds: float) -> None:
    said = response.body[:400].split(b"\n") if response.content_type.startswith("text/plain") else [b""]
    failed = response.status >= _BAD or said[0] == b"failure"
    encoding = "cp1251" if "1251" in response.content_type else "utf-8"
    words = {name: request.query[name][:200] for name in _SHOWN if name in request.query}
    if failed and len(said) > 1:
        words["said"] = said[1].decode(encoding, "replace")
    tell = _LOG.warning if failed else _LOG.info
    tell("serve.call", connection=connection, status=response.status, peer=request.client, s=round(seconds, 3), **words)


@contextmanager
def listening(host: str, port: int) -> Iterator[tuple[socket.socket, int]]:
    """Give a socket that listens, and its port. Raises OSError if the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family, backlog=128) as made:
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # asyncio does it only where the protocol is named
        yield made, made.getsockname()[1]


def web_server(app: Starlette, *, believes_proxy: bool = True) -> uvicorn.Server:
    """Return the server of an application; calls that are under way when it is to stop are answered first.

    ``believes_proxy``: a web server on this machine that stands before it may say whose call it is.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        proxy_headers=believes_proxy,
        timeout_graceful_shutdown=_STOP_PATIENCE,
    )
    return uvicorn.Server(config)


def run(app: Starlette, listener: socket.socket) -> None:
    """Serve until a signal comes."""
    web_server(app).run(sockets=[listener])
