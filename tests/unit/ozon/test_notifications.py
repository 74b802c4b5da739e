"""Ozon's calls: who is let in, what is answered, and that a hint which is wrong or doubled does no harm."""

import io
from ipaddress import ip_network

import msgspec
import pytest
from pydantic import ValidationError

from connectors.ozon.notifications import LARGEST, POSTING_KINDS
from obmen.endpoint import Request
from obmen.errors import Busy
from obmen.testing.sandbox import Response, Sandbox, route
from tests.unit.ozon.conftest import natives, sell

OZON = "195.34.21.7"
SECRET = "k3-very_secret-part"


@pytest.fixture
def heard():
    return []


@pytest.fixture
def door(connect, sandbox, heard):
    def made(**push):
        ozon = connect(sandbox, push=push)
        ozon.tell = heard.append
        return ozon.endpoint()

    return made


def call(door, body, *, method="POST", path="", client=OZON, **headers):
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = door.handle(Request(method, path, {}, names, io.BytesIO(raw), client))
    assert answer.content_type == "application/json"
    return answer.status, msgspec.json.decode(answer.body)


def test_there_is_no_door_unless_it_is_asked_for(ozon):
    assert ozon.endpoint() is None


def test_a_ping_is_answered_as_ozon_wants_it(door, heard):
    status, body = call(door(), {"message_type": "TYPE_PING", "time": "2026-06-15T06:00:00Z"})
    assert status == 200
    assert set(body) == {"version", "name", "time"}
    assert body["time"] == "2026-06-15T06:00:00.000Z"
    assert heard == []


@pytest.mark.parametrize("kind", sorted(POSTING_KINDS))
def test_each_kind_about_postings_is_passed_on(door, heard, kind):
    assert call(door(), {"message_type": kind, "posting_number": "1-1-1", "new_state": "nobody_knows"}) == (
        200,
        {"result": True},
    )
    assert heard == [{"order": ["1-1-1"], "order_status": ["1-1-1"]}]


@pytest.mark.parametrize(
    "kind",
    [
        "TYPE_STOCKS_CHANGED",
        "TYPE_CREATE_OR_UPDATE_ITEM",
        "TYPE_CREATE_ITEM",
        "TYPE_UPDATE_ITEM",
        "TYPE_NEW_MESSAGE",
        "TYPE_UPDATE_MESSAGE",
        "TYPE_MESSAGE_READ",
        "TYPE_CHAT_CLOSED",
        "TYPE_INVENTED_TOMORROW",
    ],
)
def test_what_says_nothing_of_postings_is_thanked_for(door, heard, kind):
    assert call(door(), {"message_type": kind, "items": [], "seller_id": "7"}) == (200, {"result": True})
    assert heard == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b'{"message_type": 5}', b"\xff\xfe", b"x" * (LARGEST + 1)])
def test_nonsense_is_refused_in_ozons_shape(door, heard, body):
    status, answer = call(door(), body)
    assert status == 400
    assert set(answer["error"]) == {"code", "message", "details"}
    assert heard == []


@pytest.mark.parametrize(
    ("client", "let_in"),
    [
        ("195.34.21.255", True),
        ("185.73.195.1", True),
        ("91.223.93.1", True),
        ("::ffff:91.223.93.1", True),
        ("195.34.22.1", False),
        ("127.0.0.1", False),
        ("", False),
    ],
)
def test_only_ozons_networks_are_let_in(door, client, let_in):
    assert call(door(), {"message_type": "TYPE_PING"}, client=client)[0] == (200 if let_in else 403)


@pytest.mark.parametrize(
    ("chain", "client", "let_in"),
    [
        (OZON, "10.0.0.1", True),
        (f"203.0.113.9, {OZON}", "10.0.0.1", True),
        (f"{OZON}, 203.0.113.9", "10.0.0.1", False),
        (f"{OZON}, 10.0.0.2", "10.0.0.1", True),
        (OZON, "203.0.113.9", False),
        ("nonsense", "10.0.0.1", False),
        ("", "10.0.0.1", False),
    ],
)
def test_a_caller_behind_our_own_proxy_is_known_by_what_that_says(door, chain, client, let_in):
    made = door(trusted_proxies=["10.0.0.0/8"])
    status, _ = call(made, {"message_type": "TYPE_PING"}, client=client, x_forwarded_for=chain)
    assert status == (200 if let_in else 403)


def test_a_proxy_that_nobody_named_is_not_believed(door):
    assert call(door(), {"message_type": "TYPE_PING"}, client="10.0.0.1", x_forwarded_for=OZON)[0] == 403


def test_networks_are_extended_or_given_up_by_option(door):
    ping = {"message_type": "TYPE_PING"}
    assert call(door(networks=["198.51.100.0/24"]), ping, client="198.51.100.1")[0] == 200
    assert call(door(networks=["198.51.100.0/24"]), ping)[0] == 403
    assert call(door(networks=[]), ping, client="")[0] == 200


def test_a_secret_part_of_the_address(door, connect, sandbox):
    made = door(path=SECRET)
    ping = {"message_type": "TYPE_PING"}
    assert call(made, ping, path=f"/{SECRET}")[0] == 200
    assert call(made, ping, path=f"/{SECRET}/")[0] == 200
    assert [call(made, ping, path=path)[0] for path in ("", "/", "/other", f"/{SECRET}x")] == [404] * 4
    assert call(door(), ping, path="/anything")[0] == 404
    assert SECRET not in repr(connect(sandbox, push={"path": SECRET}).options)
    for wrong in ("short", "with/slash/and-length", "пробел и длинный"):
        with pytest.raises(ValidationError):
            connect(sandbox, push={"path": wrong})


def test_other_methods_are_refused(door):
    assert call(door(), b"", method="GET")[0] == 405


def test_a_hint_that_cannot_be_kept_is_asked_for_again(connect, sandbox):
    def full(_ids):
        raise Busy("another process listens")

    ozon = connect(sandbox, push={})
    ozon.tell = full
    status, body = call(ozon.endpoint(), {"message_type": "TYPE_NEW_POSTING", "posting_number": "1-1-1"})
    assert (status, body["error"]["code"]) == (503, "ERROR_UNKNOWN")


@pytest.mark.field("A4")
def test_pushes_that_come_twice_late_and_out_of_order_lead_to_what_is_so(connect, sandbox, ozon):
    heard = []
    pushed = connect(sandbox, push={})
    pushed.tell = heard.append
    made = pushed.endpoint()
    sell(ozon, "A-1", amount=10)
    sandbox.subscribed = True
    kept, cancelled = sandbox.place_order({"A-1": 1}), sandbox.place_order({"A-1": 1})
    sandbox.hand_over(kept)
    sandbox.cancel_by_buyer(cancelled)

    def send(body):
        answer = made.handle(Request("POST", "", {}, {}, io.BytesIO(body), OZON))
        return answer.status, answer.body

    assert sandbox.deliver_to(send, copies=3, shuffled=True, keep_back=1) == 9
    told = [number for one in heard for number in one["order_status"]]
    assert set(told) <= {kept, cancelled}
    found = {native["posting_number"]: native["status"] for native in ozon.look_up("order_status", told)}
    assert found[kept] == "delivering"
    assert sandbox.deliver_to(send) == 1
    assert found == {n["posting_number"]: n["status"] for n in natives(ozon, "order_status")}


class Host(Sandbox):
    """Hosts a connection's door at /ozon, as ``obmen serve`` does."""

    door = None

    @route("POST", "/ozon.*")
    def take(self, request):
        path = request.path.removeprefix("/ozon")
        answer = self.door.handle(Request("POST", path, {}, {}, io.BytesIO(request.body), OZON))
        return Response(answer.status, body=answer.body, headers={"Content-Type": answer.content_type})


def test_the_cabinet_pings_and_pushes_over_the_wire(door, heard, sandbox, ozon):
    sell(ozon, "A-1", amount=10)
    sandbox.subscribed = True
    number = sandbox.place_order({"A-1": 1})
    with Host() as host:
        host.door = door(path=SECRET)
        wrong, right = f"{host.url}/ozon/other", f"{host.url}/ozon/{SECRET}"
        assert (sandbox.ping(wrong), sandbox.push(wrong)) == (False, 0)
        assert (sandbox.ping(right), sandbox.push(right, copies=2)) == (True, 2)
    assert heard == [{"order": [number], "order_status": [number]}] * 2


def test_what_was_not_thanked_for_is_pushed_again(sandbox, ozon):
    sell(ozon, "A-1", amount=10)
    sandbox.subscribed = True
    number = sandbox.place_order({"A-1": 1})
    assert sandbox.deliver_to(lambda _: (500, b"")) == 0
    assert sandbox.deliver_to(lambda _: (200, b'{"result": false}')) == 0
    bodies = []
    assert sandbox.deliver_to(lambda body: bodies.append(body) or (200, b'{"result":true}')) == 1
    assert msgspec.json.decode(bodies[0])["posting_number"] == number
    assert sandbox.notifications() == []


def test_the_defaults_are_ozons_own_networks(connect, sandbox):
    push = connect(sandbox, push={}).options.push
    assert ip_network("185.73.192.0/22") in push.networks
    assert len(push.networks) == 3
