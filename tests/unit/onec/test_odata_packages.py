"""What people in 1C leave of an order is what is packed; what the channel took out of it is no news to the channel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from connectors.onec.door import one_by_one
from connectors.onec.odata.orders import Orders, order_ref
from connectors.onec.odata.statuses import Statuses
from obmen.entities import Order, OrderStatus
from obmen.errors import InDoubt
from obmen.memory import ShortMemory
from obmen.records import Batch, Item, Native
from obmen.testing.sandbox import Fault
from tests.unit.onec.odata_people_kit import VERSIONS, Opened, bound, natives, opened, pushed
from tests.unit.onec.odata_support import custom

NUMBER = "0112233-0001-1"
REF = order_ref("ozon", NUMBER)
POSTING = r"POST .*/Post\Z"
IDS = {f"A-{n}": f"f06588ab-7924-11df-b33a-00000000000{n}" for n in (1, 2, 3)}
SKUS = {ref: sku for sku, ref in IDS.items()}
THREE = [("A-1", "2", "1990.50"), ("A-2", "1", "300"), ("A-3", "3", "33.33")]


class Desk:
    """A base with an order of a channel, and one Obmen that has a memory."""

    def __init__(self, one: Opened) -> None:
        self.one, self.ut = one, one.ut
        memory = ShortMemory()
        assert one.options.order is not None
        self.orders = Orders(one.base, one.options.order, lambda: memory)
        self.statuses = Statuses(one.base, one.options, one.clock, lambda: memory)
        for sku, ref in IDS.items():
            one.ut.add_good(f"Товар {sku}", sku, ref=ref, stock={"Основной склад": 10})
        self.before: Native | None = None
        self.told(THREE)

    def told(self, lines: Sequence[tuple[str, str, str]], attempt: int = 1) -> str:
        """The channel tells its order; return what came of it."""
        names = ("sku", "quantity", "price")
        fields: dict[str, Any] = {"channel": "ozon", "number": NUMBER, "currency": "RUB"}
        fields |= {"placed_at": "2026-06-15T05:50:09Z", "lines": [dict(zip(names, one, strict=True)) for one in lines]}
        now = pushed("order", Order.model_validate(fields), self.one.options, SKUS)
        native_id = REF if self.before is not None else None
        item = Item(id=f"ozon|{NUMBER}", payload=now, native_id=native_id, before=self.before, attempt=attempt)
        (outcome,) = one_by_one(self.orders.write)(Batch([item]))
        if outcome.kind == "done":
            self.before = now
        return outcome.kind

    def cancel(self, **quantities: int) -> None:
        """A person cancels so much of goods, by the numbers of their SKUs: ``A2=1``."""
        self.ut.cancel_lines(NUMBER, {IDS[f"A-{sku[1:]}"]: quantity for sku, quantity in quantities.items()})

    def rows(self) -> list[Native]:
        return [dict(row) for row in self.ut.order(NUMBER)["Товары"]]

    def native(self) -> Native:
        """Return the order's status; read and looked up are the same."""
        (native,) = natives(self.statuses.read(None))
        assert list(self.statuses.look_up([REF])) == [native]
        return native

    def step(self) -> tuple[str, dict[str, int] | None]:
        """Return the canonical step: its status, and how much of what is packed."""
        refs = {("product", ref): sku for ref, sku in SKUS.items()}
        pull = bound("order_status", self.one.options).pull
        step = OrderStatus.model_validate(pull(self.native(), {**refs, ("order", REF): f"ozon|{NUMBER}"}))
        if step.packages is None:
            return step.status, None
        (package,) = step.packages
        return step.status, {line.sku: int(line.quantity) for line in package.lines}


@pytest.fixture(params=VERSIONS)
def desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    with opened(request.param) as one:
        yield Desk(one)


@pytest.fixture
def newest() -> Iterator[Desk]:
    with opened("11.5.20") as one:
        yield Desk(one)


@pytest.mark.field("E5")
def test_e5_what_a_person_left_of_an_order_is_what_is_packed(desk: Desk) -> None:
    desk.cancel(A2=1, A3=1)
    assert desk.step() == ("confirmed", None), "while it is not packed there is time to think"
    desk.ut.set_status(NUMBER, "КОтгрузке")
    assert desk.step() == ("ready", {"A-1": 2, "A-3": 2})
    desk.ut.ship(NUMBER)
    assert desk.step() == ("shipped", {"A-1": 2, "A-3": 2})
    desk.ut.set_status(NUMBER, "Закрыт")
    assert desk.step() == ("delivered", {"A-1": 2, "A-3": 2})


def test_a_whole_order_is_told_as_it_always_was(desk: Desk) -> None:
    desk.ut.set_status(NUMBER, "КОтгрузке")
    assert (desk.step(), "Упаковки" in desk.native()) == (("ready", None), False)


@pytest.mark.field("E5")
def test_e5_a_line_that_is_split_counts_together(newest: Desk) -> None:
    newest.cancel(A3=1)
    newest.ut.set_status(NUMBER, "КОтгрузке")
    rows = newest.rows()
    at = next(n for n, row in enumerate(rows) if row["Количество"] == 2 and row["Номенклатура_Key"] == IDS["A-3"])
    half = {"Количество": 1, "КоличествоУпаковок": 1}
    rows[at] |= half
    newest.ut.change(REF, Товары=[{**rows[at], **half}, *rows])
    assert newest.step() == ("ready", {"A-1": 2, "A-2": 1, "A-3": 2})
    before = newest.native()
    newest.ut.change(REF, Товары=newest.ut.order(NUMBER)["Товары"][::-1])
    assert newest.native() == before, "the order of lines is nothing to tell anybody"


@pytest.mark.field("E5")
def test_e5_what_the_channel_took_out_is_no_news_to_it(desk: Desk) -> None:
    assert desk.told([THREE[0], ("A-3", "1", "33.33")]) == "done"
    desk.ut.set_status(NUMBER, "КОтгрузке")
    first = desk.native()
    assert desk.step() == ("ready", None)
    assert desk.told([THREE[0]]) == "done"
    assert desk.native() == first, "a buyer gave up one more thing: the order is as ready as it was"


@pytest.mark.field("E5")
def test_e5_what_both_took_out_is_told_with_what_is_left(newest: Desk) -> None:
    newest.told([THREE[0], ("A-3", "2", "33.33")])
    newest.cancel(A3=1)
    newest.ut.set_status(NUMBER, "КОтгрузке")
    packed = ("ready", {"A-1": 2, "A-3": 1})
    assert newest.step() == packed
    newest.told([THREE[0], ("A-3", "1", "33.33")])
    assert newest.step() == packed, "the channel has done as it was told, and is not told again"


@pytest.mark.parametrize("fault", [Fault(kind="drop", match="PATCH .*"), Fault(kind="drop_after", match="PATCH .*")])
@pytest.mark.parametrize("people", [0, 1])
def test_an_answer_that_was_lost_leaves_no_doubt_whose_doing_it_was(newest: Desk, fault: Fault, people: int) -> None:
    newest.cancel(**({"A3": 1} if people else {}))
    newest.ut.faults = [Fault(kind=fault.kind, match=fault.match, times=None)]
    now = [THREE[0], ("A-3", "2", "33.33")] if people else [THREE[0], ("A-3", "1", "33.33")]
    with pytest.raises(InDoubt):
        newest.told(now)
    newest.ut.faults = []
    assert newest.told(now, attempt=2) == "done"
    newest.ut.set_status(NUMBER, "КОтгрузке")
    assert newest.step() == ("ready", {"A-1": 2, "A-3": 2} if people else None)


def test_a_change_that_was_taken_back_was_nobodys_doing(newest: Desk) -> None:
    newest.cancel(A2=1)
    newest.ut.faults = [custom("post_fails", POSTING)]
    assert newest.told([("A-1", "1", "1990.50"), *THREE[1:]]) == "refused"
    newest.ut.set_status(NUMBER, "КОтгрузке")
    assert newest.step() == ("ready", {"A-1": 2, "A-3": 3})


def test_a_change_that_a_person_forestalled_is_not_counted_twice(newest: Desk) -> None:
    change = newest.one.base.change
    forestalled: list[bool] = []

    def late(*args: Any, **named: Any) -> None:
        if not forestalled:
            forestalled.append(True)
            newest.cancel(A1=1)
        change(*args, **named)

    newest.one.base.change = late  # type: ignore[method-assign]  # a person who is quicker, once
    newest.told([*THREE[:2], ("A-3", "2", "33.33")])
    newest.ut.cancel_lines(NUMBER, {IDS["A-3"]: 1})
    rows = [{**row, "Отменено": row["Отменено"] and row["Номенклатура_Key"] == IDS["A-3"]} for row in newest.rows()]
    newest.ut.change(REF, Товары=rows)
    newest.ut.set_status(NUMBER, "КОтгрузке")
    assert newest.step() == ("ready", {"A-1": 2, "A-2": 1, "A-3": 1}), "one was the channel's, the other a person's"


def test_without_a_memory_what_is_left_is_told_which_changes_nothing(newest: Desk) -> None:
    newest.told([THREE[0]])
    newest.ut.set_status(NUMBER, "КОтгрузке")
    newest.statuses = Statuses(newest.one.base, newest.one.options, newest.one.clock)
    assert newest.step() == ("ready", {"A-1": 2})


@pytest.mark.field("E6")
def test_e6_an_order_of_which_nothing_is_left_is_not_packed(newest: Desk) -> None:
    newest.ut.set_status(NUMBER, "КОтгрузке")
    newest.cancel(A1=2, A2=1, A3=3)
    assert newest.step() == ("confirmed", None)
    newest.ut.set_status(NUMBER, "Закрыт")
    assert newest.step() == ("cancelled", None)
    assert {newest.ut.free_stock(ref, "Основной склад") for ref in IDS.values()} == {10}


def test_lines_and_status_that_change_between_two_calls_are_not_told_as_a_whole_order(newest: Desk) -> None:
    pages = newest.one.base.pages
    changed: list[bool] = []

    def quicker(*args: Any, **named: Any) -> Iterator[list[Native]]:
        """Between any two questions a person may save the order."""
        yield from pages(*args, **named)
        if not changed and "Статус" in named.get("select", ()):
            changed.append(True)
            newest.cancel(A2=1)
            newest.ut.set_status(NUMBER, "КОтгрузке")

    newest.one.base.pages = quicker  # type: ignore[method-assign]  # a person who is quicker
    (native,) = natives(newest.statuses.read(None))
    assert native["Состояние"] == "КОбеспечению"
    assert newest.step() == ("ready", {"A-1": 2, "A-3": 3})


def test_a_base_that_knows_no_lambda_tells_what_is_left(newest: Desk) -> None:
    newest.cancel(A2=1)
    newest.ut.set_status(NUMBER, "КОтгрузке")
    newest.ut.faults = [custom("no_lambda", times=None)]
    assert newest.step() == ("ready", {"A-1": 2, "A-3": 3})
