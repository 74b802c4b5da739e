"""The doors of the service: where other systems call, and where people look, each at an address of its own.

Systems must reach their endpoints from outside, and nobody from outside should reach the page; so they never share one.
Both go with the project while the service runs: a page that was switched off must not stay open until a new start.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

import structlog
from starlette.applications import Starlette

from obmen.endpoint import Endpoint
from obmen.errors import ConfigurationError
from obmen.project import Project
from obmen.project.service import Address
from obmen.state import Ledger
from obmen.sync.assemble import Assembly
from obmen.sync.doorbell import Doorbell
from runner import serve as hosting
from runner.daemon.webhooks import Webhook

_LOG = structlog.get_logger("obmen.service")
_PATIENCE = 10.0


class Endpoints:
    """What answers the systems that call: the endpoints and webhooks of the project that runs, by connection.

    They have connectors of their own, for calls come at any time and from many threads.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.by_connection: dict[str, Endpoint] = {}
        self.project: Project | None = None
        """For which they answer."""
        self._ledger = ledger
        self._stack = ExitStack()

    def take_up(self, project: Project) -> None:
        """Answer for this project from now on. Raises ConfigurationError if it cannot run."""
        assembly = Assembly(project, clock=self._ledger.clock, ledger=self._ledger)
        self.project = project
        before, self._stack = self._stack, ExitStack()
        self._stack.callback(assembly.close)
        made: dict[str, Endpoint] = {}
        for name, connector in assembly.connectors.items():
            connector.tell = Doorbell(self._ledger, name, assembly.flows).ring
            endpoint = connector.endpoint()
            if endpoint is not None:
                self._stack.callback(endpoint.close)
                made[name] = endpoint
            if name in project.service.webhooks:
                webhook = Webhook(self._ledger, name, project.service.webhooks[name], assembly.flows, endpoint)
                self._stack.callback(webhook.close)
                made[name] = webhook
        for gone in self.by_connection.keys() - made.keys():
            del self.by_connection[gone]
        self.by_connection.update(made)
        before.close()

    def close(self) -> None:
        """Answer nobody any more."""
        self.by_connection.clear()
        self._stack.close()


class Door:
    """One door: closed, or open at an address. ``believes_proxy``: see ``runner.serve.web_server``."""

    def __init__(self, app: Starlette, *, believes_proxy: bool = True) -> None:
        self.address: Address | None = None
        self.url = ""
        """Where it is reached while it is open."""
        self._app, self._believes_proxy = app, believes_proxy
        self._stack = ExitStack()

    def open(self, address: Address | None) -> None:
        """Let it stand open there, or nowhere. Raises ConfigurationError if the address cannot be had."""
        self.close()
        if address is not None:
            self.url = self._stack.enter_context(opened(self._app, address, believes_proxy=self._believes_proxy))
        self.address = address

    def close(self) -> None:
        """Let nobody in any more; calls that are under way are answered first."""
        self._stack.close()
        self.address, self.url = None, ""


def move(places: Mapping[Door, Address | None]) -> list[Door]:
    """Let each door stand open at its place; return those that were elsewhere.

    Raises ConfigurationError if an address cannot be had; then all are where they were.
    """
    before = {door: door.address for door, address in places.items() if door.address != address}
    for door in before:
        door.close()  # all of them first, since one may take the place of another
    try:
        for door in before:
            door.open(places[door])
    except ConfigurationError:
        for door in before:
            door.close()
        for door, address in before.items():
            try:
                door.open(address)
            except ConfigurationError as error:
                _LOG.error("door.lost", error=str(error))  # somebody took it meanwhile
        raise
    return list(before)


@contextmanager
def opened(
    app: Starlette, address: Address, *, believes_proxy: bool = True, mend: str = "under 'service:'"
) -> Iterator[str]:
    """Serve an application in a thread of its own; give the URL at which it is reached.

    ``believes_proxy``: see ``runner.serve.web_server``. ``mend``: where a person writes another address.

    Raises ConfigurationError if the address cannot be had. Calls that are under way in the end are answered first.
    """
    with ExitStack() as stack:
        listener, port = _listening(stack, address, mend)
        server = hosting.web_server(app, believes_proxy=believes_proxy)
        thread = threading.Thread(target=server.run, args=([listener],), name=f"door {address}", daemon=True)
        thread.start()
        try:
            yield f"http://{Address(host=address.host, port=port)}"
        finally:
            server.should_exit = True
            thread.join(_PATIENCE)


def _listening(stack: ExitStack, address: Address, mend: str) -> tuple[socket.socket, int]:
    try:
        return stack.enter_context(hosting.listening(address.host, address.port))
    except OSError as error:
        message = f"The service cannot listen at {address} ({error.strerror}). Write another address {mend}."
        raise ConfigurationError(message) from error
