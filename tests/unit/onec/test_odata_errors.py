"""What each answer of 1C means for the next step, by its words and not by its status alone."""

import pytest

from connectors.onec.odata.errors import NotPublished, error_of, explain
from obmen.errors import ConfigurationError, Denied, InDoubt, Later, Refused, Unavailable
from obmen.http import Reply

LOCK = "Конфликт блокировок при выполнении транзакции: превышено время ожидания"
PAGE = b"<html><body>Apache</body></html>"


def reply(status: int, content: bytes | str) -> Reply:
    body = content.encode() if isinstance(content, str) else content
    return Reply(status, {}, body, what="ut: POST /Document")


def json_error(code: str, text: str = "что-то не так") -> str:
    return f'{{"odata.error":{{"code":"{code}","message":{{"lang":"ru","value":"{text}"}}}}}}'


def xml_error(code: str, text: str) -> str:
    return (
        '<?xml version="1.0"?><m:error xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">'
        f"<m:code>{code}</m:code><m:message>{text}</m:message></m:error>"
    )


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (404, json_error("9"), ("9", "что-то не так")),
        (200, json_error("-1"), ("-1", "что-то не так")),
        (500, xml_error("-1", "нельзя"), ("-1", "нельзя")),
        (500, '{"exception":{"descr":"упало"}}', ("-1", "упало")),
        (500, '{"exception":"упало"}', ("-1", "упало")),
        (200, '{"Ref_Key":"1"}', None),
        (502, PAGE, None),
        (500, "<m:error", None),
        (500, '{"odata.error":', None),
        (500, json_error("9").encode("cp1251"), None),
    ],
)
def test_the_error_is_read_in_each_of_its_dresses(
    status: int, body: bytes | str, expected: tuple[str, str] | None
) -> None:
    assert error_of(reply(status, body)) == expected


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, PAGE, Denied),
        (403, "", Denied),
        (401, json_error("20"), Denied),
        (500, json_error("-1", LOCK), Later),
        (500, xml_error("-1", LOCK), Later),
        (500, '{"exception":{"descr":"Не обнаружено свободной лицензии!"}}', Unavailable),
        (400, json_error("4"), Refused),
        (400, json_error("15"), Refused),
        (412, "", Refused),
        (500, json_error("-1", "Не заполнено поле Склад"), Refused),
        (200, json_error("-1", "Не заполнено поле Склад"), Refused),
        (404, json_error("8"), NotPublished),
        (404, PAGE, ConfigurationError),
        (200, PAGE, InDoubt),
    ],
)
def test_each_error_is_named_by_what_to_do_next(status: int, body: bytes | str, kind: type[Exception]) -> None:
    explained = explain(reply(status, body))
    assert type(explained) is kind
    assert "ut: POST /Document" in str(explained)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, '{"value":[]}'),
        (200, ""),
        (502, PAGE),
        (500, json_error("-1", "Ошибка СУБД: соединение потеряно")),
        (500, '{"exception":{"descr":"Сеанс отсутствует или удален"}}'),
    ],
)
def test_what_leaves_the_effect_unknown_is_left_to_the_session(status: int, body: bytes | str) -> None:
    assert explain(reply(status, body)) is None


def test_a_refusal_carries_the_code_and_the_whole_text_of_1c() -> None:
    text = "Не заполнено поле «Склад» в строке 3"
    explained = explain(reply(500, json_error("-1", text)))
    assert isinstance(explained, Refused)
    assert explained.code == "-1"
    assert text in str(explained)


def test_a_denied_user_hears_what_to_do() -> None:
    assert "Check the connection's username" in str(explain(reply(401, "")))


def test_an_unpublished_object_sends_to_check() -> None:
    assert "obmen check" in str(explain(reply(404, json_error("8"))))
