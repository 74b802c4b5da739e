"""A status and a field that nobody has heard of: the run passes, the order waits for people, and it is counted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from obmen.testing.sandbox import Request, Response
from runner.observe import snapshot
from runner.observe.metrics import EVERY, Metrics
from tests.e2e.markets.cabinet import Cabinet
from tests.e2e.markets.life import Life, quiet
from tests.e2e.markets.ozon import OzonCabinet
from tests.e2e.markets.wildberries import WildberriesCabinet
from tests.e2e.markets.yandex_market import YandexMarketCabinet

WORD = "TELEPORTED"


def at_ozon(sandbox: Any, number: str, word: str) -> None:
    posting = sandbox.postings[number]
    posting.status, posting.changed_at = word, sandbox.now()


def at_wildberries(sandbox: Any, number: str, word: str) -> None:
    sandbox.move(number, wb=word)


def at_market(sandbox: Any, number: str, word: str) -> None:
    sandbox.move(number, word, word)


def add_fields(sandbox: Any) -> None:
    """From now on answers about orders have a field more, at every level."""
    dispatch = sandbox._dispatch

    def answer(request: Request) -> Response:
        response: Response = dispatch(request)
        if "order" in request.path or "posting" in request.path:
            response.json = _with_more(response.json)
        return response

    sandbox._dispatch = answer


def _with_more(value: Any) -> Any:
    if isinstance(value, dict):
        return {**{name: _with_more(one) for name, one in value.items()}, "teleport": {"booth": 7}}
    return [_with_more(one) for one in value] if isinstance(value, list) else value


def counted(metrics: Metrics, life: Life) -> float:
    life.clock.advance(2 * EVERY)
    families = text_string_to_metric_families(metrics.text().decode())
    return sum(
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == "obmen_unmapped_records" and sample.labels["flow"] == "statuses"
    )


@pytest.mark.field("N9")
@pytest.mark.field("E4")
@pytest.mark.parametrize(
    ("cabinet", "say", "known"),
    [
        (OzonCabinet, at_ozon, "delivering"),
        (WildberriesCabinet, at_wildberries, "waiting"),
        (YandexMarketCabinet, at_market, "DELIVERY"),
    ],
)
def test_n9_an_unknown_status_and_an_extra_field_stop_nothing_and_are_counted(
    tmp_path: Path, cabinet: Callable[[], Cabinet], say: Callable[[Any, str, str], None], known: str
) -> None:
    with Life(tmp_path, cabinet(), goods=4, categories=2) as life:
        quiet(life)
        metrics = Metrics(life.ledger, lambda: snapshot.take(life.ledger, life.project))
        strange, plain = (life.cabinet.place([("SKU-0001", 1)]) for _ in range(2))
        quiet(life)
        assert counted(metrics, life) == 0
        add_fields(life.cabinet.sandbox)
        say(life.cabinet.sandbox, strange, WORD)
        life.ut.cancel(plain)
        for _ in range(4):
            life.run()
            assert life.trouble == []
        assert counted(metrics, life) == 1
        (said,) = life.set_aside()
        assert WORD in said
        assert "not in the table" in said
        assert life.ut.order(strange)["Статус"] == "КОбеспечению"
        say(life.cabinet.sandbox, strange, known)
        assert life.cabinet.bought()[plain].state == "cancelled"
