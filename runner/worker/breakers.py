"""The breakers of connections as all workers share them: what one finds out keeps the others away.

Where a connection stands is kept in the ledger. Once its pause is over one job tries it, under a lease, so that a try
that dies with its worker keeps nobody out; the others come again when that one knows more.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import structlog

from obmen.errors import Busy, Denied, Interrupted, LeaseLost, ObmenError, StateError, Unavailable
from obmen.state import Lease, Ledger, peers
from obmen.state.peers import Peer
from runner.daemon.breaker import LONGEST, TOLERANCE, pause_for

_LOG = structlog.get_logger("obmen.worker")
TRY = ":try "
"""How the lease of a try begins; no flow can have such a name."""
_TRIED = 5.0
"""Seconds after which a job looks again what became of another one's try."""


class LeftInPeace(Unavailable):
    """The connection is left in peace for a while, so nothing was asked of it. ``after``: for how many seconds."""


class Way:
    """The way to one connection for one job: it says what it found there."""

    def __init__(self, breakers: Breakers, connection: str, attempt: Lease | None) -> None:
        self._breakers, self._connection, self._attempt = breakers, connection, attempt

    def answers(self) -> None:
        """Say that it answers: whoever waits for this job's try may go on, while it is still at it."""
        if self._attempt is not None:
            self._breakers.half_works(self._connection)
            self.leave()

    def worked(self) -> None:
        """Say that all that was asked of it worked."""
        self._breakers.works(self._connection)

    def failed(self, error: ObmenError) -> None:
        """Say what went wrong, whatever it is; only that it cannot be used now counts. Who refuses a key answers."""
        if isinstance(error, Denied):
            self._breakers.works(self._connection)
        if isinstance(error, Unavailable) and not isinstance(error, Interrupted | LeftInPeace):
            self._breakers.fails(self._connection, error)

    def leave(self) -> None:
        """Leave it to others, whatever was found out."""
        attempt, self._attempt = self._attempt, None
        if attempt is not None:
            self._breakers.end(attempt)


class Breakers:
    """Stand before every connection; safe to be used by many threads."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._tries: set[Lease] = set()
        self._lock = threading.Lock()

    @contextmanager
    def way(self, connection: str) -> Iterator[Way]:
        """Give the way to a connection. Raises LeftInPeace if it is in peace, or is being tried by another job."""
        way = Way(self, connection, self._enter(connection))
        try:
            yield way
        finally:
            way.leave()

    def keep(self) -> None:
        """Renew the leases of tries, so that a call that takes long lets no second one in."""
        with self._lock:
            held = list(self._tries)
        for lease in held:
            with suppress(LeaseLost):
                self._ledger.keep(lease)

    # -- what ways say ------------------------------------------------------------------------------------

    def works(self, connection: str) -> None:
        """Forget its failures."""
        self._note(connection, lambda known: (0, 0.0, "") if known.failures else None)

    def half_works(self, connection: str) -> None:
        """Let others use it; the next failure is one too many."""
        self._note(connection, lambda known: (TOLERANCE, 0.0, "") if known.failures > TOLERANCE else None)

    def fails(self, connection: str, error: Unavailable) -> None:
        """Count a failure; what is found out during a pause is the same again.

        However long a peer asks us to wait, somebody looks every while: what it asks for may hold for some calls only,
        and those the budgets keep back.
        """

        def found(known: Peer) -> tuple[int, float, str] | None:
            if known.rest > 0:
                return None
            failures = known.failures + 1
            over = failures - TOLERANCE
            return failures, min(pause_for(error, over), LONGEST) if over > 0 else 0.0, str(error)

        self._note(connection, found)

    def end(self, attempt: Lease) -> None:
        """Let another one try."""
        with self._lock:
            self._tries.discard(attempt)
        with suppress(StateError):  # it ends by itself
            self._ledger.release_lease(attempt)

    # -- inside -------------------------------------------------------------------------------------------

    def _enter(self, connection: str) -> Lease | None:
        """Return the lease of a try if it is one. Raises LeftInPeace."""
        if self._closed(connection):
            return None
        try:
            attempt = self._ledger.take_lease(TRY + connection)
        except Busy as error:
            message = f"{connection} did not answer, and another job finds out whether it does now."
            raise LeftInPeace(message, after=_TRIED) from error
        with self._lock:
            self._tries.add(attempt)
        try:
            closed = self._closed(connection)  # another one's try may have ended just before
        except ObmenError:
            self.end(attempt)
            raise
        if closed:
            self.end(attempt)
        return None if closed else attempt

    def _closed(self, connection: str) -> bool:
        """Whether everybody may use it; if not, one may try. Raises LeftInPeace during a pause."""
        with self._ledger.read() as tx:
            known = peers.of(tx, self._ledger.clock, connection)
        if known.rest > 0:
            message = f"{connection} is left in peace for {known.rest:.0f} s more: {known.reason}"
            raise LeftInPeace(message, after=known.rest)
        return known.failures <= TOLERANCE

    def _note(self, connection: str, found: Callable[[Peer], tuple[int, float, str] | None]) -> None:
        """Keep what was found out; a ledger that is away for a moment costs only that."""
        clock = self._ledger.clock
        try:
            with self._ledger.read() as tx:
                if found(peers.of(tx, clock, connection)) is None:
                    return
            with self._ledger.write() as tx:
                known = peers.held(tx, clock, connection)
                stand = found(known)
                if stand is not None:
                    peers.leave(tx, clock, known, *stand)
        except StateError as error:
            _LOG.warning("breaker.not_kept", connection=connection, error=str(error))
