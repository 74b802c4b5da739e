"""The page that says why a channel shows a number."""

from __future__ import annotations

from decimal import Decimal

from obmen.entities import Stock
from obmen.state import agreed, bindings, originals, taken
from obmen.state.agreed import Agreed
from obmen.state.taken import Taken
from tests.crash.world import MAPPINGS
from tests.unit.web import kit
from tests.unit.web.test_jobs import ended


def fill(site: kit.Site) -> None:
    """A project that can run, and its state: nine free in the source, of which two were bought and seven are told."""
    for connection in ("ut", "shop", "second"):
        folder = site.view.project.folder / "mappings" / connection
        folder.mkdir(parents=True)
        for entity in ("product", "price", "stock", "order"):
            (folder / f"{entity}.yaml").write_text(MAPPINGS[entity], "utf-8")
    told = Stock(sku="A-1", warehouse="base", available=Decimal(7))
    with site.ledger.write() as tx:
        source = Stock(sku="A-1", warehouse="base", available=Decimal(9), reserved=Decimal(4))
        originals.save(tx, "ut", [source])
        taken.save(tx, [Taken("ut", "A-1", "shop", "55-1", "", Decimal(2), tx.now, None)])
        agreed.save(tx, "shop", "stock", [Agreed("A-1|base", b"h", told.encoded())], 1)
        bindings.bind(tx, "shop", "product", {"A-1": "card-1"})


def test_the_page_tells_every_step_of_a_number(site: kit.Site) -> None:
    fill(site)
    anna = site.logged_in("oleg")
    assert "/explain?sku=A-1" in anna.get("/search?q=A-1").text
    page = anna.get("/explain?sku=A-1").text
    assert "on hand 13 − reserved 4 = 9 free" in page
    assert "order 55-1 of shop took 2, and its source does not count it yet" in page
    assert "Orders not counted yet" in page
    assert "Told 7, and confirmed" in page
    russian = anna.get("/explain?sku=A-1", accept_language="ru").text
    assert "в наличии 13 − в резерве 4 = свободно 9" in russian


def test_what_nobody_knows_is_not_found(site: kit.Site) -> None:
    fill(site)
    anna = site.logged_in("anna")
    assert anna.get("/explain?sku=%3Cscript%3E").status_code == 404
    assert anna.get("/explain").status_code == 404


def test_a_button_asks_the_channels_what_they_show_now(site: kit.Site) -> None:
    fill(site)
    assert "Ask the channels" not in site.logged_in("oleg").get("/explain?sku=A-1").text
    anna = site.logged_in("anna")
    assert "Ask the channels what they show now" in anna.get("/explain?sku=A-1").text
    assert anna.send("/explain", {"sku": "A-1"}).headers["location"] == "/explain?sku=A-1"
    ended(site.app.state.jobs, "show", "A-1")
    page = anna.get("/explain?sku=A-1").text
    assert "The channels were asked" in page
    assert "What it shows now is not known" in page
