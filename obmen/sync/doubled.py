"""Records of a whole source that share a native id: which of them is right nobody knows, so none is believed.

Prevents that a price or a stock is written because it happened to stand last in a file. A double may come in the
same read as the other or long after it, so all that a read decides stays fresh until its end, and there whatever
two records claim to be is taken back.
"""

from __future__ import annotations

from obmen.http.redact import Redactor
from obmen.state import bindings, outbox, quarantine, seen
from obmen.state.ledger import Transaction
from obmen.state.outbox import IN_FLIGHT, Row
from obmen.state.quarantine import Problem
from obmen.state.seen import Known
from obmen.sync.differences import Differences
from obmen.sync.flow import Flow

CODE = "duplicate_id"
_MOST = 500
_redact = Redactor()


def problem(flow: Flow, native_id: str) -> Problem:
    """Set aside what shares its id. Nothing of it is kept: on a replay the source is asked which is left."""
    message = (
        f"Two records of {flow.source.name} have the id {native_id} in one read. Nothing is taken from either. Remove "
        "one of them there."
    )
    return Problem("pull", CODE, _redact(message), source=native_id)


def take_back(tx: Transaction, flow: Flow, run: int, differences: Differences) -> None:
    """Find the doubles of a read that came to its end, and undo what it decided about them."""
    found = sorted(differences.doubled(seen.pages(tx, flow.name)))
    problems = [problem(flow, native_id) for native_id in found]
    quarantine.add(tx, flow.name, flow.source.name, flow.entity.entity, problems, run)
    after = 0
    while page := quarantine.entries(tx, flow=flow.name, code=CODE, after=after, limit=_MOST, payloads=False):
        _undo(tx, flow, [entry.source for entry in page], differences)
        after = page[-1].id


def _undo(tx: Transaction, flow: Flow, ids: list[str], differences: Differences) -> None:
    current = [known for group in seen.by_source(tx, flow.name, ids).values() for known in group]
    before = differences.replaced_by(ids)
    keys = {known.key for known in (*current, *before)}
    for target in flow.targets:
        rows = outbox.of(tx, target.name, flow.entity.entity, keys)
        outbox.drop(tx, [row for row in rows if row.state == "fresh"])
        for row in rows:
            _forget_what_follows(tx, row)
    if before:
        _restore(tx, flow, current, before)


def _forget_what_follows(tx: Transaction, row: Row) -> None:
    """Let a row that is in flight be the last word again."""
    if row.state in IN_FLIGHT and row.sent_hash is not None and row.sent_hash != row.hash:
        outbox.change(tx, row, hash=row.sent_hash, canonical=row.sent_canonical, op=row.sent_op)


def _restore(tx: Transaction, flow: Flow, current: list[Known], before: list[Known]) -> None:
    """Let the records be known as they were before this read; a key that another took meanwhile stays with it."""
    ids = {known.source for known in before}
    seen.drop_records(tx, flow.name, [known.key for known in current if known.source in ids])
    owners = seen.by_key(tx, flow.name, [known.key for known in before])
    kept = [known for known in before if known.key not in owners]
    seen.save_records(tx, flow.name, kept)
    if flow.entity.identity:
        source, entity = flow.source.name, flow.entity.entity
        bindings.unbind(tx, source, entity, list(bindings.keys(tx, source, entity, ids).values()))
        bindings.bind(tx, source, entity, {known.key: known.source for known in kept})
