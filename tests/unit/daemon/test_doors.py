"""The doors of the service: who calls is answered by the project that runs now, at an address that can be had."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import requests

from obmen.clock import Clock
from obmen.connector import Options
from obmen.endpoint import Endpoint, Request, Response
from obmen.errors import ConfigurationError
from obmen.project import Project, load_project
from obmen.project.service import Address
from obmen.state import Ledger, wishes
from obmen.testing.peer import Peer, PeerConnector
from runner import serve as hosting
from runner.daemon.doors import Endpoints, opened
from tests.unit.daemon.kit import FLOWS, written


class Ringing:
    """An endpoint of one connection: whoever calls it rings for goods."""

    def __init__(self, connector: PeerConnector) -> None:
        self._connector = connector
        self.closed = False

    def handle(self, request: Request) -> Response:
        self._connector.tell({"product": [request.path.strip("/")]})
        return Response(body=self._connector.name.encode())

    def close(self) -> None:
        self.closed = True


class System(PeerConnector):
    """A peer that calls by itself."""

    made: list[Ringing] = []  # noqa: RUF012 - a note of the test's

    def __init__(self, name: str, options: Options, *, clock: Clock | None = None) -> None:
        super().__init__(name, Peer(), clock=clock)
        self.options = options

    def endpoint(self) -> Endpoint | None:
        self.made.append(Ringing(self))
        return self.made[-1]


def project(folder: Path, *names: str, flows: str = FLOWS) -> Project:
    file = written(folder, {name: Peer() for name in names}, flows)
    return load_project(file, connectors={"peer": System}, environment={})


def test_calls_are_answered_for_the_project_that_runs_now(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path}/state.db")
    endpoints = Endpoints(ledger)
    endpoints.take_up(project(tmp_path, "erp", "shop"))
    with opened(hosting.application(endpoints.by_connection), Address(host="127.0.0.1", port=0)) as url:
        assert requests.get(f"{url}/erp/SKU-1", timeout=10).text == "erp"
        with ledger.read() as tx:
            assert [(wish.flow, wish.asked_by) for wish in wishes.waiting(tx)] == [("goods", "erp")]
        assert requests.get(f"{url}/other", timeout=10).status_code == 404
        first = list(System.made)
        flows = "stocks: { entity: stock, from: erp, to: other }"
        endpoints.take_up(project(tmp_path, "erp", "other", flows=flows))
        assert requests.get(f"{url}/other", timeout=10).text == "other"
        assert requests.get(f"{url}/shop", timeout=10).status_code == 404
        assert all(endpoint.closed for endpoint in first)
    endpoints.close()
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{url}/other", timeout=2)
    ledger.close()


def test_an_address_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = Address(host="127.0.0.1", port=taken.getsockname()[1])
        with (
            pytest.raises(ConfigurationError, match="another address under 'service:'"),
            opened(hosting.application({}), address),
        ):
            pass
