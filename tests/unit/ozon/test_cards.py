"""Cards: an import replaces the whole of one, so what is not ours is sent back; Ozon's checks have the last word."""

import pytest

from connectors.ozon import paths
from connectors.ozon.sandbox import VENDOR, Limits
from connectors.ozon.sandbox.cards import copied
from connectors.ozon.sandbox.tree import ANYTHING, BRAND, COLOUR, MATERIAL, VIDEO, VIDEO_URL, VOLUME, values_of
from obmen.records import Batch, Item
from obmen.testing.sandbox import Fault
from tests.unit.ozon.conftest import batch, card, put, sell, settled

MUG, VASE = "17000011:91000012", "17000013:91000031"
PAIR = (17000011, 91000012)


def mug(offer_id, **changes):
    """A payload as the preset makes it."""
    told = {"Бренд": ["Образец"], "Материал": ["фарфор"]} | changes.pop("told", {})
    return {
        "offer_id": offer_id,
        "name": "Кружка «Проба»",
        "vat": "0.2",
        "depth": 100,
        "width": 90,
        "height": 90,
        "weight": 350,
        "price": "490.00",
        "old_price": "0",
        "currency_code": "RUB",
        "category": MUG,
        "attributes": [{"attribute": name, "values": values, "unit": ""} for name, values in told.items() if values],
        **changes,
    }


def change(ozon, sandbox, before, after):
    """Import a card that is known, as the engine does it: with what was confirmed last."""
    native_id = str(sandbox.products[after["offer_id"]].product_id)
    items = Batch([Item(id=after["offer_id"], payload=after, native_id=native_id, before=before)])
    return settled(ozon, items)[after["offer_id"]]


def attributes(sandbox, offer_id):
    return {one["id"]: [value["value"] for value in one["values"]] for one in kept(sandbox, offer_id)["attributes"]}


def kept(sandbox, offer_id):
    return sandbox.products[offer_id].card


def test_a_card_is_made_in_its_category_with_all_that_it_demands(ozon, sandbox):
    assert put(ozon, mug("A-1", group="Кружки «Проба»", description="Для чая.")) == {"A-1": "done"}
    made = kept(sandbox, "A-1")
    assert (made["description_category_id"], made["type_id"]) == PAIR
    assert attributes(sandbox, "A-1") == {
        BRAND: ["Образец"],
        MATERIAL: ["фарфор"],
        9048: ["Кружки «Проба»"],
        4191: ["Для чая."],
    }
    assert made["attributes"][0]["values"][0]["dictionary_value_id"] in values_of(PAIR, BRAND)


def test_without_any_category_no_card_is_tried(ozon, sandbox):
    assert put(ozon, mug("A-1", category="", attributes=[]), mug("A-2")) == {"A-1": "no_category", "A-2": "done"}


def test_one_category_for_all_is_for_new_cards_only(connect, sandbox):
    ozon = connect(sandbox, category={"description_category_id": ANYTHING[0], "type_id": ANYTHING[1]})
    assert put(ozon, mug("A-1", category="", attributes=[]), mug("B-1")) == {"A-1": "done", "B-1": "done"}
    assert (kept(sandbox, "A-1")["description_category_id"], attributes(sandbox, "A-1")) == (
        ANYTHING[0],
        {9048: ["Кружка «Проба»"]},
    )
    plain = mug("B-1", category="", attributes=[], name="Кружка")
    assert change(ozon, sandbox, None, plain).kind == "done"
    assert kept(sandbox, "B-1")["description_category_id"] == PAIR[0]
    assert attributes(sandbox, "B-1") == {BRAND: ["Образец"], MATERIAL: ["фарфор"], 9048: ["Кружка"]}


def test_what_the_connection_assumes_fills_a_new_card_and_never_a_known_one(connect, sandbox):
    ozon = connect(sandbox, assumed={"weight_g": 500, "length_mm": 1, "width_mm": 2, "height_mm": 3, "vat": "0.1"})
    bare = {name: value for name, value in mug("A-1").items() if name not in {"weight", "depth", "vat"}}
    assert put(ozon, bare) == {"A-1": "done"}
    made = kept(sandbox, "A-1")
    assert (made["weight"], made["depth"], made["width"], made["vat"]) == (500, 1, 90, "0.1")
    sandbox.products["A-1"].card = {**made, "weight": 377, "depth": 111}
    assert change(ozon, sandbox, bare, {**bare, "name": "Другое"}).kind == "done"
    assert (kept(sandbox, "A-1")["weight"], kept(sandbox, "A-1")["depth"]) == (377, 111)


def test_what_people_did_in_the_cabinet_survives_an_import(ozon, sandbox):
    sell(ozon, "A-1")
    before = mug("B-1")
    put(ozon, before)
    product = sandbox.products["B-1"]
    video = {"complex_id": VIDEO, "id": VIDEO_URL, "values": [{"value": "https://video.example/1"}]}
    white = {"complex_id": 0, "id": COLOUR, "values": [{"dictionary_value_id": 14940001, "value": "белый"}]}
    product.card = {
        **product.card,
        "attributes": [*product.card["attributes"], white],
        "complex_attributes": [{"attributes": [video]}],
        "images": ["https://pictures.ozon.example/own.jpg"],
        "images360": ["https://pictures.ozon.example/turning.jpg"],
        "color_image": "https://pictures.ozon.example/colour.jpg",
        "pdf_list": [{"index": 0, "name": "Паспорт", "src_url": "https://pictures.ozon.example/1.pdf"}],
    }
    product.barcodes.append("OZN1")
    there = product.card
    assert change(ozon, sandbox, before, mug("B-1", name="Иначе")).kind == "done"
    now = kept(sandbox, "B-1")
    for name in ("complex_attributes", "images", "images360", "color_image", "pdf_list"):
        assert now[name] == there[name]
    assert (now["name"], product.barcodes) == ("Иначе", ["OZN1"])
    assert {one["id"]: one for one in now["attributes"]}[COLOUR] == white


def test_an_attribute_that_no_rule_fills_any_more_leaves_the_card(ozon, sandbox):
    before = mug("A-1", told={"Объём, мл": ["350"], "Цвет товара": ["белый"]}, description="Для чая.")
    put(ozon, before)
    assert change(ozon, sandbox, before, mug("A-1", told={"Цвет товара": ["синий"]})).kind == "done"
    assert attributes(sandbox, "A-1") == {
        BRAND: ["Образец"],
        MATERIAL: ["фарфор"],
        COLOUR: ["синий"],
        9048: ["Кружка «Проба»"],
    }


def test_a_card_that_was_made_by_others_loses_nothing(ozon, sandbox):
    put(ozon, mug("A-1", told={"Объём, мл": ["350"]}, description="Чужое описание."))
    assert change(ozon, sandbox, None, mug("A-1")).kind == "done"
    assert (attributes(sandbox, "A-1")[VOLUME], attributes(sandbox, "A-1")[4191]) == (["350"], ["Чужое описание."])


def test_a_card_moves_to_another_category_with_the_attributes_that_it_has_there(ozon, sandbox):
    before = mug("A-1", told={"Объём, мл": ["350"]})
    put(ozon, before)
    moved = mug("A-1", category=VASE)
    assert change(ozon, sandbox, None, moved).kind == "done"
    made = kept(sandbox, "A-1")
    assert (made["description_category_id"], made["type_id"]) == (17000013, 91000031)
    assert set(attributes(sandbox, "A-1")) == {BRAND, MATERIAL, 9048}


def test_a_card_that_ozon_does_not_tell_whole_is_left_as_it_is(ozon, sandbox):
    before = mug("A-1")
    put(ozon, before)
    sandbox.faults.append(Fault(kind="custom", name="missing_details", match="info/list"))
    outcome = change(ozon, sandbox, before, mug("A-1", name="Иначе"))
    assert outcome.kind == "later"
    assert kept(sandbox, "A-1")["name"] == "Кружка «Проба»"


def test_a_card_in_the_archive_is_read_before_it_is_written_too(ozon, sandbox):
    before = mug("A-1")
    put(ozon, before)
    sandbox.products["A-1"].archived = True
    sandbox.products["A-1"].card["color_image"] = "https://pictures.ozon.example/colour.jpg"
    assert change(ozon, sandbox, before, mug("A-1", name="Иначе")).kind == "done"
    assert kept(sandbox, "A-1")["color_image"]


# -- pictures ----------------------------------------------------------------------------------------------

ONE, TWO, THREE = (f"https://img.example/{n}.jpg" for n in (1, 2, 3))


@pytest.mark.field("B6")
@pytest.mark.parametrize("after", [[TWO, ONE], [ONE], [ONE, TWO, THREE], [THREE, TWO], []])
def test_b6_a_set_of_pictures_becomes_the_set_of_1c(ozon, sandbox, after):
    before = mug("A-1", images=[ONE, TWO])
    put(ozon, before)
    assert change(ozon, sandbox, before, mug("A-1", images=after)).kind == "done"
    assert kept(sandbox, "A-1")["images"] == list(map(copied, after))


@pytest.mark.field("B6")
def test_b6_an_unchanged_set_is_not_fetched_anew(ozon, sandbox):
    before = mug("A-1", images=[ONE, TWO])
    put(ozon, before)
    sandbox.broken_pictures |= {ONE, TWO}  # the source's own addresses lead nowhere any more
    assert change(ozon, sandbox, before, mug("A-1", images=[ONE, TWO], name="Иначе")).kind == "done"
    assert kept(sandbox, "A-1")["images"] == [copied(ONE), copied(TWO)]


def test_pictures_that_are_gone_from_the_cabinet_are_sent_again(ozon, sandbox):
    before = mug("A-1", images=[ONE])
    put(ozon, before)
    sandbox.products["A-1"].card["images"] = []
    change(ozon, sandbox, before, mug("A-1", images=[ONE], name="Иначе"))
    assert kept(sandbox, "A-1")["images"] == [copied(ONE)]


# -- barcodes ----------------------------------------------------------------------------------------------


def test_every_barcode_of_a_product_comes_to_its_card(ozon, sandbox):
    codes = [f"460000000{n:04d}" for n in range(5)]
    before = mug("A-1", barcodes=codes[:3])
    put(ozon, before)
    assert sandbox.products["A-1"].barcodes == codes[:3]
    assert change(ozon, sandbox, before, mug("A-1", barcodes=codes[3:])).kind == "done"
    assert sandbox.products["A-1"].barcodes == codes


def test_cards_with_one_barcode_cost_no_further_call(ozon, sandbox):
    put(ozon, *(mug(f"A-{n}", barcodes=[f"46000000{n:05d}"]) for n in range(5)))
    assert sandbox.calls[paths.BARCODES_ADD] == 0


def test_a_barcode_of_another_product_is_refused_in_ozons_words(ozon, sandbox):
    put(ozon, mug("A-1", barcodes=["4600000000015", "4600000000022"]))
    outcomes = settled(ozon, batch("offer_id", mug("A-2", barcodes=["4600000000039", "4600000000022"]), mug("A-3")))
    assert (outcomes["A-2"].kind, outcomes["A-3"].kind) == ("refused", "done")
    (error,) = outcomes["A-2"].errors
    assert (error.code, error.field) == ("barcode_already_exists", "barcodes")
    assert "4600000000022" in error.message


def test_barcodes_are_added_twenty_times_a_minute(make_sandbox, connect, clock):
    ozon = connect(make_sandbox(limits=VENDOR))
    for number in range(22):
        codes = [f"46{number:05d}{n:06d}" for n in range(2)]
        assert put(ozon, mug(f"A-{number}", barcodes=codes)) == {f"A-{number}": "done"}
    assert sum(clock.sleeps) >= 60


# -- Ozon's checks -----------------------------------------------------------------------------------------


def test_a_card_that_the_moderators_refuse_is_told_in_their_words(ozon, sandbox):
    sandbox.declined["A-1"] = "На фото водяной знак"
    outcomes = settled(ozon, batch("offer_id", mug("A-1"), mug("A-2")))
    assert (outcomes["A-1"].kind, outcomes["A-2"].kind) == ("refused", "done")
    assert [(error.code, error.message) for error in outcomes["A-1"].errors] == [
        ("moderation_declined", "На фото водяной знак")
    ]


def test_a_card_that_is_looked_at_is_waited_for_but_not_for_ever(ozon, sandbox, clock):
    sandbox.faults.append(Fault(kind="custom", name="on_moderation", times=None))
    items = batch("offer_id", mug("A-1"))
    (accepted,) = ozon.write("product", items)
    assert [list(ozon.poll("product", accepted.ticket, items)) for _ in range(4)] == [[]] * 4
    clock.pass_by(days=1, seconds=1)
    assert [outcome.kind for outcome in ozon.poll("product", accepted.ticket, items)] == ["done"]


def test_one_bad_card_among_a_hundred_is_refused_and_ninety_nine_arrive(ozon, sandbox):
    bad = {"A-7": {"told": {"Материал": ["бархат"]}}, "A-8": {"vat": "0.18"}}
    for wrong, changes in bad.items():
        sandbox.reset()
        found = put(ozon, *(mug(f"A-{n}", **(changes if f"A-{n}" == wrong else {})) for n in range(100)))
        assert {id_: kind for id_, kind in found.items() if kind != "done"} == {
            wrong: "bad_attributes" if wrong == "A-7" else "vat_invalid"
        }
        assert len(sandbox.products) == 99
        assert sandbox.calls[paths.PRODUCT_IMPORT] == 1


def test_a_quota_of_a_day_keeps_no_card_that_is_there_already(make_sandbox, connect):
    sandbox = make_sandbox(limits=Limits(creates_per_day=1))
    ozon = connect(sandbox)
    assert put(ozon, card("A-1")) == {"A-1": "done"}
    assert put(ozon, card("A-1", name="Иначе"), card("A-2", barcode="")) == {"A-1": "done", "A-2": "later"}


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({"vat": None, "weight": None}, "weight_kg, vat"),
        ({"category": ""}, "category"),
        ({"offer_id": "A" * 51}, "has 51 signs"),
        ({}, ""),
    ],
)
def test_what_a_new_card_lacks_is_foreseen(ozon, payload, words):
    told = {name: value for name, value in (mug("A-1") | payload).items() if value is not None}
    said = ozon.foresee("product", told, None)
    assert (words in said) if words else said == ""
    assert ozon.foresee("product", told, {"name": "Кружка"}) == ""
