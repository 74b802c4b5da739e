"""A client of the stand-in of a base that knows nothing of the connector."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from connectors.onec.sandbox import OneCSandbox

VERSIONS = ("11.4.2", "11.5.8", "11.5.20")
NO_REF = "00000000-0000-0000-0000-000000000000"
FREE = "AccumulationRegister_СвободныеОстатки"
NEED = "AccumulationRegister_ЗапасыИПотребности"
SPREAD = "InformationRegister_РаспределениеЗапасов"
ON_HAND = "AccumulationRegister_ТоварыНаСкладах"
PRICES = "InformationRegister_ЦеныНоменклатуры_RecordType"
PRICES_25 = "InformationRegister_ЦеныНоменклатуры25_RecordType"
POINTS = "AccumulationRegister_БонусныеБаллы"
MAIN = "Основной склад"


class Client:
    def __init__(self, sandbox: OneCSandbox) -> None:
        self.root = f"{sandbox.url}/odata/standard.odata/"
        self.session = requests.Session()
        self.session.trust_env = False
        login = base64.b64encode(f"{sandbox.username}:{sandbox.password}".encode()).decode()
        self.session.headers["Authorization"] = f"Basic {login}"
        self.session.headers["Accept"] = "application/json;odata=nometadata"

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        content = None if body is None else json.dumps(body).encode()
        return self.session.request(method, self.root + path, data=content, headers=headers, timeout=10)

    def rows(self, path: str, **params: str) -> list[dict[str, Any]]:
        """Return a collection; ``filter="…"`` is ``$filter``, a name with a capital is sent as it is."""
        answer = self.get(path, **params)
        assert answer.status_code == 200, answer.text
        value: list[dict[str, Any]] = answer.json()["value"]
        return value

    def one(self, path: str, **params: str) -> dict[str, Any]:
        answer = self.get(path, **params)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def get(self, path: str, **params: str) -> requests.Response:
        query = {name if name[0].isupper() or name == "allowedOnly" else f"${name}": v for name, v in params.items()}
        return self.session.get(self.root + path, params=query, timeout=10)


class Dated(OneCSandbox):
    """A base whose clock stands until it is moved."""

    moment = datetime(2026, 6, 15, 9, 0, tzinfo=UTC)

    def now(self) -> float:
        return self.moment.timestamp()

    def move(self, **time: float) -> None:
        self.moment += timedelta(**time)


@contextmanager
def opened(version: str = "11.5.20", **options: Any) -> Iterator[tuple[Dated, Client]]:
    """A running base whose clock tells 12:00 of 15 June 2026, Moscow time, and a client of it."""
    with Dated(version=version, **options) as sandbox:
        client = Client(sandbox)
        try:
            yield sandbox, client
        finally:
            client.session.close()


def error(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["odata.error"]["code"]
