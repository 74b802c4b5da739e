"""A machine's clock that is set, forth or back, changes nothing of when what failed is tried again."""

from __future__ import annotations

from pathlib import Path

import pytest

from obmen.state import Ledger, clocks, outbox
from obmen.state.clocks import Offset
from obmen.testing.peer import Peer
from tests.crash.world import price, product
from tests.driven import Driven, StoryClock
from tests.unit.daemon.kit import loaded, written

DAY, TICK = 86400.0, 15
FLOWS = """
goods: { entity: product, from: erp, to: shop, every: 1m }
prices: { entity: price, from: erp, to: shop, every: 5m, verify: off }
"""


class Life:
    """A service between two peers, of which one loses its answers: what it is told is said again and again."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.clock, self.peers = StoryClock(), {"erp": Peer(), "shop": Peer()}
        file = written(folder, self.peers, FLOWS)
        self.ledger = Ledger(f"sqlite:///{folder}/state.db", clock=self.clock)
        self.driven = Driven(self.ledger, self.clock, lambda: loaded(file, self.peers))
        self.peers["erp"].put("product", product(1))
        self.pass_time(120)
        self.peers["shop"].lose_answers = 7
        self.peers["erp"].put("price", price(1))

    def pass_time(self, seconds: int) -> list[int]:
        """Return how often the shop had been called at each moment."""
        calls = []
        for _ in range(seconds // TICK):
            self.clock.advance(TICK)
            self.driven.turn()
            calls.append(len(self.peers["shop"].calls))
        return calls

    def close(self) -> None:
        self.driven.stop()
        self.ledger.close()


def told(folder: Path, jump: float) -> list[int]:
    life = Life(folder)
    calls = life.pass_time(390)
    life.clock.jump(jump)
    calls += life.pass_time(180)
    life.close()
    assert life.peers["shop"].of("price")["SKU-1|BASE"]["amount"] == "100.00"
    return calls


def test_what_failed_is_tried_again_when_it_would_have_been(tmp_path: Path) -> None:
    usual = told(tmp_path / "usual", 0.0)
    assert usual[390 // TICK - 1] < usual[-1], "it was to be said again when the clock was set"
    assert told(tmp_path / "back", -DAY) == usual
    assert told(tmp_path / "forth", DAY) == usual


def test_what_waits_by_another_clock_goes_on_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of this machine alone was set, not that of the state: it is wrong, and what it would change is not."""
    life = Life(tmp_path)
    life.pass_time(390)
    before = waits(life)
    monkeypatch.setattr(clocks, "offset", lambda _ledger: Offset(DAY, 0.0, 0.0))
    life.clock.jump(DAY)
    life.pass_time(30)
    assert waits(life) == before
    monkeypatch.setattr(clocks, "offset", lambda _ledger: Offset(0.0, 0.0, 0.0))
    life.clock.jump(-DAY)
    life.driven.turn()
    assert waits(life) == before
    life.close()


def waits(life: Life) -> list[float]:
    with life.ledger.read() as tx:
        return [row.not_before for row in outbox.listing(tx, "prices", "shop", "price")]
