"""A base of 1C by EnterpriseData, for the bench: a first message of many goods, and one with those that changed.

``python -m tests.bench.enterprisedata MESSAGE`` is that base, in a process of its own: it prints its address, and ends
with its input.
"""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

_SPACE = "http://v8.1c.ru/edi/edi_stnd/EnterpriseData/1.21"
_GROUP = uuid5(NAMESPACE_OID, "group")
_GOOD = """<Справочник.Номенклатура><КлючевыеСвойства><Ссылка>{ref}</Ссылка>
<НаименованиеПолное>Товар выдуманный номер {number} из группы образцов</НаименованиеПолное>
<КодВПрограмме>ОБ-{number:08}</КодВПрограмме><Артикул>A-{number}</Артикул>
<Наименование>{name} номер {number}</Наименование><Группа><Ссылка>{group}</Ссылка>
<Наименование>Образцы</Наименование></Группа></КлючевыеСвойства><ТипНоменклатуры>Товар</ТипНоменклатуры>
<Описание>Описание товара {other}, каких не бывает, в две строки и без всякого смысла.</Описание>
<ЕдиницаИзмерения><ДанныеКлассификатора><Код>796</Код><Наименование>шт</Наименование></ДанныеКлассификатора>
</ЕдиницаИзмерения><СтавкаНДС><Ставка>20</Ставка><РасчетнаяСтавка>false</РасчетнаяСтавка>
<НеОблагается>false</НеОблагается><ВидСтавки>Общая</ВидСтавки></СтавкаНДС><Марка><Наименование>Марка {brand}
</Наименование></Марка></Справочник.Номенклатура>"""


def make(path: Path, numbers: Iterable[int], *, message: int = 1, name: str = "Товар") -> None:
    """Write a message with the goods of these numbers as an archive."""
    from lxml import etree  # noqa: PLC0415 - only those that make data need it

    from connectors.onec.enterprisedata.header import make_header  # noqa: PLC0415 - as above
    from connectors.onec.sandbox.enterprisedata import NODE, PLAN  # noqa: PLC0415 - as above

    told: dict[str, Any] = {"plan": PLAN, "sender": "УТ", "to": NODE, "number": message, "received": message - 1}
    header = make_header(**told, version="1.21", versions=("1.21",), at=datetime(2026, 6, 15, tzinfo=UTC))
    head = f"<Message>{etree.tostring(header, encoding='unicode')}<Body xmlns='{_SPACE}'>"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("data.xml", "w") as stream:
        for text in chain([head], (_good(number, name) for number in numbers), ["</Body></Message>"]):
            stream.write(text.encode())


def _good(number: int, name: str) -> str:
    ref, other = uuid5(NAMESPACE_OID, f"{number}"), uuid5(NAMESPACE_OID, f"of {number}")
    return _GOOD.format(ref=ref, number=number, name=name, group=_GROUP, other=other, brand=number % 97)


def change(path: Path, records: int, every: int) -> None:
    """Let the base's next message bring every so many-th good under another name."""
    changes_of(path).write_text(f"{records} {every}")


def changes_of(path: Path) -> Path:
    """Return where a base looks for what changed."""
    return path.with_name("changes.txt")


def address_of(path: Path) -> Path:
    """Return where the base's address is written down."""
    return path.with_name("address.txt")


def bare(path: Path) -> None:
    """Go through the goods of the message, letting go of each."""
    from lxml import etree  # noqa: PLC0415 - only here

    with zipfile.ZipFile(path) as archive, archive.open("data.xml") as stream:
        for _, element in etree.iterparse(stream, tag="{*}Справочник.Номенклатура"):
            element.clear()
            body = element.getparent()
            while body is not None and body[0] is not element:
                del body[0]


def options(path: Path) -> dict[str, Any]:
    """Return how the connector reaches the base."""
    from connectors.onec.sandbox import references  # noqa: PLC0415 - only this input needs it
    from connectors.onec.sandbox.enterprisedata import NODE  # noqa: PLC0415 - as above

    user = {"username": references.USERNAME, "password": references.PASSWORD}
    url = f"{address_of(path).read_text()}/trade"
    return {"url": url, "node": NODE, "folder": path.parent / "mirror", "poll": 0.01, **user}


def _serve(path: Path) -> None:
    from connectors.onec.sandbox.enterprisedata import NODE, EnterpriseDataSandbox  # noqa: PLC0415 - in this process
    from connectors.onec.sandbox.enterprisedata.node import Node  # noqa: PLC0415 - as above

    class Prepared(Node):
        def message(self, *given: Any) -> bytes:
            made = super().message(*given)
            if self.sent == 1:
                return path.read_bytes()
            if changes_of(path).exists():
                records, every = map(int, changes_of(path).read_text().split())
                changes_of(path).unlink()
                part = path.with_name("changes.zip")
                make(part, range(0, records, every), message=self.sent, name="Вещь")
                return part.read_bytes()
            return made

    with EnterpriseDataSandbox(active=0) as base:
        base.node = Prepared(NODE, "УТ", base.profile, "1.21")
        address_of(path).write_text(base.url)
        print(base.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
