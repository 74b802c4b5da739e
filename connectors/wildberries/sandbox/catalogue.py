"""Categories of goods and what a card of each must tell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connectors.wildberries.sandbox.cabinet import Cabinet, content_error
from obmen.testing.sandbox import Request, Response, route

PARENTS = {11: "Одежда и текстиль", 12: "Дом", 13: "Досуг"}
SUBJECTS = {
    101: (11, "Тапочки"), 102: (11, "Футболки"), 103: (11, "Шапки"), 104: (11, "Полотенца"),
    105: (12, "Кружки"), 106: (12, "Вазы"), 107: (12, "Доски"),
    108: (13, "Тетради"), 109: (13, "Мячики"), 110: (13, "Лампы"),
}  # fmt: skip
"""Subject → its parent and name."""

COLORS = ["белый", "красный", "синий", "чёрный"]
KINDS = ["Детский", "Женский", "Мужской"]
COUNTRIES = ["Китай", "Россия", "Узбекистан"]
SEASONS = ["демисезон", "зима", "лето"]
VAT = ["0", "5", "7", "10", "13", "20", "22", "Без НДС"]

STRINGS, NUMBER, UNUSED = 1, 4, 0
COLOR_ID, VAT_ID, BRAND_ID, MATERIAL_ID, KIND_ID, VOLUME_ID, AGE_ID = (
    14177449, 15001405, 14177446, 14177450, 172, 14177451, 90630,
)  # fmt: skip


def _row(
    id_: int,
    name: str,
    *,
    required: bool = False,
    kind: int = STRINGS,
    most: int = 0,
    unit: str = "",
    named: bool = False,
) -> dict[str, Any]:
    return {
        "charcID": id_,
        "name": name,
        "required": required,
        "unitName": unit,
        "maxCount": most,
        "popular": False,
        "charcType": kind,
        "hasFilter": False,
        "isVariable": False,
        "existNamedField": named,
    }


_EVERYWHERE = [
    _row(BRAND_ID, "Бренд", most=1, named=True),
    _row(COLOR_ID, "Цвет", most=5),
    _row(VAT_ID, "Ставка НДС", most=1),
    _row(14177453, "Снято с учёта", kind=UNUSED),
]
_BY_PARENT = {
    11: [_row(MATERIAL_ID, "Состав", required=True, most=3), _row(KIND_ID, "Пол", most=1)],
    12: [_row(VOLUME_ID, "Объем", required=True, kind=NUMBER, unit="мл")],
    13: [_row(AGE_ID, "Возрастные ограничения", most=1)],
}


def characteristics(subject_id: int) -> list[dict[str, Any]]:
    """Return the characteristics of a subject, as ``object/charcs`` tells them."""
    parent, name = SUBJECTS[subject_id]
    return [{**row, "subjectID": subject_id, "subjectName": name} for row in [*_EVERYWHERE, *_BY_PARENT[parent]]]


def lacking(subject_id: int, told: list[dict[str, Any]]) -> list[int]:
    """Return the required characteristics that a card does not tell."""
    said = {row["id"] for row in told}
    return [row["charcID"] for row in characteristics(subject_id) if row["required"] and row["charcID"] not in said]


def wrong(subject_id: int, told: list[dict[str, Any]]) -> Iterator[str]:
    """Yield what is wrong with the values of a card's characteristics."""
    known = {row["charcID"]: row for row in characteristics(subject_id)}
    for row in told:
        charc, value = known.get(row["id"]), row["value"]
        if charc is None:
            yield f"Характеристики {row['id']} нет у предмета"
        elif charc["charcType"] == UNUSED or charc["existNamedField"]:
            yield f"Характеристику '{charc['name']}' нельзя передать в списке характеристик"
        elif charc["charcType"] == NUMBER:
            if isinstance(value, bool) or not isinstance(value, int | float):
                yield f"Значение характеристики '{charc['name']}' должно быть числом"
        elif not (isinstance(value, list) and value and all(isinstance(one, str) for one in value)):
            yield f"Значение характеристики '{charc['name']}' должно быть массивом строк"
        elif charc["maxCount"] and len(value) > charc["maxCount"]:
            yield f"Характеристика '{charc['name']}' принимает значений не больше {charc['maxCount']}"
        elif charc["charcID"] == VAT_ID and value[0] not in VAT:
            yield f"Недопустимая ставка НДС '{value[0]}'"


class Catalogue(Cabinet):
    """The calls about categories."""

    @route("GET", "/content/v2/object/parent/all")
    def list_parents(self, _: Request) -> Response:
        """Parent categories."""
        return _told([{"id": id_, "name": name, "isVisible": True} for id_, name in PARENTS.items()])

    @route("GET", "/content/v2/object/all")
    def list_subjects(self, request: Request) -> Response:
        """Subjects, paged by offset."""
        limit, offset = int(request.query.get("limit", "30")), int(request.query.get("offset", "0"))
        name, parent = request.query.get("name", "").lower(), request.query.get("parentID")
        rows = [
            {"subjectID": id_, "parentID": above, "subjectName": title, "parentName": PARENTS[above]}
            for id_, (above, title) in SUBJECTS.items()
            if name in title.lower() and (parent is None or int(parent) == above)
        ]
        return _told(rows[offset : offset + min(limit, 1000)])

    @route("GET", r"/content/v2/object/charcs/(?P<subject>\d+)")
    def list_characteristics(self, _: Request, subject: str) -> Response:
        """Characteristics of a subject."""
        if int(subject) not in SUBJECTS:
            return content_error(400, "This category does not exist", {"id": subject})
        return _told(characteristics(int(subject)))

    @route("GET", r"/content/v2/directory/(?P<name>colors|kinds|countries|seasons|vat)")
    def directory(self, _: Request, name: str) -> Response:
        """The values that a characteristic may have."""
        tables: dict[str, list[Any]] = {
            "colors": [{"name": color, "parentName": color} for color in COLORS],
            "kinds": KINDS,
            "countries": [{"name": country, "fullName": country} for country in COUNTRIES],
            "seasons": SEASONS,
            "vat": VAT,
        }
        return _told(tables[name])


def _told(rows: list[Any]) -> Response:
    return Response(json={"data": rows, "error": False, "errorText": "", "additionalErrors": None})
