"""What alerts say: a sentence for the seller and what to do next, in Russian and English."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from obmen.project.alerts import Language
from obmen.state.alerts import Alert
from runner.observe.explanations import Explanation
from runner.observe.notices import Notice
from runner.observe.troubles import Trouble, Value

_DAY = 1440
LONGEST = 600
"""Letters of a system's own words at most."""
_HEADS: Mapping[Language, Mapping[str, str]] = {
    "ru": {"warning": "Внимание", "critical": "Срочно", "over": "Снова в порядке"},
    "en": {"warning": "Attention", "critical": "Urgent", "over": "All right again"},
}
_LABELS: Mapping[Language, tuple[str, str, str]] = {
    "ru": ("Причина", "Что делать", "Длилось"),
    "en": ("Reason", "What to do", "It lasted"),
}
_RULES: Mapping[Language, Mapping[str, tuple[str, str]]] = {
    "ru": {
        "failed": (
            "Обмен «{flow}» не удался {times} раз подряд.",
            "Прочитайте причину: она говорит, что исправить. Обмен пробует снова сам, ничего не потеряно.",
        ),
        "down": (
            "Система «{connection}» не отвечает; обмен с ней остановлен на время.",
            "Проверьте, работает ли она и сеть до неё. Как только ответит, обмен продолжится сам.",
        ),
        "denied": (
            "Система «{connection}» не принимает ключ.",
            "Проверьте ключ и его права в кабинете, впишите новый в настройки: obmen check покажет, чего не хватает.",
        ),
        "expires": (
            "Ключ системы «{connection}» действует до {at}: осталось {left}.",
            "Выпустите новый ключ в кабинете и впишите его в настройки до этого дня.",
        ),
        "project": (
            "Изменённые настройки с ошибкой; работают прежние.",
            "Исправьте то, что названо в причине: obmen check покажет все ошибки с номерами строк.",
        ),
        "late": (
            "Данные обмена «{flow}» устарели: последний раз «{connection}» прочитана целиком {age} назад.",
            "Если причина не названа, посмотрите: obmen status.",
        ),
        "late_busy": (
            "Данные обмена «{flow}» устарели ({age}): «{connection}» занята одной работой уже {busy}.",
            "Посмотрите, движется ли она: obmen status. Если нет, перезапустите службу: ничего не потеряется.",
        ),
        "held": (
            "Обмен «{flow}»: предохранитель задержал изменения ({count}).",
            'Посмотрите их: obmen plan {flow}. Если всё верно: obmen sync {flow} --force "почему".',
        ),
        "promotion": (
            "«{connection}»: акция «{promotion}» меняет цены ({count}), например {example}: {told} → {live}.",
            "Если так нельзя, выйдите из акции в кабинете или, где есть вызов, задайте «{flow}» verify: { leave: on }.",
        ),
        "emptied": (
            "Обмен «{flow}»: «{connection}» больше ничего не отдаёт, хотя раньше записи были.",
            "Посмотрите, что выгружает источник. В каналах пока всё осталось как было.",
        ),
        "unsent": (
            "Обмен «{flow}»: «{connection}» не получает {entity} уже {age} (ждут: {count}).",
            "Посмотрите, чего они ждут: obmen status и obmen quarantine list.",
        ),
        "unsent_order": (
            "Обмен «{flow}»: заказ {age} без номера в «{connection}» (таких: {count}).",
            "Посмотрите, чего он ждёт: obmen quarantine list --flow {flow}. Пока его нет там, товар не зарезервирован.",
        ),
        "quarantine": (
            "Обмен «{flow}»: по одной причине отложено: {count} («{connection}», код {code}), например {example}.",
            "Посмотрите: obmen quarantine list. После исправления: obmen quarantine replay --code {code}.",
        ),
        "silence": (
            "Из «{connection}» {age} рабочего времени не приходит ничего ({entity}).",
            "Проверьте в кабинете, видны ли товары покупателям и есть ли там заказы, которых нет у вас.",
        ),
        "deadline": (
            "«{connection}»: не собраны заказы ({count}), которые надо сдать до {at}; осталось {left}: {numbers}.",
            "Соберите их и сдайте в срок, либо отметьте сборку в 1С или в кабинете.",
        ),
    },
    "en": {
        "failed": (
            "The flow {flow} has failed {times} times in a row.",
            "Read the reason: it says what to mend. The flow tries again by itself, and nothing is lost.",
        ),
        "down": (
            "The system {connection} does not answer; the work with it rests for a while.",
            "Check whether it works, and the network to it. Once it answers, everything goes on by itself.",
        ),
        "denied": (
            "The system {connection} does not take the key.",
            "Check the key and its rights in the cabinet and put a new one into the project: obmen check tells more.",
        ),
        "expires": (
            "The key of {connection} is valid until {at}: {left} are left.",
            "Make a new key in the cabinet and put it into the project before that day.",
        ),
        "project": (
            "The changed project is wrong; the one before goes on.",
            "Mend what the reason names: obmen check tells all mistakes with their lines.",
        ),
        "late": (
            "What the flow {flow} knows is old: {connection} was last read to its end {age} ago.",
            "If no reason is named, look: obmen status.",
        ),
        "late_busy": (
            "What the flow {flow} knows is old ({age}): {connection} has been at one task for {busy}.",
            "See whether it goes on: obmen status. If not, start the service anew: nothing is lost.",
        ),
        "held": (
            "The flow {flow}: a guard holds changes ({count}).",
            'See them: obmen plan {flow}. If they are right: obmen sync {flow} --force "why".',
        ),
        "promotion": (
            "{connection}: promotion “{promotion}” changes prices ({count}), such as {example}: {told} → {live}.",
            "If it may not, leave it in the cabinet or, where there is a call, by verify: { leave: on } in {flow}.",
        ),
        "emptied": (
            "The flow {flow}: {connection} gives nothing any more, though it had records.",
            "See what the source exports. In the channels all has stayed as it was.",
        ),
        "unsent": (
            "The flow {flow}: {connection} has not been told of {entity} for {age} ({count} wait).",
            "See what they wait for: obmen status and obmen quarantine list.",
        ),
        "unsent_order": (
            "The flow {flow}: an order has no number in {connection} for {age} ({count} in all).",
            "See what it waits for: obmen quarantine list --flow {flow}. Until it is there, no goods are reserved.",
        ),
        "quarantine": (
            "The flow {flow}: {count} records set aside for one cause ({connection}, code {code}), such as {example}.",
            "Look: obmen quarantine list --code {code}. Once it is mended: obmen quarantine replay --code {code}.",
        ),
        "silence": (
            "Nothing ({entity}) has come from {connection} for {age} of its hours.",
            "See in the cabinet whether buyers can see the goods, and whether it has orders that you lack.",
        ),
        "deadline": (
            "{connection}: orders to be handed over by {at} are not assembled ({count}); {left} left: {numbers}.",
            "Assemble them and hand them over in time, or note in 1C or in the cabinet that they are.",
        ),
    },
}
RULES = frozenset(_RULES["en"]) - {"unsent_order", "late_busy"}
"""The rules that there are words for."""
_ENTITIES = {
    "product": "товары",
    "price": "цены",
    "stock": "остатки",
    "order": "заказы",
    "order_status": "статусы заказов",
    "return": "возвраты",
    "customer": "покупатели",
    "bonus_account": "бонусные счета",
    "bonus_operation": "бонусные операции",
    "accrual": "начисления",
    "sale": "чеки",
}
_UNITS: Mapping[Language, tuple[str, str, str]] = {"ru": ("д", "ч", "мин"), "en": ("d", "h", "min")}
_OTHERS: Mapping[Language, Mapping[str, str]] = {
    "ru": {
        "test": "Проверка: оповещения Obmen доходят сюда.",
        "summary": "Ещё {count} сообщений; чаще {limit} в час сюда не пишется:",
        "own": "слова системы",
        "unknown": "такой причины Obmen не знает, это слова системы",
    },
    "en": {
        "test": "A test: alerts of Obmen arrive here.",
        "summary": "{count} messages more; no more than {limit} an hour come here:",
        "own": "the system's own words",
        "unknown": "Obmen does not know this reason; these are the system's own words",
    },
}


class Words:
    """Tells troubles in one language; times are those of the service's zone."""

    def __init__(self, language: Language, zone: ZoneInfo) -> None:
        self._language: Language = language
        self._zone = zone

    def trouble(self, trouble: Trouble, meant: Explanation | None = None) -> str:
        """Return sentence, reason and next step; ``meant``: what the system's own words mean."""
        sentence, action = _RULES[self._language][_told_as(trouble)]
        values = {name: self._shown(name, value) for name, value in trouble.values.items()}
        reason, step, _ = _LABELS[self._language]
        said = values.get("words", "")
        if meant is not None:
            action = f"{meant.action(self._language)} {action}"
            said = f"{meant.sentence(self._language)} ({_OTHERS[self._language]['own']}: {said})"
        elif said and trouble.rule == "quarantine":
            said = f"{said} ({_OTHERS[self._language]['unknown']})"
        because = f"\n{reason}: {said}" if said else ""
        return f"{sentence.format(**values)}{because}\n{step}: {_filled(action, values)}"

    def head(self, level: str) -> str:
        """Return the word that a message begins with."""
        return _HEADS[self._language].get(level, "Obmen")

    def over(self, alert: Alert) -> str:
        """Return what is said when a trouble has ended: what it was, and how long it lasted."""
        lasted = (alert.over_at or alert.since) - alert.since
        return f"{alert.text.splitlines()[0]}\n{_LABELS[self._language][2]}: {self.spell(lasted)}"

    def test(self) -> str:
        """Return what a test says."""
        return _OTHERS[self._language]["test"]

    def summary(self, notices: list[Notice], limit: int) -> str:
        """Return many messages as one."""
        head = _OTHERS[self._language]["summary"].format(count=len(notices), limit=limit)
        shown = [f"– {self.head(one.level)}: {one.text.splitlines()[0]}" for one in notices[:10]]
        return "\n".join([head, *shown, *(["…"] if len(notices) > len(shown) else [])])

    def spell(self, seconds: float) -> str:
        """Return a length of time in words."""
        days, hours, minutes = _UNITS[self._language]
        whole = round(max(seconds, 0.0) / 60)
        long = whole // _DAY
        parts = ((long, days), (whole // 60 % 24, hours), (0 if long else whole % 60, minutes))
        return " ".join(f"{count} {unit}" for count, unit in parts if count) or f"0 {minutes}"

    def _shown(self, name: str, value: Value) -> str:
        if name == "at":
            return f"{datetime.fromtimestamp(float(value), self._zone):%d.%m %H:%M}"
        if name in {"age", "left", "busy"}:
            return self.spell(float(value))
        if name == "entity" and self._language == "ru":
            return _ENTITIES.get(str(value), str(value))
        text = str(value)
        return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def _told_as(trouble: Trouble) -> str:
    """Return which sentence tells a trouble: some rules have one more for what is special."""
    if trouble.rule == "unsent" and trouble.values.get("entity") == "order":
        return "unsent_order"
    return "late_busy" if trouble.rule == "late" and "busy" in trouble.values else trouble.rule


def _filled(action: str, values: Mapping[str, str]) -> str:
    """Fill in what the action names; a vendor's own braces stay as they are."""
    for name, value in values.items():
        action = action.replace("{" + name + "}", value)
    return action
