"""Taking turns at a flow: who comes while another process runs it waits a while, instead of giving up at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from obmen.errors import Busy
from obmen.state import Lease, Ledger

PATIENCE = 900.0
"""Seconds for which a turn is waited for."""
_ASK_AGAIN = 1.0


@contextmanager
def turn(
    ledger: Ledger, flow: str, *, patience: float = PATIENCE, on_note: Callable[[str], None] = lambda _why: None
) -> Iterator[Lease]:
    """Hold a flow's lease; ``on_note`` is told once why it is waited for. Raises Busy when the patience ends."""
    deadline = ledger.clock.monotonic() + patience
    told = False
    with ExitStack() as held:
        while True:
            try:
                lease = held.enter_context(ledger.lease(flow))
                break
            except Busy as error:
                if ledger.clock.monotonic() >= deadline:
                    raise
                if not told:
                    on_note(str(error))
                told = True
            ledger.clock.sleep(_ASK_AGAIN)
        yield lease
