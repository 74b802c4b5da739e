"""Being stopped: Ctrl-C and SIGTERM end a command by one road, on which leases and bars are let go of."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(BaseException):
    """The process was told to end; ``number`` is the signal's."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def stoppable() -> Iterator[None]:
    """Raise ``Stopped`` in the block when a signal comes; the handlers of before are put back after it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _stop) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def answering(acts: Mapping[int, Callable[[], None]]) -> Iterator[None]:
    """Do something when a signal comes, instead of raising; the handlers of before are put back after the block."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handler(act: Callable[[], None]) -> Callable[[int, FrameType | None], None]:
        return lambda _number, _frame: act()

    before = {number: signal.signal(number, handler(act)) for number, act in acts.items()}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def _stop(number: int, _frame: FrameType | None) -> None:
    raise Stopped(number)
