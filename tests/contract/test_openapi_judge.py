"""The judge itself: it must refuse what it is there to refuse."""

import json

import pytest

from tests.contract.openapi_judge import Judge, UnknownOperationError

DOCUMENT = {
    "openapi": "3.0.0",
    "paths": {
        "/things/{id}": {
            "post": {
                "parameters": [
                    {"name": "Key", "in": "header", "required": True},
                    {"name": "page", "in": "query"},
                ],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}},
                },
                "responses": {
                    "200": {
                        "content": {
                            "application/json; charset=utf-8": {
                                "schema": {"type": "array", "items": {"$ref": "#/components/schemas/Both"}}
                            }
                        }
                    },
                    "204": {},
                    "400": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}},
                },
            }
        },
        "/bare": {"post": {"responses": {"default": {"content": {"application/json": {"schema": {}}}}}}},
    },
    "components": {
        "schemas": {
            "Thing": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string", "maxLength": 3},
                    "note": {"type": "string", "nullable": True},
                    "kind": {"type": "string", "enum": ["a"], "nullable": True},
                    "inner": {"properties": {"at": {"type": "string", "format": "date-time"}}},
                    "count": {"type": "integer", "minimum": 0, "exclusiveMinimum": True},
                    "long": {"type": "string", "format": "int64"},
                    "free": {"type": "object"},
                    "map": {"type": "object", "additionalProperties": {"type": "integer"}},
                    "parent": {"$ref": "#/components/schemas/Thing"},
                },
            },
            "Named": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
            "Both": {
                "allOf": [
                    {"$ref": "#/components/schemas/Named"},
                    {"properties": {"size": {"type": "integer"}}},
                ]
            },
            "Error": {"type": "object", "properties": {"message": {"type": "string"}}},
        }
    },
}
JUDGE = Judge(DOCUMENT, gateway={429: 400})


def asked(body: object) -> list[str]:
    return JUDGE.request("POST", "/things/7", json.dumps(body).encode(), headers={"key": "x"})


@pytest.mark.parametrize(
    "body",
    [
        {"name": "a"},
        {"name": "a", "note": None, "kind": None},
        {"name": "a", "inner": {"at": "2026-06-15T09:50:09Z"}, "count": 1, "long": "12"},
        {"name": "a", "free": {"anything": 1}, "map": {"x": 1}},
        {"name": "a", "parent": {"name": "b", "parent": {"name": "c"}}},
    ],
)
def test_takes_what_the_document_allows(body):
    assert asked(body) == []


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({}, "required"),
        ({"name": None}, "not of type"),
        ({"name": "abcd"}, "too long"),
        ({"name": "a", "nmae": "b"}, "nmae"),
        ({"name": "a", "inner": {"when": 1}}, "when"),
        ({"name": "a", "inner": None}, "not of type"),
        ({"name": "a", "inner": {"at": "yesterday"}}, "date-time"),
        ({"name": "a", "inner": {"at": "2026-06-15T09:50:09"}}, "date-time"),
        ({"name": "a", "count": 0}, "minimum"),
        ({"name": "a", "long": "twelve"}, "int64"),
        ({"name": "a", "long": 12}, "not of type"),
        ({"name": "a", "kind": "b"}, "not one of"),
        ({"name": "a", "map": {"x": "1"}}, "not of type"),
        ({"name": "a", "parent": {"name": "b", "extra": 1}}, "extra"),
    ],
)
def test_refuses_what_it_does_not(body, word):
    (complaint,) = asked(body)
    assert word in complaint


def test_refuses_what_no_branch_of_a_composition_knows():
    assert JUDGE.response("POST", "/things/7", 200, b'[{"name": "a", "size": 1}]') == []
    (complaint,) = JUDGE.response("POST", "/things/7", 200, b'[{"name": "a", "sise": 1}]')
    assert "sise" in complaint


def test_knows_operations_statuses_and_parameters():
    with pytest.raises(UnknownOperationError, match="no GET /things/7"):
        JUDGE.operation("GET", "/things/7")
    with pytest.raises(UnknownOperationError):
        JUDGE.operation("POST", "/things/7/parts")
    assert JUDGE.request("POST", "/things/7", b'{"name": "a"}') == ["no header parameter Key"]
    assert JUDGE.request("POST", "/things/7", b'{"name": "a"}', {"pgae": "1"}, {"KEY": "x"}) == [
        "an unknown query parameter pgae"
    ]
    assert JUDGE.request("POST", "/things/7", b"", headers={"Key": "x"}) == ["no body where one is required"]
    assert JUDGE.request("POST", "/things/7", b"{", headers={"Key": "x"})[0].startswith("not JSON")
    assert JUDGE.request("POST", "/bare", b"{}") == ["a body where none is described"]
    assert JUDGE.response("POST", "/things/7", 418, b"{}") == ["status 418 is not documented"]
    assert JUDGE.response("POST", "/things/7", 429, b'{"message": "slow"}') == []
    assert JUDGE.response("POST", "/things/7", 204, b"") == []
    assert JUDGE.response("POST", "/things/7", 204, b"x") == ["a body where none is described: b'x'"]
    assert JUDGE.response("POST", "/bare", 200, b"{}") == ["status 200 is not documented"]
    assert JUDGE.response("POST", "/bare", 500, b"{}") == []
