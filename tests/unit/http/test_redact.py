"""What is masked and, as much, what stays readable."""

from __future__ import annotations

import base64
import logging
import traceback
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from requests.auth import HTTPBasicAuth

from obmen.connector import Connector, Options, SecretStr
from obmen.errors import ObmenError, Refused
from obmen.http import Http, Retry, Transport
from obmen.http.redact import MASK, Redactor
from obmen.testing.clock import FakeClock

from .conftest import Peer, answer, raw

redact = Redactor()


@pytest.mark.parametrize(
    "phone",
    [
        "+79161234567",
        "+7 916 123-45-67",
        "+7 (916) 123-45-67",
        "8 (916) 123-45-67",
        "8(916)1234567",
        "89161234567",
        "79161234567",
        "8-916-123-45-67",
        "8 916 123 45 67",
        "7.916.123.45.67",
        "+7\u00a0916\u00a0123\u00a045\u00a067",
        "(916) 123-45-67",
        "916 123-45-67",
        "%2B79161234567",
        "+375 29 123-45-67",
        "+998901234567",
        "+49 30 1234567 8",
    ],
)
@pytest.mark.parametrize("around", ["{}", "call {} now", '"{}"', "tel:{}", "({})", "phone={}&x=1", "{}."])
def test_a_phone_is_masked_however_it_is_spelt(phone: str, around: str) -> None:
    shown = redact(around.format(phone))
    assert MASK in shown
    assert "123" not in shown
    assert "45" not in shown


@pytest.mark.parametrize(
    "text",
    [
        "order 0123456789-0001-1 is cancelled",
        "posting 89161234-0567-1",
        "posting 79161234567-0001-1",
        "order УТ-00000123 and order 23456789",
        "offer_id A-1, sku 1234567890, product_id 987654321",
        "EAN 4601234567893, 8901234567894, GTIN 07901234567893 and UPC 789012345678",
        "ref 51ed67a3-7220-11df-b336-0011955cba6b",
        "ref 89161234-5678-9123-8916-891612345678#79161234-0000-4000-8000-000000000001",
        "price 1990.00, old price 89 990.00, stock 8",
        "price: 7990, quantity: 8 of 900 at 123.45",
        "2026-06-15T09:50:09+03:00 and 1781508609000",
        "platform 8.3.24.1654 at 10.20.30.40:8080",
        "warehouse 22142605 took 100 200 300 400",
        '{"offer_id":"A-1","price":"1990.00","errors":[{"code":"price_too_low","field":"price"}]}',
        '{"code":3,"message":"invalid value for field old_price","details":[]}',
        "warehouse_name: Основной, field_name: price, token_count",
    ],
)
def test_what_identifies_a_record_stays_readable(text: str) -> None:
    assert redact(text) == text
    assert redact.body(text.encode(), 1000) == text


@pytest.mark.parametrize(
    "email", ["ivan@example.org", "i.petrov+1c@mail.example.ru", "ivan%40example.org", "почта@пример.рф"]
)
def test_an_email_is_masked(email: str) -> None:
    assert redact(f"to {email}, please") == f"to {MASK}, please"


@pytest.mark.parametrize(
    "body",
    [
        '{"customer": {"name": "Пётр Пример", "phone": 9161234567, "id": 17}}',
        '{"customer": {"first_name": "Пётр", "lastName": "Пример"}, "order": "17"}',
        '{"addressee": {"name": "Пётр Пример"}, "number": "17"}',
        '{"addressee": "Пётр Пример", "number": "17"}',
        '{"name": "Пётр Пример", "phone": "9161234567", "number": "17"}',
        '{"contacts": [{"value": "Пётр Пример"}], "number": "17"}',
        '{"recipient": {"any": {"deep": ["Пётр", "Пример"]}}, "number": "17"}',
        '{"ФИО": "Пример Пётр Петрович", "Телефон": "9161234567", "Номер": "17"}',
        '{"Получатель": "Пример Пётр", "АдресДоставки": "ул. Пример, 5", "Номер": "17"}',
        '{"delivery_address": "ул. Пример, 5", "comment": "Пётр, 2 этаж", "Номер": "17"}',
        "customer_name=Пётр Пример, number=17",
        "addressee: Пётр Пример, number: 17",
        "<Заказ><Номер>17</Номер><ФИО>Пётр Пример</ФИО><Телефон вид='моб'>9161234567</Телефон></Заказ>",
        '{"customer": {"name": "Пётр Пример", "number": 17, "text": "cut off in the mid',
        '{"number": "17", "name": "Пётр При',
    ],
)
def test_a_buyers_data_is_masked_by_the_names_of_its_fields(body: str) -> None:
    shown = redact.body(body.encode(), 1000)
    assert "Пётр" not in shown
    assert "Прим" not in shown
    assert "9161234567" not in shown
    assert "17" in shown


def test_a_body_is_masked_before_it_is_cut() -> None:
    body = '{"pad": "' + "x" * 280 + '", "addressee": {"who": "Пётр Пример"}}'
    for most in range(280, 330):
        assert "Пёт" not in redact.body(body.encode(), most)


def test_a_page_of_html_is_shown_as_its_text() -> None:
    head = b"<!DOCTYPE html><html><head><style>p{}</style><title>502</title></head>"
    page = head + b"<body><h1>Bad <b>gateway</b></h1>"
    assert redact.body(page, 100) == "an HTML page: 502 Bad gateway"


@pytest.mark.parametrize(
    "text",
    [
        "password=hunter2hunter",
        '{"password": "hunter2hunter"}',
        '{\\"client_secret\\": \\"hunter2hunter\\"}',
        "Authorization: Bearer hunter2hunter",
        "Authorization: hunter2hunter",
        "Cookie: IBSession=hunter2hunter; ru=1",
        "Basic hunter2hunter==",
        "GET /rest?access_token=hunter2hunter&x=1",
        "Api-Key: hunter2hunter",
        "x-api-key=hunter2hunter",
        "refreshToken: 'hunter2hunter'",
        "https://obmen:hunter2hunter@1c.example/trade",
        "postgresql+psycopg://obmen:hunter2hunter@db/obmen",
        "<password>hunter2hunter</password>",
        "Пароль: hunter2hunter",
    ],
)
def test_what_is_named_like_a_secret_is_masked(text: str) -> None:
    assert "hunter2" not in redact(text)
    assert "hunter2" not in redact.body(text.encode(), 500)


SECRET = 'q"w/e+r тайна&5'


@pytest.mark.parametrize(
    "spelt",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        SECRET.replace('"', '\\"'),
        base64.b64encode(SECRET.encode()).decode(),
    ],
)
def test_a_known_secret_is_masked_in_every_spelling(spelt: str) -> None:
    assert Redactor([SECRET])(f"before {spelt} after") == f"before {MASK} after"


def test_a_short_secret_is_masked_only_as_a_word_of_its_own() -> None:
    shown = Redactor(["12"])("login 12 refused, order 312 of 1200")
    assert shown == f"login {MASK} refused, order 312 of 1200"


@given(st.text(min_size=8, max_size=40).filter(lambda text: text.strip() == text), st.text(), st.text())
def test_no_text_around_it_lets_a_secret_through(secret: str, before: str, after: str) -> None:
    if secret not in MASK * 40:
        assert secret not in Redactor([secret])(before + secret + after).replace(MASK, "\0")


def test_data_is_masked_like_text_and_left_as_it_was() -> None:
    event: dict[str, Any] = {
        "event": "refused",
        "count": 3,
        "error": "no +7 916 123-45-67",
        "order": {"number": "17", "customer": {"name": "Пётр", "age": 7}},
    }
    shown = redact.data(event)
    assert shown["error"] == f"no {MASK}"
    assert shown["order"] == {"number": "17", "customer": {"name": MASK, "age": 7}}
    assert shown["count"] == 3
    assert event["order"]["customer"]["name"] == "Пётр"


class _Shop(Connector):
    class Options(Options):
        key: SecretStr
        more: dict[str, SecretStr]

    @classmethod
    def transport(cls, options: Any) -> Transport:
        return Transport(
            base_url="http://127.0.0.1:9/hook-key-in-the-address",
            headers={"X-Token": "token-in-a-header"},
            auth=HTTPBasicAuth("user", "password-in-auth"),
        )


def test_a_connections_own_secrets_are_known_without_being_named() -> None:
    options = _Shop.options_model.model_validate({"key": "key-in-options", "more": {"a": "key-deep-in-options"}})
    shop = _Shop("shop", options)
    said = "key-in-options token-in-a-header password-in-auth key-deep-in-options"
    assert shop.http.redact(said) == " ".join([MASK] * 4)
    shown = repr(options) + repr(shop.http) + repr(shop.http.transport)
    for secret in [*said.split(), "hook-key-in-the-address"]:
        assert secret not in shown
    shop.close()


SECRETS = ("key-of-the-shop", "hook-in-the-path", "token-in-the-query", "ivan@example.org", "Пётр")


@pytest.mark.parametrize(
    "script",
    [
        answer('{"error": "key-of-the-shop", "customer": {"name": "Пётр"}}'.encode(), status=400),
        answer(b'{"error": "ivan@example.org"}', status=500),
        answer(status=302, Location="http://other.example/?t=token-in-the-query"),
        raw(b"", hang_up=True),
        answer(b"{", status=200),
        answer(b"{}"),
    ],
    ids=["refused", "broken", "moved", "lost", "cut", "good"],
)
def test_no_log_error_or_traceback_tells_a_secret(
    peer: Callable[..., Peer], script: Any, caplog: pytest.LogCaptureFixture
) -> None:
    shop = peer(script)
    transport = Transport(
        base_url=shop.url + "/hook-in-the-path",
        headers={"Api-Key": "key-of-the-shop"},
        secrets=("hook-in-the-path", "token-in-the-query"),
        retry=Retry(attempts=2),
        timeout=(5.0, 5.0),
    )
    session = Http("shop", transport, clock=FakeClock())
    path, params = f"/orders?q=ivan%40example.org&t={SECRETS[2]}", {"token": SECRETS[2]}
    shown, inner = "", list[BaseException | None]()
    with structlog.testing.capture_logs() as logs, caplog.at_level(logging.DEBUG, "obmen"):
        for call in (session.get, session.post):
            try:
                call(path, params=params)
            except ObmenError as error:
                shown += "".join(traceback.format_exception(error)) + repr(error)
                inner += [error.__cause__, error.__context__]
    session.close()
    assert set(inner) <= {None}
    assert len(logs) >= 2
    shown += repr(logs) + caplog.text
    for secret in SECRETS:
        assert secret not in shown
    assert {log["request_id"] for log in logs} != set()
    assert all(log["connection"] == "shop" for log in logs)


def test_an_error_names_who_what_and_where(peer: Callable[..., Peer], http: Callable[..., Http]) -> None:
    body = b'{"message": "no price for A-1"}' + b" " * 10
    with pytest.raises(Refused) as caught:
        http(peer(answer(body, status=422)).url).post("/v1/prices?debug=1", json={})
    assert str(caught.value).startswith("shop: POST /v1/prices [")
    assert str(caught.value).endswith(']: status 422: {"message":"no price for A-1"}')


def test_an_error_is_bounded(peer: Callable[..., Peer], http: Callable[..., Http]) -> None:
    body = b'{"message": "' + b"long " * 100_000 + b'"}'
    with pytest.raises(Refused) as caught:
        http(peer(answer(body, status=400)).url).get("/x")
    assert len(str(caught.value)) < 400


def test_a_body_in_another_alphabets_bytes_is_shown_as_far_as_it_can_be() -> None:
    assert Redactor().body('{"message": "Склад", "code": 7}'.encode("cp1251"), 100).endswith('"code": 7}')
