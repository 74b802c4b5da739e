"""``obmen serve``: answer the systems that call by themselves, such as 1C's exchange with a site."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Annotated

import typer

from obmen.connector import Connector
from obmen.endpoint import Endpoint
from obmen.errors import ConfigurationError
from obmen.project import Project
from obmen.sync.assemble import Assembly, equip
from obmen.sync.doorbell import Doorbell
from runner import serve as hosting
from runner.cli.session import Session, session
from runner.cli.stop import Stopped
from runner.daemon.webhooks import PATH, Webhook
from runner.exit_codes import ExitCode

HOST, PORT = "127.0.0.1", 8080

Host = Annotated[str, typer.Option("--host", metavar="ADDRESS", help="The address to listen at.")]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, metavar="N", help="The port; 0 takes a free one.")]


def serve(context: typer.Context, host: Host = HOST, port: Port = PORT) -> int:
    """Answer systems that call by themselves, until stopped: each connection's endpoint under its name.

    1C's exchange with a site pushes goods and fetches orders here; flows then carry them on.
    """
    current = session(context)
    screen = current.screen
    try:
        with opened(current) as (connectors, endpoints), hosting.listening(host, port) as (listener, number):
            shown = f"[{host}]" if ":" in host else host
            screen.line(f"Obmen answers at http://{shown}:{number}")
            for name, endpoint in endpoints.items():
                address = f"http://{shown}:{number}/{name}"
                if not isinstance(endpoint, Webhook) or endpoint.beside is not None:
                    screen.line(f"  {name}: the address for {connectors[name].title} is {address}")
                if isinstance(endpoint, Webhook):
                    screen.line(f"  {name}: {address}{PATH} wakes its flows")
            if host not in (HOST, "::1", "localhost"):
                screen.note("Passwords travel openly by http: put a web server with https in front of it.")
            screen.line("Ctrl-C ends it.")
            screen.flush()
            hosting.run(hosting.application(endpoints), listener)
    except Stopped:
        screen.note("Stopped.")
    except OSError as error:
        message = f"{host}:{port} cannot be used ({error.strerror}). Take another address, or --port 0 for a free port."
        raise ConfigurationError(message) from error
    return ExitCode.DONE


@contextmanager
def opened(current: Session) -> Iterator[tuple[dict[str, Connector], dict[str, Endpoint]]]:
    """Give the connectors of a project that have an endpoint, and their endpoints, by connection.

    What they are told of changes is kept for the project's flows.
    """
    project = current.load()
    with ExitStack() as stack:
        connectors, endpoints = {}, {}
        for name, settings in project.connections.items():
            connector = settings.connector(name, settings.options)
            stack.callback(connector.close)
            endpoint = connector.endpoint()
            if endpoint is not None:
                stack.callback(endpoint.close)
                connectors[name], endpoints[name] = connector, endpoint
            elif name in project.service.webhooks:
                connectors[name] = connector
        if not connectors:
            message = (
                "No connection of the project has anything to answer, so there is nothing to serve. For 1C's exchange"
                " with a site, add exchange: { login: …, password: … } beside commerceml: in the connection of 1C."
            )
            raise ConfigurationError(message, where=str(project.file))
        _keep_what_is_told(current, project, connectors, endpoints, stack)
        yield connectors, endpoints


def _keep_what_is_told(
    current: Session,
    project: Project,
    connectors: Mapping[str, Connector],
    endpoints: dict[str, Endpoint],
    stack: ExitStack,
) -> None:
    if not project.flows:
        return
    ledger = stack.enter_context(current.ledger(project))
    flows = stack.enter_context(Assembly(project, ledger=ledger)).flows
    for name, connector in connectors.items():
        equip(connector, ledger)
        connector.tell = Doorbell(ledger, name, flows).ring
        if name in project.service.webhooks:
            endpoints[name] = webhook = Webhook(
                ledger, name, project.service.webhooks[name], flows, endpoints.get(name)
            )
            stack.callback(webhook.close)
