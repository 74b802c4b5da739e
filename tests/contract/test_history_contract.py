"""All that is said and answered when a period of the past is read, judged by the vendors' own specifications."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from obmen.testing.sandbox import Exchange
from tests.contract.documents import parsed
from tests.contract.openapi_judge import Judge
from tests.unit.histories import DAYS, PASTS, every_day

JUDGED = {
    "ozon": "ozon/seller.openapi.json",
    "ozon_fbo": "ozon/seller.openapi.json",
    "wildberries": "wildberries/03-orders-fbs.yaml",
    "yandex_market": "yandex-market/partner.openapi.json",
}


@pytest.fixture(scope="module")
def judge_of(specs: Path) -> Callable[[str], Judge]:
    made: dict[str, Judge] = {}

    def judge(name: str) -> Judge:
        path = specs / "specs" / JUDGED[name]
        if str(path) not in made:
            made[str(path)] = Judge(parsed(path)) if path.suffix == ".yaml" else Judge.load(path)
        return made[str(path)]

    return judge


@pytest.mark.parametrize("name", JUDGED)
def test_every_exchange_of_a_history_is_as_specified(name: str, judge_of: Callable[[str], Judge]) -> None:
    make, entities = PASTS[name]
    with make() as past:
        past.sandbox.journal.clear()
        for entity in entities:
            every_day(past, entity)
            past.read(entity, past.first, past.first + past.connector.histories[entity].step)
        if "accrual" in past.connector.histories:
            past.read("accrual", past.first, past.first + timedelta(days=DAYS // 2))
        said: list[Exchange] = list(past.sandbox.journal)
    judge = judge_of(name)
    assert {complaint for exchange in said for complaint in judge.exchange(exchange)} == set()
    assert len(said) > DAYS
