"""A base, a connection to it, and what an engine does with a record whose fate is unknown."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from connectors.onec import OneC
from connectors.onec.sandbox import OneCSandbox, references
from obmen.errors import InDoubt, Unavailable
from obmen.records import Batch, Item, Native, Outcome
from obmen.testing.clock import FakeClock
from obmen.testing.sandbox import Fault
from tests.clocked import by

SHIRT = "f06588ab-7924-11df-b33a-0011955cba6b"
SHIRT_RED = f"{SHIRT}#b02e2816-720f-11df-b436-0015e92f2802"
NUMBER = "0112233-0001-1"


@contextmanager
def connected(clock: FakeClock | None = None, **changes: Any) -> Iterator[tuple[OneC, OneCSandbox]]:
    """A running base and a connection to it; ``sandbox`` holds the sandbox's own options."""
    moving = clock or FakeClock()

    with by(moving, OneCSandbox)(journal=True, **changes.pop("sandbox", {})) as sandbox:
        onec = connection(sandbox.url, moving, **changes)
        try:
            yield onec, sandbox
        finally:
            onec.close()


def connection(base: str, clock: FakeClock, **changes: Any) -> OneC:
    known: dict[str, Any] = {
        "url": f"{base}/trade",
        "username": references.USERNAME,
        "password": references.PASSWORD,
        "order": references.ORDER_OPTIONS,
    }
    return OneC("ut", OneC.Options(**{**known, **changes}), clock=clock)


def payload(number: str = NUMBER, channel: str = "ozon", **changes: Any) -> Native:
    return {
        "Канал": channel,
        "НомерПоДаннымКлиента": number,
        "Date": "2026-06-15T09:50:09",
        "Валюта_Key": references.ROUBLE,
        "ХозяйственнаяОперация": "РеализацияКлиенту",
        "ПорядокРасчетов": "ПоЗаказам",
        "СпособДоставки": "Самовывоз",
        "Товары": [
            {"Товар": SHIRT, "Количество": 2, "Цена": Decimal("1990.5")},
            {"Товар": SHIRT_RED, "Количество": 1, "Цена": Decimal(300)},
        ],
        **changes,
    }


def item(body: Native, attempt: int = 1) -> Item:
    return Item(id=f"{body['Канал']}|{body['НомерПоДаннымКлиента']}", payload=body, attempt=attempt)


def write(onec: OneC, body: Native, attempt: int = 1) -> Outcome:
    (outcome,) = onec.write("order", Batch([item(body, attempt)]))
    return outcome


def deliver(onec: OneC, body: Native, tries: int = 8) -> Outcome:
    """Say it until its fate is known, looking before each repeat, as the engine does."""
    doubtful = False
    for attempt in range(1, tries + 1):
        try:
            found = onec.find("order", item(body)) if doubtful else None
            if found is not None:
                return Outcome(item(body).id, "done", native_id=found)
            outcome = write(onec, body, attempt)
        except (InDoubt, Unavailable):
            doubtful = True
            continue
        if outcome.kind != "later":
            return outcome
    message = "the fate of the order is still unknown"
    raise AssertionError(message)


def set_status(onec: OneC, ref: str, state: str, *, attempt: int = 1, **more: Any) -> Outcome:
    body = {"Ref_Key": ref, "Состояние": state, **more}
    (outcome,) = onec.write("order_status", Batch([Item(id=ref, payload=body, attempt=attempt)]))
    return outcome


def states(onec: OneC, cursor: str | None = None) -> dict[str, str]:
    """Return client's number → Состояние as the reader gives it."""
    return {
        native["НомерПоДаннымКлиента"]: native["Состояние"]
        for page in onec.read("order_status", cursor)
        for raw in page.slices
        for native in page.decode(raw)
    }


def writes(sandbox: OneCSandbox) -> list[str]:
    return [f"{exchange.method} {exchange.path}" for exchange in sandbox.journal if exchange.method != "GET"]


def custom(name: str, match: str = ".*", **more: Any) -> Fault:
    return Fault(kind="custom", name=name, match=match, **more)
