"""A cabinet, a connection to it, and a clock that both live by."""

from collections.abc import Callable, Iterator

import pytest

from connectors.wildberries import Wildberries
from connectors.wildberries.sandbox import WildberriesSandbox
from obmen.records import Batch, Item, Native, Outcome, natural_id, pick
from obmen.testing.clock import FakeClock
from tests.clocked import started

CARD = ("vendorCode", "techSize")
PAIR = ("product", "warehouse_id")
MAIN, SPARE = 501001, 501002


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def make_sandbox(clock: FakeClock) -> Iterator[Callable[..., WildberriesSandbox]]:
    with started(clock, WildberriesSandbox) as make:
        yield make


@pytest.fixture
def sandbox(make_sandbox: Callable[..., WildberriesSandbox]) -> WildberriesSandbox:
    return make_sandbox()


@pytest.fixture
def connect(clock: FakeClock) -> Iterator[Callable[..., Wildberries]]:
    made: list[Wildberries] = []

    def connect_to(sandbox: WildberriesSandbox, **options: object) -> Wildberries:
        known = {**sandbox.connection(), **options}
        wb = Wildberries("wb", Wildberries.Options(**known), clock=clock)
        made.append(wb)
        return wb

    yield connect_to
    for wb in made:
        wb.close()


@pytest.fixture
def wb(connect: Callable[..., Wildberries], sandbox: WildberriesSandbox) -> Wildberries:
    return connect(sandbox)


def card(code: str, **changes: object) -> Native:
    return {
        "vendorCode": code,
        "techSize": "0",
        "title": f"Кружка {code}",
        "brand": "Выдумкино",
        "description": "Для чая.",
        "category": "105",
        "attributes": [{"attribute": "Объем", "values": ["350"], "unit": "мл"}],
        "vat": "20",
        "skus": [f"46{code}"],
        "dimensions": {"length_mm": 105, "width_mm": 90, "height_mm": 100, "weight_kg": "0.35"},
        **changes,
    }


def batch(key: str | tuple[str, ...], *payloads: Native, ids: dict[str, str] | None = None, attempt: int = 1) -> Batch:
    known = ids or {}
    items = [
        Item(id=pick(one, key), payload=one, native_id=known.get(natural_id(pick(one, key))), attempt=attempt)
        for one in payloads
    ]
    return Batch(items)


def price(product: str, amount: str, old: str | None = None) -> Native:
    native: Native = {"product": product, "amount": amount, "currency": "RUB"}
    return native if old is None else {**native, "old_amount": old}


def stock(product: str, amount: int, warehouse: int = MAIN) -> Native:
    return {"product": product, "warehouse_id": warehouse, "amount": amount}


def settled(wb: Wildberries, clock: FakeClock, entity: str, items: Batch, polls: int = 5) -> dict[str, Outcome]:
    """Write, and ask until every record came to an outcome."""
    outcomes = {outcome.id: outcome for outcome in wb.write(entity, items)}
    for _ in range(polls):
        tickets = {outcome.ticket for outcome in outcomes.values() if outcome.kind == "accepted"}
        for ticket in tickets:
            waiting = Batch([item for item in items.items if outcomes[item.id].ticket == ticket])
            outcomes |= {outcome.id: outcome for outcome in wb.poll(entity, ticket, waiting)}
        clock.advance(10)
    return outcomes


def kinds(outcomes: object) -> dict[str, str]:
    rows = outcomes.values() if isinstance(outcomes, dict) else outcomes
    return {outcome.id: outcome.kind for outcome in rows}


def natives(wb: Wildberries, entity: str, cursor: str | None = None) -> list[Native]:
    return [one for page in wb.read(entity, cursor) for raw in page.slices for one in page.decode(raw)]


def added(sandbox: WildberriesSandbox, code: str, **told: object) -> str:
    """Put a card into the cabinet; return its native id."""
    made = sandbox.add_card(code, **told)
    return f"{made.nm_id}:{made.sizes[0].chrt_id}"
