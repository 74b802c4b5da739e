"""N22, C7 at Wildberries, where a promotion replaces the seller's own price: named, kept, and undone at its end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connectors.wildberries import Wildberries, paths
from connectors.wildberries.sandbox import WildberriesSandbox
from tests.e2e.test_readback import SETTLED, Shop, shop, troubles

UPLOADS = f"POST {paths.PRICES_SET}"


def selling(folder: Path, **verify: Any) -> Any:
    flow = {"entity": "price", **({"verify": verify} if verify else {})}
    return shop(folder, WildberriesSandbox, Wildberries, {}, {"prices": flow})


def priced(at: Shop, *skus: str) -> None:
    """Put cards into the cabinet, and their prices of 1000 into the source and from there into the cabinet."""
    cards = {sku: at.sandbox.add_card(sku) for sku in skus}
    at.bind({sku: f"{card.nm_id}:{card.sizes[0].chrt_id}" for sku, card in cards.items()})
    at.erp.put("price", *({"id": sku, "type": "base", "amount": "1000.00", "currency": "RUB"} for sku in skus))
    at.sync("prices", patience=600.0)
    at.clock.advance(SETTLED)


@pytest.mark.field("N22")
@pytest.mark.field("C7")
def test_n22_a_promotion_that_replaces_the_price_is_named_and_its_goods_stay_until_it_ends(tmp_path: Path) -> None:
    with selling(tmp_path) as wb:
        priced(wb, "A-1", "A-2", "A-3")
        wb.sandbox.promote("Неделя выдумок", {"A-1": 21, "A-2": 20})
        result, drifts = wb.verify("prices")
        assert (drifts, +result.side.counts) == ([], {"same": 3, "promoted": 2})
        (told,) = troubles(wb)
        assert "Неделя выдумок" in told
        assert "A-1|base: 1000 → 790" in told
        assert (wb.sandbox.calls[UPLOADS], len(wb.sandbox.promotions[0].goods)) == (1, 2)

        wb.clock.advance(8 * 86400)  # it is over, and its discount stayed
        result, drifts = wb.verify("prices")
        assert [(one.key, one.fields["amount"]) for one in drifts] == [
            ("A-1|base", ["790", "1000"]),
            ("A-2|base", ["800", "1000"]),
        ]
        assert (troubles(wb), result.side.repaired) == ([], 2)
        assert [card.discount for card in wb.sandbox.cards.values()] == [0, 0, 0]


@pytest.mark.field("N22")
@pytest.mark.field("C7")
def test_n22_a_promotion_of_many_goods_is_met_by_a_whole_comparison_and_none_is_thrown_out(tmp_path: Path) -> None:
    with selling(tmp_path) as wb:
        skus = [f"A-{n:03}" for n in range(105)]  # more than are remembered of one promotion
        priced(wb, *skus)
        wb.verify("prices")
        wb.sandbox.promote("Неделя выдумок", dict.fromkeys(skus, 20))
        wb.clock.advance(86400)
        assert wb.reconcile("prices").counts == {"same": 105, "promoted": 105}
        assert len(troubles(wb)) == 1
        assert (wb.sandbox.calls[UPLOADS], len(wb.sandbox.promotions[0].goods)) == (1, 105)


@pytest.mark.field("N22")
def test_n22_what_gets_into_a_promotion_by_itself_is_sent_again(tmp_path: Path) -> None:
    with selling(tmp_path) as wb:
        priced(wb, "A-1", "A-2")
        wb.sandbox.promote("Само собой", {"A-1": 20}, kind="auto")
        _, drifts = wb.verify("prices")
        assert [(one.key, one.fields["amount"]) for one in drifts] == [("A-1|base", ["800", "1000"])]
        assert (wb.sandbox.promotions[0].goods, wb.sandbox.card("A-1").discount) == (set(), 0)


@pytest.mark.field("N4")
def test_a_price_below_the_promotion_that_was_not_kept_is_sent_again(tmp_path: Path) -> None:
    with selling(tmp_path) as wb:
        priced(wb, "A-1")
        wb.sandbox.promote("Неделя выдумок", {"A-1": 20})
        wb.verify("prices")
        wb.erp.put("price", {"id": "A-1", "type": "base", "amount": "600.00", "currency": "RUB"})
        wb.sync("prices", patience=600.0)
        card = wb.sandbox.card("A-1")
        card.price, card.discount = 1000, 20  # the upload was answered as done, and the promotion's price stands
        wb.clock.advance(SETTLED)
        _, drifts = wb.verify("prices")
        assert [one.fields["amount"] for one in drifts] == [["800", "600"]]
        assert (card.price, card.discount) == (600, 0)
