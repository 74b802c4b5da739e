"""``obmen labels``: the papers of orders as files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Annotated

import typer

from obmen.connector import Connector
from obmen.errors import ConfigurationError, meant
from obmen.records import Document
from obmen.sync import papers
from obmen.sync.papers import Papers
from runner.cli.session import Open, session
from runner.cli.sync import WAIT, Json, Wait
from runner.exit_codes import ExitCode
from runner.render import Column, Table, plural

FOLDER = Path("labels")

ConnectionName = Annotated[str, typer.Argument(metavar="CONNECTION", help="The channel whose orders they are.")]
Numbers = Annotated[list[str] | None, typer.Argument(metavar="NUMBER", help="Orders by their number in the channel.")]
Ready = Annotated[
    bool, typer.Option("--ready", metavar="", help="Of every order that is packed and waits for the carrier.")
]
Output = Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="The folder for the files.")]
Kind = Annotated[str, typer.Option("--kind", metavar="KIND", help="Another paper that the connector makes.")]


def labels(
    context: typer.Context,
    connection: ConnectionName,
    numbers: Numbers = None,
    ready: Ready = False,
    output: Output = FOLDER,
    kind: Kind = "label",
    wait: Wait = WAIT,
    json: Json = False,
) -> int:
    """Fetch the labels of orders into a folder.

    What a channel has not made yet is asked for again while --wait lasts. An order that has none keeps no other
    from its own.
    """
    current = session(context)
    if bool(numbers) == ready:
        raise ConfigurationError("Name the orders by their numbers, or say --ready.")
    with current.open() as opened:
        connector = _connector(opened, connection)
        found = Papers(connector, kind, opened.ledger.clock)
        wanted = _ready(opened, connector) if ready else _named(opened, connection, numbers or ())
        output.mkdir(parents=True, exist_ok=True)
        saved = [
            (_save(output, document), document.orders) for document in found.fetch(list(wanted.values()), patience=wait)
        ]
    failed = {number: str(found.failed[id_]) for number, id_ in wanted.items() if id_ in found.failed}
    if json:
        files = [{"file": str(path), "orders": orders} for path, orders in saved]
        current.screen.json({"files": files, "failed": failed})
    else:
        table = Table([Column("File"), Column("Orders")])
        for path, orders in saved:
            table.add(str(path), ", ".join(orders))
        if saved:
            current.screen.table(table)
        for number, reason in failed.items():
            current.screen.line(f"{number}: {reason}", "yellow")
        current.screen.line(f"{plural(len(saved), 'file')} for {plural(len(wanted) - len(failed), 'order')}.")
    return ExitCode.ATTENTION if failed else ExitCode.DONE


def _connector(opened: Open, name: str) -> Connector:
    known = opened.assembly.connectors
    if name not in known:
        message = f"The project has no connection '{name}'.{meant(name, known)}"
        raise ConfigurationError(message, where=str(opened.project.file))
    return known[name]


def _named(opened: Open, connection: str, numbers: Sequence[str]) -> dict[str, str]:
    return papers.native_ids(opened.ledger, connection, numbers)


def _ready(opened: Open, connector: Connector) -> dict[str, str]:
    if "order_status" not in connector.readers:
        message = f"{connector.name} does not tell which orders are packed. Name them by their numbers."
        raise ConfigurationError(message)
    mapping = opened.assembly.mapping(connector.name, "order_status", "pull")
    return {id_: id_ for id_ in papers.ready(connector, mapping)}


def _save(folder: Path, document: Document) -> Path:
    """Keep a paper; the file appears whole or not at all."""
    path = folder / PurePath(document.name.replace("\\", "/")).name
    partial = path.with_name(path.name + ".part")
    try:
        partial.write_bytes(document.content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path
