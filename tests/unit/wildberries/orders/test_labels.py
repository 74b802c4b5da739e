"""Labels: a file for each order that is being assembled; the others say whether to wait."""

import pytest

from obmen.errors import Later, Refused
from tests.unit.wildberries.orders.conftest import refusals, sent, step


def names(documents):
    return [document.name for document in documents]


@pytest.mark.field("E8")
def test_each_order_has_a_label_of_its_own(wb, sandbox):
    numbers = [sandbox.place_order("A-1") for _ in range(3)]
    step(wb, "confirm", *numbers)
    documents = list(wb.papers("label", numbers))
    assert names(documents) == [f"{number}.png" for number in numbers]
    assert [document.orders for document in documents] == [(number,) for number in numbers]
    assert documents[0].content == f"png of {numbers[0]}".encode()
    assert documents[0].media_type == "image/png"


@pytest.mark.field("E8")
def test_an_order_that_is_not_in_a_supply_yet_is_waited_for(wb, sandbox):
    ready, new = sandbox.place_order("A-1"), sandbox.place_order("A-1")
    step(wb, "confirm", ready)
    with pytest.raises(Later, match=new) as caught:
        list(wb.papers("label", [ready, new]))
    assert caught.value.after == 60.0
    assert sent(sandbox, "POST", "stickers") == []
    assert names(wb.papers("label", [ready])) == [f"{ready}.png"]


@pytest.mark.field("E8")
def test_a_cancelled_order_never_has_one(wb, sandbox):
    number = sandbox.place_order("A-1")
    sandbox.cancel_by_buyer(number)
    with pytest.raises(Refused, match="cancelled"):
        list(wb.papers("label", [number]))
    with pytest.raises(Refused, match="no order 17"):
        list(wb.papers("label", ["17"]))
    assert refusals(sandbox) == []


@pytest.mark.parametrize(
    ("form", "size", "ending", "media"),
    [("svg", "40x30", "svg", "image/svg+xml"), ("zplv", "58x40", "zpl", "application/zpl")],
)
def test_format_and_size_are_the_projects(connect, sandbox, form, size, ending, media):
    wb = connect(sandbox, labels={"format": form, "size": size})
    number = sandbox.place_order("A-1")
    step(wb, "confirm", number)
    (document,) = wb.papers("label", [number])
    assert (document.name, document.media_type) == (f"{number}.{ending}", media)
    exchange = next(e for e in sandbox.journal if e.path.endswith("stickers"))
    assert dict(exchange.query) == {"type": form, "width": size[:2], "height": size[3:]}


def test_a_label_for_abroad_comes_from_the_carrier_in_his_time(wb, sandbox):
    number = sandbox.place_order("A-1", border=1)
    step(wb, "confirm", number)
    sandbox.track_numbers = False
    with pytest.raises(Later, match="carrier"):
        list(wb.papers("label", [number]))
    sandbox.track_numbers = True
    assert names(wb.papers("label", [number])) == [f"{number}.pdf"]


def test_a_supply_has_a_code_once_it_is_handed_over(connect, sandbox):
    wb = connect(sandbox, ship_to="pickup_point")
    number = sandbox.place_order("A-1")
    step(wb, "confirm", number)
    (supply,) = sandbox.supplies
    with pytest.raises(Later, match="not handed over"):
        list(wb.papers("supply_label", [supply]))
    step(wb, "complete", number)
    documents = list(wb.papers("supply_label", [supply]))
    assert len(documents) == 2
    assert documents[0].name == f"{supply}.png"
    assert documents[1].name.startswith("WB-TRBX-")
