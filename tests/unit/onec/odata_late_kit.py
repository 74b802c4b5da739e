"""An order of a channel, its goods, and what becomes of both when it is cancelled late."""

from __future__ import annotations

from connectors.onec.odata.orders import Orders, order_ref
from connectors.onec.odata.return_body import REQUEST
from connectors.onec.odata.returns import Returns
from connectors.onec.odata.statuses import Statuses
from obmen.entities import Order, Return
from obmen.records import Item, Native
from tests.unit.onec.odata_people_kit import Opened, natives, pushed
from tests.unit.onec.odata_support import item

MAIN = "Основной склад"
REF = order_ref("ozon", "15")


class Desk:
    """An order of two goods, three and one, of which the base had fifty each."""

    def __init__(self, one: Opened, status: str = "КОтгрузке") -> None:
        self.one, self.ut = one, one.ut
        self.kettle = self.ut.add_good("Чайник", "A-1", stock={MAIN: 50})
        self.cup = self.ut.add_good("Чашка", "A-2", stock={MAIN: 50})
        self.skus = {self.kettle: "A-1", self.cup: "A-2"}
        lines = [{"sku": "A-1", "quantity": 3, "price": "100.00"}, {"sku": "A-2", "quantity": 1, "price": "33.33"}]
        told = {"channel": "ozon", "number": "15", "placed_at": "2026-06-14T05:50:09Z", "currency": "RUB"}
        order = Order.model_validate({**told, "lines": lines})
        assert one.options.order is not None
        body = pushed("order", order, one.options, self.skus)
        Orders(one.base, one.options.order).write(item(body))
        self.ut.set_status("15", status)

    def cancel(self, one: Opened | None = None, attempt: int = 1) -> str:
        """The channel cancels the order, and says so."""
        by = one or self.one
        payload = {"Ref_Key": REF, "Состояние": "Отменен", "Причина": "Не выкупили"}
        return Statuses(by.base, by.options, by.clock).write(Item(id=REF, payload=payload, attempt=attempt))

    def come_back(self, number: str, sku: str, quantity: int, state: str, one: Opened | None = None) -> str:
        """The channel tells of a return."""
        by = one or self.one
        return Returns(by.base, by.options, by.clock, "ut").write(self._return(number, sku, quantity, state, by))

    def is_back(self, number: str, sku: str, quantity: int) -> bool:
        """Whether nothing is left to do about goods that came back, as the engine asks where an answer was lost."""
        payload = self._return(number, sku, quantity, "received", self.one)
        return Returns(self.one.base, self.one.options, self.one.clock, "ut").find(payload) is not None

    def _return(self, number: str, sku: str, quantity: int, state: str, by: Opened) -> Native:
        told = {
            "channel": "ozon",
            "number": number,
            "order": "15",
            "state": state,
            "occurred_at": "2026-06-15T05:00:00Z",
            "currency": "RUB",
            "lines": [{"sku": sku, "quantity": quantity}],
        }
        return pushed("return", Return.model_validate(told), by.options, self.skus)

    def stock(self, good: str) -> tuple[int, int]:
        """Return how much of a good is here, and how much of it is free."""
        held = self.ut.state()["stock"][good][MAIN]
        return int(held["on_hand"]), int(held["free"])

    @property
    def stocks(self) -> list[tuple[int, int]]:
        return [self.stock(self.kettle), self.stock(self.cup)]

    def told(self) -> str:
        """Return how the order is told to its channel."""
        (native,) = natives(Statuses(self.one.base, self.one.options, self.one.clock).read(None))
        assert list(Statuses(self.one.base, self.one.options, self.one.clock).look_up([REF])) == [native]
        return str(native["Состояние"])

    def kept(self, name: str) -> list[Native]:
        """Return the documents that stand."""
        return [one for one in self.ut.base.objects[name].values() if not one["DeletionMark"]]

    def awaited(self) -> dict[str, int]:
        """Return how much of what posted requests say that it comes back."""
        found: dict[str, int] = {}
        for document in self.kept(REQUEST):
            assert (document["Posted"], document["Статус"]) == (True, "КВозврату")
            for row in document["ВозвращаемыеТовары"]:
                sku = self.skus[row["Номенклатура_Key"]]
                found[sku] = found.get(sku, 0) + int(row["Количество"])
        return found

    def standing(self) -> dict[str, int]:
        rows = self.ut.order("15")["Товары"]
        found: dict[str, int] = {}
        for row in rows:
            if not row["Отменено"]:
                sku = self.skus[row["Номенклатура_Key"]]
                found[sku] = found.get(sku, 0) + int(row["Количество"])
        return found
