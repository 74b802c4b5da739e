"""What a person pauses and takes back by the page, and what the page tells of it."""

from __future__ import annotations

import pytest

from obmen.records import Op
from obmen.state import deeds, stops, wishes, written
from obmen.state.stops import Direction
from tests.unit.web import kit
from tests.unit.web.test_pages import ran


def stood(site: kit.Site) -> list[tuple[str, str, str, str, str]]:
    with site.ledger.read() as tx:
        return [(one.connection, one.entity, one.direction, one.who, one.reason) for one in stops.every(tx)]


def pause(site: kit.Site, connection: str, entity: str = "", direction: Direction = "") -> None:
    with site.ledger.write() as tx:
        stops.put(tx, connection, entity, direction, "boris", "wrong list")


def wrote(
    site: kit.Site, run: int, sku: str, before: str | None, after: str, *, cause: str = "", op: Op = "put"
) -> None:
    row = {"run": run, "flow": "prices", "connection": "shop", "entity": "price", "key": f"{sku}|base", "op": op}
    told = None if before is None else kit.price(sku, before)
    with site.ledger.write() as tx:
        written.add(tx, [{**row, "before": told, "after": kit.price(sku, after), "cause": cause}])


def test_an_operator_pauses_and_resumes_and_that_is_noted(site: kit.Site) -> None:
    browser = site.logged_in("anna")
    form = {"entity": "price", "direction": "write", "reason": "wrong list", "back": "/flows/prices"}
    answer = browser.send("/connections/shop/pause", form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/flows/prices?said=paused")
    assert stood(site) == [("shop", "price", "write", "anna", "wrong list")]
    for path in ("/flows/prices", "/connections"):
        page = browser.get(path).text
        assert "Paused: shop, prices, writing" in page
        assert "wrong list" in page
    assert "Paused by anna" in browser.get("/").text
    assert browser.get("/flows/stock").text.count("Paused: ") == 0
    form = {"entity": "price", "direction": "write"}
    assert browser.send("/connections/shop/resume", form).headers["location"] == "/connections?said=resumed"
    assert stood(site) == []
    assert browser.send("/connections/shop/resume", form).status_code == 400
    with site.ledger.read() as tx:
        noted = [(one.what, one.who, one.about, one.reason) for one in deeds.recent(tx, 5)]
    assert [one for one in noted if one[0] != "login"] == [
        ("resume", "anna", "shop price write", ""),
        ("pause", "anna", "shop price write", "wrong list"),
    ]


def test_what_was_not_read_runs_once_it_is_resumed(site: kit.Site) -> None:
    pause(site, "ut", "price")
    site.logged_in("anna").send("/connections/ut/resume", {})
    with site.ledger.read() as tx:
        assert [one.flow for one in wishes.waiting(tx)] == ["prices"]


@pytest.mark.parametrize("path", ["/connections/shop/pause", "/connections/shop/resume", "/runs/1/undo"])
def test_who_only_looks_neither_pauses_nor_takes_back(site: kit.Site, path: str) -> None:
    pause(site, "shop")
    ran(site)
    wrote(site, 1, "A-1", "100", "10")
    browser = site.logged_in("oleg")
    assert browser.send(path, {"reason": "x"}).status_code == 403
    assert len(stood(site)) == 1
    for page in ("/connections", "/flows/prices", "/runs/1"):
        assert "/pause" not in browser.get(page).text
        assert "/undo" not in browser.get(page).text


def test_a_form_without_its_token_or_for_what_is_not_there_does_nothing(site: kit.Site) -> None:
    browser = site.logged_in("anna")
    assert browser.client.post("/connections/shop/pause", data={"reason": "x"}).status_code == 403
    assert browser.send("/connections/shop/pause", {}).status_code == 400
    for path, form in (("nowhere", {}), ("shop", {"entity": "prices"}), ("shop", {"direction": "up"})):
        assert browser.send(f"/connections/{path}/pause", {"reason": "x", **form}).status_code == 404
    assert stood(site) == []


def test_a_run_tells_field_by_field_what_it_wrote_and_why(site: kit.Site) -> None:
    number = ran(site, written=2)
    wrote(site, number, "A-1", "100", "10")
    wrote(site, number, "A-2", None, "20", cause="order:second|77")
    kit.confirm(site.ledger, "A-1", amount="15", run=number + 1)
    page = site.logged_in("oleg").get(f"/runs/{number}").text
    assert "Written in this run" in page
    assert "Order 77 of second" in page
    assert "</span>100</del>" in page
    assert "</span>10</ins>" in page
    assert "Confirmed in this run" not in page


def test_search_tells_the_last_values_that_were_sent(site: kit.Site) -> None:
    number = ran(site)
    kit.confirm(site.ledger, "A-1", amount="30")
    for before, after in (("10", "20"), ("20", "30")):
        wrote(site, number, "A-1", before, after, cause="undo:7" if after == "30" else "")
    page = site.logged_in("oleg").get("/search?q=A-1").text
    section = page[page.index('id="written"') :]
    assert section.index("Run 7 was undone") < section.index("Its source changed")


def test_orders_offer_no_way_back(site: kit.Site) -> None:
    number = ran(site, flow="orders")
    wrote(site, number, "A-1", "100", "10")
    browser = site.logged_in("anna")
    assert "/undo" not in browser.get(f"/runs/{number}").text
    assert browser.get(f"/runs/{number}/undo").status_code == 404
