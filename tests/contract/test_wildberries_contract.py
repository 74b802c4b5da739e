"""All that Obmen sends to Wildberries about goods and all that the sandbox answers, judged by its specification.

Stock is judged more strictly than the specification, which lets any name pass, as Wildberries does.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectors.wildberries import Wildberries, paths
from connectors.wildberries.sandbox import Pace, WildberriesSandbox
from obmen.errors import Denied, ObmenError, Refused
from obmen.http import encode_json
from obmen.records import Item, Native
from obmen.testing.clock import FakeClock
from tests.clocked import by
from tests.contract.documents import parsed
from tests.contract.openapi_judge import Judge
from tests.unit.wildberries.conftest import (
    CARD,
    MAIN,
    PAIR,
    added,
    batch,
    card,
    kinds,
    natives,
    price,
    settled,
    stock,
)

GOODS, GENERAL, CALENDAR = "02-items", "01-general", "08-promotion"
GATEWAY = {401: 401, 402: 402, 429: 429}


class Faulty(WildberriesSandbox):
    """A sandbox whose custom faults are switched by hand, so that their answers are kept in the journal.

    ``wrong`` holds the bodies that a test sent wrong on purpose: of these only the answer is judged.
    """

    forced = ""

    def reset(self) -> None:
        super().reset()
        self.wrong: set[bytes] = set()
        self.forced, self.pace = "", Pace()

    def fault(self, name: str) -> bool:
        return name == self.forced


def read_yaml(specs: Path, name: str) -> Judge:
    return Judge(parsed(specs / "specs" / "wildberries" / f"{name}.yaml"), gateway=GATEWAY)


@pytest.fixture(scope="module")
def judges(specs: Path) -> dict[str, Judge]:
    return {name: read_yaml(specs, name) for name in (GOODS, GENERAL, CALENDAR)}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def cabinet(clock: FakeClock) -> Iterator[Faulty]:
    with by(clock, Faulty)(journal=True) as sandbox:
        yield sandbox


@pytest.fixture
def wb(cabinet: Faulty, clock: FakeClock) -> Iterator[Wildberries]:
    made = Wildberries("wb", Wildberries.Options(**cabinet.connection()), clock=clock)
    yield made
    made.close()


def send_wrong(wb: Wildberries, cabinet: Faulty, path: paths.Path, *bodies: object, **how: object) -> None:
    for body in bodies:
        cabinet.wrong.add(encode_json(body))
        with pytest.raises(ObmenError):
            wb.call(path, json=body, safe=True, **how)


# -- scenarios: each leaves its exchanges in the journal ---------------------------------------------------


def checks(wb: Wildberries, cabinet: Faulty, clock: FakeClock) -> None:
    assert {finding.level for finding in wb.check()} == {"ok"}
    cabinet.processing.add(MAIN)
    assert {"ok", "warning"} == {finding.level for finding in wb.check()}


def categories(wb: Wildberries, cabinet: Faulty, clock: FakeClock) -> None:
    assert len(list(wb.categories())) == 10
    for attribute in wb.category_attributes("105"):
        if attribute.choices:
            assert wb.attribute_choices("105", attribute, [])
    for path in (paths.KINDS, paths.COUNTRIES, paths.SEASONS):
        wb.call(path)


def cards(wb: Wildberries, cabinet: Faulty, clock: FakeClock) -> None:
    photos = ["https://img.example/1.jpg"]
    rows = [card(f"A-{n}", photos=photos, kizMarked=False) for n in range(3)]
    ids = {one.id: one.native_id for one in settled(wb, clock, "product", batch(CARD, *rows)).values()}
    sizes = [card("M-1", techSize="42", skus=["1"]), card("M-1", techSize="44", skus=["2"])]
    settled(wb, clock, "product", batch(CARD, *sizes))
    changed = batch(CARD, card("A-1", title="Иная", photos=photos), ids=ids)
    assert set(kinds(settled(wb, clock, "product", changed)).values()) == {"done"}
    settled(wb, clock, "product", batch(CARD, card("M-1", techSize="46", skus=["3"])))
    assert len(natives(wb, "product")) == 6
    assert wb.find("product", Item(id="A-1|0", payload={})) == ids["A-1|0"]
    moved = batch(CARD, card("A-1"), ids=ids)
    assert [one.kind for one in wb.write("product", moved, "archive")] == ["done"]
    assert sum(one["trashed"] for one in natives(wb, "product")) == 1
    assert [one.kind for one in wb.write("product", moved, "restore")] == ["done"]
    for n in range(250):
        cabinet.add_card(f"B-{n}")
    assert len(natives(wb, "product")) == 256


def refused_cards(wb: Wildberries, cabinet: Faulty, clock: FakeClock) -> None:
    cabinet.forced = "card_error"
    outcomes = settled(wb, clock, "product", batch(CARD, card("A-1"), card("A-2")))
    assert kinds(outcomes) == {"A-1|0": "refused", "A-2|0": "done"}
    cabinet.forced = ""
    variant = {"vendorCode": "C-1", "title": "Кружка", "sizes": [{"skus": ["9"]}]}
    for subject, code in ((105, "C-1"), (999, "C-1"), (105, "A-2"), (105, "")):
        send_wrong(
            wb, cabinet, paths.CARDS_CREATE, [{"subjectID": subject, "variants": [{**variant, "vendorCode": code}]}]
        )
    send_wrong(wb, cabinet, paths.CARDS_CREATE, {"subjectID": "x"}, [])
    bare = {"nmID": next(iter(cabinet.cards)), "vendorCode": "A-2", "sizes": [{"skus": ["9"]}]}
    send_wrong(wb, cabinet, paths.CARDS_UPDATE, [bare], [{"nmID": 1}])
    send_wrong(wb, cabinet, paths.CARDS_TRASH, {"nmIDs": [1]}, {"nmIDs": []})
    send_wrong(wb, cabinet, paths.MEDIA, {"nmId": 1, "data": []})
    send_wrong(wb, cabinet, paths.CARDS, {"settings": {"cursor": {"limit": 101}}})
    with pytest.raises(Refused):
        wb.call(paths.CHARACTERISTICS, parts={"subjectId": 999})


def prices(wb: Wildberries, cabinet: Faulty, clock: FakeClock) -> None:
    ids = [added(cabinet, f"A-{n}", price=3000) for n in range(4)]
    cabinet.on_sale.add(int(ids[2].partition(":")[0]))
    rows = [price(ids[0], "1980", "3000"), price(ids[1], "900"), price(ids[2], "2900"), price(ids[3], "3000")]
    outcomes = settled(wb, clock, "price", batch("product", *rows))
    assert kinds(outcomes) == {ids[0]: "done", ids[1]: "refused", ids[2]: "refused", ids[3]: "done"}
    assert len(natives(wb, "price")) == 4
    assert len(list(wb.look_up("price", ids[:2]))) == 2
    wb.http.get(f"{cabinet.url}/api/v2/quarantine/goods", params={"limit": "1000"})
    row = {"nmID": int(ids[0].partition(":")[0]), "price": 1000, "discount": 0}
    send_wrong(wb, cabinet, paths.PRICES_SET, {"data": []}, {"data": [row, row]}, {"data": [{**row, "nmID": 1}]})
    send_wrong(wb, cabinet, paths.PRICES_SET, {"data": [{**row, "price": 9.5}]}, {"data": [{"nmID": row["nmID"]}]})
    assert [one.kind for one in wb.write("price", batch("product", price(ids[3], "3000")))] == ["done"]
    cabinet.pace = Pace(pricing=60)
    for _ in range(2):
        list(wb.write("price", batch("product", price(ids[3], "2500"))))
    cabinet.forced = "cancelled_upload"
    settled(wb, clock, "price", batch("product", price(ids[3], "2600")))


def promotions(wb: Wildberries, cabinet: Faulty, clock: FakeClock) -> None:
    ids = [added(cabinet, f"A-{n}", price=1500) for n in range(3)]
    number = cabinet.promote("Неделя кружек", {"A-0": 34, "A-1": 20})
    automatic = cabinet.promote("Само собой", {"A-2": 10}, kind="auto")
    assert [native.get("promotions") for native in natives(wb, "price")] == [["Неделя кружек"], ["Неделя кружек"], None]
    settled(wb, clock, "price", batch("product", price(ids[1], "1500")))
    for asked in ({"promotionID": str(number), "inAction": told} for told in ("true", "false")):
        assert len(wb.call(paths.PROMOTION_GOODS, params=asked)["data.nomenclatures"]) == 1
    for other, told in ((automatic, "true"), (9, "true"), (number, "maybe")):
        with pytest.raises(Refused):
            wb.call(paths.PROMOTION_GOODS, params={"promotionID": str(other), "inAction": told})
    period = {"startDateTime": "2026-06-01", "endDateTime": "2099-01-01T00:00:00Z"}
    with pytest.raises(Refused):
        wb.call(paths.PROMOTIONS, params={**period, "allPromo": "false"})


def stocks(wb: Wildberries, cabinet: Faulty, clock: FakeClock) -> None:
    ids = [added(cabinet, f"A-{n}") for n in range(4)]
    cabinet.heavy.add(int(ids[1].partition(":")[2]))
    rows = [stock(ids[0], 1), stock(ids[1], 1), stock(ids[2], 9), stock("9:9", 1)]
    assert [one.kind for one in wb.write("stock", batch(PAIR, *rows))] == ["refused", "later", "done", "done"]
    assert len(natives(wb, "stock")) == 2
    send_wrong(wb, cabinet, paths.STOCKS_SET, {"stocks": [{"sku": "1", "amount": 1}]}, parts={"warehouseId": MAIN})
    list(wb.write("stock", batch(PAIR, stock(ids[0], 1, 99))))
    cabinet.processing.add(MAIN)
    assert [one.kind for one in wb.write("stock", batch(PAIR, stock(ids[0], 1)))] == ["later"]
    cabinet.processing.clear()
    cabinet.forced = "banned"
    with pytest.raises(Denied):
        list(wb.write("stock", batch(PAIR, stock(ids[0], 1))))


SCENARIOS: list[Callable[[Wildberries, Faulty, FakeClock], None]] = [
    checks, categories, cards, refused_cards, prices, promotions, stocks,
]  # fmt: skip


# -- the judgement -----------------------------------------------------------------------------------------


def judged(exchange: object, judges: dict[str, Judge]) -> list[str]:
    return [*judges[document_of(exchange.path)].exchange(exchange), *stricter(exchange)]


def document_of(path: str) -> str:
    return GENERAL if path == "/ping" else CALENDAR if "/calendar/" in path else GOODS


def stricter(exchange: object) -> list[str]:
    """What the specification leaves open: the names and kinds of what stock is set by."""
    if exchange.method != "PUT" or "/stocks/" not in exchange.path:
        return []
    rows: list[Native] = json.loads(exchange.request_body)["stocks"]
    wrong = [
        row for row in rows if set(row) != {"chrtId", "amount"} or not all(type(one) is int for one in row.values())
    ]
    return [f"{exchange.path} request: {row} is no row of stock" for row in wrong]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_every_exchange_is_as_specified(scenario, wb, cabinet, clock, judges):
    scenario(wb, cabinet, clock)
    complaints = set()
    for exchange in cabinet.journal:
        said = judged(exchange, judges)
        if exchange.request_body in cabinet.wrong:
            said = [text for text in said if " answer " in text]
        complaints.update(said)
    assert cabinet.journal
    assert complaints == set()


def test_a_row_of_stock_with_a_wrong_name_would_be_seen(wb, cabinet, judges):
    body = {"stocks": [{"chrtId": 1, "quantity": 1}]}
    reply = wb.call(paths.STOCKS_SET, parts={"warehouseId": MAIN}, json=body, safe=True, expect="any")
    assert reply.status == 204
    assert any("is no row of stock" in text for text in judged(cabinet.journal[-1], judges))


def test_every_path_of_goods_is_in_the_specification(judges):
    checked = 0
    for path in paths.ALL:
        if path.category in {"content", "prices", "calendar"} or path.group in {"stocks", "warehouses"}:
            judges[document_of(path)].operation(path.method, path)
            checked += 1
    assert checked >= 26


def test_every_path_stands_on_the_host_of_the_specification(judges):
    for path in paths.ALL:
        known = judges[document_of(path)].document["paths"].get(path) if path != "/ping" else None
        if known is not None:
            hosts = [server["url"] for server in known.get("servers", [])]
            assert not hosts or path.at(warehouseId=1, subjectId=1).startswith(tuple(hosts))


def test_every_path_of_goods_is_judged(wb, cabinet, clock):
    called = set()
    for scenario in SCENARIOS:
        cabinet.reset()
        clock.advance(600)
        wb.close()
        wb = Wildberries("wb", Wildberries.Options(**cabinet.connection()), clock=clock)
        scenario(wb, cabinet, clock)
        called |= {(one.method, one.path) for one in cabinet.journal if one.status < 300}
    wb.close()
    goods = [
        path
        for path in paths.ALL
        if path.category in {"content", "prices", "calendar"} or path.group in {"stocks", "warehouses"}
    ]
    wanted = {(path.method, path.format(warehouseId=MAIN, subjectId=105)) for path in goods}
    assert wanted - called == set()
