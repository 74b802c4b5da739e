"""Readers whose pages tell versions only: records that cannot be fetched this time are fetched the next time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import msgspec
import pytest

from obmen.connector import reader
from obmen.errors import Later
from obmen.records import Native, Page, decode_json
from obmen.sync.engine import Engine
from obmen.testing.peer import PeerConnector
from tests.crash.world import World, product

PAGE = 2


class _Versions(PeerConnector):
    """Tells versions; the call that fetches page number ``fails_at`` fails once."""

    fails_at: int | None = None
    since = False

    @reader("product", key="id", complete=True)
    def products(self, cursor: str | None) -> Iterator[Page]:
        """Read versions, all of them or those since the cursor."""
        slices = [msgspec.json.encode(native) for native in self.peer.of("product").values()]
        for start in range(int(cursor or 0), len(slices), PAGE):
            some = slices[start : start + PAGE]
            yield Page(some, cursor=str(start + len(some)) if self.since else None, expand=self._fetcher(start // PAGE))

    def _fetcher(self, number: int) -> Callable[[Sequence[bytes]], Iterable[Iterable[Native]]]:
        def fetch(raws: Sequence[bytes]) -> Iterable[Iterable[Native]]:
            if number == self.fails_at:
                self.fails_at = None
                raise Later("somebody else holds it")
            return [decode_json(raw) for raw in raws]

        return fetch


@pytest.mark.parametrize("since", [False, True])
@pytest.mark.parametrize("page", range(4))
def test_a_fetch_that_fails_loses_nothing(world: World, page: int, since: bool) -> None:
    world.erp.put("product", *(product(n) for n in range(4 * PAGE)))
    source = _Versions("erp", world.erp, clock=world.clock)
    source.fails_at, source.since = page, since
    if since:
        source.readers = {**source.readers, "product": replace(source.readers["product"], complete=False)}
    flow = replace(next(flow for flow in world.flows() if flow.name == "products"), source=source)
    (failed,) = Engine(world.ledger, [flow]).sync((), patience=60.0)
    assert failed.trouble
    (report,) = Engine(world.ledger, [flow]).sync((), patience=60.0)
    assert not report.trouble
    assert len(world.shop.of("product")) == 4 * PAGE
