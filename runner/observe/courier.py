"""One channel's delivery: in a thread of its own, so that a mail server which hangs holds up nobody.

What could not be delivered is tried again, later each time; more than an hour's share is told as one summary.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import msgspec
import structlog

from obmen.errors import ObmenError, Unavailable
from obmen.http.pause import growing
from obmen.http.redact import Redactor
from obmen.state import Ledger, alerts
from obmen.state.memory import LedgerMemory
from runner.observe.notices import Notice
from runner.observe.senders import Sender
from runner.observe.words import Words

_LOG = structlog.get_logger("obmen.alerts")
_FIRST, _LONGEST = 30.0, 900.0
_HOUR = 3600.0
_PATIENCE = 5.0
_TIMES = msgspec.json.Decoder(list[float])


class Start(Protocol):
    """How work is begun beside the one who asks for it."""

    def __call__(self, work: Callable[[], None], name: str) -> None:
        """Begin it."""
        ...


def in_a_thread(work: Callable[[], None], name: str) -> None:
    """Begin work in a thread that no stop waits for; what it did not tell is told after the next start."""
    threading.Thread(target=work, name=name, daemon=True).start()


class Courier:
    """Tells one channel. ``most``: messages in an hour."""

    def __init__(
        self, channel: str, sender: Sender, ledger: Ledger, words: Words, redact: Redactor, *, most: int, start: Start
    ) -> None:
        self.channel = channel
        self._sender, self._ledger, self._words, self._redact = sender, ledger, words, redact
        self._most, self._start = most, start
        self._busy = threading.Lock()
        self._failures, self._until = 0, 0.0
        self._memory = LedgerMemory(ledger, "")

    def tell(self, notices: Sequence[Notice]) -> None:
        """Send what is to be told, unless something is under way or a pause is on."""
        if not notices or self._ledger.clock.monotonic() < self._until or not self._busy.acquire(blocking=False):
            return
        try:
            self._start(lambda: self._deliver(list(notices)), f"alerts {self.channel}")
        except BaseException:
            self._busy.release()
            raise

    def close(self) -> None:
        """Let go of the channel, once what is under way has ended or taken too long."""
        if self._busy.acquire(timeout=_PATIENCE):
            self._busy.release()
        self._sender.close()

    def _deliver(self, notices: list[Notice]) -> None:
        try:
            for together in self._portions(self._still(notices)):
                self._send(together)
            self._failures = 0
        except ObmenError as error:
            self._failures += 1
            asked = error.after if isinstance(error, Unavailable) else None
            wait = max(asked or 0.0, growing(self._failures, _FIRST, _LONGEST))
            self._until = self._ledger.clock.monotonic() + wait
            _LOG.warning("alert.undelivered", channel=self.channel, error=str(error), again_in=round(wait))
        except Exception:
            self._until = self._ledger.clock.monotonic() + _LONGEST
            _LOG.exception("alert.failed", channel=self.channel)
        finally:
            self._busy.release()

    def _still(self, notices: Sequence[Notice]) -> list[Notice]:
        """Return what was not told meanwhile by whoever went before."""
        with self._ledger.read() as tx:
            told = {alert.name: alert.told.get(self.channel) for alert in alerts.every(tx)}
        return [one for one in notices if told.get(one.name) != one.level]

    def _portions(self, notices: list[Notice]) -> list[list[Notice]]:
        """Return what goes into one message each: the last that an hour has room for holds all that is left."""
        room = self._most - len(self._sent())
        if len(notices) <= room - 1 or room <= 0:
            return [[one] for one in notices[: max(room, 0)]]
        single = max(room - 1, 0)
        return [*([one] for one in notices[:single]), notices[single:]]

    def _send(self, together: list[Notice]) -> None:
        now = self._now()
        notice = together[0]
        if len(together) > 1:
            text = self._words.summary(together, self._most)
            notice = Notice("", "summary", "warning", "summary", "", text, now)
        masked = replace(notice, text=self._redact(notice.text))
        self._sender.send(masked, self._words.head(notice.level))
        self._memory.put(self._name, msgspec.json.encode([*self._sent(), now]))
        with self._ledger.write() as tx:
            alerts.tell(tx, self.channel, {one.name: one.level for one in together})
        _LOG.info("alert.told", channel=self.channel, rule=notice.rule, subject=notice.subject, level=notice.level)

    @property
    def _name(self) -> str:
        return f"alerts/{self.channel}"

    def _now(self) -> float:
        return self._ledger.clock.now().timestamp()

    def _sent(self) -> list[float]:
        """Return when messages were sent within the last hour; kept in the state, so that a restart does not forget."""
        kept, now = self._memory.get(self._name), self._now()
        return [at for at in (_TIMES.decode(kept) if kept else []) if now - _HOUR < at <= now]
