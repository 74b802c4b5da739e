"""The connection that a new project begins with: its commented part is right for both versions of UT."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from connectors.onec import OneC
from obmen.mapping.yaml import parse_yaml

BLOCK = Path(__file__).resolve().parents[3] / "config" / "connections" / "onec.yaml"


def taken(text: str) -> dict[str, Any]:
    """The options when the # before the settings of orders is taken away."""
    bare = re.sub(r"^(  )# ((?:url|username|password|order): ?|  )", r"\1\2", text, flags=re.MULTILINE)
    filled = bare.replace("0-000000000000", "0-000000000001")
    options = dict(parse_yaml(filled, "onec.yaml").data["ut"])
    del options["connector"]
    return options


@pytest.mark.parametrize(("version", "rate"), [("11.4", "НДС20"), ("11.5", "00000000-0000-0000-0000-000000000001")])
def test_the_block_of_orders_holds_for_both_versions(version: str, rate: str) -> None:
    text = BLOCK.read_text("utf-8")
    rows = re.findall(r"^  #   (?:# )?vat_rates: .*$", text, flags=re.MULTILINE)
    assert len(rows) == 2
    assert "UT 11.4" in rows[0]
    assert "UT 11.5" in text.partition(rows[0])[2].partition(rows[1])[0]
    if version == "11.5":
        text = text.replace(rows[0] + "\n", "").replace(rows[1], rows[1].replace("# vat_rates", "vat_rates"))
    options = OneC.Options(**taken(text))
    assert options.order is not None
    assert options.order.vat_rates[options.order.vat] == rate
