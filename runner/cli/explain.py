"""``obmen explain``: why a channel shows a number, from what the source told to what the channel shows now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer

from obmen.entities import Price, Record, Stock
from obmen.errors import ConfigurationError, meant
from obmen.sync.explain import Explanation, Number, Source, explain
from runner.cli.causes import in_words
from runner.cli.session import Open, session
from runner.cli.sync import Json
from runner.exit_codes import ExitCode
from runner.render import Column, Screen, Table, ago, iso
from runner.showing import MAIN, Shown, place_of, shown_now

Sku = Annotated[str, typer.Argument(metavar="SKU", help="The article, as the project's records have it.")]
Channels = Annotated[
    list[str] | None, typer.Option("--channel", metavar="CONNECTION", help="Only of this channel; may be given again.")
]
Live = Annotated[bool, typer.Option("--live", metavar="", help="Ask the channels what they show now.")]


_STATES = {"accepted": "taken and being checked there", "sent": "sent, and not answered,", "pending": "to be sent"}


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
        shown = shown_now(opened.ledger, flows, found.numbers) if live else {}
        now = opened.ledger.clock.now().timestamp()
    if json:
        opened.screen.json(_as_data(found, shown))
    else:
        _print(opened.screen, found, shown, now)
    return ExitCode.DONE


def _channels(opened: Open, named: Sequence[str]) -> Sequence[str]:
    flows = [flow for flow in opened.assembly.flows if flow.entity in {Stock, Price}]
    channels = dict.fromkeys(target.name for flow in flows for target in flow.targets)
    for name in named:
        if name not in opened.project.connections:
            raise ConfigurationError(f"There is no connection '{name}'.{meant(name, opened.project.connections)}")
        if name not in channels:
            told = f"Those that are told: {', '.join(channels)}." if channels else "No channel is."
            raise ConfigurationError(f"No flow tells '{name}' of stock or prices. {told}")
    return named


# -- for people -------------------------------------------------------------------------------------------------


def _print(screen: Screen, found: Explanation, shown: Shown, now: float) -> None:
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


def _of_number(number: Number, shown: Shown, now: float) -> Iterator[str]:
    if number.native_id is None:
        yield f"{number.channel} has no card of it, so it is told nothing"
    yield from _told(number, now)
    for row in number.queued:
        value = _main(number.decoded(row.canonical))
        why = f": {row.reason}" if row.reason else ""
        state = f"{_STATES.get(row.state, row.state)} since {ago(row.enqueued_at, now)}"
        yield f"{state}: {value} ({_why(number, row.cause)}){why}"
    for entry in number.refused:
        who = f"refused by {number.channel}" if entry.stage == "deliver" else "set aside"
        yield f"{who} {ago(entry.created_at, now)} ({entry.code}): {entry.message} obmen quarantine show {entry.id}"
    place = place_of(number)
    if place in shown:
        yield _live(number, shown[place])


def _told(number: Number, now: float) -> Iterator[str]:
    told, shows = number.sent_record, number.told_record
    if number.told is None or told is None or shows is None:
        yield "never confirmed there"
        return
    at = number.sent.at if number.sent else number.told.at
    how = f" by run {number.sent.run}, because {_why(number, number.sent.cause)}" if number.sent else ""
    yield f"told {_main(told)} {ago(at, now)}{how}; it was confirmed"
    if number.moved:
        yield f"shows {_main(shows)} since, by what is known: buyers took some, or it was seen there"


def _why(number: Number, cause: str) -> str:
    return in_words(cause, number.entity)


def _live(number: Number, there: dict[str, Any] | str | None) -> str:
    if there is None:
        return f"{number.channel} shows nothing of it now"
    if isinstance(there, str):
        return f"what {number.channel} shows now is not known: {there}"
    value = there.get(MAIN[number.entity])
    told = number.told_record
    same = told is not None and value == getattr(told, MAIN[number.entity])
    return f"{number.channel} shows {value} now" + ("" if same else ", which is not what it was told")


def _main(record: Record) -> str:
    return f"{getattr(record, MAIN[record.entity]):f}"


# -- for programs -----------------------------------------------------------------------------------------------


def _as_data(found: Explanation, shown: Shown) -> dict[str, Any]:
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


def _number_as_data(number: Number, shown: Shown) -> dict[str, Any]:
    told, sent = number.sent_record, number.sent
    data: dict[str, Any] = {
        "flow": number.flow,
        "channel": number.channel,
        "entity": number.entity,
        "key": number.key,
        "native_id": number.native_id,
        "steps": [{"name": step.name, "number": step.amount, "why": step.note} for step in number.steps],
        "due": _fields(number.due),
        "told": _fields(told),
        "told_at": iso(sent.at if sent else number.told.at) if number.told else None,
        "answer": number.answer or None,
        "known": _fields(number.told_record),
        "run": sent.run if sent else None,
        "cause": sent.cause if sent else None,
        "queued": [{"state": row.state, "reason": row.reason, "cause": row.cause} for row in number.queued],
        "refused": [{"id": one.id, "code": one.code, "message": one.message} for one in number.refused],
    }
    place = place_of(number)
    return {**data, "shows": shown[place]} if place in shown else data


def _fields(record: Record | None) -> dict[str, Any] | None:
    return None if record is None else record.model_dump(mode="json", exclude_unset=True)
