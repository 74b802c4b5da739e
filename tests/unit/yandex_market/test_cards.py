"""Cards: all or none, moderation, what is taken away, VAT in shops, the archive."""

import pytest

from connectors.yandex_market import cards, limits, paths
from connectors.yandex_market.card_body import offer_body
from obmen.errors import IncompleteSource, Refused, Unavailable
from obmen.records import Item
from obmen.testing.sandbox import Fault
from tests.unit.yandex_market.conftest import batch, card, kinds, natives


def put(ym, items):
    """Write cards and ask for their state once; return the last outcome of each."""
    outcomes = list(ym.write("product", items))
    for ticket in {outcome.ticket for outcome in outcomes if outcome.kind == "accepted"}:
        outcomes += ym.poll("product", ticket, items)
    return {outcome.id: outcome for outcome in outcomes}


def test_a_card_is_saved_then_moderated_then_done(ym, market, clock):
    market.moderation = 3600.0
    items = batch("product", card("A-1"), known=False)
    (accepted,) = ym.write("product", items)
    assert accepted.kind == "accepted"
    (waits,) = ym.poll("product", accepted.ticket, items)
    assert (waits.kind, waits.ticket, waits.after) == ("accepted", accepted.ticket, 60.0)
    clock.pass_by(hours=2)
    (done,) = ym.poll("product", accepted.ticket, items)
    assert (done.kind, done.native_id) == ("done", "A-1")
    saved = market.state()["cards"]["A-1"]
    assert (saved["category"], saved["parameters"][9120101][0]["valueId"]) == (91201, 912010100)


def test_a_card_that_moderators_leave_lying_is_asked_for_less_often(ym, market, clock):
    market.moderation = 86400.0
    items = batch("product", card("A-1"), known=False)
    (accepted,) = ym.write("product", items)
    clock.pass_by(hours=3)
    (waits,) = ym.poll("product", accepted.ticket, items)
    assert (waits.kind, waits.after) == ("accepted", 600.0)


def test_a_card_that_is_never_shown_is_sent_again_after_a_day(make_sandbox, connect, clock):
    market = make_sandbox(settle=10 * 86400)
    ym = connect(market)
    items = batch("product", card("A-1"), known=False)
    (accepted,) = ym.write("product", items)
    clock.pass_by(hours=20)
    assert list(ym.poll("product", accepted.ticket, items)) == []
    clock.pass_by(hours=6)
    assert kinds(ym.poll("product", accepted.ticket, items)) == {"A-1": "later"}


def test_what_moderators_do_not_take_is_told_in_their_words(ym, market):
    items = batch("product", card("A-1"), card("A-2"), known=False)
    (first, _) = ym.write("product", items)
    market.complain("A-2", "Запрещённый товар", "Нужен сертификат")
    outcomes = {outcome.id: outcome for outcome in ym.poll("product", first.ticket, items)}
    assert outcomes["A-1"].kind == "done"
    assert outcomes["A-2"].kind == "refused"
    (error,) = outcomes["A-2"].errors
    assert (error.code, error.message) == ("NO_CARD_ERRORS", "Запрещённый товар: Нужен сертификат")


def test_a_card_that_lacks_content_is_refused_with_what_it_lacks(ym, market):
    bare = card("A-1", attributes=[])
    del bare["offer"]["pictures"]
    market.sell("A-1")
    refused = put(ym, batch("product", bare, known=False))["A-1"]
    assert refused.errors[0].code == "bad_attributes"
    assert "Материал" in refused.errors[0].message
    no_category = {"offer": bare["offer"]}
    outcome = put(ym, batch("product", {"offer": {**no_category["offer"], "offerId": "Б"}}, known=False))["Б"]
    assert (outcome.kind, outcome.errors[0].code) == ("refused", "EMPTY_MARKET_CATEGORY")


def test_one_bad_card_among_a_hundred_is_refused_alone_in_two_calls(ym, market):
    rows = [card(f"A-{n}", **({"attributes": [], "category": "91100"} if n == 42 else {})) for n in range(100)]
    outcomes = put(ym, batch("product", *rows, known=False))
    assert [id_ for id_, outcome in outcomes.items() if outcome.kind != "done"] == ["A-42"]
    assert len(market.offers) == 99


def test_a_card_that_only_market_finds_bad_is_taken_out_by_its_name(ym, market):
    market.faults.append(Fault(kind="custom", name="bad_offer", match="offer-mappings/update"))
    outcomes = put(ym, batch("product", *(card(f"A-{n}") for n in range(100)), known=False))
    (refused,) = [outcome for outcome in outcomes.values() if outcome.kind == "refused"]
    assert (refused.id, refused.errors[0].code) == ("A-0", "INVALID_CATEGORY")
    assert refused.errors[0].message == "Категория не подходит товару"
    assert (len(market.offers), market.calls[paths.OFFERS_SET.group]) == (99, 2)


def test_a_batch_that_is_refused_without_a_name_is_left_to_be_divided(ym, market):
    rows = [card(f"A-{n}", **({"name": "я" * 257} if n == 1 else {})) for n in range(3)]
    with pytest.raises(Refused, match="index 1"):
        list(ym.write("product", batch("product", *rows, known=False)))
    assert market.offers == {}


def test_an_error_that_names_no_card_of_ours_saves_nothing_and_loses_nothing(canned):
    body = {"status": "ERROR", "results": [{"offerId": "чужой", "errors": [{"type": "X", "message": "y"}]}]}
    ym = canned({f"POST {paths.OFFERS_SET.at(businessId=1001)}": [body]})
    bare = card("A-1")
    del bare["category"]
    with pytest.raises(IncompleteSource, match="nothing was saved"):
        list(ym.write("product", batch("product", bare, known=False)))


def test_a_warning_means_saved(canned):
    row = {"offerId": "A-1", "warnings": [{"type": "UNKNOWN_PARAMETER", "message": "лишнее"}]}
    ym = canned({f"POST {paths.OFFERS_SET.at(businessId=1001)}": [{"status": "OK", "results": [row]}]})
    assert kinds(ym.write("product", batch("product", card("A-1"), known=False))) == {"A-1": "accepted"}


def test_cards_are_sent_in_calls_that_market_can_take(ym, market, monkeypatch):
    monkeypatch.setattr(limits, "LARGEST_BODY", 20_000)
    rows = [card(f"A-{n}", description="длинное описание " * 60) for n in range(30)]
    assert set(kinds(put(ym, batch("product", *rows, known=False)).values()).values()) == {"done"}
    assert market.calls[paths.OFFERS_SET.group] > 1


def test_shops_that_are_being_moved_are_waited_for(ym, market):
    market.faults.append(Fault(kind="custom", name="moving", times=None))
    with pytest.raises(Unavailable):
        list(ym.write("product", batch("product", card("A-1"), known=False)))


# -- what changes -----------------------------------------------------------------------------------------


def test_only_what_changed_goes_and_the_category_with_it():
    before, now = card("A-1", vat=14), card("A-1", name="Новое имя", vat=14)
    item = Item(id="A-1", payload=now, native_id="A-1", before=before)
    assert offer_body(item, [])["offer"] == {"name": "Новое имя", "offerId": "A-1", "marketCategoryId": 91201}


@pytest.mark.field("B6")
@pytest.mark.parametrize(
    "pictures",
    [
        ["https://img.example/1.jpg", "https://img.example/2.jpg", "https://img.example/3.jpg"],
        ["https://img.example/1.jpg"],
        ["https://img.example/2.jpg", "https://img.example/1.jpg"],
        ["https://img.example/9.jpg", "https://img.example/2.jpg"],
        [],
    ],
)
def test_pictures_are_added_taken_away_and_put_in_another_order(ym, market, pictures):
    old = card("A-1", pictures=["https://img.example/1.jpg", "https://img.example/2.jpg"])
    put(ym, batch("product", old, known=False))
    new = card("A-1", pictures=pictures)
    put(ym, batch("product", new, before={"A-1": old}))
    assert market.offers["A-1"].card.get("pictures", []) == pictures


@pytest.mark.field("B6")
def test_pictures_that_did_not_change_are_not_sent(ym, market):
    old = card("A-1")
    put(ym, batch("product", old, known=False))
    put(ym, batch("product", card("A-1", name="Другое"), before={"A-1": old}))
    body = [one for one in market.journal if one.path.endswith("offer-mappings/update")][-1].request_body
    assert b"pictures" not in body
    assert market.offers["A-1"].card["pictures"] == old["offer"]["pictures"]


def test_what_is_gone_is_named_and_not_sent(ym, market):
    old = card("A-1", vendorCode="ЧП-17")
    put(ym, batch("product", old, known=False))
    put(ym, batch("product", card("A-1", barcodes=[], description=""), before={"A-1": old}))
    saved = market.offers["A-1"].card
    assert not {"barcodes", "description", "vendorCode"} & saved.keys()
    assert saved["name"] == "Чайник A-1"


def test_a_new_card_takes_nothing_away_and_half_a_size_is_no_size():
    payload = card("A-1", barcodes=[], weightDimensions={"length": 40, "weight": 1})
    body = offer_body(Item(id="A-1", payload=payload), [])
    assert "deleteParameters" not in body["offer"]
    assert "weightDimensions" not in body["offer"]


def test_a_matched_card_is_written_under_its_own_article(ym, market):
    market.sell("ya-1")
    item = Item(id="A-1", payload=card("A-1", vat=14), native_id="ya-1")
    (accepted,) = ym.write("product", type(batch("product"))([item]))
    (done,) = ym.poll("product", accepted.ticket, type(batch("product"))([item]))
    assert (done.id, done.kind, done.native_id) == ("A-1", "done", "ya-1")
    assert market.offers["ya-1"].card["name"] == "Чайник A-1"
    assert "A-1" not in market.offers


# -- VAT --------------------------------------------------------------------------------------------------


@pytest.mark.field("C6")
def test_the_vat_of_a_card_is_set_in_every_shop(ym, market):
    rows = [card(f"A-{rate}", vat=rate) for rate in (2, 5, 6, 10, 11, 14)]
    put(ym, batch("product", *rows, known=False))
    assert {offer.offer_id: offer.vat for offer in market.offers.values()} == {
        f"A-{rate}": {2001: rate, 2002: rate} for rate in (2, 5, 6, 10, 11, 14)
    }


def test_a_rate_that_the_taxation_does_not_allow_is_refused_for_its_goods_alone(ym, market):
    market.taxes = {6}
    outcomes = put(ym, batch("product", card("A-1", vat=14), card("A-2", vat=6), card("A-3"), known=False))
    assert {id_: outcome.kind for id_, outcome in outcomes.items()} == {"A-1": "refused", "A-2": "done", "A-3": "done"}
    assert "not supported" in outcomes["A-1"].errors[0].message


def test_a_vat_that_did_not_change_is_not_set_again_and_a_sleeping_shop_is_waited_for(ym, market):
    old = card("A-1", vat=14)
    put(ym, batch("product", old, known=False))
    put(ym, batch("product", card("A-1", vat=14, name="Другое"), before={"A-1": old}))
    assert market.calls[paths.SHOP_OFFERS_SET.group] == 2
    market.shops[2002].availability = "MANUALLY_DISABLED"
    outcome = put(ym, batch("product", card("A-1", vat=6), before={"A-1": old}))["A-1"]
    assert outcome.kind == "later"
    assert market.offers["A-1"].vat[2001] == 6


# -- reading and the archive ------------------------------------------------------------------------------


def test_all_cards_are_read_page_by_page_and_the_archive_too(ym, market, monkeypatch):
    monkeypatch.setattr(cards, "OFFER_PAGE", 7)
    market.sell(*(f"A-{n}" for n in range(20)))
    market.offers["A-3"].archived = True
    read = {native["offer"]["offerId"]: native["offer"] for native in natives(ym, "product")}
    assert len(read) == 20
    assert [offer_id for offer_id, offer in read.items() if offer["archived"]] == ["A-3"]
    assert [len(page.slices) for page in ym.read("product", None)] == [7, 7, 5, 1]


def test_find_takes_the_article_to_the_letter(ym, market):
    market.sell("0557722")
    assert ym.find("product", Item(id="557722", payload={})) is None
    assert ym.find("product", Item(id="0557722", payload={})) == "0557722"


def test_cards_leave_for_the_archive_and_come_back(ym, market):
    market.sell("A-1", "A-2")
    market.keep_at_market("A-2")
    gone = batch("product", {"offer": {"offerId": "A-1"}}, {"offer": {"offerId": "A-2"}}, {"offer": {"offerId": "нет"}})
    outcomes = {outcome.id: outcome for outcome in ym.write("product", gone, "archive")}
    assert {id_: outcome.kind for id_, outcome in outcomes.items()} == {"A-1": "done", "A-2": "later", "нет": "later"}
    assert "OFFER_HAS_STOCKS" in outcomes["A-2"].reason
    assert kinds(ym.write("product", gone, "restore")) == {"A-1": "done", "A-2": "done", "нет": "later"}
    assert not market.offers["A-1"].archived


def test_what_a_new_card_lacks_is_foreseen(ym):
    bare = {"offer": {"offerId": "A-1", "name": "Чайник"}}
    assert "images, brand, description, category" in ym.foresee("product", bare, None)
    assert ym.foresee("product", bare, {"name": "Чайник"}) == ""
    assert ym.foresee("product", card("A-1"), None) == ""
