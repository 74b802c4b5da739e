"""What the pages tell, and what their buttons do in the state."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from obmen.entities import Order
from obmen.state import bindings, compared, deeds, facts, outbox, quarantine, runs, tables, wishes
from obmen.state.bindings import Binding
from obmen.state.quarantine import Problem
from obmen.testing.clock import FakeClock
from runner.daemon.pulse import LaneNow, PausedNow, Pulse
from runner.web import finding
from tests.unit.web import kit

NewSite = Callable[..., kit.Site]
MANY = """
WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 100000)
INSERT INTO quarantine (flow, connection, entity, stage, state, key, source, code, message, created_at, run)
SELECT 'prices', 'shop', 'price', 'deliver', 'open', 'A-' || n || '|base', '', 'code' || (n - n / 3 * 3), 'too dear',
       0, 1 FROM number
"""
EVIL = '<script>alert("x")</script>'


def ran(site: kit.Site, status: str = "done", message: str = "", flow: str = "prices", **counts: int) -> int:
    with site.ledger.write() as tx:
        number = runs.begin(tx, flow, "sync")
    with site.ledger.write() as tx:
        runs.end(tx, number, status, {"read": 5, **counts}, message)
    return number


def following(page: str, sign: str) -> str:
    """Return the address of the link to the next page."""
    links = [told["href"] or "" for tag, told in kit.Shown(page).tags if tag == "a"]
    return next(link for link in links if sign in link)


def order(number: str = "77", **more: object) -> Order:
    told = {
        "channel": "shop",
        "number": number,
        "placed_at": "2026-06-15T06:00:00Z",
        "currency": "RUB",
        "lines": [{"sku": "A-1", "quantity": "1", "price": "100"}],
        "customer": {"name": "Ivan Primerov", "phone": "+79990000001"},
    }
    return Order.model_validate_json(msgspec.json.encode({**told, **more}))


# -- how flows are ------------------------------------------------------------------------------------------


def test_each_flow_tells_in_a_sentence_how_it_is(site: kit.Site) -> None:
    ran(site, "failed", "ut: it does not answer, token=abcdefghijkl long-password", flow="goods")
    ran(site, written=2)
    kit.decide(site.ledger, "A-1", hold="too much")
    kit.set_aside(site.ledger, kit.refused("A-2"))
    ran(site, flow="stock")
    page = site.logged_in("anna").get("/").text
    for told in ("2 flows need you", "The last run failed", "1 change waits for your decision", "Has not run yet"):
        assert told in page
    assert "it does not answer" in page
    assert "long-password" not in page
    assert "abcdefghijkl" not in page


def test_why_a_run_failed_is_said_in_the_seller_s_words_where_they_are_known(site: kit.Site) -> None:
    ran(site, "failed", "ut: [17] in_doubt", flow="goods")
    ran(site, "failed", "ut: something else", flow="stock")
    page = site.logged_in("anna").get("/").text
    assert page.count('class="meaning"') == 1
    assert "It is not known whether the record arrived." in page
    assert "ut: [17] in_doubt" in page


@pytest.mark.field("I8")
def test_i8_a_flow_that_was_not_read_for_longer_than_its_limit_is_late(site: kit.Site, clock: FakeClock) -> None:
    ran(site)
    with site.ledger.write() as tx:
        tx.upsert(tables.checkpoint, ("flow", "read_at"), [("prices", tx.now)])
    anna = site.logged_in("anna")
    clock.advance(25 * 60)
    assert "Late" not in anna.get("/").text
    clock.advance(10 * 60)
    assert "Late: not read for longer" in anna.get("/").text
    assert "1 flow needs you" in anna.get("/").text


def test_what_the_service_does_now_is_shown(site: kit.Site, clock: FakeClock) -> None:
    now = clock.now().timestamp()
    lanes = (LaneNow("ut", "urgent", "reading prices", "prices", 3.0, 1200, 5000), LaneNow("shop", "calm"))
    paused = (PausedNow("shop", 90.0, "it does not answer"),)
    site.view.beat = Pulse(now - 7200, now, "here:1", lanes, paused, {"stock": now + 240}, "obmen.yaml:3: wrong")
    page = site.logged_in("anna").get("/").text
    assert "Running for 2 h." in page
    assert "reads prices" in page
    assert '<progress value="1200" max="5000"' in page
    assert "paused until" in page
    assert "in 4 min" in page
    assert "obmen.yaml:3: wrong" in page


@pytest.mark.field("N4")
def test_what_was_read_back_is_shown_with_when_and_how_much_was_not_kept(site: kit.Site, clock: FakeClock) -> None:
    anna = site.logged_in("anna")
    assert "Read back" not in anna.get("/flows/prices").text
    with site.ledger.write() as tx:
        found = compared.Compared(at=clock.now().timestamp() - 600, counts={"same": 93, "missing": 7}, drifted=7)
        found.promotions = {"Sale <b>": {"A-1|base": compared.Promoted("990", "790")}}
        compared.save(tx, "prices", "shop", found)
    page = anna.get("/flows/prices").text
    assert "Read back from the target" in page
    assert "Sale &lt;b&gt; (1)" in page
    assert re.search(r'data-label="Otherwise" class="right"><span class="number care">7<', page)
    assert "10 min ago" in page


def test_a_part_of_a_page_is_asked_for_alone(site: kit.Site) -> None:
    part = site.logged_in("anna").get("/?part=live").text
    assert "<html" not in part
    assert "<h1>" in part


def test_a_flow_is_run_by_a_wish_and_that_is_noted(site: kit.Site) -> None:
    anna = site.logged_in("anna")
    assert anna.send("/flows/prices/run").headers["location"] == "/flows/prices?said=run"
    assert "as soon as its connection is free" in anna.get("/flows/prices?said=run").text
    with site.ledger.read() as tx:
        (wish,) = wishes.waiting(tx)
        newest = deeds.recent(tx, 1)[0]
    assert (wish.flow, wish.asked_by, wish.reason) == ("prices", "anna", "")
    assert (newest.who, newest.what, newest.about) == ("anna", "run", "prices")
    assert anna.send("/flows/nothing/run").status_code == 404


def test_one_group_of_what_is_held_is_released_and_the_rest_stays(both: kit.Site) -> None:
    site = both
    kit.confirm(site.ledger, "A-1", "A-2")
    kit.decide(site.ledger, "A-1", reason="the price would move by +800%")
    kit.decide(site.ledger, "A-2", reason="the price would move by +900%")
    anna = site.logged_in("anna")
    page = anna.get("/flows/prices").text
    assert "2 changes are held" in page
    group = kit.Shown(page[page.index("800%") :]).tags
    chosen = next(told["value"] for tag, told in group if tag == "input" and told.get("name") == "group")
    assert anna.send("/flows/prices/release", {"group": chosen or ""}).status_code == 400, "a reason is asked for"
    answer = anna.send("/flows/prices/release", {"group": chosen or "", "reason": "a mistake  of\nours"})
    assert answer.status_code == 303
    with site.ledger.read() as tx:
        rows = {row.key: row.state for row in outbox.of(tx, "shop", "price", ["A-1|base", "A-2|base"])}
        (wish,) = wishes.waiting(tx)
        newest = deeds.recent(tx, 1)[0]
    assert rows == {"A-1|base": "pending", "A-2|base": "held"}
    assert wish.reason == "", "what the next read holds stays held"
    assert (newest.what, newest.reason) == ("release", "a mistake of ours")
    again = anna.send("/flows/prices/release", {"group": chosen or "", "reason": "once more"})
    assert again.status_code == 400


def test_all_that_is_held_is_released_by_a_wish_with_a_reason(site: kit.Site) -> None:
    kit.decide(site.ledger, "A-1", hold="too much")
    anna = site.logged_in("anna")
    assert anna.send("/flows/prices/release", {"reason": "new season"}).status_code == 303
    with site.ledger.read() as tx:
        assert [(wish.flow, wish.reason) for wish in wishes.waiting(tx)] == [("prices", "new season")]


def test_what_is_decided_is_shown_field_by_field_and_page_by_page(both: kit.Site) -> None:
    site = both
    skus = [f"A-{number:03}" for number in range(60)]
    kit.confirm(site.ledger, *skus)
    kit.decide(site.ledger, *skus)
    anna = site.logged_in("anna")
    first = anna.get("/flows/prices/changes?state=pending").text
    assert first.count("<del>") == 50
    assert "100</del>" in first
    assert "900</ins>" in first
    following = next(
        told["href"] for tag, told in kit.Shown(first).tags if tag == "a" and "key=" in (told["href"] or "")
    )
    second = anna.get(following or "").text
    assert second.count("<del>") == 10
    assert "A-059" in second


def test_a_run_shows_what_it_confirmed_left_and_set_aside(site: kit.Site) -> None:
    number = ran(site, "attention", "shop: something", written=1)
    kit.confirm(site.ledger, "A-1", run=number)
    kit.decide(site.ledger, "A-2")
    kit.set_aside(site.ledger, kit.refused("A-3"))
    page = site.logged_in("anna").get(f"/runs/{number}").text
    for told in (
        "A-1 · base",
        "A-2 · base",
        "A-3 · base",
        "What stood there before is not known of this run",
        "shop: something",
    ):
        assert told in page
    assert site.logged_in("anna").get("/runs/999").status_code == 404
    assert site.logged_in("anna").get("/runs/x1").status_code == 404


# -- quarantine ---------------------------------------------------------------------------------------------


@pytest.mark.field("N18")
def test_n18_equal_errors_are_one_cause_in_the_seller_s_words_and_an_unknown_one_is_told_as_unknown(
    site: kit.Site,
) -> None:
    kit.set_aside(site.ledger, *(kit.refused(f"A-{number}", "in_doubt") for number in range(300)))
    kit.set_aside(site.ledger, kit.refused("B-1", "XYZ_17"))
    anna = site.logged_in("anna")
    anna.send("/language", {"language": "ru"})
    page = anna.get("/quarantine").text
    assert page.count('<article class="cause"') == 2
    assert "300 записей" in page
    assert "Неизвестно дошла ли запись" in page
    assert "отказ по причине, которой Обмен не знает (XYZ_17)" in page
    assert "nobody pays that for B-1" in page, "the system's own words"


def test_one_record_and_a_whole_cause_are_tried_again(both: kit.Site) -> None:
    site = both
    kit.set_aside(site.ledger, *(kit.refused(f"A-{number}") for number in range(3)), kit.refused("B-1", "other"))
    anna = site.logged_in("anna")
    assert anna.send("/quarantine/1/replay").status_code == 303
    assert states(site) == {"A-0|base": "due", "A-1|base": "open", "A-2|base": "open", "B-1|base": "open"}
    group = {"flow": "prices", "connection": "shop", "entity": "price", "stage": "deliver", "code": "too_dear"}
    group |= {"state": "open", "newest": "2"}
    assert anna.send("/quarantine/replay", group).status_code == 303
    assert states(site)["A-1|base"] == "due"
    assert states(site)["A-2|base"] == "open", "what came after the person looked is left alone"
    assert anna.send("/quarantine/replay", {**group, "newest": "x"}).status_code == 404
    with site.ledger.read() as tx:
        assert [wish.flow for wish in wishes.waiting(tx)] == ["prices"]
        assert [deed.what for deed in deeds.recent(tx, 2)] == ["replay", "replay"]


def test_letting_go_asks_for_a_reason_and_forgets_what_was_held(site: kit.Site) -> None:
    kit.set_aside(site.ledger, kit.refused("A-1"), kit.refused("A-2"), kit.refused("A-3"))
    anna = site.logged_in("anna")
    assert anna.send("/quarantine/1/drop", {"reason": "  "}).status_code == 400
    assert anna.send("/quarantine/1/drop", {"reason": "not sold any more"}).status_code == 303
    group = {"flow": "prices", "connection": "shop", "entity": "price", "stage": "deliver", "code": "too_dear"}
    assert anna.send("/quarantine/drop", {**group, "state": "open", "newest": "9"}).status_code == 400
    dropped = {**group, "state": "open", "newest": "2", "reason": "neither"}
    assert anna.send("/quarantine/drop", dropped).status_code == 303
    assert states(site) == {"A-1|base": "closed", "A-2|base": "closed", "A-3|base": "open"}
    with site.ledger.read() as tx:
        entries = quarantine.entries(tx, states=("closed",))
        assert [deed.reason for deed in deeds.recent(tx, 2)] == ["neither", "not sold any more"]
    assert [entry.canonical for entry in entries] == [None, None]
    assert anna.send("/quarantine/1/replay").status_code == 400, "it is settled"


def states(site: kit.Site) -> dict[str, str]:
    with site.ledger.read() as tx:
        entries = quarantine.entries(tx, states=("open", "due", "closed", "waiting"))
    return {entry.key: entry.state for entry in entries}


def test_names_that_are_markup_stay_names(site: kit.Site) -> None:
    problem = Problem("deliver", EVIL, EVIL, key=EVIL, canonical=kit.price("A-1", "1"), raw=EVIL.encode())
    kit.set_aside(site.ledger, problem, Problem("pull", "bad", EVIL, source=EVIL, raw=EVIL.encode()))
    kit.decide(site.ledger, EVIL.replace('"', ""), reason=EVIL)
    ran(site, "failed", EVIL)
    with site.ledger.write() as tx:
        bindings.save(tx, "shop", "product", [Binding(EVIL, EVIL)])
        deeds.note(tx, EVIL, EVIL, EVIL, EVIL)
    anna = site.logged_in("anna")
    searched = f"/search?q={EVIL.replace('<', '%3C')}"
    pages = ("/", "/flows/prices", "/flows/prices/changes", "/runs/1", "/quarantine", "/quarantine/1", "/quarantine/2")
    for path in (*pages, searched, "/deeds", f"/quarantine?code={EVIL}"):
        answer = anna.get(path)
        assert answer.status_code == 200, path
        assert answer.text.count("<script") == 1, path
        assert "alert(" in answer.text or path == "/quarantine?code=", path


# -- search -------------------------------------------------------------------------------------------------


def test_one_sku_is_shown_in_every_system_with_all_that_hangs_on_it(both: kit.Site) -> None:
    site = both
    with site.ledger.write() as tx:
        bindings.save(tx, "ut", "product", [Binding("A-1", "guid-1"), Binding("A-10", "guid-10")])
        bindings.save(tx, "shop", "product", [Binding("A-1", "300", "old-article")])
    kit.confirm(site.ledger, "A-1", "A-10")
    kit.decide(site.ledger, "A-1")
    kit.set_aside(site.ledger, kit.refused("A-1"))
    anna = site.logged_in("anna")
    for asked in ("A-1", "guid-1", "300", "old-article", " A-1 "):
        page = anna.get(f"/search?q={asked}").text
        for told in ("guid-1", "300", "old-article", "A-1 · base", "nobody pays that for A-1", "to send"):
            assert told in page, (asked, told)
        assert "A-10" not in page
    assert "/search?q=A-10" in anna.get("/search?q=A-").text, "what begins so is suggested"
    assert "Nothing is known" in anna.get("/search?q=zzz").text
    assert anna.get("/search?q=%00").status_code == 200
    assert anna.get("/search?q=" + "x" * 600).status_code == 200


def test_a_database_that_orders_texts_otherwise_finds_the_same(
    new_site: NewSite, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "_ordered_by_letters", lambda _: False)
    site = new_site(postgres_url)
    kit.confirm(site.ledger, "A-1", "A-10", "A_1")
    page = site.logged_in("anna").get("/search?q=A-1").text
    assert "A-1 · base" in page
    assert "A-10" not in page


def test_personal_data_of_an_order_is_shown_to_whom_it_concerns(site: kit.Site) -> None:
    with site.ledger.write() as tx:
        facts.save(tx, "shop", [order()])
        bindings.save(tx, "ut", "order", [Binding("shop|77", "doc-1")])
        raw = b'{"number":"78","buyer":{"name":"Ivan Primerov","phone":"+7 999 000-00-01"}}'
        problem = Problem("pull", "no_lines", "no lines", source="78", raw=raw)
        quarantine.add(tx, "orders", "shop", "order", [problem], 1)
    for user, seen in (("anna", True), ("oleg", False)):
        browser = site.logged_in(user)
        for path in ("/search?q=77", "/quarantine/1"):
            page = browser.get(path).text
            assert ("Primerov" in page) == seen, (user, path)
            assert ("+79990000001" in page or "999 000-00-01" in page) == seen, (user, path)
            assert ("Personal data is masked" in page) != seen
    assert "doc-1" in site.logged_in("oleg").get("/search?q=77").text


def test_a_secret_of_the_project_is_shown_to_nobody(site: kit.Site) -> None:
    raw = b'{"note":"key-of-the-shop and long-password"}'
    kit.set_aside(site.ledger, Problem("pull", "bad", "said key-of-the-shop", source="1", raw=raw))
    anna = site.logged_in("anna")
    for path in ("/quarantine", "/quarantine/1", "/connections"):
        page = anna.get(path).text
        assert "key-of-the-shop" not in page
        assert "long-password" not in page


# -- the rest -----------------------------------------------------------------------------------------------


def test_orders_are_counted_by_the_days_of_the_service_s_zone(both: kit.Site, clock: FakeClock) -> None:
    site = both
    night = datetime(2026, 6, 14, 21, 30, tzinfo=UTC)  # half past midnight of the fifteenth in Moscow
    with site.ledger.write() as tx:
        facts.save(tx, "shop", [order(str(number), placed_at=night.isoformat()) for number in range(3)])
        facts.save(tx, "second", [order("9", placed_at=(night - timedelta(hours=1)).isoformat())])
        facts.save(tx, "shop", [order("old", placed_at=(night - timedelta(days=40)).isoformat())])
    page = site.logged_in("anna").get("/reports/orders").text
    assert "4 orders" in page
    assert "Jun 15, shop: 3" in page
    assert "Jun 14, second: 1" in page
    assert '<rect class="series-1"' in page
    assert site.logged_in("anna").get("/reports/nothing").status_code == 404


def test_deeds_are_paged(site: kit.Site) -> None:
    with site.ledger.write() as tx:
        for number in range(60):
            deeds.note(tx, "anna", "run", f"flow {number:02}")
    anna = site.logged_in("anna")
    first = anna.get("/deeds").text
    assert "flow 59" in first
    assert "flow 05" not in first
    older = next(
        told["href"] for tag, told in kit.Shown(first).tags if tag == "a" and "before=" in (told["href"] or "")
    )
    assert "flow 05" in anna.get(older or "").text


def test_a_state_that_cannot_be_read_is_told_without_its_inside(site: kit.Site) -> None:
    anna = site.logged_in("anna")
    with site.ledger.write() as tx:
        tx.connection.exec_driver_sql("DROP TABLE quarantine")
    answer = anna.get("/quarantine")
    assert answer.status_code == 503
    assert "quarantine" not in answer.text


def test_a_hundred_thousand_records_in_quarantine_are_counted_by_the_database(both: kit.Site) -> None:
    site = both
    with site.ledger.write() as tx:
        tx.connection.exec_driver_sql(MANY)
    anna = site.logged_in("anna")
    for path in ("/", "/flows/prices", "/quarantine", "/quarantine?code=code1", "/quarantine/1", "/search?q=A-99999"):
        answer = anna.get(path)
        assert answer.status_code == 200
        assert len(answer.content) < 60_000, path
    assert "100,000" in anna.get("/").text
    group = {"flow": "prices", "connection": "shop", "entity": "price", "stage": "deliver", "code": "code1"}
    assert anna.send("/quarantine/replay", {**group, "state": "open", "newest": "100000"}).status_code == 303
    with site.ledger.read() as tx:
        assert quarantine.counts(tx, "prices") == {"due": 33_334, "open": 66_666}
