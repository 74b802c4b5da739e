"""Carrying a state elsewhere: every table, both ways; nobody works with the old one, and nobody with half a copy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from obmen.errors import Busy, LeaseLost, StateError
from obmen.state import Ledger, carry, deeds, moves, runs, tables, wishes
from obmen.state.carry import Carrier

ROWS = 23
TABLES = [table for table in tables.metadata.sorted_tables if table is not tables.move]


def value(column: sa.Column[Any], row: int) -> Any:
    """A value of the column's type, different in each row, and strange where it may be."""
    if isinstance(column.type, sa.LargeBinary):
        return bytes([0, 255, row])
    if isinstance(column.type, sa.Double):
        return 1_750_000_000.1234567 + row / 7
    if isinstance(column.type, sa.Integer | sa.BigInteger):
        return row + 1
    if column.name in {"counts", "pins", "taken"}:
        return "{}"
    return f"{'яЁ-a_Б'[row % 6]}{row}\n'\"\\"


def fill(ledger: Ledger) -> None:
    with ledger.engine.begin() as connection:
        for table in TABLES:
            rows = [{column.name: value(column, row) for column in table.columns} for row in range(ROWS)]
            if table is tables.lease:
                rows = [{**row, "expires_at": 0.0} for row in rows]
            connection.execute(sa.insert(table), rows)


def contents(ledger: Ledger) -> dict[str, list[Any]]:
    with ledger.engine.connect() as connection:
        return {table.name: sorted(map(tuple, connection.execute(sa.select(table))), key=repr) for table in TABLES}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(f"sqlite:///{tmp_path}/state.db")
    yield ledger
    ledger.close()


def carried(source: Ledger, target: str) -> int:
    with Carrier(source, target) as carrier:
        return carrier.carry()


def test_every_table_comes_over_and_back(
    here: Ledger, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carry, "BATCH", 5)
    fill(here)
    total = carried(here, postgres_url)
    assert total == ROWS * len(TABLES)
    before = contents(here)
    there = Ledger(postgres_url)
    assert contents(there) == before
    with there.write() as tx:
        assert runs.begin(tx, "prices", "sync") == ROWS + 1, "numbers go on after those that were carried"
        deeds.note(tx, "anna", "run", "prices")
        assert deeds.recent(tx, 1)[0].id == ROWS + 1
    after = contents(there)
    carried(there, f"sqlite:///{tmp_path}/back.db")
    there.close()
    back = Ledger(f"sqlite:///{tmp_path}/back.db")
    after["lease"] = [(name, owner, token + 1, end) for name, owner, token, end in after["lease"]]
    assert contents(back) == after
    back.close()


def test_the_old_place_names_the_new_one_without_its_password(here: Ledger, postgres_url: str) -> None:
    with_password = sa.make_url(postgres_url).set(password="s3cret-word").render_as_string(hide_password=False)
    carried(here, with_password)
    with pytest.raises(StateError) as refused:
        Ledger(here.url)
    assert "has moved to postgresql+psycopg://" in str(refused.value)
    assert "s3cret" not in str(refused.value)
    with pytest.raises(StateError, match="has moved"), here.write() as tx:
        wishes.ask(tx, "prices", "anna")
    with pytest.raises(StateError, match="has moved"):
        here.take_lease("prices")
    with pytest.raises(StateError, match="has moved"):
        carried(here, postgres_url)


def test_nothing_is_moved_while_a_flow_runs(here: Ledger, postgres_url: str) -> None:
    with here.lease("prices"), pytest.raises(Busy, match="'prices' is being run"):
        carried(here, postgres_url)
    with here.write() as tx:
        wishes.ask(tx, "prices", "anna")
    carried(here, postgres_url)


def test_whoever_slept_through_the_move_commits_nothing(state_url: str, tmp_path: Path) -> None:
    source = Ledger(state_url)
    lease = source.take_lease("prices")
    with source.engine.begin() as connection:  # it sleeps for so long that its lease ends
        connection.execute(sa.update(tables.lease).values(expires_at=0.0))
    carried(source, f"sqlite:///{tmp_path}/new.db")
    with pytest.raises(LeaseLost), source.write(lease):
        pass
    source.close()


def test_another_projects_state_is_not_touched(here: Ledger, state_url: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/other.db" if state_url == here.url else state_url
    other = Ledger(url)
    with other.write() as tx:
        wishes.ask(tx, "theirs", "anna")
    other.close()
    with pytest.raises(StateError, match="already holds a state"):
        carried(here, url)
    Ledger(here.url).close()
    with pytest.raises(StateError, match="already in"):
        carried(here, here.url)


class CutOff(BaseException):
    """The process dies here."""


def cut_off(source: Ledger, target: str, at: int) -> None:
    left = at

    def die(_what: str, _done: int, _total: int) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise CutOff

    with pytest.raises(CutOff), Carrier(source, target, on_rows=die) as carrier:
        carrier.carry()


def test_half_a_copy_is_used_by_nobody_and_can_be_given_up(
    here: Ledger, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carry, "BATCH", 5)
    fill(here)
    cut_off(here, postgres_url, 7)
    with pytest.raises(StateError, match="being moved to postgresql"):
        Ledger(here.url)
    with pytest.raises(StateError, match="unfinished copy of sqlite"):
        Ledger(postgres_url)
    with pytest.raises(StateError, match="on its way to postgresql"):
        carried(here, f"sqlite:///{tmp_path}/elsewhere.db")
    with Carrier(here, postgres_url) as carrier:
        carrier.cancel()
    Ledger(here.url).close()
    with pytest.raises(StateError, match="unfinished copy"):
        Ledger(postgres_url)
    carried(here, f"sqlite:///{tmp_path}/elsewhere.db")


def test_a_copy_that_is_not_the_same_is_not_taken(
    here: Ledger, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carry, "BATCH", 5)
    fill(here)
    cut_off(here, postgres_url, 20)
    there = Ledger(postgres_url, moving=True)
    with there.engine.begin() as connection:
        connection.execute(sa.update(tables.alert).values(text="damaged"))
    there.close()
    with pytest.raises(StateError, match="'alert' is not the same"):
        carried(here, postgres_url)
    with here.engine.connect() as connection:
        assert getattr(moves.found(connection), "stage", "") == "leaving"


def test_what_is_shown_of_a_state_names_every_table(here: Ledger) -> None:
    assert {one.name for one in carry.sizes(here)} == set(tables.metadata.tables)
