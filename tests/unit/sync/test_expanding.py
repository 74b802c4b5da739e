"""Readers whose pages tell versions only: records that cannot be fetched this time are fetched the next time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import msgspec
import pytest

from obmen.connector import reader
from obmen.errors import Later, Refused
from obmen.records import Native, Page, decode_json
from obmen.state import quarantine
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


class _Refusing(_Versions):
    """Tells versions since a cursor; what is fetched of those in ``waits`` is refused."""

    waits: frozenset[str] = frozenset()

    @reader("product", key="id")
    def products(self, cursor: str | None) -> Iterator[Page]:
        """Read all versions; a cursor means nothing here."""
        del cursor
        natives = list(self.peer.of("product").values())
        ids = [str(native["id"]) for native in natives]
        yield Page([msgspec.json.encode(native) for native in natives], ids=ids, expand=self._expanded)

    def _expanded(self, raws: Sequence[bytes]) -> Iterator[list[Native] | Refused]:
        for raw in raws:
            (native,) = decode_json(raw)
            waits = native["id"] in self.waits and not native.get("mended")
            yield Refused("A person must see to it.", code="waits") if waits else [native]


def test_what_could_not_be_fetched_is_one_records_and_closes_once_it_can_be(world: World) -> None:
    world.erp.put("product", *(product(n) for n in range(3)))
    source = _Refusing("erp", world.erp, clock=world.clock)
    flow = replace(next(flow for flow in world.flows() if flow.name == "products"), source=source)

    def waiting() -> list[tuple[str, str]]:
        Engine(world.ledger, [flow]).sync((), patience=60.0)
        with world.ledger.read() as tx:
            return [(entry.source, entry.code) for entry in quarantine.entries(tx)]

    ids = [str(native["id"]) for native in world.erp.of("product").values()]
    source.waits = frozenset({ids[1]})
    assert waiting() == [(ids[1], "waits")]
    assert waiting() == [(ids[1], "waits")]
    assert len(world.shop.of("product")) == 2
    world.erp.put("product", {**product(1), "mended": True})
    assert waiting() == []
    assert len(world.shop.of("product")) == 3
