"""Removes secrets and personal data from everything that a person or a file may see."""

from __future__ import annotations

import re
from collections.abc import Iterable

MASK = "•••"
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
_PHONE = re.compile(r"(?<![\w-])(?:\+7|8|7)[\s(-]*\d{3}[\s)-]*\d{3}[\s-]*\d{2}[\s-]*\d{2}(?![\w-])")
_NAMED = re.compile(
    r"""(?ix)(["']?(?:password|passwd|secret|token|api[-_]?key|authorization|cookie|client[-_]?secret)["']?\s*[:=]\s*)
    ("[^"]*"|'[^']*'|[^\s,;&}]+)"""
)


class Redactor:
    """Masks the given secrets, whatever is named like one, e-mail addresses and phone numbers."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({secret for secret in secrets if secret}, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, text: str) -> str:
        """Return the text with everything secret or personal masked."""
        if self._secrets:
            text = self._secrets.sub(MASK, text)
        text = _NAMED.sub(lambda match: match[1] + MASK, text)
        return _PHONE.sub(MASK, _EMAIL.sub(MASK, text))
