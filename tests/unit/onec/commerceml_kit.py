"""Small exports for tests, and ways to look into what was read of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from connectors.onec.commerceml.classifier import Classifier
from connectors.onec.commerceml.decode import Decoder
from connectors.onec.commerceml.files import CHUNK, Source, find_sources
from connectors.onec.commerceml.outline import OFFER, Outline
from connectors.onec.commerceml.pages import Decode
from connectors.onec.commerceml.slicer import Batch, as_element, records
from obmen.errors import Refused
from obmen.records import Native, Page

NAMESPACE = "urn:1C.ru:commerceml_2"
REAL = ("ut-2.07", "ut-2.07-nested-groups", "bitrix-module-2.09")


def document(*parts: str, made_at: str = "2026-02-02T09:00:00", encoding: str = "UTF-8") -> str:
    return (
        f'<?xml version="1.0" encoding="{encoding}"?>\n<КоммерческаяИнформация xmlns="{NAMESPACE}"'
        f' ВерсияСхемы="2.07" ДатаФормирования="{made_at}">\n{"".join(parts)}</КоммерческаяИнформация>\n'
    )


def catalogue(*goods: str, changes: str = "false") -> str:
    body = "".join(f"\t\t{good}\n" for good in goods)
    return (
        f'\t<Каталог СодержитТолькоИзменения="{changes}">\n\t<Ид>c</Ид>\n\t<Товары>\n{body}\t</Товары>\n\t</Каталог>\n'
    )


def package(*offers: str, changes: str = "false", head: str = "") -> str:
    body = "".join(f"\t\t{offer}\n" for offer in offers)
    return (
        f'\t<ПакетПредложений СодержитТолькоИзменения="{changes}">\n\t<Ид>c#</Ид>{head}\n'
        f"\t<Предложения>\n{body}\t</Предложения>\n\t</ПакетПредложений>\n"
    )


def good(id_: str, article: str = "", extra: str = "", name: str = "Вещь") -> str:
    coded = f"<Артикул>{article}</Артикул>" if article else ""
    return f"<Товар><Ид>{id_}</Ид>{coded}<Наименование>{name}</Наименование>{extra}</Товар>"


def offer(id_: str, extra: str = "", name: str = "Вещь") -> str:
    named = f"<Наименование>{name}</Наименование>" if name else ""
    return f"<Предложение><Ид>{id_}</Ид>{named}{extra}</Предложение>"


def price(amount: str, type_: str = "розница", extra: str = "<Валюта>RUB</Валюта>") -> str:
    inner = f"<ИдТипаЦены>{type_}</ИдТипаЦены><ЦенаЗаЕдиницу>{amount}</ЦенаЗаЕдиницу>{extra}"
    return f"<Цены><Цена>{inner}</Цена></Цены>"


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def natives(pages: Iterable[Page]) -> list[Native]:
    return [native for page in pages for piece in page.slices for native in page.decode(piece)]


def by_id(found: Iterable[Native]) -> dict[str, Native]:
    natives_by_id: dict[str, Native] = {}
    for native in found:
        assert native["Ид"] not in natives_by_id, "each is given once"
        natives_by_id[native["Ид"]] = native
    return natives_by_id


def only_source(path: Path) -> Source:
    (source,) = find_sources(path)
    return source


def batches(source: Source, *, cut: bool = True, size: int = CHUNK) -> tuple[list[Batch], Classifier]:
    classifier = Classifier()
    events = records(source, Outline(classifier, source.name), cut=cut, size=size)
    return [event for event in events if isinstance(event, Batch)], classifier


def was_cut(source: Source) -> bool:
    """Whether every record was cut out of the bytes rather than parsed."""
    found, _ = batches(source)
    return not any(batch.lines for batch in found)


def everything(source: Source, *, cut: bool, size: int = CHUNK) -> list[Any]:
    """All that a file's records decode to, in order, by one of the two ways of reading."""
    found, classifier = batches(source, cut=cut, size=size)
    decoder = Decoder(classifier)
    said: list[Any] = []
    for batch in found:
        for piece in batch.slices:
            element = decoder.element(piece, batch.record)
            said.append((batch.record, element.findtext("{*}Ид")))
            said.append(_decoded(decoder.products, as_element(piece, batch.record)))
            if batch.record == OFFER:
                said += [_decoded(decoder.prices, piece), _decoded(decoder.stocks, piece)]
    return said


def _decoded(decode: Decode, piece: bytes) -> Any:
    try:
        return list(decode(piece))
    except Refused as error:
        return error.code
