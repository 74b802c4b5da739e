"""The page of money: totals, what does not agree, and margins, as the command tells them."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from obmen.entities import ENTITIES, Record
from obmen.project.money_model import MoneyModel
from obmen.state import facts
from runner.web.pages import money
from tests.unit.web import kit


def record(entity: str, **values: object) -> Record:
    return ENTITIES[entity].model_validate_json(msgspec.json.encode({"channel": "shop", "currency": "RUB", **values}))


@pytest.fixture
def earning(site: kit.Site) -> kit.Site:
    """A shop that sold one order, of which 1C knows nothing."""
    project = site.view.project
    read = replace(project.flows["orders"], name="money", entity="accrual", targets=())
    site.view.project = replace(project, flows={**project.flows, "money": read}, money=MoneyModel(wait="1d"))  # type: ignore[arg-type] # as YAML says it
    lines = [{"sku": "A-1", "quantity": "1", "price": "1200", "vat": "20"}]
    common = {"order": "77", "occurred_at": "2026-06-10T00:00:00Z", "sku": "A-1"}
    with site.ledger.write() as tx:
        facts.save(tx, "shop", [record("order", number="77", placed_at="2026-06-09T06:00:00Z", lines=lines)])
        for number, (kind, amount) in enumerate((("sale", "1200"), ("commission", "-180"))):
            facts.save(tx, "shop", [record("accrual", operation_id=f"{number}", kind=kind, amount=amount, **common)])
    return site


@pytest.mark.field("F2")
def test_the_page_tells_the_totals_and_what_does_not_agree(earning: kit.Site) -> None:
    anna = earning.logged_in("anna")
    assert "/reports/money" in anna.get("/reports").text
    page = anna.get("/reports/money").text
    assert "1 020.00 RUB" in page
    assert "1C&#39;s document: 1 200.00 RUB" in page
    assert "The order is sold, and 1C has no document of it." in page
    assert "Документ в 1С" in anna.get("/reports/money", accept_language="ru").text


@pytest.mark.field("F3")
def test_margins_are_shown_when_asked_for(earning: kit.Site) -> None:
    anna = earning.logged_in("anna")
    assert "A-1" not in anna.get("/reports/money").text
    page = anna.get("/reports/money?by=sku").text
    assert "A-1" in page
    assert "200.00" in page


def test_a_page_without_money_says_so_and_one_with_too_much_names_the_command(
    earning: kit.Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = earning.logged_in("anna")
    monkeypatch.setattr(money, "MOST", 1)
    assert "obmen money" in anna.get("/reports/money").text
    earning.view.project = replace(earning.view.project, flows={})
    monkeypatch.setattr(money, "MOST", 10)
    assert "No money is known" in anna.get("/reports/money").text
