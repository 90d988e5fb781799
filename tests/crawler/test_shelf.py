"""robots.txt is asked for once a day by all who share a folder: crawls are processes that live a few seconds."""

import asyncio
import resource
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.values import FetchOutcome
from crawler.errors import RobotsDisallowedError
from crawler.fetch import FetchSettings, Gateway
from crawler.shelf import RobotsShelf
from tests.crawler.servers import Route, Server, answer, serve
from tests.crawler.test_runner import CARDS, HTML, LISTING, crawl, settings, source

ORIGIN = "https://pier.example"
DAY = 24 * 3600.0


def look(server: Server, folder: Path, path: str = "/page") -> None:
    """Ask for a page as a process of its own would, with no memory but the folder."""

    async def ask() -> None:
        how = FetchSettings(
            allow_private_hosts=frozenset({"127.0.0.1"}), shared_folder=folder, deadline=timedelta(seconds=2)
        )
        async with Gateway(settings=how) as gateway:
            await gateway.get(server.url + path, check_robots=True)

    asyncio.run(ask())


def test_crawls_of_one_host_ask_for_its_robots_once(tmp_path: Path) -> None:
    how = replace(settings(), fetch=replace(settings().fetch, shared_folder=tmp_path / "services"))
    routes = {"/diary": answer(body=LISTING, content_type=HTML), "/robots.txt": answer(body=b"User-agent: *\n")}
    with serve(routes) as server:
        for _ in range(2):
            assert crawl(source(server.url + "/diary", selectors=CARDS), how).fetch.outcome is FetchOutcome.OK
        assert server.targets == ["/robots.txt", "/diary", "/diary"]


def test_what_robots_forbids_is_forbidden_to_all(tmp_path: Path) -> None:
    with serve({"/robots.txt": answer(body=b"User-agent: *\nDisallow: /no\n"), "/page": answer()}) as server:
        look(server, tmp_path)
        with pytest.raises(RobotsDisallowedError):
            look(server, tmp_path, "/no")
        assert server.targets == ["/robots.txt", "/page"]


@pytest.mark.parametrize("robots", [answer(503), answer(429)])
def test_a_server_in_trouble_is_left_alone_by_all(tmp_path: Path, robots: Route) -> None:
    with serve({"/robots.txt": robots, "/page": answer()}) as server:
        for _ in range(2):
            with pytest.raises(RobotsDisallowedError, match="could not be had"):
                look(server, tmp_path)
        assert server.targets == ["/robots.txt"]


def test_an_answer_holds_as_long_as_it_was_kept_for(tmp_path: Path) -> None:
    time = 1000.0
    shelf = RobotsShelf(tmp_path, clock=lambda: time)
    assert shelf.take(ORIGIN) is None
    shelf.put(ORIGIN, (200, b"User-agent: *\n\xff"), DAY)
    time += 60
    assert shelf.take(ORIGIN) == ((200, b"User-agent: *\n\xff"), DAY - 60)
    time += DAY
    assert shelf.take(ORIGIN) is None
    shelf.put(ORIGIN, None, 600)
    assert shelf.take(ORIGIN) == (None, 600)
    time -= 3 * DAY
    assert shelf.take(ORIGIN) is None, "a clock that was set back must not make an answer last for ever"


def test_the_shelf_stays_small_and_no_origin_reads_anothers(tmp_path: Path) -> None:
    shelf = RobotsShelf(tmp_path, clock=lambda: 0.0)
    for number in range(5000):
        shelf.put(f"{ORIGIN}:{number}", (200, b"%d" % number), DAY)
    found = [shelf.take(f"{ORIGIN}:{number}") for number in range(5000)]
    assert all(kept in (None, ((200, b"%d" % number), DAY)) for number, kept in enumerate(found))
    assert sum(kept is not None for kept in found) == len(list(tmp_path.iterdir())) <= 4096


@pytest.mark.parametrize("content", [b"", b"x", b"[]\n", b'["https://pier.example", "soon", 200]\n', b"\xff" * 9])
def test_a_damaged_file_costs_one_more_question(tmp_path: Path, content: bytes) -> None:
    shelf = RobotsShelf(tmp_path, clock=lambda: 0.0)
    shelf.put(ORIGIN, (200, b""), DAY)
    [file] = tmp_path.iterdir()
    file.write_bytes(content)
    assert shelf.take(ORIGIN) is None


def test_a_folder_that_cannot_be_written_costs_the_sharing_alone(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with serve({"/page": answer()}) as server:
        look(server, tmp_path / "file")
        assert server.targets == ["/robots.txt", "/page"]


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        RobotsShelf(tmp_path, clock=lambda: 0.0).put(ORIGIN, (200, b"#" * 5000), DAY)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["/né/1", "/n%C3%A9/1", "/n%c3%a9/1", "/open/../n%C3%A9/1", "/./n%C3%A9/1"])
def test_robots_judges_the_address_the_server_sees(tmp_path: Path, path: str) -> None:
    with serve({"/robots.txt": answer(body="User-agent: *\nDisallow: /né/\n".encode())}) as server:
        with pytest.raises(RobotsDisallowedError):
            look(server, tmp_path, path)
        assert server.targets == ["/robots.txt"]


@pytest.mark.parametrize("total_bytes", [520_000, 900_000, 2_000_000])
def test_five_hundred_kilobytes_of_robots_are_read(tmp_path: Path, total_bytes: int) -> None:
    """RFC 9309 2.5: at least so much; a rule that is cut short there is none."""
    comment = b"# the quay is closed to robots and open to readers\n"
    start = b"User-agent: *\n" + comment * (511_800 // len(comment)) + b"Disallow: /late\n"
    start += b"#" * (500 * 1024 - len(start) - len(b"\nDisallow: /")) + b"\nDisallow: /page/of/nobody\n"
    body = start + comment * ((total_bytes - len(start)) // len(comment))
    with serve({"/robots.txt": answer(body=body), "/page": answer()}) as server:
        look(server, tmp_path)
        with pytest.raises(RobotsDisallowedError, match="forbids /late"):
            look(server, tmp_path, "/late")
