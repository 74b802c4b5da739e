"""A state that any earlier schema wrote is brought forward with all that it holds, and the engine goes on with it."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory

from obmen.state import Ledger, outbox, quarantine, tables
from obmen.state import migrations as package
from obmen.testing.clock import FakeClock
from tests.crash.world import World, order, price, product

FOLDER = Path(package.__file__).parent
REVISIONS = sorted(file.name.partition("_")[0] for file in (FOLDER / "versions").glob("[0-9]*.py"))
OLD = [("sqlite", one) for one in REVISIONS[:-1]] + [("postgres", one) for one in (REVISIONS[0], REVISIONS[3])]
FIRST = {"run", "lease", "checkpoint", "seen_page", "record", "binding", "agreed", "outbox", "quarantine"}
"""The tables that the first schema had already."""


@pytest.fixture(scope="module")
def half_a_day(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world whose shop has goods and refused one, and an order whose answer was lost, on the newest schema."""
    ledger = Ledger(f"sqlite:///{tmp_path_factory.mktemp('old')}/state.db", clock=FakeClock())
    world = World(ledger)
    world.erp.put("product", *(product(n) for n in range(7)))
    world.erp.put("price", *(price(n) for n in range(7)))
    world.shop.refuse = {"SKU-6"}
    world.sync("products", "prices")
    world.shop.put("order", *(order(n) for n in range(3)))
    world.erp.lose_answers = 1
    world.sync("orders", patience=0.0)
    ledger.close()
    return world


def written_by(revision: str, url: str, world: World) -> dict[str, list[tuple[Any, ...]]]:
    """Make a state as that schema had it, with the world's rows as far as it had columns for them; return those."""
    engine = sa.create_engine(url)
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    scripts = ScriptDirectory.from_config(config)
    context = EnvironmentContext(config, scripts)
    with engine.begin() as connection, world.ledger.engine.connect() as newest:
        context.configure(
            connection=connection,
            fn=lambda current, _context: scripts._upgrade_revs(revision, current),
        )
        context.run_migrations()
        old = sa.MetaData()
        old.reflect(connection)
        kept = {}
        for name, table in old.tables.items():
            if name == "alembic_version":
                continue
            columns = still(name, table.columns.keys())
            rows = newest.execute(sa.select(*(tables.metadata.tables[name].c[column] for column in columns))).all()
            if rows:
                connection.execute(sa.insert(table), [dict(zip(columns, row, strict=True)) for row in rows])
            if "id" in columns and engine.dialect.name == "postgresql":
                serial, last = sa.func.pg_get_serial_sequence(name, "id"), sa.func.max(table.c.id)
                connection.execute(sa.select(sa.func.setval(serial, last, last.is_not(None))).select_from(table))
            kept[name] = held(connection, name, columns)
            assert len(kept[name]) == len(rows)
    engine.dispose()
    return kept


def still(name: str, columns: Iterable[str]) -> list[str]:
    """Return those columns of a table that the newest schema has."""
    return [one for one in columns if one in tables.metadata.tables[name].c]


def held(connection: sa.Connection, name: str, columns: list[str]) -> list[tuple[Any, ...]]:
    query = sa.select(*(tables.metadata.tables[name].c[column] for column in columns))
    return sorted((tuple(row) for row in connection.execute(query)), key=repr)


def columns_of(url: str) -> dict[str, list[str]]:
    engine = sa.create_engine(url)
    found = sa.inspect(engine)
    named = {name: [column["name"] for column in found.get_columns(name)] for name in found.get_table_names()}
    engine.dispose()
    return named


@pytest.mark.parametrize(("state_url", "revision"), OLD, indirect=["state_url"])
def test_what_an_earlier_schema_held_is_there_and_goes_on(revision: str, state_url: str, half_a_day: World) -> None:
    kept = written_by(revision, state_url, half_a_day)
    assert set(kept) >= FIRST
    assert len(kept["outbox"]) >= 2
    before = columns_of(state_url)
    ledger = Ledger(state_url, clock=FakeClock(half_a_day.clock.now()))
    try:
        with ledger.engine.connect() as connection:
            assert connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar() == REVISIONS[-1]
            assert {name: held(connection, name, still(name, before[name])) for name in kept} == kept
        goes_on(World(ledger, erp=deepcopy(half_a_day.erp), shop=deepcopy(half_a_day.shop)))
    finally:
        ledger.close()


def goes_on(world: World) -> None:
    """What was under way arrives once, what was there is not said again, and what changes is carried."""
    world.clock.advance(3600)
    world.shop.calls.clear()
    world.sync("products", "prices", "orders")
    assert world.shop.calls == []
    assert world.erp.created == {"N-0": 1, "N-1": 1, "N-2": 1}
    with world.ledger.read() as tx:
        assert outbox.counts(tx, "orders") == {}
        assert [entry.key for entry in quarantine.entries(tx)] == ["SKU-6"]
    world.erp.put("price", price(2, "150.00"))
    world.sync("prices")
    assert [call for call in world.shop.calls if call[0] == "price"] == [("price", ["SKU-2|BASE"])]
