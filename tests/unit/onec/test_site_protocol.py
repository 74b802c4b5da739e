"""The exchange's steps to the byte, who may take them, and what is said to those who may not."""

from __future__ import annotations

import base64
import io
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree
from pydantic import ValidationError

from connectors.onec.commerceml import CommerceML
from connectors.onec.sandbox.pusher import Answer, HttpWire, Pusher
from connectors.onec.site.auth import FREE_TRIES, LONGEST_WAIT
from connectors.onec.site.endpoint import SiteEndpoint
from connectors.onec.site.sessions import LIFETIME, MOST
from obmen.endpoint import Request
from obmen.testing.clock import FakeClock
from tests.unit.onec.commerceml_kit import catalogue, document, good, natives
from tests.unit.onec.site_kit import LOGIN, PASSWORD, options, pusher, records, served, site

GOODS = document(catalogue(good("a", "A-1"))).encode()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def endpoint(tmp_path: Path, clock: FakeClock) -> Iterator[SiteEndpoint]:
    made = site(tmp_path / "exchange", clock=clock)
    yield made
    made.close()


def basic(login: str = LOGIN, password: str = PASSWORD, encoding: str = "utf-8") -> str:
    return f"Basic {base64.b64encode(f'{login}:{password}'.encode(encoding)).decode()}"


def call(
    endpoint: SiteEndpoint,
    mode: str,
    body: bytes = b"",
    *,
    kind: str = "catalog",
    method: str = "GET",
    path: str = "",
    client: str = "192.0.2.1",
    headers: dict[str, str] | None = None,
    **query: str,
) -> Answer:
    query = {"type": kind, "mode": mode, **query}
    response = endpoint.handle(Request(method, path, query, headers or {}, io.BytesIO(body), client))
    return Answer(response.status, response.body, {"content-type": response.content_type, **response.headers})


def session(endpoint: SiteEndpoint, kind: str = "catalog") -> dict[str, str]:
    answer = call(endpoint, "checkauth", kind=kind, headers={"authorization": basic()})
    word, name, value = answer.body.decode().split("\n")
    assert word == "success"
    return {"cookie": f"other=1; {name}={value}"}


def refusal(answer: Answer) -> str:
    assert answer.status == 200, "1C shows the text of a refusal only if the status is 200"
    word, _, text = answer.body.decode().partition("\n")
    assert word == "failure"
    assert "\n" not in text
    return text


class TestToTheByte:
    def test_checkauth_is_three_lines(self, endpoint: SiteEndpoint) -> None:
        answer = call(endpoint, "checkauth", headers={"authorization": basic()})
        lines = answer.body.split(b"\n")
        assert lines[:2] == [b"success", b"obmen"]
        assert len(lines) == 3
        assert len(lines[2]) == 48
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"

    @pytest.mark.parametrize(("zipped", "word"), [(True, b"yes"), (False, b"no")])
    def test_init_is_exactly_two_lines(self, tmp_path: Path, zipped: bool, word: bytes) -> None:
        endpoint = site(tmp_path / "exchange", zip=zipped, file_limit=4096)
        assert call(endpoint, "init", headers=session(endpoint)).body == b"zip=" + word + b"\nfile_limit=4096"
        endpoint.close()

    @pytest.mark.parametrize("method", ["GET", "POST"])
    @pytest.mark.parametrize("encoding", ["utf-8", "windows-1251"])
    def test_a_whole_push_by_either_method_and_encoding(self, tmp_path: Path, method: str, encoding: str) -> None:
        endpoint = site(tmp_path / "exchange", encoding=encoding)
        text = document(catalogue(good("a", "A-1", name="Ёлка")), encoding=encoding).encode(encoding)
        login = {"authorization": basic(encoding=encoding)}
        lines = call(endpoint, "checkauth", method=method, headers=login).body.decode().split("\n")
        cookie = {"cookie": f"{lines[1]}={lines[2]}"}
        assert call(endpoint, "init", method=method, headers=cookie).body.startswith(b"zip=yes\n")
        name = "import0_1.xml"
        assert call(endpoint, "file", text, method="POST", headers=cookie, filename=name).body == b"success"
        assert call(endpoint, "import", method=method, headers=cookie, filename=name).body == b"success"
        assert "Ёлка" in records(tmp_path / "exchange")["products"][0]
        failed = call(endpoint, "import", method=method, headers=cookie, filename="other.xml")
        assert failed.headers["content-type"] == f"text/plain; charset={encoding}"
        assert "Файл other.xml не был передан" in failed.body.decode(encoding)
        orders = call(endpoint, "query", kind="sale", method=method, headers=cookie)
        assert orders.body.startswith(b"<?xml")
        assert orders.headers["content-type"] == f"text/xml; charset={encoding}"
        assert etree.fromstring(orders.body).tag == "КоммерческаяИнформация"
        assert call(endpoint, "success", kind="sale", method=method, headers=cookie).body == b"success"
        endpoint.close()

    def test_import_is_progress_until_it_is_done(self, tmp_path: Path) -> None:
        held, release = threading.Event(), threading.Event()

        def on_step(step: str) -> None:
            if step == "import.validated":
                held.set()
                assert release.wait(30)

        endpoint = site(tmp_path / "exchange", patience=0.0, on_step=on_step)
        cookie = session(endpoint)
        call(endpoint, "file", GOODS, headers=cookie, filename="import0_1.xml")
        asked = [call(endpoint, "import", headers=cookie, filename="import0_1.xml").body.decode()]
        assert held.wait(30)
        asked.append(call(endpoint, "import", headers=cookie, filename="import0_1.xml").body.decode())
        assert asked[0].startswith("progress\n")
        assert asked[1] == "progress\nПроверено записей: 1"
        release.set()
        endpoint.close()
        assert records(tmp_path / "exchange")["products"]

    def test_info_tells_the_statuses(self, endpoint: SiteEndpoint) -> None:
        answer = call(endpoint, "info", kind="sale", headers=session(endpoint, "sale"))
        assert answer.body.startswith(b"<?xml")
        root = etree.fromstring(answer.body)
        assert root.tag == "Справочник"
        names = root.xpath("Cтатусы/Элемент/Название/text()")  # the first letter is Latin, as 1C's module expects
        assert "Отменен" in names
        assert b"</" + "ПлатежныеСистемы>".encode() in answer.body

    def test_complete_is_answered(self, endpoint: SiteEndpoint) -> None:
        cookie = session(endpoint)
        assert call(endpoint, "complete", headers=cookie).body == b"success"
        assert call(endpoint, "complete", kind="sale", headers=cookie).body == b"success"
        assert call(endpoint, "deactivate", headers=cookie, timestamp="1").body == b"success"


class TestWhoMay:
    def test_no_login_is_asked_for_one(self, endpoint: SiteEndpoint) -> None:
        answer = call(endpoint, "checkauth")
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")
        assert answer.body.decode().startswith("failure\nНе переданы логин и пароль")

    @pytest.mark.parametrize(
        "header",
        [
            basic(password="нет"),
            basic(login="нет"),
            basic(login=LOGIN.lower()),
            basic().replace("Basic", "Bearer"),
            "Basic",
            "Basic !!!",
            "Basic 0Y8=",
            f"Basic {base64.b64encode(LOGIN.encode()).decode()}",
        ],
    )
    def test_a_wrong_one_is_refused_in_words(self, endpoint: SiteEndpoint, header: str) -> None:
        text = refusal(call(endpoint, "checkauth", headers={"authorization": header}))
        assert text.startswith("Неверный логин или пароль")
        assert PASSWORD not in text

    def test_guessing_is_slowed(self, endpoint: SiteEndpoint, clock: FakeClock) -> None:
        wrong, right = {"authorization": basic(password="нет")}, {"authorization": basic()}
        for _ in range(FREE_TRIES):
            assert "Неверный" in refusal(call(endpoint, "checkauth", headers=wrong))
        assert "Слишком много" in refusal(call(endpoint, "checkauth", headers=wrong))
        assert "Слишком много" in refusal(call(endpoint, "checkauth", headers=right)), "not even looked at"
        assert call(endpoint, "checkauth", headers=right, client="192.0.2.2").body.startswith(b"success")
        waits = []
        for _ in range(12):
            said = refusal(call(endpoint, "checkauth", headers=wrong))
            waits.append(int("".join(filter(str.isdecimal, said))))
            clock.advance(waits[-1])
            assert "Неверный" in refusal(call(endpoint, "checkauth", headers=wrong))
        assert waits == sorted(waits)
        assert waits[-1] == LONGEST_WAIT + 1
        clock.advance(LONGEST_WAIT)
        assert call(endpoint, "checkauth", headers=right).body.startswith(b"success")
        assert "Неверный" in refusal(call(endpoint, "checkauth", headers=wrong)), "the count began anew"

    @pytest.mark.parametrize("mode", ["init", "file", "import", "deactivate", "complete"])
    @pytest.mark.parametrize("cookie", ["", "obmen=", "obmen=0", "obmen", "PHPSESSID=1"])
    def test_nothing_goes_without_a_session(self, endpoint: SiteEndpoint, mode: str, cookie: str) -> None:
        headers = {"cookie": cookie, "authorization": basic()}
        assert "Сеанс обмена не найден" in refusal(call(endpoint, mode, GOODS, headers=headers, filename="a.xml"))

    @pytest.mark.parametrize("mode", ["query", "success", "info"])
    def test_nor_with_orders(self, endpoint: SiteEndpoint, mode: str) -> None:
        assert "Сеанс обмена не найден" in refusal(call(endpoint, mode, kind="sale"))

    def test_a_session_ends_when_it_was_idle_for_long(self, endpoint: SiteEndpoint, clock: FakeClock) -> None:
        cookie = session(endpoint)
        clock.advance(LIFETIME - 1)
        assert call(endpoint, "init", headers=cookie).body.startswith(b"zip=")
        clock.advance(LIFETIME - 1)
        assert call(endpoint, "init", headers=cookie).body.startswith(b"zip=")
        clock.advance(LIFETIME + 1)
        assert "истёк" in refusal(call(endpoint, "init", headers=cookie))

    def test_there_are_only_so_many(self, endpoint: SiteEndpoint, clock: FakeClock) -> None:
        cookies = []
        for _ in range(MOST + 1):
            cookies.append(session(endpoint))
            clock.advance(1)
        assert "не найден" in refusal(call(endpoint, "init", headers=cookies[0]))
        assert call(endpoint, "init", headers=cookies[1]).body.startswith(b"zip=")

    def test_a_short_password_is_refused_by_the_project(self) -> None:
        with pytest.raises(ValidationError, match="at least 8 characters"):
            options(password="коротко")


class TestWrongTurns:
    def test_unknown_words(self, endpoint: SiteEndpoint) -> None:
        cookie = session(endpoint)
        assert "mode=buy" in refusal(call(endpoint, "buy", headers=cookie))
        assert "введите его в настройке обмена с сайтом" in refusal(call(endpoint, ""))
        assert "не поддерживается" in refusal(call(endpoint, "query", headers=cookie)), "goods are not fetched"
        assert "reference" in refusal(call(endpoint, "init", kind="reference", headers=cookie))
        assert call(endpoint, "init", method="PUT", headers=cookie).status == 405

    def test_an_import_of_what_was_never_sent(self, endpoint: SiteEndpoint) -> None:
        cookie = session(endpoint)
        text = refusal(call(endpoint, "import", headers=cookie, filename="import0_1.xml"))
        assert text == "Файл import0_1.xml не был передан в этом сеансе обмена. Начните обмен заново."

    def test_what_was_sent_before_init_is_forgotten(self, endpoint: SiteEndpoint) -> None:
        cookie = session(endpoint)
        call(endpoint, "file", GOODS, headers=cookie, filename="import0_1.xml")
        call(endpoint, "init", headers=cookie)
        assert "не был передан" in refusal(call(endpoint, "import", headers=cookie, filename="import0_1.xml"))

    def test_success_without_a_query(self, endpoint: SiteEndpoint) -> None:
        assert "подтверждать нечего" in refusal(call(endpoint, "success", kind="sale", headers=session(endpoint)))

    @pytest.mark.parametrize(
        "name",
        [
            *("", "../a.xml", "a/../../b.xml", "/etc/../../a", "C:\\a.xml", "a\x00.xml", ".site/live.json", "a" * 300),
            *("/".join("abcdefghijk"), "con:.xml", "a\n.xml", ".xml"),
        ],
    )
    def test_names_that_lead_elsewhere(self, endpoint: SiteEndpoint, tmp_path: Path, name: str) -> None:
        before = sorted(path for path in tmp_path.rglob("*") if path.is_file())
        cookie = session(endpoint)
        assert "Недопустимое имя" in refusal(call(endpoint, "file", GOODS, headers=cookie, filename=name))
        assert "Недопустимое имя" in refusal(call(endpoint, "import", headers=cookie, filename=name))
        assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == before

    def test_two_exchanges_at_once_keep_apart(self, endpoint: SiteEndpoint, tmp_path: Path) -> None:
        one, other = session(endpoint), session(endpoint)
        texts = {"one": document(catalogue(good("a", "A-1"))), "other": document(catalogue(good("b", "B-1")))}
        half = len(texts["one"].encode()) // 2
        call(endpoint, "file", texts["one"].encode()[:half], headers=one, filename="import0_1.xml")
        call(endpoint, "file", texts["other"].encode(), headers=other, filename="import0_1.xml")
        assert call(endpoint, "import", headers=other, filename="import0_1.xml").body == b"success"
        assert '"Ид":"b"' in records(tmp_path / "exchange")["products"][0]
        call(endpoint, "file", texts["one"].encode()[half:], headers=one, filename="import0_1.xml")
        assert call(endpoint, "import", headers=one, filename="import0_1.xml").body == b"success"
        (product,) = records(tmp_path / "exchange")["products"]
        assert '"Ид":"a"' in product, "the later push is the newer one"

    def test_many_at_once_over_the_network(self, endpoint: SiteEndpoint, tmp_path: Path) -> None:
        failures: list[BaseException] = []

        def push(url: str, number: int) -> None:
            wire = HttpWire(url)
            try:
                text = document(catalogue(*(good(f"{number}-{n}") for n in range(50)))).encode()
                Pusher(wire, LOGIN, PASSWORD).push({"import0_1.xml": text})
            except BaseException as error:
                failures.append(error)
            finally:
                wire.close()

        with served(endpoint) as url:
            threads = [threading.Thread(target=push, args=(url, number)) for number in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert failures == []
        products = records(tmp_path / "exchange")["products"]
        assert len(products) == 50, "the last one stands, whole and alone"
        assert len({product.split('"Ид":"')[1][0] for product in products}) == 1


def test_an_empty_folder_waits_for_the_first_push(endpoint: SiteEndpoint, tmp_path: Path) -> None:
    source = CommerceML(tmp_path / "exchange")
    for read in (source.products, source.prices, source.stocks):
        (page,) = read()
        assert page.partial, "nothing is taken for gone"
        assert natives([page]) == []


def test_a_folder_with_files_is_left_as_it_is_until_the_first_push(tmp_path: Path) -> None:
    folder = tmp_path / "exchange"
    folder.mkdir()
    (folder / "import.xml").write_bytes(GOODS)
    endpoint = site(folder)
    assert len(records(folder)["products"]) == 1
    pusher(endpoint).push({"import0_1.xml": document(catalogue(good("b"), good("c"))).encode()})
    assert len(records(folder)["products"]) == 2
    endpoint.close()


def test_no_secret_shows(endpoint: SiteEndpoint) -> None:
    assert PASSWORD not in repr(options())
    assert PASSWORD not in repr(vars(endpoint))
