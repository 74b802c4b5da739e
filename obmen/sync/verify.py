"""Verification: what was written lately is asked back, once it has had time to settle, and judged by what was told.

A system may answer that it took a record, and change nothing. A whole comparison finds that a day later; this finds it
within minutes, for it asks only for what was written. How far it has come is kept, so a restart skips nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import structlog

from obmen.entities import Price, Record
from obmen.errors import ConfigurationError
from obmen.records import Native, RecordError
from obmen.state import Lease, Ledger, Transaction, agreed, compared, outbox, quarantine, runs, stops, written
from obmen.state.agreed import Agreed
from obmen.state.compared import positive
from obmen.state.quarantine import Problem
from obmen.sync import waiting
from obmen.sync.flow import Flow, Target, hash_payload
from obmen.sync.prepare import Preparer
from obmen.sync.promotions import PRICED, Watch
from obmen.sync.readback import Seen, seen
from obmen.sync.repair import Found, repair
from obmen.sync.scales import Drift, Scales, Side, is_nothing
from obmen.sync.suspects import Suspects

BATCH = 500
KIND = "verify"
"""The kind of a run that checks what was written; it is kept only where something is sent again or set aside."""
_DIRECTIONS: tuple[stops.Direction, ...] = ("read", "write")
_LOG = structlog.get_logger("obmen.sync")
Turn = Callable[[], AbstractContextManager[Lease]]
Enough = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class How:
    """``after``: seconds for which what was written settles. ``repair``: what drifted is sent again.

    ``leave``: a price is taken out of the promotion that changed it. ``keep``: what was looked at is not looked at
    again; without it nothing is written anywhere.
    """

    after: float
    repair: bool = True
    leave: bool = False
    keep: bool = True


@dataclass(slots=True)
class Verified:
    """What a verification found. ``run``: of what is sent again or set aside, 0 if nothing is.

    ``side.counts`` has besides: ``moved`` (changed since, or about to), ``promoted``, ``withheld`` (the system holds it
    back), ``confirmed`` (it did, and was told to let it go). ``whole``: it was not left for later.
    """

    side: Side
    run: int = 0
    whole: bool = True


def can_verify(flow: Flow, target: Target) -> bool:
    """Whether a target can be asked by id for what a flow writes."""
    entity = flow.entity
    stays = not (entity.history or (entity.fact and not entity.identity))
    return stays and target.back is not None and entity.entity in target.connector.lookups


def alone(flow: str, target: str) -> str:
    """Name the lease under which one target of a flow is compared; no flow can have this name."""
    return f":compare/{flow}/{target}"


class Verification:
    """Checks what one flow wrote into one target. ``turn`` gives the flow's lease for as long as something is decided.

    ``enough``: asked between batches whether to leave the rest for later. ``on_drift`` is told of each record as it is
    found. ``run``: the caller's, which ends it; without one a run is made where anything is sent again. ``orders``: the
    flows by which the target's orders come to the source (see ``suspects``). Raises
    ConfigurationError where the target cannot be asked, Busy if somebody else is at it, and Paused.
    """

    def __init__(
        self,
        ledger: Ledger,
        flow: Flow,
        target: Target,
        how: How,
        turn: Turn,
        *,
        on_drift: Callable[[Drift], None] = lambda _drift: None,
        enough: Enough = lambda: False,
        run: int = 0,
        orders: Sequence[str] = (),
    ) -> None:
        if not can_verify(flow, target):
            message = f"{target.name} cannot be asked by id for a {flow.entity.entity}, so nothing can be checked."
            raise ConfigurationError(message, where=flow.where_line)
        self.ledger, self.flow, self.target, self.how = ledger, flow, target, how
        self._turn, self._on_drift, self._enough = turn, on_drift, enough
        self._entity = flow.entity.entity
        self._scales = Scales(flow, target, None)
        self._given, self._orders = bool(run), orders
        self.result = Verified(Side(target.name, blind=self._scales.blind), run)

    def run(self) -> Verified:
        """Check what is due; what was checked before an error stays checked."""
        with self.ledger.lease(alone(self.flow.name, self.target.name)) as lease:
            with self.ledger.read() as tx:
                state = compared.of(tx, self.flow.name, self.target.name)
                self._until = tx.now - self.how.after
                self._suspects = Suspects(tx, state, self._orders)
            self._mark = state.mark
            self._watch = Watch(self.ledger, self.flow, self.target, state)
            self._watched()
            while keys := self._next():
                self._refuse_pause()
                self.ledger.keep(lease)
                self._batch(list(keys), self._until, max(keys.values()))
                if self._enough():
                    self.result.whole = False
                    break
            self._end()
        return self.result

    # -- what is due --------------------------------------------------------------------------------------

    def _next(self) -> dict[str, int]:
        """Return key → the id of the last write of it, of the next that were written and have settled."""
        with self.ledger.read() as tx:
            rows = written.since(tx, self.flow.name, self.target.name, self._mark, self._until, BATCH)
        return {row.key: row.id for row in rows}

    def _watched(self) -> None:
        """Look once more at prices that a promotion had changed, and at stock that may have been sold.

        Where a promotion is over, its price may have stayed: what it had changed is judged anew.
        """
        keys = self._watch.kept()
        if keys:
            self._refuse_pause()
            told, _ = self._told(keys, float("inf"))
            ended = self._watch.look_again(self._asked(told), told)
            if ended:
                self._batch(ended, float("inf"), self._mark)
        suspects = self._suspects.due()
        self._again = bool(suspects)
        if suspects:
            self._refuse_pause()
            self._batch(suspects, float("inf"), self._mark)
            self._suspects.clear(suspects)

    def _refuse_pause(self) -> None:
        with self.ledger.read() as tx:
            for direction in _DIRECTIONS:
                stops.refuse(tx, self.target.name, self._entity, direction)

    # -- judging ------------------------------------------------------------------------------------------

    def _batch(self, keys: Sequence[str], until: float, mark: int) -> None:
        told, known = self._told(keys, until)
        shown = self._asked(told)
        counts = self.result.side.counts
        counts["moved"] += len(keys) - len(told)
        found = [
            one
            for key, (record, payload) in told.items()
            if key in shown and (one := self._judge(record, payload, known[key], shown[key])) is not None
        ]
        counts["moved"] += sum(key not in shown for key in told)
        kept_back = self._held_back(found)
        held = [one for one in found if kept_back.get(one.record.key) is not None]
        found = [one for one in found if one.record.key not in kept_back]
        self._tell(found)
        self._keep(found, held, [one for one in kept_back.values() if one is not None], mark)

    def _told(self, keys: Sequence[str], until: float) -> tuple[dict[str, tuple[Record, Native]], dict[str, Agreed]]:
        """Return key → what was told and stands: it was not told otherwise since, nor is it about to be."""
        with self.ledger.read() as tx:
            known = agreed.of(tx, self.target.name, self._entity, keys)
            queued = {row.key for row in outbox.of(tx, self.target.name, self._entity, keys)}
        standing = {key: one for key, one in known.items() if one.hash and one.at <= until and key not in queued}
        records = [self.flow.entity.decoded(one.canonical) for one in standing.values()]
        told = {
            record.key: (record, payload)
            for record, payload in self._scales.told(records, self.result.side)
            if hash_payload(payload, record) == standing[record.key].hash
        }
        return told, standing

    def _asked(self, told: Mapping[str, tuple[Record, Native]]) -> dict[str, Seen | None]:
        """Return key → what the target shows, None for nothing; what it cannot be asked for is left out."""
        assert self.target.back is not None  # noqa: S101 - it was looked at before
        rows = [outbox.asked(self.target.name, self.flow.name, record) for record, _ in told.values()]
        with self.ledger.read() as tx:
            ready = Preparer(self.flow, self.target).prepare(tx, rows).ready
        self._ids = {row.key: item.id for row, item in ready}
        found = seen(self.ledger, self.flow, self.target, self.target.back, list(self._ids.values()))
        return {key: found.get(id_) for key, id_ in self._ids.items()}

    def _judge(self, record: Record, payload: Native, known: Agreed, shown: Seen | None) -> Found | None:
        counts = self.result.side.counts
        if shown is None:
            counts["same" if is_nothing(record) else "missing"] += 1
            return None if is_nothing(record) else Found(record, None, known)
        there = self._scales.there(record, shown.fields) if shown.fields is not None else None
        if there is None or shown.fields is None:
            counts["unreadable"] += 1
            return None
        names = self._scales.differing(record, payload, there, shown.fields)
        promoted = self._watch.look(record, shown.native)
        if promoted:
            counts["promoted"] += 1
        if not names or (promoted and PRICED.issuperset(names)):
            counts["same"] += 1
            return None
        if self._suspects.sold(record, there, shown.fields):
            counts["unsure"] += 1
            return None
        counts["drift"] += 1
        self.result.side.fields.update(names)
        return Found(record, there, known)

    def _held_back(self, found: Sequence[Found]) -> dict[str, Problem | None]:
        """Return key → why the system holds back what it does not show; None where it lets it go by rule."""
        if not found or self.flow.entity is not Price:
            return {}
        ids = {one.record.key: self._ids[one.record.key] for one in found}
        held = self.target.connector.withheld(self._entity, list(ids.values()))
        counts = self.result.side.counts
        kept_back: dict[str, Problem | None] = {}
        for one in found:
            key = one.record.key
            if ids[key] not in held:
                continue
            error = held[ids[key]]
            counts["drift" if one.shown is not None else "missing"] -= 1
            counts["confirmed" if error is None else "withheld"] += 1
            kept_back[key] = None if error is None else _problem(one, error)
            _LOG.warning("price.withheld", flow=self.flow.name, target=self.target.name, key=key, confirmed=not error)
        return kept_back

    # -- what becomes of it -------------------------------------------------------------------------------

    def _tell(self, found: Sequence[Found]) -> None:
        for one in found:
            drift = Drift(self.flow.name, self.target.name, one.record.key, one.fields)
            self._on_drift(drift)
            _LOG.warning(
                "drift.found", flow=drift.flow, target=drift.target, key=drift.key, fields=drift.fields or "not there"
            )

    def _keep(self, found: Sequence[Found], held: Sequence[Found], problems: Sequence[Problem], mark: int) -> None:
        """Keep what a batch came to, and how far that is, in one transaction."""
        if not self.how.keep:
            self._mark = mark
            return
        if not (problems or (found and self.how.repair)):
            with self.ledger.write() as tx:
                self._save(tx, mark, len(found))
            self._mark = mark
            return
        with self._turn() as lease, self.ledger.write(lease) as tx:
            if not self.result.run:
                self.result.run = runs.begin(tx, self.flow.name, KIND)
            shown = {one.record.key: one.shown.encoded() if one.shown is not None else None for one in held}
            agreed.doubt(tx, self.target.name, self._entity, shown)  # so that a replay sends it
            quarantine.add(tx, self.flow.name, self.target.name, self._entity, problems, self.result.run)
            if found and self.how.repair:
                self._repair(tx, found)
            self._save(tx, mark, len(found))
        self._mark = mark

    def _repair(self, tx: Transaction, found: Sequence[Found]) -> None:
        side, flow = self.result.side, self.flow
        repaired = repair(tx, flow, self.target, found, self.result.run)
        proposals = repaired.proposals
        outbox.drop(tx, proposals.dropped)
        for name, decided in proposals.decided.items():
            outbox.put(tx, flow.name, name, self._entity, decided, self.result.run, state="pending")
            waiting.decided(tx, name, flow.entity, [one.key for one in decided])
        for name, problem in proposals.problems:
            quarantine.add(tx, flow.name, name, self._entity, [problem], self.result.run)
        side.counts["not_kept"] += len(repaired.aside)
        side.repaired += sum(map(len, proposals.decided.values()))

    def _save(self, tx: Transaction, mark: int, drifted: int) -> None:
        state = compared.of(tx, self.flow.name, self.target.name)
        state.mark, state.at = mark, tx.now
        state.drifted += drifted
        state.counts = positive(self.result.side.counts)
        self._watch.into(state)
        self._suspects.into(state)
        compared.save(tx, self.flow.name, self.target.name, state)

    def _end(self) -> None:
        """Leave promotions, pass over what others wrote, and end the run."""
        if not self.how.keep:
            return
        left = self._watch.leave() if self.how.leave else 0
        with self.ledger.write() as tx:
            mark = written.newest(tx, self._mark, self._until) if self.result.whole else self._mark
            if left or self._watch.changed or mark > self._mark or self._again:
                state = compared.of(tx, self.flow.name, self.target.name)
                state.mark = mark
                self._watch.into(state)
                self._suspects.into(state)
                compared.save(tx, self.flow.name, self.target.name, state)
            if self.result.run and not self._given:
                status = "attention" if quarantine.counts(tx, self.flow.name).get("open") else "done"
                runs.end(tx, self.result.run, status, positive(self.result.side.counts))


def _problem(one: Found, error: RecordError) -> Problem:
    record, digest = one.record, one.known.hash
    return Problem("deliver", error.code, error.message, key=record.key, canonical=record.encoded(), fingerprint=digest)


def of_flow(flow: Flow) -> Iterator[Target]:
    """Yield the targets of a flow whose writes can be checked."""
    for target in flow.targets:
        if can_verify(flow, target):
            yield target
