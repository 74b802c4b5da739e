"""Statements that go to the driver as they were compiled once give what SQLAlchemy would, and fail as it would."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from obmen.errors import Refused, StateError
from obmen.state import Ledger, agreed, tables
from obmen.state.agreed import Agreed
from obmen.state.fixed import fixed
from obmen.state.given import among, either, given

_A = tables.agreed.c
PLAIN = sa.select(_A.key, _A.hash, _A.live, _A.agreed_at, _A.maybe).where(
    given(_A.connection), among(_A.key), either(_A.entity, "price", "stock"), _A.sequence < sa.bindparam("below")
)
ASKED = {"of_connection": "shop", "of_key": ["A'1", "100%", "Ё", "\0", "none"], "below": 5}
QUICK = fixed(PLAIN.order_by(_A.key))
DROP = fixed(sa.delete(tables.agreed).where(given(_A.connection), among(_A.key)))
WRONG = fixed(sa.select(sa.literal_column("no_such_column")).select_from(tables.agreed))
LISTED = fixed(sa.select(_A.key).where(_A.key.in_(["a", "b"])))


@pytest.fixture
def ledger(state_url: str) -> Iterator[Ledger]:
    opened = Ledger(state_url)
    with opened.write() as tx:
        rows = [Agreed(key, b"\x00%s\xff", b"{}", live=False) for key in ("A'1", "100%", "Ё", "other")]
        agreed.save(tx, "shop", "price", rows, 1)
        agreed.save(tx, "shop", "order", rows, 1)
    yield opened
    opened.close()


def test_it_gives_the_same_rows(ledger: Ledger) -> None:
    with ledger.read() as tx:
        quick = tx.rows(QUICK, **ASKED)
        assert quick == [tuple(row) for row in tx.rows(PLAIN.order_by(_A.key), **ASKED)]
        assert sorted(row[0] for row in quick) == ["100%", "A'1", "Ё"]
        assert tx.one(QUICK, **ASKED) == quick[0]
        assert tx.one(QUICK, **{**ASKED, "below": 0}) is None


def test_it_tells_how_many_rows_it_touched_and_is_undone_with_its_transaction(ledger: Ledger) -> None:
    def drop() -> None:
        with ledger.write() as tx:
            assert tx.run(DROP, of_connection="shop", of_key=["100%", "other"]) == 4
            raise Refused("taken back")

    with pytest.raises(Refused):
        drop()
    with ledger.read() as tx:
        assert len(tx.rows(QUICK, **ASKED)) == 3


def test_what_the_database_refuses_is_told_as_ever_and_the_next_transaction_works(ledger: Ledger) -> None:
    with pytest.raises(StateError, match=r"failed: .*no_such_column"), ledger.read() as tx:
        tx.rows(WRONG)
    with ledger.read() as tx:
        assert tx.rows(QUICK, **ASKED)


def test_a_list_of_values_in_the_statement_is_refused_at_once(ledger: Ledger) -> None:
    with ledger.read() as tx, pytest.raises(TypeError, match="cannot be fixed"):
        tx.rows(LISTED)


def test_a_value_that_is_not_given_is_no_null(ledger: Ledger) -> None:
    with ledger.read() as tx, pytest.raises(TypeError, match="of_key: not given"):
        tx.rows(QUICK, of_connection="shop", below=5)


def test_only_a_database_that_is_missing_is_told_to_be_made(postgres_url: str) -> None:
    with pytest.raises(StateError, match="the database does not exist"):
        Ledger(str(sa.make_url(postgres_url).set(database="none_such").render_as_string(hide_password=False)))
