"""Who is to be told what: one message for one trouble, one when it grows, and one when it is over.

Nothing here sends or waits. What was told stands with each trouble, so what is still to be told follows from it: after
a restart nobody is told twice, and what could not be delivered is simply still to be told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from obmen.state.alerts import Alert
from runner.observe.troubles import Level, Trouble

Kind = Literal["trouble", "over", "summary", "test"]
OVER = "over"
HOLDS = {"down": 120.0, "failed": 120.0, "quarantine": 60.0, "held": 60.0, "unsent": 120.0}
"""Rule → seconds for which a trouble must last before anybody is told; of all others it is told at once."""
CALM = 300.0
"""Seconds for which a trouble must be gone before it counts as over."""
_FORGET = 86400.0
"""Seconds after which nobody need be told any more that a trouble is over."""
_RANKS = {OVER: 0, "": 0, "warning": 1, "critical": 2}


@dataclass(frozen=True, slots=True)
class Notice:
    """What one channel is to be told. ``level``: what is noted once it was told."""

    name: str
    kind: Kind
    level: str
    rule: str
    subject: str
    text: str
    since: float = 0.0


def advance(
    kept: Iterable[Alert],
    troubles: Mapping[str, Trouble],
    now: float,
    channels: Sequence[str],
    words: Callable[[Trouble], str],
) -> tuple[list[Alert], list[str]]:
    """Return the alerts as they stand now, and the names of those that can be forgotten. ``words`` tells a trouble."""
    stand, gone = [], []
    known = {alert.name: alert for alert in kept}
    for name, trouble in troubles.items():
        alert = known.pop(name, None)
        since = now if alert is None or _finished(alert, now) else min(alert.since, now)
        level = _level(trouble, alert, since, now)
        told = alert.told if alert is not None else {}
        stand.append(Alert(name, trouble.rule, trouble.subject, level, words(trouble), since, told))
    for alert in known.values():
        over_at = now if alert.over_at is None else min(alert.over_at, now)
        if _done(alert, over_at, now, channels):
            gone.append(alert.name)
        else:
            stand.append(replace(alert, over_at=over_at))
    return stand, gone


def untold(
    stand: Iterable[Alert], troubles: Mapping[str, Trouble], channel: str, now: float, over: Callable[[Alert], str]
) -> list[Notice]:
    """Return what a channel is still to be told, the oldest first. ``over`` tells that a trouble has ended."""
    found = []
    alerts = {alert.name: alert for alert in stand}
    for alert in sorted(alerts.values(), key=lambda one: (one.since, one.name)):
        told = alert.told.get(channel, "")
        about = (alert.rule, alert.subject)
        if alert.over_at is not None:
            if _RANKS[told] and _finished(alert, now):
                found.append(Notice(alert.name, "over", OVER, *about, over(alert), alert.since))
        elif _grew(alert, told, now) and not any(cause in alerts for cause in troubles[alert.name].because):
            found.append(Notice(alert.name, "trouble", alert.level, *about, alert.text, alert.since))
    return found


def _level(trouble: Trouble, alert: Alert | None, since: float, now: float) -> Level:
    """A trouble that grew does not shrink again as long as it lasts."""
    grown = trouble.grows is not None and now - since >= trouble.grows
    was = alert is not None and alert.level == "critical" and since == alert.since
    return "critical" if grown or was else trouble.level


def _grew(alert: Alert, told: str, now: float) -> bool:
    """Whether a trouble has lasted long enough, and is worse than what was told of it."""
    return _RANKS[alert.level] > _RANKS[told] and now - alert.since >= HOLDS.get(alert.rule, 0.0)


def _finished(alert: Alert, now: float) -> bool:
    return alert.over_at is not None and now - alert.over_at >= CALM


def _done(alert: Alert, over_at: float, now: float, channels: Sequence[str]) -> bool:
    """Whether an alert that is over can be forgotten: everybody who was told of it was told its end."""
    if now - over_at >= _FORGET:
        return True
    owed = [channel for channel in channels if _RANKS[alert.told.get(channel, "")]]
    return not owed and now - over_at >= CALM
