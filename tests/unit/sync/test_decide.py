"""The decision about one record: a table of what is known and what follows."""

from __future__ import annotations

from typing import Any

import pytest

from obmen.entities import OrderStatus, Product
from obmen.state.agreed import Agreed
from obmen.state.outbox import Row
from obmen.sync.decide import Decision, decide

LIVE = Product(sku="A", name="Один", archived=False)
ARCHIVED = Product(sku="A", name="Один", archived=True)
QUEUED: dict[str, Any] = {
    "connection": "shop",
    "entity": "product",
    "key": "A",
    "sequence": 0,
    "flow": "goods",
    "state": "pending",
    "op": "put",
    "effect": "changed",
    "hash": b"new",
    "canonical": LIVE.encoded(),
    "sent_hash": None,
    "sent_canonical": None,
    "sent_op": None,
    "attempt": 0,
    "not_before": 0.0,
    "ticket": None,
    "waits_for": None,
    "reason": "",
    "cause": "",
    "enqueued_at": 0.0,
    "run": 1,
}
HELD = Row(**QUEUED)


def agreed(digest: bytes, record: Product = LIVE) -> Agreed:
    return Agreed("A", digest, record.encoded())


def flying(op: str, digest: bytes, record: Product) -> Row:
    sent: dict[str, Any] = {"sent_op": op, "sent_hash": digest, "sent_canonical": record.encoded()}
    return Row(**{**QUEUED, "state": "sent", "op": op, "hash": digest, "canonical": record.encoded(), **sent})


@pytest.mark.parametrize(
    ("record", "digest", "before", "queued", "refused", "expected"),
    [
        (LIVE, b"x", None, [], None, Decision("put")),
        (LIVE, b"x", agreed(b"x"), [], None, Decision("nothing")),
        (LIVE, b"x", agreed(b"y"), [], None, Decision("put")),
        (LIVE, b"x", agreed(b"y"), [], b"x", Decision("nothing")),
        (LIVE, b"z", agreed(b"y"), [], b"x", Decision("put")),
        (LIVE, b"new", agreed(b"y"), [HELD], None, Decision("nothing")),
        (LIVE, b"y", agreed(b"y"), [HELD], None, Decision("drop")),
        (LIVE, b"z", agreed(b"y"), [HELD], None, Decision("put")),
        (ARCHIVED, b"a", None, [], None, Decision("nothing")),
        (ARCHIVED, b"a", None, [HELD], None, Decision("drop")),
        (ARCHIVED, b"a", agreed(b"y"), [], None, Decision("put", "archive")),
        (ARCHIVED, b"b", agreed(b"a", ARCHIVED), [], None, Decision("nothing")),
        (LIVE, b"y", agreed(b"a", ARCHIVED), [], None, Decision("put", "restore")),
        (LIVE, b"x", agreed(b"x"), [flying("put", b"y", LIVE)], None, Decision("put")),
        (LIVE, b"x", agreed(b"x"), [flying("archive", b"a", ARCHIVED)], None, Decision("put", "restore")),
        (ARCHIVED, b"a", None, [flying("put", b"x", LIVE)], None, Decision("put", "archive")),
    ],
)
def test_what_follows_from_what_is_known(
    record: Product, digest: bytes, before: Agreed | None, queued: list[Row], refused: bytes | None, expected: Decision
) -> None:
    assert decide(record, digest, before, queued, refused) == expected


def test_steps_of_a_history_follow_each_other_and_are_not_repeated() -> None:
    step = OrderStatus(channel="shop", number="1", status="new")
    first = Row(**{**QUEUED, "entity": "order_status", "sequence": 3, "hash": b"assembling"})
    before = Agreed("shop|1", b"confirmed", step.encoded(), sequence=2)
    assert decide(step, b"new", None, [], None) == Decision("put", "put", 1)
    assert decide(step, b"confirmed", before, [], None) == Decision("nothing")
    assert decide(step, b"ready", before, [], None) == Decision("put", "put", 3)
    assert decide(step, b"ready", before, [first], None) == Decision("put", "put", 4)
    assert decide(step, b"assembling", before, [first], None) == Decision("nothing")
    assert decide(step, b"confirmed", before, [first], None) == Decision("put", "put", 4)
    assert decide(step, b"ready", before, [], b"ready") == Decision("nothing")
