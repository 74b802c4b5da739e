"""Reading: what is skipped, what is found gone, what is set aside, and what two records claim together."""

from __future__ import annotations

from decimal import Decimal

import pytest

from obmen.errors import ConfigurationError
from obmen.rules.guards import Guards
from obmen.state import bindings, outbox, quarantine, runs, seen
from obmen.state.quarantine import Entry
from tests.crash.world import World, price, product


def fill(world: World, count: int = 8) -> None:
    world.erp.put("product", *(product(n) for n in range(count)))
    world.erp.put("price", *(price(n) for n in range(count)))


def goods(world: World, **kwargs: object) -> dict[str, object]:
    reports = world.sync("products", "prices", **kwargs)  # type: ignore[arg-type]
    return {report.flow: report for report in reports}


def amounts(world: World) -> dict[str, str]:
    return {key: str(native["amount"]) for key, native in world.shop.of("price").items()}


def set_aside(world: World) -> list[Entry]:
    with world.ledger.read() as tx:
        return quarantine.entries(tx)


def test_everything_arrives_and_a_second_run_calls_nobody(world: World) -> None:
    fill(world)
    goods(world)
    assert len(world.shop.of("product")) == len(amounts(world)) == 8
    world.shop.calls.clear()
    reports = goods(world)
    assert world.shop.calls == []
    assert reports["prices"].read["unchanged"] == 8


def test_one_changed_price_is_one_write(world: World) -> None:
    fill(world)
    goods(world)
    world.shop.calls.clear()
    world.erp.put("price", price(5, "101.00"))
    goods(world)
    assert world.shop.calls == [("price", ["SKU-5|BASE"])]
    assert amounts(world)["SKU-5|BASE"] == "101.00"


def test_bytes_that_change_for_nothing_cause_no_write(world: World) -> None:
    fill(world)
    goods(world)
    world.shop.calls.clear()
    world.erp.put("price", {**price(5), "comment": "a field that nobody maps"})
    goods(world)
    assert world.shop.calls == []


@pytest.mark.parametrize("shift", ["insert", "delete", "reverse"])
def test_a_source_that_shifts_is_not_taken_for_changed(world: World, shift: str) -> None:
    fill(world, 20)
    goods(world)
    world.shop.calls.clear()
    held = list(world.erp.of("price").values())
    moved = {
        "insert": [price(99), *held],
        "delete": held[1:],
        "reverse": held[::-1],
    }[shift]
    world.erp.records["price"] = {}
    world.erp.put("price", *moved)
    world.erp.put("product", product(99))
    goods(world)
    prices = [ids for entity, ids in world.shop.calls if entity == "price"]
    assert prices == ([["SKU-99|BASE"]] if shift == "insert" else [])


def test_a_price_that_goes_back_before_it_is_sent_is_not_sent(world: World) -> None:
    fill(world)
    goods(world)
    world.shop.calls.clear()
    world.shop.down = True
    world.erp.put("price", price(1, "110.00"))
    goods(world)
    world.erp.put("price", price(1, "100.00"))
    goods(world)
    world.shop.down = False
    goods(world)
    assert world.shop.calls == []


def test_fifty_changes_while_the_peer_is_down_are_one_write(world: World) -> None:
    fill(world)
    goods(world)
    world.shop.calls.clear()
    world.shop.down = True
    for step in range(50):
        world.erp.put("price", price(1, f"{101 + step}.00"))
        goods(world)
    world.shop.down = False
    goods(world)
    assert world.shop.calls == [("price", ["SKU-1|BASE"])]
    assert amounts(world)["SKU-1|BASE"] == "150.00"


@pytest.mark.parametrize(
    ("bad", "word"),
    [("-5.00", "greater than or equal"), ("free", "is not a number"), ("1e400", ""), ("", ""), (None, "")],
)
def test_a_bad_price_harms_only_itself(world: World, bad: object, word: str) -> None:
    fill(world)
    goods(world)
    world.erp.put("price", {**price(3), "amount": bad}, price(4, "104.00"))
    goods(world)
    assert amounts(world)["SKU-4|BASE"] == "104.00"
    assert amounts(world)["SKU-3|BASE"] == "100.00"
    (entry,) = set_aside(world)
    assert (entry.stage, entry.source) == ("pull", "SKU-3|BASE")
    assert word in entry.message
    world.erp.put("price", price(3, "103.00"))
    goods(world)
    assert set_aside(world) == []
    assert amounts(world)["SKU-3|BASE"] == "103.00"


def test_a_record_that_becomes_bad_is_not_taken_for_gone(world: World) -> None:
    world.missing = "zero"
    world.erp.put("product", product(1), product(2))
    world.erp.put("stock", *({"id": f"SKU-{n}", "place": "Основной", "free": 5} for n in (1, 2)))
    world.sync("products", "stocks")
    world.erp.put("stock", {"id": "SKU-1", "place": "Основной", "free": "many"})
    world.sync("products", "stocks")
    assert {key: native["free"] for key, native in world.shop.of("stock").items()} == {
        "SKU-1|Основной": 5,
        "SKU-2|Основной": 5,
    }


def test_two_goods_with_one_sku_the_first_keeps_it(world: World) -> None:
    first = {"id": "GUID-1", "sku": "A", "name": "Первый"}
    second = {"id": "GUID-2", "sku": "A", "name": "Второй"}
    world.erp.put("product", first, second)
    world.sync("keyed")
    assert world.shop.of("product")["A"]["name"] == "Первый"
    (entry,) = set_aside(world)
    assert entry.code == "duplicate_key"
    assert "GUID-1" in entry.message
    assert "GUID-2" in entry.message
    del world.erp.of("product")["GUID-1"]
    world.sync("keyed")
    world.sync("keyed")
    assert set_aside(world) == []
    assert world.shop.of("product")["A"]["name"] == "Второй"


def test_a_sku_that_is_renamed_moves_its_binding(world: World) -> None:
    world.erp.put("product", {"id": "GUID-1", "sku": "A", "name": "Один"})
    world.sync("keyed")
    world.erp.put("product", {"id": "GUID-1", "sku": "B", "name": "Один"})
    world.sync("keyed")
    with world.ledger.read() as tx:
        assert bindings.keys(tx, "erp", "product", ["GUID-1"]) == {"GUID-1": "B"}
        assert bindings.native_ids(tx, "erp", "product", ["A"]) == {}
    assert set(world.shop.of("product")) == {"A", "B"}


def test_several_values_of_a_key_that_the_target_does_not_carry_are_refused(world: World) -> None:
    world.erp.put("product", product(1))
    world.erp.put("price", price(1), {**price(1), "type": "OPT", "amount": "80.00"})
    _, report = world.sync("products", "one_price")
    (trouble,) = report.trouble
    assert isinstance(trouble, ConfigurationError)
    assert "several values of price_type" in str(trouble)
    assert "where: { price_type: BASE }" in str(trouble)
    assert len(world.shop.of("product")) == 1
    world.where = {"price_type": "OPT"}
    _, report = world.sync("products", "one_price")
    assert report.read["elsewhere"] == 1, "what is left out is counted"
    assert {key: native["amount"] for key, native in world.shop.of("price").items()} == {"SKU-1|": "80.00"}


# -- what is gone ----------------------------------------------------------------------------------------------


def stocks(world: World, count: int) -> None:
    world.erp.put("product", *(product(n) for n in range(count)))
    world.erp.put("stock", *({"id": f"SKU-{n}", "place": "Основной", "free": 5} for n in range(count)))
    world.sync("products", "stocks")
    world.shop.calls.clear()


def shown(world: World) -> list[object]:
    return [native["free"] for native in world.shop.of("stock").values()]


def test_a_stock_that_is_gone_becomes_zero_if_the_flow_says_so(world: World) -> None:
    world.missing = "zero"
    stocks(world, 4)
    del world.erp.of("stock")["SKU-2|Основной"]
    world.sync("stocks")
    assert shown(world) == [5, 5, 0, 5]
    world.erp.put("stock", {"id": "SKU-2", "place": "Основной", "free": 7})
    world.sync("stocks")
    assert shown(world) == [5, 5, 7, 5]


def test_a_stock_that_is_gone_is_left_alone_otherwise(world: World) -> None:
    stocks(world, 4)
    del world.erp.of("stock")["SKU-2|Основной"]
    world.sync("stocks")
    assert shown(world) == [5, 5, 5, 5]
    assert world.shop.calls == []


def test_a_product_that_is_gone_is_archived_and_comes_back(world: World) -> None:
    world.missing = "archive"
    fill(world)
    world.sync("products")
    gone = world.erp.of("product").pop("SKU-1")
    world.sync("products")
    assert world.shop.of("product")["SKU-1"]["archived"] is True
    world.erp.put("product", {**gone, "name": "Новое имя"})
    world.sync("products")
    assert world.shop.of("product")["SKU-1"] == {"id": "SKU-1", "name": "Новое имя"}


def test_an_interrupted_read_does_not_hide_what_is_gone(world: World) -> None:
    world.missing = "zero"
    stocks(world, 9)
    del world.erp.of("stock")["SKU-1|Основной"]

    class Stop(BaseException):
        pass

    def die(step: str) -> None:
        if step == "read.committed":
            raise Stop

    with pytest.raises(Stop):
        world.sync("stocks", on_step=die)
    world.sync("stocks")
    assert world.shop.of("stock")["SKU-1|Основной"]["free"] == 0


# -- guards ----------------------------------------------------------------------------------------------------


def test_a_source_that_answers_nothing_zeroes_nothing(world: World) -> None:
    world.missing = "zero"
    world.guards = Guards(zeroed=Decimal("0.3"))
    stocks(world, 10)
    held = world.erp.records["stock"]
    world.erp.records["stock"] = {}
    (report,) = world.sync("stocks")
    assert world.shop.calls == []
    assert report.status == "held"
    assert "10 of 10 records (100%) would go to zero" in report.held["shop"]["zeroed"]
    world.erp.records["stock"] = held
    (report,) = world.sync("stocks")
    assert world.shop.calls == []
    assert report.outbox == {}


def test_what_was_held_goes_when_a_person_says_so(world: World) -> None:
    world.missing = "zero"
    world.guards = Guards(zeroed=Decimal("0.3"))
    stocks(world, 10)
    world.erp.records["stock"] = {}
    world.sync("stocks")
    world.sync("stocks", force="the warehouse burnt down")
    assert shown(world) == [0] * 10
    with world.ledger.read() as tx:
        last = runs.last(tx, "stocks")
    assert last is not None
    assert "the warehouse burnt down" in last.message


def test_a_price_that_jumps_is_held_and_the_others_go(world: World) -> None:
    world.guards = Guards(change=Decimal("0.5"))
    fill(world)
    goods(world)
    world.erp.put("price", price(1, "10.00"), price(2, "110.00"))
    reports = goods(world)
    assert amounts(world)["SKU-1|BASE"] == "100.00"
    assert amounts(world)["SKU-2|BASE"] == "110.00"
    assert reports["prices"].outbox == {"held": 1}


def test_a_read_that_dies_before_the_guards_speak_sends_nothing_unguarded(world: World) -> None:
    world.guards = Guards(change=Decimal("0.5"))
    fill(world)
    goods(world)
    world.shop.calls.clear()
    world.erp.put("price", price(1, "10.00"))

    class Stop(BaseException):
        pass

    def die(step: str) -> None:
        if step == "read.ending":
            raise Stop

    with pytest.raises(Stop):
        world.sync("prices", on_step=die)
    with world.ledger.read() as tx:
        assert outbox.counts(tx, "prices") == {"fresh": 1}
    goods(world)
    assert world.shop.calls == []
    with world.ledger.read() as tx:
        assert outbox.counts(tx, "prices") == {"held": 1}
        assert seen.checkpoint(tx, "prices").whole
