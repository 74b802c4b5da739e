"""What the machines of chance share: something happens after so many steps, and the process may die of it."""

from __future__ import annotations

from collections.abc import Callable

from obmen.sync.steps import Step
from tests.crash.world import Crash


def die() -> None:
    """Let the process die here."""
    raise Crash


def after(steps: int, happens: Callable[[], None]) -> Callable[[Step], None]:
    """Return what the engine calls at each step: once, after so many, something happens."""
    left = [steps]

    def on_step(_step: Step) -> None:
        left[0] -= 1
        if left[0] == -1:
            happens()

    return on_step
