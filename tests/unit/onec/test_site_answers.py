"""What 1C makes of orders comes back, once for each change, and what the channel makes of them reaches 1C."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from connectors.onec.sandbox.pusher import ExchangeFailed
from connectors.onec.site import orders as site_orders
from connectors.onec.site.documents import read_document, read_documents
from connectors.onec.site.endpoint import SiteEndpoint
from connectors.onec.site.orders import SiteOrders, read_answers, read_statuses
from obmen.records import Batch, Item, Outcome
from obmen.testing.clock import FakeClock
from tests.unit.onec.commerceml_kit import natives
from tests.unit.onec.site_kit import GOOD, an_order, begun, numbers_of, options, pusher, site, ticket


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "exchange"


@pytest.fixture
def orders(folder: Path) -> SiteOrders:
    return SiteOrders(folder, options(), FakeClock())


@pytest.fixture
def endpoint(folder: Path) -> Iterator[SiteEndpoint]:
    made = site(folder)
    yield made
    made.close()


class TestBack:
    AT = datetime(2026, 6, 16, 10, tzinfo=UTC)

    def told(self, folder: Path, cursor: str | None = None) -> list[tuple[str, str]]:
        return [
            (native["НомерПоДаннымКлиента"], native["Состояние"]) for native in natives(read_statuses(folder, cursor))
        ]

    def test_the_life_of_an_order(self, orders: SiteOrders, endpoint: SiteEndpoint, folder: Path) -> None:
        for number in ("1", "2"):
            ticket(orders, an_order(number))
        sender = pusher(endpoint)
        sender.exchange_orders()
        one, two = sender.base.orders
        for marks in ({"posted": True}, {"paid_at": self.AT}, {"shipped_at": self.AT}):
            sender.base.change(one, **marks)
            sender.exchange_orders()
        sender.base.change(two, cancelled=True)
        sender.exchange_orders()
        assert self.told(folder) == [("1", "Проведен"), ("1", "Проведен"), ("1", "Отгружен"), ("2", "Отменен")]
        first, *_, last = natives(read_statuses(folder, None))
        assert first["Канал"] == "ozon"
        assert first["Ref_Key"] == one
        assert first["НомерПо1С"] == "УТ00-000001"
        assert first["Комментарий"] == "Позвонить за час"
        assert last["Отменен"] is True
        shipped = natives(read_statuses(folder, None))[2]
        assert shipped["ДатаОтгрузки"] == "2026-06-16T10:00:00"
        assert shipped["Товары"][0] == {"Ид": GOOD, "Количество": "2", "ЦенаЗаЕдиницу": "1990.5", "Сумма": "3881.00"}

    def test_pages_go_on_from_their_cursor(
        self, orders: SiteOrders, endpoint: SiteEndpoint, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(site_orders, "_PAGE", 2)
        for number in range(5):
            ticket(orders, an_order(str(number)))
        sender = pusher(endpoint)
        sender.exchange_orders()
        for number in sender.base.orders:
            sender.base.change(number, posted=True)
        sender.exchange_orders()
        pages = list(read_answers(folder, None))
        assert [len(page.slices) for page in pages] == [2, 2, 1]
        assert len(natives(read_answers(folder, pages[0].cursor))) == 3
        assert list(read_answers(folder, pages[-1].cursor)) == []

    def test_what_is_said_twice_is_one_answer(self, orders: SiteOrders, endpoint: SiteEndpoint, folder: Path) -> None:
        ticket(orders, an_order("1"))
        sender = pusher(endpoint)
        sender.exchange_orders()
        (number,) = sender.base.orders
        for _ in range(3):
            sender.base.change(number, posted=True)
            sender.exchange_orders()
        assert self.told(folder) == [("1", "Проведен")]

    def test_an_order_that_is_not_ours_is_passed_over(
        self, orders: SiteOrders, endpoint: SiteEndpoint, folder: Path
    ) -> None:
        ticket(orders, an_order("1"))
        sender = pusher(endpoint)
        sender.exchange_orders()
        (number,) = sender.base.orders
        sender.base.orders["77"] = sender.base.orders[number]
        sender.base.orders["77"].number = "77"
        sender.base.change("77", posted=True)
        sender.exchange_orders()
        assert self.told(folder) == []

    def test_a_mark_of_deletion_is_no_cancellation(
        self, orders: SiteOrders, endpoint: SiteEndpoint, folder: Path
    ) -> None:
        ticket(orders, an_order("1"))
        sender = pusher(endpoint)
        sender.exchange_orders()
        sender.base.change(next(iter(sender.base.orders)), deleted=True)
        sender.exchange_orders()
        assert self.told(folder) == []
        assert [native["Состояние"] for native in natives(read_answers(folder, None))] == ["ПомеченНаУдаление"]

    def test_a_cancellation_in_the_channel_reaches_1c(self, orders: SiteOrders, endpoint: SiteEndpoint) -> None:
        ticket(orders, an_order("1"))
        sender = pusher(endpoint)
        sender.exchange_orders()
        (number,) = sender.base.orders
        payload = {"Ref_Key": number, "Статус": "Отменен", "Причина": "Передумал"}
        (outcome,) = orders.write_statuses(Batch([Item(number, payload)]))
        assert outcome.kind == "accepted"
        assert list(orders.poll(outcome.ticket, Batch([Item(number, payload)]))) == []
        sender.exchange_orders()
        assert [done.kind for done in orders.poll(outcome.ticket, Batch([Item(number, payload)]))] == ["done"]
        assert sender.base.orders[number].said["Отменен"] == "true"
        assert sender.base.orders[number].said["Причина отмены"] == "Передумал"
        (again,) = orders.write_statuses(Batch([Item(number, payload)]))
        assert again.ticket == outcome.ticket
        assert numbers_of(begun(endpoint).query()) == []
        (refused,) = orders.write_statuses(Batch([Item("none", {"Ref_Key": "none", "Статус": "Новый"})]))
        assert refused.errors[0].code == "no_order"

    @pytest.mark.field("N21")
    @pytest.mark.parametrize(
        "marks", [{"posted": True}, {"posted": True, "shipped_at": datetime(2026, 6, 16, tzinfo=UTC)}]
    )
    def test_n21_a_cancellation_that_1c_leaves_aside_is_a_task_until_it_is_cancelled_there(
        self, orders: SiteOrders, endpoint: SiteEndpoint, marks: dict[str, Any]
    ) -> None:
        ticket(orders, an_order("1"))
        sender = pusher(endpoint)
        sender.exchange_orders()
        (number,) = sender.base.orders
        sender.base.change(number, **marks)
        sender.exchange_orders()
        batch = Batch([Item(number, {"Ref_Key": number, "Статус": "Отменен"})])

        def said() -> list[str]:
            (outcome,) = orders.write_statuses(batch)
            return [polled.errors[0].code if polled.errors else polled.kind for polled in poll(outcome.ticket)]

        def poll(asked: str) -> list[Outcome]:
            return list(orders.poll_statuses(asked, batch))

        assert said() == []
        sender.exchange_orders()
        assert said() == said() == ["late_cancel"]
        sender.base.change(number, cancelled=True)
        sender.exchange_orders()
        assert said() == ["done"]

    @pytest.mark.parametrize("encoding", ["utf-8", "windows-1251"])
    def test_a_document_of_either_namespace_and_encoding(self, folder: Path, encoding: str) -> None:
        text = (
            f'<?xml version="1.0" encoding="{encoding}"?><КоммерческаяИнформация xmlns="urn:1C.ru:commerceml_3">'
            "<Контейнер><Документ><Номер>7</Номер><Номер1С>УТ-1</Номер1С><Проведен>true</Проведен>"
            "<ХозОперация>Заказ товара</ХозОперация>"
            "<ЗначенияРеквизитов><ЗначениеРеквизита><Наименование>Дата отгрузки по 1С</Наименование>"
            "<Значение>0001-01-01T00:00:00</Значение></ЗначениеРеквизита></ЗначенияРеквизитов></Документ>"
            "<Документ><Номер>8</Номер><ХозОперация>Отпуск товара</ХозОперация></Документ>"
            "</Контейнер></КоммерческаяИнформация>"
        )
        folder.mkdir()
        (folder / "orders.xml").write_bytes(text.encode(encoding))
        (order,) = read_documents(folder / "orders.xml", "orders.xml")
        assert (order["Ref_Key"], order["НомерПо1С"], order["Состояние"]) == ("7", "УТ-1", "Проведен")

    def test_one_without_a_number_is_none(self) -> None:
        assert read_document(etree.fromstring("<Документ><Номер/></Документ>")) is None

    def test_a_bad_file_of_orders_is_refused(self, endpoint: SiteEndpoint) -> None:
        dialogue = begun(endpoint)
        dialogue.init()
        dialogue.send("orders-1_1.xml", b"<a/>", 0)
        with pytest.raises(ExchangeFailed, match="не CommerceML"):
            dialogue.imported("orders-1_1.xml")
