"""``obmen alerts``: whom Obmen tells of trouble: try the channels, list what is open."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import typer

from obmen.clock import SystemClock
from obmen.errors import ConfigurationError, ObmenError
from obmen.state import alerts
from obmen.state.alerts import Alert
from runner.cli.session import session
from runner.cli.sync import Json
from runner.exit_codes import ExitCode
from runner.observe.senders import senders
from runner.observe.watchman import trial
from runner.observe.words import Words
from runner.render import Cell, Column, Table, ago, iso

app = typer.Typer(no_args_is_help=True, help="Whom Obmen tells of trouble: try the channels, list what is open.")
STYLES = {"warning": "yellow", "critical": "red"}


@app.command("test")
def try_channels(context: typer.Context, json: Json = False) -> int:
    """Send a test message through each channel of the project."""
    current = session(context)
    project = current.load()
    if not project.alerts.channels:
        message = (
            "The project has no channel for alerts. Add one: alerts: { telegram: { token: ${TELEGRAM_TOKEN}, "
            'chat: "…" } }, or email: or webhook:.'
        )
        raise ConfigurationError(message, where=str(project.file))
    clock = SystemClock()
    words = Words(project.alerts.language, ZoneInfo(project.service.timezone))
    found: list[dict[str, Any]] = []
    for channel, sender in senders(project.alerts, clock).items():
        try:
            sender.send(trial(words, clock.now().timestamp()), words.head("test"))
            error = ""
        except ObmenError as caught:
            error = current.redact(str(caught))
        finally:
            sender.close()
        found.append({"channel": channel, "arrived": not error, "error": error})
        if not json:
            current.screen.line(f"{channel}: {error or 'sent'}", "red" if error else "green")
    if json:
        current.screen.json({"channels": found})
    return ExitCode.DONE if all(one["arrived"] for one in found) else ExitCode.PEER


@app.command("list")
def list_open(context: typer.Context, json: Json = False) -> int:
    """List the troubles that are open, and who was told of them."""
    current = session(context)
    project = current.load()
    with current.ledger(project) as ledger, ledger.read() as tx:
        found = [alert for alert in alerts.every(tx) if alert.over_at is None]
        now = tx.now
    if json:
        current.screen.json({"alerts": [as_data(one) for one in found]})
    elif not found:
        current.screen.line("No trouble is open.")
    else:
        current.screen.table(_table(found, now))
    return ExitCode.DONE


def as_data(alert: Alert) -> dict[str, Any]:
    """Return what ``--json`` prints of an alert."""
    names = ("name", "rule", "subject", "level", "text")
    return {**{name: getattr(alert, name) for name in names}, "since": iso(alert.since), "told": dict(alert.told)}


def _table(found: list[Alert], now: float) -> Table:
    table = Table([Column("Level"), Column("Since"), Column("What"), Column("Told")])
    for one in found:
        told = ", ".join(channel for channel, level in one.told.items() if level == one.level)
        level = Cell(one.level, STYLES.get(one.level, ""))
        table.add(level, ago(one.since, now), one.text.splitlines()[0], told or "nobody yet")
    return table
