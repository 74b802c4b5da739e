"""The page as a person meets it, in a real browser: a morning on which something went wrong, and how it is mended."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from obmen.state import deeds
from tests.e2e.web.shop import PASSWORD, Shop

Visit = Callable[..., Page]
Picture = Callable[[Page, str], Path]
_RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}


def log_in(page: Page, user: str = "anna") -> None:
    page.goto("/")
    page.get_by_label("Name").fill(user)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def accessible(page: Page) -> None:
    """Fail if axe finds anything that keeps somebody from using the page."""
    found = Axe().run(page, options=_RULES).response["violations"]
    told = [f"{one['id']}: {node['html'][:200]} ({node['failureSummary']})" for one in found for node in one["nodes"]]
    assert told == []


def wide(page: Page) -> int:
    """By how much the page is wider than its window, or what it tells than its own frame."""
    frame = "document.querySelector('main')"
    more = f"document.documentElement.scrollWidth - innerWidth, {frame}.scrollWidth - {frame}.clientWidth"
    return int(page.evaluate(f"Math.max({more})"))


@pytest.fixture(params=[True, False], ids=["script", "plain"])
def script(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_a_failing_flow_is_seen_replayed_released_and_clears(
    shop: Shop, visit: Visit, picture: Picture, script: bool
) -> None:
    shop.bad_morning()
    name = "script" if script else "plain"
    page = visit(shop, script=script)
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    log_in(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("2 flows need you")
    expect(page.get_by_role("row", name=re.compile("orders"))).to_contain_text("The last run failed")
    picture(page, f"overview-{name}")

    page.get_by_role("navigation").get_by_role("link", name="Set aside").click()
    expect(page.get_by_role("article")).to_contain_text("The price is out of what the category allows")
    page.get_by_role("link", name="Look at the newest").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("A-2")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("status").first).to_contain_text("tried again")
    _until(page, lambda: badge(page, "settled"), script=script)
    assert shop.price("A-2") == 1800
    if script:
        expect(page.locator("#announce")).to_have_text("settled")

    page.goto("/flows/prices")
    expect(page.get_by_role("article")).to_contain_text("the price would move by -90%")
    picture(page, f"flow-held-{name}")
    page.get_by_role("button", name="Release 1 change").click()
    if script:
        expect(page).to_have_url(re.compile("/flows/prices$"))  # the browser itself asks for the reason
    page.get_by_label("Why").first.fill("the last ones of the season")
    page.get_by_role("button", name="Release 1 change").click()
    _until(page, lambda: badge(page, "In agreement"), script=script)
    assert shop.price("A-3") == 199

    page.goto("/deeds")
    expect(page.get_by_role("row", name=re.compile("released"))).to_contain_text("the last ones of the season")
    with shop.ledger.read() as tx:
        assert [deed.what for deed in deeds.recent(tx, 10)] == ["release", "replay", "login"]
    assert problems == []


def _until(page: Page, seen: Callable[[], bool], *, script: bool) -> None:
    """Wait: with JavaScript the page refreshes itself, without it the person asks for it again."""
    for _ in range(150):
        if seen():
            return
        page.wait_for_timeout(200)
        if not script:
            page.goto(page.url)
    raise AssertionError(page.content())


def badge(page: Page, words: str) -> bool:
    return page.locator("#live .badge", has_text=words).count() > 0


def test_a_plan_is_made_by_a_button_and_shows_the_difference(morning: Shop, visit: Visit, picture: Picture) -> None:
    page = visit(morning)
    log_in(page)
    page.goto("/flows/prices")
    page.get_by_role("button", name="Make a plan").click()
    expect(page.get_by_text("1 change")).to_be_visible()
    row = page.get_by_role("row", name=re.compile("A-3"))
    expect(row).to_contain_text("1990")
    expect(row).to_contain_text("199")
    expect(row).to_contain_text("held")
    assert morning.price("A-3") == 1990, "nothing was written"
    picture(page, "plan")


@pytest.mark.parametrize("phone", [True, False], ids=["phone-light", "desk-dark"])
def test_every_page_is_accessible_and_as_wide_as_its_window(
    morning: Shop, visit: Visit, picture: Picture, phone: bool
) -> None:
    page = visit(morning, phone=phone, dark=not phone)
    page.goto("/login")
    accessible(page)
    log_in(page)
    for path in ADDRESSES if phone else COLOURFUL:
        page.goto(path)
        accessible(page)
        assert wide(page) <= 0, path
        name = path.strip("/").replace("/", "-").replace("?q=", "-") or "overview"
        picture(page, f"{'phone' if phone else 'desk'}-{name}")


ADDRESSES = (
    "/",
    "/flows/prices",
    "/flows/prices/changes",
    "/flows/prices/plan",
    "/runs/2",
    "/quarantine",
    "/quarantine/1",
    "/search?q=A-1",
    "/connections",
    "/reports/orders",
    "/deeds",
    "/nowhere",
)
COLOURFUL = ("/", "/flows/prices", "/quarantine", "/reports/orders")


def test_the_keyboard_reaches_everything_and_russian_is_one_press_away(
    morning: Shop, visit: Visit, picture: Picture
) -> None:
    page = visit(morning)
    log_in(page)
    expect(page.get_by_role("heading", level=1)).to_contain_text("need")
    page.bring_to_front()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.get_by_role("button", name="Русский").click()
    expect(page.locator("html")).to_have_attribute("lang", "ru")
    expect(page.get_by_role("link", name="Отложено").first).to_be_visible()
    for width in (1280, 1130, 1110, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert wide(page) <= 0, width
    picture(page, "russian")
