"""The base of every connector's sandbox: a small stateful stand-in of a system, on loopback, with faults.

A mock that accepts everything proves nothing. A sandbox keeps records, refuses what the vendor refuses, and
can be told to fail in each way in which the vendor fails, before or after the effect.

Under ``/__sandbox__/`` it answers: ``GET state`` (its records as JSON), ``POST reset``, ``GET|POST|DELETE
faults`` (a list of ``Fault`` as JSON), ``GET journal`` (the exchanges so far, when kept), ``POST do/NAME`` (what
people and others do there: a public method of the sandbox, its arguments as a JSON list; what it returns is told).
"""

from __future__ import annotations

import random
import re
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

import msgspec

from obmen.testing.exchange import Exchange, Fault, FaultKind, Request, Response
from obmen.testing.loopback import CONTROL, Server

__all__ = ["Exchange", "Fault", "FaultKind", "Request", "Response", "Sandbox", "route"]

Handler = Callable[..., Response]
_ROUTE = "_sandbox_route"
_DO = "do/"


def route(method: str, pattern: str) -> Callable[[Handler], Handler]:
    """Mark ``def name(self, request, **groups) -> Response`` as a path's handler (a regular expression)."""

    def mark(handler: Handler) -> Handler:
        vars(handler)[_ROUTE] = (method, re.compile(pattern + r"\Z"))
        return handler

    return mark


class Sandbox:
    """Subclass it, keep records in attributes made by ``reset``, and mark handlers with ``@route``.

    Handlers run one at a time. ``seed`` makes ids, faults and invented data repeatable.
    """

    routes: ClassVar[list[tuple[str, re.Pattern[str], str]]] = []
    others: ClassVar[Mapping[str, str]] = {}
    """What else plays this system, by name: ``package.module:Class`` of sandboxes with other doors."""

    def __init_subclass__(cls) -> None:
        """Gather the routes, the class's own before those of its bases."""
        super().__init_subclass__()
        cls.routes = [
            (*vars(handler)[_ROUTE], name)
            for base in cls.__mro__
            for name, handler in vars(base).items()
            if callable(handler) and _ROUTE in getattr(handler, "__dict__", {})
        ]

    @classmethod
    def strict(cls) -> Self:
        """Return one for an integrator's rehearsal: as strict about how often one may call as the real system is."""
        return cls()

    def __init__(self, *, seed: int = 1, journal: bool = False) -> None:
        self.random = random.Random(seed)  # noqa: S311 - repeatable data, not secrets
        self.seed = seed
        self.lock = threading.RLock()
        self.faults: list[Fault] = []
        self.journal: list[Exchange] = []
        self._keep_journal = journal
        self._custom = ""
        self._server: Server | None = None
        self.reset()

    def reset(self) -> None:
        """Forget every record and begin anew."""

    def state(self) -> Any:
        """Return the records as something that JSON can hold."""
        return {}

    def connection(self) -> dict[str, Any]:
        """Return the options of a project's connection that reach the sandbox while it serves."""
        return {"url": self.url}

    def not_found(self, request: Request) -> Response:
        """Answer a path that the system does not have."""
        return Response(404, {"message": f"no such path {request.path}"})

    def before(self, request: Request) -> Response | None:  # noqa: ARG002 - for those who override it
        """Look at every request before its handler: authentication, limits. An answer ends it there."""
        return None

    def now(self) -> float:
        """The system's own clock, Unix seconds; tests may replace it. Answers are dated by it."""
        return time.time()

    def fault(self, name: str) -> bool:
        """Whether a custom fault of that name was drawn for the request being handled."""
        return name == self._custom

    # -- serving ------------------------------------------------------------------------------------------

    def start(self, port: int = 0) -> str:
        """Serve on loopback in the background; return the base URL."""
        self._server = Server(self, port)
        threading.Thread(target=self._server.serve, daemon=True).start()
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
        self._server = Server(self, port)
        try:
            if ready:
                ready(self.url)
            self._server.serve()
        finally:
            self._server.server_close()

    def stop(self) -> None:
        """Stop serving and drop what is open, as a peer that goes away does."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # -- handling -----------------------------------------------------------------------------------------

    def handle(self, request: Request) -> tuple[Response | None, Fault | None]:
        """Answer a request; the fault, if one was drawn, tells what happens to the answer on its way."""
        with self.lock:
            fault = self._draw(request)
            kind = fault.kind if fault is not None else None
            if kind in {"hang", "drop"}:
                return None, fault
            if fault is not None and kind == "status":
                return self._failed(fault), fault
            if kind == "html":
                page = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
                return Response(body=page, headers={"Content-Type": "text/html; charset=utf-8"}), fault
            self._custom = fault.name if fault is not None and kind == "custom" else ""
            response = self._answer(request)
            if fault is not None and kind == "status_after":
                return self._failed(fault), fault
            if self._keep_journal and fault is None:
                self.journal.append(Exchange.of(request, response))
            return response, fault

    def _answer(self, request: Request) -> Response:
        try:
            return self.before(request) or self._dispatch(request)
        except msgspec.DecodeError as error:
            return Response(400, {"message": f"the body is not as expected: {error}"})
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            return Response(500, {"message": f"the sandbox itself failed: {error!r}"})

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
        actions: dict[tuple[str, str], Callable[[Request], Response]] = {
            ("GET", "state"): lambda _: Response(json=self.state()),
            ("POST", "reset"): self._reset,
            ("GET", "journal"): lambda _: Response(json=[exchange.shown() for exchange in self.journal]),
            ("GET", "faults"): lambda _: Response(json=msgspec.to_builtins(self.faults)),
            ("POST", "faults"): self._inject,
            ("DELETE", "faults"): self._calm,
        }
        what = request.path.removeprefix(CONTROL)
        action = actions.get((request.method, what))
        if request.method == "POST" and what.startswith(_DO):
            action = self._do
        if action is None:
            known = ", ".join(f"{method} {what}" for method, what in actions)
            return Response(404, {"message": f"known: {known}, POST {_DO}NAME"})
        with self.lock:
            return action(request)

    def _do(self, request: Request) -> Response:
        """Do what people and others do by hand."""
        name = request.path.removeprefix(CONTROL + _DO)
        kind = type(self)
        known = [one for one in dir(kind) if not (one.startswith("_") or hasattr(Sandbox, one) or _is_call(kind, one))]
        if name not in known:
            return Response(404, {"message": f"nobody does '{name}' there. They do: {', '.join(known)}"})
        try:
            done = getattr(self, name)(*msgspec.json.decode(request.body or b"[]", type=list[Any]))
            return Response(json=msgspec.to_builtins(done, enc_hook=str))
        except Exception as error:
            return Response(400, {"message": f"{name} cannot be done so: {error!r}"})

    def _reset(self, request: Request) -> Response:
        self.journal.clear()
        self.reset()
        return self._calm(request)

    def _inject(self, request: Request) -> Response:
        try:
            self.faults += msgspec.json.decode(request.body, type=list[Fault])
        except msgspec.DecodeError as error:
            return Response(400, {"message": f"not a list of faults: {error}"})
        return Response(json=msgspec.to_builtins(self.faults))

    def _calm(self, request: Request) -> Response:  # noqa: ARG002 - called like the others
        self.faults.clear()
        return Response(204)


def _is_call(kind: type[Sandbox], name: str) -> bool:
    """Whether an attribute is no hand: something kept, or what answers the system's own calls."""
    found = getattr(kind, name)
    return not callable(found) or _ROUTE in getattr(found, "__dict__", {})
