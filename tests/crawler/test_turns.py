"""Services are asked in turn by all who share a folder, in this process and in others."""

import asyncio
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from crawler.fetch import FetchSettings, Gateway
from crawler.turns import SharedTurns
from tests.crawler.servers import Server, answer, serve, slow
from tests.crawler.test_fetch import FakeResolver

SPACING = timedelta(seconds=0.4)
HOLDER = """
import asyncio, sys
from datetime import timedelta
from pathlib import Path
from crawler.turns import SharedTurns

async def hold():
    async with SharedTurns(Path(sys.argv[1])).take("youtube", timedelta(0)):
        print("held", flush=True)
        await asyncio.sleep(600)

asyncio.run(hold())
"""


def ask_twice(server: Server, folder: Path | None) -> None:
    """Ask YouTube through two gateways at once, as a feed and a crawl of another process would."""
    url = f"http://www.youtube.com:{server.port}/"
    settings = FetchSettings(allow_private_hosts=frozenset({"www.youtube.com"}), shared_folder=folder)

    async def ask() -> None:
        resolver = FakeResolver("127.0.0.1")
        async with (
            Gateway(settings=settings, resolver=resolver) as one,
            Gateway(settings=replace(settings, per_host=9), resolver=resolver) as other,
        ):
            await asyncio.gather(one.get(url), other.get(url))

    asyncio.run(ask())


def test_two_gateways_that_share_a_folder_ask_a_service_in_turn(tmp_path: Path) -> None:
    with serve({"/": slow(0.2, answer())}) as server:
        started = time.monotonic()
        ask_twice(server, tmp_path / "services")
        assert time.monotonic() - started >= 1.0
        assert server.busiest == 1


def test_two_that_share_none_ask_at_once(tmp_path: Path) -> None:
    with serve({"/": slow(0.2, answer())}) as server:
        ask_twice(server, None)
        assert server.busiest == 2


def test_a_process_that_dies_gives_its_turn_back(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"

        async def wait_and_take() -> bool:
            async def take() -> None:
                async with SharedTurns(tmp_path).take("youtube", timedelta(0)):
                    pass

            waiting = asyncio.create_task(take())
            done, _ = await asyncio.wait({waiting}, timeout=0.3)
            holder.kill()
            await waiting
            return bool(done)

        assert not asyncio.run(wait_and_take())


@pytest.mark.parametrize("left", [b"", b"nonsense", b"99999999999.0", b"nan", b"-5"])
def test_what_a_file_was_left_with_delays_nobody_for_long(tmp_path: Path, left: bytes) -> None:
    (tmp_path / "reddit").write_bytes(left)

    async def take_twice() -> list[float]:
        began = [time.monotonic()]
        for _ in range(2):
            async with SharedTurns(tmp_path).take("reddit", SPACING):
                began.append(time.monotonic())
        return began

    started, first, second = asyncio.run(take_twice())
    assert first - started < SPACING.total_seconds() / 2
    assert second - first >= SPACING.total_seconds() - 0.01


def test_a_folder_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    async def take() -> bool:
        async with SharedTurns(tmp_path / "file" / "services").take("reddit", SPACING):
            return True

    assert asyncio.run(take())


def test_a_crawl_delay_holds_between_crawls(tmp_path: Path) -> None:
    """Each crawl is a process of its own: the first page of one follows the last of another."""
    robots = answer(body=b"User-agent: *\nCrawl-delay: 0.4\n")
    settings = FetchSettings(allow_private_hosts=frozenset({"127.0.0.1"}), shared_folder=tmp_path / "services")

    async def ask(url: str) -> None:
        async with Gateway(settings=settings) as gateway:
            await gateway.get(url, check_robots=True)

    with serve({"/robots.txt": robots, "/1": answer(), "/2": answer(), "/3": answer()}) as server:
        started = time.monotonic()
        for number in (1, 2, 3):
            asyncio.run(ask(f"{server.url}/{number}"))
        assert time.monotonic() - started >= 0.8
        assert server.targets == ["/robots.txt", "/1", "/2", "/3"]
