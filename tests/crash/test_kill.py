"""kill -9 of a real process at every step, against the sandboxes of 1C and Ozon: nothing lost or doubled."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from obmen.sync.steps import STEPS, Step
from obmen.testing.sandbox import Fault
from runner.demo.catalogue import write_catalogue
from tests.e2e.site import Site
from tests.forks import command

NewSite = Callable[[], Site]
ORDERS = 3
OF_DELIVERY: tuple[Step, ...] = ("deliver.taken", "deliver.marked", "deliver.called", "deliver.recorded")


@pytest.fixture
def new_site(tmp_path: Path, state_url: str) -> Iterator[NewSite]:
    made: list[Site] = []

    def make() -> Site:
        folder = tmp_path / "site"
        folder.mkdir()
        write_catalogue(folder / "export", 4, seed=3)
        site = Site(folder, folder / "export", state_url)
        site.flows["prices"]["where"] = {"price_type": "Розничная"}
        made.append(site)
        return site

    yield make
    for site in made:
        site.close()


def killed(site: Site, step: Step, times: int = 0, *flows: str) -> None:
    """Sync in a process of its own until it dies at the step."""
    call = [*command("tests.crash.killed"), str(site.file), step, str(times), *flows]
    ended = subprocess.run(call, check=False, timeout=120)
    assert ended.returncode == -9, f"it was to be killed at {step}"


def obmen(site: Site, *words: str) -> None:
    """Run the command as a person would after the crash."""
    call = [*command("runner.cli"), "--quiet", "--project", str(site.file), *words]
    ended = subprocess.run(call, check=False, timeout=120, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def judge(site: Site) -> None:
    """Everything that 1C exports stands in Ozon, every order of Ozon stands in 1C once, nothing is left."""
    shown = site.shown()
    assert len(shown["products"]) == site.sync("goods")["goods"].read["read"]
    assert all(float(product["price"]) > 0 and product["stocks"] for product in shown["products"].values())
    assert sorted(shown["orders"]) == sorted(shown["postings"])
    assert all(posted for _, posted, _ in shown["orders"].values())
    assert site.left() == {}
    assert site.set_aside() == []
    before = site.ozon.state()["written"], site.shown()
    site.sync()
    assert (site.ozon.state()["written"], site.shown()) == before


def with_orders(site: Site) -> None:
    site.sync()
    skus = sorted(
        sku
        for sku, product in site.ozon.state()["products"].items()
        if any(level["free"] > 3 for level in product["stocks"].values())
    )
    for number in range(ORDERS):
        site.ozon.place_order({skus[number % len(skus)]: 1})


@pytest.mark.parametrize("step", [step for step in STEPS if not step.startswith(("listen", "recover"))])
def test_a_kill_at_any_step_of_a_first_sync(new_site: NewSite, step: Step) -> None:
    site = new_site()
    killed(site, step)
    obmen(site, "sync")
    judge(site)


@pytest.mark.parametrize("step", OF_DELIVERY)
def test_a_kill_while_orders_are_made_in_1c(new_site: NewSite, step: Step) -> None:
    site = new_site()
    with_orders(site)
    times = 1 if step != "deliver.taken" else 0
    killed(site, step, times, "orders")
    obmen(site, "sync")
    judge(site)


@pytest.mark.parametrize("step", ["recover.looked", "recover.recorded"])
def test_a_kill_while_the_doubt_after_a_kill_is_cleared_up(new_site: NewSite, step: Step) -> None:
    site = new_site()
    with_orders(site)
    killed(site, "deliver.called", 1, "orders")
    killed(site, step, 0, "orders")
    obmen(site, "sync")
    judge(site)


@pytest.mark.parametrize("kind", ["hang", "hang_after", "drop", "drop_after", "status_after"])
def test_an_order_is_made_once_when_the_answer_is_lost(new_site: NewSite, kind: str) -> None:
    site = new_site()
    site.extra["ut"] = {"timeout": 1.0}
    with_orders(site)
    site.ut.faults.append(
        Fault(kind=kind, match="POST .*Document_ЗаказКлиента$", skip=1, times=1, seconds=1.5)  # type: ignore[arg-type]
    )
    obmen(site, "sync")
    judge(site)
    assert not any(fault.times for fault in site.ut.faults), "the fault was drawn"
