"""How long what fails is left in peace."""

from __future__ import annotations

import pytest

from obmen.errors import Unavailable
from obmen.testing.clock import FakeClock
from runner.daemon.breaker import LONGEST, TOLERANCE, Breaker

SPENT = Unavailable("the budget of the day is spent", after=6 * 3600.0)


@pytest.mark.parametrize(("tolerance", "pause"), [(0, 6 * 3600.0), (TOLERANCE, LONGEST)])
def test_a_task_waits_as_long_as_it_is_told_and_a_connection_never_so_long(tolerance: int, pause: float) -> None:
    breaker = Breaker(FakeClock(), tolerance)
    for _ in range(tolerance + 1):
        assert not breaker.open
        breaker.failed(SPENT)
    assert breaker.rest == pytest.approx(pause)
    breaker.worked()
    assert not breaker.open
