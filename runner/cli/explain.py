"""``obmen explain``: why a channel shows a number, from what the source told to what the channel shows now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer

from obmen.entities import Price, Record, Stock
from obmen.errors import ConfigurationError, ObmenError, meant
from obmen.state import Ledger
from obmen.sync.explain import Explanation, Number, Source, explain
from obmen.sync.flow import Flow
from obmen.sync.readback import show
from runner.cli.causes import in_words
from runner.cli.session import Open, session
from runner.cli.sync import Json
from runner.exit_codes import ExitCode
from runner.render import Column, Screen, Table, ago, iso

Sku = Annotated[str, typer.Argument(metavar="SKU", help="The article, as the project's records have it.")]
Channels = Annotated[
    list[str] | None, typer.Option("--channel", metavar="CONNECTION", help="Only of this channel; may be given again.")
]
Live = Annotated[bool, typer.Option("--live", metavar="", help="Ask the channels what they show now.")]
_MAIN = {Stock.entity: "available", Price.entity: "amount"}


def explain_(context: typer.Context, sku: Sku, channel: Channels = None, live: Live = False, json: Json = False) -> int:
    """Say how the numbers of a SKU came about: its stock and its prices in every channel.

    For each: what the source told, each rule's step, what the channel was told and when, what waits or was refused,
    and with --live what it shows now.
    """
    with session(context).open() as opened:
        chosen = _channels(opened, channel or [])
        flows = opened.assembly.flows
        with opened.ledger.read() as tx:
            found = explain(tx, flows, sku, chosen)
        if not found.numbers:
            message = f"Nothing is known of the SKU '{sku}': no flow of stock or prices has read or told it."
            raise ConfigurationError(f"{message} Look for it with: obmen status, or on the page.")
        shown = _shown(opened.ledger, flows, found.numbers) if live else {}
        now = opened.ledger.clock.now().timestamp()
    if json:
        opened.screen.json(_as_data(found, shown))
    else:
        _print(opened.screen, found, shown, now)
    return ExitCode.DONE


_Shown = dict[tuple[str, str, str], dict[str, Any] | str | None]
"""(flow, channel, key) → the fields that a channel shows, why it could not be asked, None where nothing is there."""


def _channels(opened: Open, named: Sequence[str]) -> Sequence[str]:
    for name in named:
        if name not in opened.project.connections:
            raise ConfigurationError(f"There is no connection '{name}'.{meant(name, opened.project.connections)}")
    return named


def _shown(ledger: Ledger, flows: Sequence[Flow], numbers: Sequence[Number]) -> _Shown:
    by_name = {flow.name: flow for flow in flows}
    found: _Shown = {}
    for number in numbers:
        flow = by_name[number.flow]
        target = next(one for one in flow.targets if one.name == number.channel)
        record = number.told_record or number.due
        place = (number.flow, number.channel, number.key)
        if record is None:
            continue
        try:
            answer = show(ledger, flow, target, [record])
        except ObmenError as error:
            found[place] = str(error)
        else:
            found[place] = "it cannot be asked for this" if answer is None else answer.get(number.key)
    return found


# -- for people -------------------------------------------------------------------------------------------------


def _print(screen: Screen, found: Explanation, shown: _Shown, now: float) -> None:
    for source in found.sources:
        for line in _of_source(source, now):
            screen.line(line)
    for number in found.numbers:
        screen.line()
        place = number.key.partition("|")[2]
        screen.line(f"{number.entity} in {number.channel} ({place}), by the flow {number.flow}", "bold")
        table = Table([Column("step"), Column("number", right=True), Column("why")])
        for step in number.steps:
            table.add(step.name, f"{step.amount:f}", step.note)
        if number.steps:
            screen.table(table)
        for line in _of_number(number, shown, now):
            screen.line(f"  {line}")


def _of_source(source: Source, now: float) -> Iterator[str]:
    name = source.connection
    known = f" as {source.native_id}" if source.native_id else ""
    yield f"{name} knows it{known}"
    for record, read_at in source.records:
        yield f"  {_told_there(record)}, read {ago(read_at, now)}"
    for one in source.taken:
        state = (
            f"{name} does not have it yet"
            if one.known_at is None
            else f"{name} has it, and its stock is not read since"
        )
        yield f"  order {one.number} of {one.channel} took {one.quantity:f} {ago(one.taken_at, now)}; {state}"


def _told_there(record: Record) -> str:
    if isinstance(record, Stock):
        if record.reserved is None:
            return f"{record.warehouse}: {record.available:f} free"
        on_hand = record.available + record.reserved
        return f"{record.warehouse}: on hand {on_hand:f} − reserved {record.reserved:f} = {record.available:f} free"
    assert isinstance(record, Price)  # noqa: S101 - nothing else is explained
    return f"{record.price_type}: {record.amount:f} {record.currency}"


def _of_number(number: Number, shown: _Shown, now: float) -> Iterator[str]:
    if number.native_id is None:
        yield f"{number.channel} has no card of it, so it is told nothing"
    told = number.told_record
    if number.told is None or told is None:
        yield "never confirmed there"
    else:
        how = f" by run {number.sent.run}, because {in_words(number.sent.cause)}" if number.sent else ""
        yield f"told {_main(told)} {ago(number.told.at, now)}{how}; it was confirmed"
    for row in number.queued:
        value = _main(number.decoded(row.canonical))
        why = f": {row.reason}" if row.reason else ""
        yield f"{row.state} since {ago(row.enqueued_at, now)}: {value} ({in_words(row.cause)}){why}"
    for entry in number.refused:
        yield f"set aside {ago(entry.created_at, now)} ({entry.code}): {entry.message} obmen quarantine show {entry.id}"
    place = (number.flow, number.channel, number.key)
    if place in shown:
        yield _live(number, shown[place])


def _live(number: Number, there: dict[str, Any] | str | None) -> str:
    if there is None:
        return f"{number.channel} shows nothing of it now"
    if isinstance(there, str):
        return f"what {number.channel} shows now is not known: {there}"
    value = there.get(_MAIN[number.entity])
    told = number.told_record
    same = told is not None and value == getattr(told, _MAIN[number.entity])
    return f"{number.channel} shows {value} now" + ("" if same else ", which is not what it was told")


def _main(record: Record) -> str:
    return f"{getattr(record, _MAIN[record.entity]):f}"


# -- for programs -----------------------------------------------------------------------------------------------


def _as_data(found: Explanation, shown: _Shown) -> dict[str, Any]:
    return {
        "sku": found.sku,
        "sources": [
            {
                "connection": source.connection,
                "native_id": source.native_id,
                "records": [{"record": _fields(record), "read_at": iso(at)} for record, at in source.records],
                "taken": [
                    {
                        "channel": one.channel,
                        "number": one.number,
                        "quantity": one.quantity,
                        "taken_at": iso(one.taken_at),
                        "known_at": iso(one.known_at),
                    }
                    for one in source.taken
                ],
            }
            for source in found.sources
        ],
        "numbers": [_number_as_data(one, shown) for one in found.numbers],
    }


def _number_as_data(number: Number, shown: _Shown) -> dict[str, Any]:
    told, sent = number.told_record, number.sent
    data: dict[str, Any] = {
        "flow": number.flow,
        "channel": number.channel,
        "entity": number.entity,
        "key": number.key,
        "native_id": number.native_id,
        "steps": [{"name": step.name, "number": step.amount, "why": step.note} for step in number.steps],
        "due": _fields(number.due),
        "told": _fields(told),
        "told_at": iso(number.told.at) if number.told else None,
        "run": sent.run if sent else None,
        "cause": sent.cause if sent else None,
        "queued": [{"state": row.state, "reason": row.reason, "cause": row.cause} for row in number.queued],
        "refused": [{"id": one.id, "code": one.code, "message": one.message} for one in number.refused],
    }
    place = (number.flow, number.channel, number.key)
    return {**data, "shows": shown[place]} if place in shown else data


def _fields(record: Record | None) -> dict[str, Any] | None:
    return None if record is None else record.model_dump(mode="json", exclude_unset=True)
