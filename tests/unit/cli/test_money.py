"""``obmen money`` and ``obmen commissioner``: what they print and write, and how they end; nobody is called."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from obmen.entities import ENTITIES, Record
from obmen.project import load_project
from obmen.state import Ledger, facts
from obmen.testing.clock import FakeClock
from tests.clocked import rule
from tests.unit.cli.kit import Place, Ran

Cli = Callable[..., Ran]
PROJECT = """\
connections:
  ozon: { connector: ozon, client_id: "1", api_key: key-of-nobody, url: "http://127.0.0.1:9" }
money: { costs: costs.csv, commission: { ozon: { "*": 15% } } }
flows:
  orders: { entity: order, from: ozon, to: [] }
  money: { entity: accrual, from: ozon, to: [] }
"""
CLOCK = FakeClock(datetime(2026, 7, 20, 9, tzinfo=UTC))
LINES = [{"sku": "A-1", "quantity": "1", "price": "1200", "vat": "20"}]
ORDER = {"number": "77", "placed_at": "2026-07-03T06:00:00Z", "lines": LINES}


def record(entity: str, **values: object) -> Record:
    return ENTITIES[entity].model_validate_json(msgspec.json.encode({"channel": "ozon", "currency": "RUB", **values}))


def accruals(commission: str) -> list[Record]:
    sums = {"sale": "1200", "commission": commission, "delivery": "-76.35"}
    common = {"order": "77", "sku": "A-1", "occurred_at": "2026-07-05T00:00:00Z"}
    return [record("accrual", operation_id=kind, kind=kind, amount=sum_, **common) for kind, sum_ in sums.items()]


@pytest.fixture
def shop(place: Place, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Keep facts in the project's state."""
    rule(CLOCK, monkeypatch)
    place.write("obmen.yaml", PROJECT)
    place.write("costs.csv", "sku,cost\nA-1,500\n")

    def keep(*records: Record) -> None:
        project = load_project(place.folder)
        project.make_state_folder()
        ledger = Ledger(project.state_url, clock=CLOCK)
        with ledger.write() as tx:
            facts.save(tx, "ozon", records)
        ledger.close()

    return keep


@pytest.mark.field("F2")
def test_what_agrees_ends_with_0_and_what_does_not_with_3_and_a_next_step(cli: Cli, shop: Callable[..., None]) -> None:
    shop(record("order", **ORDER), *accruals("-180"))
    ran = cli("money")
    assert ran.code == 0
    assert "Everything agrees." in ran.out
    assert "943.65" in ran.out
    shop(*accruals("-240"))
    ran = cli("money", "--channel", "ozon")
    assert ran.code == 3
    assert "ozon 77: commission, 60.00 RUB" in ran.out
    assert "the project's rate is 15 %, 180.00 RUB." in ran.out
    assert "claim the difference" in ran.out
    (one,) = cli("money", "--json").data["differences"]
    assert (one["amount"], one["sources"]) == ("60.00", ["accrual", "project"])


@pytest.mark.field("F3")
def test_margins_as_a_table_and_as_a_file(cli: Cli, shop: Callable[..., None], place: Place) -> None:
    shop(record("order", **ORDER), *accruals("-180"))
    ran = cli("money", "--by", "sku", "--csv", "margin.csv")
    assert ran.code == 0
    assert "243.65" in ran.out
    assert "(all)" in ran.out
    with (place.folder / "margin.csv").open(encoding="utf-8-sig", newline="") as stream:
        (row,) = csv.DictReader(stream, delimiter=";")
    assert (row["sku"], row["profit"], row["vat"], row["cost"]) == ("A-1", "243.65", "200.00", "500")


def test_the_order_s_line_names_its_sums(cli: Cli, shop: Callable[..., None]) -> None:
    shop(record("order", **ORDER), *accruals("-180"))
    (row,) = cli("money", "--by", "order", "--json").data["rows"]
    assert (row["order"], row["ordered"], row["delivery"], row["owed"]) == ("77", "1200", "-76.35", "943.65")
    assert "ozon 77" in cli("money", "--by", "order").out


@pytest.mark.field("F1")
def test_a_commissioners_report_is_two_files_of_one_total(cli: Cli, shop: Callable[..., None], place: Place) -> None:
    shop(record("order", **ORDER), *accruals("-180"))
    ran = cli("commissioner", "ozon", "--from", "2026-07-01", "--to", "2026-08-01", "-o", "papers")
    assert ran.code == 0
    assert "943.65 RUB" in ran.out
    (data,) = (place.folder / "papers").glob("*.json")
    paper = json.loads(data.read_text("utf-8"))
    assert paper["totals"]["due"] == "943.65"
    assert paper["ОтчетКомиссионера"]["СуммаВознаграждения"] == "180.00"
    (row,) = paper["ОтчетКомиссионера"]["Товары"]["Строка"]
    assert (row["Количество"], row["Сумма"], row["СуммаНДС"]) == ("1", "1200.00", "200.00")
    assert paper["services"] == [{"content": "Доставка", "amount": "76.35"}]
    with data.with_suffix(".csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter=";"))
    assert [one["table"] for one in rows] == ["sold", "services"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("money", "--channel", "ozone"), "Did you mean 'ozon'?"),
        (("money", "--from", "July"), "--from July is no date"),
        (("money", "--from", "2026-07-02", "--to", "2026-07-02"), "is not before --to"),
        (("commissioner", "ozon", "--report", "5"), "No accruals of ozon are known in report 5"),
        (("commissioner", "ozon", "--report", "5", "--from", "2026-07-01"), "not both"),
    ],
)
def test_what_cannot_be_told_is_a_mistake(
    cli: Cli, shop: Callable[..., None], arguments: tuple[str, ...], said: str
) -> None:
    shop()
    ran = cli(*arguments)
    assert ran.code == 2
    assert said in ran.err


def test_a_project_that_reads_no_money_says_how_to(cli: Cli, shop: Callable[..., None], place: Place) -> None:
    shop()
    place.write("obmen.yaml", PROJECT.replace("  money: {", "  back: {").replace("entity: accrual", "entity: return"))
    ran = cli("money")
    assert ran.code == 2
    assert "entity: accrual" in ran.err


def test_nothing_known_yet_is_no_mistake(cli: Cli, shop: Callable[..., None]) -> None:
    shop()
    ran = cli("money")
    assert (ran.code, "Read it first: obmen sync" in ran.out) == (0, True)


def test_an_unknown_channel_of_a_rate_is_refused(cli: Cli, shop: Callable[..., None], place: Place) -> None:
    shop()
    place.write("obmen.yaml", PROJECT.replace('commission: { ozon: { "*"', 'commission: { ozom: { "*"'))
    ran = cli("money")
    assert ran.code == 2
    assert "Did you mean 'ozon'?" in ran.err


def test_files_go_where_they_can_or_it_is_said(cli: Cli, shop: Callable[..., None], place: Place) -> None:
    shop(record("order", **ORDER), *accruals("-180"))
    ran = cli("money", "--csv", str(Path("nowhere") / "money.csv"))
    assert ran.code == 2
    assert "cannot be written" in ran.err
    assert not (place.folder / "nowhere").exists()
