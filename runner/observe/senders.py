"""The ways on which alerts travel: Telegram, e-mail, a webhook. Each sends one text, or raises and is tried again."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from typing import Any, Protocol

import msgspec

from obmen.clock import Clock
from obmen.errors import ObmenError, Refused, Unavailable
from obmen.http import Http, Reply, Retry, Transport
from obmen.project.alerts import AlertsModel, EmailModel, TelegramModel, WebhookModel
from runner.observe.notices import Notice

TIMEOUT = (5.0, 15.0)
"""Seconds to connect and to wait for an answer."""
_PORTS = {"starttls": 587, "tls": 465, "off": 25}
_TELEGRAM_MOST = 4000
_SUBJECT_MOST = 150
_ONCE = Retry(attempts=1, patience=0.0)
_REFUSED_FOR_GOOD = range(500, 600)


class Sender(Protocol):
    """One channel."""

    def send(self, notice: Notice, head: str) -> None:
        """Send a notice; ``head`` is the word that it begins with. Raises ObmenError if it did not arrive."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


class Telegram:
    """Sends by a bot. The token is a part of the address, so it is masked wherever that turns up."""

    def __init__(self, settings: TelegramModel, clock: Clock) -> None:
        self._chat = settings.chat
        token = settings.token.get_secret_value()
        transport = Transport(f"{settings.url}/bot{token}", timeout=TIMEOUT, retry=_ONCE, explain=_flood)
        self._http = Http("alerts.telegram", transport, clock=clock, secrets=[token])

    def send(self, notice: Notice, head: str) -> None:
        """Call ``sendMessage``; the text is plain, so nothing in it can be taken for markup."""
        text = f"{head}. {notice.text}"[:_TELEGRAM_MOST]
        body = {"chat_id": self._chat, "text": text, "disable_web_page_preview": True}
        self._http.post("/sendMessage", json=body)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


class Webhook:
    """Posts JSON: ``name``, ``kind``, ``level``, ``rule``, ``subject``, ``text``, ``since``."""

    def __init__(self, settings: WebhookModel, clock: Clock) -> None:
        secret = settings.secret.get_secret_value() if settings.secret is not None else ""
        headers = {settings.header: secret} if secret else {}
        transport = Transport(settings.url, headers=headers, timeout=TIMEOUT, retry=_ONCE)
        self._http = Http("alerts.webhook", transport, clock=clock, secrets=[secret] if secret else [])

    def send(self, notice: Notice, head: str) -> None:
        """Post it; any answer of status 2xx will do."""
        self._http.post("", json={**_data(notice), "text": f"{head}. {notice.text}"}, expect="any")

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


class Email:
    """Sends by a mail server."""

    def __init__(self, settings: EmailModel) -> None:
        self._settings = settings

    def send(self, notice: Notice, head: str) -> None:
        """Hand it to the mail server; the first line is the subject."""
        settings = self._settings
        message = EmailMessage()
        first = notice.text.splitlines()[0]
        message["Subject"] = f"Obmen. {head}: {first}"[:_SUBJECT_MOST]
        message["From"], message["To"] = settings.sender, ", ".join(settings.to)
        message.set_content(notice.text)
        try:
            with self._opened() as server:
                if settings.user is not None:
                    password = settings.password.get_secret_value() if settings.password is not None else ""
                    server.login(settings.user, password)
                server.send_message(message)
        except smtplib.SMTPResponseException as error:
            kind = Refused if error.smtp_code in _REFUSED_FOR_GOOD else Unavailable
            raise kind(f"alerts.email: the mail server answered {error.smtp_code}. Check the 'email:' block.") from None
        except (smtplib.SMTPException, OSError) as error:
            message_ = (
                f"alerts.email: the mail server cannot be used ({type(error).__name__}). Check the 'email:' block."
            )
            raise Unavailable(message_) from None

    def _opened(self) -> smtplib.SMTP:
        settings = self._settings
        port, seconds = settings.port or _PORTS[settings.tls], TIMEOUT[1]
        if settings.tls == "tls":
            return smtplib.SMTP_SSL(settings.host, port, timeout=seconds, context=ssl.create_default_context())
        server = smtplib.SMTP(settings.host, port, timeout=seconds)
        if settings.tls == "starttls":
            try:
                server.starttls(context=ssl.create_default_context())
            except BaseException:
                server.close()
                raise
        return server

    def close(self) -> None:
        """Nothing stays open between two messages."""


def senders(alerts: AlertsModel, clock: Clock) -> dict[str, Sender]:
    """Return channel → its sender, for the channels that are set up."""
    made: dict[str, Sender] = {}
    if alerts.telegram is not None:
        made["telegram"] = Telegram(alerts.telegram, clock)
    if alerts.email is not None:
        made["email"] = Email(alerts.email)
    if alerts.webhook is not None:
        made["webhook"] = Webhook(alerts.webhook, clock)
    return made


def _data(notice: Notice) -> Mapping[str, Any]:
    data: dict[str, Any] = {name: getattr(notice, name) for name in notice.__dataclass_fields__}
    return data


class _Parameters(msgspec.Struct, frozen=True):
    retry_after: float = 0.0


class _Flood(msgspec.Struct):
    description: str = ""
    parameters: _Parameters = _Parameters()


def _flood(reply: Reply) -> ObmenError | None:
    """Telegram tells how long to wait in the answer's body."""
    if reply.status != 429:  # noqa: PLR2004 - too many requests
        return None
    try:
        said = msgspec.json.decode(reply.content, type=_Flood)
    except msgspec.DecodeError:
        return None
    return Unavailable(f"{reply.what}: {said.description}", after=said.parameters.retry_after)
