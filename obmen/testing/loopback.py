"""Serves a sandbox on loopback, and lets its faults happen on the wire: hang, drop, cut, delay."""

from __future__ import annotations

import socket
import sys
import threading
from contextlib import suppress
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from obmen.testing.exchange import Fault, Request, Response

if TYPE_CHECKING:
    from obmen.testing.sandbox import Sandbox

CONTROL = "/__sandbox__/"
_SILENT = {"hang", "drop", "hang_after", "drop_after"}
_LATE = {"hang", "hang_after", "slow"}


class Server(ThreadingHTTPServer):
    """One thread for each connection. ``stop`` ends what is open too, as a peer that goes away does."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64
    timeout = 0.2

    def __init__(self, sandbox: Sandbox, port: int) -> None:
        self.sandbox = sandbox
        self.stopping, self._stopped = threading.Event(), threading.Event()
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def serve(self) -> None:
        """Serve until it is stopped."""
        try:
            while not self.stopping.is_set():
                self.handle_request()
        finally:
            self._stopped.set()

    def stop(self) -> None:
        """Stop listening and drop every connection."""
        self.stopping.set()
        with suppress(OSError):  # one more connection, so that it need not wait for its time-out to see this
            socket.create_connection(("127.0.0.1", self.server_address[1]), self.timeout).close()
        self._stopped.wait()
        self.server_close()
        with self._guard:
            for connection in self._open:
                _hang_up(connection)

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002 - whoever it is
        """Take no connection once it is stopping."""
        return not self.stopping.is_set()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Note the connection and serve it in a thread."""
        with self._guard:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection and close it."""
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet about a client that went away; anything else is a fault of the sandbox, so show it."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16
    disable_nagle_algorithm = True
    server: Server

    def _serve(self) -> None:
        length = self.headers.get("Content-Length") or "0"
        if not length.isdecimal():
            self.close_connection = True
            self._answer(Response(400, {"message": "Content-Length is not a number"}), None)
            return
        request = self._request(self.rfile.read(int(length)))
        sandbox = self.server.sandbox
        if request.path.startswith(CONTROL):
            self._answer(sandbox.control(request), None)
            return
        response, fault = sandbox.handle(request)
        if fault is not None and fault.kind in _LATE:
            self.server.stopping.wait(fault.seconds)
        if response is None or (fault is not None and fault.kind in _SILENT):
            self._drop()
        else:
            self._answer(response, fault)

    def _request(self, body: bytes) -> Request:
        parts = urlsplit(self.path)
        return Request(
            self.command,
            unquote(parts.path),
            dict(parse_qsl(parts.query, keep_blank_values=True)),
            {name.lower(): value for name, value in self.headers.items()},
            body,
        )

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
        _hang_up(self.connection)

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Tell the time by the system's own clock, which may be wrong on purpose."""
        return formatdate(self.server.sandbox.now() if timestamp is None else timestamp, usegmt=True)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - the names http.server calls

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name http.server calls
        """Keep quiet: the journal tells what came."""


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
