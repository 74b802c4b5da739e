"""Bad weather for a seller's life: every fault of the sandboxes, and a process that dies at any step, by a seed."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus
from io import BytesIO

from obmen.endpoint import Request, Response
from obmen.sync.assemble import Assembly
from obmen.sync.doorbell import Doorbell
from obmen.sync.steps import Step
from obmen.testing.sandbox import Fault
from tests.e2e.markets.life import MARKET, Life, agrees

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
_PATIENCE, _SILENCE = 0.2, 0.4
"""Seconds that really pass: how long an answer is waited for in a storm, and how long one is late."""
_SLOW: tuple[Callable[[], Fault], ...] = (
    lambda: Fault(kind="hang", seconds=_SILENCE),
    lambda: Fault(kind="hang_after", seconds=_SILENCE),
    lambda: Fault(kind="slow", seconds=_SILENCE),
)
_SLOW_SHARE = 0.01 if "OBMEN_SEEDS" in os.environ else 0.0025
_DEATHS = 0.004
_RUNS = 5 if "OBMEN_SEEDS" in os.environ else 2
STORM_GOODS, STORM_ORDERS = (12, 5) if "OBMEN_SEEDS" in os.environ else (6, 3)


class Death(BaseException):
    """The process dies here."""


def storm(life: Life, seed: int) -> None:
    """Let it begin: about one call in four fails in one way or another, and now and then the process dies."""
    chance = random.Random(seed)
    for sandbox in (life.cabinet.sandbox, life.ut):
        sandbox.random.seed(seed)
        sandbox.faults[:] = [_lasting(make(), _SLOW_SHARE) for make in _SLOW]
        sandbox.faults += [_lasting(make()) for make in _KINDS]
        sandbox.faults += [_lasting(Fault(kind="custom", name=name)) for name in _own(life, sandbox)]

    def die(_step: Step) -> None:
        if chance.random() < _DEATHS:
            raise Death

    def begin(assembly: Assembly) -> None:
        _lose_patience(assembly)
        _let_it_push(life, assembly)

    life.on_step, life.on_start = die, begin


def calm(life: Life) -> None:
    """Let it end, have what was refused or swallowed said again, and all come to rest."""
    for sandbox in (life.cabinet.sandbox, life.ut):
        sandbox.faults.clear()
    life.on_step = life.on_start = None
    life.cabinet.mend()
    life.settle(again=life.cabinet.refusals)
    for entity in sorted(life.cabinet.unseen):
        life.read_back(entity)
        life.settle()
    agrees(life)


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


def _lose_patience(assembly: Assembly) -> None:
    """Whoever does not answer at once is waited for no longer."""
    for connector in assembly.connectors.values():
        connector.http.transport = replace(connector.http.transport, timeout=(_PATIENCE, _PATIENCE))


def _let_it_push(life: Life, assembly: Assembly) -> None:
    """Have the cabinet push what happened, as it does beside a run."""
    connector = assembly.connectors[MARKET]
    connector.tell = Doorbell(life.ledger, MARKET, assembly.flows).ring
    endpoint = connector.endpoint()
    if endpoint is not None:
        life.cabinet.tell(
            lambda path, body: _taken(endpoint.handle(Request("POST", path, {}, {}, BytesIO(body), "127.0.0.1")))
        )
        endpoint.close()


def _taken(answer: Response) -> None:
    assert answer.status == HTTPStatus.OK


def _own(life: Life, sandbox: object) -> tuple[str, ...]:
    return life.cabinet.troubles if sandbox is life.cabinet.sandbox else ("lock", "no_licence", "html_200")


def _lasting(fault: Fault, share: float = SHARE) -> Fault:
    fault.times, fault.share = None, share
    return fault
