"""A first message of a base, by SOAP in parts, beside a bare parser: ``python -m tests.bench.enterprisedata``.

Each stage runs in a process of its own; the base stands in another, so that neither's memory counts for the
other. ``--records`` is how many goods the message brings (100,000 by default). The run fails if the memory of a
stage grows beyond ``MOST_MIB``: it must not depend on the number of goods.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from tests.bench.cost import print_cost

MOST_MIB = 200
_ROOT = Path(__file__).parents[2]
_STAGES = {"first": "received, kept, read", "unchanged": "nothing changed", "decoded": "every record decoded"}
_SPACE = "http://v8.1c.ru/edi/edi_stnd/EnterpriseData/1.21"
_GOOD = """<Справочник.Номенклатура><КлючевыеСвойства><Ссылка>{ref}</Ссылка>
<НаименованиеПолное>Товар выдуманный номер {number} из группы образцов</НаименованиеПолное>
<КодВПрограмме>ОБ-{number:08}</КодВПрограмме><Артикул>A-{number}</Артикул>
<Наименование>Товар номер {number}</Наименование><Группа><Ссылка>{group}</Ссылка>
<Наименование>Образцы</Наименование></Группа></КлючевыеСвойства><ТипНоменклатуры>Товар</ТипНоменклатуры>
<Описание>Описание товара {other}, каких не бывает, в две строки и без всякого смысла.</Описание>
<ЕдиницаИзмерения><ДанныеКлассификатора><Код>796</Код><Наименование>шт</Наименование></ДанныеКлассификатора>
</ЕдиницаИзмерения><СтавкаНДС><Ставка>20</Ставка><РасчетнаяСтавка>false</РасчетнаяСтавка>
<НеОблагается>false</НеОблагается><ВидСтавки>Общая</ВидСтавки></СтавкаНДС><Марка><Наименование>Марка {brand}
</Наименование></Марка></Справочник.Номенклатура>"""


def make(path: Path, records: int) -> None:
    """Write a message with so many goods as an archive."""
    from lxml import etree  # noqa: PLC0415 - not part of what is measured

    from connectors.onec.enterprisedata.header import make_header  # noqa: PLC0415 - as above
    from connectors.onec.sandbox.enterprisedata import NODE, PLAN  # noqa: PLC0415 - as above

    told: dict[str, Any] = {"plan": PLAN, "sender": "УТ", "to": NODE, "number": 1, "received": 0}
    header = make_header(**told, version="1.21", versions=("1.21",), at=datetime(2026, 6, 15, tzinfo=UTC))
    head = f"<Message>{etree.tostring(header, encoding='unicode')}<Body xmlns='{_SPACE}'>"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("data.xml", "w") as stream:
        for text in chain([head], _goods(records), ["</Body></Message>"]):
            stream.write(text.encode())


def _goods(records: int) -> Iterator[str]:
    group = str(uuid5(NAMESPACE_OID, "group"))
    for number in range(records):
        ref, other = uuid5(NAMESPACE_OID, f"{number}"), uuid5(NAMESPACE_OID, f"of {number}")
        yield _GOOD.format(ref=ref, number=number, group=group, other=other, brand=number % 97)


def serve(path: Path) -> None:
    """Be the base: the message first, then one with nothing in it. Prints the address; ends with its input."""
    from connectors.onec.sandbox.enterprisedata import NODE, EnterpriseDataSandbox  # noqa: PLC0415 - in this stage alone
    from connectors.onec.sandbox.enterprisedata.node import Node  # noqa: PLC0415 - as above

    first = path.read_bytes()

    class Once(Node):
        def message(self, *given: Any) -> bytes:
            made = super().message(*given)
            return first if self.sent == 1 else made

    with EnterpriseDataSandbox(active=0) as base:
        base.node = Once(NODE, "УТ", base.profile, "1.21")
        print(base.url, flush=True)
        sys.stdin.read()


def read(stage: str, url: str, folder: Path, records: int) -> None:
    """Print what a stage costs."""
    import logging  # noqa: PLC0415 - in this stage alone
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - as above

    import structlog  # noqa: PLC0415 - as above

    from connectors.onec.enterprisedata.door import EnterpriseData  # noqa: PLC0415 - as above
    from connectors.onec.enterprisedata.options import EnterpriseDataOptions  # noqa: PLC0415 - as above
    from connectors.onec.sandbox import references  # noqa: PLC0415 - as above
    from connectors.onec.sandbox.enterprisedata import NODE  # noqa: PLC0415 - as above
    from obmen.clock import SystemClock  # noqa: PLC0415 - as above

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    user = {"username": references.USERNAME, "password": references.PASSWORD}
    options = EnterpriseDataOptions(url=f"{url}/trade", node=NODE, folder=folder / "mirror", poll=0.01, **user)
    door = EnterpriseData("ut", options, ZoneInfo("Europe/Moscow"), SystemClock())

    def work() -> None:
        count = 0
        for page in door.products():
            count += len(page.slices) if stage != "decoded" else sum(1 for raw in page.slices for _ in page.decode(raw))
        if count != records:
            raise SystemExit(f"{records} goods were sent, and {count} read")

    print_cost(work)
    door.close()


def bare(path: Path) -> None:
    """Print what going through the same bytes costs a bare parser that lets go of each good."""
    from lxml import etree  # noqa: PLC0415 - in this stage alone

    def work() -> None:
        with zipfile.ZipFile(path) as archive, archive.open("data.xml") as stream:
            for _, element in etree.iterparse(stream, tag="{*}Справочник.Номенклатура"):
                element.clear()
                body = element.getparent()
                while body is not None and body[0] is not element:
                    del body[0]

    print_cost(work)


def main() -> None:
    """Print the table, line by line as it is measured."""
    asked = argparse.ArgumentParser(prog="python -m tests.bench.enterprisedata")
    asked.add_argument("--records", type=int, default=100_000)
    records: int = asked.parse_args().records
    with tempfile.TemporaryDirectory(prefix="obmen-bench-") as folder:
        path = Path(folder) / "message.zip"
        make(path, records)
        unpacked = zipfile.ZipFile(path).infolist()[0].file_size >> 20
        print(f"{records:,} goods, {path.stat().st_size >> 20} MiB in parts, {unpacked} MiB of XML")
        print("| stage                 |  seconds |    CPU s | records/s | of bare |  MiB |")
        alone = _run("bare", str(path))
        _print("lxml.iterparse alone", records, alone, alone)
        command = [sys.executable, "-m", "tests.bench.enterprisedata", "serve", str(path)]
        with subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as base:
            assert base.stdout is not None
            url = base.stdout.readline().strip()
            for stage, title in _STAGES.items():
                _print(title, records, _run("read", stage, url, folder, str(records)), alone)
            base.communicate()


def _run(*arguments: str) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.enterprisedata", *arguments]
    done = subprocess.run(command, cwd=_ROOT, stdout=subprocess.PIPE, check=True)
    cost: dict[str, float] = json.loads(done.stdout)
    return cost


def _print(title: str, records: int, cost: dict[str, float], alone: dict[str, float]) -> None:
    rate, ratio = records / cost["seconds"], cost["cpu"] / alone["cpu"]
    figures = f"{cost['seconds']:8.2f} | {cost['cpu']:8.2f} | {rate:9,.0f} | {ratio:7.2f} | {cost['mib']:4.0f}"
    print(f"| {title:21} | {figures} |", flush=True)
    if cost["mib"] > MOST_MIB:
        raise SystemExit(f"{title}: {cost['mib']:.0f} MiB; the memory grows with the message")


if __name__ == "__main__":
    given = sys.argv[1:]
    if given[:1] == ["serve"]:
        serve(Path(given[1]))
    elif given[:1] == ["read"]:
        read(given[1], given[2], Path(given[3]), int(given[4]))
    elif given[:1] == ["bare"]:
        bare(Path(given[1]))
    else:
        main()
