"""Every address of the page: how it is called, what answers, and which role that asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from obmen.project.service import Role
from runner.web.call import Answer, Call
from runner.web.pages import (
    connections,
    deeds,
    explain,
    flow,
    login,
    money,
    overview,
    pauses,
    plan,
    quarantine,
    reports,
    run,
    search,
    undo,
)

Needs = Role | Literal["anybody"]

ROUTES: Sequence[tuple[str, str, Callable[[Call], Answer], Needs]] = (
    ("/", "GET", overview.overview, "look"),
    ("/language", "POST", overview.language, "anybody"),
    ("/login", "GET", login.form, "anybody"),
    ("/login", "POST", login.enter, "anybody"),
    ("/logout", "POST", login.leave, "anybody"),
    ("/flows/{flow}", "GET", flow.flow, "look"),
    ("/flows/{flow}/changes", "GET", flow.decided, "look"),
    ("/flows/{flow}/run", "POST", flow.run, "operate"),
    ("/flows/{flow}/release", "POST", flow.release, "operate"),
    ("/flows/{flow}/plan", "GET", plan.plan, "look"),
    ("/flows/{flow}/plan", "POST", plan.make, "operate"),
    ("/runs/{run}", "GET", run.run, "look"),
    ("/runs/{run}/undo", "GET", undo.ask, "operate"),
    ("/runs/{run}/undo", "POST", undo.begin, "operate"),
    ("/quarantine", "GET", quarantine.listing, "look"),
    ("/quarantine/replay", "POST", quarantine.replay_group, "operate"),
    ("/quarantine/drop", "POST", quarantine.drop_group, "operate"),
    ("/quarantine/{id}", "GET", quarantine.entry, "look"),
    ("/quarantine/{id}/replay", "POST", quarantine.replay, "operate"),
    ("/quarantine/{id}/drop", "POST", quarantine.drop, "operate"),
    ("/search", "GET", search.search, "look"),
    ("/search", "POST", search.ask, "look"),
    ("/explain", "GET", explain.why, "look"),
    ("/explain", "POST", explain.ask, "operate"),
    ("/connections", "GET", connections.connections, "look"),
    ("/connections/{connection}/check", "POST", connections.check, "operate"),
    ("/connections/{connection}/pause", "POST", pauses.pause, "operate"),
    ("/connections/{connection}/resume", "POST", pauses.resume, "operate"),
    ("/reports", "GET", reports.reports, "look"),
    ("/reports/money", "GET", money.money, "look"),
    ("/reports/{report}", "GET", reports.report, "look"),
    ("/deeds", "GET", deeds.deeds, "look"),
)
