"""Leases that lanes share: a flow is delivered to several systems at once under one lease, held while any is at it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from obmen.errors import LeaseLost
from obmen.state import Lease, Ledger


class Leases:
    """The leases that this process holds for deliveries, by flow."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lock = threading.Lock()
        self._held: dict[str, tuple[Lease, int]] = {}

    @contextmanager
    def of(self, flow: str) -> Iterator[Lease]:
        """Give the flow's lease. Raises Busy if another process has it."""
        lease = self._join(flow)
        try:
            yield lease
        finally:
            self._leave(flow)

    def keep(self) -> None:
        """Renew what is held, so that a call which takes long costs nobody his lease."""
        with self._lock:
            held = [lease for lease, _ in self._held.values()]
        for lease in held:
            with suppress(LeaseLost):  # whoever works under it finds out by himself, before he commits anything
                self._ledger.keep(lease)

    def _join(self, flow: str) -> Lease:
        with self._lock:
            lease, users = self._held.get(flow) or (self._ledger.take_lease(flow), 0)
            self._held[flow] = lease, users + 1
            return lease

    def _leave(self, flow: str) -> None:
        with self._lock:
            lease, users = self._held[flow]
            if users > 1:
                self._held[flow] = lease, users - 1
                return
            del self._held[flow]
            self._ledger.release_lease(lease)
