"""What is repeated, how long is waited, and when it is left to the engine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from obmen.errors import Denied, InDoubt, Later, Refused, Unavailable
from obmen.http import Http, Reply, Retry, pause
from obmen.testing.clock import FakeClock

from .conftest import Peer, answer

Make = Callable[..., Peer]
Connect = Callable[..., Http]


@pytest.mark.field("I1")
def test_i1_delays_grow_and_their_jitter_is_bounded(peer: Make, http: Connect, clock: FakeClock) -> None:
    shop = peer(answer(status=503))
    habits = Retry(attempts=6, patience=1000, first_delay=1.0, longest_delay=100.0)
    with pytest.raises(Unavailable, match="status 503"):
        http(shop.url, retry=habits).get("/list")
    assert len(shop.requests) == 6
    assert len(clock.sleeps) == 5
    for attempt, delay in enumerate(clock.sleeps):
        assert 2**attempt <= delay <= 2**attempt * (1 + pause.JITTER)
    assert clock.sleeps == sorted(clock.sleeps)


@pytest.mark.field("I1")
def test_i1_no_delay_is_above_the_longest() -> None:
    for attempt in (1, 5, 50, 5000):
        for _ in range(200):
            assert 0 < pause.growing(attempt, 0.5, 20.0) <= 20.0


@pytest.mark.field("I1")
def test_i1_clients_that_failed_together_do_not_return_together() -> None:
    assert len({pause.growing(3, 0.5, 20.0) for _ in range(50)}) > 40


@pytest.mark.field("I1")
@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("2.5", 2.5), ("  9 ", 9.0)],
)
def test_i1_retry_after_in_seconds_is_obeyed(
    peer: Make, http: Connect, clock: FakeClock, header: str, seconds: float
) -> None:
    shop = peer(answer(status=429, Retry_After=header), answer(b'{"ok": true}'))
    assert http(shop.url).post("/create", json={})["ok"] is True
    assert sum(clock.sleeps) == pytest.approx(seconds)


@pytest.mark.field("I1")
def test_i1_retry_after_as_a_date_is_measured_by_the_peers_own_clock(
    peer: Make, http: Connect, clock: FakeClock
) -> None:
    theirs = datetime(2031, 1, 1, 12, 0, 0, tzinfo=UTC)  # years away from ours
    until = format_datetime(theirs.replace(second=11), usegmt=True)
    limited = answer(status=429, Retry_After=until, Date=format_datetime(theirs, usegmt=True))
    shop = peer(limited, answer())
    http(shop.url).get("/list")
    assert sum(clock.sleeps) == pytest.approx(11.0)


@pytest.mark.field("I1")
def test_i1_retry_after_as_a_date_without_the_peers_clock_is_measured_by_ours(clock: FakeClock) -> None:
    header = format_datetime(clock.now().replace(second=30), usegmt=True)
    assert pause.asked({"Retry-After": header}, {"Retry-After": 1.0}, clock.now()) == 30.0


@pytest.mark.field("I1")
def test_i1_a_vendors_own_header_in_minutes_is_obeyed(peer: Make, http: Connect, clock: FakeClock) -> None:
    habits = Retry(patience=600, after_headers={"Retry-After": 1.0, "Item-Retry-After": 60.0})
    shop = peer(answer(status=429, Retry_After="3", Item_Retry_After="2"), answer())
    http(shop.url, retry=habits).get("/list")
    assert sum(clock.sleeps) == pytest.approx(120.0)


@pytest.mark.parametrize("header", ["nan", "inf", "-5", "soon", "Mon, 99 Foo", ""])
def test_a_retry_after_that_makes_no_sense_leaves_the_delay_to_us(
    peer: Make, http: Connect, clock: FakeClock, header: str
) -> None:
    shop = peer(answer(status=429, Retry_After=header), answer())
    http(shop.url).get("/list")
    assert 0.5 <= sum(clock.sleeps) <= 0.5 * (1 + pause.JITTER)


def test_retry_after_zero_does_not_hammer(peer: Make, http: Connect, clock: FakeClock) -> None:
    shop = peer(answer(status=429, Retry_After="0"), answer())
    http(shop.url).get("/list")
    assert sum(clock.sleeps) >= 0.5


def test_a_wait_beyond_the_patience_is_left_to_the_engine_at_once(peer: Make, http: Connect, clock: FakeClock) -> None:
    shop = peer(answer(status=429, Retry_After="3600"))
    session = http(shop.url)
    with pytest.raises(Unavailable) as caught:
        session.post("/create", json={})
    assert caught.value.after == 3600.0
    assert clock.sleeps == []
    clock.advance(600)
    with pytest.raises(Unavailable, match=r"shop: .* for 3000 s") as blocked:
        session.post("/create", json={})
    assert blocked.value.after == pytest.approx(3000.0)
    assert len(shop.requests) == 1


def test_patience_bounds_all_repeats_of_a_call_together(peer: Make, http: Connect, clock: FakeClock) -> None:
    shop = peer(answer(status=503))
    habits = Retry(attempts=1000, patience=30.0, first_delay=1.0, longest_delay=8.0)
    with pytest.raises(Unavailable):
        http(shop.url, retry=habits).get("/list")
    assert 10.0 < sum(clock.sleeps) <= 30.0


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 599, 408])
def test_a_write_that_may_have_had_its_effect_is_never_repeated(
    peer: Make, http: Connect, clock: FakeClock, status: int
) -> None:
    shop = peer(answer(status=status, Retry_After="1"))
    with pytest.raises(InDoubt, match=f"status {status}"):
        http(shop.url).post("/create", json={"n": 1})
    assert len(shop.requests) == 1
    assert clock.sleeps == []


def test_a_write_that_the_peer_says_it_did_not_take_is_repeated(peer: Make, http: Connect) -> None:
    shop = peer(answer(status=420), answer(status=429), answer(b'{"id": 7}'))
    assert http(shop.url, retry=Retry(attempts=3)).post("/create", json={})["id"] == 7


def test_a_safe_write_is_repeated_after_any_failure(peer: Make, http: Connect) -> None:
    shop = peer(answer(status=500), answer(b"<html>", Content_Type="text/html"), answer(b'{"ok": 1}'))
    assert http(shop.url, retry=Retry(attempts=3)).post("/prices", json={}, safe=True)["ok"] == 1


@pytest.mark.parametrize(
    ("status", "error"), [(400, Refused), (404, Refused), (422, Refused), (401, Denied), (403, Denied)]
)
def test_a_clear_refusal_is_not_repeated(peer: Make, http: Connect, status: int, error: type[Exception]) -> None:
    shop = peer(answer(b'{"message": "no such thing"}', status=status))
    with pytest.raises(error, match="no such thing"):
        http(shop.url).get("/list")
    assert len(shop.requests) == 1


def test_the_code_of_a_refusal_is_its_status(peer: Make, http: Connect) -> None:
    with pytest.raises(Refused) as caught:
        http(peer(answer(status=409)).url).get("/x")
    assert caught.value.code == "409"


class TestExplain:
    """A connector may read the vendor's words before the status decides."""

    def test_words_that_ask_for_a_pause_are_obeyed(self, peer: Make, http: Connect, clock: FakeClock) -> None:
        def explain(reply: Reply) -> Unavailable | None:
            return Unavailable("queue is full", after=4.0) if reply.get("error") == "queue" else None

        shop = peer(answer(b'{"error": "queue"}', status=400), answer())
        http(shop.url, explain=explain).post("/create", json={})
        assert sum(clock.sleeps) == pytest.approx(4.0)

    def test_words_that_refuse_win_over_a_status_that_would_repeat(self, peer: Make, http: Connect) -> None:
        shop = peer(answer(b'{"code": "bad"}', status=500))
        with pytest.raises(Refused, match="bad thing"):
            http(shop.url, explain=lambda reply: Refused("bad thing", code=reply["code"])).get("/x")
        assert len(shop.requests) == 1

    def test_words_in_a_good_status_count_too(self, peer: Make, http: Connect) -> None:
        shop = peer(answer(b'{"result": null, "error": "wait"}'))
        with pytest.raises(Later):
            http(shop.url, explain=lambda _reply: Later("later", after=9)).get("/x")

    def test_words_that_leave_the_effect_unknown_are_in_doubt_for_a_write_and_repeated_for_a_read(
        self, peer: Make, http: Connect
    ) -> None:
        shop = peer(answer(b'{"error": "?"}'))
        session = http(shop.url, explain=lambda _reply: InDoubt("who knows"))
        with pytest.raises(InDoubt, match=r"^who knows, so its effect is unknown"):
            session.post("/create", json={})
        assert len(shop.requests) == 1
        with pytest.raises(Unavailable):
            session.get("/list")
        assert len(shop.requests) == 3

    def test_a_page_of_html_does_not_confuse_it(self, peer: Make, http: Connect) -> None:
        shop = peer(answer(b"<html>Bad gateway</html>", status=502, Content_Type="text/html"))
        with pytest.raises(Unavailable, match="an HTML page: Bad gateway"):
            http(shop.url, explain=lambda reply: reply["error"]).get("/list")

    def test_its_words_are_masked_too(self, peer: Make, http: Connect) -> None:
        session = http(
            peer(answer(status=400)).url,
            secrets=("s3cr3t-value",),
            explain=lambda _reply: Refused("s3cr3t-value of ivan@example.org", code="x"),
        )
        with pytest.raises(Refused) as caught:
            session.get("/x")
        assert str(caught.value) == "••• of •••"
        assert caught.value.code == "x"
