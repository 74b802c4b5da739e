"""All that Obmen and the sandbox say about orders, returns and money, judged by Wildberries' own specification."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from connectors.wildberries import Wildberries, paths
from connectors.wildberries.sandbox import WildberriesSandbox
from obmen.errors import Later, Refused
from obmen.records import Batch
from obmen.testing.sandbox import Exchange
from tests.clocked import by
from tests.contract.documents import parsed
from tests.contract.openapi_judge import Judge, UnknownOperationError
from tests.unit.wildberries.orders.conftest import FOLDER, Clock, item, read, step, stock_up
from tests.unit.wildberries.orders.test_marks import KINDS

SPECIFICATIONS = [
    "03-orders-fbs",
    "04-orders-dbw",
    "05-orders-dbs",
    "06-in-store-pickup",
    "09-communications",
    "12-reports",
    "13-finances",
]
STATUS_WORD = re.compile(r"(?:^\s*- |\| *)`([a-z_]+)`", re.MULTILINE)
SCHEMES = ["fbs", "dbs", "dbw", "click_collect"]
MINE = [
    path for path in paths.ALL if path.category in {"returns", "analytics", "finance", "statistics"} and path != "/ping"
]
MINE += [path for path in paths.ALL if path.category == "marketplace" and ("orders" in path or "supplies" in path)]


class Judges:
    """One judge for each document; an exchange is judged by the one that knows its path."""

    def __init__(self, folder: Path) -> None:
        self._judges = [Judge(parsed(folder / f"{name}.yaml")) for name in SPECIFICATIONS]

    def operation(self, method: str, path: str) -> dict[str, Any]:
        return self._for(method, path).operation(method, path)

    def exchange(self, exchange: Any) -> list[str]:
        return self._for(exchange.method, exchange.path).exchange(exchange)

    def _for(self, method: str, path: str) -> Judge:
        for judge in self._judges:
            try:
                judge.operation(method, path)
            except UnknownOperationError:
                continue
            return judge
        raise UnknownOperationError(f"no specification has {method} {path}")


@pytest.fixture(scope="module")
def judges(specs: Path) -> Judges:
    return Judges(specs / "specs" / "wildberries")


@contextmanager
def opened() -> Iterator[tuple[Wildberries, WildberriesSandbox]]:
    """An empty cabinet with goods to sell, and a connection to it."""
    clock = Clock()

    with by(clock, WildberriesSandbox)(journal=True) as sandbox:
        stock_up(sandbox, "A-1", "A-2")
        known = {name: sandbox.connection()[name] for name in ("url", "token", "warehouses")}
        wb = Wildberries("wb", Wildberries.Options(**known, schemes=SCHEMES, ship_to="pickup_point"), clock=clock)
        yield wb, sandbox
        wb.close()


def place(cabinet: WildberriesSandbox, scheme: str, **more: Any) -> str:
    client = {"name": "Иван Образцов", "phone": "+70000000000"} if scheme == "dbs" else None
    address = {"address": "Примерск, ул. Образцовая, 1"} if scheme in {"dbs", "dbw"} else {}
    return cabinet.place_order("A-1", scheme=scheme, client=client, **address, **more)


# -- scenarios: each leaves its exchanges in the journal ---------------------------------------------------


def lists(wb: Wildberries, cabinet: WildberriesSandbox) -> None:
    for scheme in SCHEMES:
        place(cabinet, scheme, needs=("uin",), may=("sgtin",))
        cabinet.move(place(cabinet, scheme), supplier="receive" if scheme != "fbs" else "complete", wb="sold")
    cabinet.place_order("A-1", border=1, currency=933, price=5120)
    assert len(read(wb, "order")[0]) == 9
    assert len(read(wb, "order_status")[0]) == 9
    assert list(wb.look_up("order_status", ["17"])) == []


def lives(wb: Wildberries, cabinet: WildberriesSandbox) -> None:
    for scheme in SCHEMES:
        numbers = [place(cabinet, scheme) for _ in range(4)]
        assert step(wb, "confirm", *numbers) == ["done"] * 4
        assert step(wb, "complete", *numbers[:2]) == ["done"] * 2
        assert step(wb, "cancel", numbers[3], place(cabinet, scheme)) == ["done"] * 2
        assert step(wb, "receive", *numbers[:1], reason="741852") == ["done"]
        assert step(wb, "reject", *numbers[1:2], reason="741852") == ["done"]


def codes(wb: Wildberries, cabinet: WildberriesSandbox) -> None:
    kinds = {"fbs": list(KINDS), "dbs": ["sgtin", "uin", "imei", "gtin"], "dbw": ["sgtin"], "click_collect": ["sgtin"]}
    for scheme, several in kinds.items():
        for kind in several:
            number = place(cabinet, scheme, needs=(kind,))
            (outcome,) = wb.write("order_status", Batch([item(number, "complete", KINDS[kind])]))
            assert outcome.kind == "done"


def labels(wb: Wildberries, cabinet: WildberriesSandbox) -> None:
    by_scheme = {scheme: place(cabinet, scheme) for scheme in ("fbs", "dbs", "dbw")}
    abroad = cabinet.place_order("A-2", border=1)
    step(wb, "confirm", *by_scheme.values(), abroad)
    for number in (*by_scheme.values(), abroad):
        assert len(list(wb.papers("label", [number]))) == 1
    cabinet.track_numbers = False
    with pytest.raises(Later):
        list(wb.papers("label", [abroad]))
    step(wb, "complete", by_scheme["fbs"])
    (supply,) = [id_ for id_, one in cabinet.supplies.items() if one.closed_at is not None]
    assert len(list(wb.papers("supply_label", [supply]))) == 2


def lost_supply(wb: Wildberries, cabinet: WildberriesSandbox) -> None:
    number = place(cabinet, "fbs")
    step(wb, "confirm", number)
    (kept,) = wb.memory._kept
    wb.memory.put(kept, wb.memory.get(kept).replace(b'"id":"WB-GI-', b'"id":"","was":"'))
    assert step(wb, "confirm", place(cabinet, "fbs")) == ["done"]
    assert len(cabinet.supplies) == 1


def returns(wb: Wildberries, cabinet: WildberriesSandbox) -> None:
    for status, status_ex in ((0, 0), (1, 1), (2, 10)):
        number = place(cabinet, "fbs")
        cabinet.move(number, supplier="complete", wb="sold")
        cabinet.decide(cabinet.claim(number), status, status_ex)
    cabinet.send_back(number)
    other = place(cabinet, "fbs")
    cabinet.send_back(other)
    cabinet.give_back(other)
    assert len(read(wb, "return")[0]) == 4


def own_warehouses(wb: Wildberries, cabinet: WildberriesSandbox) -> None:
    known = {name: cabinet.connection()[name] for name in ("url", "token")}
    fbw = Wildberries("fbw", Wildberries.Options(**known, schemes=["fbw"]), clock=wb.clock)
    place(cabinet, "fbs")
    sold, dropped = (cabinet.place_fbw_order("A-1") for _ in range(2))
    cabinet.sell_fbw(sold)
    cabinet.take_back_fbw(sold)
    cabinet.cancel_fbw(dropped)
    assert [len(read(fbw, entity)[0]) for entity in ("order", "order_status")] == [2, 2]
    fbw.close()


def money(wb: Wildberries, cabinet: WildberriesSandbox) -> None:
    number = place(cabinet, "fbs")
    report = cabinet.open_report(date(2026, 6, 1))
    cabinet.book_sale(report, number, due="1400.37", acquiring="26.87")
    cabinet.book(report, paidStorage="10", bonusTypeName="Хранение")
    assert sum(1 for page in wb.read("accrual", None) for raw in page.slices for _ in page.decode(raw)) == 5


def refused(wb: Wildberries, cabinet: WildberriesSandbox) -> None:
    """What Obmen takes care never to say, said on purpose: of these only the answers are judged."""
    number = place(cabinet, "fbs", needs=("sgtin",))
    supply = wb.call(paths.SUPPLY_MAKE, json={"name": "Проба"})["id"]
    wrong: list[tuple[paths.Path, dict[str, Any]]] = [
        (paths.SUPPLY_DELIVER, {"parts": {"supplyId": supply}}),
        (paths.SUPPLY_LABEL, {"parts": {"supplyId": supply}, "params": {"type": "png"}}),
        (paths.SUPPLY_LABEL, {"parts": {"supplyId": supply}, "params": {"type": "gif"}}),
        (paths.SUPPLY, {"parts": {"supplyId": "WB-GI-404"}}),
        (paths.SUPPLY_ADD, {"parts": {"supplyId": "WB-GI-404"}, "json": {"orders": [1]}}),
        (paths.SUPPLY_ADD, {"parts": {"supplyId": supply}, "json": {"orders": [1] * 101}}),
        (paths.SUPPLY_MAKE, {"json": {"name": ""}}),
        (paths.ORDER_CANCEL, {"parts": {"orderId": 17}}),
        (paths.MARK_UIN, {"parts": {"orderId": number}, "json": {"uin": "1" * 16}}),
        (paths.MARK_UIN, {"parts": {"orderId": number}, "json": {"uin": "1"}}),
        (paths.ORDER_STATES, {"json": {"orders": []}}),
        (paths.ORDERS, {"params": {"limit": "2000", "next": "0"}}),
        (paths.LABELS, {"params": {"type": "png", "width": "1", "height": "1"}, "json": {"orders": [1]}}),
        (paths.CLAIMS, {"params": {"is_archive": "perhaps"}}),
        (paths.GOODS_RETURNED, {"params": {"dateFrom": "2026-01-01", "dateTo": "2026-06-01"}}),
        (paths.REPORTS, {"json": {"dateFrom": "2026-01-01"}}),
        (paths.FBW_SALES, {"params": {"dateFrom": "yesterday"}}),
        (paths.DBW_CANCEL, {"parts": {"orderId": 17}}),
    ]
    step(wb, "confirm", number)
    wb.call(paths.MARK_SGTIN, parts={"orderId": number}, json={"sgtins": ["0" * 20]})
    cabinet.said_wrong = len(cabinet.journal)
    for path, how in wrong:
        with pytest.raises(Refused):
            wb.call(path, **how)
    marked = {"parts": {"supplyId": cabinet.assembly[int(number)].supply}}
    with pytest.raises(Refused, match="MetaValidationFail"):
        wb.call(paths.SUPPLY_DELIVER, **marked)


SCENARIOS: list[Callable[[Wildberries, WildberriesSandbox], None]] = [
    lists,
    lives,
    codes,
    labels,
    lost_supply,
    returns,
    own_warehouses,
    money,
    refused,
]


@lru_cache
def told(scenario: Callable[[Wildberries, WildberriesSandbox], None]) -> tuple[list[Exchange], int]:
    """Run a scenario once; return its exchanges, and from which on they were wrong on purpose."""
    with opened() as (wb, cabinet):
        scenario(wb, cabinet)
        return cabinet.journal, getattr(cabinet, "said_wrong", len(cabinet.journal))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_every_exchange_is_as_wildberries_says(judges, scenario):
    journal, wrong = told(scenario)
    complaints = set()
    for number, exchange in enumerate(journal):
        if exchange.path.startswith("/content/"):
            continue  # cards are judged by the contract of cards
        said = judges.exchange(exchange)
        complaints.update(said if number < wrong else [text for text in said if " answer " in text])
    assert journal
    assert complaints == set()


def test_every_path_that_obmen_uses_is_in_the_specification(judges):
    for path in MINE:
        judges.operation(path.method, path)


def test_every_path_that_obmen_uses_is_judged():
    answered = {(e.method, e.path) for scenario in SCENARIOS for e in told(scenario)[0] if e.status < 300}
    used = {path for path in MINE for method, said in answered if method == path.method and _fits(path, said)}
    assert set(MINE) - used == set()


@pytest.mark.field("E4")
@pytest.mark.parametrize(
    ("path", "count"),
    [
        ("/api/v3/orders/status", 16),
        ("/api/v3/dbw/orders/status", 12),
        ("/api/marketplace/v3/dbs/orders/status/info", 15),
        ("/api/marketplace/v3/click-collect/orders/status/info", 12),
    ],
)
def test_every_word_of_a_status_is_in_the_preset(judges, path, count):
    words = set(STATUS_WORD.findall(judges.operation("POST", path)["description"]))
    assert len(words) >= count
    preset = YAML(typ="safe").load((FOLDER / "order_status.yaml").read_bytes())
    table = next(rule for rule in preset["fields"]["status"] if rule["only"] == "pull")["table"]
    known = {word for pairs in table.values() for pair in pairs for word in pair.split("/")}
    assert words - known == set()


def _fits(template: str, path: str) -> bool:
    wanted, given = template.split("/"), path.split("/")
    return len(wanted) == len(given) and all(
        one.startswith("{") or one == other for one, other in zip(wanted, given, strict=True)
    )
