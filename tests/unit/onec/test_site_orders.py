"""Orders out and back: each reaches 1C once under a number that fits, and what 1C makes of it comes back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from connectors.onec.sandbox.pusher import Pusher
from connectors.onec.site import orders as site_orders
from connectors.onec.site.documents import LONGEST_NUMBER, read_documents
from connectors.onec.site.endpoint import SiteEndpoint
from connectors.onec.site.orders import SiteOrders, short_number
from obmen.records import Native
from obmen.testing.clock import FakeClock
from tests.unit.onec.site_kit import (
    GOOD,
    LOGIN,
    PASSWORD,
    VARIANT,
    DirectWire,
    an_order,
    batch,
    begun,
    numbers_of,
    options,
    pusher,
    pushing,
    site,
    ticket,
    write,
)


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


def polled(orders: SiteOrders, asked: str, payload: Native) -> list[tuple[str, str | None]]:
    return [(outcome.kind, outcome.native_id) for outcome in orders.poll(asked, batch(payload))]


class TestGivenOnce:
    def test_an_order_is_done_when_1c_has_confirmed_it(self, orders: SiteOrders, endpoint: SiteEndpoint) -> None:
        asked = ticket(orders, an_order())
        short = asked.partition("/")[0]
        assert polled(orders, asked, an_order()) == []
        assert orders.find("ozon", "0112233-0001-1") is None
        with pushing(endpoint) as sender:
            sender.exchange_orders()
            sender.exchange_orders()
        assert polled(orders, asked, an_order()) == [("done", short)]
        assert orders.find("ozon", "0112233-0001-1") == short
        (order,) = sender.base.orders.values()
        assert order.times == 1
        assert order.number == short
        assert order.comment == "[ozon] 0112233-0001-1 Позвонить за час"
        assert order.lines == [(GOOD, "2", "1990.5", "3881.00"), (VARIANT, "1.5", "400", "600.00")]
        assert order.total == "4481.00"
        assert order.buyer == "Образцов Пример"
        assert order.said["Номер заказа в канале"] == "0112233-0001-1"
        assert order.said["Заказ оплачен"] == "true"
        assert order.said["Дата отгрузки"] == "2026-06-17T12:00:00"
        assert order.said["Отменен"] == "false"

    def test_a_query_that_nobody_confirmed_gives_the_same_again(
        self, orders: SiteOrders, endpoint: SiteEndpoint
    ) -> None:
        for number in ("1", "2"):
            ticket(orders, an_order(number))
        wire = DirectWire(endpoint)
        wire.lost = lambda call: call == 1 or wire.calls[call]["mode"] == "success"
        sender = Pusher(wire, LOGIN, PASSWORD)
        with suppress(OSError):
            sender.exchange_orders()
        assert sender.base.orders == {}, "the query's answer was lost"
        with suppress(OSError):
            sender.exchange_orders()
        assert len(sender.base.orders) == 2, "the answer to success was lost, its effect was not"
        wire.lost = lambda _call: False
        sender.exchange_orders()
        assert {order.times for order in sender.base.orders.values()} == {1}

    def test_a_success_that_never_came_has_them_given_again(self, orders: SiteOrders, endpoint: SiteEndpoint) -> None:
        for number in ("1", "2"):
            ticket(orders, an_order(number))
        first, second = begun(endpoint), begun(endpoint)
        numbers = numbers_of(first.query())
        assert len(numbers) == 2
        assert numbers_of(first.query()) == numbers
        assert numbers_of(second.query()) == numbers
        second.said("success")
        second.said("success")
        assert numbers_of(second.query()) == []
        second.said("success")
        first.said("success")
        assert orders.waiting() == (0, None)

    def test_success_confirms_exactly_what_that_query_gave(self, orders: SiteOrders, endpoint: SiteEndpoint) -> None:
        old = ticket(orders, an_order("1"))
        dialogue = begun(endpoint)
        dialogue.query()
        new = ticket(orders, an_order("1", Комментарий="Не звонить"))
        other = ticket(orders, an_order("2"))
        assert (old[-2:], new[-2:], other[-2:]) == ("/1", "/2", "/1")
        dialogue.said("success")
        assert polled(orders, old, an_order("1"))[0][0] == "done"
        assert polled(orders, new, an_order("1")) == polled(orders, other, an_order("2")) == []
        assert len(numbers_of(dialogue.query())) == 2, "the newer revision and the other order go on waiting"
        dialogue.said("success")
        assert polled(orders, new, an_order("1"))[0][0] == "done"

    @pytest.mark.field("E5")
    def test_e5_an_order_that_lost_a_line_is_given_anew(self, orders: SiteOrders, endpoint: SiteEndpoint) -> None:
        first = ticket(orders, an_order())
        left = an_order(Товары=an_order()["Товары"][:1], Комментарий="Без шапки")
        with pushing(endpoint) as sender:
            sender.exchange_orders()
            second = ticket(orders, left)
            assert second == first.replace("/1", "/2")
            assert polled(orders, second, left) == [], "1C has taken the first revision alone"
            sender.exchange_orders()
            sender.exchange_orders()
        assert polled(orders, second, left) == [("done", first.partition("/")[0])]
        (order,) = sender.base.orders.values()
        assert order.lines == [(GOOD, "2", "1990.5", "3881.00")]
        assert (order.total, order.comment) == ("3881.00", "[ozon] 0112233-0001-1 Без шапки")

    def test_the_same_order_again_changes_nothing(self, orders: SiteOrders) -> None:
        assert ticket(orders, an_order()) == ticket(orders, an_order())
        assert orders.waiting()[0] == 1
        assert list(orders.read(["ozon|0112233-0001-1", "ozon|none"])) == [an_order()]

    def test_an_emptied_folder_has_it_laid_ready_again(self, orders: SiteOrders, folder: Path) -> None:
        asked = ticket(orders, an_order())
        (folder / ".site" / "site.db").unlink()
        afresh = SiteOrders(folder, options(), FakeClock())
        assert polled(afresh, asked, an_order()) == [("later", None)]
        assert ticket(afresh, an_order()) == asked, "under the same number"

    def test_how_long_orders_wait_can_be_told(self, folder: Path) -> None:
        clock = FakeClock()
        orders = SiteOrders(folder, options(), clock)
        assert orders.waiting() == (0, None)
        began = clock.now()
        ticket(orders, an_order("1"))
        clock.advance(60)
        ticket(orders, an_order("2"))
        assert orders.waiting() == (2, began)


class TestNumbers:
    @given(channel=st.text(min_size=1), number=st.text(min_size=1), attempt=st.integers(0, 9))
    def test_they_fit_and_stay(self, channel: str, number: str, attempt: int) -> None:
        short = short_number(channel, number, attempt)
        assert len(short) == LONGEST_NUMBER
        assert short.isascii()
        assert short.isalnum()
        assert short == short.upper() == short_number(channel, number, attempt)

    def test_many_differ(self) -> None:
        made = {short_number(channel, str(number)) for channel in ("ozon", "wb") for number in range(20_000)}
        assert len(made) == 40_000
        assert short_number("a", "bc") != short_number("ab", "c")

    def test_two_orders_never_share_one(
        self, orders: SiteOrders, endpoint: SiteEndpoint, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(site_orders, "short_number", lambda _channel, _number, attempt=0: f"AAAAAAAAAA{attempt}")
        first, second = ticket(orders, an_order("1")), ticket(orders, an_order("1", Канал="site"))
        assert {first, second} == {"AAAAAAAAAA0/1", "AAAAAAAAAA1/1"}
        assert ticket(orders, an_order("1")) == first
        sender = pusher(endpoint)
        sender.exchange_orders()
        assert sorted(sender.base.orders) == ["AAAAAAAAAA0", "AAAAAAAAAA1"]
        assert sender.base.mistaken == []

    def test_1c_would_have_taken_two_long_ones_for_one(self, endpoint: SiteEndpoint, orders: SiteOrders) -> None:
        for number in ("0112233-0001-1", "0112233-0001-2"):
            ticket(orders, an_order(number))
        sender = pusher(endpoint)
        sender.exchange_orders()
        assert len(sender.base.orders) == 2
        assert sender.base.cut == []


class TestBadOrders:
    @pytest.mark.parametrize(
        ("fields", "code", "field"),
        [
            ({"Товары": []}, "no_lines", "Товары"),
            ({"Товары": None}, "no_lines", "Товары"),
            ({"Дата": "вчера"}, "bad_time", "Дата"),
            ({"Дата": None}, "missing", "Дата"),
            ({"Валюта": ""}, "missing", "Валюта"),
            ({"Канал": " "}, "missing", "Канал"),
            ({"Товары": [{"Ид": "A-1", "Количество": "1", "ЦенаЗаЕдиницу": "1"}]}, "bad_id", "Товары.Ид"),
            ({"Товары": [{"Ид": GOOD, "Количество": "0", "ЦенаЗаЕдиницу": "1"}]}, "bad_line", "Товары"),
            (
                {"Товары": [{"Ид": GOOD, "Количество": "много", "ЦенаЗаЕдиницу": "1"}]},
                "bad_number",
                "Товары.Количество",
            ),
            (
                {"Товары": [{"Ид": GOOD, "Количество": "1", "ЦенаЗаЕдиницу": "NaN"}]},
                "bad_number",
                "Товары.ЦенаЗаЕдиницу",
            ),
            ({"Товары": [{"Ид": GOOD, "Количество": "1", "ЦенаЗаЕдиницу": "-1"}]}, "bad_line", "Товары"),
        ],
    )
    def test_one_is_refused_and_harms_no_other(
        self, orders: SiteOrders, endpoint: SiteEndpoint, fields: Native, code: str, field: str
    ) -> None:
        bad, fine = write(orders, an_order("1") | fields, an_order("2"))
        assert (bad.kind, bad.errors[0].code, bad.errors[0].field) == ("refused", code, field)
        assert fine.kind == "accepted"
        sender = pusher(endpoint)
        sender.exchange_orders()
        assert [order.said["Номер заказа в канале"] for order in sender.base.orders.values()] == ["2"]

    @pytest.mark.parametrize("encoding", ["utf-8", "windows-1251"])
    def test_any_text_gets_through(self, folder: Path, encoding: str) -> None:
        endpoint = site(folder, encoding=encoding)
        orders = SiteOrders(folder, options(encoding=encoding), FakeClock())
        said = "Ёлка\x00\x0b<&]]> ☃ 𝄞 " + "я" * 3000
        ticket(orders, an_order("1", Комментарий=said, Контрагент={"Наименование": "Ю" * 300}))
        sender = pusher(endpoint)
        sender.exchange_orders()
        (order,) = sender.base.orders.values()
        assert "<&]]>" in order.comment
        assert "☃ 𝄞" in order.comment
        assert len(order.buyer) == 100
        endpoint.close()

    def test_a_buyer_that_is_not_named_gets_a_name(self, orders: SiteOrders, endpoint: SiteEndpoint) -> None:
        bare = {
            name: value
            for name, value in an_order().items()
            if name in ("Канал", "НомерПоДаннымКлиента", "Дата", "Валюта", "Товары")
        }
        ticket(orders, bare)
        sender = pusher(endpoint)
        sender.exchange_orders()
        assert sender.base.created_buyers == {"Розничный покупатель"}


def paths(element: Any, prefix: str = "") -> set[str]:
    path = f"{prefix}/{etree.QName(element).localname}"
    return {path}.union(*(paths(child, path) for child in element))


DOCUMENT = "/КоммерческаяИнформация/Документ"
OF_THE_SITE_ALONE = {f"{DOCUMENT}/Товары/Товар/ИдКаталога"}
OURS_ALONE = {
    f"{DOCUMENT}/{parent}{rest}"
    for parent, rests in (
        ("Контрагенты/Контрагент/Контакты", ("", "/Контакт", "/Контакт/Тип", "/Контакт/Значение")),
        ("Товары/Товар/СтавкиНалогов", ("", "/СтавкаНалога", "/СтавкаНалога/Наименование", "/СтавкаНалога/Ставка")),
        ("Товары/Товар/Скидки", ("", *(f"/Скидка{x}" for x in ("", "/Наименование", "/Сумма", "/УчтеноВСумме")))),
    )
    for rest in rests
}


class TestTheShapeThatIsKnown:
    """A query's answer of a site with which 1C does exchange."""

    def test_ours_has_the_same(self, orders: SiteOrders, endpoint: SiteEndpoint, specs: Path) -> None:
        ticket(orders, an_order())
        ours = etree.fromstring(begun(endpoint).query())
        known = etree.parse(specs / "data/commerceml/site-orders-2.05-cp1251/bitrix-query-response-full.xml").getroot()
        assert paths(known) - paths(ours) == OF_THE_SITE_ALONE
        assert paths(ours) - paths(known) == OURS_ALONE
        assert set(known.attrib) == set(ours.attrib)
        said = [
            {str(name) for name in root.xpath("//Документ/ЗначенияРеквизитов/*/Наименование/text()")}
            for root in (known, ours)
        ]
        assert {"Статус заказа", "Метод оплаты", "Заказ оплачен", "Отменен", "Комментарии покупателя"} <= said[
            0
        ] & said[1]
        assert known.xpath("string(Документ/ХозОперация)") == ours.xpath("string(Документ/ХозОперация)")

    def test_it_is_read(self, specs: Path) -> None:
        path = specs / "data/commerceml/site-orders-2.05-cp1251/bitrix-query-response-full.xml"
        tree = etree.parse(path)
        found = list(read_documents(path, path.name))
        assert [order["Ref_Key"] for order in found] == tree.xpath("Документ/Номер/text()")
        assert [order["Дата"] for order in found] == ["2021-02-11T18:45:21", "2021-02-12T09:11:04"]
        assert [line["Ид"] for order in found for line in order["Товары"]] == tree.xpath("//Товар/Ид/text()")
        assert [order["Статус"] for order in found] == tree.xpath(
            "//ЗначениеРеквизита[Наименование='Статус заказа']/Значение/text()"
        )
        assert {order["Состояние"] for order in found} == {"НеПроведен"}
        empty = path.with_name("bitrix-query-response-empty.xml")
        assert list(read_documents(empty, empty.name)) == []

    def test_the_pusher_takes_it_as_1c_would(self, specs: Path) -> None:
        folder = specs / "data/commerceml/site-orders-2.05-cp1251"
        sender = pusher(None)  # type: ignore[arg-type]  # nothing is called
        sender.base.currencies = frozenset({"руб"})
        assert sender.base.load((folder / "bitrix-query-response-full.xml").read_bytes()) == 2
        assert sender.base.load((folder / "bitrix-query-response-empty.xml").read_bytes()) == 0
        assert sorted(sender.base.orders) == ["132", "133"]
