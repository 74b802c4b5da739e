"""``/healthz``, ``/readyz`` and ``/metrics``: what a monitor asks, answered with the truth.

``/healthz``: the process lives, its clockwork turns, and its state can be read and written; restart it if not.
``/readyz``: besides that, no flow is older than it may be, neither what it read nor what it has still to tell; a person
looks if not. 200 or 503, and JSON that says why, to a program of this machine; to others only whether it is well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from obmen.errors import StateError
from obmen.http.redact import Redactor
from obmen.project import Project
from obmen.state import Ledger
from runner.daemon import pulse as pulses
from runner.observe import snapshot
from runner.observe.meter import Meter
from runner.observe.metrics import CONTENT_TYPE, Metrics
from runner.observe.snapshot import FlowNow, Snapshot
from runner.observe.troubles import Unsent, overdue, why_late
from runner.web import access

_OK, _SICK = 200, 503


class Seen(Protocol):
    """What is looked at. ``project`` may be another one at the next call, after a reload."""

    @property
    def project(self) -> Project:
        """The project as it is now."""
        ...

    @property
    def ledger(self) -> Ledger:
        """Its state."""
        ...


def routes(view: Seen, meter: Meter | None = None) -> list[Route]:
    """Return the routes. The calls are answered on threads, since they ask the database."""
    metrics = Metrics(view.ledger, lambda: snapshot.take(view.ledger, view.project), meter)

    def healthz(request: Request) -> Response:
        return _answer(request, health(view.ledger))

    def readyz(request: Request) -> Response:
        return _answer(request, readiness(view))

    def numbers(_request: Request) -> Response:
        try:
            return Response(metrics.text(), media_type=CONTENT_TYPE)
        except StateError:
            return Response("The state cannot be read.", _SICK, media_type="text/plain")

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", numbers)]


def health(ledger: Ledger) -> dict[str, Any]:
    """Say whether the service lives: it renews its pulse in the state, so both are told by one look."""
    try:
        pulse = pulses.found(ledger)
    except StateError as error:
        return {"ok": False, "problems": [{"what": "state", "why": str(error)}]}
    now = ledger.clock.now().timestamp()
    if pulse is None:
        return {"ok": False, "problems": [{"what": "pulse", "why": "The service has not begun to work."}]}
    age = now - pulse.at
    if abs(age) >= pulses.FRESH:
        why = f"The service's clockwork stands still: it last gave a sign {age:.0f} s ago."
        return {"ok": False, "problems": [{"what": "pulse", "why": why}]}
    return {"ok": True, "problems": [], "since": pulse.since, "pulse_seconds": round(age, 1)}


def readiness(view: Seen) -> dict[str, Any]:
    """Say whether everything is as fresh as it should be, and of what is not, why."""
    found = health(view.ledger)
    if not found["ok"]:
        return found
    project = view.project
    try:
        now = snapshot.take(view.ledger, project)
    except StateError as error:
        return {"ok": False, "problems": [{"what": "state", "why": str(error)}]}
    redact = Redactor(project.secrets)
    problems = [_late(one, now, redact) for one in now.flows if one.late]
    rules = project.alerts.rules
    problems += [_unsent(one, late, redact) for one in now.flows for late in overdue(one, now, rules)]
    if now.pulse is not None and now.pulse.clock:
        problems.insert(0, {"what": "clock", "why": now.pulse.clock})
    refused = redact(now.pulse.refused) if now.pulse is not None else ""
    return {**found, "ok": not problems, "problems": problems, "flows": len(now.flows), "project_refused": refused}


def _late(one: FlowNow, now: Snapshot, redact: Redactor) -> dict[str, Any]:
    age = one.age
    return {
        "what": "flow",
        "flow": one.flow.name,
        "age_seconds": round(age.seconds) if age is not None else None,
        "limit_seconds": round(age.limit) if age is not None and age.limit is not None else None,
        "why": redact(why_late(one, now)) or "It was not read to its end in time.",
    }


def _unsent(one: FlowNow, unsent: Unsent, redact: Redactor) -> dict[str, Any]:
    told = f"{unsent.target} has not been told of {unsent.count} for too long."
    return {
        "what": "delivery",
        "flow": one.flow.name,
        "target": unsent.target,
        "age_seconds": round(unsent.age),
        "limit_seconds": round(unsent.limit),
        "records": unsent.count,
        "why": f"{told} {redact(unsent.words)}".rstrip(),
    }


def _answer(request: Request, found: Mapping[str, Any]) -> Response:
    """Answer with the reasons on this machine alone: they hold what a project is called and what systems say."""
    near = access.is_here(request.client.host if request.client is not None else "", request.headers)
    told = dict(found) if near else {"ok": found["ok"]}
    return JSONResponse(told, _OK if found["ok"] else _SICK, headers={"Cache-Control": "no-store"})
