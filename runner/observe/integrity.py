"""An examination of the state itself, down to its pages and to what the project knows nothing of; writes nothing.

A damaged file works for weeks and fails on the day on which the damaged page is needed, when the last whole copy is
gone. And what was left by a flow that is no more would lie there unseen for ever.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from obmen.errors import StateError
from obmen.project import Project
from obmen.state import Transaction, moves, owners, quarantine, tables
from obmen.state.retention import Size
from obmen.state.trouble import explained
from runner.observe import examine
from runner.observe.examine import Finding

_L, _O, _Q, _B, _H = tables.lease.c, tables.outbox.c, tables.quarantine.c, tables.binding.c, tables.hint.c
_MOST = 10
_DAMAGED = "Stop the service, keep this file, and go back to a copy: obmen state restore FILE"


def state(project: Project) -> Iterator[Finding]:
    """Yield how the state is."""
    found = list(examine.state(project.state_url))
    yield from found
    if not examine.usable(found):
        return
    try:
        with explained(project.state_url), _opened(project.state_url) as engine:
            yield from _whole(engine)
            with engine.connect() as connection:
                yield from _left(Transaction(connection, time.time()), project)
    except StateError as error:
        yield Finding("problem", "state", str(error))


@contextmanager
def _opened(url: str) -> Iterator[Engine]:
    """Open a state for reading alone."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        path = quote(str(Path(parsed.database or "").absolute()))
        engine = sa.create_engine(f"sqlite:///file:{path}?mode=ro&uri=true")
    else:
        engine = sa.create_engine(url, execution_options={"postgresql_readonly": True})
    try:
        yield engine
    finally:
        engine.dispose()


def _whole(engine: Engine) -> Iterator[Finding]:
    damage = _pages(engine) if engine.dialect.name == "sqlite" else _rows(engine)
    if damage:
        yield Finding("problem", "state", f"It is damaged: {'; '.join(damage)}. {_DAMAGED}")
    else:
        yield Finding("ok", "pages", "Every page and every index can be read.")


def _pages(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        found = connection.exec_driver_sql(f"PRAGMA integrity_check({_MOST})").scalars().all()
    return [" ".join(one.split()) for one in found if one != "ok"]


def _rows(engine: Engine) -> list[str]:
    """Read every value of every table, and ask for indexes that are not valid."""
    damage = []
    for table in tables.metadata.sorted_tables:
        try:
            with engine.connect() as connection:
                connection.exec_driver_sql(f'SELECT sum(hashtext(t::text)) FROM "{table.name}" t')  # noqa: S608 - one of ours
        except sa.exc.DBAPIError as error:
            damage.append(f"{table.name}: {str(error.orig).strip().splitlines()[0]}")
    invalid = (
        "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
        "JOIN pg_class t ON t.oid = i.indrelid WHERE NOT i.indisvalid AND t.relname = ANY(%s)"
    )
    with engine.connect() as connection:
        names = connection.exec_driver_sql(invalid, (sorted(tables.metadata.tables),)).scalars().all()
    return damage + [f"the index {name} is not valid (REINDEX it)" for name in names]


def _left(tx: Transaction, project: Project) -> Iterator[Finding]:
    found = [
        *_moved(tx),
        *_leases(tx),
        *_undelivered(tx, project),
        *_set_aside(tx, project),
        *_doubled(tx),
        *_unheard(tx, project),
        *_room(tx),
    ]
    yield from found or [Finding("ok", "contents", "Nothing is left over, and nothing contradicts anything.")]


def _moved(tx: Transaction) -> Iterator[Finding]:
    try:
        moves.refuse(tx.connection)
    except StateError as error:
        yield Finding("problem", "state", str(error))


def _leases(tx: Transaction) -> Iterator[Finding]:
    for row in tx.rows(sa.select(_L.name, _L.owner).where(_L.expires_at > tx.now)):
        if row.owner and not owners.may_live(row.owner):
            message = f"The process {row.owner} that held it has died; the next one takes it over by itself."
            yield Finding("warning", f"lease {row.name}", message)


def _undelivered(tx: Transaction, project: Project) -> Iterator[Finding]:
    """What was decided for a flow that is no more, or for a target that it has no more."""
    query = sa.select(_O.flow, _O.connection, sa.func.count()).group_by(_O.flow, _O.connection)
    for flow, target, count in tx.rows(query.order_by(_O.flow, _O.connection)):
        settings = project.flows.get(flow)
        if settings is None or target not in settings.targets:
            gone = "The project has no such flow" if settings is None else f"The flow has no target '{target}' any more"
            message = f"{gone}, so {count} decided for {target} will not be sent. Put it back to have them sent."
            yield Finding("warning", flow, message)


def _set_aside(tx: Transaction, project: Project) -> Iterator[Finding]:
    query = (
        sa.select(_Q.flow, sa.func.count())
        .where(_Q.state.in_(quarantine.UNSETTLED))
        .group_by(_Q.flow)
        .order_by(_Q.flow)
    )
    for flow, count in tx.rows(query):
        if flow not in project.flows:
            message = f"The project has no such flow, and {count} of it are in quarantine. See: obmen quarantine list"
            yield Finding("warning", flow, message)


def _doubled(tx: Transaction) -> Iterator[Finding]:
    """Two of our records that are one there: each would overwrite the other."""
    for column in (_B.native_id, _B.natural_id):
        same = (_B.connection, _B.entity, column)
        keys = sa.func.min(_B.key), sa.func.max(_B.key)
        query = sa.select(*same, *keys).where(column.is_not(None)).group_by(*same).having(sa.func.count() > 1)
        for connection, entity, native, one, other in tx.rows(query.limit(_MOST)):
            message = (
                f"'{one}' and '{other}' are both bound to its {entity} {native}. Look there which is right: obmen match"
            )
            yield Finding("problem", connection, message)


def _unheard(tx: Transaction, project: Project) -> Iterator[Finding]:
    read = {(flow.source, flow.entity) for flow in project.flows.values()}
    query = sa.select(_H.connection, _H.entity, sa.func.count()).group_by(_H.connection, _H.entity)
    for connection, entity, count in tx.rows(query.order_by(_H.connection, _H.entity)):
        if (connection, entity) not in read:
            message = f"It told of {count} changes of {entity}, which no flow reads. They do no harm."
            yield Finding("warning", connection, message)


def _room(tx: Transaction) -> Iterator[Finding]:
    if tx.connection.dialect.name != "sqlite":
        return
    page, count, free = (
        tx.connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
        for name in ("page_size", "page_count", "freelist_count")
    )
    if Size(page * count, page * free).worth_compacting:
        message = (
            f"{page * free / 1e6:,.1f} MB of {page * count / 1e6:,.1f} are free. Give them back: obmen state compact"
        )
        yield Finding("warning", "room", message)
