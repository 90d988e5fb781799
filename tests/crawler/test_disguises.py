"""Addresses that look like names: what the guard judges is what is connected to."""

import asyncio
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.errors import FetchError, RefusedError
from crawler.fetch import FetchSettings, Gateway
from crawler.guard import AllowList, check_target, is_address
from tests.crawler.servers import answer, moved, serve

NOWHERE = FetchSettings()
DISGUISES = [
    "127。0。0。1",
    "127\uff0e0\uff0e0\uff0e1",
    "127\uff610\uff610\uff611",
    "127.0.0。1",
    "\uff11\uff12\uff17.0.0.1",
    "①②⑦.0.0.1",
    "127.0.0.1\u200b",
    "127.0.0.1\u00ad",
    "0177.0.0.1",
    "127.0.0.01",
    "0",
]


@pytest.mark.parametrize("host", DISGUISES)
def test_an_address_in_disguise_is_asked_nothing(host: str) -> None:
    async def ask(url: str) -> None:
        async with Gateway(settings=NOWHERE) as gateway:
            with pytest.raises(FetchError):
                await gateway.get(url)
            with pytest.raises(FetchError):
                await gateway.get(url, check_robots=True)
            with pytest.raises(FetchError):
                await gateway.post_form(url, {"hub.mode": "subscribe"})

    with serve({"/": answer()}) as server:
        asyncio.run(ask(f"http://{host}:{server.port}/"))
        assert server.asked == []


@pytest.mark.parametrize("host", DISGUISES)
def test_no_redirect_leads_to_an_address_in_disguise(host: str) -> None:
    async def ask(url: str) -> None:
        async with Gateway(settings=here) as gateway:
            with pytest.raises(FetchError):
                await gateway.get(url)

    with (
        serve({"/": answer()}) as inner,
        serve({"/": moved(f"http://{host}:{inner.port}/".encode().decode("latin-1"))}) as outer,
    ):
        here = FetchSettings(allow_private_hosts=frozenset({f"127.0.0.1:{outer.port}"}))
        asyncio.run(ask(f"{outer.url}/"))
        assert (len(outer.asked), inner.asked) == (1, [])


@settings(deadline=None, max_examples=300)
@given(st.text(st.sampled_from("0127.。\uff0e\uff61１２７①٠xfaLK\u212aé-:[]%"), min_size=1, max_size=16))
def test_a_name_for_the_guard_is_a_name_on_the_wire(host: str) -> None:
    try:
        judged, _ = check_target(f"http://{host}/", AllowList(frozenset()))
        written = str(httpx.URL(f"http://{host}/"))
    except (RefusedError, httpx.InvalidURL):
        return
    assert is_address(urlsplit(written).hostname or "") == is_address(judged)
