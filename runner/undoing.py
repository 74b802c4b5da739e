"""Undoing a run, as the command line and the page begin it: what is noted with it."""

from __future__ import annotations

from obmen.state import Ledger, deeds, runs
from obmen.sync.passes import Pass
from obmen.sync.undo import Undo


def begin(ledger: Ledger, work: Pass, undo: Undo, who: str, reason: str) -> None:
    """Begin the run that undoes another, and note who did and why."""
    about = f"{work.flow.name}: {undo.run}"
    with ledger.write() as tx:
        message = f"undoes run {undo.run}" + (f": {reason}" if reason else "")
        work.run = undo.by = runs.begin(tx, work.flow.name, work.kind, message)
        deeds.note(tx, who, "undo", about, reason)
