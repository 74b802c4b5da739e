"""Removes secrets and personal data from everything that a person or a file may see.

What identifies a record stays readable (order numbers, GUIDs, EANs, prices), or nobody could mend anything;
what identifies a buyer, and what opens a door, does not.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec

MASK = "•••"

_OPENING = (
    r"(?:\w+[-_.])?(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[-_]?key|private[-_]?key|signature|cookie"
    r"|authorization|(?:access|refresh|auth|session|client)[-_]?(?:token|key|id[-_]?token|secret)|пароль)"
)
_PERSON = r"(?:customer|buyer|client|user|contact|person|receiver|recipient|addressee|delivery|shipping|billing)"
_PERSONAL = (
    rf"(?:{_PERSON}[-_.]?)?(?:name|(?:full|first|last|middle|second|sur)[-_]?name|patronymic|fio|address(?:[-_]?tail)?"
    r"|phones?|phone[-_]?numbers?|mobile|tel(?:ephone)?|e[-_]?mails?|birth[-_]?da(?:y|te)|passport|comment)"
    r"|customer|buyer|receiver|recipient|addressee|contacts?"
    r"|фио\w*|имя|фамилия|отчество|(?:номер)?телефона?|адрес(?:доставки)?|(?:адрес)?электроннойпочты"
    r"|электроннаяпочта|получатель|контактноелицо|датарождения|комментарий"
)
_FIELD = re.compile(rf"{_OPENING}|{_PERSONAL}", re.IGNORECASE)

_KEY_ENDS = r"""\\*["']?\s*(?::|=|%3D)\s*\\*"""
_QUOTED = r"""(?:"(?:[^"\\]|\\.)*(?:"|\Z)|'(?:[^'\\]|\\.)*(?:'|\Z))"""
_WORD = r"""[^\s,;&<>{}\[\]"'\\]+"""
_GOES_ON = r"(?:[ \u00a0]+(?:[A-ZА-ЯЁ][\w.-]*|[\d()-]{2,}))*"  # of an unquoted name, or of a phone's groups
_SECRET_PAIR = re.compile(rf"(?i:(?<![\w-])({_OPENING}{_KEY_ENDS}))(?:{_QUOTED}|{_WORD})")
_PERSONAL_PAIR = re.compile(rf"(?i:(?<![\w-])((?:{_PERSONAL}){_KEY_ENDS}))(?:{_QUOTED}|{_WORD}{_GOES_ON})")
_ELEMENT = re.compile(rf"(<(?:\w+:)?(?:{_OPENING}|{_PERSONAL})(?:\s[^<>]*)?>)[^<]+(?=<|\Z)", re.IGNORECASE)
_HEADER = re.compile(r"\b((?:proxy-)?authorization|(?:set-)?cookie)(\s*[:=]\s*)[^\r\n\"'}]+", re.IGNORECASE)
_SCHEME = re.compile(r"\b(Bearer|Basic|OAuth)\s+[\w.~+/=-]{6,}", re.IGNORECASE)
_URL_LOGIN = re.compile(r"(\w+://)[^/\s:@]+:[^/\s@]+@")
_EMAIL = re.compile(r"[\w.+-]+(?:@|%40)[\w-]+\.[\w.-]*\w")

_GAP = r"(?:[\s\u00a0.()-]|%20|%28|%29)*"
_PHONE = re.compile(
    rf"(?<![\w-])(?:"
    rf"(?:(?:\+|%2B)\s?7|8|7){_GAP}[3489]\d\d{_GAP}\d{{3}}{_GAP}\d\d{_GAP}\d\d"  # Russian, with its prefix
    rf"|\(?[3489]\d\d\)?[\s-]\d{{3}}-\d\d-\d\d"  # Russian without it, told by its hyphens
    rf"|(?:\+|%2B)\d(?:{_GAP}\d){{9,13}}"  # any other country's
    rf")(?![\w-])",
    re.IGNORECASE,
)
_LONG_ENOUGH = 8
_DECODED = 1 << 18


class Redactor:
    """Masks the given secrets in every spelling, whatever is named like one, and personal data."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        spelt = {spelling for secret in secrets if secret.strip() for spelling in _spellings(secret.strip())}
        patterns = [_as_pattern(spelling) for spelling in sorted(spelt, key=len, reverse=True)]
        self._secrets = re.compile("|".join(patterns)) if patterns else None

    def __call__(self, text: str) -> str:
        """Return the text with everything secret or personal masked."""
        text = _URL_LOGIN.sub(rf"\1{MASK}@", self.secrets(text))
        text = _SCHEME.sub(rf"\1 {MASK}", _HEADER.sub(rf"\1\2{MASK}", text))
        text = _PHONE.sub(MASK, _EMAIL.sub(MASK, text))
        for pattern in (_SECRET_PAIR, _PERSONAL_PAIR, _ELEMENT):
            text = pattern.sub(rf"\1{MASK}", text)
        return text

    def secrets(self, text: str) -> str:
        """Return the text with only the given secrets masked: for the words of a person's own project."""
        return self._secrets.sub(MASK, text) if self._secrets else text

    def data(self, value: Any, *, person: bool = False) -> Any:
        """Return a copy of JSON-like data, masked by the names of its fields and within its texts.

        ``person``: it stands in a field that is somebody's, so each of its texts is masked whole.
        """
        if isinstance(value, str):
            return MASK if person else self(value)
        if isinstance(value, Mapping):
            return {key: self._field(key, item, person=person) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.data(item, person=person) for item in value]
        return value

    def body(self, content: bytes, most: int) -> str:
        """Return an answer's body for people: masked, at most ``most`` characters, HTML as its plain text.

        A JSON body is masked by its structure before it is cut, so that a cut cannot hide whose value it is.
        """
        try:
            decoded = msgspec.json.decode(content) if len(content) <= _DECODED else None
        except (msgspec.DecodeError, UnicodeDecodeError):
            decoded = None
        if isinstance(decoded, dict | list):
            text = self(msgspec.json.encode(self.data(decoded)).decode())
        else:
            text = self(_plain(content[:_DECODED].decode("utf-8", "replace")))
        text = " ".join(text.split())
        return text if len(text) <= most else text[:most] + "…"

    def _field(self, key: Any, value: Any, *, person: bool) -> Any:
        personal = isinstance(key, str) and _FIELD.fullmatch(key) is not None
        if personal and isinstance(value, str | int | float):
            return MASK
        return self.data(value, person=person or personal)


def _spellings(secret: str) -> set[str]:
    """The ways in which a secret may turn up: as it is, in a URL, in JSON, in Basic authorization."""
    in_json = msgspec.json.encode(secret).decode()[1:-1]
    in_basic = base64.b64encode(secret.encode()).decode()
    return {secret, quote(secret, safe=""), quote(secret), quote_plus(secret), in_json, in_basic}


def _as_pattern(spelling: str) -> str:
    """A short secret is masked only as a whole word: masking each "1" would leave nothing to read."""
    escaped = re.escape(spelling)
    return escaped if len(spelling) >= _LONG_ENOUGH else rf"(?<!\w){escaped}(?!\w)"


def _plain(text: str) -> str:
    start = text[:1000].lower()
    if "<html" not in start and "<!doctype html" not in start:
        return text
    text = re.sub(r"(?is)<(script|style)\b.*?(</\1>|\Z)", " ", text)
    return "an HTML page: " + re.sub(r"<[^<>]*(>|\Z)", " ", text).strip()
