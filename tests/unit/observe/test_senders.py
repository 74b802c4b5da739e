"""Alerts on the wire: a bot, a mail server and a webhook on loopback, and what happens when they fail."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr

from obmen.errors import Denied, InDoubt, Refused, Unavailable
from obmen.http.redact import Redactor
from obmen.project.alerts import EmailModel, TelegramModel, WebhookModel
from obmen.state import Ledger, alerts
from obmen.state.alerts import Alert
from obmen.testing.clock import FakeClock
from obmen.testing.sandbox import Fault, Request, Response, Sandbox, route
from runner.observe.courier import Courier
from runner.observe.notices import Notice
from runner.observe.senders import Email, Sender, Telegram, Webhook
from runner.observe.words import Words
from tests.unit.observe.kit import Heard, at_once

TOKEN = "123456:a-token-of-a-bot-that-nobody-has"
NOTICE = Notice("down|erp", "trouble", "warning", "down", "erp", "Система не отвечает.\nЧто делать: подождать.", 5.0)


class Chats(Sandbox):
    """Plays Telegram's bots and somebody's webhook."""

    def reset(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.flood = False

    @route("POST", r"/bot(?P<token>[^/]+)/sendMessage")
    def send_message(self, request: Request, token: str) -> Response:
        if token != TOKEN:
            return Response(401, {"ok": False, "error_code": 401, "description": "Unauthorized"})
        if self.flood:
            body = {"ok": False, "description": "Too Many Requests", "parameters": {"retry_after": 77}}
            return Response(429, body)
        self.told.append(request.json())
        return Response(json={"ok": True, "result": {}})

    @route("POST", "/hook")
    def hook(self, request: Request) -> Response:
        self.told.append({**request.json(), "secret": request.headers.get("x-obmen-secret")})
        return Response(204)


@pytest.fixture
def chats() -> Iterator[Chats]:
    with Chats() as made:
        yield made


def telegram(chats: Chats, token: str = TOKEN) -> Telegram:
    return Telegram(TelegramModel(token=SecretStr(token), chat="-100", url=chats.url), FakeClock())


def test_a_bot_tells_a_chat(chats: Chats) -> None:
    sender = telegram(chats)
    sender.send(NOTICE, "Внимание")
    sender.close()
    (told,) = chats.told
    assert told["chat_id"] == "-100"
    assert told["text"].startswith("Внимание. Система не отвечает.")


def test_a_flood_is_waited_for_and_a_wrong_token_is_never_shown(chats: Chats) -> None:
    sender = telegram(chats)
    chats.flood = True
    with pytest.raises(Unavailable) as flood:
        sender.send(NOTICE, "")
    assert flood.value.after == 77.0
    sender.close()
    wrong = telegram(chats, "999:another-token-that-is-wrong")
    with pytest.raises(Denied) as denied:
        wrong.send(NOTICE, "")
    assert "another-token" not in str(denied.value)
    wrong.close()


def test_a_webhook_gets_json_and_the_secret(chats: Chats) -> None:
    sender = Webhook(WebhookModel(url=f"{chats.url}/hook", secret=SecretStr("only-we-know")), FakeClock())
    sender.send(NOTICE, "Urgent")
    chats.faults.append(Fault(kind="drop"))
    with pytest.raises(InDoubt):
        sender.send(NOTICE, "Urgent")
    sender.close()
    (told,) = chats.told
    assert (told["rule"], told["level"], told["subject"], told["secret"]) == ("down", "warning", "erp", "only-we-know")


class Mails(socketserver.StreamRequestHandler):
    """As much of a mail server as it takes."""

    def handle(self) -> None:
        server: Any = self.server
        self._say("220 mail.example")
        while line := self.rfile.readline().decode().strip():
            word = line.split(" ")[0].upper()
            if word == "EHLO":
                self._say("250-mail.example\r\n250 AUTH PLAIN")
            elif word == "AUTH":
                self._say("535 no" if server.shut else "235 welcome")
            elif word == "DATA":
                self._say("354 go on")
                body = b""
                while not body.endswith(b"\r\n.\r\n"):
                    body += self.rfile.readline()
                server.mails.append(body.decode())
                self._say("250 taken")
            elif word == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 well")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@pytest.fixture
def mails() -> Iterator[Any]:
    with socketserver.TCPServer(("127.0.0.1", 0), Mails) as server:
        vars(server).update(mails=[], shut=False)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def email(port: int) -> Email:
    settings = {"host": "127.0.0.1", "port": port, "tls": "off", "user": "obmen", "password": "a-long-password"}
    return Email(EmailModel.model_validate({**settings, "from": "obmen@shop.example", "to": "anna@shop.example"}))


def test_a_mail_arrives_with_its_first_line_as_subject(mails: Any) -> None:
    email(mails.server_address[1]).send(NOTICE, "Attention")
    (mail,) = mails.mails
    assert "To: anna@shop.example" in mail
    assert "Subject: " in mail


def test_a_mail_server_that_refuses_or_is_not_there_says_so_without_the_password(mails: Any) -> None:
    mails.shut = True
    with pytest.raises(Refused, match="535") as refused:
        email(mails.server_address[1]).send(NOTICE, "")
    assert "a-long-password" not in str(refused.value)
    with pytest.raises(Unavailable, match="cannot be used"):
        email(1).send(NOTICE, "")


# -- a courier ----------------------------------------------------------------------------------------------


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(f"sqlite:///{tmp_path}/state.db", clock=FakeClock())
    yield opened
    opened.close()


def courier(ledger: Ledger, sender: Sender, most: int = 5, secrets: tuple[str, ...] = ()) -> Courier:
    words = Words("en", ZoneInfo("Europe/Moscow"))
    return Courier("webhook", sender, ledger, words, Redactor(secrets), most=most, start=at_once)


def notices(ledger: Ledger, count: int) -> list[Notice]:
    """Make so many troubles of which nobody was told."""
    made = [
        Notice(f"late|{one}", "trouble", "warning", "late", str(one), f"flow {one} is late") for one in range(count)
    ]
    with ledger.write() as tx:
        alerts.save(tx, [Alert(one.name, one.rule, one.subject, one.level, one.text, tx.now) for one in made])
    return made


def advance(ledger: Ledger, seconds: float) -> None:
    assert isinstance(ledger.clock, FakeClock)
    ledger.clock.advance(seconds)


def test_an_hour_has_room_for_so_many_and_then_for_one_summary(ledger: Ledger) -> None:
    heard = Heard()
    made = notices(ledger, 40)
    courier(ledger, heard).tell(made)
    assert [one.kind for one in heard.notices] == ["trouble"] * 4 + ["summary"]
    assert "36 messages more" in heard.notices[-1].text
    advance(ledger, 60)
    with ledger.write() as tx:
        alerts.save(tx, [Alert("late|new", "late", "new", "warning", "new", tx.now)])
    new = [Notice("late|new", "trouble", "warning", "late", "new", "new")]
    courier(ledger, heard).tell(new)
    assert len(heard.notices) == 5, "a restart does not forget how many were sent"
    advance(ledger, 3600)
    courier(ledger, heard).tell([*made, *new])
    assert [one.subject for one in heard.notices[5:]] == ["new"], "what was told is not told again"


def test_a_channel_that_fails_is_tried_again_later_each_time(ledger: Ledger) -> None:
    heard = Heard(broken=True)
    one = courier(ledger, heard)
    made = notices(ledger, 1)
    one.tell(made)
    heard.broken = False
    one.tell(made)
    assert heard.notices == []
    advance(ledger, 60)
    one.tell(made)
    assert [notice.name for notice in heard.notices] == ["late|0"]


def test_what_is_told_holds_neither_secrets_nor_personal_data(ledger: Ledger) -> None:
    heard = Heard()
    made = notices(ledger, 1)[0]
    text = "the key long-secret-key of anna@shop.example was refused"
    courier(ledger, heard, secrets=("long-secret-key",)).tell(
        [Notice(made.name, "trouble", "warning", "late", "0", text)]
    )
    assert "long-secret-key" not in heard.notices[0].text
    assert "anna@" not in heard.notices[0].text


def test_a_bug_in_a_channel_stops_nobody(ledger: Ledger) -> None:
    class Broken(Heard):
        def send(self, notice: Notice, head: str) -> None:
            raise RuntimeError("a bug")

    one = courier(ledger, Broken())
    one.tell(notices(ledger, 1))
    one.close()
