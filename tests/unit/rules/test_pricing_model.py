"""The block ``pricing:``: what it means, and what is said of one that cannot work, with the line of it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from obmen.entities import Price, Product
from obmen.errors import ConfigurationError
from obmen.mapping.yaml import parse_yaml
from obmen.project.model import ProjectModel
from obmen.rules.costs import Fees
from obmen.rules.habits import PriceHabits
from obmen.rules.pricing import Aside, Floor, price
from obmen.rules.rounding import Rounding
from tests.unit.project_kit import flows

ROOT = Path(__file__).resolve().parents[3]
PRICES = """\
prices:
  entity: price
  from: ut
  to: [shop, second]
  where: { price_type: Розничная }
  pricing:
"""
COST = "    cost: { price_type: Закупочная }\n"
WHOLE = """\
    old: { price_type: РРЦ }
    min: { markup: -10% }
    cost: { price_type: Закупочная }
    markup: 12%
    rules: [{ sku: [A-1], amount: 990 }]
    round: { to: 10, up: true, less: 1 }
    fees: { commission: 15%, logistics: 80, acquiring: 1.5%, vat: 20% }
    floor: { margin: 5%, below: raise }
    channels: { second: { markup: 20%, price_type: Опт, fees: { vat: none } } }
"""


def _said(folder: Path, pricing: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        flows(folder, PRICES + pricing)
    return str(caught.value).replace(f"{folder}/", "")


def test_what_is_written_is_what_the_rules_are(tmp_path: Path) -> None:
    pricing = flows(tmp_path, PRICES + WHOLE).flows["prices"].pricing
    assert pricing is not None
    usual, second = pricing.of("shop"), pricing.of("second")
    assert (usual.old, usual.min) == (Aside("РРЦ"), Aside(markup=Decimal("-0.1")))
    assert usual.round == Rounding(Decimal(10), "up", Decimal(1))
    assert usual.floor == Floor(Decimal("0.05"), "raise")
    assert usual.fees == Fees(Decimal("0.15"), Decimal("0.015"), Decimal(80), "20")
    assert (second.markup, second.price_type, second.fees.vat, second.fees.commission) == (
        Decimal("0.2"),
        "Опт",
        "none",
        Decimal("0.15"),
    )
    assert (second.round, second.rules, second.floor) == (usual.round, usual.rules, usual.floor)
    assert pricing.price_types == {"РРЦ", "Закупочная", "Опт"}


def test_a_flow_without_it_has_no_rules(tmp_path: Path) -> None:
    assert flows(tmp_path, "prices: { entity: price, from: ut, to: shop }").flows["prices"].pricing is None


@pytest.mark.parametrize(
    ("pricing", "line", "words"),
    [
        ("    channels: { shpo: { markup: 1% } }", 12, "does not write to 'shpo'. Did you mean 'shop'?"),
        ("    channels:\n      ut: { markup: 1% }", 13, "does not write to 'ut'."),
        ("    markup: 12", 12, "'markup': a share is written as 12% or 1.5%."),
        ("    markup: -100%", 12, "no price is left when 100% or more is taken off"),
        ("    markpu: 12%", 12, "no key 'markpu' here. Did you mean 'markup'?"),
        ("    markup: 1%\n    old: { price_type: Розничная }", 13, "'Розничная' is the price itself already"),
        ("    old: { price_type: РРЦ }\n    min: { price_type: РРЦ }", 13, "The price type 'РРЦ' is 'old' already"),
        (
            "    min: { price_type: Опт }\n    channels: { shop: { price_type: Опт } }",
            12,
            "is the price itself already",
        ),
        ("    old: { price_type: РРЦ, markup: 5% }", 12, "'old': either price_type or markup says what it is"),
        ("    min: {}", 12, "'min': either price_type or markup says what it is"),
        ("    rules:\n      - { sku: A-1 }", 13, "either markup or amount says what the price is"),
        ("    rules:\n      - { markup: 5% }", 13, "for which goods it is: brand, category or sku"),
        ("    rules: [{ brand: Образец, markup: 5% }]", 12, "no flow reads product from 'ut'"),
        ("    round: { to: 10, up: true, down: true }", 12, "rounded up or down, not both"),
        ("    round: { to: 10, less: 10 }", 12, "'less' is meant to be less than 'to'"),
        ("    round: { to: 0 }", 12, "greater than 0"),
        ("    fees: { commission: 101% }", 12, "'commission': a part of the price is 0% or more, and less than 100%"),
        ("    fees: { acquiring: -1% }", 12, "'acquiring': a part of the price"),
        ("    fees: { vat: 21% }", 12, "no such rate of VAT; it is one of 0%, 5%, 7%, 10%, 18%, 20%, 22%, or none"),
        ("    floor: { margin: 5% }", 12, "A floor hangs on the cost"),
        (COST + "    floor: { below: wait }", 13, "'hold' or 'raise'"),
        (
            COST + "    floor: { margin: 50% }\n    fees: { commission: 40%, vat: 20% }",
            13,
            "take 100% of a price or more",
        ),
        (
            COST + "    floor: { margin: 50% }\n    channels: { shop: { fees: { commission: 50% }}}",
            13,
            "take 100% of a price or more",
        ),
        (
            COST + "    fees: { vat: 22% }\n    channels:\n      shop: { floor: { margin: 85% }}",
            15,
            "take 100% of a price or more",
        ),
        ("    currency: rub", 12, "'currency'"),
    ],
)
def test_what_cannot_work_is_said_with_its_line(tmp_path: Path, pricing: str, line: int, words: str) -> None:
    said = _said(tmp_path, pricing)
    assert words in said
    assert said.startswith(f"obmen.yaml:{line}: ")


def test_rules_of_prices_are_for_prices(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="'pricing' is for flows of price, and this flow carries stock"):
        flows(tmp_path, "stock:\n  entity: stock\n  from: ut\n  to: shop\n  pricing: { markup: 12% }")


def test_the_price_type_of_the_price_itself_must_be_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="'where' must say of which one the price is"):
        flows(tmp_path, "p:\n  entity: price\n  from: ut\n  to: shop\n  pricing: { old: { price_type: РРЦ } }")


def test_brands_are_known_where_a_flow_reads_products(tmp_path: Path) -> None:
    goods = "goods: { entity: product, from: ut, to: [] }\n"
    made = flows(tmp_path, goods + PRICES + "    rules: [{ brand: Образец, markup: 5% }]")
    assert made.flows["prices"].pricing is not None


@pytest.mark.parametrize("page", ["prices.md", "prices.ru.md"])
def test_the_example_of_the_page_is_what_it_says(page: str) -> None:
    text = (ROOT / "docs" / "how-to" / page).read_text("utf-8")
    block = text.partition("```yaml\n")[2].partition("```")[0]
    model = ProjectModel.model_validate({"connections": {"ut": {}}, **parse_yaml(block, page).data})
    written = model.flows["prices"].pricing
    assert written is not None
    rules = written.pricing()
    shoes, other = Product(sku="B-1", category=("Обувь",)), Product(sku="B-1")
    told = [
        price(rules, channel, _price("1770.54"), {"Закупочная": _price("1000")}, product, PriceHabits())
        for channel, product in (("ozon", other), ("wb", other), ("ozon", shoes))
    ]
    assert [one.record.amount for one in told] == [1989, 2129, 2129]
    assert {step.name: f"{step.amount:f}" for step in told[0].steps}["floor"] == "1746.64"
    assert "1746.64" in text


def _price(amount: str) -> Price:
    return Price(sku="B-1", price_type="Розничная", amount=Decimal(amount), currency="RUB")
