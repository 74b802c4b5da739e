"""The base of every connector's sandbox: a small stateful stand-in of a system, on loopback, with faults.

A mock that accepts everything proves nothing. A sandbox keeps records, refuses what the vendor refuses, and
can be told to fail in each way in which the vendor fails, before or after the effect.

Under ``/__sandbox__/`` it answers: ``GET state`` (its records as JSON), ``POST reset``, ``GET|POST|DELETE
faults`` (a list of ``Fault`` as JSON), ``GET journal`` (the exchanges so far, when kept).
"""

from __future__ import annotations

import random
import re
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from obmen.http.reply import encode_json

FaultKind = Literal[
    "status",  # answer `status` without the effect
    "status_after",  # the effect happens, then `status` is answered
    "hang",  # no effect; the answer does not come for `seconds`, then the connection drops
    "hang_after",  # the effect happens; the answer does not come for `seconds`
    "drop",  # no effect; the connection drops
    "drop_after",  # the effect happens; the connection drops
    "html",  # no effect; status 200 with an HTML page
    "truncate",  # the effect happens; half of the body is sent
    "slow",  # the answer comes after `seconds`
    "custom",  # a system's own fault, by `name`: the sandbox looks for it with `self.fault(name)`
]
_CONTROL = "/__sandbox__/"


class Fault(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One way to misbehave, for requests whose ``METHOD /path`` matches the regular expression ``match``.

    ``times``: how often at most (None: always); ``skip``: how many matching requests pass first; ``share``:
    the probability for each; ``retry_after``: the value of that header, as it stands.
    """

    kind: FaultKind
    match: str = ".*"
    times: int | None = 1
    skip: int = 0
    share: float = 1.0
    status: int = 503
    seconds: float = 5.0
    retry_after: str | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """What arrived. ``path`` is decoded and without the query."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Decode the body as JSON."""
        return msgspec.json.decode(self.body) if self.body else {}


@dataclass(slots=True)
class Response:
    """What is answered. ``json`` becomes the body unless ``body`` is given."""

    status: int = 200
    json: Any = None
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def content(self) -> bytes:
        """The body's bytes."""
        if self.body is not None:
            return self.body
        return b"" if self.json is None else encode_json(self.json)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer, for judging both against the vendor's specification."""

    method: str
    path: str
    query: Mapping[str, str]
    request_headers: Mapping[str, str]
    request_body: bytes
    status: int
    response_headers: Mapping[str, str]
    response_body: bytes


Handler = Callable[..., Response]


def route(method: str, pattern: str) -> Callable[[Handler], Handler]:
    """Mark ``def name(self, request, **groups) -> Response`` as the handler of a path (a regular expression)."""

    def mark(handler: Handler) -> Handler:
        handler._route = (method, re.compile(pattern + r"\Z"))  # type: ignore[attr-defined]  # noqa: SLF001
        return handler

    return mark


class Sandbox:
    """Subclass it, keep records in attributes made by ``reset``, and mark handlers with ``@route``.

    Handlers run one at a time. ``seed`` makes ids, faults and invented data repeatable.
    """

    routes: ClassVar[list[tuple[str, re.Pattern[str], str]]] = []

    def __init_subclass__(cls) -> None:
        """Gather the routes, base classes first."""
        super().__init_subclass__()
        cls.routes = [
            (*handler._route, name)
            for base in cls.__mro__
            for name, handler in vars(base).items()
            if hasattr(handler, "_route")
        ]

    def __init__(self, *, seed: int = 1, journal: bool = False) -> None:
        self.random = random.Random(seed)  # noqa: S311 - repeatable data, not secrets
        self.seed = seed
        self.lock = threading.RLock()
        self.faults: list[Fault] = []
        self.journal: list[Exchange] = []
        self._keep_journal = journal
        self._custom: list[str] = []
        self._server: _Server | None = None
        self.reset()

    def reset(self) -> None:
        """Forget every record and begin anew."""

    def state(self) -> Any:
        """Return the records as something that JSON can hold."""
        return {}

    def not_found(self, request: Request) -> Response:
        """Answer a path that the system does not have."""
        return Response(404, {"message": f"no such path {request.path}"})

    def before(self, request: Request) -> Response | None:
        """Look at every request before its handler: authentication, limits. An answer ends it there."""
        return None

    def now(self) -> float:
        """The system's own clock, Unix seconds; tests may replace it."""
        return time.time()

    def fault(self, name: str) -> bool:
        """Whether a custom fault of that name was drawn for the request being handled."""
        return name in self._custom

    # -- serving ------------------------------------------------------------------------------------------

    def start(self, port: int = 0) -> str:
        """Serve on loopback in the background; return the base URL."""
        self._server = _Server(self, port)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self.url

    @property
    def url(self) -> str:
        """The base URL while it serves."""
        if self._server is None:
            message = "The sandbox is not started."
            raise RuntimeError(message)
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def serve_forever(self, port: int, ready: Callable[[str], None] | None = None) -> None:
        """Serve on loopback until interrupted."""
        self._server = _Server(self, port)
        if ready:
            ready(self.url)
        try:
            self._server.serve_forever(0.2)
        finally:
            self._server.server_close()

    def stop(self) -> None:
        """Stop serving and drop what is open."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self) -> Sandbox:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # -- handling -----------------------------------------------------------------------------------------

    def handle(self, request: Request) -> tuple[Response | None, Fault | None]:
        """Answer a request; the fault, if one was drawn, tells what happens to the answer on its way."""
        with self.lock:
            fault = self._draw(request)
            if fault is not None and fault.kind in {"hang", "drop"}:
                return None, fault
            if fault is not None and fault.kind == "status":
                response = self._failed(fault)
            elif fault is not None and fault.kind == "html":
                response = Response(body=b"<html><body><h1>502 Bad Gateway</h1></body></html>")
                response.headers["Content-Type"] = "text/html; charset=utf-8"
            else:
                self._custom = [fault.name] if fault is not None and fault.kind == "custom" else []
                response = self.before(request) or self._dispatch(request)
                if fault is not None and fault.kind == "status_after":
                    response = self._failed(fault)
            if self._keep_journal and fault is None:
                self.journal.append(_exchange(request, response))
            return response, fault

    def _dispatch(self, request: Request) -> Response:
        for method, pattern, name in self.routes:
            matched = pattern.match(request.path) if method == request.method else None
            if matched:
                response: Response = getattr(self, name)(request, **matched.groupdict())
                return response
        return self.not_found(request)

    def _draw(self, request: Request) -> Fault | None:
        for fault in self.faults:
            if fault.times == 0 or not re.search(fault.match, f"{request.method} {request.path}"):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            if self.random.random() >= fault.share:
                continue
            if fault.times is not None:
                fault.times -= 1
            return fault
        return None

    def _failed(self, fault: Fault) -> Response:
        headers = {"Retry-After": fault.retry_after} if fault.retry_after is not None else {}
        return Response(fault.status, {"code": fault.status, "message": "injected fault"}, headers=headers)

    def control(self, request: Request) -> Response:
        """Answer under ``/__sandbox__/``."""
        what = request.path.removeprefix(_CONTROL)
        with self.lock:
            if what == "state" and request.method == "GET":
                return Response(json=self.state())
            if what == "reset" and request.method == "POST":
                self.faults.clear()
                self.journal.clear()
                self.reset()
                return Response(204)
            if what == "journal" and request.method == "GET":
                return Response(json=[_shown(exchange) for exchange in self.journal])
            if what == "faults" and request.method == "DELETE":
                self.faults.clear()
                return Response(204)
            if what == "faults" and request.method == "POST":
                try:
                    self.faults += msgspec.json.decode(request.body, type=list[Fault])
                except msgspec.DecodeError as error:
                    return Response(400, {"message": f"not a list of faults: {error}"})
            if what == "faults":
                return Response(json=msgspec.to_builtins(self.faults))
        return Response(404, {"message": "known: state, reset, faults, journal"})


def _exchange(request: Request, response: Response) -> Exchange:
    return Exchange(
        request.method,
        request.path,
        request.query,
        request.headers,
        request.body,
        response.status,
        response.headers,
        response.content(),
    )


def _shown(exchange: Exchange) -> dict[str, Any]:
    return {
        "method": exchange.method,
        "path": exchange.path,
        "query": dict(exchange.query),
        "request": exchange.request_body.decode("utf-8", "replace"),
        "status": exchange.status,
        "response": exchange.response_body.decode("utf-8", "replace"),
    }


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, sandbox: Sandbox, port: int) -> None:
        self.sandbox = sandbox
        super().__init__(("127.0.0.1", port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is not worth a trace."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16
    disable_nagle_algorithm = True
    server: _Server

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        parts = urlsplit(self.path)
        request = Request(
            self.command,
            unquote(parts.path),
            dict(parse_qsl(parts.query, keep_blank_values=True)),
            {name.lower(): value for name, value in self.headers.items()},
            self.rfile.read(length) if length else b"",
        )
        sandbox = self.server.sandbox
        if request.path.startswith(_CONTROL):
            self._answer(sandbox.control(request), None)
            return
        response, fault = sandbox.handle(request)
        if fault is not None and fault.kind in {"hang", "hang_after", "slow"}:
            time.sleep(fault.seconds)
        if response is None or (fault is not None and fault.kind in {"hang_after", "drop_after"}):
            self._drop()
            return
        self._answer(response, fault)

    def _answer(self, response: Response, fault: Fault | None) -> None:
        content = response.content()
        self.send_response(response.status)
        headers = {"Content-Type": "application/json; charset=utf-8", **response.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if fault is not None and fault.kind == "truncate":
            self.wfile.write(content[: len(content) // 2])
            self.wfile.flush()
            self._drop()
            return
        self.wfile.write(content)
        self.wfile.flush()

    def _drop(self) -> None:
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - the names http.server calls

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Keep quiet: the journal tells what came."""
