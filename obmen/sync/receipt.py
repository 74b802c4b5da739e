"""Receipts: what an outcome means for the ledger. Bindings, snapshots and the row change together or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from obmen.entities import Order, OrderStatus, Stock
from obmen.http.redact import Redactor
from obmen.records import Outcome, RecordError
from obmen.rules import guards
from obmen.rules.guards import is_live
from obmen.state import Transaction, agreed, bindings, outbox, quarantine, written
from obmen.state.agreed import Agreed
from obmen.state.outbox import IN_FLIGHT, Row
from obmen.state.quarantine import Problem
from obmen.state.text import LONGEST_ID, fault
from obmen.sync import reckon, restock, sales, waiting
from obmen.sync.backoff import delay
from obmen.sync.decide import as_landed
from obmen.sync.flow import Flow, Target

_redact = Redactor()
_ANEW: Mapping[str, Any] = {"state": "pending", "attempt": 0, "not_before": 0.0}


class Receipt:
    """Gathers the outcomes of one call; ``close`` writes them, all of a kind at once, in the caller's transaction."""

    def __init__(
        self,
        tx: Transaction,
        flow: Flow,
        target: Target,
        run: int,
        counts: Counter[str],
        on_sent: Callable[[int], None],
    ) -> None:
        self.tx, self.flow, self.target, self.run, self.counts, self.on_sent = tx, flow, target, run, counts, on_sent
        self._entity = flow.entity.entity
        self._finished: list[Row] = []
        self._written: list[Row] = []
        self._restored: list[str] = []
        self._refused: list[tuple[Row, Problem]] = []
        self._changes: list[tuple[Row, dict[str, Any]]] = []
        self._lost: list[Row] = []
        self._bound: dict[str, str] = {}
        self._problems: list[Problem] = []
        self._settled = 0

    def outcome(self, row: Row, outcome: Outcome) -> None:
        """Take in what the peer said of one record."""
        if outcome.kind == "done":
            self._done(row, outcome.native_id)
        elif outcome.kind == "refused":
            self.refused(row, outcome.errors)
        elif outcome.kind == "later":
            self.later(row, outcome.reason, outcome.after)
        elif wrong := fault(outcome.ticket):
            message = (
                f"{self.target.name} took it under a ticket that cannot be kept, so it cannot be asked for: {wrong}."
            )
            self.refused(row, [RecordError("in_doubt", message)])
        else:
            after = self.tx.now + (outcome.after or 0.0)
            self._change(row, state="accepted", ticket=outcome.ticket, not_before=after)
            self.counts["accepted"] += 1

    def there(self, row: Row, outcome: Outcome, *, updates: bool) -> None:
        """It is there, which the ledger did not know: bound now, its newest content follows if it can be changed."""
        native_id = outcome.native_id
        if native_id is None or not updates or not self.flow.entity.identity or fault(native_id, LONGEST_ID):
            self.outcome(row, outcome)
        elif bindings.bind(self.tx, self.target.name, self._entity, {row.key: native_id}):
            self.outcome(row, outcome)  # it is bound to another, which is told there
        else:
            waiting.bound(self.tx, self.target.name, self._entity, {row.key: native_id})

    def idle(self, row: Row) -> None:
        """Nothing need be done about the row: it goes, and counts as agreed."""
        self._finished.append(row)
        self.counts["idle"] += 1

    def waits(self, row: Row, token: str) -> None:
        """The row waits; a record with an identity of its own does not wait unseen for ever."""
        if self.flow.entity.identity and row.attempt + 1 >= self.flow.attempts:
            message = (
                f"It needs {token}, which has not come in {self.flow.attempts} runs. Bring that record in (or mend the "
                "mapping), then replay this entry."
            )
            self.refused(row, [RecordError("unresolved", message)], stage="push", waits_for=token)
            return
        waiting = {"state": "waiting", "waits_for": token, "reason": f"waits for {token}", "attempt": row.attempt + 1}
        self._change(row, **waiting, not_before=self.tx.now)  # since when, so that the next run looks once more
        self.counts["waiting"] += 1

    def refused(
        self, row: Row, errors: Sequence[RecordError], *, stage: str = "deliver", waits_for: str | None = None
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
        self._refused.append((row, problem))
        self._settled += 1
        self.counts["refused"] += 1

    def later(self, row: Row, reason: str, after: float | None) -> None:
        """The record is tried again after a while, but not for ever."""
        if row.attempt >= self.flow.attempts:
            message = f"Tried {row.attempt} times; last answer: {reason}"
            self.refused(row, [RecordError("exhausted", message)])
            return
        wait = self._back_off(row) if after is None else after
        self._change(row, state="pending", not_before=self.tx.now + wait, reason=_redact(reason))
        self.counts["later"] += 1

    def lost(self, row: Row, reason: str) -> None:
        """The answer was lost: it may have arrived, and is said again after a while, since that does no harm."""
        self._lost.append(row)
        self.later(row, reason, None)

    def unsent(self, row: Row, reason: str) -> None:
        """The call had no effect: the row is as before it."""
        attempt = max(row.attempt - 1, 0)
        self._change(row, state="pending", not_before=0.0, reason=_redact(reason), attempt=attempt)
        self.counts["unsent"] += 1

    def again(self, row: Row, reason: str) -> None:
        """The record, which may have arrived, is said once more.

        Its attempts count, so that the writer knows that it is a repeat.
        """
        self._lost.append(row)
        self._change(row, state="pending", not_before=0.0, reason=_redact(reason))

    def doubted(self, row: Row, message: str) -> None:
        """Nobody but a person can find out whether the record arrived."""
        self._lost.append(row)
        self.refused(row, [RecordError("in_doubt", message)])

    def doubtful(self, row: Row) -> None:
        """The peer did not mention the record: it stays in doubt and is looked for after a while."""
        self._change(row, not_before=self.tx.now + self._back_off(row))
        self.counts["doubtful"] += 1

    def working(self, row: Row) -> None:
        """The peer works on the record still: ask at once, then less and less often, a minute apart at most."""
        age = self.tx.now - row.enqueued_at
        self._change(row, not_before=self.tx.now + min(max(age / 10, 0.5), 60.0))

    def close(self) -> None:
        """Write what all outcomes together amount to.

        While a call is under way, other records may decide something new about its rows: that is what follows then.
        """
        tx, flow, target = self.tx, self.flow.name, self.target.name
        now = self._current()
        taken = bindings.bind(tx, target, self._entity, self._bound)
        self._note_written()
        self._doubt()
        snapshots = [self._snapshot(row) for row in self._finished]
        agreed.save(tx, target, self._entity, snapshots, self.run)
        changes = [(now[row.id], self._next(now[row.id], values)) for row, values in self._changes if row.id in now]
        landed = []
        for row, snapshot in zip(self._finished, snapshots, strict=True):
            follower = now.get(row.id)
            if follower is None:
                continue
            if follower.behind:
                changes.append((follower, self._following(follower, snapshot)))
            elif row.key in self._restored:
                changes.append((follower, {**_ANEW, "op": "put"}))
            elif not snapshot.hash:
                changes.append((follower, {**_ANEW, "op": "archive"}))
            else:
                landed.append(follower)
        for row, problem in self._refused:
            follower = now.get(row.id)
            self._problems.append(problem)
            if follower is not None and follower.behind:
                changes.append((follower, self._next(follower, _ANEW)))
            elif follower is not None:
                landed.append(follower)
        outbox.change_all(tx, changes)
        outbox.drop(tx, landed)
        waiting.bound(tx, target, self._entity, self._bound)
        self._reckon()
        if target in self.flow.stock_flows:
            self._restock(self.flow.stock_flows[target])
        if self._finished and quarantine.any_open(tx, flow):
            keys = [row.key for row in self._finished]
            quarantine.close(tx, flow, stage="deliver", connection=target, keys=keys)
        self._problems += [self._bound_twice(key, other) for key, other in taken.items()]
        quarantine.add(tx, flow, target, self._entity, self._problems, self.run)
        self.on_sent(self._settled)

    def _current(self) -> dict[tuple[str, int], Row]:
        """Return all rows as they now stand; forget those that were not sent and about which was decided anew."""
        rows = [*self._finished, *(row for row, _ in self._changes), *(row for row, _ in self._refused)]
        now = outbox.current(self.tx, rows)
        moved = {
            row.id for row in rows if row.state not in IN_FLIGHT and row.id in now and now[row.id].hash != row.hash
        }
        self._finished = [row for row in self._finished if row.id not in moved]
        self._changes = [one for one in self._changes if one[0].id not in moved]
        self._refused = [one for one in self._refused if one[0].id not in moved]
        return now

    @staticmethod
    def _next(row: Row, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what becomes of a row that has not landed: what stands behind it goes next, or is held."""
        if values.get("state") == "pending" and row.behind and row.reason:
            return {**values, "state": "held", "reason": row.reason}
        return values

    def _following(self, row: Row, landed: Agreed) -> Mapping[str, Any]:
        """Return what becomes of a row that has landed while something newer was decided: that is judged once more."""
        kind = self.flow.entity
        reason = row.reason
        if not (reason or row.cause.startswith(("order:", "forced:"))) and row.sent_hash:
            reason = guards.jump(kind.decoded(landed.canonical), kind.decoded(row.canonical), self.flow.guards)
        return {**_ANEW, "op": row.op, "reason": reason, "state": "held" if reason else "pending"}

    def _doubt(self) -> None:
        """Take back what was confirmed of records that may have arrived: steps of a history stand as they are."""
        if self.flow.entity.history or not self._lost:
            return
        tx, name, entity = self.tx, self.target.name, self._entity
        known = agreed.of(tx, name, entity, [row.key for row in self._lost])
        said = {row.key: row.sent_canonical or row.canonical for row in self._lost}
        if self.flow.entity is Stock:
            first = [reckon.unstocked(row.key) for row in self._lost if row.key not in known]
            agreed.save(tx, name, entity, first, self.run)
            said = {key: reckon.most(canonical, known.get(key)) for key, canonical in said.items()}
        agreed.lost(tx, name, entity, said)

    def _note_written(self) -> None:
        """Keep what stood there before, what stands there now, and why; steps of a history are kept as facts."""
        if self.flow.entity.history or not self._written:
            return
        before = agreed.of(self.tx, self.target.name, self._entity, [row.key for row in self._written])
        written.add(
            self.tx,
            [
                {
                    "run": self.run,
                    "flow": self.flow.name,
                    "connection": self.target.name,
                    "entity": self._entity,
                    "key": row.key,
                    "op": row.sent_op or row.op,
                    "before": before[row.key].canonical if row.key in before else None,
                    "after": row.sent_canonical or row.canonical,
                    "cause": row.cause,
                }
                for row in self._written
            ],
        )

    def _reckon(self) -> None:
        """Say what the source of stock knows now of orders, and raise whom the lowering of others makes room for."""
        keys = [row.key for row in self._finished]
        if not keys:
            return
        if self._entity == Order.entity and self.flow.selling.of(self.target.name):
            sales.arrived(self.tx, self.target.name, keys)
        elif self.flow.allocate is not None and not self.flow.allocate.oversell:
            moved = [row.key for row in self._finished if not row.cause.startswith("undo:")]
            subjects = {self.flow.entity.subject_of(key): "rules" for key in moved}
            reckon.settle(self.tx, self.flow, subjects, self.run)

    def _restock(self, flow: str) -> None:
        """Queue stock that what was confirmed has changed in the target by itself."""
        name, spec = self.target.name, self.target.connector.writers["stock", "put"]
        of_orders = self._entity == OrderStatus.entity
        keys = (
            restock.of_orders(self.tx, name, self._finished)
            if of_orders
            else restock.of_goods(self.tx, name, self._restored)
        )
        restock.tell_again(self.tx, flow, name, keys, self.run, every=spec.every)

    def _bound_twice(self, key: str, other: str) -> Problem:
        message = (
            f"{self.target.name} calls this record {self._bound[key]}, which is already bound to '{other}'. One of "
            "the two is bound wrongly: look there, then drop or replay this entry."
        )
        return Problem("deliver", "bound_twice", message, key=key)

    def _done(self, row: Row, native_id: str | None) -> None:
        if native_id is not None and self.flow.entity.identity:
            if wrong := fault(native_id, LONGEST_ID):
                message = f"{self.target.name} took it, but the id by which it knows it cannot be kept: {wrong}."
                self.refused(row, [RecordError("unkept_id", message)])
                return
            self._bound[row.key] = native_id
        self._written.append(row)
        self._finished.append(row)
        self._restored += [row.key] if (row.sent_op or row.op) == "restore" else []
        self._settled += 1
        self.counts["done"] += 1

    def _back_off(self, row: Row) -> float:
        return delay(row.attempt, f"{self.flow.name}/{self.target.name}")

    def _change(self, row: Row, **values: Any) -> None:
        self._changes.append((row, values))

    def _snapshot(self, row: Row) -> Agreed:
        """Return what is agreed on now; of what left the archive, or has yet to go there, only that it is there."""
        content = as_landed(row)
        as_said = content is (row.sent_canonical or row.canonical) and row.key not in self._restored
        digest = row.sent_hash or row.hash if as_said else b""
        return Agreed(row.key, digest, content, row.sequence, is_live(content))


def _sentence(error: RecordError) -> str:
    where = f"{error.field}: " if error.field else ""
    return f"{where}{error.message} ({error.code})" if error.code else f"{where}{error.message}"
