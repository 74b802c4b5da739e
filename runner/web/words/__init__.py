"""What the page says, in each language that it speaks: a file for each, ``id: text``, plural forms as a list.

A number's form is chosen as the language chooses it, so that no page puts sentences together from pieces.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from obmen.project.alerts import Language

LANGUAGES: tuple[Language, ...] = ("ru", "en")
NAMES = {"ru": "Русский", "en": "English"}
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_TWICE = 2
_SPACE = "\u202f"
_TEN = 10


@cache
def catalogue(language: str) -> Mapping[str, str | list[str]]:
    """Return a language's messages."""
    raw = (Path(__file__).parent / f"{language}.json").read_bytes()
    return msgspec.json.decode(raw, type=dict[str, str | list[str]])


class Words:
    """One language, and the zone in which times are told."""

    def __init__(self, language: Language, zone: str, now: float) -> None:
        self.language: Language = language
        self._catalogue = catalogue(language)
        self._zone, self._now = ZoneInfo(zone), now

    def __call__(self, name: str, **values: object) -> str:
        """Return a message; a ``count`` among the values chooses its form."""
        text = self._catalogue[name]
        if isinstance(text, list):
            count = values["count"]
            assert isinstance(count, int)  # noqa: S101 - a list of forms goes with a count
            text = text[_form(self.language, count)]
        return text.format_map({key: self._told(value) for key, value in values.items()}) if values else text

    def has(self, name: str) -> bool:
        """Whether there is such a message."""
        return name in self._catalogue

    def named(self, prefix: str, word: str) -> str:
        """Return the message for a word of the state, the word itself where there is none."""
        name = f"{prefix}.{word}"
        return self(name) if name in self._catalogue else word

    def number(self, value: float) -> str:
        """Return a number with its thousands apart."""
        return f"{value:,.0f}".replace(",", _SPACE if self.language == "ru" else ",")

    def span(self, seconds: float) -> str:
        """Return a length of time."""
        seconds = max(seconds, 0.0)
        for unit, length in (("s", 1), ("min", _MINUTE), ("h", _HOUR)):
            following = {"s": _MINUTE, "min": _HOUR, "h": _DAY}[unit]
            if seconds < _TWICE * following:
                return self(f"span.{unit}", number=f"{seconds / length:.0f}")
        return self("span.d", number=self.number(seconds / _DAY))

    def ago(self, moment: float) -> str:
        """Return how long ago a moment was, or how soon it will be; Unix seconds."""
        gone = self._now - moment
        return self("ago", span=self.span(gone)) if gone >= 0 else self("soon", span=self.span(-gone))

    def clock(self, moment: float) -> str:
        """Return a moment (Unix seconds) as a date and a time of the service's zone."""
        at = datetime.fromtimestamp(moment, self._zone)
        return at.strftime("%d.%m.%Y %H:%M:%S" if self.language == "ru" else "%Y-%m-%d %H:%M:%S")

    def moment(self, moment: float) -> str:
        """Return a moment that people chose: a day if it is the beginning of one, else with its minutes."""
        at, russian = datetime.fromtimestamp(moment, self._zone), self.language == "ru"
        day = at.strftime("%d.%m.%Y" if russian else "%Y-%m-%d")
        return day if at.time() == time() else f"{day} {at:%H:%M}"

    def day(self, moment: float) -> str:
        """Return a moment's day."""
        return datetime.fromtimestamp(moment, self._zone).strftime("%d.%m" if self.language == "ru" else "%m-%d")

    def iso(self, moment: float) -> str:
        """Return a moment as machines read it."""
        return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")

    def rate(self, per_second: float) -> str:
        """Return records in a second."""
        digits = 0 if per_second >= _TEN else 1
        return self("rate", number=f"{per_second:.{digits}f}")

    def _told(self, value: object) -> object:
        return self.number(value) if isinstance(value, int) and not isinstance(value, bool) else value


def chosen(kept: str, accepted: str) -> Language:
    """Return the language of a cookie, else the one that a browser likes best (its ``Accept-Language``)."""
    liked = sorted((_liking(part) for part in accepted[:500].split(",")), reverse=True)
    wanted = [kept, *(name for _, name in liked)]
    return next((known for name in wanted for known in LANGUAGES if known == name), "ru")


def _liking(part: str) -> tuple[float, str]:
    name, _, quality = part.partition(";")
    try:
        weight = float(quality.strip().removeprefix("q=") or 1)
    except ValueError:
        weight = 0.0
    return weight, name.strip().lower().partition("-")[0]


def _form(language: str, count: int) -> int:
    if language == "en":
        return 0 if count == 1 else 1
    tens, ones = count % 100, count % 10
    if ones == 1 and tens != 11:  # noqa: PLR2004 - the rule of the Russian plural
        return 0
    return 1 if ones in {2, 3, 4} and tens not in {12, 13, 14} else 2


def fitting(language: str, forms: Sequence[str]) -> bool:
    """Whether a message has as many forms as its language tells apart."""
    return len(forms) == {"en": 2, "ru": 3}[language]
