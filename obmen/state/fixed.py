"""Statements that a sync runs again and again, said to the driver as they were compiled once.

What SQLAlchemy does around a statement costs several times what the database needs to answer it; a flow in which
nothing changed runs some thirty of them. Prevents that looking whether there is work costs more than the work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPICursor

_Statement = TypeVar("_Statement", bound=sa.ClauseElement)
_Prepared = Callable[[Any], Any]


class _Said(NamedTuple):
    """``names``: the parameters in the order of their marks, for a driver that takes them by place.

    ``fixed``: the values that stand in the statement itself; ``asked``: the parameters that each run has to give;
    ``prepared``: what a parameter's type makes of its value.
    """

    text: str
    names: tuple[str, ...]
    positional: bool
    fixed: Mapping[str, Any]
    asked: frozenset[str]
    prepared: Mapping[str, _Prepared]


_FIXED: dict[int, tuple[sa.ClauseElement, dict[str, _Said]]] = {}


def fixed(statement: _Statement) -> _Statement:
    """Note a statement that is made when its module is loaded, and return it.

    Its rows are plain tuples. Nothing in it may be read otherwise than the driver gives it.
    """
    _FIXED[id(statement)] = statement, {}
    return statement


def directly(connection: Connection, statement: sa.Executable, values: Mapping[str, Any]) -> DBAPICursor | None:
    """Run a statement that was noted, and return the cursor; None for any other. Raises what SQLAlchemy would."""
    noted = _FIXED.get(id(statement))
    if noted is None:
        return None
    dialect = connection.dialect
    said = noted[1].get(dialect.name)
    if said is None:
        said = noted[1][dialect.name] = _compiled(noted[0], dialect)
    if missing := said.asked - values.keys():
        raise TypeError(f"{', '.join(sorted(missing))}: not given to {said.text}")
    given = {**said.fixed}
    for name, value in values.items():
        given[name] = said.prepared[name](value) if name in said.prepared else value
    cursor = connection.connection.cursor()
    try:
        cursor.execute(said.text, [given[name] for name in said.names] if said.positional else given)
    except dialect.loaded_dbapi.Error as error:
        cursor.close()
        raise failed(connection, said.text, error) from error
    return cursor


def failed(connection: Connection, text: str, error: Exception) -> BaseException:
    """Return what SQLAlchemy would raise for a driver's error; no value of the statement is in it."""
    dialect = connection.dialect
    return sa.exc.DBAPIError.instance(
        text, None, error, dialect.loaded_dbapi.Error, hide_parameters=True, dialect=dialect
    )


def _compiled(statement: sa.ClauseElement, dialect: sa.Dialect) -> _Said:
    compiled: Any = statement.compile(dialect=dialect)
    if compiled.post_compile_params:
        raise TypeError(f"A statement with a list of values in it cannot be fixed: {compiled}")
    prepared = {}
    for name, bind in compiled.binds.items():
        process = bind.type.dialect_impl(dialect).bind_processor(dialect)
        if process is not None:
            prepared[name] = process
    positional = bool(compiled.positional)
    names = tuple(compiled.positiontup if positional else compiled.params)
    asked = frozenset(name for name, bind in compiled.binds.items() if bind.required)
    standing = {
        name: prepared[name](value) if name in prepared and value is not None else value
        for name, value in compiled.params.items()
        if name not in asked
    }
    return _Said(str(compiled), names, positional, standing, asked, prepared)
