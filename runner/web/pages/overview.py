"""The first page: how every flow is, and what it asks of a person."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from runner.observe.explanations import Explanations
from runner.web.call import Answer, Away, Call, Shown
from runner.web.health import Health, Standing, health
from runner.web.standings import standings
from runner.web.view import doing, paused
from runner.web.words import LANGUAGES


def overview(call: Call) -> Answer:
    """Show all flows."""
    with call.ledger.read() as tx:
        found = standings(tx, call.project, call.pulse)
    judged = [(one, told(call, one)) for one in found]
    sums = {name: sum(getattr(one, name) for one in found) for name in ("to_send", "held", "waiting", "set_aside")}
    levels = Counter(one.level for _, one in judged)
    values = {"flows": judged, "sums": sums, "levels": levels, "pulse": call.pulse, "doing": doing}
    return Shown("overview.html", {**values, "paused": paused(call.pulse) if call.pulse is not None else {}})


def told(call: Call, one: Standing) -> Health:
    """Return how a flow is, with what its run said masked, and explained where it can be."""
    found = health(one)
    return replace(found, detail=call.said(found.detail), meaning=_meaning(call, one, found.detail))


def _meaning(call: Call, one: Standing, words: str) -> str:
    """Return what the words of a connection mean; they begin with its name."""
    where = next((name for name in (one.flow.source, *one.flow.targets) if words.startswith(f"{name}:")), None)
    meant = Explanations(call.project).of(where, "", words) if where is not None else None
    language = call.words.language
    return f"{meant.sentence(language)} {meant.action(language)}" if meant is not None else ""


def language(call: Call) -> Answer:
    """Keep the language that was chosen, and go back."""
    name = call.form.get("language", "")
    return Away(local(call.form.get("back", "")), language=name if name in LANGUAGES else "")


def local(address: str) -> str:
    """Return the address if it is one of this page's own, else that of the first page."""
    plain = address.isprintable() and not any(sign in address for sign in "\\\r\n\t")
    return address if plain and address.startswith("/") and not address.startswith("//") else "/"
