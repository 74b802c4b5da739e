"""Undoing a run from the page: first what would go back is counted, then a person says why it shall."""

from __future__ import annotations

from obmen.project import Project
from obmen.state import Ledger, written
from obmen.state.runs import Run
from obmen.sync import undo as undoing
from obmen.sync.assemble import Assembly
from obmen.sync.engine import Engine
from obmen.sync.passes import Pass
from obmen.sync.undo import Line, Undo, Undone
from runner import undoing as noting
from runner.web import changes
from runner.web.call import Answer, Away, Call, Lost, Mistake, Shown, link
from runner.web.jobs import Watch

SECONDS = 600.0
MOST = 20_000
"""Records of a run that a page may judge; of more only the command line."""
_PATIENCE = 300.0


def ask(call: Call) -> Answer:
    """Show how many records would go back, and how many are left alone and why."""
    found = _run(call)
    with call.ledger.read() as tx:
        if written.count(tx, found.id) > MOST:
            raise Mistake("mistake.large")
    with Assembly(call.project, ledger=call.ledger) as assembly:
        (flow,) = Engine(call.ledger, assembly.flows).choose([found.flow])
        counts = Undo(call.ledger, flow, found.id).look().counts
    values = {"run": found, "flow": call.project.flows[found.flow], "counts": counts, "verdicts": undoing.VERDICTS}
    return Shown("undo.html", values)


def begin(call: Call) -> Answer:
    """Queue what goes back; the service sends it."""
    found, why = _run(call), call.reason()
    project, ledger, who = call.project, call.ledger, call.who

    def work(watch: Watch) -> Undone:
        return _undone(project, ledger, found, who, why, watch)

    begun = call.jobs.begin("undo", str(found.id), who, SECONDS, work)
    return Away(link(f"/runs/{found.id}", said="undoing" if begun else "busy"))


def may(call: Call, found: Run) -> bool:
    """Whether a run is one that can be undone."""
    settings = call.project.flows.get(found.flow)
    return settings is not None and settings.entity in undoing.ENTITIES_BACK and found.ended_at is not None


def _run(call: Call) -> Run:
    with call.ledger.read() as tx:
        found = changes.run(tx, call.number(call.path["run"]))
    if found is None or not may(call, found):
        raise Lost
    return found


def _undone(project: Project, ledger: Ledger, found: Run, who: str, why: str, watch: Watch) -> Undone:
    def alive(_line: Line) -> None:
        watch.alive()

    with Assembly(project, ledger=ledger) as assembly:
        engine = Engine(ledger, assembly.flows)
        (flow,) = engine.choose([found.flow])
        work = Pass(flow, undoing.KIND)
        undo = Undo(ledger, flow, found.id, on_line=alive, patience=_PATIENCE)
        noting.begin(ledger, work, undo, who, why)
        try:
            return undo.put()
        finally:
            engine.close(work)
