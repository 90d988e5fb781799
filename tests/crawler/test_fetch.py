"""The gateway before servers that mean well and servers that do not."""

import asyncio
import gzip
import socket
import time
import zlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import brotli  # type: ignore[import-untyped]
import httpx
import pytest
import zstandard
from aiohttp.abc import AbstractResolver, ResolveResult

from core.values import Validators
from crawler.fetch import (
    BodyError,
    DeadlineError,
    FetchError,
    FetchSettings,
    Gateway,
    RedirectError,
    RefusedError,
    Response,
    RobotsDisallowedError,
    TooLargeError,
    UnreachableError,
)
from tests.crawler.servers import Asked, Route, Server, answer, drip, hang, head, moved, self_signed, serve, slow, spill

LOOPBACK = frozenset({"127.0.0.1"})
ZEROS = bytes(30_000_000)
TEXT = b"<rss>the crew left the quay at dawn</rss>" * 40


def settings(**changes: Any) -> FetchSettings:
    given = {"deadline": timedelta(seconds=0.8), "allow_private_hosts": LOOPBACK, **changes}
    return FetchSettings(**given)


def get(
    url: str, *, how: FetchSettings | None = None, resolver: AbstractResolver | None = None, **kwargs: Any
) -> Response:
    async def ask() -> Response:
        async with Gateway(settings=how or settings(), resolver=resolver) as gateway:
            return await gateway.get(url, **kwargs)

    return asyncio.run(ask())


def get_all(urls: list[str], how: FetchSettings, **kwargs: Any) -> list[Response]:
    async def ask() -> list[Response]:
        async with Gateway(settings=how) as gateway:
            return list(await asyncio.gather(*(gateway.get(url, **kwargs) for url in urls)))

    return asyncio.run(ask())


class FakeResolver(AbstractResolver):
    """Answers each look-up with the next of the given addresses, the last one for ever."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if not self.addresses:
            raise OSError(None, "no such name")
        address = self.addresses.pop(0) if len(self.addresses) > 1 else self.addresses[0]
        return [ResolveResult(hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=0)]

    async def close(self) -> None:
        pass


# --- servers that mean well ---


def test_it_says_who_we_are_and_nothing_more() -> None:
    with serve({"/": answer(body=TEXT)}) as server:
        get(server.url + "/", how=settings(user_agent="setwire/9 (+https://wire.example)"))
    assert set(server.asked[0].headers) == {"host", "user-agent", "accept", "accept-encoding"}
    assert server.asked[0].headers["user-agent"] == b"setwire/9 (+https://wire.example)"


def test_names_of_headers_and_the_address_stay_as_written() -> None:
    with serve({"/%7Ea%2fb?q=%41+c&d=%20": answer()}) as server:
        assert get(server.url + "/%7Ea%2fb?q=%41+c&d=%20#part").status == 200
    assert b"\r\nHost: 127.0.0.1" in server.asked[0].raw
    assert b"\r\nUser-Agent: setwire" in server.asked[0].raw


def test_a_name_beyond_ascii_is_asked_for_in_punycode() -> None:
    with serve({"/": answer()}) as server:
        host = frozenset({"xn--kinobhne-b6a.example"})
        url = f"http://kinobühne.example:{server.port}/"
        get(url, how=settings(allow_private_hosts=host), resolver=FakeResolver("127.0.0.1"))
    assert server.asked[0].headers["host"].startswith(b"xn--kinobhne-b6a.example")


def test_a_cookie_never_comes_back() -> None:
    routes = {"/": answer(302, location="/next", set_cookie="a=1"), "/next": answer(set_cookie="b=2; Path=/")}
    with serve(routes) as server:
        get_all([server.url + "/", server.url + "/", server.url + "/next"], settings(per_host=1))
    assert len(server.asked) == 5
    assert not any("cookie" in asked.headers or "referer" in asked.headers for asked in server.asked)


@pytest.mark.parametrize(
    "etag",
    [
        pytest.param(b'"abc"', id="strong"),
        pytest.param(b'W/"abc"', id="weak"),
        pytest.param(b'W/"a, b  c"--gzip', id="malformed"),
        pytest.param(b"bare", id="unquoted"),
        pytest.param('"Zoë"'.encode(), id="utf-8"),
        pytest.param('"caf\xe9"'.encode("latin-1"), id="latin-1"),
        pytest.param(b'"\xff\xfe\x80"', id="no text at all"),
    ],
)
def test_validators_go_back_byte_for_byte(etag: bytes) -> None:
    since = "Thu, 1 Jan 1970 00:00:00 +0000"
    with serve({"/": answer(body=TEXT, etag=etag, last_modified=since)}) as server:
        first = get(server.url + "/")
        known = Validators(etag=first.headers["etag"], last_modified=first.headers["last-modified"])
        get(server.url + "/", validators=known)
    assert b"\r\nIf-None-Match: " + etag + b"\r\n" in server.asked[1].raw
    assert b"\r\nIf-Modified-Since: " + since.encode() + b"\r\n" in server.asked[1].raw


@pytest.mark.parametrize("etag", ['"a\r\nX-Evil: 1"', '"\x00"'], ids=["crlf", "nul"])
def test_a_validator_that_is_no_header_value_is_not_sent(etag: str) -> None:
    with serve({"/": answer(body=TEXT)}) as server:
        assert get(server.url + "/", validators=Validators(etag=etag)).status == 200
    assert "if-none-match" not in server.asked[0].headers
    assert "x-evil" not in server.asked[0].headers


@pytest.mark.parametrize(
    ("coding", "encode"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("br", brotli.compress),
        ("zstd", zstandard.compress),
        ("gzip, br", lambda body: brotli.compress(gzip.compress(body))),
    ],
)
def test_a_body_is_decoded(coding: str, encode: Callable[[bytes], bytes]) -> None:
    with serve({"/": answer(body=encode(TEXT), content_encoding=coding)}) as server:
        assert get(server.url + "/").body == TEXT


def test_redirects_are_followed_and_a_move_for_good_is_noted() -> None:
    routes = {
        "/old": moved("/new#top", 301),
        "/new": moved("/today", 302),
        "/today": moved("/here", 308),
        "/here": answer(body=TEXT),
    }
    with serve(routes) as server:
        response = get(server.url + "/old")
        assert response.final_url == server.url + "/here"
        assert response.permanent_url == server.url + "/new"
        assert get(server.url + "/new").permanent_url is None


def test_a_sloppy_location_is_read_as_browsers_do() -> None:
    with serve({"/": moved(" /caf\xe9 news?q=a b "), "/caf%E9%20news?q=a%20b": answer(body=TEXT)}) as server:
        assert get(server.url + "/").body == TEXT


def test_an_error_page_is_an_answer_even_when_its_body_is_damaged() -> None:
    with serve({"/": answer(503, b"no gzip at all", content_encoding="gzip")}) as server:
        assert get(server.url + "/").status == 503


def test_no_more_than_so_many_at_a_time_on_one_host() -> None:
    with serve({"/": slow(0.03, answer())}) as server:
        get_all([server.url + "/"] * 8, settings(per_host=2))
        assert server.busiest == 2


def test_questions_to_one_host_share_a_connection() -> None:
    ports: list[int] = []
    with serve({"/": note_port(ports, answer(body=TEXT))}) as server:
        get_all([server.url + "/"] * 5, settings(per_host=1))
    assert len(ports) == 5
    assert len(set(ports)) == 1


def test_a_connection_that_is_closed_as_it_is_used_again_is_replaced() -> None:
    ports: list[int] = []

    async def answer_once(asked: Asked, writer: asyncio.StreamWriter) -> None:
        port = writer.get_extra_info("peername")[1]
        if port in ports:
            writer.close()
        else:
            await note_port(ports, answer(body=TEXT))(asked, writer)

    with serve({"/": answer_once}) as server:
        responses = get_all([server.url + "/"] * 3, settings(per_host=1))
        assert [response.body for response in responses] == [TEXT] * 3
        assert len(server.asked) == 5
    assert len(set(ports)) == 3


def test_a_server_that_only_closes_is_not_asked_for_ever() -> None:
    with serve({"/": spill(b"")}) as server:
        with pytest.raises(UnreachableError):
            get(server.url + "/")
        assert len(server.asked) == 1


def note_port(ports: list[int], then: Route) -> Route:
    """Keep from which port a question came, hence over which connection."""

    async def say(asked: Asked, writer: asyncio.StreamWriter) -> None:
        ports.append(writer.get_extra_info("peername")[1])
        await then(asked, writer)

    return say


def test_the_wait_for_a_place_does_not_count_against_the_deadline() -> None:
    with serve({"/": slow(0.15, answer())}) as server:
        how = settings(per_host=1, deadline=timedelta(seconds=0.6))
        assert [response.status for response in get_all([server.url + "/"] * 6, how)] == [200] * 6


def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with serve({"/": answer(body=TEXT)}) as server:
        assert get(server.url + "/").body == TEXT


def test_a_proxy_of_the_settings_is_asked() -> None:
    with serve({"http://news.example/feed": answer(body=TEXT)}) as server:
        proxy = server.url.replace("http://", "http://user:word@")
        how = settings(proxy=proxy, allow_private_hosts=frozenset())
        assert get("http://news.example/feed", how=how).body == TEXT
    assert server.asked[0].headers["proxy-authorization"] == b"Basic dXNlcjp3b3Jk"


def test_any_httpx_transport_will_do() -> None:
    async def ask() -> Response:
        transport = httpx.MockTransport(lambda request: httpx.Response(200, text=f"asked {request.url}"))
        async with Gateway(settings=settings(), transport=transport) as gateway:
            return await gateway.get("https://news.example/feed")

    assert asyncio.run(ask()).body == b"asked https://news.example/feed"


# --- servers that do not ---

CHUNKED = {"Transfer-Encoding": "chunked"}
FOREVER = head(200, {"Content-Type": "text/xml"})

RUDE: dict[str, tuple[Route, type[FetchError], str]] = {
    "drip of a body": (drip(head(200, {"Content-Length": "9999"}), b"x"), DeadlineError, "took longer than 0.8 s"),
    "drip of a header": (drip(b"HTTP/1.1 200 OK\r\nX-A: ", b"x"), DeadlineError, "took longer"),
    "silence": (hang, DeadlineError, "took longer"),
    "chunks without end": (drip(head(200, CHUNKED), b"1\r\nx\r\n"), DeadlineError, "took longer"),
    "gzip drip": (
        drip(head(200, {"Content-Encoding": "gzip"}) + gzip.compress(b"x")[:10], b"\0"),
        BodyError,
        "damaged",
    ),
    "body without end": (drip(FOREVER, bytes(500_000), 0), TooLargeError, "larger than 1,000,000 bytes"),
    "truncated gzip": (
        answer(body=gzip.compress(TEXT)[:-9], content_encoding="gzip"),
        BodyError,
        "breaks off before its end",
    ),
    "gzip that is none": (answer(body=TEXT, content_encoding="gzip"), BodyError, "damaged"),
    "unknown encoding": (answer(body=TEXT, content_encoding="snappy"), BodyError, "'snappy'"),
    "eight layers": (answer(body=TEXT, content_encoding="gzip," * 8), BodyError, "8 times over"),
    "gzip bomb": (answer(body=gzip.compress(ZEROS), content_encoding="gzip"), TooLargeError, "larger than"),
    "brotli bomb": (answer(body=brotli.compress(ZEROS, quality=5), content_encoding="br"), TooLargeError, "unfolds"),
    "zstd bomb": (answer(body=zstandard.compress(ZEROS), content_encoding="zstd"), TooLargeError, "unfolds"),
    "bomb in a bomb": (
        answer(body=gzip.compress(gzip.compress(ZEROS)), content_encoding="gzip, gzip"),
        TooLargeError,
        "unfolds",
    ),
    "short body": (spill(head(200, {"Content-Length": "900"}) + b"x"), UnreachableError, "broke off"),
    "garbage chunks": (spill(head(200, CHUNKED) + b"zz\r\nwhat\r\n"), UnreachableError, r"127\.0\.0\.1"),
    "headers without end": (drip(b"HTTP/1.1 200 OK\r\n", b"X-A: 1\r\n" * 50, 0), FetchError, "127.0.0.1"),
    "a header without end": (drip(b"HTTP/1.1 200 OK\r\nX-A: ", b"x" * 9000, 0), TooLargeError, "headers larger"),
    "no HTTP": (spill(b"SSH-2.0-OpenSSH_9\r\n"), UnreachableError, "did not answer in HTTP"),
    "closed at once": (spill(b""), UnreachableError, "without an answer"),
    "redirect to itself": (moved("/"), RedirectError, "in a circle"),
    "redirect to the cloud's keys": (moved("http://169.254.169.254/latest/"), RefusedError, "not a public address"),
    "redirect to mapped loopback": (moved("http://[::ffff:127.0.0.1]/"), RefusedError, "not a public address"),
    "redirect to a file": (moved("file:///etc/passwd"), RefusedError, "neither http nor https"),
    "redirect with a password": (moved("http://a:b@news.example/"), RefusedError, "user name or password"),
    "redirect to nonsense": (moved("http://[::1/#"), RefusedError, "malformed"),
    "a body too large by its own word": (
        drip(head(200, {"Content-Length": "1000001"}), b"x"),
        TooLargeError,
        "larger than",
    ),
    "redirect with a backslash": (moved("http://news.example\\@127.0.0.1/"), RefusedError, "backslash"),
}


@pytest.mark.parametrize("name", RUDE)
def test_a_rude_server_costs_no_more_than_the_deadline(name: str) -> None:
    route, error, words = RUDE[name]
    with serve({"/": route}) as server:
        started = time.monotonic()
        with pytest.raises(error, match=words):
            get(server.url + "/", how=settings(max_body_bytes=1_000_000))
        assert time.monotonic() - started < 1.8


def test_an_endless_chain_of_redirects_is_left() -> None:
    with serve({f"/{n}": moved(f"/{n + 1}") for n in range(20)}) as server:
        with pytest.raises(RedirectError, match="more than 5 redirects"):
            get(server.url + "/0")
        assert server.targets == [f"/{n}" for n in range(6)]


def test_a_port_where_nothing_listens() -> None:
    with serve({}) as server:
        url = server.url
    with pytest.raises(UnreachableError, match=r"connection refused: nothing listens at 127.0.0.1"):
        get(url)


def test_a_name_that_does_not_resolve() -> None:
    with pytest.raises(UnreachableError, match=r"DNS: the name variety.example does not resolve"):
        get("https://variety.example/feed", resolver=FakeResolver())


def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    with (
        serve({"/": answer()}, tls=self_signed(tmp_path)) as server,
        pytest.raises(UnreachableError, match=r"TLS: the certificate of 127.0.0.1 is not valid"),
    ):
        get(server.url.replace("http:", "https:"))


def test_tls_where_there_is_none() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(FetchError, match=r"127\.0\.0\.1"):
        get(f"https://127.0.0.1:{listener.getsockname()[1]}")


# --- addresses ---


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.1.2.3", "[::1]", "[::ffff:10.0.0.1]", "[64:ff9b::7f00:1]", "[fd00::1]", "0.0.0.0"]
)
def test_a_private_address_is_refused_before_a_byte_is_sent(host: str) -> None:
    with pytest.raises(RefusedError, match="not a public address"):
        get(f"http://{host}/", how=settings(allow_private_hosts=frozenset()))


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "017700000001", "localhost", "127.0.0.1."])
def test_a_private_address_in_disguise_is_refused(host: str) -> None:
    with serve({"/": answer()}) as server:
        with pytest.raises(FetchError):
            get(f"http://{host}:{server.port}/", how=settings(allow_private_hosts=frozenset()))
        assert server.asked == []


def test_a_name_that_leads_inside_is_refused() -> None:
    with serve({"/": answer()}) as server:
        with pytest.raises(RefusedError, match=r"news.example leads to 127.0.0.1"):
            get(f"http://news.example:{server.port}/", resolver=FakeResolver("127.0.0.1"))
        assert server.asked == []


def test_an_exempt_name_is_connected_to_and_its_port_counts() -> None:
    with serve({"/": answer(body=TEXT)}) as server:
        here = settings(allow_private_hosts=frozenset({f"news.example:{server.port}"}))
        url = f"http://news.example:{server.port}/"
        assert get(url, how=here, resolver=FakeResolver("127.0.0.1")).body == TEXT
        elsewhere = settings(allow_private_hosts=frozenset({"news.example:1"}))
        with pytest.raises(RefusedError):
            get(url, how=elsewhere, resolver=FakeResolver("127.0.0.1"))


# --- robots.txt ---

ROBOTS = b"User-agent: setwire\nDisallow: /private\nCrawl-delay: 0.2\n"


def get_page(server: Server, path: str) -> Response:
    return get(server.url + path, check_robots=True)


def test_robots_is_asked_once_and_obeyed() -> None:
    with serve({"/robots.txt": answer(body=ROBOTS), "/a": answer(), "/b": answer()}) as server:
        started = time.monotonic()
        get_all([server.url + "/a", server.url + "/b", server.url + "/a"], settings(), check_robots=True)
        assert time.monotonic() - started >= 0.4
        assert server.targets.count("/robots.txt") == 1
        with pytest.raises(RobotsDisallowedError, match="forbids /private/x"):
            get_page(server, "/private/x")


def test_a_redirect_does_not_lead_around_robots() -> None:
    with serve({"/robots.txt": answer(body=ROBOTS), "/a": moved("/private/x")}) as server:
        with pytest.raises(RobotsDisallowedError):
            get_page(server, "/a")
        assert "/private/x" not in server.targets


@pytest.mark.parametrize(
    "robots",
    [answer(500), answer(503), answer(429), hang, spill(b""), spill(head(200, {"Content-Length": "99"}) + b"x")],
    ids=["500", "503", "429", "silence", "closed", "cut short"],
)
def test_a_robots_file_that_cannot_be_had_forbids_all(robots: Route) -> None:
    with serve({"/robots.txt": robots, "/a": answer()}) as server:
        with pytest.raises(RobotsDisallowedError, match="could not be had"):
            get_page(server, "/a")
        assert "/a" not in server.targets


@pytest.mark.parametrize(
    "routes",
    [
        {},
        {"/robots.txt": answer(403)},
        {"/robots.txt": answer(body=b"<!doctype html><title>Nothing here</title>")},
        {"/robots.txt": moved("/robots.txt")},
        {"/robots.txt": answer(body=b"# " + b"x" * 600_000)},
    ],
    ids=["404", "403", "html", "loop", "huge"],
)
def test_a_robots_file_that_says_nothing_allows_all(routes: dict[str, Route]) -> None:
    with serve({**routes, "/a": answer(body=TEXT)}) as server:
        assert get_page(server, "/a").body == TEXT


def test_a_robots_file_may_have_moved() -> None:
    routes = {"/robots.txt": moved("/r2"), "/r2": answer(body=b"User-agent: *\nDisallow: /"), "/a": answer()}
    with serve(routes) as server, pytest.raises(RobotsDisallowedError):
        get_page(server, "/a")


def test_feeds_are_not_subject_to_robots() -> None:
    with serve({"/feed": answer(body=TEXT)}) as server:
        get(server.url + "/feed")
        assert server.targets == ["/feed"]
