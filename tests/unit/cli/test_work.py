"""The daily commands on two shelves: plan, apply, sync, status."""

from __future__ import annotations

import json
from typing import Any

import pytest

from obmen.testing.sandbox import Fault
from tests.unit.cli.conftest import Cli
from tests.unit.cli.kit import ORDERS, Place, Ran, ShelfSandbox, fill, order, price


@pytest.fixture
def ready(place: Place, erp: ShelfSandbox, shop: ShelfSandbox) -> Place:
    """Five goods on one shelf, nothing on the other."""
    fill(erp)
    place.project(erp.url, shop.url)
    return place


@pytest.fixture
def agreed(ready: Place, cli: Cli, shop: ShelfSandbox) -> Place:
    """The two shelves agree."""
    assert cli("sync").code == 0
    shop.writes.clear()
    return ready


def forced(ran: Ran) -> dict[str, Any]:
    """The line of the log that says that a guard was overridden."""
    logged = [json.loads(line) for line in ran.err.splitlines() if line.startswith("{")]
    return next(line for line in logged if line["event"] == "guard.forced")


# -- sync -------------------------------------------------------------------------------------------------


def test_sync_sends_what_changed_and_then_nothing(
    ready: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox
) -> None:
    ran = cli("sync")
    assert ran.code == 0
    assert "15 records written." in ran.out
    assert shop.records == erp.records | {
        "stock": {f"A-{n}|m": {"id": f"A-{n}", "place": "m", "free": 7} for n in range(1, 6)}
    }
    shop.writes.clear()
    ran = cli("sync")
    assert ran.code == 0
    assert "everything is in agreement" in ran.out
    assert shop.writes == []


def test_sync_of_one_flow_leaves_the_others(ready: Place, cli: Cli, shop: ShelfSandbox) -> None:
    assert cli("sync", "products").code == 0
    assert {entity for entity, _ in shop.writes} == {"product"}


def test_sync_prints_json_that_says_all(agreed: Place, cli: Cli, erp: ShelfSandbox) -> None:
    erp.put("price", price(1, "110.00"), price(2, "1.00"))
    ran = cli("sync", "--json")
    assert ran.code == 3
    assert ran.data["exit_code"] == 3
    prices = ran.data["flows"][1]
    assert prices["flow"] == "prices"
    assert prices["written"] == 1
    assert prices["sent"] == {"shop": {"done": 1}}
    assert prices["outbox"] == {"held": 1}


def test_a_held_price_ends_with_3_and_says_how_to_let_it_go(
    agreed: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox
) -> None:
    erp.put("price", price(1, "10.00"))
    ran = cli("sync")
    assert ran.code == 3
    assert 'obmen sync prices --force "why"' in ran.out
    assert shop.writes == []
    assert 'If they are right: obmen sync prices --force "why"' in cli("status").out
    ran = cli("sync", "prices", "--force", "clearance sale")
    assert ran.code == 0
    assert "1 held record let go" in ran.out
    assert (forced(ran)["reason"], forced(ran)["released"]) == ("clearance sale", 1)
    assert shop.records["price"]["A-1|base"]["amount"] == "10.00"
    last = cli("status", "--json").data["flows"][1]["last_run"]
    assert last["message"] == "forced: clearance sale"


GUARDED = """\
flows:
  products: { entity: product, from: erp, to: shop }
  prices:
    entity: price
    from: erp
    to: shop
    where: { price_type: base }
    guards: { change: 30%, share: 20% }
    pricing: { cost: { price_type: cost }, fees: { commission: 10% }, floor: { margin: 0%, below: hold } }
"""


@pytest.mark.field("N1")
@pytest.mark.field("C4")
def test_of_a_thousand_prices_the_slips_are_held_and_the_rest_goes(
    place: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox
) -> None:
    def move(numbers: range, amount: str) -> None:
        erp.put("price", *(price(number, amount) for number in numbers))

    fill(erp, 1000)
    costs = {number: "1.00" if number <= 30 else "80.00" for number in range(1, 1001)}
    erp.put("price", *({**price(number, cost), "type": "cost"} for number, cost in costs.items()))
    place.project(erp.url, shop.url, flows=GUARDED)
    assert cli("sync").code == 0
    move(range(1, 31), "10.00")
    move(range(31, 171), "101.00")
    move(range(171, 172), "88.00")
    ran = cli("sync", "prices", "--json")
    (prices,) = ran.data["flows"]
    assert (ran.code, prices["written"], prices["outbox"]) == (3, 140, {"held": 31})
    sent = {key: row["amount"] for key, row in shop.records["price"].items()}
    assert {sent[f"A-{number}|base"] for number in range(1, 31)} == {"100.00"}
    assert {sent[f"A-{number}|base"] for number in range(31, 171)} == {"101.00"}
    told = cli("plan", "prices", "--rows", "200").out
    assert "the price would move by -90%, from 100 to 10 RUB" in told
    assert "the price 88 is below 88.89, the least that covers the cost, the fees and the margin" in told
    shop.writes.clear()
    move(range(200, 500), "102.00")
    ran = cli("sync", "prices")
    assert ran.code == 3
    assert "the guard 'share' allows 20%" in ran.out
    assert shop.writes == []


@pytest.mark.field("N1")
def test_force_lets_go_what_guards_hold_and_never_what_is_below_its_cost(
    place: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox
) -> None:
    fill(erp, 50)
    erp.put(
        "price", *({**price(number, "40.00" if number <= 20 else "80.00"), "type": "cost"} for number in range(1, 51))
    )
    place.project(erp.url, shop.url, flows=GUARDED)
    assert cli("sync").code == 0
    erp.put("price", *(price(number, "60.00") for number in range(1, 21)), price(40, "50.00"))
    assert cli("sync", "prices", "--json").data["flows"][0]["outbox"] == {"held": 21}
    ran = cli("sync", "prices", "--force", "clearance")
    assert ran.code == 3
    assert forced(ran)["released"] == 20
    assert "held" in ran.out
    assert shop.records["price"]["A-1|base"]["amount"] == "60.00"
    assert shop.records["price"]["A-40|base"]["amount"] == "100.00"
    assert "let go by --force: clearance" in cli("history", "shop", "prices", "A-1").out


@pytest.mark.field("C3")
def test_a_cost_that_rises_above_a_price_that_is_told_already_is_seen_until_it_is_right(
    place: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox
) -> None:
    fill(erp, 20)
    erp.put("price", *({**price(number, "80.00"), "type": "cost"} for number in range(1, 21)))
    place.project(erp.url, shop.url, flows=GUARDED)
    assert cli("sync").code == 0
    erp.put("price", *({**price(number, "500.00"), "type": "cost"} for number in range(3, 13)))
    for _ in range(2):
        assert cli("sync", "prices").code == 3
    assert "is below 555.56" in cli("plan", "prices", "--rows", "20").out
    assert "shop shows it already" in cli("plan", "prices", "--rows", "20").out
    shop.writes.clear()
    erp.put("price", *({**price(number, "80.00"), "type": "cost"} for number in range(3, 13)))
    assert cli("sync", "prices").code == 0
    assert shop.writes == []


@pytest.mark.field("J3")
@pytest.mark.field("N2")
def test_an_empty_answer_and_a_vanished_warehouse_zero_nothing_until_somebody_says_so(
    place: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox
) -> None:
    fill(erp, 10)
    erp.put("stock", *({"id": f"A-{number}", "place": "Attic", "free": 3} for number in range(1, 11)))
    place.project(erp.url, shop.url, more=", places: { Main: m, Attic: a }")
    assert cli("sync").code == 0
    shop.writes.clear()
    whole = dict(erp.records["stock"])

    erp.records["stock"].clear()
    ran = cli("sync")
    assert ran.code == 3
    assert "20 of 20 records (100%) would go to zero; the guard 'zeroed' allows 30%" in ran.out
    assert shop.writes == []

    erp.records["stock"].update(whole)
    assert cli("sync").code == 0
    erp.records["stock"] = {key: row for key, row in whole.items() if row["place"] != "Attic"}
    ran = cli("sync", "stock")
    assert ran.code == 3
    assert "10 of 20 records (50%) would go to zero" in ran.out
    assert "20" not in cli("plan", "stock").out.split("held by a guard")[0]
    assert shop.writes == []

    ran = cli("sync", "stock", "--force", "the attic is let")
    assert ran.code == 0
    assert forced(ran)["reason"] == "the attic is let"
    assert {row["free"] for row in shop.records["stock"].values() if row["place"] == "a"} == {0}
    assert {row["free"] for row in shop.records["stock"].values() if row["place"] == "m"} == {7}


@pytest.mark.field("N2")
def test_a_small_warehouse_that_vanishes_is_held_and_the_rest_goes(
    place: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox
) -> None:
    fill(erp, 30)
    erp.put("stock", *({"id": f"A-{number}", "place": "Attic", "free": 3} for number in range(1, 6)))
    place.project(erp.url, shop.url, more=", places: { Main: m, Attic: a }")
    assert cli("sync").code == 0
    shop.writes.clear()
    for row in erp.records["stock"].values():
        row["free"] = 0 if row["place"] == "Attic" else 6
    ran = cli("sync", "stock")
    assert ran.code == 3
    assert "all 5 stocks of 'Attic' would go to zero" in ran.out
    assert {row["free"] for row in shop.records["stock"].values() if row["place"] == "a"} == {3}
    assert {row["free"] for row in shop.records["stock"].values() if row["place"] == "m"} == {6}


def test_force_without_a_reason_is_refused(agreed: Place, cli: Cli, shop: ShelfSandbox) -> None:
    ran = cli("sync", "--force", "  ")
    assert ran.code == 2
    assert "reason" in ran.err
    assert shop.writes == []


# -- plan and apply ---------------------------------------------------------------------------------------


def test_plan_shows_the_difference_and_writes_nothing(
    agreed: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox
) -> None:
    erp.put("price", price(1, "110.00"))
    ran = cli("plan", "prices")
    assert ran.code == 0
    assert "1 to send (1 changed)" in ran.out
    row = next(line for line in ran.out.splitlines() if line.startswith("A-1|base"))
    assert row.split() == ["A-1|base", "changed", "amount", "100", "110"]
    assert "obmen sync prices" in ran.out
    assert shop.writes == []
    assert cli("sync", "--json").data["flows"][1]["written"] == 1


def test_plan_limits_what_it_shows(ready: Place, cli: Cli) -> None:
    ran = cli("plan", "products", "--rows", "2")
    assert "A-2" in ran.out
    assert "A-3" not in ran.out
    assert "… and 3 records more" in ran.out


def test_plan_ends_with_10_on_request_where_something_would_be_sent(ready: Place, cli: Cli) -> None:
    assert cli("plan", "--exit-code").code == 10
    cli("sync")
    assert cli("plan", "--exit-code").code == 0


def test_plan_prints_every_change_as_json(ready: Place, cli: Cli) -> None:
    ran = cli("plan", "--json", "--rows", "1")
    assert ran.code == 0
    changes = [line for line in ran.data["lines"] if line["type"] == "change"]
    assert len(changes) == 15
    assert ran.data["summary"]["to_send"] == 15


def test_a_plan_that_cannot_be_made_prints_no_half_of_a_document(ready: Place, cli: Cli) -> None:
    ran = cli("plan", "pirces", "--json")
    assert (ran.code, ran.out) == (2, "")
    assert "Did you mean 'prices'?" in ran.err


def test_plan_shows_held_records_with_the_reason(agreed: Place, cli: Cli, erp: ShelfSandbox) -> None:
    erp.put("price", price(1, "10.00"))
    ran = cli("plan")
    assert ran.code == 0
    assert "1 held by a guard" in ran.out
    assert "the price would move by -90%, from 100 to 10 RUB; the guard 'change' allows 50%" in ran.out
    assert cli("plan", "--exit-code").code == 0


def test_plan_of_a_source_that_cannot_be_read_ends_with_4(agreed: Place, cli: Cli, erp: ShelfSandbox) -> None:
    erp.faults.append(Fault(kind="status", status=503, match="/price", times=None))
    ran = cli("plan", "--exit-code")
    assert ran.code == 4
    assert "prices could not be read" in ran.out


def test_personal_data_is_masked_in_a_plan_and_in_its_file(
    place: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox
) -> None:
    place.project(erp.url, shop.url, flows=ORDERS)
    shop.put("order", order("N-1"))
    ran = cli("plan", "-o", "p.plan")
    assert "N-1" in ran.out
    kept = (place.folder / "p.plan").read_text("utf-8")
    assert "Ivan Primerov" not in ran.out + kept
    assert "•••" in kept


def test_apply_sends_exactly_the_plan(agreed: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox) -> None:
    erp.put("price", price(1, "110.00"), price(2, "120.00"))
    ran = cli("plan", "-o", "p.plan")
    assert "obmen apply p.plan" in ran.out
    ran = cli("apply", "p.plan")
    assert ran.code == 0
    assert shop.writes == [("price", ["A-1|base", "A-2|base"])]


def test_apply_refuses_a_stale_plan(agreed: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox) -> None:
    erp.put("price", price(1, "110.00"))
    cli("plan", "-o", "p.plan")
    erp.put("price", price(1, "111.00"))
    ran = cli("apply", "p.plan")
    assert ran.code == 6
    assert ran.err.startswith("Error: The plan p.plan is stale")
    assert "A-1|base" in ran.err
    assert shop.writes == []


def test_apply_with_a_reason_sends_what_the_plan_shows_as_held(
    agreed: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox
) -> None:
    erp.put("price", price(1, "10.00"), price(2, "90.00"))
    cli("plan", "-o", "p.plan")
    ran = cli("apply", "p.plan")
    assert ran.code == 3
    assert shop.writes == [("price", ["A-2|base"])]
    cli("plan", "-o", "p.plan")
    ran = cli("apply", "p.plan", "--force", "sale")
    assert ran.code == 0
    assert shop.writes[1:] == [("price", ["A-1|base"])]


def test_a_canary_that_reads_back_well_is_followed_by_the_rest(
    agreed: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox
) -> None:
    erp.put("price", *(price(number, "110.00") for number in range(1, 6)))
    cli("plan", "prices", "-o", "p.plan")
    ran = cli("apply", "p.plan", "--canary", "2")
    assert ran.code == 0, ran
    assert [len(ids) for _, ids in shop.writes] == [2, 3]
    assert "5 records written." in ran.out


def test_a_canary_that_reads_back_otherwise_stops_the_rest(
    agreed: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox
) -> None:
    erp.put("price", *(price(number, "110.00") for number in range(1, 6)))
    cli("plan", "prices", "-o", "p.plan")
    shop.crooked = True
    ran = cli("apply", "p.plan", "--canary", "2", "--wait", "0")
    assert ran.code == 6
    assert [len(ids) for _, ids in shop.writes] == [2]
    row = next(line for line in ran.out.splitlines() if line.startswith("A-1|base"))
    assert row.split() == ["A-1|base", "shop", "amount", "110", "1"]
    assert "2 records of the canary" in ran.out
    shop.crooked = False
    assert cli("sync", "prices").code == 3
    assert [len(ids) for _, ids in shop.writes] == [2], "no later sync sends what the canary stopped"
    assert "the canary did not read back" in cli("plan", "prices").out
    assert cli("sync", "prices", "--force", "looked at it").code == 0
    assert [len(ids) for _, ids in shop.writes] == [2, 3]


def test_a_canary_mismatch_in_json(agreed: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox) -> None:
    erp.put("price", price(1, "110.00"))
    cli("plan", "prices", "-o", "p.plan")
    shop.crooked = True
    ran = cli("apply", "p.plan", "--canary", "1", "--wait", "0", "--json")
    assert ran.code == 6
    assert ran.data["mismatches"] == [
        {"flow": "prices", "target": "shop", "key": "A-1|base", "fields": {"amount": ["110", "1"]}}
    ]


def test_a_canary_needs_a_system_that_can_be_read_back(
    agreed: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox
) -> None:
    erp.put("stock", {"id": "A-1", "place": "Main", "free": 6})
    cli("plan", "stock", "-o", "p.plan")
    ran = cli("apply", "p.plan", "--canary", "1")
    assert ran.code == 2
    assert "without --canary" in ran.err
    assert shop.writes == []


def test_apply_of_something_else_says_that_it_is_no_plan(agreed: Place, cli: Cli) -> None:
    ran = cli("apply", "obmen.yaml")
    assert ran.code == 2
    assert "obmen.yaml:1" in ran.err
    ran = cli("apply", "none.plan")
    assert ran.code == 2
    assert "obmen plan -o none.plan" in ran.err


# -- status -----------------------------------------------------------------------------------------------


def test_status_before_the_first_run_says_where_to_begin(ready: Place, cli: Cli) -> None:
    ran = cli("status")
    assert ran.code == 0
    assert "never ran" in ran.out
    assert "obmen plan" in ran.out


def test_status_tells_of_each_flow(agreed: Place, cli: Cli, erp: ShelfSandbox) -> None:
    erp.put("stock", *({"id": f"A-{number}", "place": "Main", "free": 0} for number in range(1, 6)))
    erp.put("price", price(1, "100001.00"))
    cli("sync", "--force", "x", "prices")
    cli("sync", "stock")
    flows = {one["flow"]: one for one in cli("status", "--json").data["flows"]}
    assert flows["products"]["last_run"]["status"] == "done"
    assert flows["products"]["lag_seconds"] >= 0
    assert flows["prices"]["quarantine"] == {"open": 1}
    assert flows["stock"]["outbox"] == {"held": 5}
    ran = cli("status")
    assert "stock: 5 records held by a guard" in ran.out
    assert "obmen quarantine list" in ran.out


def test_status_tells_why_the_last_run_failed(agreed: Place, cli: Cli, erp: ShelfSandbox) -> None:
    erp.key = "another"
    cli("sync")
    assert "prices: the last run failed: erp: GET /price" in cli("status").out
