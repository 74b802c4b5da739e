"""``obmen backfill`` on two shelves: the period, what is left after a kill, what is only shown."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable

import pytest

from obmen.testing.sandbox import Fault
from tests.unit.cli.conftest import Cli
from tests.unit.cli.kit import KEY, Place, ShelfSandbox, fill, order

MAY = ("--from", "2026-05-01", "--to", "2026-05-09")


@pytest.fixture
def past(place: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox) -> Place:
    """Goods on both shelves, and eight orders of May in the shop, one a day, of which the usual read tells none."""
    fill(erp)
    place.write(
        "obmen.yaml",
        f"connections:\n  erp: {{ connector: shelf, url: {erp.url}, key: {KEY} }}\n"
        f"  shop: {{ connector: past_shelf, url: {shop.url}, key: {KEY} }}\n"
        "flows:\n  products: { entity: product, from: erp, to: shop }\n"
        "  orders: { entity: order, from: shop, to: erp }\n",
    )
    for number in range(1, 9):
        shop.put("order", {**order(f"N-{number}"), "at": f"2026-05-0{number}T06:00:00Z"})
    assert cli("sync").code == 0
    assert not erp.records["order"]
    return place


def test_a_period_arrives_once(past: Place, cli: Cli, erp: ShelfSandbox) -> None:
    ran = cli("backfill", "orders", "--from", "2026-05-03", "--to", "2026-05-05", "--json")
    assert (ran.code, ran.data["left"], ran.data["flows"][0]["written"]) == (0, [], 2)
    assert sorted(erp.records["order"]) == ["N-3", "N-4"]
    ran = cli("backfill", "orders", *MAY)
    assert ran.code == 0
    assert "6 records written." in ran.out
    erp.writes.clear()
    ran = cli("backfill", "orders", *MAY)
    assert ran.code == 0
    assert "Nothing is left to be read of orders. To read once more: --again." in ran.out
    assert cli("backfill", "orders", *MAY, "--again", "--json").data["flows"][0]["read"]["unchanged"] == 8
    assert erp.writes == []


def test_a_day_begins_where_the_shop_is(past: Place, cli: Cli, erp: ShelfSandbox) -> None:
    """Six in the morning by UTC is nine in Moscow."""
    assert cli("backfill", "orders", "--from", "2026-05-01T08:59", "--to", "2026-05-01T09:00").code == 0
    assert not erp.records["order"]
    assert cli("backfill", "orders", "--from", "2026-05-01T06:00Z", "--to", "2026-05-01T09:01").code == 0
    assert sorted(erp.records["order"]) == ["N-1"]


def test_a_dry_run_shows_and_writes_nothing(past: Place, cli: Cli, erp: ShelfSandbox) -> None:
    ran = cli("backfill", "orders", *MAY, "--dry-run")
    assert ran.code == 0
    assert "8 to send (8 created)" in ran.out
    assert "8 records read: 0 known as they are, 0 would be set aside. Nothing was written." in ran.out
    assert "Primerov" not in ran.out
    data = cli("backfill", "orders", *MAY, "--dry-run", "--json").data
    assert (data["read"]["read"], data["summary"]["to_send"]) == (8, 8)
    assert not erp.records["order"]
    ran = cli("backfill", "orders", "--resume")
    assert "Nothing is left to be read" in ran.out


def test_what_is_left_is_named_and_taken_up(past: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox) -> None:
    shop.faults.append(Fault(kind="status", status=503, match="GET /order", skip=4, times=8))
    ran = cli("backfill", "orders", *MAY)
    assert ran.code == 4
    assert "Go on: obmen backfill orders --resume" in ran.out
    hint = "orders: a backfill asked for 0 s ago has read 50% of its time, last 0 s ago. Go on: obmen backfill orders"
    assert re.sub(r"\b\d s", "0 s", " ".join(cli("status").out.split())).count(hint) == 1
    told = {flow["flow"]: flow["backfill"] for flow in cli("status", "--json").data["flows"]}
    assert told["products"] is None
    assert (told["orders"]["share"], [one["until"][:10] for one in told["orders"]["left"]]) == (0.5, ["2026-05-08"])
    shop.faults.clear()
    ran = cli("backfill", "orders", "--resume")
    assert ran.code == 0
    assert "backfill" not in cli("status").out
    assert sorted(erp.records["order"]) == [f"N-{number}" for number in range(1, 9)]


@pytest.mark.field("E11")
def test_kill_in_the_middle_and_go_on(past: Place, erp: ShelfSandbox, shop: ShelfSandbox) -> None:
    """SIGKILL while the fifth day is read; what was read before is not read again."""
    asked: list[str] = []
    process = past.start("--quiet", "backfill", "orders", *MAY)
    answer: Callable[..., object] = shop.before

    def killing(request: object, *more: object) -> object:
        if str(getattr(request, "path", "")) == "/order" and getattr(request, "method", "") == "GET":
            asked.append("read")
            if len(asked) == 5:
                os.kill(process.pid, signal.SIGKILL)
        return answer(request, *more)

    shop.before = killing  # type: ignore[method-assign]
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    shop.before = answer  # type: ignore[method-assign]
    ran = past.process("--quiet", "backfill", "orders", "--resume", "--json")
    assert ran.code == 0, ran.err
    assert ran.data["left"] == []
    assert 4 <= ran.data["flows"][0]["read"]["read"] < 8
    assert sorted(erp.records["order"]) == [f"N-{number}" for number in range(1, 9)]
    assert len([one for one, _ in erp.writes if one == "order"]) == 8


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["orders"], "Say the period by --from and --to, or --resume"),
        (["orders", "--from", "2026-05-01"], "Say the period by --from and --to"),
        (["orders", *MAY, "--resume"], "Say the period by --from and --to, or --resume"),
        (["orders", "--resume", "--again"], "--again is for a period"),
        (["orders", "--from", "2026-05-02", "--to", "2026-05-02"], "for one day, say the next"),
        (["orders", "--from", "2026-05-02", "--to", "2026-05-01"], "--from 2026-05-02 is not before --to 2026-05-01"),
        (["orders", "--from", "May", "--to", "2026-05-01"], "--from May is no date. Write it like 2026-01-31"),
        (["orders", "--from", "2026-05-01", "--to", "2999-05-01"], "is still to come"),
        (["products", *MAY], "tells every product there is each time"),
        (["order", *MAY], "There is no flow 'order'. Did you mean 'orders'?"),
    ],
)
def test_a_mistake_is_told(past: Place, cli: Cli, words: list[str], message: str) -> None:
    ran = cli("backfill", *words)
    assert (ran.code, ran.out) == (2, "")
    assert message in " ".join(ran.err.split())
