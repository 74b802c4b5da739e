"""The doors of the service: where other systems call, and where people look, each at an address of its own.

Systems must reach their endpoints from outside, and nobody from outside should reach the page; so they never share one.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
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
        self._ledger = ledger
        self._stack = ExitStack()

    def take_up(self, project: Project) -> None:
        """Answer for this project from now on. Raises ConfigurationError if it cannot run."""
        assembly = Assembly(project, clock=self._ledger.clock, ledger=self._ledger)
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
