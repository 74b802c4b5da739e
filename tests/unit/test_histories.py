"""What connectors tell of a period: everything of it, in the shape that the usual read knows it by."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.unit.histories import DAYS, PASTS, every_day

ENTITIES = [(name, entity) for name, (_, entities) in PASTS.items() for entity in entities]


@pytest.mark.parametrize(("name", "entity"), ENTITIES)
def test_every_period_tells_what_happened_in_it_as_the_usual_read_would(name: str, entity: str) -> None:
    with PASTS[name][0]() as past:
        spec = past.connector.histories[entity]
        days = every_day(past, entity)
        whole_days = name == "yandex_market"
        told = dict.fromkeys(one for day in days for one in day)
        assert set(told) == set(past.happened)
        if not whole_days:
            assert [list(day) for day in days] == [[one] for one in past.happened]
        if (name, entity) != ("wildberries", "order"):  # its new orders stand in a list that tells more of them
            live = past.live(entity)
            assert {one: slices[-1] for day in days for one, slices in day.items()} == live
        week = past.read(entity, past.first, past.first + spec.step)
        assert {one for one, at in past.happened.items() if at < past.first + spec.step} <= set(week)
        assert past.read(entity, past.first - timedelta(days=7), past.first - timedelta(days=2)) == {}
        assert spec.step <= timedelta(days=7) < timedelta(days=DAYS)


def test_the_door_of_1c_tells_which_pasts_it_knows() -> None:
    with PASTS["onec"][0]() as past:
        assert set(past.connector.histories) == {"order", "return", "receipt", "bonus_operation"}
        assert past.read("receipt", past.first, past.first + timedelta(days=DAYS)) == {}
        made = type(past.connector)
        files = made("files", made.Options(commerceml="exchange"))
        assert files.histories == {}
        files.close()


@pytest.mark.parametrize("name", ["ozon", "yandex_market"])
def test_the_money_of_a_period_is_that_of_the_usual_read(name: str) -> None:
    with PASTS[name][0]() as past:
        sandbox: Any = past.sandbox
        clock: Any = past.connector.clock
        sandbox.deliver(list(past.happened)[5])
        clock.pass_by(hours=1)
        told = past.read("accrual", past.first, past.first + timedelta(days=DAYS))
        told |= past.read("accrual", past.first + timedelta(days=DAYS), clock.now())
        usual = past.live("accrual")
        assert set(told) <= set(usual)
        assert {one for one in usual if "payout" not in one} == set(told)
        assert len(told) > 2
