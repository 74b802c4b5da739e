"""Hands that serve customers: partners, contacts, cards, bonus points."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import date
from typing import Any
from xml.sax.saxutils import quoteattr

from connectors.onec.sandbox import references
from connectors.onec.sandbox.books import bonuses
from connectors.onec.sandbox.hands.desk import Desk, numbered
from connectors.onec.sandbox.kinds import NO_DATE, NO_REF
from connectors.onec.sandbox.objects.people import BONUSES, CARDS, CONTRAGENTS, PARTNERS

_CONTACTS = "http://www.v8.1c.ru/ssl/contactinfo"


class PeopleHands(Desk):
    """Enters customers and their bonus points."""

    def add_partner(
        self,
        name: str,
        *,
        ref: str = NO_REF,
        phones: Sequence[str] = (),
        emails: Sequence[str] = (),
        address: str = "",
        cards: Sequence[str] = (),
        company: bool = False,
        tax_id: str = "",
        kpp: str = "",
        birthday: date | None = None,
        gender: str = "",
        **more: Any,
    ) -> str:
        """Enter a customer, its contragent and its loyalty cards; return the partner's reference.

        ``phones`` are kept as they are written; ``cards`` are bar codes; ``gender`` is a value of 1C's
        enumeration (Мужской, Женский); ``more`` are properties by 1C's names.
        """
        own: dict[str, Any] = {
            "Ref_Key": ref,
            "Description": name,
            "НаименованиеПолное": name,
            "Клиент": True,
            "ЮрФизЛицо": "Компания" if company else "ЧастноеЛицо",
            "ДатаРегистрации": self.base.local_time(),
            "ДатаРождения": f"{birthday.isoformat()}T00:00:00" if birthday else NO_DATE,
            "Пол": gender,
            "КонтактнаяИнформация": self.contacts(phones, emails, address),
        }
        with self.lock:
            partner = self._create(PARTNERS, {**own, **more})
            self._create(
                CONTRAGENTS,
                {
                    "Description": name,
                    "НаименованиеПолное": name,
                    "Партнер_Key": partner,
                    "ИНН": tax_id,
                    "КПП": kpp,
                    "КонтактнаяИнформация": self.contacts((), (), address),
                    "ЮрФизЛицо": "ЮрЛицо" if company else "ФизЛицо",
                    "ЮридическоеФизическоеЛицо": "ЮридическоеЛицо" if company else "ФизическоеЛицо",
                },
            )
            for code in cards:
                self.add_card(partner, code)
        return partner

    def add_card(self, partner: str, code: str, *, magnetic: str = "", status: str = "Действует") -> str:
        """Give a customer a loyalty card; return its reference."""
        own = {"Owner_Key": references.CARD_KIND, "Description": code or magnetic, "Партнер_Key": partner}
        return self._create(CARDS, {**own, "Штрихкод": code, "МагнитныйКод": magnetic, "Статус": status})

    def contacts(self, phones: Sequence[str], emails: Sequence[str], address: str = "") -> list[dict[str, Any]]:
        """Return rows of КонтактнаяИнформация as the version keeps them: JSON in 11.5, XML in 11.4."""
        rows = [self._contact("Телефон", references.PHONE_KIND, phone, **_phone(phone)) for phone in phones]
        rows += [
            self._contact(
                "АдресЭлектроннойПочты",
                references.EMAIL_KIND,
                email,
                АдресЭП=email,
                ДоменноеИмяСервера=email.partition("@")[2],
            )
            for email in emails
        ]
        if address:
            rows.append(self._contact("Адрес", references.ADDRESS_KIND, address, Страна="РОССИЯ"))
        return numbered(rows)

    def accrue_bonuses(
        self,
        partner: str,
        points: Any,
        *,
        ref: str = NO_REF,
        delay_days: int = 0,
        expires: date | None = None,
        comment: str = "",
    ) -> str:
        """Accrue points, to be spent after ``delay_days``; return the document."""
        own = {
            "ПериодОтсрочкиНачалаДействия": "День" if delay_days else "",
            "КоличествоПериодовОтсрочкиНачалаДействия": delay_days,
            "ДатаОкончанияСрокаДействия": f"{expires.isoformat()}T00:00:00" if expires else NO_DATE,
        }
        return self._bonuses("Начисление", partner, points, Ref_Key=ref, Комментарий=comment, **own)

    def redeem_bonuses(self, partner: str, points: Any, *, ref: str = NO_REF, comment: str = "") -> str:
        """Write points off; return the document."""
        return self._bonuses("Списание", partner, points, Ref_Key=ref, Комментарий=comment)

    def bonus_balance(self, partner: str) -> dict[str, Any]:
        """Return a customer's points: ``balance`` that can be spent now, ``pending`` that begin later."""
        with self.lock:
            return bonuses(self.base).get(partner, {"balance": 0, "pending": 0})

    def _bonuses(self, section: str, partner: str, points: Any, **more: Any) -> str:
        rows = numbered([{"Партнер_Key": partner, "Баллы": points}])
        return self._post(BONUSES, {"БонуснаяПрограммаЛояльности_Key": references.PROGRAM, section: rows, **more})

    def _contact(self, kind: str, kind_ref: str, text: str, **more: str) -> dict[str, Any]:
        row = {"Тип": kind, "Вид_Key": kind_ref, "ВидДляСписка_Key": kind_ref, "Представление": text, **more}
        if self.model.version == "11.4.2":
            said = f'<КонтактнаяИнформация xmlns="{_CONTACTS}" Представление={quoteattr(text)}/>'
            return {**row, "ЗначенияПолей": said}
        return {**row, "Значение": json.dumps({"value": text, "type": kind}, ensure_ascii=False)}


def _phone(written: str) -> dict[str, str]:
    digits = re.sub(r"\D", "", written)
    return {"НомерТелефона": digits, "НомерТелефонаБезКодов": digits[-7:]}
