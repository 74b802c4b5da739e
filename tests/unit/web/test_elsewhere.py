"""What other processes know is on the page: what runs where, which key is refused, and that the clocks differ."""

from __future__ import annotations

from obmen.state import failing
from obmen.testing.clock import FakeClock
from runner.daemon.pulse import LaneNow, Pulse
from tests.unit.web import kit

WORDS = "shop: GET /x: status 401: who are you. Check the key."


def test_what_runs_on_another_machine_is_shown_with_its_place(site: kit.Site, clock: FakeClock) -> None:
    now = clock.now().timestamp()
    lane = LaneNow("ut", "urgent", "reading prices", "prices", 3.0, where="second:4711")
    site.view.beat = Pulse(now - 60, now, "here:1", (lane,), clock="This machine is late.")
    anna = site.logged_in("anna")
    for path in ("/", "/connections"):
        assert "second:4711" in anna.get(path).text
    assert "Nothing is taken on: the clocks differ. This machine is late." in anna.get("/").text


def test_a_key_that_is_refused_is_told_until_its_flow_works(site: kit.Site, clock: FakeClock) -> None:
    anna = site.logged_in("anna")
    with site.ledger.write() as tx:
        failing.failed(tx, "prices", "shop", WORDS, denied=True)
    assert "Refuses its key" in anna.get("/connections").text
    assert "who are you" in anna.get("/connections").text
    clock.advance(60)
    with site.ledger.write() as tx:
        failing.worked(tx, "prices", "shop")
    assert "Refuses its key" not in anna.get("/connections").text
