"""Each thing that can be wrong with a project: what is said, and the line that it points to."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from obmen.errors import ConfigurationError
from obmen.project import load_project

from .project_kit import SYSTEMS, Base, flows, project


def _said(folder: Path, text: str, **environment: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        project(folder, text, **environment)
    return str(caught.value).replace(f"{folder}/", "")


def _said_of_flows(folder: Path, text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        flows(folder, text)
    return str(caught.value).replace(f"{folder}/", "")


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no project file .*obmen\.yaml\. Make one with 'obmen init'"):
        load_project(tmp_path, connectors=SYSTEMS)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "obmen.yaml:1: The key 'connections' is missing: name: an account in a system"),
        ("- a\n- b", "obmen.yaml:1: A project has the keys connections and flows."),
        ("connections: {}", "obmen.yaml:1: 'connections' is empty."),
        ("connections:", "obmen.yaml:1: 'connections' has no value."),
        ("connections: [a]", "obmen.yaml:1: 'connections' is meant to be a block of keys."),
        ("connections:\n  ut: base", "obmen.yaml:2: 'ut' is meant to be a block of keys."),
        ("connections:\n  ut:", "obmen.yaml:2: 'ut' has no value."),
        ("connections: {ut: {", "obmen.yaml:1: This is not YAML"),
        ("connections:\n\tut: x", "obmen.yaml:2: This is not YAML"),
        (
            "connections:\n  ut: {connector: base}\n  ut: {connector: base}",
            "obmen.yaml:3: 'ut' stands here twice",
        ),
        (
            "conections:\n  ut: {connector: base}",
            "obmen.yaml:1: There is no key 'conections' here. Did you mean 'connections'?",
        ),
        (
            "connections:\n  ut: {url: x}",
            "obmen.yaml:2: The key 'connector' is missing in 'ut'. Known: base, shop.",
        ),
        (
            "connections:\n  ut:\n    connector: bas",
            "obmen.yaml:3: There is no connector 'bas'. Did you mean 'base'?",
        ),
        ("connections:\n  ../x: {connector: base}", "obmen.yaml:2: '../x': a name is made of letters"),
        (
            "connections:\n  1: {connector: base}",
            "obmen.yaml:2: '1' is meant to be a text; put it in quotes.",
        ),
        (
            "state: mysql://x\nconnections: {ut: {connector: base}}",
            "obmen.yaml:1: 'state' is sqlite:///path or",
        ),
        (
            "state: 'sqlite://'\nconnections: {ut: {connector: base}}",
            "obmen.yaml:1: 'state' is sqlite:///path or",
        ),
        ("state: 5\nconnections: {ut: {connector: base}}", "obmen.yaml:1: 'state' is meant to be a text"),
    ],
)
def test_the_frame(tmp_path: Path, text: str, said: str) -> None:
    assert said in _said(tmp_path, text)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("pasword: x", "5: There is no key 'pasword' here. Did you mean 'password'?"),
        ("xyzzy: x", "5: There is no key 'xyzzy' here. Known: factor, files, folder"),
        ("retries: many", "5: 'retries' is meant to be a whole number."),
        ("retries: 1.5", "5: 'retries' is meant to be a whole number."),
        ("retries: [1]", "5: 'retries' is meant to be a whole number."),
        ("factor: much", "5: 'factor' is meant to be a number."),
        ("strict: perhaps", "5: 'strict' is meant to be true or false."),
        ("url: 7", "5: 'url' is meant to be a text; put it in quotes."),
        ("url:", "5: 'url' has no value."),
        ("folder: [x]", "5: 'folder' is meant to be a path."),
        ("files: x", "5: 'files' is meant to be a list."),
        ("order: x", "5: 'order' is meant to be a block of keys."),
        ("order: {}", "5: The key 'organization' is missing: who sells."),
        (
            "order:\n      organisation: x",
            "6: There is no key 'organisation' here. Did you mean 'organization'?",
        ),
        (
            "order:\n      organization: x\n      priority: first",
            "7: 'priority' is meant to be a whole number.",
        ),
    ],
)
def test_an_option_of_a_connection(tmp_path: Path, option: str, said: str) -> None:
    assert f"obmen.yaml:{said}" in _said(
        tmp_path, f"# invented\nconnections:\n  ut:\n    connector: base\n    {option}\n"
    )


def test_a_missing_option_points_to_its_connection(tmp_path: Path) -> None:
    said = _said(tmp_path, "connections:\n  shop:\n    connector: shop\n    api_key: abcd")
    assert said == "obmen.yaml:2: The key 'client_id' is missing."


def test_a_key_of_a_table_points_to_its_line(tmp_path: Path) -> None:
    said = _said(
        tmp_path,
        """\
        connections:
          shop:
            connector: shop
            client_id: "1"
            api_key: abcd
            warehouses:
              Основной: 7
              Запасной: seven
        """,
    )
    assert said == "obmen.yaml:8: 'Запасной' is meant to be a whole number."


@pytest.mark.parametrize(
    ("flow", "said"),
    [
        ("x: {}", "The key 'entity' is missing: what is carried."),
        ("x: { entity: stock, to: shop }", "The key 'from' is missing: the connection that it is read from"),
        ("x: { entity: stock, from: ut }", "The key 'to' is missing"),
        ("x: [stock]", "'x' is meant to be a block of keys."),
        ("x:", "'x' has no value."),
        ("x y: { entity: stock, from: ut, to: shop }", "'x y': a name is made of letters"),
    ],
)
def test_the_frame_of_a_flow(tmp_path: Path, flow: str, said: str) -> None:
    assert _said_of_flows(tmp_path, flow).startswith(f"obmen.yaml:6: {said}")


@pytest.mark.parametrize(
    ("line", "entity", "source", "to", "said"),
    [
        (7, "stocks", "ut", "shop", "'entity': there is no entity 'stocks'. Did you mean 'stock'?"),
        (8, "stock", "utt", "shop", "There is no connection 'utt'. Did you mean 'ut'?"),
        (9, "stock", "ut", "shopp", "There is no connection 'shopp'. Did you mean 'shop'?"),
        (9, "product", "shop", "[shop]", "'shop' is what this flow reads from"),
        (9, "stock", "ut", "[shop, shop]", "'shop' stands here twice."),
        (9, "stock", "ut", "{ a: b }", "'to' is meant to be a list."),
        (9, "stock", "ut", "~", "'to' has no value."),
        (
            *(8, "stock", "shop", "[]"),
            "The connector 'shop' cannot read 'stock'; those that can: base. It reads: order, product.",
        ),
        (
            *(9, "product", "shop", "ut"),
            "The connector 'base' cannot write 'product'; those that can: shop. It writes: order.",
        ),
    ],
)
def test_a_flows_ends(tmp_path: Path, line: int, entity: str, source: str, to: str, said: str) -> None:
    text = f"x:\n  entity: {entity}\n  from: {source}\n  to: {to}"
    assert _said_of_flows(tmp_path, text).startswith(f"obmen.yaml:{line}: {said}")


@pytest.mark.parametrize(
    ("entity", "words", "said"),
    [
        ("stock", "evry: 2m", "There is no key 'evry' here. Did you mean 'every'?"),
        ("stock", "every: 2", "'every': a time is written as 90s, 2m"),
        ("stock", "every: 0s", "'every': a time is written as 90s, 2m"),
        ("stock", "every: 2 weeks", "'every': a time is written as 90s, 2m"),
        ("stock", "attempts: 0", "'attempts' is meant to be greater than or equal to 1."),
        ("stock", "attempts: few", "'attempts' is meant to be a whole number."),
        ("stock", "guards: { zeroed: 20 }", "'zeroed': a share is written as 20%"),
        ("stock", "guards: { zeroed: -5% }", "'zeroed': a share is written as 20%"),
        ("stock", "guards: { zerod: 5% }", "There is no key 'zerod' here. Did you mean 'zeroed'?"),
        ("stock", "guards: 5%", "'guards' is meant to be a block of keys."),
        ("price", "guards: { zeroed: 5% }", "The guard 'zeroed' watches stock, and this flow carries price."),
        ("stock", "missing: nil", "'missing' is meant to be 'ignore', 'zero' or 'archive'."),
        ("price", "missing: zero", "'missing: zero' is for stock, and this flow carries price."),
        ("price", "where: { price_typ: a }", "'price' has no field 'price_typ'. Did you mean 'price_type'?"),
        ("price", "where: { price_type: 5 }", "'price_type' is meant to be a text; put it in quotes."),
        ("price", "mappings: { shop: no.yaml }", "There is no file "),
        ("price", "mappings: { second: no.yaml }", "This flow neither reads from nor writes to 'second'."),
    ],
)
def test_a_flows_words(tmp_path: Path, entity: str, words: str, said: str) -> None:
    text = f"x:\n  entity: {entity}\n  from: ut\n  to: shop\n  {words}"
    assert _said_of_flows(tmp_path, text).startswith(f"obmen.yaml:10: {said}")


def test_nothing_is_missing_where_only_changes_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Base.readers, "stock", replace(Base.readers["stock"], complete=False))
    said = _said_of_flows(tmp_path, "x:\n  entity: stock\n  from: ut\n  to: shop\n  missing: zero")
    assert said.startswith("obmen.yaml:10: The connector 'base' reads only changes of 'stock'")


def test_two_way_flows_come_later(tmp_path: Path) -> None:
    said = _said_of_flows(tmp_path, "x:\n  entity: customer\n  between: [ut, shop]\n  owner: { phones: ut }")
    assert said == ("obmen.yaml:8: Two-way flows (between:) come in a later version. Until then write from: and to:.")


def test_a_system_that_cannot_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(SYSTEMS["shop"].writers, ("product", "archive"))
    said = _said_of_flows(tmp_path, "x:\n  entity: product\n  from: ut\n  to: shop\n  missing: archive")
    assert said == "obmen.yaml:10: The connector 'shop' cannot archive 'product'."


class TestCollisions:
    """Two flows that write the same records into one place."""

    def test_they_are_refused(self, tmp_path: Path) -> None:
        said = _said_of_flows(
            tmp_path,
            """
            a: { entity: price, from: ut, to: [shop, second] }
            b: { entity: price, from: ut, to: second }
            """,
        )
        assert said.startswith("obmen.yaml:7: The flow 'a' (line 6) writes price into 'second' too")

    def test_unless_one_field_tells_them_apart(self, tmp_path: Path) -> None:
        made = flows(
            tmp_path,
            """
            a: { entity: price, from: ut, to: shop, where: { price_type: a } }
            b: { entity: price, from: ut, to: shop, where: { price_type: b, currency: RUB } }
            """,
        )
        assert len(made.flows) == 2

    def test_different_fields_do_not_tell_them_apart(self, tmp_path: Path) -> None:
        said = _said_of_flows(
            tmp_path,
            """
            a: { entity: price, from: ut, to: shop, where: { price_type: a } }
            b: { entity: price, from: ut, to: shop, where: { currency: RUB } }
            """,
        )
        assert "undo each other" in said

    def test_orders_of_two_channels_are_told_apart_by_their_channel(self, tmp_path: Path) -> None:
        made = flows(
            tmp_path,
            """
            a: { entity: order, from: shop, to: ut }
            b: { entity: order, from: second, to: ut }
            """,
        )
        assert len(made.flows) == 2


class TestVariables:
    def test_a_missing_one_is_named_with_its_line(self, tmp_path: Path) -> None:
        said = _said(tmp_path, "connections:\n  ut:\n    connector: base\n    password: ${UT_PASSWORD}")
        assert said.startswith("obmen.yaml:4: The environment has no variable UT_PASSWORD. Set it, or put it into .env")

    def test_all_missing_ones_are_named_at_once(self, tmp_path: Path) -> None:
        said = _said(tmp_path, "state: ${A}\nconnections:\n  ut:\n    connector: base\n    files:\n      - ${B}")
        assert re.findall(r"yaml:(\d+): .* variable (\w)\.", said) == [("1", "A"), ("6", "B")]

    @pytest.mark.parametrize("wrong", ["${}", "${1A}", "${A", "${A-b}"])
    def test_one_that_is_misspelt(self, tmp_path: Path, wrong: str) -> None:
        said = _said(tmp_path, f"connections:\n  ut: {{ connector: base, url: '{wrong}' }}", A="x")
        assert said.startswith("obmen.yaml:2: A variable is written ${NAME} or ${NAME:-default}")

    def test_a_line_of_the_env_file(self, tmp_path: Path) -> None:
        (tmp_path / ".env").write_text("A=1\nhunter2 hunter2\n", encoding="utf-8")
        assert _said(tmp_path, "connections: {}") == ".env:2: A line here is NAME=value."

    def test_an_env_file_in_another_encoding(self, tmp_path: Path) -> None:
        (tmp_path / ".env").write_bytes("A=пароль".encode("cp1251"))
        assert ".env: The file cannot be read" in _said(tmp_path, "connections: {}")


def test_every_problem_is_told_at_once_in_the_order_of_the_lines(tmp_path: Path) -> None:
    said = _said_of_flows(
        tmp_path,
        """
        a: { entity: stock, from: nowhere, to: nobody }
        b: { entity: price, from: ut, to: shop, where: { nothing: x } }
        """,
    )
    assert [line.split(":")[1] for line in said.splitlines()] == ["6", "6", "7"]


class TestSecrets:
    """What is secret is never said, wherever it stands and whatever is wrong with it."""

    @pytest.mark.parametrize(
        "text",
        [
            "connections:\n  ut: { connector: base, password: q7z }",
            "connections:\n  ut: { connector: base, password: '${S}' }",
            "connections:\n  ut: { connector: base, retries: '${S}' }",
            "connections:\n  ut: { connector: '${S}' }",
            "connections:\n  ut: { connector: base, password: [q7z] }",
            "connections:\n  ut: { connector: base, password: { q: q7z } }",
            "state: ${S}://x\nconnections:\n  ut: { connector: base }",
            "connections:\n  ut: { connector: base, xyz: '${S}' }",
            "connections:\n  shop: { connector: shop, client_id: '', api_key: q7z }",
        ],
    )
    def test_it_is_not_echoed(self, tmp_path: Path, text: str) -> None:
        assert "q7z" not in _said(tmp_path, text, S="q7z")

    def test_a_key_that_looks_like_a_number_is_not_echoed(self, tmp_path: Path) -> None:
        for value in ("00771177", "1_077_1177", "0x77AA77"):
            said = _said(tmp_path, f"connections:\n  ut:\n    connector: base\n    password: {value}")
            assert said.startswith("obmen.yaml:4: ")
            assert value not in said

    def test_the_options_do_not_show_it(self, tmp_path: Path) -> None:
        made = project(tmp_path, "connections: { ut: { connector: base, password: '${S}' } }", S="hunter2")
        assert "hunter2" not in repr(made)
        assert "hunter2" not in repr(made.connections)
