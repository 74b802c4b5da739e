"""Why a marketplace shows a number: told by the command, and equal to what a person reckons by hand."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from runner.cli import main
from tests.e2e.markets.life import PRICE_TYPE, WAREHOUSE, Life
from tests.e2e.markets.wildberries import WildberriesCabinet

KIT, PART, OTHER = "SKU-0000", "SKU-0001", "SKU-0002"
RULES: dict[str, dict[str, Any]] = {
    "stock": {"allocate": {"safety": 2, "kits": {KIT: {PART: 1, OTHER: 2}}}, "guards": {"zeroed": "off"}},
    "prices": {"pricing": {"markup": "10%", "round": {"to": 10, "up": True, "less": 1}}},
}


def explained(life: Life, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["--project", str(life.folder / "obmen.yaml"), "explain", *words]) == 0
    return capsys.readouterr().out


@pytest.mark.field("N5")
def test_a_number_is_explained_from_the_source_to_what_the_channel_shows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Life(tmp_path, WildberriesCabinet(), goods=3, categories=3, rules=RULES) as life:
        for sku, wanted in {KIT: 0, PART: 9, OTHER: 9}.items():
            life.ut.move_stock(life.ids[sku], wanted - life.ut.free_stock(life.ids[sku]))
        life.settle()
        for _ in range(4):
            life.cabinet.place([(PART, 1)])
        life.settle()
        assert life.set_aside() == []
        there = life.ut.state()["stock"][life.ids[PART]][WAREHOUSE]
        assert (there["on_hand"], there["free"]) == (9, 5)
        kit = min(5 - 2, (9 - 2) // 2)
        assert life.cabinet.free() == {KIT: kit, PART: 5 - 2, OTHER: 9 - 2}

        told = explained(life, capsys, PART, "--channel", "market", "--live", "--json")
        (number,) = [one for one in _data(told)["numbers"] if one["entity"] == "stock"]
        assert [(step["name"], Decimal(str(step["number"]))) for step in number["steps"]][:2] == [
            ("free", 5),
            ("safety", 3),
        ]
        assert (number["told"]["available"], number["known"]["available"]) == ("7", "3"), "four were sold there since"
        assert (number["answer"], number["shows"]["available"]) == ("confirmed", "3")
        assert number["told_at"]
        text = explained(life, capsys, PART, "--channel", "market", "--live")
        assert f"{WAREHOUSE}: on hand 9 − reserved 4 = 5 free" in text
        assert "market shows 3 now" in text
        (kit,) = [one for one in _data(explained(life, capsys, KIT, "--json"))["numbers"] if one["entity"] == "stock"]
        assert {"name": "kit", "number": "3", "why": f"as many as {PART}, {OTHER} allows"} in kit["steps"]

        base = life.ut.price(life.ids[PART], PRICE_TYPE)
        assert base is not None
        by_hand = next(point for point in range(9, 99999, 10) if point >= base * Decimal("1.1"))
        (price,) = [one for one in _data(told)["numbers"] if one["entity"] == "price"]
        assert Decimal(price["told"]["amount"]) == by_hand == life.cabinet.prices()[PART]


def _data(told: str) -> Any:
    """Read what was printed after what was logged."""
    return json.loads(told[told.index("{\n") :])
