"""A loopback server of many feeds for the gather bench; runs as a process of its own and costs little itself.

`GET /feeds/NUMBER.xml` on any address of 127/8 answers a feed of 30 items in 56 KB, or 304. `/state?changed=SHARE`
gives so many feeds, spread evenly, a new first item; `/state?delay=SECONDS` makes every feed wait so long. The newest
item is an hour old when the server starts, each other an hour older than the one above it.
"""

import asyncio
import re
import sys
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from random import Random

_WORDS = """
    the a of in on for with first new film director says set cast trailer studio scene crew shoot harbour lights
    season meridian return production story week camera stunt picture release join role announce begin wrap
    location script sequel producer festival premiere night winter summer island river city train storm glass
    paper kite
""".split()  # noqa: SIM905 - a table of words reads best as text
_ITEMS = 30
_FIRST_AT = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
_CONDITION = re.compile(rb"\r\nIf-None-Match: *([^\r]*)\r\n", re.IGNORECASE)


class _World:
    """What all feeds show. `changes` counts the rounds of news; `share` of the feeds takes part in each."""

    changes = 0
    share = 0.0
    delay = 0.0

    def version(self, number: int) -> int:
        takes_part = self.share > 0 and number % round(1 / self.share) == 0
        return self.changes if takes_part else 0

    def set(self, query: str) -> None:
        name, _, value = query.partition("=")
        if name == "changed":
            self.share, self.changes = float(value), self.changes + 1
        else:
            self.delay = float(value)


class _Connection(asyncio.Protocol):
    def __init__(self, world: _World) -> None:
        self._world = world
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._held += data
        while b"\r\n\r\n" in self._held:
            head, _, self._held = self._held.partition(b"\r\n\r\n")
            answer = self._answer(head + b"\r\n")
            if self._world.delay and head.startswith(b"GET /feeds/"):
                asyncio.get_running_loop().call_later(self._world.delay, self._transport.write, answer)
            else:
                self._transport.write(answer)

    def _answer(self, head: bytes) -> bytes:
        path = head.split(b" ", 2)[1].decode()
        if path.startswith("/state?"):
            self._world.set(path.partition("?")[2])
            return b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        number = int(path.removeprefix("/feeds/").removesuffix(".xml"))
        version = self._world.version(number)
        etag = f'"{number}-{version}"'.encode()
        asked = _CONDITION.search(head)
        if asked and asked[1] == etag:
            return b"HTTP/1.1 304 Not Modified\r\nETag: " + etag + b"\r\n\r\n"
        body = make_feed(number, version)
        return (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml; charset=UTF-8\r\nETag: %b\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (etag, len(body), body)
        )


def make_feed(number: int, version: int) -> bytes:
    """Build feed `number` as a WordPress trade paper would; each version has one more item on top."""
    items = "".join(_items(number % 40)).replace("@NUMBER@", str(number))
    fresh = "".join(_item(Random(index), f"new-{index}", index) for index in range(version, 0, -1))
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:atom="http://www.w3.org/2005/Atom"'
        ' xmlns:sy="http://purl.org/rss/1.0/modules/syndication/">\n<channel>\n'
        f"<title>Outlet {number}</title>\n<atom:link href='https://outlet{number}.example/feed/' rel='self'"
        f" type='application/rss+xml' />\n<link>https://outlet{number}.example/</link>\n<description>News</description>\n"
        "<language>en-US</language>\n<sy:updatePeriod>hourly</sy:updatePeriod>\n"
        "<sy:updateFrequency>1</sy:updateFrequency>\n"
        f"{fresh.replace('@NUMBER@', str(number))}{items}</channel></rss>"
    ).encode()


@cache
def _items(seed: int) -> tuple[str, ...]:
    random = Random(seed)
    return tuple(_item(random, str(index), index) for index in range(_ITEMS))


def _item(random: Random, key: str, index: int) -> str:
    title = _sentence(random, 9)
    address = f"https://outlet@NUMBER@.example/2026/03/{title.lower().replace(' ', '-')}-{key}/"
    dated = format_datetime(_FIRST_AT - timedelta(hours=index))
    paragraphs = "".join(f"<p>{_sentence(random, 38)}. <a href='{address}'>more</a></p>\n" for _ in range(3))
    return (
        f"<item>\n<title>{title} &#8211; &#8216;{_sentence(random, 2)}&#8217;</title>\n<link>{address}</link>\n"
        f"<dc:creator><![CDATA[{_sentence(random, 2).title()}]]></dc:creator>\n<pubDate>{dated}</pubDate>\n"
        "<category><![CDATA[Film]]></category>\n<category><![CDATA[Casting]]></category>\n"
        f"<guid isPermaLink='false'>https://outlet@NUMBER@.example/?p={index}{key}</guid>\n"
        f"<description><![CDATA[<p>{_sentence(random, 40)} [&#8230;]</p>]]></description>\n"
        f"<content:encoded><![CDATA[<figure><img src='https://outlet@NUMBER@.example/{key}.jpg' width='800'/></figure>"
        f"{paragraphs}]]></content:encoded>\n</item>\n"
    )


def _sentence(random: Random, count: int) -> str:
    return " ".join(random.choices(_WORDS, k=count)).capitalize()


async def serve() -> None:
    world = _World()
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(world), "0.0.0.0", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve())
