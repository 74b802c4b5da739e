"""The pusher is as strict as 1C, or what passes with it would be refused there."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from connectors.onec.sandbox.pusher import Answer, Base, ExchangeFailed, Pusher
from connectors.onec.sandbox.pusher.wire import Dialogue


class Script:
    """Answers by mode, each with its next answer; the last one stays."""

    def __init__(self, **answers: bytes | list[bytes] | int) -> None:
        self.answers = {
            "checkauth": b"success\nname\nvalue",
            "init": b"zip=no\nfile_limit=100",
            "file": b"success",
            "import": b"success",
            "success": b"success",
            "query": document(),
            **answers,
        }
        self.calls: list[tuple[str, str, dict[str, str], bytes]] = []

    def call(self, method: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes) -> Answer:
        self.calls.append((method, query["mode"], dict(headers), body))
        answer = self.answers[query["mode"]]
        if isinstance(answer, int):
            return Answer(answer, b"")
        if isinstance(answer, list):
            return Answer(200, answer.pop(0) if len(answer) > 1 else answer[0])
        return Answer(200, answer)


def document(*numbers: str, operation: str = "Заказ товара", currency: str = "RUB", channel: str = "") -> bytes:
    named = f"<Наименование>Номер заказа в канале</Наименование><Значение>{channel}</Значение>"
    said = f"<ЗначениеРеквизита>{named}</ЗначениеРеквизита>"
    documents = "".join(
        f"<Документ><Номер>{number}</Номер><Дата>2026-06-15</Дата><ХозОперация>{operation}</ХозОперация>"
        f"<Валюта>{currency}</Валюта><Контрагенты><Контрагент><Наименование>Н</Наименование></Контрагент></Контрагенты>"
        f"<Товары><Товар><Ид>g</Ид></Товар></Товары><ЗначенияРеквизитов>{said}</ЗначенияРеквизитов></Документ>"
        for number in numbers
    )
    return f'<?xml version="1.0"?><КоммерческаяИнформация>{documents}</КоммерческаяИнформация>'.encode()


def sender(script: Script, base: Base | None = None) -> Pusher:
    return Pusher(script, "логин", "пароль", base=base)


FILES = {"import0_1.xml": b"<x/>" + b" " * 200}


@pytest.mark.parametrize(
    ("mode", "answer"),
    [
        ("checkauth", b"success\nname"),
        ("checkauth", b"success\n\nvalue"),
        ("checkauth", b"failure\nno"),
        ("checkauth", 401),
        ("init", b"zip=no\nfile_limit=100\n"),
        ("init", b"zip=no\nfile_limit=100\nsessid=1"),
        ("init", b"zip=no"),
        ("init", b"zip=maybe\nfile_limit=100"),
        ("init", b"zip=no\nfile_limit=many"),
        ("init", b"file_limit=100\nzip=no"),
        ("file", b"failure\nno room"),
        ("file", b"\nsuccess"),
        ("file", 500),
        ("import", b"failure\nbad"),
        ("import", b" progress"),
        ("import", b""),
    ],
)
def test_what_ends_a_push(mode: str, answer: bytes | int) -> None:
    with pytest.raises(ExchangeFailed):
        sender(Script(**{mode: answer})).push(FILES)


@pytest.mark.parametrize(
    ("mode", "answer"),
    [
        ("query", b"\xef\xbb\xbf" + document()),
        ("query", b"\n" + document()),
        ("query", b"success\n" + document()),
        ("query", document("1", operation="Отпуск товара")),
        ("query", document("1", currency="руб")),
        ("query", document("1", "")),
        ("success", b"failure"),
    ],
)
def test_what_ends_an_exchange_of_orders(mode: str, answer: bytes) -> None:
    base = Base()
    script = Script(**{mode: answer})
    with pytest.raises(ExchangeFailed):
        sender(script, base).exchange_orders()
    if mode == "query":
        assert base.orders == {}, "one bad document fails the whole file"
        assert "success" not in [call[1] for call in script.calls]


def test_a_push_as_1c_does_it() -> None:
    script = Script(**{"import": [b"progress\n1", b"progress", b"success"]})
    sender(script).push(FILES)
    modes = [call[1] for call in script.calls]
    assert modes == ["checkauth", "init", "file", "file", "file", "import", "import", "import"]
    assert [call[0] for call in script.calls] == ["GET", "GET", "POST", "POST", "POST", "GET", "GET", "GET"]
    assert b"".join(call[3] for call in script.calls) == FILES["import0_1.xml"]
    assert all(call[2].get("Cookie") == "name=value" for call in script.calls[1:])
    assert all(call[2]["Authorization"].startswith("Basic ") for call in script.calls)


def test_every_call_may_be_a_post() -> None:
    script = Script()
    Pusher(script, "a", "b", posts=True).push(FILES)
    assert {call[0] for call in script.calls} == {"POST"}


def test_long_numbers_are_cut_and_mistaken_for_each_other() -> None:
    base = Base()
    script = Script(query=[document("0112233-0001-1", channel="1"), document("0112233-0001-2", channel="2")])
    for _ in range(2):
        sender(script, base).exchange_orders()
    assert list(base.orders) == ["0112233-000"]
    assert base.cut == ["0112233-0001-1", "0112233-0001-2"]
    assert base.mistaken == ["0112233-000"]


def test_an_order_that_was_agreed_takes_no_changes() -> None:
    base = Base()
    script = Script(query=[document("1"), document("1", channel="later")])
    sender(script, base).exchange_orders()
    base.change("1", posted=True)
    sender(script, base).exchange_orders()
    assert base.orders["1"].said["Номер заказа в канале"] == ""
    assert base.orders["1"].times == 2


def test_changes_that_did_not_arrive_are_sent_again() -> None:
    base = Base()
    script = Script(query=document("1"), **{"import": b"failure\nno"})
    sender(script, base).exchange_orders()
    base.change("1", posted=True)
    with pytest.raises(ExchangeFailed):
        sender(script, base).exchange_orders()
    assert base.changed == ["1"]
    script.answers["import"] = b"success"
    sender(script, base).exchange_orders()
    assert base.changed == []


def test_goods_that_1c_has_to_create_are_noticed() -> None:
    base = Base(goods={"other"})
    sender(Script(query=document("1")), base).exchange_orders()
    assert base.created_goods == ["g"]


def test_an_empty_file_is_one_call() -> None:
    script = Script()
    dialogue = Dialogue(script, "catalog")
    dialogue.send("a.xml", b"", 100)
    assert len(script.calls) == 1
