"""A cabinet, a connection to it, and a clock that both live by."""

import time
from collections.abc import Callable, Iterator

import pytest

from connectors.ozon import Ozon
from connectors.ozon.sandbox import OzonSandbox
from obmen.records import Batch, Item, Native, Outcome, natural_id, pick
from obmen.testing.sandbox import Request, Response
from tests.clocked import Clock, started


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_sandbox(clock: Clock) -> Iterator[Callable[..., OzonSandbox]]:
    with started(clock, OzonSandbox) as make:
        yield make


@pytest.fixture
def sandbox(make_sandbox: Callable[..., OzonSandbox]) -> OzonSandbox:
    return make_sandbox(journal=True)


@pytest.fixture
def connect(clock: Clock) -> Iterator[Callable[..., Ozon]]:
    made: list[Ozon] = []

    def connect_to(sandbox: OzonSandbox, **options: object) -> Ozon:
        known = {
            "client_id": sandbox.client_id,
            "api_key": sandbox.api_key,
            "url": sandbox.url,
            "warehouses": dict(sandbox.warehouses),
        }
        ozon = Ozon("ozon", Ozon.Options(**{**known, **options}), clock=clock)
        made.append(ozon)
        return ozon

    yield connect_to
    for ozon in made:
        ozon.close()


@pytest.fixture
def ozon(connect: Callable[..., Ozon], sandbox: OzonSandbox) -> Ozon:
    return connect(sandbox)


def card(offer_id: str, **changes: object) -> Native:
    return {
        "offer_id": offer_id,
        "name": f"Товар {offer_id}",
        "price": "1990.00",
        "old_price": "0",
        "currency_code": "RUB",
        "vat": "0.2",
        "description_category_id": 17000001,
        "type_id": 91000001,
        "depth": 400,
        "width": 300,
        "height": 80,
        "dimension_unit": "mm",
        "weight": 950,
        "weight_unit": "g",
        "barcode": "4600000000015",
        "images": ["https://img.example/1.jpg"],
        **changes,
    }


def batch(key: str | tuple[str, ...], *payloads: Native, native_ids: dict[str, str] | None = None) -> Batch:
    known = native_ids or {}
    return Batch([Item(id=pick(p, key), payload=p, native_id=known.get(natural_id(pick(p, key)))) for p in payloads])


def stock(offer_id: str, product_id: str | int, warehouse_id: int, amount: int) -> Native:
    return {
        "offer_id": offer_id,
        "product_id": int(product_id),
        "warehouse_id": warehouse_id,
        "stock": amount,
    }


def sell(ozon: Ozon, *offer_ids: str, amount: int = 10, warehouse: str = "Основной") -> dict[str, str]:
    """Put cards into the cabinet with stock, through the connector; return their product ids."""
    cards = batch("offer_id", *(card(offer_id) for offer_id in offer_ids))
    tickets = {outcome.ticket for outcome in ozon.write("product", cards)}
    ids: dict[str, str] = {}
    deadline = time.monotonic() + 10
    while len(ids) < len(offer_ids) and time.monotonic() < deadline:
        for ticket in tickets:
            ids |= {o.id: o.native_id for o in ozon.poll("product", ticket, cards) if o.native_id}
    rows = [stock(i, ids[i], ozon.options.warehouses[warehouse], amount) for i in offer_ids]
    pairs = batch(("offer_id", "warehouse_id"), *rows)
    assert all(outcome.kind == "done" for outcome in ozon.write("stock", pairs))
    return ids


def settled(ozon: Ozon, items: Batch) -> dict[str, Outcome]:
    """Import cards and ask until Ozon has told of each; return the outcomes by article."""
    found: dict[str, Outcome] = {}
    tickets: set[str] = set()
    for outcome in ozon.write("product", items):
        if outcome.kind == "accepted":
            tickets.add(outcome.ticket)
        else:
            found[outcome.id] = outcome
    for _ in range(6):
        for ticket in tickets:
            waiting = Batch([item for item in items.items if item.id not in found])
            found |= {outcome.id: outcome for outcome in ozon.poll("product", ticket, waiting)}
    return found


def put(ozon: Ozon, *payloads: Native, **known: object) -> dict[str, str]:
    """Import cards; return what became of each, the refused ones by Ozon's codes."""
    outcomes = settled(ozon, batch("offer_id", *payloads, **known))
    return {id_: one.kind if one.kind != "refused" else one.errors[0].code for id_, one in outcomes.items()}


class Canned(OzonSandbox):
    """A cabinet that answers some paths with what a test says, in turn; the last answer stays."""

    def __init__(self, answers: dict[str, list[object]]) -> None:
        self.answers = answers
        super().__init__()

    def before(self, request: Request) -> Response | None:
        refused = super().before(request)
        if refused is not None or request.path not in self.answers:
            return refused
        turn = self.answers[request.path]
        answer = turn.pop(0) if len(turn) > 1 else turn[0]
        return answer if isinstance(answer, Response) else Response(json=answer)


@pytest.fixture
def canned(connect: Callable[..., Ozon]) -> Iterator[Callable[..., Ozon]]:
    started: list[Canned] = []

    def answering(answers: dict[str, list[object]], **options: object) -> Ozon:
        sandbox = Canned(answers)
        sandbox.start()
        started.append(sandbox)
        return connect(sandbox, **options)

    yield answering
    for sandbox in started:
        sandbox.stop()


def natives(ozon: Ozon, entity: str, cursor: str | None = None) -> list[Native]:
    pages = ozon.read(entity, cursor)
    return [native for page in pages for raw in page.slices for native in page.decode(raw)]
