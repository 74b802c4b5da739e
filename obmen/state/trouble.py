"""What a database's complaint means for the person who has to mend it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, NoSuchModuleError, SQLAlchemyError

from obmen.errors import StateError

_MEANINGS = (
    (
        "database is locked",
        "it is locked by another program. End that program (or a copy of Obmen) and try again",
    ),
    ("readonly database", "it is read-only. Give this user the right to write the file and its folder"),
    ("read-only transaction", "the server is read-only (a standby?). Point 'state:' at the primary server"),
    ("disk is full", "the disk is full. Free some space and try again"),
    ("could not extend file", "the server's disk is full. Free some space and try again"),
    ("no space left", "the server's disk is full. Free some space and try again"),
    (
        "disk i/o error",
        "the disk failed to read or write. Check the disk, then restore the state from a backup",
    ),
    (
        "unable to open database file",
        "the file can neither be opened nor made. Create its folder with the right to write there, or mend 'state:'",
    ),
    ("file is not a database", "the file is not an SQLite database. Mend 'state:' in the project"),
    ("malformed", "the file is damaged. Restore the state from a backup"),
    ("connection refused", "the server does not answer. Start it, or mend 'state:' in the project"),
    ("could not translate host name", "the server's name is unknown. Mend 'state:' in the project"),
    ("authentication failed", "the server refused the user or password. Mend 'state:' in the project"),
    ('database "…" does not exist', "the database does not exist. Create it, or mend 'state:' in the project"),
    ("lock timeout", "a lock was not given in time. End what holds it and try again"),
)


@contextmanager
def explained(url: str) -> Iterator[None]:
    """Turn what the driver raises into a StateError that says what to do. Nothing was half-written."""
    try:
        yield
    except NoSuchModuleError as error:
        raise StateError(f"The state database {shown(url)} needs a driver that is not installed: {error}.") from error
    except ModuleNotFoundError as error:
        if error.name and error.name.partition(".")[0] in {"psycopg", "psycopg2"}:
            message = "The state is in PostgreSQL, but its driver is not installed: pip install 'obmen[postgres]'."
            raise StateError(message) from error
        raise
    except DBAPIError as error:
        raise StateError(_meaning(url, str(error.orig))) from error
    except SQLAlchemyError as error:
        if isinstance(error, sa.exc.ResourceClosedError | sa.exc.TimeoutError):
            raise StateError(_meaning(url, str(error))) from error
        raise


def shown(url: str) -> str:
    """Return the URL without its password."""
    try:
        return sa.make_url(url).render_as_string(hide_password=True)
    except sa.exc.ArgumentError:
        return "(not a URL)"


def _meaning(url: str, text: str) -> str:
    lowered = text.lower()
    for sign, meaning in _MEANINGS:
        if all(part in lowered for part in sign.split("…")):
            return f"The state database {shown(url)} cannot be used: {meaning}. Nothing was lost."
    first = text.strip().splitlines()[0] if text.strip() else "no reason given"
    return f"The state database {shown(url)} failed: {first}. Nothing was lost; mend it and run again."
