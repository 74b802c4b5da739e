"""One run: how it went, and what it did to which record, as far as the state still knows."""

from __future__ import annotations

from runner.web import changes
from runner.web.call import Answer, Call, Lost, Shown
from runner.web.pages import undo


def run(call: Call) -> Answer:
    """Show one run with its changes."""
    number = call.number(call.path["run"])
    with call.ledger.read() as tx:
        found = changes.run(tx, number)
        if found is None:
            raise Lost
        settings = call.project.flows.get(found.flow)
        decided = changes.decided(tx, found.flow, run=number, limit=changes.PAGE + 1)
        aside = changes.set_aside(tx, found.flow, number, changes.PAGE + 1)
        wrote = changes.wrote(tx, number, changes.PAGE + 1)
        confirmed = []
        if settings is not None and not wrote:
            confirmed = changes.confirmed(tx, settings, number, personal=call.operates, limit=changes.PAGE + 1)
    values = {
        "run": found,
        "flow": settings,
        "said_by_run": call.said(found.message),
        "decided": decided,
        "wrote": wrote,
        "confirmed": confirmed,
        "undo": undo.may(call, found),
        "undone": call.jobs.last("undo", str(number)),
        "aside": [(*row[:4], call.said(row.message), row.state) for row in aside],
        "page": changes.PAGE,
    }
    return Shown("run.html", values)
