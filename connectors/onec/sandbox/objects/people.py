"""Customers, their cards and bonus points."""

from __future__ import annotations

from connectors.onec.sandbox.kinds import Type, catalog, document, rows, without
from connectors.onec.sandbox.objects.goods import ADDITIONAL

PARTNERS = "Catalog_Партнеры"
CONTRAGENTS = "Catalog_Контрагенты"
CARDS = "Catalog_КартыЛояльности"
CARD_KINDS = "Catalog_ВидыКартЛояльности"
PROGRAMS = "Catalog_БонусныеПрограммыЛояльности"
CONTACT_KINDS = "Catalog_ВидыКонтактнойИнформации"
BONUSES = "Document_НачислениеИСписаниеБонусныхБаллов"

CONTACTS = rows(
    guids="Вид_Key ВидДляСписка_Key",
    strings="""Тип Представление ЗначенияПолей Страна Регион Город АдресЭП ДоменноеИмяСервера НомерТелефона
        НомерТелефонаБезКодов Значение""",
    moments="ДействуетС",
)


def _partners(version: str) -> Type:
    guids = """БизнесРегион_Key ГруппаДоступа_Key ОсновнойМенеджер_Key ШаблонЭтикетки_Key
        НазначениеПереработчика_Key"""
    strings = """Комментарий НаименованиеПолное ДополнительнаяИнформация ЮрФизЛицо Пол
        ВариантОтправкиЭлектронногоЧека"""
    flags = """Клиент Поставщик Конкурент ПрочиеОтношения ОбслуживаетсяТорговымиПредставителями Перевозчик"""
    if version == "11.4.2":
        guids, strings, flags = f"{guids} РеквизитАртикула_Key", f"{strings} ПарольМП", f"{flags} РелизМП"
    else:
        guids += " ЗонаДоставки_Key ВидЦен_Key ИндивидуальныйВидЦены_Key"
    if version == "11.5.8":
        flags += " злЭлектроннаяКоммерция злПодрядчик"
    return catalog(
        hierarchical=True,
        guids=guids,
        strings=strings,
        moments="ДатаРегистрации ДатаРождения",
        flags=flags,
        sections={"КонтактнаяИнформация": CONTACTS, "ДополнительныеРеквизиты": ADDITIONAL},
    )


def _contragents(version: str) -> Type:
    whole = catalog(
        code=False,
        guids="СтранаРегистрации_Key ГоловнойКонтрагент_Key Партнер_Key",
        strings="""НаименованиеПолное ЮридическоеФизическоеЛицо ИНН КПП ДополнительнаяИнформация ЮрФизЛицо
            КодПоОКПО РегистрационныйНомер НалоговыйНомер НаименованиеМеждународное""",
        flags="ОбособленноеПодразделение НДСПоСтавкам4и2",
        sections={
            "КонтактнаяИнформация": CONTACTS,
            "ДополнительныеРеквизиты": ADDITIONAL,
            "ИсторияКПП": rows(moments="Период", strings="КПП"),
            "ИсторияНаименований": rows(moments="Период", strings="НаименованиеПолное"),
        },
    )
    if version != "11.4.2":
        return whole
    sections = {name: whole.sections[name] for name in ("КонтактнаяИнформация", "ДополнительныеРеквизиты")}
    return Type(without(whole.properties, "НДСПоСтавкам4и2 НаименованиеМеждународное"), sections)


def people_types(version: str) -> dict[str, Type]:
    """Return the catalogs of customers and loyalty, and the document that moves bonus points."""
    spare = "БезУчетаПредоставленныхСкидок" if version == "11.5.20" else ""
    return {
        PARTNERS: _partners(version),
        CONTRAGENTS: _contragents(version),
        "Catalog_Организации": catalog(strings="НаименованиеПолное ИНН КПП"),
        "Catalog_СоглашенияСКлиентами": catalog(guids="Партнер_Key Контрагент_Key Организация_Key"),
        CONTACT_KINDS: catalog(hierarchical=True, code=False, strings="Тип ИмяПредопределенногоВида"),
        CARDS: catalog(
            owner="one",
            code=False,
            guids="Партнер_Key Контрагент_Key Соглашение_Key",
            strings="Штрихкод МагнитныйКод Статус",
        ),
        CARD_KINDS: catalog(
            code=False,
            guids="Организация_Key БонуснаяПрограммаЛояльности_Key",
            strings="Статус Комментарий ТипКарты",
            moments="ДатаНачалаДействия ДатаОкончанияДействия",
            flags="Персонализирована АвтоматическаяРегистрацияПриПервомСчитывании",
            sections={
                "ШаблоныКодовКартЛояльности": rows(
                    guids="ШаблонМагнитнойКарты_Key",
                    strings="""НачалоДиапазонаШтрихкода КонецДиапазонаШтрихкода НачалоДиапазонаМагнитногоКода
                        КонецДиапазонаМагнитногоКода""",
                    shorts="ДлинаШтрихкода ДлинаМагнитногоКода",
                )
            },
        ),
        PROGRAMS: catalog(
            code=False,
            guids="ВалютаКонвертацииБонусов_Key СегментНоменклатуры_Key",
            strings="Комментарий",
            flags=f"НеНачислятьБаллыПриОплатеБонусами {spare}",
            numbers="КурсКонвертацииБонусовВВалюту МаксимальныйПроцентОплатыБонусами",
            sections={"ЦеновыеГруппы": rows(guids="ЦеноваяГруппа_Key", numbers="МаксимальныйПроцентОплатыБонусами")},
        ),
        BONUSES: document(
            guids="МаркетинговоеМероприятие_Key БонуснаяПрограммаЛояльности_Key ПравилоНачисления_Key",
            strings="Комментарий ПериодДействия ПериодОтсрочкиНачалаДействия ВидПравила",
            moments="ДатаОкончанияСрокаДействия",
            shorts="КоличествоПериодовДействия КоличествоПериодовОтсрочкиНачалаДействия",
            sections={
                "Начисление": rows(guids="Партнер_Key", numbers="Баллы"),
                "Списание": rows(guids="Партнер_Key", numbers="Баллы"),
            },
        ),
    }
