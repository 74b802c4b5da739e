"""Why a channel shows a number: how it came about, what was sent and when, and what waits or was refused."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from obmen.rules.steps import Step
from obmen.state.text import fault
from obmen.sync.assemble import Assembly
from obmen.sync.explain import Explanation, Number, explain
from runner.web import finding
from runner.web.call import Answer, Call, Lost, Shown


@dataclass(frozen=True, slots=True)
class Told:
    """One number of one channel as the page shows it; ``at`` in Unix seconds."""

    channel: str
    flow: str
    place: str
    steps: tuple[Step, ...]
    due: Decimal | None
    told: Decimal | None
    at: float | None
    run: int | None
    cause: str
    states: tuple[tuple[str, str], ...]
    refused: tuple[tuple[int, str], ...]
    card: str | None


def why(call: Call) -> Answer:
    """Explain the numbers of a SKU: its stock first, then its prices. No other system is asked."""
    sku = call.query.get("sku", "").strip()
    if not sku or fault(sku, finding.LONGEST):
        raise Lost
    with Assembly(call.project, ledger=call.ledger) as assembly, call.ledger.read() as tx:
        found = explain(tx, assembly.flows, sku)
    if not found.numbers:
        raise Lost
    groups = [(entity, _of(call, found, entity)) for entity in ("stock", "price")]
    return Shown("explain.html", {"found": found, "groups": groups})


def _of(call: Call, found: Explanation, entity: str) -> list[Told]:
    return [_told(call, one) for one in found.numbers if one.entity == entity]


def _told(call: Call, one: Number) -> Told:
    record = one.told_record
    name = "available" if one.entity == "stock" else "amount"
    return Told(
        channel=one.channel,
        flow=one.flow,
        place=one.key.partition("|")[2],
        steps=one.steps,
        due=None if one.due is None else getattr(one.due, name),
        told=None if record is None else getattr(record, name),
        at=one.told.at if one.told is not None else None,
        run=one.sent.run if one.sent is not None else None,
        cause=one.sent.cause if one.sent is not None else "",
        states=tuple((row.state, call.said(row.reason)) for row in one.queued),
        refused=tuple((entry.id, call.said(entry.message)) for entry in one.refused),
        card=one.native_id,
    )
