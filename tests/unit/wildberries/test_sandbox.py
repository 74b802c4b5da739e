"""The cabinet itself: its hands, its faults, and what it tells of itself."""

import pytest

from connectors.wildberries import paths
from connectors.wildberries.sandbox import VENDOR, Pace, WildberriesSandbox
from obmen.errors import Denied, Refused
from obmen.testing.sandbox import Fault
from tests.unit.wildberries.conftest import CARD, added, batch, card, kinds, natives, price, settled, stock


def test_what_is_served_for_rehearsals_is_strict():
    assert WildberriesSandbox.strict().pace == VENDOR


def test_its_state_tells_cards_calls_and_what_was_written(wb, sandbox, clock):
    settled(wb, clock, "product", batch(CARD, card("A-1")))
    native_id = natives(wb, "product")[0]["id"]
    settled(wb, clock, "price", batch("product", price(native_id, "990", "1500")))
    list(wb.write("stock", batch(("product", "warehouse_id"), stock(native_id, 7))))
    state = sandbox.state()
    shown = state["cards"]["A-1"]
    assert (shown["price"], shown["discount"], shown["sizes"]["0"]["stocks"]) == (1500, 34, {"Основной": 7})
    assert state["written"] == {"cards": 1, "prices": 1, "stocks": 1}
    assert state["calls"]["POST /content/v2/cards/upload"] == 1


def test_it_can_be_filled_and_emptied(wb, sandbox):
    assert sandbox.fill(3) == ["SKU-00001", "SKU-00002", "SKU-00003"]
    assert len(natives(wb, "product")) == 3
    sandbox.reset()
    assert sandbox.state()["cards"] == {}


def test_a_card_that_waits_can_be_rejected(make_sandbox, connect, clock):
    sandbox = make_sandbox(pace=Pace(creation=60))
    wb = connect(sandbox)
    items = batch(CARD, card("A-1"), card("A-2"))
    first, _ = wb.write("product", items)
    sandbox.moderate("A-2", "Запрещённое слово", "Плохое фото")
    clock.advance(61)
    outcomes = {one.id: one for one in wb.poll("product", first.ticket, items)}
    assert kinds(outcomes) == {"A-1|0": "done", "A-2|0": "refused"}
    assert [error.message for error in outcomes["A-2|0"].errors] == ["Запрещённое слово", "Плохое фото"]
    assert kinds(settled(wb, clock, "product", batch(CARD, card("A-2")), polls=9)) == {"A-2|0": "done"}
    assert sandbox.card_errors == []


def test_many_errors_are_read_to_the_one_that_is_older_than_the_question(wb, sandbox, clock):
    for n in range(250):
        sandbox._fail(f"old-{n}", 105, ["старая ошибка"])
    clock.advance(60)
    since = clock.now().isoformat()
    for n in range(120):
        sandbox._fail(f"new-{n}", 105, ["новая ошибка"])
    assert set(wb._errors_since(since)) == {f"new-{n}" for n in range(120)}
    assert sandbox.calls[f"POST {paths.CARD_ERRORS}"] == 2


def test_an_answer_of_200_that_refuses_is_a_refusal(wb, sandbox):
    product = added(sandbox, "A-1")
    for match, entity, items in (
        ("get/cards", "product", None),
        ("upload/task", "price", batch("product", price(product, "990"))),
        ("cards/upload", "product", batch(CARD, card("B-1"))),
    ):
        sandbox.faults[:] = [Fault(kind="custom", name="error_in_200", match=match)]
        if items is None:
            with pytest.raises(Refused, match="Internal error"):
                natives(wb, entity)
        elif entity == "price":
            assert [one.kind for one in wb.write(entity, items)] == ["refused"]
        else:
            with pytest.raises(Refused, match="Internal error"):
                list(wb.write(entity, items))


def test_a_token_that_may_only_read_reads(sandbox, connect, clock):
    product = added(sandbox, "A-1", price=990)
    sandbox.issue_token(read_only=True)
    wb = connect(sandbox)
    assert [row["product"] for row in natives(wb, "price")] == [product]
    assert list(wb.look_up("price", [product]))
    with pytest.raises(Denied, match="read only"):
        list(wb.write("price", batch("product", price(product, "1000"))))
    with pytest.raises(Denied, match="read only"):
        list(wb.write("product", batch(CARD, card("B-1"))))


def test_a_path_that_wildberries_does_not_have_is_told(wb, sandbox):
    with pytest.raises(Refused, match="path not found"):
        wb.http.get(f"{sandbox.url}/content/v1/cards")
