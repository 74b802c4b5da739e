"""Categories, whole cards, barcodes, pictures, moderation, quotas: each exchange judged by Ozon's own specification."""

from collections.abc import Callable

import pytest

from connectors.ozon import Ozon, paths
from connectors.ozon.sandbox import Limits
from connectors.ozon.sandbox.tree import COLOUR, VIDEO, VIDEO_NAME, VIDEO_URL
from obmen.errors import IncompleteSource, Unavailable
from obmen.records import Batch, Item
from tests.contract.ozon.conftest import Faulty, send_wrong
from tests.contract.ozon.test_goods import connection_once
from tests.unit.ozon.conftest import Clock, batch, put, sell, settled
from tests.unit.ozon.test_cards import MUG, VASE, mug


def categories(ozon: Ozon, cabinet: Faulty, clock: Clock) -> None:
    for node in ozon.categories():
        assert ozon.category_attributes(node.id)
    brand, size = (
        next(one for one in ozon.category_attributes(category) if one.name == name)
        for category, name in ((MUG, "Бренд"), ("17000021:91000041", "Размер"))
    )
    assert "Образец" in ozon.attribute_choices(MUG, brand, ["Образец", "нет такого"])
    assert "M" in ozon.attribute_choices("17000021:91000041", size, ["M"])
    pair = {"description_category_id": 17000011, "type_id": 91000012}
    send_wrong(ozon, cabinet, paths.ATTRIBUTES, {"description_category_id": 1, "type_id": 2}, {"type_id": 2})
    send_wrong(ozon, cabinet, paths.VALUES, {**pair, "attribute_id": 85, "limit": 2001})
    send_wrong(ozon, cabinet, paths.VALUES_SEARCH, {**pair, "attribute_id": 85, "limit": 100, "value": "я"})
    cabinet.forced = "endless_values"
    with pytest.raises(IncompleteSource):
        connection_once(ozon).attribute_choices(MUG, brand, ["Образец"])


def whole_cards(ozon: Ozon, cabinet: Faulty, clock: Clock) -> None:
    before = mug("A-1", barcodes=["4600000000015", "4600000000022"], images=["https://img.example/1.jpg"])
    told = {"Объём, мл": ["350"], "Подарочная упаковка": ["нет"]}
    assert put(ozon, before, mug("A-2", told=told, description="Для чая.")) == {"A-1": "done", "A-2": "done"}
    product = cabinet.products["A-1"]
    parts = ((VIDEO_URL, "https://video.example/1"), (VIDEO_NAME, "Обзор"))
    video = [{"complex_id": VIDEO, "id": id_, "values": [{"value": text}]} for id_, text in parts]
    colour = {"id": COLOUR, "values": [{"dictionary_value_id": 14940001, "value": "белый"}]}
    product.card = {
        **product.card,
        "attributes": [*product.card["attributes"], colour],
        "complex_attributes": [{"attributes": video}],
        "images360": ["https://pictures.ozon.example/turning.jpg"],
        "color_image": "https://pictures.ozon.example/colour.jpg",
        "pdf_list": [{"index": 0, "name": "Паспорт", "src_url": "https://pictures.ozon.example/1.pdf"}],
    }
    for after in (mug("A-1", name="Иначе"), mug("A-1", category=VASE)):
        items = Batch([Item(id="A-1", payload=after, native_id=str(product.product_id), before=before)])
        assert settled(ozon, items)["A-1"].kind == "done"
    assert put(ozon, mug("A-3", barcodes=["4600000000039", "4600000000015"])) == {"A-3": "barcode_already_exists"}
    send_wrong(ozon, cabinet, paths.BARCODES_ADD, {"barcodes": []}, {"barcodes": [{"barcode": "1"}]})


def checked_cards(ozon: Ozon, cabinet: Faulty, clock: Clock) -> None:
    cabinet.declined["A-1"] = "На фото водяной знак"
    cabinet.broken_pictures.add("https://img.example/broken.jpg")
    assert put(ozon, mug("A-1"), mug("A-2", images=["https://img.example/broken.jpg"]), mug("A-3", vat="0.18")) == {
        "A-1": "moderation_declined",
        "A-2": "all_image_failed",
        "A-3": "vat_invalid",
    }
    cabinet.forced = "on_moderation"
    assert put(ozon, mug("A-4")) == {}


def archived(ozon: Ozon, cabinet: Faulty, clock: Clock) -> None:
    ids = sell(ozon, "A-1", "A-2")
    cabinet.place_order({"A-2": 1})
    items = batch("offer_id", {"offer_id": "A-1"}, {"offer_id": "A-2"}, native_ids=ids)
    assert [outcome.kind for outcome in ozon.write("product", items, "archive")] == ["done", "later"]
    assert [outcome.kind for outcome in ozon.write("product", items, "restore")] == ["done", "done"]


def prices(ozon: Ozon, cabinet: Faulty, clock: Clock) -> None:
    sell(ozon, "A-1")
    assert ozon.currency() == "RUB"
    cabinet.promoted["A-1"] = 790
    row = {"offer_id": "A-1", "price": "990.00", "old_price": "0", "min_price": "800.00", "currency_code": "RUB"}
    assert [outcome.kind for outcome in ozon.write("price", batch("offer_id", row))] == ["done"]
    assert [native["marketing_seller_price"] for native in ozon.look_up("price", ["A-1"])] == ["790.00"]


def quotas(ozon: Ozon, cabinet: Faulty, clock: Clock) -> None:
    list(ozon.check())
    cabinet.limits = Limits(creates_per_day=2, updates_per_day=5, products=100, import_items_per_minute=3)
    list(ozon.check())
    with pytest.raises(Unavailable):
        list(connection_once(ozon).write("product", batch("offer_id", *(mug(f"A-{n}") for n in range(4)))))
    cabinet.limits = Limits(creates_per_day=5)
    clock.pass_by(days=1)
    assert sorted(put(ozon, *(mug(f"B-{n}") for n in range(3))).values()) == ["done", "done", "later"]


SCENARIOS: list[Callable[[Ozon, Faulty, Clock], None]] = [
    categories, whole_cards, checked_cards, archived, prices, quotas,
]  # fmt: skip


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_every_exchange_is_as_specified(scenario, ozon, cabinet, clock, judge):
    scenario(ozon, cabinet, clock)
    complaints = set()
    for exchange in cabinet.journal:
        said = judge.exchange(exchange)
        if exchange.request_body in cabinet.wrong:
            said = [text for text in said if " answer " in text]
        complaints.update(said)
    assert cabinet.journal
    assert complaints == set()


def test_a_field_of_a_card_that_ozon_does_not_know_would_be_seen(ozon, cabinet, judge):
    put(ozon, mug("A-1", weigth=350))
    imports = [exchange for exchange in cabinet.journal if exchange.path == paths.PRODUCT_IMPORT]
    (complaint,) = judge.exchange(imports[0])
    assert "weigth" in complaint
