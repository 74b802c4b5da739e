"""Logging in and out."""

from __future__ import annotations

import structlog

from obmen.state import deeds
from runner.web import passwords
from runner.web.call import Answer, Away, Call, Shown
from runner.web.pages.overview import local

_LOG = structlog.get_logger("obmen.page")
_LONGEST = 200


def form(call: Call) -> Answer:
    """Show the form."""
    if call.person is not None and call.person.by == "password":
        return Away("/")
    if not call.project.service.page.users:
        return Shown("message.html", {"message": "refused.nobody"}, 404)
    return Shown("login.html", {"wrong": "", "user": "", "to": local(call.query.get("to", ""))})


def enter(call: Call) -> Answer:
    """Let somebody in whose name and password fit."""
    page, name = call.project.service.page, call.form.get("user", "")[:_LONGEST]
    to = local(call.form.get("to", ""))
    wait = call.attempts.wait(call.address, name)
    if wait:
        _LOG.warning("page.login_limited", peer=call.address)
        again = {"wrong": call.words("login.wait", span=call.words.span(wait)), "user": name, "to": to}
        return Shown("login.html", again, 429, wait)
    user = page.users.get(name)
    if not passwords.fits(user.password if user is not None else None, call.form.get("password", "")) or user is None:
        _LOG.warning("page.login_refused", peer=call.address)
        return Shown("login.html", {"wrong": call.words("login.wrong"), "user": name, "to": to}, 401)
    call.attempts.succeeded(call.address, name)
    with call.ledger.write() as tx:
        deeds.note(tx, name, "login", call.address)
    fit = call.sessions.fit(name, user.password, user.role)
    return Away(to, session=call.sessions.new(call.now, name, fit))


def leave(call: Call) -> Answer:
    """End the session."""
    call.sessions.end(call.session)
    return Away("/login" if call.project.service.page.users else "/", session=call.sessions.new(call.now))
