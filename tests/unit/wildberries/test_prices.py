"""Prices: whole rubles and percents, an upload that is asked, and the quarantine."""

from decimal import Decimal

import pytest

from connectors.wildberries.discount import say
from connectors.wildberries.sandbox import Pace
from obmen.errors import Refused
from obmen.testing.sandbox import Fault
from tests.unit.wildberries.conftest import added, batch, kinds, natives, price, settled


def test_a_price_and_a_crossed_out_one_become_a_whole_discount(wb, sandbox, clock):
    one, two = added(sandbox, "A-1"), added(sandbox, "A-2")
    outcomes = settled(wb, clock, "price", batch("product", price(one, "990", "1500"), price(two, "1990")))
    assert set(kinds(outcomes).values()) == {"done"}
    assert [(card.price, card.discount) for card in sandbox.cards.values()] == [(1500, 34), (1990, 0)]
    assert natives(wb, "price") == [
        {"product": one, "vendorCode": "A-1", "amount": "990", "currency": "RUB", "old_amount": "1500"},
        {"product": two, "vendorCode": "A-2", "amount": "1990", "currency": "RUB"},
    ]
    assert [row["product"] for row in wb.look_up("price", [two])] == [two]


@pytest.mark.field("C1")
@pytest.mark.parametrize(
    ("amount", "old", "rounding", "said"),
    [
        ("990", None, "refuse", (990, 0)),
        ("990.00", "990", "refuse", (990, 0)),
        ("990", "1500", "refuse", (1500, 34)),
        ("990.50", None, "up", (991, 0)),
        ("990.50", None, "down", (990, 0)),
        ("990.50", None, "nearest", (991, 0)),
        ("0.20", None, "nearest", (1, 0)),
        ("1990", "2500", "up", (2488, 20)),
        ("1990", "2500", "down", (2487, 20)),
        ("1", "1000000", "nearest", (100, 99)),
    ],
)
def test_what_wildberries_is_told(amount, old, rounding, said):
    told = say(Decimal(amount), None if old is None else Decimal(old), rounding)
    assert (told.price, told.discount) == said
    assert abs(told.sold - Decimal(amount)) < 1


@pytest.mark.field("C1")
@pytest.mark.parametrize(
    ("amount", "old", "code"),
    [
        ("990.50", None, "kopecks"),
        ("990", "1500.50", "kopecks"),
        ("1990", "2500", "no_whole_discount"),
        ("0", None, "not_a_price"),
    ],
)
def test_what_whole_numbers_cannot_say_is_refused(amount, old, code):
    with pytest.raises(Refused) as caught:
        say(Decimal(amount), None if old is None else Decimal(old), "refuse")
    assert caught.value.code == code


def test_one_price_that_cannot_be_said_does_not_stop_the_others(wb, sandbox, clock):
    one, two = added(sandbox, "A-1"), added(sandbox, "A-2")
    outcomes = settled(wb, clock, "price", batch("product", price(one, "990.50"), price(two, "990")))
    assert kinds(outcomes) == {one: "refused", two: "done"}


def test_an_upload_is_asked_until_it_is_worked_on(make_sandbox, connect, clock):
    sandbox = make_sandbox(pace=Pace(pricing=60))
    wb = connect(sandbox)
    items = batch("product", price(added(sandbox, "A-1"), "990"))
    (accepted,) = wb.write("price", items)
    assert list(wb.poll("price", accepted.ticket, items)) == []
    clock.advance(61)
    assert [one.kind for one in wb.poll("price", accepted.ticket, items)] == ["done"]


def test_the_same_upload_twice_is_one_upload(make_sandbox, connect):
    sandbox = make_sandbox(pace=Pace(pricing=60))
    wb = connect(sandbox)
    items = batch("product", price(added(sandbox, "A-1"), "990"))
    sandbox.faults.append(Fault(kind="drop_after", match="upload/task"))
    tickets = {one.ticket.split()[0] for _ in range(2) for one in wb.write("price", items)}
    assert len(tickets) == len(sandbox.price_uploads) == 1


def test_prices_that_stand_already_are_done(wb, sandbox, clock):
    product = added(sandbox, "A-1", price=990)
    assert [one.kind for one in wb.write("price", batch("product", price(product, "990")))] == ["done"]


def test_a_good_that_is_sold_off_keeps_its_price_and_the_others_change(wb, sandbox, clock):
    ids = [added(sandbox, f"A-{n}", price=1000) for n in range(3)]
    sandbox.on_sale.add(int(ids[1].partition(":")[0]))
    outcomes = settled(wb, clock, "price", batch("product", *(price(one, "900") for one in ids)))
    assert kinds(outcomes) == {ids[0]: "done", ids[1]: "refused", ids[2]: "done"}
    assert outcomes[ids[1]].errors[0].message.startswith("You can't change the item price")


@pytest.mark.field("C5")
def test_a_price_three_times_lower_waits_in_quarantine_and_the_old_one_stays(wb, sandbox, clock):
    product = added(sandbox, "A-1", price=3000)
    told = price(product, "1000")
    assert "quarantine" in wb.foresee("price", told, {"amount": Decimal(3000)})
    assert wb.foresee("price", told, {"amount": Decimal(2999)}) == ""
    outcomes = settled(wb, clock, "price", batch("product", told))
    assert outcomes[product].errors[0].code == "price_quarantine"
    assert [row["amount"] for row in natives(wb, "price")] == ["3000"]
    sandbox.confirm_price(next(iter(sandbox.cards)))
    assert [row["amount"] for row in natives(wb, "price")] == ["1000"]


def test_a_rounded_price_is_foretold(sandbox, connect):
    wb = connect(sandbox, rounding="nearest")
    assert "1990.4" in wb.foresee("price", price("1:1", "1990", "2500"), None)
    assert wb.foresee("price", price("1:1", "1990"), None) == ""
    assert wb.foresee("stock", {}, None) == ""


def test_a_cancelled_upload_is_said_again(wb, sandbox, clock):
    sandbox.faults.append(Fault(kind="custom", name="cancelled_upload", match="upload/task"))
    outcomes = settled(wb, clock, "price", batch("product", price(added(sandbox, "A-1"), "990")))
    assert [one.kind for one in outcomes.values()] == ["later"]


def test_a_card_that_prices_do_not_know_yet_waits(make_sandbox, connect, clock):
    sandbox = make_sandbox()
    wb = connect(sandbox)
    known, fresh = added(sandbox, "A-1"), added(sandbox, "A-2", synced_at=sandbox.now() + 1800)
    several = list(wb.write("price", batch("product", price(known, "990"), price(fresh, "990"))))
    assert {one.id: (one.kind, one.after) for one in several} == {
        known: ("accepted", None),
        fresh: ("later", 300.0),
    }
    assert sandbox.calls["POST /api/v2/upload/task"] == 2
    (outcome,) = wb.write("price", batch("product", price(fresh, "990")))
    assert (outcome.kind, outcome.after) == ("later", 300.0)
    clock.advance(1801)
    assert set(kinds(settled(wb, clock, "price", batch("product", price(fresh, "990")))).values()) == {"done"}


def test_sizes_of_a_card_have_one_price(wb, sandbox, clock):
    card = sandbox.add_card("M-1", sizes={"42": ["1"], "44": ["2"], "46": ["3"]})
    ids = [f"{card.nm_id}:{size.chrt_id}" for size in card.sizes]
    rows = [price(ids[0], "990"), price(ids[1], "990"), price(ids[2], "1090")]
    outcomes = settled(wb, clock, "price", batch("product", *rows))
    assert kinds(outcomes) == {ids[0]: "done", ids[1]: "done", ids[2]: "refused"}
    assert outcomes[ids[2]].errors[0].code == "size_prices"
    assert {row["amount"] for row in natives(wb, "price")} == {"990"}


def test_a_thousand_prices_are_one_upload(wb, sandbox, clock):
    ids = [added(sandbox, f"A-{n}") for n in range(1000)]
    settled(wb, clock, "price", batch("product", *(price(one, "990") for one in ids)), polls=1)
    assert sandbox.calls["POST /api/v2/upload/task"] == 1
    assert len(natives(wb, "price")) == 1000


def test_an_upload_that_nobody_tells_of_is_said_again_after_an_hour(wb, clock):
    items = batch("product", price("1:1", "990"))
    ticket = f"7 {clock.now().isoformat()}"
    assert list(wb.poll("price", ticket, items)) == []
    clock.advance(3601)
    assert [one.kind for one in wb.poll("price", ticket, items)] == ["later"]
