"""Market's side of API notifications: what happened is said to an address, twice and in any order if so wished."""

from __future__ import annotations

from typing import Any

import requests

from connectors.yandex_market.sandbox.payments import Payments

PATIENCE, PING_PATIENCE = 10.0, 1.0
"""Seconds within which an answer has to come."""


class Notifications(Payments):
    """What orders and returns went through since ``reset``, ready to be sent (``notes``)."""

    def ping(self, address: str) -> int:
        """Try an address as Market does before it sends anything; return the status of the answer."""
        return self.send(address, {"notificationType": "PING", "time": self.stamp()}, patience=PING_PATIENCE)

    def send_all(self, address: str, *, doubled: bool = False, shuffled: bool = False) -> list[int]:
        """Send all that happened and forget it; return the statuses of the answers."""
        with self.lock:
            notes, self.notes = self.notes * (2 if doubled else 1), []
            if shuffled:
                self.random.shuffle(notes)
        return [self.send(address, note) for note in notes]

    def send(self, address: str, note: dict[str, Any], *, patience: float = PATIENCE) -> int:
        """Send one notification; an answer of status 200 that does not say who answers counts as 0."""
        answer = requests.post(f"{address.rstrip('/')}/notification", json=note, timeout=patience)
        if answer.status_code != requests.codes.ok:
            return answer.status_code
        told = answer.json()
        return answer.status_code if all(told.get(name) for name in ("version", "name", "time")) else 0
