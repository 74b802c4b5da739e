"""Delivering: from the outbox into a target, so that a crash, a refusal or a lost answer costs no record.

Before the call the rows are marked as sent; after it each row gets its outcome. What is still marked as sent
at the next start is in doubt: an absolute write is said again, anything else is looked for first. So is whatever
would be created once the ledger was put back from a copy, because it may have been created since.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from obmen import spans
from obmen.errors import ConfigurationError, Denied, Later, ObmenError, Paused, Refused, StateError, Unavailable
from obmen.records import Batch, Item, Op, Outcome, RecordError
from obmen.roles import WriterSpec
from obmen.state import Lease, Ledger, outbox, restore, stops
from obmen.state.outbox import Row
from obmen.sync import reckon
from obmen.sync.flow import Flow, Target
from obmen.sync.prepare import Prepared, Preparer
from obmen.sync.receipt import Receipt
from obmen.sync.steps import OnStep, ignore

_ROUND = 1000
_SETTLE = 2.0
_START = ("", -1)
_STOPPING = (Unavailable, Denied, ConfigurationError, Paused)
"""What a writer raises before the call had any effect, and what the next record would meet too."""
_Pair = tuple[Row, Item]
OnSent = Callable[[int], None]
"""Called with the number of records that came to an outcome."""
Only = Callable[[Row], bool]
Enough = Callable[[], bool]
"""Asked between calls whether to leave the rest for later."""


def never() -> bool:
    """Go on to the end."""
    return False


@dataclass(slots=True)
class Delivered:
    """What a delivery did; ``trouble`` is why it stopped early, if it did; ``paused``: a person has paused it.

    ``answered``: the target was asked something and answered.
    """

    counts: Counter[str] = field(default_factory=Counter)
    answered: bool = False
    trouble: ObmenError | None = None
    paused: str = ""


class Deliverer:
    """Delivers one flow's rows to one target, under the flow's lease.

    ``only`` chooses rows, such as a plan's. ``enough``: asked between calls; once it says so the rest stays due.
    """

    def __init__(
        self,
        ledger: Ledger,
        lease: Lease,
        flow: Flow,
        target: Target,
        run: int,
        *,
        only: Only | None = None,
        enough: Enough = never,
        on_step: OnStep = ignore,
        on_sent: OnSent | None = None,
    ) -> None:
        self.ledger, self.lease, self.flow, self.target, self.run = ledger, lease, flow, target, run
        self.only, self.enough = only, enough
        self.on_step = on_step
        self.on_sent: OnSent = on_sent or (lambda _count: None)
        self.result = Delivered()
        self._preparer = Preparer(flow, target)
        self._entity = flow.entity.entity
        with ledger.read() as tx:
            self._older_than_the_world = restore.restored_at(tx) is not None

    def deliver(self) -> Delivered:
        """Deliver until nothing more is due, or the peer cannot be reached."""
        try:
            with self.target.connector.http.guarded(lambda: self.ledger.ensure(self.lease)):
                self._rounds()
        except StateError:
            raise
        except Paused as error:
            self.result.paused = str(error)
        except ObmenError as error:
            self.result.trouble = error
        return self.result

    def _rounds(self) -> None:
        progress = True
        while progress and not self.enough():
            self._recover()
            polled, sent = self._poll(), self._send()
            progress = polled or sent

    # -- sending ------------------------------------------------------------------------------------------

    def _send(self) -> bool:
        """Send what is due, once; return whether anything was."""
        progress = False
        after = _START
        while rows := self._due("pending", after):
            after = (rows[-1].key, rows[-1].sequence)
            self._refuse_pause("write")
            chosen = [row for row in rows if self.only is None or self.only(row)]
            with self.ledger.read() as tx:
                prepared = self._preparer.prepare(tx, chosen)
            self.on_step("deliver.taken")
            self._set_aside(prepared)
            progress = progress or bool(prepared.ready or prepared.refused or prepared.idle)
            for op, pairs in _by_op(prepared.ready).items():
                spec = self.target.connector.writers[self._entity, op]
                for start in range(0, len(pairs), spec.batch):
                    if self.enough():
                        return progress
                    self._call(spec, self._unknown_there(spec, pairs[start : start + spec.batch]))
        return progress

    def _refuse_pause(self, direction: stops.Direction) -> None:
        """Raise Paused if somebody has paused this; what was sent is asked after unless both directions are paused."""
        with self.ledger.read() as tx:
            stops.refuse(tx, self.target.name, self._entity, direction)

    def _due(self, state: str, after: tuple[str, int]) -> list[Row]:
        with self.ledger.read() as tx:
            return outbox.due(tx, self.flow.name, self.target.name, self._entity, (state,), _ROUND, after)

    def _set_aside(self, prepared: Prepared) -> None:
        if not (prepared.waits or prepared.refused or prepared.idle):
            return
        with self._receipt() as receipt:
            for row, token in prepared.waits:
                receipt.waits(row, token)
            for row, error in prepared.refused:
                receipt.refused(row, [RecordError(error.code, str(error), error.field)], stage="push")
            for row in prepared.idle:
                receipt.idle(row)

    def _unknown_there(self, spec: WriterSpec, pairs: Sequence[_Pair]) -> Sequence[_Pair]:
        """Return what may be sent: of an older ledger only what is not there already, unless repeating does no harm.

        What is there is bound; if it can be changed there, its newest content follows.
        """
        connector, identity = self.target.connector, self.flow.entity.identity
        if not self._older_than_the_world or spec.absolute or self._entity not in connector.finders:
            return pairs
        self._refuse_pause("write")
        found = {
            item.id: native_id
            for _, item in pairs
            if (item.native_id is None or not identity) and (native_id := connector.find(self._entity, item))
        }
        with self._receipt() as receipt:
            for row, item in pairs:
                if item.id in found:
                    receipt.there(row, Outcome(item.id, "done", native_id=found[item.id]), updates=spec.updates)
        return [pair for pair in pairs if pair[1].id not in found]

    def _call(self, spec: WriterSpec, pairs: Sequence[_Pair]) -> None:
        if not pairs:
            return
        with self.ledger.write(self.lease) as tx:
            stops.refuse(tx, self.target.name, self._entity, "write")
            marked = {row.id: row for row in outbox.mark_sent(tx, [row for row, _ in pairs], _SETTLE)}
        self.on_step("deliver.marked")
        if marked:
            self._say(spec, [(marked[row.id], item) for row, item in pairs if row.id in marked])

    def _say(self, spec: WriterSpec, pairs: Sequence[_Pair]) -> None:
        before = self.result.counts.copy()
        with spans.begin("batch", {"obmen.operation": spec.op, "obmen.records.total": len(pairs)}) as span:
            try:
                self._say_all(spec, pairs, span)
            finally:
                span.note(spans.counted(self.result.counts - before))

    def _say_all(self, spec: WriterSpec, pairs: Sequence[_Pair], span: spans.Span) -> None:
        outcomes: list[Outcome] = []
        trouble: ObmenError | None = None
        try:
            for outcome in self.target.connector.write(self._entity, Batch([item for _, item in pairs]), spec.op):
                outcomes.append(outcome)  # noqa: PERF402 - what came before an error counts
        except ObmenError as error:
            trouble = error
            span.failed(error)
        self.on_step("deliver.called")
        if outcomes or trouble is None or isinstance(trouble, Refused | Later):
            self.result.answered = True
        answered = {outcome.id for outcome in outcomes}
        rest = [pair for pair in pairs if pair[1].id not in answered]
        if isinstance(trouble, Refused) and len(rest) > 1:
            self._record(spec, [pair for pair in pairs if pair[1].id in answered], outcomes, None)
            self._halve(spec, rest)
            return
        self._record(spec, pairs, outcomes, trouble)
        if isinstance(trouble, _STOPPING):
            raise trouble

    def _halve(self, spec: WriterSpec, pairs: Sequence[_Pair]) -> None:
        """The peer refused a batch as a whole: find the record that it means, so that the others pass."""
        middle = len(pairs) // 2
        self._say_part(spec, pairs[:middle], pairs[middle:])
        self._say_part(spec, pairs[middle:], ())

    def _say_part(self, spec: WriterSpec, pairs: Sequence[_Pair], behind: Sequence[_Pair]) -> None:
        """Say a part of a batch; what stops it leaves what comes behind it surely unsaid."""
        unsaid = [*pairs, *behind]
        try:
            self._refuse_pause("write")
            unsaid = list(behind)
            self._say(spec, pairs)
        except _STOPPING as error:
            if unsaid:
                self._record(spec, unsaid, [], error)
            raise

    def _record(
        self,
        spec: WriterSpec,
        pairs: Sequence[_Pair],
        outcomes: Iterable[Outcome],
        trouble: ObmenError | None,
    ) -> None:
        rows = {item.id: row for row, item in pairs}
        with self._receipt() as receipt:
            for outcome in outcomes:
                row = rows.pop(outcome.id, None)
                if row is not None:
                    receipt.outcome(row, outcome)
            for row in rows.values():
                self._unanswered(spec, receipt, row, trouble)
        self.on_step("deliver.recorded")

    def _unanswered(self, spec: WriterSpec, receipt: Receipt, row: Row, trouble: ObmenError | None) -> None:
        """What the peer did not mention: refused as a whole, surely not done, or in doubt."""
        if isinstance(trouble, Refused):
            receipt.refused(row, [RecordError(trouble.code, str(trouble), trouble.field)])
        elif isinstance(trouble, Later):
            receipt.later(row, str(trouble), trouble.after)
        elif isinstance(trouble, _STOPPING):
            receipt.unsent(row, str(trouble))
        elif spec.absolute:
            receipt.lost(row, str(trouble or "the peer did not mention it"))
        else:
            receipt.doubtful(row)

    # -- tickets ------------------------------------------------------------------------------------------

    def _poll(self) -> bool:
        """Ask what became of accepted records; return whether any came to an outcome."""
        progress = False
        after = _START
        while rows := self._due("accepted", after):
            after = (rows[-1].key, rows[-1].sequence)
            tickets: dict[str, list[Row]] = {}
            for row in rows:
                tickets.setdefault(row.ticket or "", []).append(row)
            for ticket, of_ticket in tickets.items():
                progress = self._poll_one(ticket, of_ticket) or progress
        return progress

    def _poll_one(self, ticket: str, rows: list[Row]) -> bool:
        with self.ledger.read() as tx:
            prepared = self._preparer.prepare(tx, rows, in_flight=True)
        pending = {item.id: row for row, item in prepared.ready}
        batch = Batch([item for _, item in prepared.ready])
        self._refuse_pause("")
        with spans.begin("poll", {"obmen.records.total": len(batch)}) as span:
            outcomes = list(self.target.connector.poll(self._entity, ticket, batch)) if len(batch) else []
            span.note(spans.counted(Counter(outcome.kind for outcome in outcomes)))
        self.on_step("poll.called")
        self.result.answered = self.result.answered or bool(len(batch))
        with self._receipt() as receipt:
            lost = [row for row, _ in prepared.waits] + [row for row, _ in prepared.refused] + prepared.idle
            for row in lost:
                receipt.unsent(row, "what it was sent with is not there any more")
            for outcome in outcomes:
                told = pending.pop(outcome.id, None)
                if told is not None:
                    receipt.outcome(told, outcome)
            for row in pending.values():
                receipt.working(row)
        self.on_step("poll.recorded")
        return bool(outcomes)

    # -- doubt --------------------------------------------------------------------------------------------

    def _recover(self) -> None:
        """Clear up rows that were sent and whose outcome is unknown."""
        after = _START
        while rows := self._due("sent", after):
            after = (rows[-1].key, rows[-1].sequence)
            with self.ledger.read() as tx:
                prepared = self._preparer.prepare(tx, rows, in_flight=True)
            others = [row for row, _ in prepared.waits] + [row for row, _ in prepared.refused]
            with self._receipt() as receipt:
                for row in (*others, *prepared.idle):
                    receipt.unsent(row, "what it was sent with is not there any more")
            for row, item in prepared.ready:
                self._recover_one(row, item)

    def _recover_one(self, row: Row, item: Item) -> None:
        connector = self.target.connector
        spec = connector.writers[self._entity, item.op]
        found: str | None = None
        findable = not spec.absolute and self._entity in connector.finders
        if findable:
            self._refuse_pause("")
            with spans.begin("look for it"):
                found = connector.find(self._entity, item)
            self.result.answered = True
        self.on_step("recover.looked")
        with self._receipt() as receipt:
            if found is not None:
                receipt.outcome(row, Outcome(item.id, "done", native_id=found))
            elif findable or spec.absolute:
                receipt.again(row, "its answer was lost; it is said again")
            else:
                message = (
                    f"The answer of {self.target.name} to this record was lost, and it can neither be looked for nor "
                    "safely said again. Look there: if it arrived, drop this entry; if not, replay it."
                )
                receipt.doubted(row, message)
        self.on_step("recover.recorded")

    @contextmanager
    def _receipt(self) -> Iterator[Receipt]:
        """Give a receipt that is written, with all that was gathered in it, in one transaction."""
        with self.ledger.write(self.lease) as tx:
            if self.flow.allocate is not None and not self.flow.allocate.oversell:
                reckon.lock(tx, self.flow.source.name)
            receipt = Receipt(tx, self.flow, self.target, self.run, self.result.counts, self.on_sent)
            yield receipt
            receipt.close()


def _by_op(pairs: Sequence[_Pair]) -> dict[Op, list[_Pair]]:
    groups: dict[Op, list[_Pair]] = {}
    for row, item in pairs:
        groups.setdefault(item.op, []).append((row, item))
    return groups
