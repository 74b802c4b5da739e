"""``obmen quarantine``: the records that were set aside: list them, look at one, try again, let go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated, Any

import msgspec
import typer

from obmen.errors import ConfigurationError, meant
from obmen.project import Project
from obmen.state import Ledger, quarantine
from obmen.state.quarantine import Entry, Group
from obmen.sync.engine import Engine
from runner.cli.advice import next_step
from runner.cli.payload import shown_payload
from runner.cli.session import Session, session
from runner.cli.sync import WAIT, Json, told
from runner.exit_codes import ExitCode
from runner.observe.explanations import Explanation, Explanations
from runner.render import Column, Screen, Table, ago, clipped, iso, number, plural

app = typer.Typer(no_args_is_help=True, help="Records that were set aside: list, show, replay, drop.")
_WORDS = {
    "open": "waits for you",
    "waiting": "waits for another record",
    "due": "tried at the next run",
    "elsewhere": "of another channel's order, left out",
    "closed": "closed",
}
_STAGES = {
    "pull": "could not be understood as it was read",
    "push": "could not be put into the words of the system",
    "deliver": "was refused there",
}
_LONGEST = 110

Flow = Annotated[str | None, typer.Option("--flow", metavar="FLOW", help="Only of this flow.")]
Code = Annotated[str | None, typer.Option("--code", metavar="CODE", help="Only with this code.")]
_MOST = 2**63 - 1
Number = Annotated[int, typer.Argument(min=1, max=_MOST, metavar="ID", help="The number that the list shows.")]
Numbers = Annotated[
    list[int] | None, typer.Argument(min=1, max=_MOST, metavar="ID", help="The numbers that the list shows.")
]
Every = Annotated[bool, typer.Option("--all", metavar="", help="One line for each record, not for each reason.")]
Now = Annotated[bool, typer.Option("--now", metavar="", help="Run the flows at once.")]


@app.command("list")
def list_entries(
    context: typer.Context, flow: Flow = None, code: Code = None, every: Every = False, json: Json = False
) -> int:
    """List what was set aside, grouped by reason."""
    current = session(context)
    with _opened(current, flow) as (ledger, project):
        now = ledger.clock.now().timestamp()
        found: list[dict[str, Any]] = []
        meanings: list[str] = []
        if every:
            table = _list_all(_entries(ledger, flow, code), now, found)
        else:
            with ledger.read() as tx:
                groups = quarantine.groups(tx, flow=flow, code=code)
            table = _list_groups(groups, now, found)
            meanings = _meanings(Explanations(project), groups, found)
    if json:
        current.screen.json({"records" if every else "groups": found})
    elif not found:
        current.screen.line("Nothing is set aside.")
    else:
        current.screen.table(table)
        current.screen.line()
        for meaning in meanings:
            current.screen.line(meaning)
        current.screen.line(
            "Look at one: obmen quarantine show ID. Try again: obmen quarantine replay ID or --code CODE"
        )
    return ExitCode.DONE


@app.command()
def show(context: typer.Context, id: Number, json: Json = False) -> int:  # noqa: A002 - the word of the help
    """Show one record: the reason, what it holds (personal data masked), and what to do."""
    current = session(context)
    with _opened(current, None) as (ledger, project):
        entry = _entry(ledger, id)
        now = ledger.clock.now().timestamp()
    payload = shown_payload(entry)
    known = Explanations(project).of(entry.connection, entry.code, entry.message)
    if json:
        told = {"means": known and known.sentence("en"), "do": known and known.action("en")}
        step = next_step(entry, explained=known is not None)
        current.screen.json({**_as_data(entry), **told, "payload": payload, "next": step})
    else:
        _show_entry(current.screen, entry, payload, now, known)
    return ExitCode.DONE


@app.command()
def replay(
    context: typer.Context,
    ids: Numbers = None,
    flow: Flow = None,
    code: Code = None,
    now: Now = False,
    json: Json = False,
) -> int:
    """Try records again at the next run, or with --now at once."""
    current = session(context)
    if now:
        current.load()  # a project that cannot be read runs nothing, so nothing is promised of it
    with _opened(current, flow) as (ledger, _):
        chosen = _chosen(ledger, ids or (), flow, code)
        _move(ledger, chosen, "due")
    names = sorted({entry.flow for entry in chosen})
    if now and chosen:
        with current.open() as opened, opened.progress() as listener:
            done = Engine(opened.ledger, opened.assembly.flows, listener=listener).sync(names, patience=WAIT)
        return told(current, done, json=json)
    if json:
        current.screen.json({"due": [entry.id for entry in chosen], "flows": names})
        return ExitCode.DONE
    again = f" To run them now: obmen sync {' '.join(names)}" if names else ""
    current.screen.line(f"{plural(len(chosen), 'record')} will be tried again at the next run.{again}")
    return ExitCode.DONE


@app.command()
def drop(context: typer.Context, ids: Numbers = None, flow: Flow = None, code: Code = None, json: Json = False) -> int:
    """Let go of records: they are not tried again as they are. A later change of one is taken as usual."""
    current = session(context)
    with _opened(current, flow) as (ledger, _):
        chosen = _chosen(ledger, ids or (), flow, code)
        _move(ledger, chosen, "closed")
    if json:
        current.screen.json({"dropped": [entry.id for entry in chosen]})
        return ExitCode.DONE
    current.screen.line(
        f"{plural(len(chosen), 'record')} let go. Once one changes in its source, it is taken as usual."
    )
    for entry in chosen:
        if entry.code == "in_doubt":
            current.screen.line(
                f"{entry.key}: its answer from {entry.connection} was lost. Obmen takes your word that it "
                "arrived: it is not sent again as it is. If it did not arrive, change it in its source.",
                "yellow",
            )
    return ExitCode.DONE


# -- choosing -----------------------------------------------------------------------------------------------


@contextmanager
def _opened(current: Session, flow: str | None) -> Iterator[tuple[Ledger, Project]]:
    project = current.known().project
    with current.ledger(project) as ledger:
        known = flow is None or flow in project.flows or any(_entries(ledger, flow, None))
        if not known:
            raise ConfigurationError(f"There is no flow '{flow}'.{meant(flow or '', project.flows)}")
        yield ledger, project


def _entries(ledger: Ledger, flow: str | None, code: str | None) -> Iterator[Entry]:
    """Yield entries without what they hold: a million of them fit into memory so."""
    after = 0
    while True:
        with ledger.read() as tx:
            page = quarantine.entries(
                tx, flow=flow, code=code, states=quarantine.UNSETTLED, after=after, payloads=False
            )
        if not page:
            return
        yield from page
        after = page[-1].id


def _entry(ledger: Ledger, id_: int) -> Entry:
    with ledger.read() as tx:
        entry = quarantine.get(tx, id_)
    if entry is None:
        raise ConfigurationError(f"There is no record {id_} in quarantine. See them: obmen quarantine list")
    return entry


def _chosen(ledger: Ledger, ids: Sequence[int], flow: str | None, code: str | None) -> list[Entry]:
    """Return what was meant; nothing is done to any if one of them cannot be meant."""
    if ids and (flow or code):
        raise ConfigurationError("Say either which ID, or --flow and --code.")
    if not (ids or flow or code):
        raise ConfigurationError("Say which: ID, --flow FLOW or --code CODE. See them: obmen quarantine list")
    if not ids:
        return list(_entries(ledger, flow, code))
    chosen = [replace(_entry(ledger, one), raw=None, canonical=None) for one in dict.fromkeys(ids)]
    for entry in chosen:
        if entry.state not in quarantine.UNSETTLED:
            raise ConfigurationError(f"Record {entry.id} is not open any more: it is {_WORDS[entry.state]}.")
    return chosen


def _move(ledger: Ledger, chosen: Sequence[Entry], state: str) -> None:
    with ledger.write() as tx:
        quarantine.set_state(tx, [entry.id for entry in chosen], state)


# -- showing ------------------------------------------------------------------------------------------------


def _list_groups(groups: Sequence[Group], now: float, found: list[dict[str, Any]]) -> Table:
    columns = [Column("Code"), Column("Flow"), Column("Where"), Column("Records", right=True)]
    table = Table([*columns, Column("State"), Column("Since"), Column("ID", right=True), Column("Such as")])
    for group in groups:
        table.add(
            group.code,
            group.flow,
            group.connection,
            number(group.count),
            _WORDS[group.state],
            ago(group.first_at, now),
            str(group.id),
            clipped(f"{_name(group)}: {group.message}", _LONGEST),
        )
        names = ("code", "flow", "connection", "entity", "stage", "state", "count")
        found.append(
            {
                **{name: getattr(group, name) for name in names},
                "since": iso(group.first_at),
                "last": iso(group.last_at),
                "example": {"id": group.id, "key": _name(group), "message": group.message},
            }
        )
    return table


def _meanings(known: Explanations, groups: Sequence[Group], found: Sequence[dict[str, Any]]) -> list[str]:
    """Return what the causes mean, each once, and add it to what ``--json`` prints."""
    told: list[str] = []
    strange: list[str] = []
    for group, data in zip(groups, found, strict=True):
        one = known.of(group.connection, group.code, group.message)
        data["means"] = one.sentence("en") if one is not None else None
        data["do"] = one.action("en") if one is not None else None
        if one is None:
            strange.append(group.code)
        else:
            told.append(f"In {group.connection}, {group.code} means: {one.sentence('en')} {one.action('en')}")
    if strange:
        told.append(f"Not known to Obmen, told in the system's own words: {', '.join(dict.fromkeys(strange))}.")
    return list(dict.fromkeys(told))


def _list_all(entries: Iterator[Entry], now: float, found: list[dict[str, Any]]) -> Table:
    columns = [Column("ID", right=True), Column("Code"), Column("Flow"), Column("Where"), Column("Record")]
    table = Table([*columns, Column("State"), Column("Since"), Column("Reason")])
    for entry in entries:
        since, reason = ago(entry.created_at, now), clipped(entry.message, _LONGEST)
        where = entry.connection
        table.add(str(entry.id), entry.code, entry.flow, where, _name(entry), _WORDS[entry.state], since, reason)
        found.append(_as_data(entry))
    return table


def _show_entry(screen: Screen, entry: Entry, payload: Any, now: float, known: Explanation | None) -> None:
    screen.line(f"Record {entry.id}: {entry.entity} {_name(entry)}", "bold")
    about = Table([Column("Flow"), Column(entry.flow)])
    about.add("Where", f"{entry.connection}: it {_STAGES[entry.stage]}")
    about.add("State", _WORDS[entry.state])
    about.add("Since", ago(entry.created_at, now))
    about.add("Code", entry.code)
    screen.table(about)
    screen.line()
    screen.line(f"Reason: {entry.message}")
    if known is not None:
        screen.line(f"Means:  {known.sentence('en')} {known.action('en')}")
    screen.line(f"Next:   {next_step(entry, explained=known is not None)}")
    if payload is not None:
        screen.line()
        text = msgspec.json.format(msgspec.json.encode(payload), indent=2).decode()
        screen.line(payload if isinstance(payload, str) else text)


def _as_data(entry: Entry) -> dict[str, Any]:
    names = ("id", "flow", "connection", "entity", "stage", "state", "key", "source", "code", "message")
    return {
        **{name: getattr(entry, name) for name in names},
        "since": iso(entry.created_at),
        "run": entry.run,
    }


def _name(entry: Entry | Group) -> str:
    return entry.key or entry.source or "?"
