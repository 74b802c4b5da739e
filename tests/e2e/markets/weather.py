"""Bad weather for a seller's life: every fault of the sandboxes, and a process that dies at any step, by a seed."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from contextlib import suppress

from obmen.sync.steps import Step
from obmen.testing.sandbox import Fault
from tests.e2e.markets.life import Life, quiet

SHARE = 0.03
SEEDS = range(int(os.environ.get("OBMEN_SEEDS", "1")))
"""As many as are asked for: one in every test run, OBMEN_SEEDS=200 for all that were ever tried at once."""
_KINDS: tuple[Callable[[], Fault], ...] = (
    lambda: Fault(kind="status", status=429, retry_after="3"),
    lambda: Fault(kind="status", status=429),
    lambda: Fault(kind="status", status=503, retry_after="2"),
    lambda: Fault(kind="status", status=500),
    lambda: Fault(kind="status_after", status=500),
    lambda: Fault(kind="status_after", status=504),
    lambda: Fault(kind="drop"),
    lambda: Fault(kind="drop_after"),
    lambda: Fault(kind="html"),
    lambda: Fault(kind="truncate"),
)
_DEATHS = 0.004
_RUNS = 5 if "OBMEN_SEEDS" in os.environ else 3
STORM_GOODS, STORM_ORDERS = (12, 5) if "OBMEN_SEEDS" in os.environ else (6, 3)


class Death(BaseException):
    """The process dies here."""


def storm(life: Life, seed: int) -> None:
    """Let it begin: about one call in four fails in one way or another, and now and then the process dies."""
    chance = random.Random(seed)
    for sandbox in (life.cabinet.sandbox, life.ut):
        sandbox.random.seed(seed)
        sandbox.faults[:] = [_lasting(make()) for make in _KINDS]
        sandbox.faults += [_lasting(Fault(kind="custom", name=name)) for name in _own(life, sandbox)]

    def die(_step: Step) -> None:
        if chance.random() < _DEATHS:
            raise Death

    life.on_step = die


def calm(life: Life) -> None:
    """Let it end, and all come to rest."""
    for sandbox in (life.cabinet.sandbox, life.ut):
        sandbox.faults.clear()
    life.on_step = None
    quiet(life)


class Storms:
    """Rests that begin with bad weather: some runs in it, then calm, and all agrees."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def __call__(self, life: Life) -> None:
        """Run through one storm and come to rest."""
        self._seed += 1000
        storm(life, self._seed)
        for _ in range(_RUNS):
            with suppress(Death):
                life.run()
            life.cabinet.rest()
        calm(life)


def _own(life: Life, sandbox: object) -> tuple[str, ...]:
    return life.cabinet.troubles if sandbox is life.cabinet.sandbox else ("lock", "no_licence", "html_200")


def _lasting(fault: Fault) -> Fault:
    fault.times, fault.share = None, SHARE
    return fault
