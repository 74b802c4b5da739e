"""An examination of the whole installation: each part says how it is and what to do, and changes nothing."""

from __future__ import annotations

import platform
import shutil
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from importlib import metadata
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import requests
import sqlalchemy as sa

from obmen.errors import StateError
from obmen.project import Project
from obmen.project.service import Address
from obmen.state import Ledger, Transaction, alerts, clocks, owners, stops, tables
from obmen.state.migrate import standing
from obmen.state.trouble import explained
from runner.observe import snapshot
from runner.observe.snapshot import FlowNow, Snapshot
from runner.observe.troubles import denied, overdue, why_late

Level = Literal["ok", "warning", "problem"]
OLDEST_PYTHON = (3, 11)
LITTLE, TOO_LITTLE = 2_000_000_000, 300_000_000
"""Bytes of free disk below which one is warned, and below which it is a problem."""
SKEW, FAR = 30.0, 300.0
"""Seconds by which clocks may differ before one is warned, and before it is a problem."""
OLD = 86400.0
_LOCAL = ("127.0.0.1", "::1", "localhost")
_LIBRARIES = ("pydantic", "sqlalchemy", "requests", "starlette")
_ASK = 3.0
_O, _L = tables.outbox.c, tables.lease.c


@dataclass(frozen=True, slots=True)
class Finding:
    """How one part is. ``about`` names it."""

    level: Level
    about: str
    message: str


def machine() -> Iterator[Finding]:
    """Yield what this machine runs on."""
    found = f"Python {platform.python_version()} on {platform.system()} {platform.release()}"
    if sys.version_info < OLDEST_PYTHON:
        yield Finding("problem", "python", f"{found} is too old: install Python 3.11 or newer.")
    else:
        yield Finding("ok", "python", f"{found}.")
    versions = []
    for name in ("obmen", *_LIBRARIES):
        try:
            versions.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            versions.append(f"{name} (not installed as a package)")
    yield Finding("ok", "versions", f"{', '.join(versions)}.")


def state(url: str) -> Iterator[Finding]:
    """Yield how the state database is: whether it can be reached, its schema, and the room that it has."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        path = Path(parsed.database or "")
        if not path.is_file():
            yield Finding("warning", "state", f"{path} is not there yet: the first run makes it.")
            return
        yield _room(path)
    yield _schema(url)


def _room(path: Path) -> Finding:
    free, size = shutil.disk_usage(path.parent).free, path.stat().st_size
    message = f"{path} has {size / 1e6:,.0f} MB; {free / 1e9:,.1f} GB of its disk are free."
    need = 2 * size
    if free < max(TOO_LITTLE, size // 10):
        return Finding("problem", "disk", f"{message} Free some space now: what cannot be written stops every flow.")
    if free < max(LITTLE, need):
        return Finding("warning", "disk", f"{message} Free some space: a copy of the state would hardly fit.")
    return Finding("ok", "disk", message)


def _schema(url: str) -> Finding:
    try:
        with explained(url):
            engine = sa.create_engine(url)
            try:
                current, newest = standing(engine)
            finally:
                engine.dispose()
    except StateError as error:
        return Finding("problem", "state", str(error))
    if current is None:
        return Finding("warning", "state", "It is empty: the first run makes its tables.")
    if current < newest:
        return Finding(
            "warning", "state", f"Its schema is {current}; the next run brings it to {newest}. Copy it before."
        )
    if current > newest:
        message = f"Its schema {current} is of a newer Obmen; this one knows {newest}. Install the newer version."
        return Finding("problem", "state", message)
    return Finding("ok", "state", f"It can be reached; its schema {current} is the newest.")


def usable(found: list[Finding]) -> bool:
    """Whether the state may be opened without changing it."""
    return any(one.about == "state" and one.level == "ok" for one in found)


def service(ledger: Ledger, project: Project) -> Iterator[Finding]:
    """Yield how the service is, and what it left lying."""
    now = snapshot.take(ledger, project)
    yield from _pulse(now)
    for name, words in denied(now).items():
        yield Finding("problem", name, f"It refuses its key: {words}")
    yield from _flows(now)
    with ledger.read() as tx:
        yield from _leases(tx)
        yield from _old(tx)
        yield from _stood(tx)
        opened = [alert for alert in alerts.every(tx) if alert.over_at is None]
    for alert in opened:
        level: Level = "problem" if alert.level == "critical" else "warning"
        yield Finding(level, f"alert {alert.rule}", alert.text.replace("\n", " "))
    yield from _keys(now)


def _pulse(now: Snapshot) -> Iterator[Finding]:
    pulse = now.pulse
    if pulse is None:
        yield Finding("warning", "service", "It has never run on this state. Start it: obmen run")
        return
    if not now.beats:
        age = now.at - pulse.at
        message = f"{pulse.process} gave its last sign {age:.0f} s ago, so nothing runs by itself. Start it: obmen run"
        yield Finding("problem", "service", message)
        return
    days = (now.at - pulse.since) / 86400
    yield Finding("ok", "service", f"{pulse.process} has run for {days:.1f} days.")
    if pulse.refused:
        yield Finding(
            "problem", "project", f"A change of it was not taken up, and the one before goes on: {pulse.refused}"
        )
    if pulse.clock:
        yield Finding("problem", "service", f"It takes nothing on. {pulse.clock}")
    for name, (until, why) in now.down().items():
        rest = max(until - now.at, 0.0)
        yield Finding("warning", name, f"It does not answer, and is left in peace for {rest:.0f} s more: {why}")


def _flows(now: Snapshot) -> Iterator[Finding]:
    for one in now.flows:
        found = list(_flow(one, now))
        yield from found or [Finding("ok", one.flow.name, "Nothing is the matter with it.")]


def _flow(one: FlowNow, now: Snapshot) -> Iterator[Finding]:
    name = one.flow.name
    if one.age is not None and one.late and one.age.limit is not None:
        why = why_late(one, now)
        message = f"Its source was last read {one.age.seconds:.0f} s ago; {one.age.limit:.0f} s are allowed. {why}"
        yield Finding("problem", name, message.rstrip())
    for connection, failing in one.stuck.items():
        what = "Reading" if connection == one.flow.source else "Telling"
        yield Finding("warning", name, f"{what} {connection} failed {failing.times} times in a row: {failing.words}")
    for unsent in overdue(one, now, now.project.alerts.rules):
        message = f"{unsent.target} has not been told for {unsent.age:.0f} s; {unsent.limit:.0f} s are allowed."
        yield Finding("problem", name, f"{message} {unsent.count} wait. See: obmen status, obmen quarantine list")
    for held in one.held:
        yield Finding("warning", name, f"{held.count} held for {held.target}: {held.reason}. See: obmen plan {name}")
    set_aside = sum(group.count for group in one.aside if group.state == "open")
    if set_aside:
        yield Finding("warning", name, f"{set_aside} set aside. See: obmen quarantine list --flow {name}")


def _leases(tx: Transaction) -> Iterator[Finding]:
    for row in tx.rows(sa.select(_L.name, _L.owner).where(_L.expires_at > tx.now)):
        if row.owner and not owners.may_live(row.owner):
            message = f"The process {row.owner} that held it has died; the next one takes it over by itself."
            yield Finding("warning", f"lease {row.name}", message)


def _old(tx: Transaction) -> Iterator[Finding]:
    query = sa.select(_O.flow, _O.connection, _O.state, sa.func.count()).where(_O.enqueued_at < tx.now - OLD)
    for flow, target, held, count in tx.rows(query.group_by(_O.flow, _O.connection, _O.state)):
        message = f"{count} for {target} are older than a day ({held}). See: obmen status, obmen quarantine list"
        yield Finding("warning", flow, message)


def _stood(tx: Transaction) -> Iterator[Finding]:
    """Yield what is paused; a pause that nobody remembers is where stock and prices silently grow old."""
    for one in stops.every(tx):
        days = (tx.now - one.at) / OLD
        age = f"{days:.0f} day" + ("" if round(days) == 1 else "s")
        forgotten = f" That is {age} ago: is it still meant?" if days >= 1 else ""
        yield Finding("warning" if forgotten else "ok", one.connection, f"{stops.sentence(one)}.{forgotten}")


def _keys(now: Snapshot) -> Iterator[Finding]:
    for name, ends in now.keys.items():
        days = (ends.timestamp() - now.at) / 86400
        level: Level = "problem" if days <= 0 else "warning" if days <= 14 else "ok"  # noqa: PLR2004 - two weeks
        then = "" if level == "ok" else " Make a new one in the cabinet and put it into the project."
        yield Finding(level, name, f"Its key ends on {ends:%Y-%m-%d}.{then}")


def settings(project: Project) -> Iterator[Finding]:
    """Yield what of the project's own settings is worth a second thought."""
    channels = project.alerts.channels
    if channels:
        yield Finding("ok", "alerts", f"Trouble is told by {', '.join(channels)}. Try it: obmen alerts test")
    else:
        yield Finding("warning", "alerts", "Nobody is told of trouble. Add a channel under 'alerts:' of the project.")
    page = project.service.page
    if _open(page.address) and not page.secure:
        message = f"It listens at {page.address} without https, where passwords can be read. Put a web server with "
        yield Finding("problem", "page", f"{message}https before it and set 'secure: true', or let it listen locally.")
    if _open(project.service.endpoints):
        message = f"They listen at {project.service.endpoints}: put a web server with https before them."
        yield Finding("warning", "endpoints", message)


def _open(address: Address | None) -> bool:
    return address is not None and address.host not in _LOCAL


def clock(ledger: Ledger) -> Iterator[Finding]:
    """Yield by how much this machine's clock differs from the state's database; an SQLite file has none."""
    found = clocks.offset(ledger)
    if found is None:
        return
    level: Level = "ok" if found.bearable else "problem"
    then = "" if found.bearable else " Neither service nor worker starts here: let NTP set the clocks of both machines."
    yield Finding(level, "clock", f"{found.told(ledger.url)}{then}")


def skews(project: Project) -> Iterator[Finding]:
    """Yield by how much this machine's clock differs from the systems' own; they are asked nothing else."""
    places: dict[str, str] = {}
    for name, one in project.connections.items():
        parts = urlsplit(one.connector.transport(one.options).base_url)
        if parts.scheme in {"http", "https"} and parts.hostname:
            port = f":{parts.port}" if parts.port else ""
            places.setdefault(f"{parts.scheme}://{parts.hostname}{port}/", name)
    with ThreadPoolExecutor(max_workers=8) as pool:
        for name, skew in zip(places.values(), pool.map(_skew, places), strict=True):
            if skew is None:
                continue
            level: Level = "problem" if abs(skew) >= FAR else "warning" if abs(skew) >= SKEW else "ok"
            then = "" if level == "ok" else " Let the machine's clock be set by the network (NTP)."
            word = "ahead of" if skew > 0 else "behind"
            yield Finding(level, "clock", f"This machine is {abs(skew):.0f} s {word} {name}.{then}")


def _skew(place: str) -> float | None:
    """Return how many seconds this machine is ahead of a server; None if that tells no time."""
    try:
        began = time.time()
        answer = requests.head(place, timeout=_ASK, allow_redirects=False)
        answer.close()
        told = parsedate_to_datetime(answer.headers.get("Date", ""))
    except (requests.RequestException, ValueError, TypeError):
        return None
    return (began + time.time()) / 2 - told.timestamp()


def everything(project: Project) -> Iterator[Finding]:
    """Yield the whole examination of a project that could be read."""
    yield from settings(project)
    yield from remembered(project)
    yield from skews(project)


def remembered(project: Project) -> Iterator[Finding]:
    """Yield how the state is and what it knows of the service; little of the project is needed for that."""
    found = list(state(project.state_url))
    yield from found
    if usable(found):
        try:
            ledger = Ledger(project.state_url)
        except StateError as error:
            yield Finding("problem", "state", str(error))
        else:
            try:
                yield from clock(ledger)
                yield from service(ledger, project)
            finally:
                ledger.close()
