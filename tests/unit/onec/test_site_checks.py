"""What can be told of an exchange before a run, and what the connection reads of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from connectors.onec.options import OneCOptions
from connectors.onec.site import door as site_door
from connectors.onec.site.door import SiteDoor
from connectors.onec.site.pictures import URLS
from obmen.testing.clock import FakeClock
from tests.unit.onec.commerceml_kit import catalogue, document, good, natives
from tests.unit.onec.site_kit import an_order, options, pusher, write


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def findings(door: SiteDoor) -> list[tuple[str, str]]:
    return [(finding.level, finding.message) for finding in door.check()]


def pushed(door: SiteDoor, *ids: str, changes: str = "false", picture: str = "") -> None:
    endpoint = door.endpoint()
    shown = f"<Картинка>{picture}</Картинка>" if picture else ""
    files = {"import0_1.xml": document(catalogue(*(good(id_, extra=shown) for id_ in ids), changes=changes)).encode()}
    pusher(endpoint).push(files | ({picture: b"\xff\xd8"} if picture else {}))
    endpoint.close()


def test_an_exchange_that_never_took_place(tmp_path: Path, clock: FakeClock) -> None:
    door = SiteDoor(tmp_path / "exchange", options(), clock)
    ((level, message), waiting) = findings(door)
    assert level == "warning"
    assert "pushed nothing" in message
    assert waiting == ("ok", "Orders that wait for 1C to fetch them: 0.")
    for read in (door.products, door.prices, door.stocks):
        (page,) = read()
        assert page.partial, "nothing is taken for gone"
        assert not page.slices
    assert not [path for path in tmp_path.rglob("*") if path.suffix != ".db" and path.is_file()], "nor is a list made"


def test_orders_that_wait_for_long(tmp_path: Path, clock: FakeClock) -> None:
    door = SiteDoor(tmp_path / "exchange", options(), clock)
    pushed(door, "a")
    write(door.orders, an_order("1"))
    assert findings(door) == [("ok", "Orders that wait for 1C to fetch them: 1.")]
    clock.advance(site_door.PATIENCE.total_seconds() + 1)
    ((level, message),) = findings(door)
    assert level == "warning"
    assert "the oldest since 2026-06-15 06:00 UTC" in message


def test_changes_that_pile_up(tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site_door, "MANY", 2)
    door = SiteDoor(tmp_path / "exchange", options(), clock)
    for id_ in ("a", "b", "c"):
        pushed(door, id_, changes="true")
    assert findings(door)[0][0] == "warning"
    assert "Run a full export" in findings(door)[0][1]
    pushed(door, "a")
    assert [level for level, _ in findings(door)] == ["ok"]


@pytest.mark.parametrize("public_url", [None, "https://shop.example/ut/"])
def test_pictures_have_addresses_where_there_is_a_public_one(
    tmp_path: Path, clock: FakeClock, public_url: str | None
) -> None:
    door = SiteDoor(tmp_path / "exchange", options(public_url=public_url), clock)
    pushed(door, "a", picture="import_files/1.jpg")
    (native,) = natives(door.products())
    assert native["Картинка"] == ["import_files/1.jpg"], "what 1C wrote stays as it is"
    found = native.get(URLS, [])
    assert [address.partition("?")[0] for address in found] == (
        ["https://shop.example/ut/files/import_files/1.jpg"] if public_url else []
    )


def test_an_exchange_needs_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="exchange needs commerceml"):
        OneCOptions(exchange=options())
    (tmp_path / "import.xml").write_text("")
    with pytest.raises(ValidationError, match="exchange needs commerceml"):
        OneCOptions(exchange=options(), commerceml=tmp_path / "import.xml")
    assert OneCOptions(exchange=options(), commerceml=tmp_path).exchange is not None
