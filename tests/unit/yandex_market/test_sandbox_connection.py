"""The connection that the sandbox prints can be used as it is: no test of a mapping fails because of its options."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from connectors.yandex_market.options import MarketOptions
from connectors.yandex_market.sandbox import YandexMarketSandbox
from obmen.mapping import Context, load_mapping
from obmen.mapping.selftest import run_tests

MAPPINGS = Path(__file__).parents[3] / "mappings" / "yandex_market"


@pytest.mark.parametrize("file", sorted(MAPPINGS.rglob("*.yaml")), ids=lambda file: file.stem)
def test_the_tests_of_mappings_pass_with_the_options_of_the_sandbox(file: Path) -> None:
    with YandexMarketSandbox() as market:
        options = MarketOptions.model_validate(market.connection()).model_dump(mode="python")
    context = Context("market", options, ZoneInfo("Europe/Moscow"))
    failed = [one.message for one in run_tests(load_mapping(file), context) if not one.ok]
    assert failed == []
