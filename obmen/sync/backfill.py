"""Backfill: the records of a period of the past, read piece by piece beside the live reading.

It goes the way of every read: examined, decided against what each target confirmed, guarded, put into the outbox.
What it does not do is move the checkpoint or take anything for gone. A piece counts as read in the transaction that
holds its last changes, so a process that dies goes on with the piece that it was at; what it had taken of that is
known and decides nothing anew.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from itertools import islice

import structlog

from obmen import spans
from obmen.connector import Connector
from obmen.errors import Busy, ConfigurationError, IncompleteSource, LeaseLost, ObmenError, Paused, Refused, StateError
from obmen.periods import Period, pieces
from obmen.records import Page, pick
from obmen.roles import HistorySpec
from obmen.state import Lease, Ledger, Transaction, backfills, runs, seen
from obmen.state.seen import Checkpoint
from obmen.sync import lanes
from obmen.sync.engine import Engine
from obmen.sync.examine import Examiner
from obmen.sync.flow import Flow
from obmen.sync.intake import Intake
from obmen.sync.passes import Pass
from obmen.sync.pausing import refuse
from obmen.sync.slices import Slice, decoded, facts_of, fingerprints, seed_of_page, seed_of_read
from obmen.sync.steps import OnStep, ignore
from obmen.sync.turns import PATIENCE, turn

_GIVE_WAY, _LONG = 2.0, 5.0
_KEEP_EVERY = 15.0
_GROUP = 1000
_LOST_IN_A_ROW = 5
_LOG = structlog.get_logger("obmen.sync")
OnRead = Callable[[int, int | None], None]
"""Called with the records read so far and, once that can be guessed, how many there will be."""


def history_of(flow: Flow) -> HistorySpec:
    """Return how a flow's past is read. Raises ConfigurationError, with what to do instead, where it cannot be."""
    source, entity = flow.source, flow.entity.entity
    if source.readers[entity].complete:
        message = (
            f"There is no past to read: {source.name} tells every {entity} there is each time. What differs is carried "
            f"by: obmen sync {flow.name}. To compare both sides: obmen reconcile {flow.name}."
        )
        raise ConfigurationError(message)
    if entity not in source.histories:
        able = ", ".join(sorted(source.histories)) or "nothing"
        message = (
            f"{source.name} cannot be asked for the {entity} of a period; of its past it tells {able}. The usual read "
            f"goes as far back as it can: obmen sync {flow.name}."
        )
        raise ConfigurationError(message)
    return source.histories[entity]


@dataclass(slots=True)
class _Group:
    """What is written together: slices that are to be looked at, page by page, each page by its number in the turn."""

    pages: list[tuple[int, list[Slice]]] = field(default_factory=list)

    def __len__(self) -> int:
        return sum(len(slices) for _, slices in self.pages)


@dataclass(slots=True)
class _Turn:
    """One hold of the flow's lease: what was known when it began, and what is shared by the pieces read in it.

    ``pages``: how many have come; ``told``: native id → the newest page that told it. Pieces that are read at the same
    time are written in any order, and what the one at the edge of two was before must not overtake what it is.
    """

    lease: Lease
    checkpoint: Checkpoint
    examiner: Examiner
    kept_at: float
    pages: int = 0
    told: dict[str, int] = field(default_factory=dict)

    @property
    def seed(self) -> int:
        """What fingerprints begin with; the same as in the live reading, so that each knows what the other read."""
        return seed_of_read(self.examiner.flow.salt, self.checkpoint.epoch)


class Backfill:
    """Reads what is asked for of one flow's past, into the pass that it is given.

    ``beside`` makes one more connector of the source, for a piece that is read at the same time. ``on_note`` is told
    what a person should know meanwhile, such as why nothing happens while another process runs the flow.
    """

    def __init__(
        self,
        ledger: Ledger,
        work: Pass,
        *,
        beside: Callable[[], Connector] | None = None,
        on_read: OnRead | None = None,
        on_note: Callable[[str], None] | None = None,
        on_step: OnStep = ignore,
        patience: float = PATIENCE,
    ) -> None:
        self.ledger, self.work, self.flow = ledger, work, work.flow
        self.on_read: OnRead = on_read or (lambda _done, _total: None)
        self.on_note = on_note or (lambda _reason: None)
        self.on_step, self.patience = on_step, patience
        self._spec = history_of(self.flow)
        count = self._spec.parallel if beside is not None and on_step is ignore else 1
        self._sources = [self.flow.source, *(beside() for _ in range(count - 1) if beside is not None)]
        self._intake = Intake(self.flow, 0)
        self._lock = threading.Lock()
        self._span = self._covered = 0.0
        self._read_in_covered = 0

    def ask(self, period: Period, *, again: bool = False) -> None:
        """Want a period to be read; ``again``: also what of it was read before. Raises Busy if no turn comes.

        Raises ConfigurationError for a time of which the source tells nothing: what has not been yet, or is too old.
        """
        now = self.ledger.clock.now()
        if period.until > now.timestamp():
            message = (
                f"{_day(period.until)} is still to come. End the period with now ({_day(now.timestamp())}) or before."
            )
            raise ConfigurationError(message)
        if self._spec.reach is not None and period.since < (earliest := (now - self._spec.reach).timestamp()):
            message = (
                f"{self.flow.source.name} tells its {self._spec.entity} of the last {self._spec.reach.days} days only. "
                f"Begin with {_day(earliest)} or later."
            )
            raise ConfigurationError(message)
        with self._lease() as lease, self.ledger.write(lease) as tx:
            backfills.ask(tx, self.flow.name, period, again=again)

    def left(self) -> list[Period]:
        """Return what is still to be read."""
        with self.ledger.read() as tx:
            return backfills.periods(tx, self.flow.name, "asked")

    @property
    def idle(self) -> bool:
        """Whether no piece was read to its end."""
        return self._covered == 0

    def read(self) -> None:
        """Read what is left, the oldest first, and let the guards speak; what goes wrong is told in the report."""
        for step in (self._give_up_what_is_too_old, self._read_all, self._guard):
            try:
                step()
            except StateError:
                raise
            except Paused as error:
                self.work.report.pause(str(error))
            except ObmenError as error:
                self.work.report.trouble.append(error)
                _LOG.warning("backfill.failed", flow=self.flow.name, error=str(error))

    def _give_up_what_is_too_old(self) -> None:
        """Forget what was asked for once and has become too old to be told; nothing newer is to wait for it."""
        if self._spec.reach is None:
            return
        earliest = (self.ledger.clock.now() - self._spec.reach).timestamp()
        lost = [one for one in self.left() if one.since < earliest]
        if lost:
            with self._lease() as lease, self.ledger.write(lease) as tx:
                backfills.drop(tx, self.flow.name, Period(lost[0].since, earliest))
            self.on_note(
                f"From {_day(lost[0].since)} to {_day(earliest)} nothing was read, and {self.flow.source.name} tells "
                "no more of that time."
            )

    def deliver(self, engine: Engine, patience: float) -> None:
        """Deliver what was read, and what an earlier backfill left, as ``sync`` does, and end the pass."""
        with suppress(Busy), self._lease():
            pass  # whoever has it now delivers too, and then lets us
        engine.finish(self.work, patience)

    # -- turns ------------------------------------------------------------------------------------------------

    def _read_all(self) -> None:
        self._span = sum(one.seconds for one in self.left())
        lost = 0
        while some := list(islice(pieces(self.left(), self._spec.step.total_seconds()), len(self._sources))):
            began = self.ledger.clock.monotonic()
            try:
                with self._turn() as turn:
                    began = self.ledger.clock.monotonic()
                    self._read_some(turn, some)
                lost = 0
            except LeaseLost:
                lost += 1
                if lost == _LOST_IN_A_ROW:
                    raise
            self._give_way(self.ledger.clock.monotonic() - began)

    def _read_some(self, turn: _Turn, some: Sequence[Period]) -> None:
        ways = {
            f"{number}": partial(self._piece, turn, source, piece)
            for number, (source, piece) in enumerate(zip(self._sources, some, strict=False))
        }
        with spans.begin("read", {"obmen.connection": self.flow.source.name}, parent=self.work.span):
            lanes.run(ways, together=True)

    def _give_way(self, held: float) -> None:
        """Leave the lease alone for a moment after a long turn, so that who waits for it gets it."""
        if held > _LONG and not self.ledger.rehearsing:
            self.ledger.clock.sleep(_GIVE_WAY)

    @contextmanager
    def _turn(self) -> Iterator[_Turn]:
        with self._lease() as lease:
            with self.ledger.write(lease) as tx:
                if not self.work.run:
                    self.work.begin(runs.begin(tx, self.flow.name, "backfill", _days(self.left())), "backfill")
                    self._intake.run = self.work.run
                checkpoint = seen.checkpoint(tx, self.flow.name)
            examiner = Examiner(self.flow, self.work.run, checkpoint.pins)
            yield _Turn(lease, checkpoint, examiner, self.ledger.clock.monotonic())

    def _lease(self) -> AbstractContextManager[Lease]:
        return turn(self.ledger, self.flow.name, patience=self.patience, on_note=self.on_note)

    def _guard(self) -> None:
        self.on_step("read.ending")
        with self._turn() as turn, self.ledger.write(turn.lease) as tx:
            self._intake.guard(tx)
        self.on_step("read.ended")
        self.work.report.held = self._intake.result.held

    # -- a piece ----------------------------------------------------------------------------------------------

    def _piece(self, turn: _Turn, source: Connector, piece: Period) -> bool:
        """Read one piece to its end. The ledger is used by one thread at a time, the source by each its own."""
        group = _Group()
        total = 0
        since, until = (datetime.fromtimestamp(at, UTC) for at in piece)
        self._refuse_pause()
        pages = source.read_period(self.flow.entity.entity, since, until)
        for page in spans.each("page", pages, facts_of):
            prints = fingerprints(page.slices, seed_of_page(page, turn.seed))
            with self._lock:
                turn.pages += 1
                number, wanted = turn.pages, self._wanted(page, prints)
            fresh = [(one, raw) for one, raw in zip(prints, page.slices, strict=True) if one in wanted]
            group.pages.append((number, decoded(page, fresh)))
            total += len(prints)
            with self._lock:
                self._intake.result.counts["unchanged"] += len(prints) - len(fresh)
                self._tell(len(prints))
                if len(group) >= _GROUP:
                    self._take(turn, group)
                    group = _Group()
                self._keep(turn)
            self._refuse_pause()
        with self._lock:
            self._take(turn, group, ended=piece, total=total)
            self._covered += piece.seconds
            self._read_in_covered += total
            self._tell(0)
        return True

    def _refuse_pause(self) -> None:
        with self._lock:
            refuse(self.ledger, self.flow.source.name, self.flow.entity.entity)

    def _wanted(self, page: Page, prints: Sequence[bytes]) -> set[bytes]:
        """Return what is to be looked at; of a page that tells ids, what is not known in just that version."""
        if not page.ids:
            return set(prints)
        with self.ledger.read() as tx:
            return seen.unknown(tx, self.flow.name, page.ids, prints)

    def _take(self, turn: _Turn, group: _Group, *, ended: Period | None = None, total: int = 0) -> None:
        """Write what was read, and that the piece ended if it did, in one transaction."""
        with self.ledger.read() as tx:
            moved = self._moved(tx, turn, group)
            changes = turn.examiner.examine(tx, moved, again=True)
        self._intake.result.counts["unchanged"] += len(group) - len(moved)
        self.on_step("read.examined")
        with self.ledger.write(turn.lease) as tx:
            self._intake.write(tx, changes)
            if turn.examiner.pins != turn.checkpoint.pins:
                turn.checkpoint = replace(seen.checkpoint(tx, self.flow.name), pins=turn.examiner.pins)
                seen.save_checkpoint(tx, self.flow.name, turn.checkpoint)
            if ended is not None:
                backfills.finish(tx, self.flow.name, ended, {"read": total})
        self.on_step("read.committed")
        self.work.report.read = self._intake.result.counts
        turn.kept_at = self.ledger.clock.monotonic()

    def _moved(self, tx: Transaction, turn: _Turn, group: _Group) -> list[Slice]:
        """Return each record once, as it came last, and none that is known as just that."""
        key = self.flow.source.readers[self.flow.entity.entity].key
        last: dict[str, Slice] = {}
        nameless: list[Slice] = []
        for number, slices in group.pages:
            for one in slices:
                try:
                    source = pick(one.natives[0], key)
                except (IndexError, IncompleteSource, Refused):
                    nameless.append(one)
                    continue
                if turn.told.get(source, 0) <= number:
                    turn.told[source] = number
                    last[source] = one
        known = seen.by_source(tx, self.flow.name, last)
        moved = [
            one
            for source, one in last.items()
            if source not in known or any(record.fingerprint != one.fingerprint for record in known[source])
        ]
        return nameless + moved

    def _tell(self, more: int) -> None:
        """Tell how far it is; how much there will be is guessed by the share of time that is read."""
        counts = self._intake.result.counts
        counts["read"] += more
        total = round(self._read_in_covered * self._span / self._covered) if self._covered else None
        self.on_read(counts["read"], max(total, counts["read"]) if total is not None else None)

    def _keep(self, turn: _Turn) -> None:
        now = self.ledger.clock.monotonic()
        if now - turn.kept_at > _KEEP_EVERY:
            self.ledger.keep(turn.lease)
            turn.kept_at = now


def _days(periods: Sequence[Period]) -> str:
    return ", ".join(f"{_day(one.since)} – {_day(one.until)}" for one in periods)


def _day(at: float) -> str:
    """Name a moment for people, in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
