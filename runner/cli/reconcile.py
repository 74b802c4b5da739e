"""``obmen reconcile``: whether each target still holds what it confirmed, and sending it again where it does not."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import typer

from obmen.sync.engine import Engine
from obmen.sync.passes import Pass
from obmen.sync.reconcile import Reconciliation
from obmen.sync.scales import Drift, Side
from obmen.sync.verify import KIND
from runner.cli import reports
from runner.cli.backfill import FlowName
from runner.cli.lately import Lately
from runner.cli.session import Session, session
from runner.cli.sync import WAIT, Json, Wait
from runner.exit_codes import ExitCode, of_reports, severest
from runner.render import Column, Screen, Table, clipped, number, plural

Comparison = Reconciliation | Lately
ROWS = 20
_VALUE = 48
_COUNTS = {
    "unsent": "differ and are not sent yet: obmen sync and obmen plan tell why",
    "unsure": "were not met there, which says nothing: what is there could not all be read, or goes by other keys",
    "only_there": "are only there",
    "not_carried": "are left out by the mapping",
    "unreadable": "could not be compared",
    "moved": "have changed since, or are about to, and are checked after that",
    "promoted": "are sold at another price because of a promotion; what was told stands",
    "withheld": "are held back there, and were set aside: obmen quarantine list",
    "confirmed": "were held back there, and were confirmed",
    "not_kept": "were sent again time and again and not kept, and were set aside: obmen quarantine list",
}

WrittenOnly = Annotated[
    bool,
    typer.Option(
        "--written", metavar="", help="Ask only for what was written since it was last checked, and has settled."
    ),
]
Repair = Annotated[bool, typer.Option("--repair", metavar="", help="Send again what is not there as it was confirmed.")]
Rows = Annotated[int, typer.Option("--rows", min=0, metavar="N", help="How many records to show of each system.")]


def reconcile(
    context: typer.Context,
    flow: FlowName,
    written: WrittenOnly = False,
    repair: Repair = False,
    rows: Rows = ROWS,
    wait: Wait = WAIT,
    json: Json = False,
) -> int:
    """Read both sides whole and compare them field by field.

    It finds what a system confirmed and does not show: a record that it did not keep, or that was changed there by
    hand. Without --repair nothing is written.

    With --written only what was written lately is asked back, as the service does by itself some minutes after it.
    """
    current = session(context)
    told = _Stream(current.screen) if json else _Examples(rows)
    with current.open() as opened, opened.progress() as listener:
        engine = Engine(opened.ledger, opened.assembly.flows, listener=listener)
        (chosen,) = engine.choose([flow])
        work = Pass(chosen, kind=KIND)
        note = current.screen.note
        comparison: Comparison
        if written:
            rules = opened.assembly.project.flows[chosen.name].verify
            flows = opened.assembly.flows
            comparison = Lately(opened.ledger, work, rules, flows, on_drift=told, on_note=note, repair=repair)
        else:
            comparison = Reconciliation(
                opened.ledger,
                work,
                on_drift=told,
                on_read=lambda done, total: listener.reading(flow, done, total),
                on_note=note,
                repair=repair,
            )
        try:
            comparison.run()
        finally:
            comparison.deliver(engine, wait)
    code = _code(work, comparison, repair=repair)
    if isinstance(told, _Stream):
        told.end(_as_data(current, work, comparison, code))
    else:
        _show(current, work, comparison, told, repair=repair)
    return code


class _Stream:
    """Prints every drift as it is found: a million of them need no memory."""

    def __init__(self, screen: Screen) -> None:
        self._screen, self._start = screen, '{\n  "drift": [\n    '

    def __call__(self, drift: Drift) -> None:
        self._screen.raw(self._start + msgspec.json.encode(drift).decode())
        self._start = "    ,"

    def end(self, data: dict[str, Any]) -> None:
        """Print the sums."""
        if self._start != "    ,":
            self._screen.raw('{\n  "drift": [')
        self._screen.raw(f'  ],\n  "summary": {msgspec.json.encode(data).decode()}\n}}')


class _Examples:
    """Keeps the first drifts of each target."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self.of: dict[str, list[Drift]] = {}

    def __call__(self, drift: Drift) -> None:
        kept = self.of.setdefault(drift.target, [])
        if len(kept) < self._rows:
            kept.append(drift)


def _code(work: Pass, comparison: Comparison, *, repair: bool) -> ExitCode:
    found = {of_reports([work.report])}
    if any(side.drift > (side.repaired if repair else 0) for side in comparison.sides):
        found.add(ExitCode.ATTENTION)
    return severest(found)


def _as_data(current: Session, work: Pass, comparison: Comparison, code: ExitCode) -> dict[str, Any]:
    sides = [
        {
            "target": side.target,
            "drift": side.drift,
            "counts": dict(side.counts),
            "fields": dict(side.fields),
            "not_compared": side.blind,
            "only_there": side.only_there,
            "reasons": [current.redact.secrets(reason) for reason in side.reasons],
            "repaired": side.repaired,
        }
        for side in comparison.sides
    ]
    here = {"counts": dict(comparison.here.counts), "reasons": comparison.here.reasons}
    run = reports.as_data([work.report], current)["flows"][0]
    return {"exit_code": int(code), "flow": work.flow.name, "here": here, "targets": sides, "run": run}


def _show(current: Session, work: Pass, comparison: Comparison, told: _Examples, *, repair: bool) -> None:
    screen, flow = current.screen, work.flow
    for side in comparison.sides:
        screen.line(f"{flow.name}: {flow.entity.entity} in {flow.source.name} and {side.target}", "bold")
        _show_side(screen, side, told.of.get(side.target, []))
        if repair and side.repaired < side.drift:
            rest = plural(side.drift - side.repaired, "record")
            screen.line(f"{rest} cannot be sent again as they are: obmen quarantine list tells of them.", "yellow")
    for reason in comparison.here.reasons:
        screen.line(f"{flow.source.name}: not compared: {current.redact.secrets(reason)}", "yellow")
    if untold := comparison.here.counts["untold"]:
        screen.line(f"{flow.source.name} tells no more of {plural(untold, 'record')} that it told of once.")
    drift = sum(side.drift for side in comparison.sides)
    if repair and drift:
        screen.line()
        reports.show(current, [work.report])
    elif drift:
        lately = " --written" if isinstance(comparison, Lately) else ""
        screen.line(f"Nothing was written. To send it again: obmen reconcile {flow.name}{lately} --repair")


def _show_side(screen: Screen, side: Side, examples: list[Drift]) -> None:
    kept = side.counts["same"] + side.drift
    if side.drift:
        fields = ", ".join(f"{name} {number(count)}" for name, count in side.fields.most_common())
        missing = [f"missing {number(side.counts['missing'])}"] if side.counts["missing"] else []
        screen.line(f"  {number(side.drift)} of {number(kept)} drifted: {', '.join(filter(None, [fields, *missing]))}")
        screen.table(_table(examples))
    else:
        screen.line(f"  No drift: {plural(kept, 'record')} as confirmed.")
    if side.drift > len(examples) > 0:
        screen.line(f"… and {plural(side.drift - len(examples), 'record')} more")
    for name, words in _COUNTS.items():
        if count := side.counts[name]:
            more = f", such as {', '.join(side.only_there[:3])}" if name == "only_there" else ""
            screen.line(f"  {plural(count, 'record')} {words}{more}.")
    if side.blind:
        screen.line(f"  Not compared, since {side.target} does not tell it: {', '.join(side.blind)}.")


def _table(examples: list[Drift]) -> Table:
    table = Table([Column("Record"), Column("Field"), Column("It shows"), Column("It was told")])
    for one in examples:
        key = one.key
        for name, (shown, told) in one.fields.items() or [("*", ("not there", ""))]:
            table.add(key, name, _value(shown), _value(told))
            key = ""
    return table


def _value(value: Any) -> str:
    if value is None:
        return "–"
    return clipped(value if isinstance(value, str) else msgspec.json.encode(value).decode(), _VALUE)
