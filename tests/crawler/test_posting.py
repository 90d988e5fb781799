"""Forms posted to hubs: a hub that names another is followed, with all guards, and nothing else is."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from urllib.parse import parse_qs

import pytest

from crawler.errors import FetchError, RedirectError, RefusedError
from crawler.fetch import FetchSettings, Gateway
from scheduler.loopback import QuietHandler, serve_loopback

FORM = {"hub.mode": "subscribe", "hub.topic": "https://pier.example/feed?a=1&b=é"}

Answers = dict[str, tuple[int, str]]


class _Handler(QuietHandler):
    def __init__(self, answers: Answers, taken: list[tuple[str, dict[str, str]]], *args: object) -> None:
        self._answers, self._taken = answers, taken
        super().__init__(*args)  # type: ignore[arg-type]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._taken.append((self.path, {name: values[0] for name, values in parse_qs(body).items()}))
        status, location = self._answers.get(self.path, (202, ""))
        self.answer(status, "text/plain", b"", **({"Location": location} if location else {}))


@contextmanager
def hubs(answers: Answers) -> Iterator[tuple[str, list[tuple[str, dict[str, str]]]]]:
    taken: list[tuple[str, dict[str, str]]] = []
    with serve_loopback(partial(_Handler, answers, taken)) as address:
        yield address, taken


def post(url: str) -> int:
    async def ask() -> int:
        async with Gateway(settings=FetchSettings(allow_private_hosts=frozenset({"127.0.0.1"}))) as gateway:
            return await gateway.post_form(url, FORM)

    return asyncio.run(ask())


@pytest.mark.parametrize("status", [307, 308])
def test_a_hub_that_names_another_is_followed(status: int) -> None:
    with hubs({"/hub": (status, "/other?x=1")}) as (address, taken):
        assert post(f"{address}/hub") == 202
        assert taken == [("/hub", FORM), ("/other?x=1", FORM)]


@pytest.mark.parametrize("status", [301, 302, 303])
def test_no_other_redirect_is_followed(status: int) -> None:
    with hubs({"/hub": (status, "/other")}) as (address, taken):
        assert post(f"{address}/hub") == status
        assert [path for path, _ in taken] == ["/hub"]


@pytest.mark.parametrize(
    ("location", "error"),
    [("http://10.0.0.1/", RefusedError), ("http://127。0。0。1/", FetchError), ("/hub", RedirectError)],
)
def test_a_hub_leads_nowhere_that_pages_may_not(location: str, error: type[FetchError]) -> None:
    with hubs({"/hub": (307, location.encode().decode("latin-1"))}) as (address, _), pytest.raises(error):
        post(f"{address}/hub")
