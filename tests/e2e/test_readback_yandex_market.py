"""N22, C7 at Yandex Market, which tells promotions by calls of their own: named beside the price, and left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from connectors.yandex_market import YandexMarket, paths
from connectors.yandex_market.sandbox import YandexMarketSandbox
from tests.e2e.test_readback import SETTLED, Shop, shop, troubles, writes

HOUR = 3600.0


def selling(folder: Path) -> Any:
    return shop(folder, YandexMarketSandbox, YandexMarket, {}, {"prices": {"entity": "price"}})


def priced(at: Shop, *skus: str) -> None:
    """Put cards into the cabinet, and their prices of 990 into the source and from there into the cabinet."""
    at.sandbox.sell(*skus)
    at.bind({sku: sku for sku in skus})
    at.erp.put("price", *({"id": sku, "type": "base", "amount": "990.00", "currency": "RUB"} for sku in skus))
    at.sync("prices", patience=600.0)
    at.clock.advance(SETTLED)


def asked(at: Shop) -> list[int]:
    """Return how often promotions, their goods, and leaving were called."""
    methods = (paths.PROMOTIONS, paths.PROMOTION_OFFERS, paths.PROMOTION_LEAVE)
    return [at.sandbox.calls[one.group] for one in methods]


@pytest.mark.field("N22")
@pytest.mark.field("C7")
def test_n22_a_promotion_is_named_with_what_buyers_pay_and_nothing_is_sent_again(tmp_path: Path) -> None:
    with selling(tmp_path) as market, capture_logs() as logs:
        priced(market, "A-1", "A-2", "A-3")
        market.sandbox.promote("Распродажа выдумок", {"A-1": 790, "A-2": 800})
        market.sandbox.promote("Сами собой", {"A-3": 990}, "AUTO")
        result, drifts = market.verify("prices")
        assert (drifts, +result.side.counts) == ([], {"same": 3, "promoted": 2})
        said = [(log["key"], log["live"]) for log in logs if log["event"] == "price.promoted"]
        assert said == [("A-1|base", "790"), ("A-2|base", "800")]
        (told,) = troubles(market)
        assert "Распродажа выдумок" in told
        assert "A-1|base: 990 → 790" in told
        assert (asked(market), writes(market)) == ([1, 1, 0], 1)

        market.clock.advance(31 * 24 * HOUR)  # it is over
        market.verify("prices")
        assert (troubles(market), writes(market)) == ([], 1)


@pytest.mark.field("N22")
@pytest.mark.field("C7")
def test_n22_with_leave_one_call_takes_all_prices_out_and_the_alert_stays_until_they_are(tmp_path: Path) -> None:
    with selling(tmp_path) as market:
        priced(market, "A-1", "A-2")
        market.sandbox.effect = 5 * HOUR
        market.sandbox.promote("Распродажа выдумок", {"A-1": 790, "A-2": 800})
        market.verify("prices", leave=True)
        assert asked(market)[2] == 1
        market.verify("prices", leave=True)
        assert (asked(market)[2], len(troubles(market))) == (1, 1)
        market.clock.advance(5 * HOUR)
        market.verify("prices", leave=True)
        assert (asked(market)[2], troubles(market), writes(market)) == (1, [], 1)
        assert market.sandbox.state()["promotions"] == {
            "Распродажа выдумок": {"A-1": "NOT_PARTICIPATING", "A-2": "NOT_PARTICIPATING"}
        }


@pytest.mark.field("N22")
def test_n22_a_promotion_that_began_later_is_met_by_a_whole_comparison(tmp_path: Path) -> None:
    with selling(tmp_path) as market:
        priced(market, "A-1", "A-2")
        market.verify("prices")
        market.sandbox.promote("Распродажа выдумок", {"A-2": 800})
        market.clock.advance(24 * HOUR)
        assert market.reconcile("prices", leave=True).counts == {"same": 2, "promoted": 1}
        assert (len(troubles(market)), asked(market)[2]) == (1, 1)
        assert market.reconcile("prices").counts == {"same": 2}
        assert (troubles(market), writes(market)) == ([], 1)
