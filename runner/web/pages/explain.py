"""Why a channel shows a number: how it came about, what was sent and when, what waits, and what it shows now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from obmen.project import Project
from obmen.rules.steps import Step
from obmen.state import Ledger
from obmen.state.text import fault
from obmen.sync.assemble import Assembly
from obmen.sync.explain import Explanation, Number, explain
from runner.showing import MAIN, Shown, place_of, shown_now
from runner.web import call as calls
from runner.web import finding
from runner.web.call import Answer, Away, Call, Lost, link
from runner.web.jobs import Job, Watch

SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Told:
    """One number of one channel as the page shows it; ``at`` in Unix seconds.

    ``known``: what it shows by all that is known, where that is not what it was told. ``shows``: the level and the
    words of what it showed when it was asked.
    """

    channel: str
    flow: str
    place: str
    steps: tuple[Step, ...]
    due: Decimal | None
    told: Decimal | None
    known: Decimal | None
    at: float | None
    run: int | None
    cause: str
    answer: str
    shows: tuple[str, str] | None
    states: tuple[tuple[str, str], ...]
    refused: tuple[tuple[int, str], ...]
    card: str | None


def why(call: Call) -> Answer:
    """Explain the numbers of a SKU: its stock first, then its prices. No other system is asked."""
    sku = _sku(call.query)
    found = _explained(call.project, call.ledger, sku)
    if not found.numbers:
        raise Lost
    job = call.jobs.last("show", sku)
    groups = [(entity, _of(call, found, entity, job)) for entity in ("stock", "price")]
    return calls.Shown("explain.html", {"found": found, "groups": groups, "job": job})


def ask(call: Call) -> Answer:
    """Have the channels asked what they show of a SKU now, in the background."""
    sku = _sku(call.form)
    project, ledger = call.project, call.ledger
    if not _explained(project, ledger, sku).numbers:
        raise Lost

    def work(watch: Watch) -> Shown:
        with Assembly(project, ledger=ledger) as assembly:
            with ledger.read() as tx:
                found = explain(tx, assembly.flows, sku)
            return shown_now(ledger, assembly.flows, found.numbers, watch.progress)

    begun = call.jobs.begin("show", sku, call.who, SECONDS, work)
    return Away(link("/explain", sku=sku, said="" if begun else "busy"))


def _sku(given: Mapping[str, str]) -> str:
    sku = given.get("sku", "").strip()
    if not sku or fault(sku, finding.LONGEST):
        raise Lost
    return sku


def _explained(project: Project, ledger: Ledger, sku: str) -> Explanation:
    with Assembly(project, ledger=ledger) as assembly, ledger.read() as tx:
        return explain(tx, assembly.flows, sku)


def _of(call: Call, found: Explanation, entity: str, job: Job | None) -> list[Told]:
    shown: Shown = job.result if job is not None and job.state == "done" else {}
    return [_told(call, one, shown) for one in found.numbers if one.entity == entity]


def _told(call: Call, one: Number, shown: Shown) -> Told:
    told, known, name = one.sent_record, one.told_record, MAIN[one.entity]
    sent = one.sent
    return Told(
        channel=one.channel,
        flow=one.flow,
        place=one.key.partition("|")[2],
        steps=one.steps,
        due=None if one.due is None else getattr(one.due, name),
        told=None if told is None else getattr(told, name),
        known=getattr(known, name) if one.moved and known is not None else None,
        at=sent.at if sent is not None else one.told.at if one.told is not None else None,
        run=sent.run if sent is not None else None,
        cause=sent.cause if sent is not None else "",
        answer=one.answer,
        shows=_shows(call, one, shown),
        states=tuple((row.state, call.said(row.reason)) for row in one.queued),
        refused=tuple((entry.id, call.said(entry.message)) for entry in one.refused),
        card=one.native_id,
    )


def _shows(call: Call, one: Number, shown: Shown) -> tuple[str, str] | None:
    """Return the level and the words of what a channel showed when it was asked."""
    if place_of(one) not in shown:
        return None
    there, name = shown[place_of(one)], MAIN[one.entity]
    if isinstance(there, str):
        return "care", call.words("explain.unknown", why=call.said(there))
    if there is None:
        return "care", call.words("explain.shows_nothing")
    told, value = one.told_record, there.get(name)
    words = call.words("explain.shows", number=value)
    if told is not None and value == getattr(told, name):
        return "good", words
    return "care", f"{words}, {call.words('explain.differs')}"
