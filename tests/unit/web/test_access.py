"""Who gets in and who may do what: the server decides, whatever the page shows."""

from __future__ import annotations

from collections.abc import Callable

import httpx2
import pytest

from obmen.project.service import Address, UserModel
from obmen.state import deeds, outbox, restore, wishes
from obmen.testing.clock import FakeClock
from runner.web import attempts, passwords
from runner.web.routes import ROUTES
from tests.unit.web import kit

NewSite = Callable[..., kit.Site]
PATHS = {"flow": "prices", "run": "1", "id": "1", "connection": "shop", "report": "orders"}
POSTS = [path.format(**PATHS) for path, method, _, needs in ROUTES if method == "POST" and needs == "operate"]
PAGES = [path.format(**PATHS) for path, method, _, needs in ROUTES if method == "GET" and needs == "look"]
RIGHT = {"user": "anna", "password": kit.PASSWORD}
FORM = {"reason": "why not", "newest": "9", "flow": "prices", "connection": "shop", "entity": "price"}


def filled(site: kit.Site) -> None:
    kit.decide(site.ledger, "A-1", hold="too much")
    kit.set_aside(site.ledger, kit.refused("A-1"))


@pytest.mark.parametrize("path", PAGES)
def test_a_stranger_sees_no_page(site: kit.Site, path: str) -> None:
    answer = site.browser().get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")


@pytest.mark.parametrize("path", POSTS)
def test_who_may_only_look_does_nothing(site: kit.Site, path: str) -> None:
    filled(site)
    answer = site.logged_in("oleg").send(path, FORM)
    assert answer.status_code == 403
    with site.ledger.read() as tx:
        assert wishes.waiting(tx) == []
        assert outbox.counts(tx, "prices") == {"held": 1}
        assert [deed.what for deed in deeds.recent(tx, 9)] == ["login"]


def test_who_may_only_look_is_shown_no_form_that_does_anything(site: kit.Site) -> None:
    filled(site)
    oleg, anna = site.logged_in("oleg"), site.logged_in("anna")
    for path in PAGES:
        assert forms(oleg, path) <= {"/language", "/logout", "/search"}, path
    assert {"/flows/prices/run", "/flows/prices/release"} <= forms(anna, "/flows/prices")


def forms(browser: kit.Browser, path: str) -> set[str | None]:
    tags = kit.Shown(browser.get(path).text).tags
    return {told["action"] for tag, told in tags if tag == "form" and told["method"] == "post"}


@pytest.mark.parametrize("path", POSTS)
def test_a_stranger_does_nothing(site: kit.Site, path: str) -> None:
    filled(site)
    assert site.browser().send(path, FORM, on="/login").headers["location"].startswith("/login")
    with site.ledger.read() as tx:
        assert wishes.waiting(tx) == []


@pytest.mark.parametrize("path", [*POSTS, "/login", "/logout", "/language"])
@pytest.mark.parametrize("token", ["", "0" * 64, "another"])
def test_a_form_without_the_session_s_own_token_does_nothing(site: kit.Site, path: str, token: str) -> None:
    filled(site)
    anna, oleg = site.logged_in("anna"), site.logged_in("oleg")
    given = oleg.token() if token == "another" else token
    answer = anna.client.post(path, data={**FORM, "token": given, "user": "anna", "password": kit.PASSWORD})
    assert answer.status_code == 403
    with site.ledger.read() as tx:
        assert wishes.waiting(tx) == []
        assert outbox.counts(tx, "prices") == {"held": 1}


def test_logging_in_and_out(site: kit.Site) -> None:
    anna = site.logged_in("anna")
    assert "operates" in anna.get("/").text
    old = dict(anna.client.cookies)
    assert anna.send("/logout").status_code == 303
    assert anna.get("/").status_code == 303
    anna.client.cookies.update(old)
    assert anna.get("/").status_code == 303, "a session that was ended opens nothing"


def test_no_restart_and_no_other_process_revives_a_session_that_was_ended(site: kit.Site, clock: FakeClock) -> None:
    anna, elsewhere = site.logged_in("anna"), site.logged_in("anna")
    beside = with_the_cookies_of(anna, site)
    assert beside.get("/").status_code == 200
    late = with_the_cookies_of(anna, site)
    clock.advance(60)
    assert anna.send("/logout").status_code == 303
    assert beside.get("/").status_code == 303, "another process knows it at once"
    assert late.get("/").status_code == 303, "nor does one that begins later"
    assert elsewhere.get("/").status_code == 200, "a session of another browser goes on"


def test_who_logged_out_after_the_copy_that_was_put_back_stays_out(site: kit.Site) -> None:
    anna = site.logged_in("anna")
    with site.ledger.write() as tx:
        restore.mark(tx, "anna", "yesterday's copy")
    assert with_the_cookies_of(anna, site).get("/").status_code == 303


def with_the_cookies_of(browser: kit.Browser, site: kit.Site) -> kit.Browser:
    """The same browser, after the page was started anew on its state."""
    another = kit.Site(site.view).browser()
    site.clients.append(another.client)
    another.client.cookies.update(browser.client.cookies)
    return another


def test_a_session_from_before_the_login_is_not_the_one_after_it(site: kit.Site) -> None:
    browser = site.browser()
    browser.get("/login")
    before = browser.client.cookies["obmen_session"]
    browser.send("/login", {"user": "anna", "password": kit.PASSWORD}, on="/login")
    after = browser.client.cookies["obmen_session"]
    assert before != after
    browser.client.cookies.clear()
    browser.client.cookies.set("obmen_session", before)
    assert browser.get("/").status_code == 303


@pytest.mark.parametrize("change", ["password", "role", "gone"])
def test_a_session_ends_with_its_password_and_role(site: kit.Site, change: str) -> None:
    anna = site.logged_in("anna")
    users = dict(kit.USERS)
    if change == "gone":
        del users["anna"]
    else:
        changed = {"password": kit.QUICK.hash("another one"), "role": "look"}
        users["anna"] = UserModel.model_validate({**kit.USERS["anna"].model_dump(), change: changed[change]})
    site.view.page(users=users)
    assert anna.get("/").status_code == 303


def test_a_session_ends_after_twelve_idle_hours_and_what_refreshes_itself_keeps_none_alive(
    site: kit.Site, clock: FakeClock
) -> None:
    busy, idle = site.logged_in("anna"), site.logged_in("anna")
    for _ in range(3):
        clock.advance(5 * 3600)
        assert busy.get("/").status_code == 200
        idle.get("/?part=live")
    assert idle.get("/?part=live").status_code == 303


def test_who_comes_back_after_the_end_of_a_session_logs_in_again(site: kit.Site, clock: FakeClock) -> None:
    anna = site.logged_in("anna")
    clock.advance(13 * 3600)
    assert anna.get("/").headers["location"] == "/login"
    assert anna.send("/login", {"user": "anna", "password": kit.PASSWORD}, on="/login").status_code == 303
    assert anna.get("/").status_code == 200


@pytest.mark.parametrize("spoil", ["forged", "cut", "empty", "word"])
def test_a_cookie_that_was_changed_opens_nothing(site: kit.Site, spoil: str) -> None:
    anna = site.logged_in("anna")
    kept = anna.client.cookies["obmen_session"]
    body, _, signature = kept.rpartition(".")
    forged = {"forged": f"{body[:-4]}AAAA.{signature}", "cut": kept[:-1], "empty": ".", "word": "é"}[spoil]
    anna.client.cookies.clear()
    answer = anna.client.get("/", headers={"cookie": f"obmen_session={forged}".encode()})
    assert answer.status_code == 303


def test_the_secret_is_the_state_s_so_sessions_outlive_the_process(site: kit.Site) -> None:
    anna = site.logged_in("anna")
    assert with_the_cookies_of(anna, site).get("/").status_code == 200


def test_cookies_are_kept_from_scripts_other_sites_and_plain_http(new_site: NewSite) -> None:
    open_ = new_site().browser().get("/login").headers["set-cookie"].lower()
    assert {"httponly", "samesite=lax", "path=/"} <= set(open_.split("; "))
    secure = new_site(secure=True).browser().get("/login").headers["set-cookie"].lower()
    assert secure.startswith("__host-obmen=")
    assert "secure" in secure.split("; ")


def test_guessing_is_ended_by_address_and_by_user(site: kit.Site, clock: FakeClock) -> None:
    guesser = site.browser()
    codes = [guess(guesser, "anna").status_code for _ in range(attempts.PER_ADDRESS + 1)]
    assert codes == [401] * attempts.PER_ADDRESS + [429]
    assert int(guess(guesser, "anna").headers["retry-after"]) > 0
    right = guesser.send("/login", {"user": "anna", "password": kit.PASSWORD}, on="/login")
    assert right.status_code == 429, "even the right one waits"
    others = [site.browser(f"10.0.0.{number}") for number in range(1, attempts.PER_USER)]
    site.host = "http://127.0.0.1"
    assert 429 in [guess(other, "anna").status_code for other in others], "one user, many addresses"
    clock.advance(attempts.WINDOW)
    assert site.logged_in("anna").get("/").status_code == 200


def test_strangers_who_guess_keep_nobody_out_of_where_they_have_logged_in(site: kit.Site, clock: FakeClock) -> None:
    assert site.browser("10.1.0.1").send("/login", RIGHT, on="/login").status_code == 303
    for number in range(1, attempts.PER_USER + 1):
        guess(site.browser(f"10.0.0.{number}"), "anna")
    assert guess(site.browser("10.2.0.1"), "anna").status_code == 429, "a stranger has to wait"
    for _ in range(3):
        assert site.browser("10.1.0.1").send("/login", RIGHT, on="/login").status_code == 303
    assert guess(site.browser("10.2.0.1"), "anna").status_code == 429, "that she got in lets nobody guess on"
    codes = [guess(site.browser("10.1.0.1"), "anna").status_code for _ in range(attempts.PER_ADDRESS + 1)]
    assert codes[-1] == 429, "her own address has its bound too"


def test_one_address_alone_uses_up_no_user_s_attempts(site: kit.Site) -> None:
    guesser = site.browser("10.0.0.1")
    for _ in range(attempts.PER_ADDRESS + attempts.PER_USER):
        guess(guesser, "anna")
    assert site.browser("10.0.0.2").send("/login", RIGHT, on="/login").status_code == 303


def test_behind_a_web_server_one_guesser_does_not_keep_others_out(site: kit.Site) -> None:
    guesser = site.browser(x_forwarded_for="203.0.113.9")
    for _ in range(attempts.PER_ADDRESS + 1):
        guess(guesser, "anna")
    other = site.browser(x_forwarded_for="203.0.113.9, 198.51.100.4")
    assert other.send("/login", {"user": "anna", "password": kit.PASSWORD}, on="/login").status_code == 303


def guess(browser: kit.Browser, user: str) -> httpx2.Response:
    return browser.send("/login", {"user": user, "password": "wrong"}, on="/login")


def test_a_flood_of_names_takes_no_memory(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "MOST_KNOWN", 50)
    counted = attempts.Attempts(clock)
    for number in range(1000):
        counted.wait(f"10.0.{number // 250}.{number % 250}", f"user {number}" * 100)
        counted.succeeded(f"10.0.{number // 250}.{number % 250}", f"user {number}" * 100)
    assert max(len(counted._known), len(counted._at_home)) == 50


def test_an_unknown_user_costs_as_much_as_a_wrong_password(monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[str] = []
    monkeypatch.setattr(passwords, "_hasher", type("", (), {"verify": lambda _, kept, __: verified.append(kept)})())
    assert passwords.fits("kept", "p")
    assert not passwords.fits(None, "p")
    assert verified == ["kept", passwords._nobody]


# -- without users, and behind another web server ----------------------------------------------------------


def test_without_users_this_machine_looks_and_nobody_operates(new_site: NewSite) -> None:
    site = new_site(users={})
    here = site.browser()
    assert here.get("/").status_code == 200
    assert here.send("/flows/prices/run").status_code == 403
    assert site.browser("192.168.1.7").get("/").status_code == 403
    assert "obmen page password" in site.browser("192.168.1.7").get("/").text
    relayed = here.get("/", x_forwarded_for="203.0.113.9")
    assert relayed.status_code == 403, "somebody from elsewhere, passed on by a web server of this machine"


def test_a_proxy_s_word_is_believed_from_its_own_address_alone(new_site: NewSite) -> None:
    site = new_site(users={}, proxy=kit.proxy(**{"from": ["10.0.0.1"], "operators": ["boss"]}))
    near = site.browser("10.0.0.1")
    assert "may look" in near.get("/", x_remote_user="somebody").text
    assert "operates" in near.get("/", x_remote_user="boss").text
    assert near.get("/").status_code == 403
    assert site.browser("10.0.0.2").get("/", x_remote_user="boss").status_code == 403
    assert site.browser().get("/", x_remote_user="boss").status_code == 403, "this machine is not listed"
    token = kit.token_of(near.get("/", x_remote_user="boss").text)
    asked = near.client.post("/flows/prices/run", data={"token": token}, headers={"x-remote-user": "boss"})
    assert asked.status_code == 303
    with site.ledger.read() as tx:
        assert [wish.asked_by for wish in wishes.waiting(tx)] == ["boss"]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8080", 303),
        ("localhost", 303),
        ("[::1]:8080", 303),
        ("evil.example", 421),
        ("evil.example:8080", 421),
        ("127.0.0.1.evil.example", 421),
        ("", 421),
    ],
)
def test_another_site_s_name_does_not_reach_the_page(site: kit.Site, host: str, status: int) -> None:
    assert site.browser().get("/", host=host).status_code == status


def test_names_of_the_page_are_those_of_the_project(new_site: NewSite) -> None:
    listed = new_site(hosts=("obmen.example",)).browser()
    assert [listed.get("/", host=name).status_code for name in ("obmen.example:443", "other.example")] == [303, 421]
    open_ = new_site(address=Address(host="0.0.0.0", port=80)).browser()
    assert open_.get("/", host="anything.example").status_code == 303


# -- what every answer carries ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/login", "/nowhere", "/static/page.css", "/static/page.js"])
def test_every_answer_is_protected(site: kit.Site, path: str) -> None:
    headers = site.logged_in("anna").get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert ("no-store" in headers["cache-control"]) == (not path.startswith("/static"))


def test_pages_hold_no_script_and_no_style_of_their_own(site: kit.Site) -> None:
    filled(site)
    anna = site.logged_in("anna")
    for path in PAGES:
        for tag, told in kit.Shown(anna.get(path).text).tags:
            assert "style" not in told, path
            assert not any(name.startswith("on") for name in told), path
            assert tag != "style", path
            assert tag != "script" or told["src"] == "/static/page.js", path


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example", "/\\evil.example", "/\r\nX: 1", "evil"])
def test_nobody_is_led_away_and_no_header_is_slipped_in(site: kit.Site, back: str) -> None:
    browser = site.browser()
    form = {"user": "anna", "password": kit.PASSWORD, "to": back}
    answer = browser.send("/login", form, on="/login")
    assert answer.headers["location"] == "/"
    assert "x" not in answer.headers
    assert browser.send("/language", {"language": "ru", "back": back}).headers["location"] == "/"


def test_a_form_that_is_too_large_is_refused(site: kit.Site) -> None:
    anna = site.logged_in("anna")
    assert anna.send("/flows/prices/run", {"reason": "x" * 70_000}).status_code == 413
    assert anna.client.post("/flows/prices/run", content=b"\xff\xfe=1").status_code == 413
    many = "&".join(f"a{number}=1" for number in range(100))
    assert anna.client.post("/flows/prices/run", content=many).status_code == 413
