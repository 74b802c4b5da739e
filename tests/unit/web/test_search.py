"""Search by what people know: a customer's phone, e-mail or name, the books' number of an order, a barcode."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
import sqlalchemy as sa

from obmen.entities import ENTITIES, Record
from obmen.state import agreed, bindings, facts
from obmen.state.agreed import Agreed
from obmen.state.bindings import Binding
from runner.web import inside
from tests.unit.web import kit

PHONES = ("+79990000001", "89990000001", "8 (999) 000-00-01", "+7 999 000 00 01", "999-000-00-01")
NUMBER = "ТД00-000042"
ORDER: dict[str, Any] = {
    "channel": "shop",
    "number": "77",
    "placed_at": "2026-06-15T06:00:00Z",
    "currency": "RUB",
    "lines": [{"sku": "A-1", "quantity": "1", "price": "100"}],
}
CUSTOMER: dict[str, Any] = {
    "customer_id": "K-1",
    "last_name": "Примерова",
    "first_name": "Алёна",
    "phones": ["+79990000001"],
    "emails": ["alena@example.com"],
    "cards": ["2900000000117"],
    "tax_id": "770000000000",
}


def made(entity: str, told: dict[str, Any]) -> Record:
    return ENTITIES[entity].model_validate_json(msgspec.json.encode(told))


def confirm(site: kit.Site, connection: str, entity: str, *told: dict[str, Any]) -> None:
    records = [made(entity, one) for one in told]
    with site.ledger.write() as tx:
        agreed.save(tx, connection, entity, [Agreed(one.key, b"h", one.encoded()) for one in records], 1)


def happened(site: kit.Site, connection: str, entity: str, *told: dict[str, Any]) -> None:
    with site.ledger.write() as tx:
        facts.save(tx, connection, [made(entity, one) for one in told])


@pytest.fixture
def shop(both: kit.Site) -> kit.Site:
    """A shop whose customers and statuses are carried too, with an order, its buyer and a good in it."""
    flows = both.view.project.flows
    more = {name: replace(flows["orders"], name=name, entity=name.removesuffix("s")) for name in ("customers",)} | {
        "statuses": replace(flows["orders"], name="statuses", entity="order_status")
    }
    both.view.project = replace(both.view.project, flows={**flows, **more})
    confirm(
        both, "ut", "customer", CUSTOMER, {"customer_id": "K-2", "name": "Олег Выдумкин", "phones": ["+79990000002"]}
    )
    confirm(both, "shop", "product", {"sku": "A-1", "barcodes": ["4600000000017"]})
    happened(both, "shop", "order", ORDER)
    happened(both, "ut", "order_status", {"channel": "shop", "number": "77", "status": "ready", "document": NUMBER})
    with both.ledger.write() as tx:
        bindings.save(tx, "ut", "order", [Binding("shop|77", "guid-of-77")])
        bindings.save(tx, "ut", "customer", [Binding("K-1", "guid-of-k1")])
        bindings.save(tx, "shop", "product", [Binding("A-1", "555001:900")])
        bindings.save(tx, "ut", "product", [Binding("A-2", "guid-of-a2#guid-of-red")])
    return both


def asked(browser: kit.Browser, text: str) -> tuple[str, str]:
    """Ask by the form; return what came of it and where that is."""
    answer = browser.send("/search", {"q": text}, on="/search")
    if answer.status_code == 303:
        place = answer.headers["location"]
        return browser.get(place).text, place
    assert answer.status_code == 200, answer.text
    return answer.text, ""


def test_an_order_is_found_by_its_number_in_the_books(shop: kit.Site) -> None:
    browser = shop.logged_in("oleg")
    for text in (NUMBER, NUMBER.lower(), "000042"):
        page, place = asked(browser, text)
        assert "guid-of-77" in page, text
        assert place == f"/search?q={quote('shop|77')}"
    assert "guid-of-77" in browser.get(f"/search?q={NUMBER}").text


KNOWN = (*PHONES, "Alena@Example.com", "примерова", "Алена Примерова", "2900000000117", "770000000000")


def test_a_customer_is_found_by_what_people_know(shop: kit.Site) -> None:
    anna = shop.logged_in("anna")
    for text in KNOWN:
        page, place = asked(anna, text)
        assert "guid-of-k1" in page, text
        assert place == "/search?q=K-1", "what is somebody's own stands in no address"


def test_who_may_not_see_personal_data_learns_nothing_by_searching_for_it(shop: kit.Site) -> None:
    oleg = shop.logged_in("oleg")
    for text in KNOWN:
        page, place = asked(oleg, text)
        assert "guid-of-k1" not in page, text
        assert "K-1" not in page, text
        assert (place, "only those find" in page) == ("", True)


def test_an_order_is_found_by_its_buyer_however_the_phone_is_written(shop: kit.Site) -> None:
    anna = shop.logged_in("anna")
    for number, (written, text) in enumerate(zip(PHONES, PHONES[1:] + PHONES[:1], strict=True), 100):
        buyer = {"name": "Пётр Образцов", "phone": written.replace("999", f"9{number % 10}9")}
        happened(shop, "shop", "order", {**ORDER, "number": str(number), "customer": buyer})
        _, place = asked(anna, text.replace("999", f"9{number % 10}9"))
        assert place == f"/search?q={quote(f'shop|{number}')}", (written, text)
    page, place = asked(anna, "Петр Образцов")
    assert (place, page.count('href="/search?q=shop')) == ("", len(PHONES))


def test_several_are_listed_by_their_keys(shop: kit.Site) -> None:
    confirm(shop, "ut", "customer", *({"customer_id": f"M-{n}", "name": "Анна Тёзкина"} for n in range(30)))
    page, place = asked(shop.logged_in("anna"), "тезкина")
    assert place == ""
    assert page.count('href="/search?q=M-') == inside.MOST
    assert "Тёзкина" not in page


def test_an_address_is_never_asked_for_what_is_somebody_s_own(shop: kit.Site) -> None:
    anna = shop.logged_in("anna")
    assert '<form class="search" method="post"' in anna.get("/search").text
    for text in (PHONES[0], "alena@example.com", "Примерова"):
        page = anna.get(f"/search?q={quote(text)}").text
        assert "guid-of-k1" not in page


def test_orders_are_not_looked_through_beyond_half_a_year(shop: kit.Site) -> None:
    past = {**ORDER, "number": "1", "placed_at": "2025-06-15T06:00:00Z", "customer": {"name": "Пётр Образцов"}}
    happened(shop, "shop", "order", past)
    assert "Nothing is known" in asked(shop.logged_in("anna"), "Образцов")[0]


def test_a_good_is_found_by_its_barcode_and_by_its_card_without_the_size(shop: kit.Site) -> None:
    oleg = shop.logged_in("oleg")
    for text in ("4600000000017", "555001", "555001:900"):
        assert "555001:900" in asked(oleg, text)[0], text


def test_a_good_of_the_books_is_found_without_its_characteristic(shop: kit.Site) -> None:
    assert "guid-of-red" in asked(shop.logged_in("oleg"), "guid-of-a2")[0]


def test_words_that_are_patterns_elsewhere_find_nothing(shop: kit.Site) -> None:
    anna = shop.logged_in("anna")
    for text in (
        "%",
        "_____",
        "%%%%",
        ".*@.*",
        '"name":"',
        "\\",
        "'; DROP TABLE fact",
        "@",
        "+7 ((((((((((",
        "\0",
        "x" * 600,
    ):
        page, place = asked(anna, text)
        assert place == "", text
        assert "guid-of" not in page


def test_what_was_asked_for_is_told_to_no_log_where_the_state_fails(
    shop: kit.Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = shop.logged_in("anna")
    real = inside._holds

    def broken(tx: Any, column: Any, text: str) -> Any:
        return sa.and_(real(tx, column, text), sa.func.no_such_function(column) > 0)

    monkeypatch.setattr(inside, "_holds", broken)
    answer = anna.send("/search", {"q": PHONES[0]}, on="/search")
    assert answer.status_code in {500, 503}
    told = capsys.readouterr()
    assert "9990000001" not in answer.text + told.out + told.err


@contextmanager
def statements(engine: sa.Engine) -> Iterator[list[tuple[str, Any]]]:
    said: list[tuple[str, Any]] = []

    def note(*given: Any) -> None:
        said.append((given[2], given[3]))

    sa.event.listen(engine, "before_cursor_execute", note)
    yield said
    sa.event.remove(engine, "before_cursor_execute", note)


def test_no_table_is_looked_through_from_end_to_end(site: kit.Site) -> None:
    """Each query begins with an index by connection and kind, or by kind and time, so goods do not slow customers."""
    with site.ledger.read() as tx:
        with statements(tx.connection.engine) as said:
            for text in (PHONES[0], "Примерова", "4600000000017", NUMBER, "zzz"):
                inside.find(tx, ["shop", "ut"], set(ENTITIES), text, personal=True)
        assert len(said) > len(ENTITIES)
        for statement, values in said:
            rows = tx.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
            plan = [row[-1] for row in rows if "anon" not in row[-1]]
            assert not [step for step in plan if "agreed_by_run" in step or "TEMP" in step], (statement, plan)
            assert not [step for step in plan if step.startswith("SCAN ")], (statement, plan)
