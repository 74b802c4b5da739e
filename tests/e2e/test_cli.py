"""The command line between the sandboxes of 1C and Ozon: look, send exactly that, let guards speak."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import structlog

from connectors.onec.commerceml import CommerceML
from connectors.ozon import Ozon
from obmen.project.presets import presets_folder
from obmen.state import agreed as agreed_records
from obmen.testing.sandbox import Fault
from runner.cli import main
from runner.demo.catalogue import write_catalogue
from runner.demo.edits import reprice
from tests.clocked import Clock, rule
from tests.e2e.site import Site
from tests.unit.cli.kit import Ran

NewSite = Callable[..., Site]
Cli = Callable[..., Ran]
SEED = 3


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    """The command in this process; a stock need not wait half a minute before it is set again, as at Ozon itself."""
    monkeypatch.setitem(Ozon.writers, ("stock", "put"), replace(Ozon.writers["stock", "put"], every=0.0))

    def run(site: Site, *arguments: str) -> Ran:
        capsys.readouterr()
        code = main(["--project", str(site.file), *arguments])
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    yield run
    structlog.reset_defaults()


@pytest.fixture
def agreed(new_site: NewSite, cli: Cli) -> Site:
    """Thirty goods, in agreement on both sides."""
    site = new_site(goods=30)
    ran = cli(site, "sync")
    assert ran.code == 0, ran
    return site


def offers(site: Site) -> list[str]:
    """The ids of the offers, in the order of the file."""
    text = (site.export / "offers0_1.xml").read_text("utf-8-sig")
    return re.findall(r"<Предложение>\s*<Ид>([^<]+)</Ид>", text)


def change_prices(site: Site, ids: list[str], factor: str = "1.1") -> None:
    types = CommerceML(site.export).price_types()
    wanted = site.flows["prices"]["where"]["price_type"]
    price_type = next(id_ for id_, name in types.items() if name == wanted)
    assert reprice(site.export, set(ids), price_type, lambda amount: amount * Decimal(factor)) == len(ids)


def writes(site: Site) -> dict[str, int]:
    return dict(site.ozon.written)


def prices(site: Site) -> dict[str, str]:
    return {sku: one["price"] for sku, one in site.ozon.state()["products"].items()}


@pytest.mark.field("N3")
@pytest.mark.field("J4")
def test_a_plan_writes_nothing_and_is_applied_exactly(agreed: Site, cli: Cli) -> None:
    before, untouched = prices(agreed), writes(agreed)
    change_prices(agreed, offers(agreed)[:4])
    plan = agreed.folder / "p.plan"
    ran = cli(agreed, "plan", "-o", str(plan))
    assert ran.code == 0
    assert "4 to send (4 changed)" in ran.out
    assert writes(agreed) == untouched
    told = [json.loads(line) for line in plan.read_text("utf-8").splitlines()]
    planned = {one["key"]: one["fields"]["amount"] for one in told if one["type"] == "change"}
    for key, (old, new) in planned.items():
        row = next(line for line in ran.out.splitlines() if line.startswith(key))
        assert row.split()[-2:] == [old, new]

    ran = cli(agreed, "apply", str(plan))
    assert ran.code == 0
    assert "4 records written." in ran.out
    after = prices(agreed)
    changed = {f"{sku}|Розничная": [before[sku], after[sku]] for sku in after if before[sku] != after[sku]}
    assert {key: [float(one) for one in pair] for key, pair in changed.items()} == {
        key: [float(one) for one in pair] for key, pair in planned.items()
    }
    assert sum(writes(agreed).values()) == sum(untouched.values()) + 4


@pytest.mark.field("N3")
@pytest.mark.field("J4")
def test_a_plan_whose_source_changed_since_is_refused(agreed: Site, cli: Cli) -> None:
    untouched = writes(agreed)
    change_prices(agreed, offers(agreed)[:2])
    plan = str(agreed.folder / "p.plan")
    cli(agreed, "plan", "-o", plan)
    change_prices(agreed, offers(agreed)[1:3])
    ran = cli(agreed, "apply", plan)
    assert ran.code == 6
    assert "is stale" in ran.err
    assert writes(agreed) == untouched


@pytest.mark.field("N3")
@pytest.mark.field("J4")
def test_a_canary_of_ten_is_read_back_before_the_rest(agreed: Site, cli: Cli) -> None:
    ids = offers(agreed)[:16]
    change_prices(agreed, ids)
    plan = str(agreed.folder / "p.plan")
    cli(agreed, "plan", "prices", "-o", plan)
    agreed.ozon._keep_journal = True
    ran = cli(agreed, "apply", plan, "--canary", "10")
    assert ran.code == 0, ran
    calls = [
        (one.path, len(json.loads(one.request_body).get("prices", [])))
        for one in agreed.ozon.journal
        if "price" in one.path
    ]
    sent = [count for _, count in calls if count]
    assert sent == [10, 6]
    first, second = [number for number, (_, count) in enumerate(calls) if count]
    assert any(count == 0 for _, count in calls[first + 1 : second]), "it was not read back in between"


def drop_warehouse(site: Site, name: str) -> None:
    """1C stops telling of one warehouse."""
    ids = {title: id_ for id_, title in CommerceML(site.export).warehouses().items()}
    path = site.export / "offers0_1.xml"
    text = path.read_text("utf-8-sig")
    kept, count = re.subn(rf'\s*<Склад ИдСклада="{ids[name]}"[^>]*/>', "", text)
    assert count > 0
    path.write_text(kept, "utf-8-sig")


@pytest.mark.field("J3")
@pytest.mark.field("N2")
def test_an_empty_answer_of_1c_and_a_vanished_warehouse_zero_nothing(agreed: Site, cli: Cli) -> None:
    untouched = writes(agreed)
    whole = {path: path.read_bytes() for path in agreed.export.iterdir()}
    products, stocks = (known(agreed, entity, live=True) for entity in ("product", "stock"))
    prices = known(agreed, "price")
    write_catalogue(agreed.export, 0, SEED)
    for _ in range(2):
        ran = cli(agreed, "sync")
        assert ran.code == 3, ran
        assert f"stock: {stocks} records held by a guard" in ran.out
        assert f"goods: {products} records held by a guard" in ran.out
        assert f"prices: ut gives no price at all, and {prices} are known of it." in ran.out
        assert writes(agreed) == untouched
    assert "(100%) would go to zero; the guard 'zeroed' allows 30%" in cli(agreed, "plan").out

    for path, content in whole.items():
        path.write_bytes(content)
    ran = cli(agreed, "sync")
    assert ran.code == 0, ran
    assert writes(agreed) == untouched

    lost = list(agreed.warehouses)[1]
    drop_warehouse(agreed, lost)
    ran = cli(agreed, "sync", "stock")
    assert ran.code == 3, ran
    assert "would go to zero; the guard 'zeroed' allows 30%" in ran.out
    assert 'obmen sync stock --force "why"' in ran.out
    assert writes(agreed) == untouched

    ran = cli(agreed, "sync", "stock", "--force", "the shop on Sadovaya has closed")
    assert ran.code == 0, ran
    logged = [json.loads(line) for line in ran.err.splitlines() if line.startswith("{")]
    assert [line["reason"] for line in logged if line["event"] == "guard.forced"] == ["the shop on Sadovaya has closed"]
    last = cli(agreed, "status", "--json").data["flows"]
    message = next(one["last_run"]["message"] for one in last if one["flow"] == "stock")
    assert message == "forced: the shop on Sadovaya has closed"
    for product in agreed.ozon.state()["products"].values():
        assert product["stocks"].get(lost, {"free": 0})["free"] == 0
    assert sum(writes(agreed).values()) > sum(untouched.values())


def known(site: Site, entity: str, *, live: bool = False) -> int:
    """How many of an entity Ozon holds of 1C; of those that can be lost, if ``live``."""
    ledger = site.ledger()
    with ledger.read() as tx:
        count = agreed_records.count(tx, "ozon", entity, live=live)
    ledger.close()
    assert count
    return count


@pytest.mark.field("N2")
def test_a_source_that_gives_nothing_any_more_is_told_also_where_what_is_missing_is_ignored(
    agreed: Site, cli: Cli
) -> None:
    agreed.flows["stock"].pop("missing")
    assert cli(agreed, "sync", "stock").code == 0
    untouched = writes(agreed)
    stocks = known(agreed, "stock")
    whole = {path: path.read_bytes() for path in agreed.export.iterdir()}
    write_catalogue(agreed.export, 0, SEED)
    told = f"stock: ut gives no stock at all, and {stocks} are known of it."
    planned = cli(agreed, "plan", "stock")
    assert planned.code == 0
    assert told in planned.out
    assert "in agreement" not in planned.out
    for _ in range(2):
        ran = cli(agreed, "sync", "stock")
        assert ran.code == 3, ran
        assert told in ran.out
        assert 'obmen sync stock --force "why"' in ran.out
        assert writes(agreed) == untouched
    assert told in cli(agreed, "status").out
    data = cli(agreed, "sync", "stock", "--json").data
    assert (data["exit_code"], data["flows"][0]["status"]) == (3, "emptied")
    assert [f"stock: {one}" for one in data["flows"][0]["warnings"]] == [ran.out.splitlines()[-1]]

    for path, content in whole.items():
        path.write_bytes(content)
    ran = cli(agreed, "sync", "stock")
    assert ran.code == 0, ran
    assert writes(agreed) == untouched

    write_catalogue(agreed.export, 0, SEED)
    assert cli(agreed, "sync", "stock", "--force", "all shops have closed").code == 0
    assert cli(agreed, "sync", "stock").code == 0
    assert writes(agreed) == untouched


@pytest.mark.field("N2")
def test_offers_that_are_still_on_their_way_are_no_empty_answer(agreed: Site, cli: Cli) -> None:
    untouched = writes(agreed)
    (agreed.export / "offers0_1.xml").unlink()
    ran = cli(agreed, "sync", "prices", "stock")
    assert ran.code == 0, ran
    assert "gives no" not in ran.out
    assert writes(agreed) == untouched


@pytest.mark.field("N19")
@pytest.mark.field("J5")
def test_check_names_doubled_articles_unmapped_statuses_and_a_warehouse_without_a_pair(
    new_site: NewSite, cli: Cli
) -> None:
    site = new_site(goods=30)
    assert cli(site, "sync", "goods", "prices", "stock").code == 0
    untouched = writes(site)
    lines = double_articles(site)
    lost, *_ = site.warehouses
    rest = {name: id_ for name, id_ in site.warehouses.items() if name != lost}
    site.extra["ozon"] = {"warehouses": rest}
    skus = list(site.ozon.state()["products"])
    for status in ("delivering", "not_accepted"):
        posting = site.ozon.place_order({skus[5]: 1})
        site.ozon.move(posting, status)
    mapping = own_statuses(site.folder)
    ran = cli(site, "check")
    assert ran.code == 2
    problems = [line for line in ran.out.splitlines() if line.startswith("problem")]
    for line in lines:
        assert sum(f"import0_1.xml:{line}" in one for one in ran.out.splitlines()) == 1, ran.out
        assert sum(f"import0_1.xml:{line}: Two records have the sku" in one for one in problems) == 1, ran.out
    for status in ("delivering", "not_accepted"):
        assert any(f"{mapping}:" in one and f'"{status}"' in one for one in problems), ran.out
    assert any(re.search(r"obmen\.yaml:\d+:", one) and f'"{lost}"' in one for one in problems), ran.out
    assert len(problems) == len(lines) + 5, "the two statuses once more, since the preset knows them"
    assert writes(site) == untouched
    assert site.ut.state()["orders"] == []


def double_articles(site: Site) -> list[int]:
    """Give three goods the article of another; return the lines in which their ids stand."""
    simple = [id_ for id_ in offers(site) if "#" not in id_][:6]
    path = site.export / "import0_1.xml"
    text = path.read_text("utf-8-sig")
    articles = dict(re.findall(r"<Товар>\s*<Ид>([^<]+)</Ид>.*?<Артикул>([^<]+)</Артикул>", text, re.DOTALL))
    for one, other in zip(simple[:3], simple[3:], strict=True):
        for file in (path, site.export / "offers0_1.xml"):
            changed = file.read_text("utf-8-sig").replace(f">{articles[other]}<", f">{articles[one]}<")
            file.write_text(changed, "utf-8-sig")
    rows = path.read_text("utf-8-sig").split("\n")
    return [next(n for n, row in enumerate(rows, 1) if f"<Ид>{other}</Ид>" in row) for other in simple[3:]]


@pytest.mark.field("N19")
def test_an_offer_that_stands_twice_is_named_once_and_changes_nothing(agreed: Site, cli: Cli) -> None:
    agreed.flows["goods"]["missing"] = "ignore"
    assert cli(agreed, "sync").code == 0
    before, untouched = agreed.ozon.state()["products"], writes(agreed)
    path = agreed.export / "offers0_1.xml"
    whole = path.read_text("utf-8-sig")
    doubled = next(one for one in re.findall(r"\s*<Предложение>.*?</Предложение>", whole, re.DOTALL) if "Склад" in one)
    other = re.sub(r"(<ЦенаЗаЕдиницу>)", r"\g<1>1", doubled)
    other = re.sub(r'<Склад [^>]*КоличествоНаСкладе="[^"]*"/>', "", other, count=1)
    path.write_text(whole.replace(doubled, doubled + other), "utf-8-sig")
    text = path.read_text("utf-8-sig")
    id_ = re.findall(r"<Ид>([^<]+)</Ид>", doubled)[0]
    lines = [n for n, line in enumerate(text.split("\n"), 1) if f"<Ид>{id_}</Ид>" in line]
    assert len(lines) == 2

    ran = cli(agreed, "check")
    assert ran.code == 2
    (named,) = [line for line in ran.out.splitlines() if id_ in line]
    assert f"offers0_1.xml:{lines[0]}: Two records of ut have the id {id_}" in named
    assert f"The other stands at {path}:{lines[1]}." in named

    for _ in range(2):
        ran = cli(agreed, "sync")
        assert ran.code == 3, ran
        assert "Look at what was set aside: obmen quarantine list" in ran.out
        assert writes(agreed) == untouched
        assert agreed.ozon.state()["products"] == before

    path.write_text(whole.replace(doubled, other), "utf-8-sig")
    cli(agreed, "quarantine", "replay", "--code", "duplicate_id", "--now")
    assert cli(agreed, "sync").code == 3, "the price has jumped and is held"
    assert writes(agreed) != untouched, "the stock is taken from the one that is left"


def own_statuses(folder: Path) -> str:
    """A mapping of the project's own that knows two statuses less."""
    path = folder / "mappings" / "ozon" / "order_status.yaml"
    path.parent.mkdir(parents=True)
    preset = (presets_folder() / "ozon" / "order_status.yaml").read_text("utf-8")
    path.write_text(preset.replace("delivering, ", "", 1).replace(", not_accepted", "", 1), "utf-8")
    return str(path)


# -- bad input --------------------------------------------------------------------------------------------


@pytest.fixture
def site(new_site: NewSite) -> Site:
    return new_site(goods=5)


def test_a_missing_folder_of_1c_ends_with_2_and_the_path(site: Site, cli: Cli) -> None:
    site.extra["ut"] = {"commerceml": "elsewhere"}
    ran = cli(site, "sync")
    assert ran.code == 2
    assert str(site.folder / "elsewhere") in ran.out
    assert "Traceback" not in ran.out
    assert writes(site) == {}
    checked = cli(site, "check")
    assert checked.code == 2
    assert any("problem" in line and "elsewhere" in line for line in checked.out.splitlines())


def test_a_truncated_export_ends_with_4_and_takes_nothing_for_gone(site: Site, cli: Cli) -> None:
    assert cli(site, "sync").code == 0
    untouched = writes(site)
    path = site.export / "offers0_1.xml"
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    ran = cli(site, "sync")
    assert ran.code == 4
    assert "offers0_1.xml" in ran.out
    assert writes(site) == untouched
    path.write_bytes(content)
    assert cli(site, "sync").code == 0
    assert writes(site) == untouched


def test_an_entity_bomb_is_refused_before_anything_is_expanded(site: Site, cli: Cli) -> None:
    path = site.export / "import0_1.xml"
    text = path.read_text("utf-8-sig")
    bomb = '<!DOCTYPE bomb [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    path.write_text(text.replace("?>", f"?>{bomb}", 1).replace("<Наименование>", "<Наименование>&b;", 1), "utf-8-sig")
    ran = cli(site, "sync")
    assert ran.code in {2, 4}
    said = ran.out + ran.err
    assert "import0_1.xml" in said
    assert "Traceback" not in said
    assert "haha" not in said
    assert writes(site) == {}


def test_an_expired_key_of_ozon_ends_with_4_and_check_says_where_a_new_one_is_made(site: Site, cli: Cli) -> None:
    site.ozon.key_expires_at = 0.0
    ran = cli(site, "sync")
    assert ran.code == 4
    assert "deactivated" in ran.out
    assert site.ozon.api_key not in ran.out + ran.err
    assert writes(site) == {}
    checked = cli(site, "check")
    assert checked.code == 2
    assert any(line.startswith("problem") and "obmen.yaml:" in line for line in checked.out.splitlines())


def test_html_instead_of_ozon_ends_with_4_and_nothing_is_lost(
    site: Site, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule(Clock(datetime.now(UTC)), monkeypatch)  # what is tried again waits longer each time, but nobody here
    site.ozon.faults.append(Fault(kind="html", match="POST /v1/product/import/prices", times=None))
    ran = cli(site, "sync", "goods", "prices", "--wait", "5")
    assert ran.code == 4
    assert "502 Bad Gateway" in ran.out
    site.ozon.faults.clear()
    assert cli(site, "sync", "goods", "prices").code == 0
    assert all(float(price) > 0 for price in prices(site).values())
