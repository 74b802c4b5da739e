"""``obmen history``: what a connection was told of one record, the newest first, with when and why."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from obmen.entities import ENTITIES, join_key
from obmen.errors import ConfigurationError
from obmen.state import Ledger, agreed, written
from obmen.state.written import Written
from obmen.sync.plan import difference_of
from runner.cli.causes import in_words
from runner.cli.entities import connection_of, entity_of
from runner.cli.session import session
from runner.cli.summary import shown_value
from runner.cli.sync import Json
from runner.exit_codes import ExitCode
from runner.render import Column, Table, ago, clipped, iso, plural

ROWS = 50
_WIDE = 60

Which = Annotated[str, typer.Argument(metavar="CONNECTION", help="A connection of the project.")]
What = Annotated[str, typer.Argument(metavar="ENTITY", help="What of it: prices, stock, products…")]
Key = Annotated[
    str,
    typer.Argument(metavar="KEY", help="The record's key, such as a SKU: all its prices, its stock in all warehouses."),
]
Rows = Annotated[int, typer.Option("--rows", min=1, metavar="N", help="How many of the newest to show.")]


def history(
    context: typer.Context, connection: Which, entity: What, key: Key, rows: Rows = ROWS, json: Json = False
) -> int:
    """List what a connection was told of one record, the newest first: what changed, by which run, and why.

    It goes as far back as runs are kept ('keep_runs:' of the service). Personal data is masked.
    """
    current = session(context)
    project = current.load()
    kind = ENTITIES[entity_of(project, connection_of(project.connections, connection), entity)]
    if kind.history:
        message = f"Every {kind.entity} is kept as it came, not as it was written. Look at it on the page, by Search."
        raise ConfigurationError(message)
    with current.ledger(project) as ledger:
        found = _found(ledger, connection, kind.entity, key, rows)
        now = ledger.clock.now().timestamp()
    if json:
        current.screen.json({"written": [_as_data(one) for one in found]})
    elif not found:
        current.screen.line(f"Nothing is known to have been written of {kind.entity} '{key}' into {connection}.")
    else:
        current.screen.table(_table(found, now))
        current.screen.line()
        current.screen.line(f"{plural(len(found), 'time')} written. To take back a run: obmen undo RUN --dry-run")
    return ExitCode.DONE


def _found(ledger: Ledger, connection: str, entity: str, key: str, most: int) -> list[Written]:
    """Return what was written of a record and of what hangs on it: a SKU's price, its stock in every warehouse."""
    with ledger.read() as tx:
        keys = {key, join_key([key])}
        for one in tuple(keys):
            keys.update(agreed.keys_under(tx, connection, entity, one))
        found = [row for one in keys for row in written.of_key(tx, connection, entity, one, most)]
    return sorted(found, key=lambda row: row.id, reverse=True)[:most]


def _fields(one: Written) -> dict[str, list[Any]]:
    return difference_of(ENTITIES[one.entity], one.before, one.after)


def _as_data(one: Written) -> dict[str, Any]:
    names = ("run", "flow", "connection", "entity", "key", "op", "cause")
    shown = {name: getattr(one, name) for name in names}
    return {"at": iso(one.at), **shown, "because": in_words(one.cause, one.entity), "fields": _fields(one)}


def _table(found: list[Written], now: float) -> Table:
    columns = [Column("When"), Column("Run", right=True), Column("Record"), Column("Field"), Column("Before")]
    table = Table([*columns, Column("After"), Column("Because")])
    for one in found:
        start = [ago(one.at, now), str(one.run), one.key]
        why = in_words(one.cause, one.entity)
        for name, (before, after) in _fields(one).items() or [("", (None, "as before"))]:
            shown = (clipped(shown_value(value), _WIDE) for value in (before, after))
            table.add(*start, name, *shown, why)
            start, why = ["", "", ""], ""
    return table
