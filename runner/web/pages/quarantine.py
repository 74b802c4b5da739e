"""Quarantine: what was set aside, one line for each cause in the seller's words, and what can be done with it."""

from __future__ import annotations

from dataclasses import replace

from obmen.state import Transaction, quarantine, wishes
from obmen.state.quarantine import Entry, Group
from runner.observe.explanations import Explanations
from runner.web import values
from runner.web.aside import Cause
from runner.web.call import Answer, Away, Call, Lost, Mistake, Shown, link

PAGE = 50
MOST_GROUPS = 100
_CAUSE = ("flow", "connection", "entity", "stage", "code", "state")


def listing(call: Call) -> Answer:
    """Show the causes; of one flow or code, also its records, a page at a time."""
    flow, code = call.query.get("flow", ""), call.query.get("code", "")
    after = call.query.get("after", "")
    with call.ledger.read() as tx:
        groups = quarantine.groups(tx, flow=flow or None, code=code or None)
        found: list[Entry] = []
        if code:
            found = quarantine.entries(
                tx,
                flow=flow or None,
                code=code,
                states=quarantine.UNSETTLED,
                after=call.number(after) if after else 0,
                limit=PAGE + 1,
                payloads=False,
            )
    more = link("/quarantine", flow=flow, code=code, after=found[PAGE - 1].id) if len(found) > PAGE else ""
    return Shown(
        "quarantine.html",
        {
            "groups": [_masked_group(call, one) for one in groups[:MOST_GROUPS]],
            "more_groups": max(len(groups) - MOST_GROUPS, 0),
            "total": sum(one.count for one in groups),
            "entries": [replace(one, message=call.said(one.message)) for one in found[:PAGE]],
            "more": more,
            "flow": flow,
            "code": code,
            "flows": sorted(call.project.flows),
            "cause": lambda one: explained(call, one),
        },
    )


def entry(call: Call) -> Answer:
    """Show one record with its reason, its payload and what to do."""
    one = _entry(call)
    shown = {
        "one": replace(one, message=call.said(one.message)),
        "payload": values.payload(one, call.redact, personal=call.operates),
        "cause": explained(call, one),
        "unsettled": one.state in quarantine.UNSETTLED,
    }
    return Shown("entry.html", shown)


def replay(call: Call) -> Answer:
    """Have one record tried again."""
    one = _unsettled(call)
    with call.ledger.write() as tx:
        quarantine.set_state(tx, [one.id], "due")
        _wish(call, tx, one.flow)
        call.note(tx, "replay", f"{one.flow}: {one.key or one.source} ({one.code})", call.reason(asked=False))
    return Away(link(f"/quarantine/{one.id}", said="replayed"))


def drop(call: Call) -> Answer:
    """Let go of one record."""
    one, why = _unsettled(call), call.reason()
    with call.ledger.write() as tx:
        quarantine.set_state(tx, [one.id], "closed")
        call.note(tx, "drop", f"{one.flow}: {one.key or one.source} ({one.code})", why)
    return Away(link("/quarantine", said="dropped"))


def replay_group(call: Call) -> Answer:
    """Have all records of one cause tried again."""
    cause, newest = _cause(call)
    with call.ledger.write() as tx:
        count = cause.replay(tx, newest)
        _wish(call, tx, cause.flow)
        call.note(tx, "replay", f"{cause.flow} → {cause.connection}: {count} ({cause.code})")
    return Away(link("/quarantine", said="replayed"))


def drop_group(call: Call) -> Answer:
    """Let go of all records of one cause."""
    (cause, newest), why = _cause(call), call.reason()
    with call.ledger.write() as tx:
        count = cause.drop(tx, newest)
        call.note(tx, "drop", f"{cause.flow} → {cause.connection}: {count} ({cause.code})", why)
    return Away(link("/quarantine", said="dropped"))


def explained(call: Call, one: Entry | Group) -> dict[str, str]:
    """Say a cause in the seller's words, and what to do; one that nobody knows is told as unknown."""
    words, place = call.words, {"connection": one.connection, "code": one.code}
    meant = Explanations(call.project).of(one.connection, one.code, one.message)
    says = meant.sentence(words.language) if meant is not None else words("cause.unknown", **place)
    if one.state in {"due", "waiting"}:
        do = words(f"cause.{one.state}")
    elif meant is not None:
        do = meant.action(words.language)
    else:
        do = words("cause.pulled" if one.stage == "pull" else "cause.refused", **place)
    return {"says": says, "do": do}


def _wish(call: Call, tx: Transaction, flow: str) -> None:
    if flow in call.project.flows:
        wishes.ask(tx, flow, call.who)


def _masked_group(call: Call, one: Group) -> Group:
    return replace(one, message=call.said(one.message))


def _entry(call: Call) -> Entry:
    with call.ledger.read() as tx:
        found = quarantine.get(tx, call.number(call.path["id"]))
    if found is None:
        raise Lost
    return found


def _unsettled(call: Call) -> Entry:
    found = _entry(call)
    if found.state not in quarantine.UNSETTLED:
        raise Mistake("mistake.closed")
    return found


def _cause(call: Call) -> tuple[Cause, int]:
    cause = Cause(*(call.form.get(name, "") for name in _CAUSE))
    return cause, call.number(call.form.get("newest", ""))
