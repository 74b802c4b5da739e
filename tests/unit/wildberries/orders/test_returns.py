"""Returns: one unit comes back once, whether it is told as a claim, as goods that travel, or as both."""

from datetime import UTC, datetime

import pytest

from connectors.wildberries.sandbox.cabinet import Size
from obmen.errors import Refused
from obmen.mapping import NotCarried
from tests.unit.wildberries.orders.conftest import CHRT, NM, canonical, natives, sent

REFS = {("product", f"{NM}:{CHRT}"): "SKU-1"}


@pytest.fixture
def sold(sandbox):
    number = sandbox.place_order("A-1")
    sandbox.move(number, supplier="complete", wb="sold")
    return number


def returned(wb):
    (native,) = natives(wb, "return")
    return canonical("return", native, refs=REFS)


def test_a_claim_names_the_order_and_the_goods(wb, sandbox, sold, clock):
    clock.pass_by(days=5)
    at = clock.now()
    sandbox.claim(sold, "Не тот цвет")
    one = returned(wb)
    assert one.number == sandbox.assembly[int(sold)].rid
    assert (one.order, one.state, one.comment) == (sold, "requested", "Не тот цвет")
    assert one.occurred_at == at
    (line,) = one.lines
    assert (line.sku, line.quantity) == ("SKU-1", 1)


@pytest.mark.parametrize(
    ("status", "status_ex", "state"),
    [(1, 1, "rejected"), (2, 5, "refunded"), (2, 2, "refunded"), (2, 8, "approved"), (2, 10, "in_transit")],
)
def test_the_decision_of_a_claim_is_a_state(wb, sandbox, sold, status, status_ex, state):
    sandbox.decide(sandbox.claim(sold), status, status_ex)
    assert returned(wb).state == state


def test_a_decision_that_nobody_knows_is_refused_by_name(wb, sandbox, sold):
    sandbox.decide(sandbox.claim(sold), 2, 77)
    with pytest.raises(Refused, match="state") as caught:
        returned(wb)
    assert caught.value.code == "unmapped"


def test_goods_that_travel_are_the_claims_unit_and_not_another(wb, sandbox, sold, clock):
    sandbox.decide(sandbox.claim(sold), 2, 10)
    before = returned(wb)
    sandbox.send_back(sold)
    travelling = returned(wb)
    sandbox.give_back(sold)
    given = returned(wb)
    assert before.key == travelling.key == given.key
    assert [one.state for one in (before, travelling, given)] == ["in_transit", "in_transit", "received"]
    assert (given.order, given.lines) == (before.order, before.lines)


def test_nothing_changes_when_the_claim_is_forgotten_there(wb, sandbox, sold, clock):
    sandbox.decide(sandbox.claim(sold), 2, 10)
    sandbox.send_back(sold)
    before = returned(wb)
    clock.pass_by(days=20)
    assert returned(wb) == before


def test_goods_that_nobody_claimed_come_back_too(wb, sandbox, clock):
    number = sandbox.place_order("A-1")
    sandbox.move(number, supplier="complete", wb="ready_for_pickup")
    sandbox.refuse_at_pickup(number)
    sandbox.send_back(number, "Отказ")
    one = returned(wb)
    assert (one.order, one.state, one.reason, one.lines[0].sku) == (number, "in_transit", "Отказ", "SKU-1")
    sandbox.lose(number)
    assert returned(wb).state == "cancelled"


@pytest.mark.parametrize("kind", ["Возврат заблокированного товара", "Возврат по инициативе продавца"])
def test_what_comes_out_of_wildberries_warehouses_is_nobodys_return(wb, sandbox, sold, kind):
    sandbox.send_back(sold, kind=kind)
    for hand in (None, sandbox.give_back, sandbox.lose):
        if hand is not None:
            hand(sold)
        with pytest.raises(NotCarried):
            returned(wb)
    assert sent(sandbox, "POST", "cards/list") == []


def test_a_kind_that_nobody_knows_waits_with_wildberries_word_for_it(wb, sandbox, sold):
    sandbox.send_back(sold, kind="Возврат КГТ")
    sandbox.give_back(sold)
    with pytest.raises(Refused, match="Возврат КГТ/given") as caught:
        returned(wb)
    assert caught.value.code == "unmapped"


def test_times_are_moscows(wb, sandbox, clock):
    clock.jump((datetime(2026, 6, 15, 21, 30, tzinfo=UTC) - clock.now()).total_seconds())
    number = sandbox.place_order("A-1")
    sandbox.send_back(number)
    assert returned(wb).occurred_at == datetime(2026, 6, 15, 21, 0, tzinfo=UTC)


def test_a_card_of_several_sizes_tells_which_by_the_barcode(wb, sandbox):
    card = next(iter(sandbox.cards.values()))
    card.sizes.append(Size(CHRT + 77, "48", "48", ["4600000099999"], dict.fromkeys(sandbox.warehouses.values(), 5)))
    number = sandbox.place_order("A-1", size="48")
    sandbox.send_back(number)
    (native,) = natives(wb, "return")
    assert native["units"][0]["product"] == f"{NM}:{CHRT + 77}"


def test_a_claim_of_an_order_that_is_not_listed_finds_its_card(wb, sandbox, sold):
    sandbox.claim(sold)
    sandbox.assembly[int(sold)].scheme = "fbw"
    (native,) = natives(wb, "return")
    assert "order" not in native
    assert native["units"][0]["product"] == f"{NM}:{CHRT}"


def test_many_claims_are_read_to_the_end(wb, sandbox):
    for _ in range(430):
        number = sandbox.place_order("A-1")
        sandbox.claim(number)
    assert len(natives(wb, "return")) == 430
    open_pages = [q for q in sent(sandbox, "GET", "/claims") if q["is_archive"] == "false"]
    assert [query["offset"] for query in open_pages] == ["0", "200", "400"]


def test_the_report_is_asked_for_in_periods_that_the_vendor_takes(wb, sandbox, sold, clock):
    sandbox.send_back(sold)
    clock.pass_by(days=85)
    assert len(natives(wb, "return")) == 1
    assert len(sent(sandbox, "GET", "goods-return")) == 3


def test_goods_that_set_out_long_ago_are_looked_at_once_a_day(wb, sandbox, sold, clock):
    sandbox.claim(sold)
    sandbox.send_back(sold)
    sandbox.parcels[int(sold)].at -= 40 * 86400
    states = []
    for days in (0, 0, 1):
        clock.pass_by(days=days)
        states.append([one["state"] for one in natives(wb, "return")])
        sandbox.parcels[int(sold)].given_at = sandbox.now()
    assert states == [["goods/travelling"], [], ["goods/given"]]


def test_what_is_known_in_just_this_version_need_not_be_looked_up_again(wb, sandbox, sold):
    travelling, claimed = sold, sandbox.place_order("A-1")
    sandbox.sell(claimed)
    sandbox.send_back(travelling)
    sandbox.claim(claimed)
    (page,) = [page for page in wb.read("return", None) if page.slices]
    assert [native["srid"] for natives in page.expand(page.slices) for native in natives] == list(page.ids)
    assert set(page.ids) == {sandbox.assembly[int(number)].rid for number in (travelling, claimed)}
