"""Sandboxes and connections that live by one clock, as the tests of every connector need them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import pytest

from obmen.clock import SystemClock
from obmen.testing.clock import FakeClock
from obmen.testing.sandbox import Sandbox

Kind = TypeVar("Kind", bound=Sandbox)


class Clock(FakeClock):
    """The clock of the connection and of its sandbox."""

    def pass_by(self, **span: float) -> None:
        """Let time pass: ``pass_by(minutes=5)``."""
        self.advance(timedelta(**span).total_seconds())


def by(clock: FakeClock, kind: type[Kind]) -> type[Kind]:
    """Return the sandbox whose time is the clock's; ``skew``: by how many seconds it is wrong."""

    def now(self: Any) -> float:
        return clock.now().timestamp() + self.skew

    return type(f"Clocked{kind.__name__}", (kind,), {"skew": 0.0, "now": now})


def rule(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let whatever goes by the machine's own time in this process go by the clock, such as a command."""
    for name in ("now", "monotonic", "sleep"):
        monkeypatch.setattr(SystemClock, name, staticmethod(getattr(clock, name)))


@contextmanager
def started(clock: FakeClock, kind: type[Kind]) -> Iterator[Callable[..., Kind]]:
    """Give a function that makes such a sandbox and starts it; all are stopped in the end."""
    made: list[Kind] = []
    clocked = by(clock, kind)

    def make(**options: Any) -> Kind:
        sandbox = clocked(**options)
        sandbox.start()
        made.append(sandbox)
        return sandbox

    try:
        yield make
    finally:
        for sandbox in made:
            sandbox.stop()
