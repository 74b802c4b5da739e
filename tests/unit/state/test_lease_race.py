"""A right that was never held before is given to one alone, however many ask for it at the same moment."""

from __future__ import annotations

import threading
from contextlib import ExitStack

from obmen.errors import Busy
from obmen.state import Ledger

ASKING, NAMES = 6, 12


def test_a_new_lease_is_given_once(state_url: str) -> None:
    for number in range(NAMES):
        barrier, ended = threading.Barrier(ASKING), threading.Barrier(ASKING)
        got: list[int] = []
        busy: list[int] = []

        def ask(
            one: int, name: str, barrier: threading.Barrier, ended: threading.Barrier, got: list[int], busy: list[int]
        ) -> None:
            ledger = Ledger(state_url)
            with ExitStack() as held:
                barrier.wait(30)
                try:
                    held.enter_context(ledger.lease(name))
                    got.append(one)
                except Busy:
                    busy.append(one)
                ended.wait(30)
            ledger.close()

        Ledger(state_url).close()
        threads = [
            threading.Thread(target=ask, args=(one, f"flow-{number}", barrier, ended, got, busy))
            for one in range(ASKING)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(got), len(busy)) == (1, ASKING - 1)
