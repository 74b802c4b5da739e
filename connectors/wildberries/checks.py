"""What ``check`` asks of a live account without writing: the token, the hosts, the warehouses, the paths' ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from connectors.wildberries import paths
from connectors.wildberries.base import Base
from connectors.wildberries.fbw import FBW
from connectors.wildberries.rights import BASIC, TEST, Token, read_token
from obmen.connector import Finding
from obmen.errors import Denied

WARN_DAYS = 14
_NEEDED, _NEEDED_BY_FBW = ("content", "prices", "marketplace"), ("statistics",)
_WHAT = {
    "content": "Контент (cards)",
    "prices": "Цены и скидки (prices)",
    "marketplace": "Маркетплейс (stock and orders)",
    "returns": "Возвраты покупателями (returns)",
    "analytics": "Аналитика (goods that come back)",
    "finance": "Финансы (accruals)",
    "statistics": "Статистика (orders of Wildberries' own warehouses)",
}
_NEW_TOKEN = "Make a new one in the cabinet (Настройки → Доступ к API) and put it into token."  # noqa: S105 - a sentence


class Checks(Base):
    """The live checks of a connection."""

    def check(self) -> Iterator[Finding]:
        """Read the token, ask each host that it opens whether it is let in, compare the warehouses; write nothing."""
        token = read_token(self.options.token.get_secret_value())
        if token is None:
            yield Finding("problem", "The token is no token of Wildberries: copy it whole from the cabinet.", "token")
            return
        yield from _age(token, self.clock.now())
        yield from _rights(token, _NEEDED_BY_FBW if FBW in self.options.schemes else _NEEDED)
        if token.kind == TEST or token.expires <= self.clock.now():
            return
        yield from self._hosts(token)
        for path in paths.ending(self.clock.now().date(), WARN_DAYS * 2):
            yield Finding("warning", f"Wildberries switches {path} off on {path.ends}. Update Obmen before that day.")
        if "marketplace" in token.categories and FBW not in self.options.schemes:
            yield from self._warehouses()

    def _hosts(self, token: Token) -> Iterator[Finding]:
        for category, ping in paths.PINGS.items():
            if category not in _WHAT or category not in token.categories:
                continue
            try:
                self.call(ping)
            except Denied as error:
                yield Finding("problem", f"{_WHAT[category]}: {error}", "token")
            else:
                yield Finding("ok", f"{_WHAT[category]}: the token opens it.", "token")

    def _warehouses(self) -> Iterator[Finding]:
        """Compare the option ``warehouses`` with the seller's own, both ways."""
        known = {row["id"]: row for row in self.call(paths.WAREHOUSES).json()}
        pairs: dict[str, int] = self.options.warehouses
        for name, id_ in pairs.items():
            option = f"warehouses.{name}"
            row = known.get(id_)
            if row is None or row["isDeleting"]:
                there = ", ".join(f"{other} '{one['name']}'" for other, one in known.items()) or "none"
                yield Finding("problem", f"Wildberries has no warehouse {id_} for '{name}'. It has: {there}.", option)
            elif row["isProcessing"]:
                message = (
                    f"Warehouse '{name}' is {id_} '{row['name']}', which is being changed: stock waits some minutes."
                )
                yield Finding("warning", message, option)
            else:
                yield Finding("ok", f"Warehouse '{name}' is {id_} '{row['name']}'.", option)
        for id_, row in known.items():
            if id_ not in pairs.values():
                message = f"Wildberries' warehouse {id_} '{row['name']}' has no pair: its stock is not kept."
                yield Finding("warning", f"{message} Add it to warehouses.", "warehouses")


def _age(token: Token, now: datetime) -> Iterator[Finding]:
    days = (token.expires - now).total_seconds() / 86400
    if days <= 0:
        yield Finding("problem", f"The token ended on {token.expires:%Y-%m-%d}. {_NEW_TOKEN}", "token")
    elif days <= WARN_DAYS:
        message = f"The token ends on {token.expires:%Y-%m-%d}, in {int(days)} days. {_NEW_TOKEN}"
        yield Finding("warning", message, "token")
    else:
        yield Finding("ok", f"The token is valid until {token.expires:%Y-%m-%d}.", "token")


def _rights(token: Token, needed: Sequence[str]) -> Iterator[Finding]:
    if token.kind == TEST:
        yield Finding("problem", f"This is a token of Wildberries' own test contour. {_NEW_TOKEN}", "token")
    if token.kind == BASIC:
        message = (
            "This is a basic token: many methods allow it a few calls an hour, so stock and prices will lag by hours. "
            "Make a personal token instead."
        )
        yield Finding("warning", message, "token")
    if token.read_only:
        yield Finding(
            "warning", f"The token may only read; everything that is written will be refused. {_NEW_TOKEN}", "token"
        )
    lacking = [_WHAT[name] for name in needed if name not in token.categories]
    if lacking:
        message = f"The token lacks the categories {', '.join(lacking)}; calls of these will be refused. {_NEW_TOKEN}"
        yield Finding("warning", message, "token")
