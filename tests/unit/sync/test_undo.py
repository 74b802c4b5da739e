"""Undoing a run: before-values go back by the usual road; what changed since, and what has no way back, is told."""

from __future__ import annotations

from decimal import Decimal

from obmen.entities import Price
from obmen.rules.guards import Guards
from obmen.state import outbox, runs, stops, written
from obmen.sync import plan as plans
from obmen.sync import undo as undoing
from obmen.sync.engine import Engine
from obmen.sync.passes import FlowReport, Pass
from obmen.sync.plan import Change, difference_of
from obmen.sync.steps import OnStep, ignore
from obmen.sync.undo import Line, Undo, Undone
from tests.crash.world import World, price, product, status


def stock(number: int, free: int) -> dict[str, object]:
    return {"id": f"SKU-{number}", "place": "A", "free": free}


def fill(world: World, count: int = 6) -> None:
    world.erp.put("product", *(product(n) for n in range(count)))
    world.erp.put("price", *(price(n, "100.00") for n in range(count)))
    world.erp.put("stock", *(stock(n, 5) for n in range(count)))
    world.sync("products", "prices", "stocks")


def last(world: World, flow: str) -> int:
    with world.ledger.read() as tx:
        found = runs.last(tx, flow)
    assert found is not None
    return found.id


def undo(world: World, flow: str, run: int, *, on_step: OnStep = ignore) -> tuple[Undone, list[Line], FlowReport]:
    engine = Engine(world.ledger, world.flows(), on_step=on_step)
    (chosen,) = engine.choose([flow])
    lines: list[Line] = []
    work = Pass(chosen, undoing.KIND)
    done = Undo(world.ledger, chosen, run, on_line=lines.append)
    with world.ledger.write() as tx:
        work.run = done.by = runs.begin(tx, flow, undoing.KIND)
    done.put()
    engine.finish(work, 600.0, only=done.mine)
    return done.result, lines, work.report


def look(world: World, flow: str, run: int) -> tuple[Undone, list[Line]]:
    (chosen,) = Engine(world.ledger, world.flows()).choose([flow])
    lines: list[Line] = []
    return Undo(world.ledger, chosen, run, on_line=lines.append).look(), lines


def prices(world: World) -> list[str]:
    return [str(one["amount"]) for one in world.shop.of("price").values()]


def test_prices_go_back_except_those_that_changed_since_which_are_listed(world: World) -> None:
    fill(world)
    world.erp.put("price", *(price(n, "10.00") for n in range(5)))
    world.sync("prices")
    wrong = last(world, "prices")
    world.erp.put("price", price(3, "120.00"))
    world.sync("prices")
    before = dict(world.shop.of("price"))
    seen = look(world, "prices", wrong)
    assert world.shop.of("price") == before
    done, lines, report = undo(world, "prices", wrong)
    assert (done.counts, lines) == (seen[0].counts, seen[1])
    assert prices(world) == ["100.00", "100.00", "100.00", "120.00", "100.00", "100.00"]
    assert done.counts == {"shop": {"back": 4, "changed": 1}}
    assert [line for line in lines if line.verdict == "changed"] == [
        Line("shop", "price", "SKU-3|BASE", "changed", {"amount": ["120", "10"]}, "it has changed since")
    ]
    assert report.status == "done"
    again, _, _ = undo(world, "prices", wrong)
    assert again.counts == {"shop": {"same": 4, "changed": 1}}


def test_it_stays_undone_until_the_source_changes(world: World) -> None:
    fill(world)
    world.erp.put("price", price(1, "60.00"))
    world.sync("prices")
    undo(world, "prices", last(world, "prices"))
    world.sync("prices")
    assert prices(world)[1] == "100.00"
    world.erp.put("price", price(1, "60.50"))
    world.sync("prices")
    assert prices(world)[1] == "60.50"


def test_its_cause_is_told_and_an_undo_can_be_undone(world: World) -> None:
    fill(world, 2)
    world.erp.put("price", price(1, "60.00"))
    world.sync("prices")
    wrong = last(world, "prices")
    _, _, _ = undo(world, "prices", wrong)
    by = last(world, "prices")
    with world.ledger.read() as tx:
        (newest, *_) = written.of_key(tx, "shop", "price", "SKU-1|BASE")
        found = runs.get(tx, by)
    assert (newest.run, newest.cause) == (by, f"undo:{wrong}")
    assert found is not None
    assert found.kind == "undo"
    assert difference_of(Price, newest.before, newest.after) == {"amount": ["60", "100"]}
    undo(world, "prices", by)
    assert prices(world) == ["100.00", "60.00"]


def test_what_the_run_created_goes_to_nothing_where_it_can(world: World) -> None:
    fill(world, 2)
    first = {flow: last(world, flow) for flow in ("products", "prices", "stocks")}
    assert undo(world, "stocks", first["stocks"])[0].counts == {"shop": {"zeroed": 2}}
    assert [one["free"] for one in world.shop.of("stock").values()] == [0, 0]
    done, lines, _ = undo(world, "prices", first["prices"])
    assert done.counts == {"shop": {"no_way": 2}}
    assert "first price" in lines[0].why
    assert undo(world, "products", first["products"])[0].counts == {"shop": {"archived": 2}}
    assert all(one["archived"] for one in world.shop.of("product").values())


def test_a_product_that_was_archived_comes_back(world: World) -> None:
    fill(world, 2)
    world.guards = Guards()
    world.erp.put("product", {**product(1), "archived": True})
    world.sync("products")
    assert world.shop.of("product")["SKU-1"]["archived"]
    done, lines, _ = undo(world, "products", last(world, "products"))
    assert (done.counts, lines[0].fields) == ({"shop": {"back": 1}}, {"archived": [True, None]})
    assert not world.shop.of("product")["SKU-1"].get("archived")


def test_what_the_run_had_not_sent_is_not_sent_any_more(world: World) -> None:
    fill(world)
    with world.ledger.write() as tx:
        stops.put(tx, "shop", "price", "write", "anna", "wrong")
    world.erp.put("price", *(price(n, "60.00") for n in range(6)))
    world.sync("prices")
    with world.ledger.read() as tx:
        (row, *_) = outbox.listing(tx, "prices", "shop", "price")
    assert look(world, "prices", row.run)[0].unsent == 6
    done, _, _ = undo(world, "prices", row.run)
    assert (done.unsent, done.done) == (6, 0)
    with world.ledger.write() as tx:
        stops.lift(tx, "shop", "", "")
    world.sync("prices")
    assert prices(world) == ["100.00"] * 6


def test_what_may_have_arrived_is_not_withdrawn_as_if_it_had_not(world: World) -> None:
    fill(world)
    world.erp.put("price", price(1, "60.00"))
    world.shop.lose_answers = 1
    world.sync("prices", patience=0.0)
    wrong = last(world, "prices")
    done, _, _ = undo(world, "prices", wrong)
    assert (done.unsent, done.flying) == (0, 1)
    world.sync("prices")
    undo(world, "prices", last(world, "prices"))
    assert prices(world) == ["100.00"] * 6


def test_something_newer_on_its_way_is_left_alone(world: World) -> None:
    fill(world)
    world.erp.put("stock", stock(1, 50), stock(2, 50))
    world.sync("stocks")
    wrong = last(world, "stocks")
    with world.ledger.write() as tx:
        stops.put(tx, "shop", "stock", "write", "anna", "look")
    world.erp.put("stock", stock(1, 7))
    world.sync("stocks")
    done, lines, report = undo(world, "stocks", wrong)
    assert done.counts == {"shop": {"queued": 1, "back": 1}}
    assert [line.fields for line in lines if line.verdict == "queued"] == [{"available": ["7", "50"]}]
    assert report.paused
    assert undo(world, "stocks", wrong)[0].counts == {"shop": {"queued": 1, "under_way": 1}}
    told = [one for one in plans.plan(world.ledger, world.flows(), ["stocks"]) if isinstance(one, Change)]
    assert {one.key: (one.state, one.cause) for one in told} == {
        "SKU-1|A": ("pending", ""),
        "SKU-2|A": ("pending", f"undo:{wrong}"),
    }
    with world.ledger.write() as tx:
        stops.lift(tx, "shop", "", "")
    world.sync("stocks")
    assert [one["free"] for one in world.shop.of("stock").values()] == [5, 7, 5, 5, 5, 5]


def test_guards_hold_no_undo(world: World) -> None:
    fill(world)
    world.erp.put("price", *(price(n, "10.00") for n in range(6)))
    world.sync("prices", force="sale")
    world.guards = Guards(change=Decimal("0.1"), share=Decimal("0.1"))
    done, _, report = undo(world, "prices", last(world, "prices"))
    assert (done.done, report.status, prices(world)) == (6, "done", ["100.00"] * 6)


def test_a_record_that_a_run_wrote_twice_goes_back_to_what_was_before_the_first_time(world: World) -> None:
    fill(world, 1)
    with world.ledger.write() as tx:
        run = runs.begin(tx, "prices", "sync")
        (first, *_) = written.of_key(tx, "shop", "price", "SKU-0|BASE")
        middle, end = (first.after.replace(b"100", number) for number in (b"70", b"80"))
        same = {"run": run, "flow": "prices", "connection": "shop", "entity": "price", "key": first.key, "op": "put"}
        written.add(tx, [{**same, "before": first.after, "after": middle, "cause": ""}])
        written.add(tx, [{**same, "before": middle, "after": end, "cause": ""}])
    assert look(world, "prices", run)[0].counts == {"shop": {"same": 1}}


def test_orders_are_never_taken_back(world: World) -> None:
    world.shop.put("order_status", status(1, "new"))
    world.shop.put(
        "order",
        {
            "channel": "shop", "number": "N-1", "at": "2026-06-15T06:00:00Z", "currency": "RUB",
            "lines": [{"sku": "SKU-1", "n": 2, "price": 100}],
        },
    )  # fmt: skip
    world.sync("orders", "statuses")
    done, lines, _ = undo(world, "orders", last(world, "orders"))
    assert (done.counts, list(world.erp.of("order"))) == ({"erp": {"no_way": 1}}, ["N-1"])
    assert lines[0].why == "only prices, stock and products are taken back, no order"
    assert undo(world, "statuses", last(world, "statuses"))[0].counts == {}
