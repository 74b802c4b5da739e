"""Conditions for statements that are made once, when a module is loaded, and told their values at each run.

To put a statement together anew costs several times what the database needs to answer it, and a sync of a few
records runs some hundred of them. The values are parameters named ``of_`` and the column.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from obmen.state.text import fault

_NUL = "\\u0000"


def given(*columns: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Return the condition that these columns hold the values of the run's parameters."""
    return sa.and_(*(column == sa.bindparam(f"of_{column.key}") for column in columns))


def among(column: sa.ColumnElement[Any], values: Iterable[str | int] | None = None) -> sa.ColumnElement[bool]:
    """Return the condition that a column holds one of these values, or of those of the run's parameter.

    They are one parameter however many they are, so that a statement is compiled once and not for each
    page. A text that cannot be kept is nowhere.
    """
    kind = _Many(column.type)
    listed = sa.bindparam(f"of_{column.key}", type_=kind) if values is None else sa.literal(list(values), kind)
    return _Among(column, listed)


def either(column: sa.ColumnElement[Any], *values: str) -> sa.ColumnElement[bool]:
    """Return the condition that a column holds one of the values that stand in the statement itself."""
    return sa.or_(*(column == value for value in values))


class _Many(sa.TypeDecorator[Any]):
    """Any number of values as one: an array in PostgreSQL, JSON in SQLite."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, of: sa.types.TypeEngine[Any]) -> None:
        super().__init__()
        self.of = of

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        kind = sa.ARRAY(self.of) if dialect.name == "postgresql" else sa.Text()
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        wanted = list(value)
        listed = _listed(wanted)
        if _NUL in listed:
            wanted = [one for one in wanted if isinstance(one, int) or not fault(one)]
            listed = _listed(wanted)
        return wanted if dialect.name == "postgresql" else listed


class _Among(FunctionElement[bool]):
    """``column``, ``values``: whether the one is among the others."""

    type = sa.Boolean()
    inherit_cache = True

    def self_group(self, against: object = None) -> Self:
        """Stand in a condition as it is: with ``= 1`` after it, SQLite would use no index."""
        del against
        return self


@compiles(_Among, "postgresql")
def _in_array(element: _Among, compiler: SQLCompiler, **kwargs: Any) -> str:
    column, values = (compiler.process(one, **kwargs) for one in element.clauses)
    return f"{column} = ANY ({values})"


@compiles(_Among, "sqlite")
def _in_json(element: _Among, compiler: SQLCompiler, **kwargs: Any) -> str:
    column, values = (compiler.process(one, **kwargs) for one in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608 - a column's name and a parameter's mark


def _listed(values: list[Any]) -> str:
    """Return the values as JSON; it holds ``_NUL`` if one of them cannot be kept."""
    try:
        return msgspec.json.encode(values).decode()
    except UnicodeEncodeError:
        return _NUL
