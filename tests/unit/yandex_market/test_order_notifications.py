"""Market's notifications: whoever may send them is heard, what they say is a hint, and nothing of it is believed."""

import io
import threading
from collections import Counter
from contextlib import contextmanager

import msgspec
import pytest

import obmen
from connectors.yandex_market.notifications import LARGEST
from obmen.endpoint import Request
from obmen.errors import StateError
from runner import serve
from tests.unit.yandex_market.order_kit import DBS, SHOPS, sell

SECRET = "a-secret-part-of-the-address"
PATH = f"/{SECRET}/notification"
YANDEX, STRANGER = "5.45.207.17", "203.0.113.5"


@pytest.fixture
def market(make_sandbox):
    made = make_sandbox(shops=list(SHOPS))
    sell(made, A_1="100")
    return made


@pytest.fixture
def heard():
    return Counter()


@pytest.fixture
def listening(connect, market, heard):
    ym = connect(market, notifications={"path": SECRET})
    ym.tell = lambda ids: heard.update((entity, id_) for entity, several in ids.items() for id_ in several)
    return ym.endpoint()


class Cut(io.BytesIO):
    def read(self, *_):
        raise OSError("gone")


def call(endpoint, body, *, path=PATH, client=YANDEX, method="POST"):
    raw = body if isinstance(body, io.IOBase) else io.BytesIO(body if isinstance(body, bytes) else encoded(body))
    answer = endpoint.handle(Request(method, path, {}, {}, raw, client))
    told = msgspec.json.decode(answer.body) if answer.content_type == "application/json" else None
    return answer.status, told


def encoded(body):
    return msgspec.json.encode(body)


def note(kind, **more):
    return {"notificationType": kind, "campaignId": 2001, "orderId": 7, **more}


def test_without_the_option_there_is_no_address(ym):
    assert ym.endpoint() is None


def test_a_ping_is_answered_with_who_answers_and_when(listening, clock, heard):
    status, told = call(listening, {"notificationType": "PING", "time": "2026-06-15T06:00:00Z"})
    assert status == 200
    assert told == {"version": obmen.__version__, "name": "Obmen", "time": "2026-06-15T06:00:00.000Z"}
    assert heard == {}


@pytest.mark.parametrize(
    ("kind", "more", "expected"),
    [
        ("ORDER_CREATED", {"items": []}, ["order", "order_status"]),
        ("ORDER_STATUS_UPDATED", {"status": "НОВЫЙ", "substatus": "?"}, ["order", "order_status"]),
        ("ORDER_CANCELLED", {}, ["order", "order_status"]),
        ("ORDER_UPDATED", {}, ["order", "order_status"]),
        ("ORDER_CANCELLATION_REQUEST", {}, ["order", "order_status"]),
        ("ORDER_RETURN_CREATED", {"returnId": 8}, ["return"]),
        ("ORDER_RETURN_STATUS_UPDATED", {"returnId": 8}, ["return"]),
        ("GOODS_FEEDBACK_CREATED", {"feedbackId": 1}, []),
        ("CHAT_MESSAGE_SENT", {"chatId": 1}, []),
        ("SOMETHING_NEW", {}, []),
    ],
)
def test_each_kind_tells_which_records_to_read(listening, heard, kind, more, expected):
    assert call(listening, note(kind, **more))[0] == 200
    assert sorted({entity for entity, _ in heard}) == expected
    assert {id_ for entity, id_ in heard if entity == "return"} <= {"7|8"}


def test_notes_of_shops_that_are_not_ours_are_of_no_interest(listening, heard):
    assert call(listening, {**note("ORDER_CREATED"), "campaignId": 4444})[0] == 200
    assert heard == {}


@pytest.mark.parametrize(
    ("path", "client"),
    [
        (PATH, STRANGER),
        (PATH, ""),
        (PATH, "не адрес"),
        ("/notification", YANDEX),
        (f"/{SECRET}", YANDEX),
        (f"/{SECRET}x/notification", YANDEX),
        ("/\udcff/notification", YANDEX),
    ],
)
def test_whoever_does_not_know_the_secret_or_is_not_market_finds_nothing(listening, heard, path, client):
    assert call(listening, note("ORDER_CREATED"), path=path, client=client) == (404, None)
    assert heard == {}


@pytest.mark.parametrize("client", ["127.0.0.1", "::1", "141.8.142.100", "5.255.253.1"])
def test_market_and_a_web_server_before_us_are_let_in(listening, client):
    assert call(listening, note("ORDER_CREATED"), client=client)[0] == 200


def test_other_networks_may_be_named(connect, market):
    ym = connect(market, notifications={"path": SECRET, "networks": ["203.0.113.0/24"]})
    assert call(ym.endpoint(), note("PING"), client=STRANGER)[0] == 200
    assert call(ym.endpoint(), note("PING"), client=YANDEX)[0] == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"\xff\xfe",
        b'{"orderId": 7}',
        b'{"notificationType": "ORDER_CREATED", "orderId": "7"}',
        b" " * (LARGEST + 1),
        Cut(),
    ],
)
def test_what_is_no_notification_is_refused_in_markets_own_shape(listening, heard, body):
    status, told = call(listening, body)
    assert (status, told["error"]["type"]) == (400, "WRONG_EVENT_FORMAT")
    assert heard == {}


def test_only_posts_are_answered(listening):
    assert call(listening, b"", method="GET")[0] == 405


@pytest.mark.parametrize("path", ["short", "with/a/slash/in-the-middle", "пробел и кириллица ?"])
def test_a_secret_that_is_no_part_of_an_address_is_refused(connect, market, path):
    with pytest.raises(ValueError, match="path"):
        connect(market, notifications={"path": path})


def test_the_secret_is_seen_nowhere(connect, market):
    assert SECRET not in repr(connect(market, notifications={"path": SECRET}).options)


def test_doubled_and_shuffled_notifications_tell_the_same_records(market, listening, heard):
    placed = [market.place_order({"A-1": 1}, campaign=shop.id) for shop in SHOPS]
    market.deliver(placed[2])
    market.cancel_by_buyer(placed[1])
    back = market.give_back(placed[2], {"A-1": 1})
    market.move_return(back, goods="IN_TRANSIT")
    with serve.listening("127.0.0.1", 0) as (listener, port), running(serve.application({"ym": listening}), listener):
        address = f"http://127.0.0.1:{port}/ym/{SECRET}"
        assert market.ping(address) == 200
        assert market.ping(f"http://127.0.0.1:{port}/ym/wrong") == 404
        answers = market.send_all(address, doubled=True, shuffled=True)
    assert set(answers) == {200}
    assert len(answers) > 12
    assert {id_ for entity, id_ in heard if entity == "order"} == set(placed)
    assert {id_ for entity, id_ in heard if entity == "return"} == {f"{placed[2]}|{back}"}
    assert market.orders[int(placed[2])].campaign == DBS


@contextmanager
def running(application, listener):
    server = serve.web_server(application)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


def test_what_cannot_be_kept_is_said_to_market_again_later(connect, market):
    ym = connect(market, notifications={"path": SECRET})

    def locked(_ids):
        raise StateError("the database is locked")

    ym.tell = locked
    status, told = call(ym.endpoint(), note("ORDER_CREATED"))
    assert (status, told["error"]["type"]) == (500, "UNKNOWN")
