"""The address check where names become addresses."""

import asyncio
import socket
from contextlib import suppress

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st

from crawler.errors import RefusedError
from crawler.guard import AllowList, GuardedResolver, SystemResolver, check_target

NOBODY = AllowList(frozenset())


class Answers(AbstractResolver):
    """Gives one list of addresses after the other."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in self.answers.pop(0)
        ]

    async def close(self) -> None:
        pass


def resolve(*answers: list[str], allowed: AllowList = NOBODY) -> list[list[str]]:
    async def ask() -> list[list[str]]:
        resolver = GuardedResolver(Answers(*answers), allowed)
        results = [await resolver.resolve("news.example", 443) for _ in answers]
        return [[found["host"] for found in result] for result in results]

    return asyncio.run(ask())


def test_only_public_addresses_are_handed_on() -> None:
    assert resolve(["10.0.0.1", "93.184.215.14", "fd00::1", "2606:2800::1"]) == [["93.184.215.14", "2606:2800::1"]]


def test_a_name_that_turns_private_is_refused_at_its_second_look_up() -> None:
    assert resolve(["93.184.215.14"]) == [["93.184.215.14"]]
    with pytest.raises(RefusedError, match=r"news\.example leads to 169\.254\.169\.254"):
        resolve(["93.184.215.14"], ["169.254.169.254"])


@pytest.mark.parametrize("address", ["fe80::1%eth0", "::ffff:7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "::1"])
def test_an_address_in_disguise_is_refused(address: str) -> None:
    with pytest.raises(RefusedError):
        resolve([address])


def test_an_exempt_name_may_lead_anywhere() -> None:
    assert resolve(["10.0.0.1"], allowed=AllowList(frozenset({"News.example"}))) == [["10.0.0.1"]]


def test_the_system_reads_numbers_as_the_numbers_they_mean() -> None:
    async def ask(host: str) -> set[str]:
        resolver = SystemResolver()
        found = await resolver.resolve(host, 80, socket.AF_INET)
        await resolver.close()
        return {result["host"] for result in found}

    assert asyncio.run(ask("0x7f.1")) == asyncio.run(ask("2130706433")) == {"127.0.0.1"}


@pytest.mark.parametrize(
    ("allowed", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1/"),
        ("127.0.0.1:8000", "http://127.0.0.1:8000/"),
        ("::1", "http://[::1]:9/"),
        ("[::1]:443", "https://[::1]/"),
        ("Reader.internal", "http://reader.internal/"),
    ],
)
def test_an_exemption_names_a_host_or_a_host_and_port(allowed: str, url: str) -> None:
    assert check_target(url, AllowList(frozenset({allowed})))[0]


@pytest.mark.parametrize("url", ["http://127.0.0.1:81/", "http://127.0.0.2:80/", "https://127.0.0.1/"])
def test_an_exemption_reaches_no_further(url: str) -> None:
    with pytest.raises(RefusedError):
        check_target(url, AllowList(frozenset({"127.0.0.1:80"})))


@pytest.mark.parametrize(
    "url",
    ["", "news.example", "//news.example/", "ftp://news.example/", "http://", "http://a:b@news.example/",
     "http://news.example\\@evil.example/", "http://news.example/\r\nX: 1", "http://[::1/", "http://h:99999/"],
)  # fmt: skip
def test_a_url_of_the_wrong_shape_is_refused(url: str) -> None:
    with pytest.raises(RefusedError):
        check_target(url, NOBODY)


@given(st.text(max_size=40))
def test_no_text_breaks_the_check(text: str) -> None:
    for url in (text, f"http://{text}", f"https://news.example:{text}/"):
        with suppress(RefusedError):
            assert check_target(url, NOBODY)


def test_an_address_is_judged_as_it_is_connected_to() -> None:
    guard = GuardedResolver(Answers(), AllowList(frozenset({"127.0.0.1:80"})))
    assert asyncio.run(guard.resolve("127.0.0.1", 80))[0]["host"] == "127.0.0.1"
    for address, port in (("127.0.0.1", 81), ("::1", 80), ("::ffff:10.0.0.1", 80), ("169.254.169.254", 80)):
        with pytest.raises(RefusedError, match="is not a public address"):
            asyncio.run(guard.resolve(address, port))
