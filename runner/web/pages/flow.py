"""One flow: its runs, what is decided of its records, what guards hold, and the buttons that run and plan it."""

from __future__ import annotations

from obmen.project import FlowSettings
from obmen.state import compared, outbox, wishes
from runner.web import changes
from runner.web.call import Answer, Away, Call, Mistake, Shown, link
from runner.web.pages.overview import told
from runner.web.standings import standing

_RUNS = 20
_STATES = ("pending", "sent", "accepted", "waiting", "held", "fresh")


def flow(call: Call) -> Answer:
    """Show one flow."""
    settings = call.flow()
    before = call.query.get("before", "")
    with call.ledger.read() as tx:
        one = standing(tx, call.project, settings, call.pulse)
        shown = changes.runs_before(tx, settings.name, call.number(before) if before else None, _RUNS + 1)
        held = changes.held(tx, settings.name) if one.held else []
        targets = changes.by_target(tx, settings.name)
        found = {name: compared.of(tx, settings.name, name) for name in settings.targets}
    values = {
        "flow": settings,
        "one": one,
        "health": told(call, one),
        "runs": shown[:_RUNS],
        "older": shown[_RUNS - 1].id if len(shown) > _RUNS else None,
        "held": held,
        "held_more": one.held - sum(group.count for group in held),
        "targets": targets,
        "compared": {name: one for name, one in found.items() if one.at is not None},
        "states": _STATES,
        "places": _places(settings),
        "plan": call.jobs.last("plan", settings.name),
    }
    return Shown("flow.html", values)


def _places(settings: FlowSettings) -> list[tuple[str, str]]:
    """Return what of a flow can be paused: connection and direction."""
    return [(settings.source, "read"), *((target, "write") for target in settings.targets)]


def decided(call: Call) -> Answer:
    """Show what is decided of a flow's records, field by field."""
    settings = call.flow()
    state, reason = call.query.get("state", ""), call.query.get("reason", "")
    with call.ledger.read() as tx:
        found = changes.decided(
            tx, settings.name, state=state, reason=reason, after=_after(call), limit=changes.PAGE + 1
        )
    more = ""
    if len(found) > changes.PAGE:
        last = found[changes.PAGE - 1].row
        place = {"connection": last.connection, "entity": last.entity, "key": last.key, "sequence": last.sequence}
        more = link(f"/flows/{settings.name}/changes", state=state, reason=reason, **place)
    values = {"flow": settings, "changes": found[: changes.PAGE], "more": more, "state": state, "reason": reason}
    return Shown("changes.html", {**values, "states": _STATES})


def run(call: Call) -> Answer:
    """Have a flow run now."""
    settings = call.flow()
    reason = call.reason(asked=False)
    with call.ledger.write() as tx:
        wishes.ask(tx, settings.name, call.who)
        call.note(tx, "run", settings.name, reason)
    return Away(link(f"/flows/{settings.name}", said="run"))


def release(call: Call) -> Answer:
    """Let go what guards hold: one group of it, or all of it together with what the next read would hold."""
    settings, why = call.flow(), call.reason()
    group = call.form.get("group", "")
    with call.ledger.write() as tx:
        if group:
            chosen = next((one for one in changes.held(tx, settings.name) if one.id == group), None)
            if chosen is None:
                raise Mistake("mistake.held")
            count = changes.release(tx, settings.name, chosen)
            wishes.ask(tx, settings.name, call.who)
            call.note(tx, "release", f"{settings.name} → {chosen.connection}: {count} ({chosen.reason})", why)
        else:
            count = outbox.counts(tx, settings.name).get("held", 0)
            if not count:
                raise Mistake("mistake.held")
            wishes.ask(tx, settings.name, call.who, why)
            call.note(tx, "release", f"{settings.name}: {count}", why)
    return Away(link(f"/flows/{settings.name}", said="released"))


def _after(call: Call) -> tuple[str, str, str, int] | None:
    query = call.query
    if "key" not in query:
        return None
    sequence = call.number(query.get("sequence", "0"))
    return query.get("connection", ""), query.get("entity", ""), query["key"], sequence
