"""Reading: page by page from the source into the outbox, each page and its checkpoint in one transaction.

So neither can outlive the other: a page that is marked as seen has its changes in the outbox, and a change
that is not there will be seen again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal

import msgspec
import xxhash

from obmen.records import Page
from obmen.rules import guards
from obmen.state import Lease, Ledger, Transaction, agreed, bindings, outbox, quarantine, seen
from obmen.sync import waiting
from obmen.sync.differences import Differences
from obmen.sync.examine import Changes, Examiner, Slice
from obmen.sync.flow import Flow
from obmen.sync.propose import Proposals, propose, vanish
from obmen.sync.steps import OnStep, ignore

_DECODER = msgspec.json.Decoder(list[dict[str, object]], float_hook=Decimal)
_KEEP_EVERY = 15.0
_GROUP_SLICES = 2000
_GROUP_PAGES = 64
OnRead = Callable[[int, int | None], None]
"""Called with the slices read so far and, where known, how many there will be."""


@dataclass(slots=True)
class Read:
    """What a read found. ``held``: target → effect → the guard's reason."""

    counts: Counter[str] = field(default_factory=Counter)
    held: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(slots=True)
class _Group:
    """Pages that are written together: their fingerprints, and the slices of them that were not seen before."""

    pages: list[tuple[int, bytes]] = field(default_factory=list)
    slices: list[Slice] = field(default_factory=list)
    cursor: str | None = None

    @property
    def full(self) -> bool:
        """Whether it is time to write."""
        return len(self.slices) >= _GROUP_SLICES or len(self.pages) >= _GROUP_PAGES


class Reader:
    """Reads one flow once, under its lease."""

    def __init__(
        self,
        ledger: Ledger,
        lease: Lease,
        flow: Flow,
        run: int,
        *,
        on_step: OnStep = ignore,
        on_read: OnRead | None = None,
    ) -> None:
        self.ledger, self.lease, self.flow, self.run = ledger, lease, flow, run
        self.on_step = on_step
        self.on_read: OnRead = on_read or (lambda _done, _total: None)
        self.result = Read()
        self._complete = flow.source.readers[flow.entity.entity].complete
        self._kept_at = ledger.clock.monotonic()
        with ledger.read() as tx:
            self._checkpoint = seen.checkpoint(tx, flow.name)
            self._first = not seen.any_record(tx, flow.name)
        self._was_whole = self._checkpoint.whole
        self._before: dict[int, bytes] = {}
        self._looked_ahead = 0
        self._examiner = Examiner(flow, run, self._checkpoint.pins)
        self._group = _Group()

    def read(self) -> Read:
        """Read to the end. What was read before an error stays read."""
        seed = xxhash.xxh3_64_intdigest(self.flow.salt + str(self._checkpoint.epoch).encode())
        number = slices = 0
        partial = False
        with Differences(first=self._first) as differences:
            try:
                for page in self._pages():
                    partial = partial or page.partial
                    page_seed = xxhash.xxh3_64_intdigest(page.salt, seed=seed) if page.salt else seed
                    self._page(page, number, page_seed, differences)
                    number += 1
                    slices += len(page.slices)
                    self.on_read(slices, page.total)
                    self._keep_lease()
            finally:
                self._flush(differences)
                self.result.counts["read"] = slices
            self._end(number, partial, differences)
        return self.result

    def _pages(self) -> Iterator[Page]:
        cursor = None if self._complete else self._checkpoint.cursor
        return self.flow.source.read(self.flow.entity.entity, cursor)

    def _page(self, page: Page, number: int, seed: int, differences: Differences) -> None:
        prints = [xxhash.xxh3_128_digest(raw, seed=seed) for raw in page.slices]
        unseen = set(prints)
        if self._complete:
            blob = b"".join(prints)
            before = self._page_before(number)
            if before == blob:
                self.result.counts["unchanged"] += len(prints)
                return
            with self.ledger.read() as tx:
                unseen = differences.page(seen.split(before), prints, seen.pages(tx, self.flow.name))
            self._group.pages.append((number, blob))
        slices = [
            Slice.of(one, raw, page.decode) for one, raw in zip(prints, page.slices, strict=True) if one in unseen
        ]
        self.result.counts["unchanged"] += len(prints) - len(slices)
        self._group.slices += slices
        self._group.cursor = page.cursor or self._group.cursor
        if self._group.full:
            self._flush(differences)

    def _page_before(self, number: int) -> bytes:
        """Return the page's fingerprints as last read; they are looked up for many pages at once."""
        if number >= self._looked_ahead:
            self._looked_ahead = number + _GROUP_PAGES
            with self.ledger.read() as tx:
                self._before = seen.numbered_pages(tx, self.flow.name, number, self._looked_ahead)
        return self._before.pop(number, b"")

    def _flush(self, differences: Differences) -> None:
        """Write the pages gathered so far, their changes, and the checkpoint that passed them."""
        group, self._group = self._group, _Group()
        if not (group.pages or group.slices or group.cursor):
            return
        with self.ledger.read() as tx:
            changes = self._examiner.examine(tx, group.slices)
        differences.explained(changes.explained)
        self.on_step("read.examined")
        with self.ledger.write(self.lease) as tx:
            self._write(tx, changes)
            seen.save_pages(tx, self.flow.name, group.pages)
            self._save(tx, cursor=group.cursor or self._checkpoint.cursor, whole=False)
        self.on_step("read.committed")

    def _end(self, pages: int, partial: bool, differences: Differences) -> None:
        with self.ledger.read() as tx:
            old_rest = seen.pages(tx, self.flow.name, pages) if self._complete else iter(())
            differences.rest(old_rest)
        self.on_step("read.ending")
        with self.ledger.write(self.lease) as tx:
            if self._complete:
                seen.cut_pages(tx, self.flow.name, pages)
                if self._may_sweep(tx, partial, differences):
                    self._sweep(tx)
            self._replay(tx)
            self._guard(tx)
            self._retry_waiting(tx)
            whole = self._complete and not partial
            self._save(tx, cursor=self._checkpoint.cursor, whole=whole, ended=True)
        self.on_step("read.ended")

    def _retry_waiting(self, tx: Transaction) -> None:
        """Once a run, look again for what records with an identity wait for; none of them waits for ever."""
        if self.flow.entity.identity:
            for target in self.flow.targets:
                outbox.retry_waiting(tx, self.flow.name, target.name)

    def _may_sweep(self, tx: Transaction, partial: bool, differences: Differences) -> bool:
        """Whether something may be gone, and what is absent may be taken for gone."""
        if self._first or partial or quarantine.has_unreadable(tx, self.flow.name):
            return False
        return not self._was_whole or (differences.found and differences.unexplained())

    def _sweep(self, tx: Transaction) -> None:
        for batch in seen.gone(tx, self.flow.name):
            keys = [known.key for known in batch]
            seen.drop_records(tx, self.flow.name, keys)
            self._apply(tx, vanish(tx, self.flow, keys))

    def _replay(self, tx: Transaction) -> None:
        """Try again what a person replayed, and what waited for something that has come."""
        quarantine.reconsider_duplicates(tx, self.flow.name)
        while due := quarantine.entries(tx, flow=self.flow.name, states=("due",), limit=500):
            quarantine.set_state(tx, [entry.id for entry in due], "closed")
            if any(entry.stage == "pull" and not entry.source for entry in due):
                seen.forget(tx, self.flow.name)
            pulled = [
                Slice(entry.fingerprint or b"", b"", natives=_DECODER.decode(entry.raw))
                for entry in due
                if entry.stage == "pull" and entry.source and entry.raw
            ]
            self._write(tx, self._examiner.examine(tx, pulled, again=True))
            records = [self.flow.entity.decoded(entry.canonical) for entry in due if entry.canonical]
            self._apply(tx, propose(tx, self.flow, records))
            self.result.counts["replayed"] += len(due)

    def _guard(self, tx: Transaction) -> None:
        for target in self.flow.targets:
            effects = outbox.effects(tx, self.flow.name, target.name, "fresh")
            if not effects:
                continue
            known = agreed.count(tx, target.name, self.flow.entity.entity)
            live = agreed.count(tx, target.name, self.flow.entity.entity, live=True)
            holding = guards.verdict(effects, known, live, self.flow.guards)
            outbox.release(tx, self.flow.name, target.name, holding)
            if holding:
                self.result.held[target.name] = holding

    def _write(self, tx: Transaction, changes: Changes) -> None:
        flow = self.flow
        seen.drop_records(tx, flow.name, changes.gone)
        seen.save_records(tx, flow.name, changes.known)
        if changes.settled:
            quarantine.close(tx, flow.name, stage="pull", sources=changes.settled)
        for connection, problem in changes.problems:
            quarantine.add(tx, flow.name, connection, flow.entity.entity, [problem], self.run)
        self._bind(tx, changes)
        self._apply(tx, Proposals(changes.decided, changes.dropped, [], changes.counts))
        if changes.gone:
            self._apply(tx, vanish(tx, flow, changes.gone))
        self.result.counts["refused"] += len(changes.problems)

    def _bind(self, tx: Transaction, changes: Changes) -> None:
        source, entity = self.flow.source.name, self.flow.entity.entity
        if changes.rekeyed:
            bindings.unbind(tx, source, entity, changes.rekeyed)
            for dependent in self.flow.dependents:
                seen.forget(tx, dependent)
        bindings.bind(tx, source, entity, changes.bound)
        waiting.bound(tx, source, entity, changes.bound)

    def _apply(self, tx: Transaction, proposals: Proposals) -> None:
        entity = self.flow.entity.entity
        outbox.drop(tx, proposals.dropped)
        for target, decided in proposals.decided.items():
            outbox.put(tx, self.flow.name, target, entity, decided, self.run)
            waiting.decided(tx, target, self.flow.entity, [one.key for one in decided])
            self.result.counts["decided"] += len(decided)
        for connection, problem in proposals.problems:
            quarantine.add(tx, self.flow.name, connection, entity, [problem], self.run)
            self.result.counts["refused"] += 1
        self.result.counts += proposals.counts

    def _save(
        self,
        tx: Transaction,
        *,
        cursor: str | None,
        whole: bool,
        ended: bool = False,
    ) -> None:
        self._checkpoint = replace(
            self._checkpoint,
            cursor=cursor,
            whole=whole,
            pins=self._examiner.pins,
            read_at=tx.now if ended else self._checkpoint.read_at,
        )
        seen.save_checkpoint(tx, self.flow.name, self._checkpoint)

    def _keep_lease(self) -> None:
        now = self.ledger.clock.monotonic()
        if now - self._kept_at > _KEEP_EVERY:
            self.ledger.keep(self.lease)
            self._kept_at = now
