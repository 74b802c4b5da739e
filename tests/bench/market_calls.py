"""How many calls a seller's life costs beside the fewest that it could: ``python -m tests.bench.market_calls``.

The life is that of the end-to-end tests, without faults. The fewest: for what is written, as many calls as fill the
vendor's batches, run by run; for what is read, one for each full page, and in each run one for each list that he keeps
it in (``LISTS``); for what was accepted and is asked after, one for each full batch of what came to an outcome. Calls
beyond that are what a connector asks besides: categories, orders that it looks at before it changes them, steps that
the vendor takes one at a time, days and tasks that are not done yet. They are not to become more: ``MOST``.
"""

from __future__ import annotations

import argparse
import logging
import math
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import structlog

from obmen.records import Batch, Op
from obmen.sync.assemble import Assembly
from tests.e2e.markets.cabinet import Cabinet
from tests.e2e.markets.life import Life, whole_life
from tests.e2e.markets.ozon import OzonCabinet
from tests.e2e.markets.wildberries import WildberriesCabinet
from tests.e2e.markets.yandex_market import YandexMarketCabinet

CABINETS: dict[str, Callable[[], Cabinet]] = {
    "ozon": OzonCabinet,
    "yandex_market": YandexMarketCabinet,
    "wildberries": WildberriesCabinet,
}
LISTS: dict[str, dict[str, int]] = {
    "ozon": {"order": 2, "order_status": 2},
    "yandex_market": {"order": 3, "order_status": 0},
    "wildberries": {"order": 2, "order_status": 2, "return": 3},
}
"""Lists that one reading has to go through, where they are several.

Ozon: postings to be shipped, and those that changed. Market: orders by the month in which they were placed, for three
months (for one at the very first reading); the same answers tell the statuses. Wildberries: new orders and those since;
open claims, those in the archive, and goods on their way.
"""
MOST = {"ozon": 1.5, "yandex_market": 1.1, "wildberries": 1.2}
"""How many times the fewest a life's calls may be; Ozon tells accruals by the day, a month back at first.

Beside it one for each category's attributes, and two for each step that is said of an order: a look, and the step.
"""
_CATEGORIES = 10
_MARKET = "market"
_HEAD = ("entity", "what", "records", "calls", "fewest")
_WIDTHS = (14, 8, 9, 7, 8)
Work = tuple[str, str]
"""An entity and what is done: read, write, poll, look up."""
Element = TypeVar("Element")


class Calls:
    """Counts the calls that one life makes, by what they are made for."""

    def __init__(self, life: Life) -> None:
        self.vendor = life.cabinet.connector
        self.made: Counter[Work] = Counter()
        self.records: Counter[Work] = Counter()
        self.fewest: Counter[Work] = Counter()
        self._now: Work = ("", "")
        self._of_run: defaultdict[tuple[Work, int], int] = defaultdict(int)
        self._pages: Counter[Work] = Counter()
        life.on_start = self._watch
        handle = life.cabinet.sandbox.handle

        def counted(request: Any) -> Any:
            self.made[self._now] += 1
            return handle(request)

        life.cabinet.sandbox.handle = counted  # type: ignore[method-assign] # every call goes through it

    def _watch(self, assembly: Assembly) -> None:
        """Note what the connector of a run that begins is asked to do."""
        self.close_run()
        connector = assembly.connectors[_MARKET]
        read, write, poll, look_up = connector.read, connector.write, connector.poll, connector.look_up

        def reading(entity: str, cursor: str | None) -> Iterator[Any]:
            work = (entity, "read")
            self._of_run[work, 0] += 0
            for page in self._during(work, read(entity, cursor)):
                self._count(work, 0, len(page.slices))
                self._pages[work] = max(self._pages[work], len(page.slices))
                yield page

        def writing(entity: str, batch: Batch, op: Op = "put") -> Iterator[Any]:
            work = (entity, "write")
            self._count(work, connector.writers[entity, op].batch, len(batch))
            return self._during(work, write(entity, batch, op))

        def polling(entity: str, ticket: str, batch: Batch) -> Iterator[Any]:
            work = (entity, "poll")
            for outcome in self._during(work, poll(entity, ticket, batch)):
                ended = outcome.kind != "accepted"
                self._count(work, connector.writers[entity, "put"].batch, int(ended))
                yield outcome

        def looking(entity: str, ids: Sequence[str]) -> Iterator[Any]:
            work = (entity, "look up")
            self._count(work, connector.lookups[entity].batch, len(ids))
            return self._during(work, look_up(entity, ids))

        vars(connector).update(read=reading, write=writing, poll=polling, look_up=looking)

    def _count(self, work: Work, batch: int, records: int) -> None:
        self.records[work] += records
        self._of_run[work, batch] += records

    def _during(self, work: Work, elements: Iterable[Element]) -> Iterator[Element]:
        """Let what is called from now on be called for this, also while the last element is looked at."""
        iterator = iter(elements)
        while True:
            self._now = work
            try:
                element = next(iterator)
            except StopIteration:
                return
            yield element

    def close_run(self) -> None:
        """Reckon the fewest calls of the run that ended."""
        for (work, batch), records in self._of_run.items():
            size = batch or max(self._pages[work], 1)
            lists = 0 if batch else LISTS.get(self.vendor, {}).get(work[0], 1)
            self.fewest[work] += max(math.ceil(records / size) if batch or lists else 0, lists)
        self._of_run.clear()

    def in_vain(self) -> str:
        """Return what was called too often, as the table tells it; empty if nothing was."""
        self.close_run()
        besides = _CATEGORIES + 2 * self.records["order_status", "write"]
        most = MOST[self.vendor] * self.fewest.total() + besides
        return "" if self.made.total() <= most else "\n".join("  ".join(line) for line in self.table())

    def table(self) -> Iterator[tuple[str, ...]]:
        """Yield the lines, entity by entity, and their sum."""
        self.close_run()
        for work in sorted(set(self.made) | set(self.fewest)):
            yield (*work, *(f"{counts[work]:,}" for counts in (self.records, self.made, self.fewest)))
        yield ("all", "", *(f"{counts.total():,}" for counts in (self.records, self.made, self.fewest)))


def _print(line: Sequence[str]) -> None:
    cells = zip(line, _WIDTHS, strict=True)
    print("  ".join(cell.ljust(width) if at < 2 else cell.rjust(width) for at, (cell, width) in enumerate(cells)))


def main() -> None:
    """Live one life on each marketplace that was named, and print its table."""
    asked = argparse.ArgumentParser(prog="python -m tests.bench.market_calls", description="Calls and the fewest.")
    asked.add_argument("market", nargs="*", choices=[*CABINETS, []], metavar="market", help=", ".join(CABINETS))
    asked.add_argument("--goods", type=int, default=500)
    asked.add_argument("--orders", type=int, default=50)
    options = asked.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    for market in options.market or CABINETS:
        with tempfile.TemporaryDirectory(prefix="obmen-calls-") as folder:
            with Life(Path(folder), CABINETS[market](), goods=options.goods, categories=10) as life:
                calls = Calls(life)
                whole_life(life, options.orders)
            print(f"\n{market}: {options.goods} goods, {options.orders} orders")
            for line in (_HEAD, tuple("-" * width for width in _WIDTHS), *calls.table()):
                _print(line)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
