"""Labels: an order that has none, or has none yet, keeps no other from its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from obmen.connector import Connector, Document, Options, document
from obmen.errors import ConfigurationError, Later, Refused
from obmen.sync.papers import Papers
from obmen.testing.clock import FakeClock

BATCH = 8


class _Post(Connector):
    """Makes labels for eight orders at once, all or none of them."""

    title = "Post"

    def __init__(self, clock: FakeClock) -> None:
        super().__init__("post", Options(), clock=clock)
        self.calls: list[list[str]] = []
        self.not_before: dict[str, float] = {}
        self.never: set[str] = set()
        self.forgets: set[str] = set()

    @document("label", batch=BATCH)
    def labels(self, orders: Sequence[str]) -> Iterator[Document]:
        """Make labels."""
        self.calls.append(list(orders))
        if self.never.intersection(orders):
            raise Refused("one of them has no label", code="none")
        if any(self.clock.monotonic() < self.not_before.get(order, 0.0) for order in orders):
            raise Later("postings aren't ready", after=15.0)
        for order in orders:
            if order not in self.forgets:
                yield Document(f"{order}.pdf", "application/pdf", b"%PDF", (order,))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def post(clock: FakeClock) -> _Post:
    return _Post(clock)


def _orders(count: int) -> list[str]:
    return [f"N-{number}" for number in range(count)]


@pytest.mark.field("E8")
def test_e8_a_batch_of_all_or_nothing_is_split_down_to_the_one_that_has_none(post: _Post, clock: FakeClock) -> None:
    post.never = {"N-5"}
    papers = Papers(post, "label", clock)
    made = list(papers.fetch(_orders(BATCH)))
    assert [one.orders for one in made] == [(order,) for order in _orders(BATCH) if order != "N-5"]
    assert list(papers.failed) == ["N-5"]
    assert len(post.calls) == 7  # 8, then 4 + 4, 2 + 2 of the half that failed, 1 + 1


@pytest.mark.field("E8")
def test_e8_what_is_not_ready_is_asked_for_again(post: _Post, clock: FakeClock) -> None:
    post.not_before = {"N-1": clock.monotonic() + 40.0}
    papers = Papers(post, "label", clock)
    made = [one.orders[0] for one in papers.fetch(_orders(3), patience=60.0)]
    assert sorted(made) == _orders(3)
    assert papers.failed == {}
    assert post.calls[-1] == ["N-1"]
    assert sum(clock.sleeps) == pytest.approx(45.0)


def test_patience_ends_and_says_who_was_not_ready(post: _Post, clock: FakeClock) -> None:
    post.not_before = {"N-1": clock.monotonic() + 400.0}
    papers = Papers(post, "label", clock)
    assert len(list(papers.fetch(_orders(3), patience=20.0))) == 2
    assert list(papers.failed) == ["N-1"]
    assert isinstance(papers.failed["N-1"], Later)


def test_an_order_that_the_answer_leaves_out_is_told(post: _Post, clock: FakeClock) -> None:
    post.forgets = {"N-0"}
    papers = Papers(post, "label", clock)
    assert len(list(papers.fetch(_orders(BATCH + 1)))) == BATCH
    assert list(papers.failed) == ["N-0"]
    assert [len(call) for call in post.calls] == [BATCH, 1]


def test_a_paper_that_nobody_makes_is_named_with_what_was_meant(post: _Post, clock: FakeClock) -> None:
    with pytest.raises(ConfigurationError, match=r"no paper 'lable'; it makes: label\.+ .*'label'"):
        Papers(post, "lable", clock)
