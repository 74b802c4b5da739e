"""A site to push to, without a network or with one, and what can be seen of it afterwards."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from lxml import etree

from connectors.onec.commerceml import CommerceML
from connectors.onec.commerceml.live import read_index
from connectors.onec.sandbox.pusher import Answer, HttpWire, Pusher
from connectors.onec.sandbox.pusher.wire import Dialogue
from connectors.onec.site.endpoint import SiteEndpoint
from connectors.onec.site.options import SiteOptions
from connectors.onec.site.orders import SiteOrders
from connectors.onec.site.steps import OnStep, ignore
from obmen.clock import Clock
from obmen.connector import SecretStr
from obmen.endpoint import Endpoint, Request
from obmen.records import Batch, Item, Native, Outcome
from obmen.testing.clock import FakeClock
from runner.serve import application, listening, web_server
from tests.unit.onec.commerceml_kit import natives

LOGIN, PASSWORD = "Обмен", "очень-тайное-слово"


def options(**values: Any) -> SiteOptions:
    return SiteOptions(**{"login": LOGIN, "password": SecretStr(PASSWORD), "file_limit": 1 << 20, **values})


def site(
    folder: Path, *, clock: Clock | None = None, patience: float = 30.0, on_step: OnStep = ignore, **values: Any
) -> SiteEndpoint:
    return SiteEndpoint(folder, options(**values), clock or FakeClock(), patience=patience, on_step=on_step)


class DirectWire:
    """Calls an endpoint without a network. ``before`` may raise, or cut a body, by the number of the call."""

    def __init__(self, endpoint: Endpoint, client: str = "127.0.0.1") -> None:
        self.endpoint, self.client = endpoint, client
        self.calls: list[dict[str, str]] = []
        self.body: Callable[[int, bytes], BinaryIO] = lambda _number, body: io.BytesIO(body)
        self.lost: Callable[[int], bool] = lambda _number: False

    def call(self, method: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes) -> Answer:
        number = len(self.calls)
        self.calls.append(dict(query))
        lower = {name.lower(): value for name, value in headers.items()} | {"content-length": str(len(body))}
        request = Request(method, "", dict(query), lower, self.body(number, body), self.client)
        response = self.endpoint.handle(request)
        if self.lost(number):
            raise ConnectionResetError("the answer was lost")
        return Answer(response.status, response.body, {"content-type": response.content_type, **response.headers})


class Cut(io.RawIOBase):
    """A body of which only so many bytes arrive."""

    def __init__(self, body: bytes, size: int) -> None:
        self._body, self._left = io.BytesIO(body), size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._left:
            raise ConnectionResetError("the caller went away")
        piece = self._body.read(min(len(buffer), self._left))
        self._left -= len(piece)
        buffer[: len(piece)] = piece
        return len(piece)


def pusher(endpoint: Endpoint, **values: Any) -> Pusher:
    return Pusher(DirectWire(endpoint), LOGIN, PASSWORD, **values)


@contextmanager
def served(endpoint: Endpoint) -> Iterator[str]:
    """Serve an endpoint on loopback as ``obmen serve`` does; give its address."""
    with listening("127.0.0.1", 0) as (listener, port):
        server = web_server(application({"ut": endpoint}))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{port}/ut"
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def pushing(endpoint: Endpoint, **values: Any) -> Iterator[Pusher]:
    with served(endpoint) as url:
        wire = HttpWire(url)
        try:
            yield Pusher(wire, LOGIN, PASSWORD, **values)
        finally:
            wire.close()


def records(folder: Path) -> dict[str, list[str]]:
    """All native records of a folder, in an order of their own."""
    source = CommerceML(folder)
    return {
        read.__name__: sorted(msgspec.json.encode(native).decode() for native in natives(read()))
        for read in (source.products, source.prices, source.stocks)
    }


def standing(folder: Path) -> dict[str, Any]:
    """Everything that a push leaves behind, but for the names and the ages that it got."""
    index = read_index(folder)
    assert index is not None
    files = sorted((file.name.partition("/")[2], file.digest, file.topics) for file in index.files)
    pictures = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.glob("import_files/**/*")
        if path.is_file()
    }
    return {"files": files, "pictures": pictures, "records": records(folder) if files else {}}


GOOD = "f06588ab-7924-11df-b33a-0011955cba6b"
VARIANT = "dff7f6fa-7a0b-11df-b33a-0011955cba6b#b02e2816-720f-11df-b436-0015e92f2802"


def an_order(number: str = "0112233-0001-1", **fields: Any) -> Native:
    return {
        "Канал": "ozon",
        "НомерПоДаннымКлиента": number,
        "Дата": "2026-06-15T09:50:09",
        "Валюта": "RUB",
        "Комментарий": "Позвонить за час",
        "Контрагент": {"Наименование": "Образцов Пример", "Телефон": "+70000000000", "Почта": "buyer@example.com"},
        "Доставка": {"Способ": "Курьер", "Адрес": "Выдуманная ул, 1", "ДатаОтгрузки": "2026-06-17T12:00:00"},
        "Оплаты": [{"Метод": "Картой", "Сумма": "4481", "Оплачено": True}],
        "Товары": [
            {
                "Ид": GOOD,
                "Наименование": "Куртка",
                "Количество": "2",
                "ЦенаЗаЕдиницу": "1990.5",
                "Сумма": "3881",
                "СтавкаНДС": "20",
            },
            {"Ид": VARIANT, "Количество": "1.5", "ЦенаЗаЕдиницу": "400"},
        ],
        **fields,
    }


def batch(*payloads: Native) -> Batch:
    return Batch([Item(f"{one['Канал']}|{one['НомерПоДаннымКлиента']}", one) for one in payloads])


def write(orders: SiteOrders, *payloads: Native) -> list[Outcome]:
    return list(orders.write(batch(*payloads)))


def ticket(orders: SiteOrders, payload: Native) -> str:
    (outcome,) = write(orders, payload)
    assert outcome.kind == "accepted", outcome
    return outcome.ticket


def begun(endpoint: SiteEndpoint) -> Dialogue:
    dialogue = Dialogue(DirectWire(endpoint), "sale")
    dialogue.checkauth(LOGIN, PASSWORD)
    return dialogue


def numbers_of(text: bytes) -> list[str]:
    return [str(number) for number in etree.fromstring(text).xpath("Документ/Номер/text()")]
