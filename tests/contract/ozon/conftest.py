"""A cabinet whose exchanges are kept, a connection to it, and the judge of both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.ozon import Ozon
from connectors.ozon.sandbox import WAREHOUSES, Limits, OzonSandbox
from obmen.errors import Refused
from obmen.http import encode_json
from obmen.records import Native
from tests.clocked import Clock, by
from tests.contract.openapi_judge import Judge

GATEWAY = {401: 403, 429: 400}
"""Ozon's gateway answers these for any method, and the specification documents them for hardly any."""


class Faulty(OzonSandbox):
    """A sandbox whose custom faults are switched by hand, so that their answers are kept in the journal.

    ``wrong`` holds the bodies that a test sent wrong on purpose: of these only the answer is judged.
    """

    forced = ""

    def reset(self) -> None:
        super().reset()
        self.wrong: set[bytes] = set()
        self.forced, self.limits = "", Limits()
        self.warehouses = dict(WAREHOUSES)

    def fault(self, name: str) -> bool:
        return name == self.forced


@pytest.fixture(scope="module")
def judge(specs: Path) -> Judge:
    return Judge.load(specs / "specs" / "ozon" / "seller.openapi.json", gateway=GATEWAY)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cabinet(clock: Clock) -> Iterator[Faulty]:
    with by(clock, Faulty)(journal=True) as sandbox:
        yield sandbox


@pytest.fixture
def ozon(cabinet: Faulty, clock: Clock) -> Iterator[Ozon]:
    made = connection(cabinet, clock)
    yield made
    made.close()


def connection(cabinet: Faulty, clock: Clock, **options: object) -> Ozon:
    known = {
        "client_id": cabinet.client_id,
        "api_key": cabinet.api_key,
        "url": cabinet.url,
        "warehouses": cabinet.warehouses,
    }
    return Ozon("ozon", Ozon.Options(**{**known, **options}), clock=clock)


def read_all(ozon: Ozon, entity: str) -> list[Native]:
    found: list[Native] = []
    for page in ozon.read(entity, None):
        several = page.expand(page.slices) if page.expand else map(page.decode, page.slices)
        found += [native for natives in several for native in natives]
    return found


def send_wrong(ozon: Ozon, cabinet: Faulty, path: str, *bodies: Native) -> None:
    for body in bodies:
        cabinet.wrong.add(encode_json(body))
        with pytest.raises(Refused):
            ozon.http.post(path, json=body, safe=True)
