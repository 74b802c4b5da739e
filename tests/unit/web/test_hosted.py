"""The page as the service hosts it: beside other addresses, over a service instead of a view."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from obmen.testing.clock import FakeClock
from runner.daemon import pulse as pulses
from runner.daemon.pulse import Pulse
from runner.web.view import Alone
from tests.unit.web import kit


def test_it_is_found_under_its_own_addresses_when_others_stand_before_it(site: kit.Site) -> None:
    health = Route("/healthz", lambda _: PlainTextResponse("well"))
    hosted = Starlette(routes=[health, Mount("/", site.app)])
    with TestClient(hosted, base_url=site.host, client=("127.0.0.1", 1), follow_redirects=False) as client:
        browser = kit.Browser(client)
        assert client.get("/healthz").text == "well"
        form = {"user": "anna", "password": kit.PASSWORD}
        assert browser.send("/login", form, on="/login").headers["location"] == "/"
        assert 'href="/flows/prices"' in client.get("/").text
        assert client.get("/static/page.css").status_code == 200
        assert client.get("/nowhere").status_code == 404


def test_from_another_process_the_service_is_what_its_pulse_says(site: kit.Site, clock: FakeClock) -> None:
    view = Alone(site.view.project, site.ledger)
    assert view.pulse() is None
    now = clock.now().timestamp()
    pulses.save(site.ledger, Pulse(now, now, "here:1"))
    assert view.pulse() is not None
    clock.advance(2 * pulses.FRESH)
    assert view.pulse() is None, "a service that does not renew its pulse is gone"
