"""A cabinet with goods to sell, a connection to it, and a clock that both live by."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC
from functools import lru_cache
from pathlib import Path

import msgspec
import pytest

from connectors.wildberries import Wildberries
from connectors.wildberries.sandbox import WildberriesSandbox
from connectors.wildberries.sandbox.cabinet import Card, Size
from obmen.entities import ENTITIES, Record
from obmen.mapping import BoundMapping, Context, load_mapping
from obmen.records import Batch, Item, Native
from obmen.state import Ledger
from obmen.sync.assemble import equip
from tests.clocked import Clock, started

FOLDER = Path(__file__).resolve().parents[4] / "mappings" / "wildberries"
NM, CHRT = 100_000_001, 500_000_001


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_sandbox(clock: Clock) -> Iterator[Callable[..., WildberriesSandbox]]:
    with started(clock, WildberriesSandbox) as make:
        yield make


@pytest.fixture
def sandbox(make_sandbox: Callable[..., WildberriesSandbox]) -> WildberriesSandbox:
    made = make_sandbox(journal=True)
    stock_up(made, "A-1", "A-2")
    return made


@pytest.fixture
def connect(clock: Clock) -> Iterator[Callable[..., Wildberries]]:
    made: list[Wildberries] = []

    def connect_to(sandbox: WildberriesSandbox, **options: object) -> Wildberries:
        known = {name: value for name, value in sandbox.connection().items() if name in {"url", "token", "warehouses"}}
        wb = Wildberries("wb", Wildberries.Options(**{**known, **options}), clock=clock)
        made.append(wb)
        return wb

    yield connect_to
    for wb in made:
        wb.close()


@pytest.fixture
def connect_anew(
    connect: Callable[..., Wildberries], clock: Clock, blank_ledger: Path, tmp_path: Path
) -> Iterator[Callable[..., Wildberries]]:
    """Connect as a process does that was just started: it knows what the state keeps, and no more."""
    ledger = Ledger(f"sqlite:///{shutil.copy(blank_ledger, tmp_path / 'state.db')}", clock=clock)

    def connect_to(sandbox: WildberriesSandbox, **options: object) -> Wildberries:
        wb = connect(sandbox, **options)
        equip(wb, ledger)
        return wb

    yield connect_to
    ledger.close()


@pytest.fixture
def wb(connect: Callable[..., Wildberries], sandbox: WildberriesSandbox) -> Wildberries:
    return connect(sandbox)


def stock_up(sandbox: WildberriesSandbox, *articles: str, amount: int = 10_000, price: int = 1990) -> None:
    """Put cards of one size into the cabinet, with a price and stock in every warehouse."""
    for article in articles:
        number = len(sandbox.cards)
        stocks = dict.fromkeys(sandbox.warehouses.values(), amount)
        size = Size(CHRT + number, "0", "", [f"46000000{number:05d}"], stocks)
        now = sandbox.now()
        card = Card(NM + number, NM + number, article, 105, [size], now, now, now, price=price, discount=10)
        sandbox.cards[card.nm_id] = card


def natives(wb: Wildberries, entity: str, cursor: str | None = None) -> list[Native]:
    return read(wb, entity, cursor)[0]


def read(wb: Wildberries, entity: str, cursor: str | None = None) -> tuple[list[Native], str | None]:
    """Return what a pass brings and the cursor of the next; only the last page may carry it."""
    pages = list(wb.read(entity, cursor))
    assert [page.cursor for page in pages[:-1]] == [None] * (len(pages) - 1)
    found = []
    for page in pages:
        several = page.expand(page.slices) if page.expand else [page.decode(raw) for raw in page.slices]
        found += [native for some in several for native in some]
    return found, pages[-1].cursor if pages else None


def item(number: str, wanted: str, *marks: str, **more: object) -> Item:
    packages = {"packages": [{"lines": [{"marks": list(marks)}]}]} if marks else {}
    return Item(id=number, payload={"id": number, "status": wanted, **packages, **more})


def put(wb: Wildberries, *items: Item) -> dict[str, object]:
    """Say steps in one batch; return the outcome of each order."""
    return {outcome.id: outcome for outcome in wb.write("order_status", Batch(list(items)))}


def step(wb: Wildberries, wanted: str, *ids: str, **more: object) -> list[str]:
    """Say one step of some orders; return what came of each."""
    outcomes = put(wb, *(item(number, wanted, **more) for number in ids))
    return [outcomes[number].kind for number in ids]


def sent(sandbox: WildberriesSandbox, method: str, ending: str) -> list[Native]:
    """Return the bodies of the calls that were made of a method."""
    exchanges = [e for e in sandbox.journal if e.method == method and e.path.endswith(ending)]
    return [msgspec.json.decode(e.request_body) if e.request_body else dict(e.query) for e in exchanges]


def refusals(sandbox: WildberriesSandbox) -> list[str]:
    """Return the calls that were answered with 4xx, each of which costs ten."""
    return [f"{e.method} {e.path} {e.status}" for e in sandbox.journal if 400 <= e.status < 500]


@lru_cache
def bound(entity: str, folder: str = "") -> BoundMapping:
    options = {"warehouses": {"Основной": 501001, "Запасной": 501002}}
    return load_mapping(FOLDER / folder / f"{entity}.yaml").bind(Context("wb", options, UTC))


def canonical(
    entity: str, native: Native, *, folder: str = "", refs: dict[tuple[str, str], str] | None = None
) -> Record:
    return ENTITIES[entity].model_validate(bound(entity, folder).pull(native, refs or {}))
