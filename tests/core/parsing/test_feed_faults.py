"""Faults of feeds as publishers make them: mail addresses for authors, blanks in links, breaks in JSON."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from core.parsing.feeds import parse_feed
from core.urls import resolve_url
from core.values import ParsedEntry

NOW = datetime(2026, 11, 23, tzinfo=UTC)
URL = "https://pier.example/feed"
MEDIA = 'xmlns:media="http://search.yahoo.com/mrss/"'


def read(item: str) -> ParsedEntry:
    body = f'<rss version="2.0"><channel><title>Pier</title><item><title>T</title>{item}</item></channel></rss>'
    [entry] = parse_feed(body.encode(), url=URL, now=NOW).entries
    return entry


@pytest.mark.parametrize(
    ("stated", "name"),
    [
        ("jo@pier.com (Jo Doe)", "Jo Doe"),
        ("jo@pier.studio (Jo Doe)", "Jo Doe"),
        ("Jo Doe &lt;jo@pier.studio&gt;", "Jo Doe"),
        ("Jo Doe &amp;lt;jo@pier.studio&amp;gt;", "Jo Doe"),
        ("Jo Doe (jo@pier.film)", "Jo Doe"),
        ("jo@pier.com, Jo Doe", "Jo Doe"),
        ("jo@pier.studio", "jo"),
        ("jo@pier.com", "jo@pier.com"),
    ],
)
def test_of_a_mail_address_and_a_name_the_name_is_kept(stated: str, name: str) -> None:
    assert read(f"<author>{stated}</author>").author == name


def test_a_video_keeps_its_still_beside_an_author_with_an_address() -> None:
    still = '<media:thumbnail url="https://pier.example/still.jpg"/>'
    video = f'<media:content {MEDIA} url="https://pier.example/v.mp4" type="video/mp4">{still}</media:content>'
    assert read(f"{video}<author>jo@pier.com (Jo)</author>").image_url == "https://pier.example/still.jpg"


def test_blanks_in_links_are_escaped() -> None:
    entry = read("<link>https://pier.example/set photos/day one.html?q=a b</link>")
    assert entry.url == "https://pier.example/set%20photos/day%20one.html?q=a%20b"
    assert resolve_url(" day one.html ", "https://pier.example/a/") == "https://pier.example/a/day%20one.html"


def test_line_breaks_inside_texts_do_not_cost_a_json_feed() -> None:
    body = b'{"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "1", "title": "Day\n\tone"}]}'
    feed = parse_feed(body, url=URL, now=NOW)
    assert [entry.title for entry in feed.entries] == ["Day one"]


def days(count: int) -> list[tuple[str, str]]:
    """Guids and dates, one a day, the oldest first."""
    start = NOW - timedelta(days=count)
    return [(f"g{number}", (start + timedelta(days=number)).isoformat()) for number in range(count)]


def as_rss(rows: list[tuple[str, str]]) -> bytes:
    items = "".join(f"<item><title>T</title><guid>{guid}</guid><pubDate>{at}</pubDate></item>" for guid, at in rows)
    return f'<rss version="2.0"><channel><title>Pier</title>{items}</channel></rss>'.encode()


def as_json(rows: list[tuple[str, str]]) -> bytes:
    items = [{"id": guid, "title": "T", "date_published": at} for guid, at in rows]
    return json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": items}).encode()


@pytest.mark.parametrize("write", [as_rss, as_json])
def test_of_an_archive_the_newest_are_read_wherever_they_stand(write: Callable[[list[tuple[str, str]]], bytes]) -> None:
    """An archive that begins with its oldest item would never show what is new at its end."""
    feed = parse_feed(write(days(10_000)), url=URL, now=NOW)
    guids = [entry.guid.rpartition("/")[2] for entry in feed.entries]
    assert (len(guids), guids[0], guids[-1]) == (500, "g9500", "g9999")
    assert feed.problems == ("9500 entries beyond the limit were left out.",)


@pytest.mark.parametrize("write", [as_rss, as_json])
def test_of_undated_entries_the_first_are_read(write: Callable[[list[tuple[str, str]]], bytes]) -> None:
    feed = parse_feed(write([(guid, "") for guid, _ in days(600)]), url=URL, now=NOW)
    assert [entry.guid.rpartition("/")[2] for entry in feed.entries] == [f"g{number}" for number in range(500)]
