"""Receipts: what an outcome means for the ledger. Bindings, snapshots and the row change together or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import msgspec

from obmen.http.redact import Redactor
from obmen.records import Outcome, RecordError
from obmen.rules.guards import is_live
from obmen.state import Transaction, agreed, bindings, outbox, quarantine
from obmen.state.agreed import Agreed
from obmen.state.outbox import Row
from obmen.state.quarantine import Problem
from obmen.sync import waiting
from obmen.sync.backoff import delay
from obmen.sync.flow import Flow, Target

_redact = Redactor()


class Receipt:
    """Gathers the outcomes of one call and writes them in the caller's transaction; ``close`` ends it."""

    def __init__(
        self, flow: Flow, target: Target, run: int, counts: Counter[str], on_sent: Callable[[int], None]
    ) -> None:
        self.flow, self.target, self.run, self.counts, self.on_sent = flow, target, run, counts, on_sent
        self._entity = flow.entity.entity
        self._finished: list[Row] = []
        self._bound: dict[str, str] = {}
        self._snapshots: list[Agreed] = []

    def outcome(self, tx: Transaction, row: Row, outcome: Outcome) -> None:
        """Take in what the peer said of one record."""
        if outcome.kind == "done":
            self._done(row, outcome.native_id)
        elif outcome.kind == "refused":
            self.refused(tx, row, outcome.errors)
        elif outcome.kind == "later":
            self.later(tx, row, outcome.reason, outcome.after)
        else:
            after = tx.now + (outcome.after or 0.0)
            outbox.change(tx, row, state="accepted", ticket=outcome.ticket, not_before=after)
            self.counts["accepted"] += 1

    def idle(self, row: Row) -> None:
        """Nothing need be done about the row: it goes, and counts as agreed."""
        self._snapshot(row, row.hash, row.canonical)
        self._finished.append(row)
        self.counts["idle"] += 1

    def waits(self, tx: Transaction, row: Row, token: str) -> None:
        """The row waits; a record with an identity of its own does not wait unseen for ever."""
        if self.flow.entity.identity and row.attempt + 1 >= self.flow.attempts:
            message = (
                f"It needs {token}, which has not come in {self.flow.attempts} runs. Bring that record in (or mend the "
                "mapping), then replay this entry."
            )
            self.refused(tx, row, [RecordError("unresolved", message)], stage="push", waits_for=token)
            return
        outbox.change(tx, row, state="waiting", waits_for=token, reason=f"waits for {token}", attempt=row.attempt + 1)
        self.counts["waiting"] += 1

    def refused(
        self,
        tx: Transaction,
        row: Row,
        errors: Sequence[RecordError],
        *,
        stage: str = "deliver",
        waits_for: str | None = None,
    ) -> None:
        """The record goes to quarantine, with the peer's reasons in its own words."""
        sent = stage == "deliver"
        problem = Problem(
            stage,
            errors[0].code if errors else "refused",
            _redact("; ".join(_sentence(error) for error in errors) or "refused without a reason"),
            key=row.key,
            op=row.op,
            canonical=(row.sent_canonical if sent else None) or row.canonical,
            fingerprint=(row.sent_hash if sent else None) or row.hash,
            waits_for=waits_for,
        )
        quarantine.add(tx, self.flow.name, self.target.name, self._entity, [problem], self.run)
        if sent and _changed_since(row):
            outbox.change(tx, row, state="pending", attempt=0, not_before=0.0)
        else:
            outbox.drop(tx, [row])
        self.counts["refused"] += 1
        self.on_sent(1)

    def later(self, tx: Transaction, row: Row, reason: str, after: float | None) -> None:
        """The record is tried again after a while, but not for ever."""
        if row.attempt >= self.flow.attempts:
            message = f"Tried {row.attempt} times; last answer: {reason}"
            self.refused(tx, row, [RecordError("exhausted", message)])
            return
        wait = self._back_off(row) if after is None else after
        outbox.change(tx, row, state="pending", not_before=tx.now + wait, reason=_redact(reason))
        self.counts["later"] += 1

    def unsent(self, tx: Transaction, row: Row, reason: str) -> None:
        """The call had no effect: the row is as before it."""
        attempt = max(row.attempt - 1, 0)
        outbox.change(tx, row, state="pending", not_before=0.0, reason=_redact(reason), attempt=attempt)
        self.counts["unsent"] += 1

    def again(self, tx: Transaction, row: Row, reason: str) -> None:
        """The record is said once more; its attempts count, so that the writer knows that it is a repeat."""
        outbox.change(tx, row, state="pending", not_before=0.0, reason=_redact(reason))

    def doubtful(self, tx: Transaction, row: Row) -> None:
        """The peer did not mention the record: it stays in doubt and is looked for after a while."""
        outbox.change(tx, row, not_before=tx.now + self._back_off(row))
        self.counts["doubtful"] += 1

    def close(self, tx: Transaction) -> None:
        """Write what all outcomes together amount to."""
        taken = bindings.bind(tx, self.target.name, self._entity, self._bound)
        for key, other in taken.items():
            message = (
                f"{self.target.name} calls this record {self._bound[key]}, which is already bound to '{other}'. One of "
                "the two is bound wrongly: look there, then drop or replay this entry."
            )
            problem = Problem("deliver", "bound_twice", message, key=key)
            quarantine.add(tx, self.flow.name, self.target.name, self._entity, [problem], self.run)
        agreed.save(tx, self.target.name, self._entity, self._snapshots, self.run)
        for row in self._finished:
            if _changed_since(row):
                outbox.change(tx, row, state="pending", op=row.op, attempt=0, not_before=0.0)
        outbox.drop(tx, [row for row in self._finished if not _changed_since(row)])
        waiting.bound(tx, self.target.name, self._entity, self._bound)
        if self._finished and quarantine.any_open(tx, self.flow.name):
            keys = [row.key for row in self._finished]
            quarantine.close(tx, self.flow.name, stage="deliver", connection=self.target.name, keys=keys)

    def _done(self, row: Row, native_id: str | None) -> None:
        if native_id is not None and self.flow.entity.identity:
            self._bound[row.key] = native_id
        sent = row.sent_canonical or row.canonical
        restored = (row.sent_op or row.op) == "restore"
        self._snapshot(row, b"" if restored else row.sent_hash or row.hash, sent)
        self._finished.append(msgspec.structs.replace(row, op="put", sent_hash=b"") if restored else row)
        self.counts["done"] += 1
        self.on_sent(1)

    def _back_off(self, row: Row) -> float:
        return delay(row.attempt, f"{self.flow.name}/{self.target.name}")

    def _snapshot(self, row: Row, digest: bytes, canonical: bytes) -> None:
        self._snapshots.append(Agreed(row.key, digest, canonical, row.sequence, is_live(canonical)))


def _changed_since(row: Row) -> bool:
    """Whether a newer decision stands behind what was sent."""
    return row.sent_hash is not None and (row.sent_hash != row.hash or row.sent_op != row.op)


def _sentence(error: RecordError) -> str:
    where = f"{error.field}: " if error.field else ""
    return f"{where}{error.message} ({error.code})" if error.code else f"{where}{error.message}"
