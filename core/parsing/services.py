"""Feeds of services that repeat others or have no headlines: Google and Bing News, YouTube, Reddit, Bluesky, Mastodon.

Each is known by the host or shape of its items' addresses. All that is settled stands in the item; nothing is fetched.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from urllib.parse import SplitResult, parse_qs, urlsplit

from core.parsing.entries import RawEntry
from core.parsing.text import clean_html, clean_title, cut_at_word
from core.urls import is_web_url, publisher_host

_HEADLINE_CHARS = 140
_MIN_BLOCK_CHARS = 15
_TEXT_CHARS = 5_000
_BLOCK_END = re.compile(r"</p>|<br\s*/?>|\n\s*\n", re.IGNORECASE)
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_TRAIL = re.compile(r"(?:\s*(?:[#@][\w@.-]+))+\s*$")
_SENTENCE_END = re.compile(r"[.!?…](?=[\s”\"’)]|$)[”\"’)]*")
# 8 19 34: the fields 1 = 19 and 4 of Google's record; 4 is the address, its length one or two bytes before it.
_GOOGLE_RECORD = b"\x08\x13\x22"
_FEDIVERSE_PATH = re.compile(r"/(?:@[\w.-]+(?:@[\w.-]+)?/\d+|users/[\w.-]+/statuses/\d+)/?")
_HANDLE = re.compile(r"^@\S+\s+[-–—]\s+")


def settle_service(raw: RawEntry, *, source_name: str = "", source_url: str = "", feed_title: str = "") -> RawEntry:
    """Make an item of a service an item like others; any other item comes back as it is.

    `source_name` and `source_url` are the item's RSS `source`, `feed_title` the feed's own name.
    """
    if raw.title and not raw.title.isspace() and not _may_be_service(raw.url.lower()):
        return raw
    parts = _split(raw.url)
    host = (parts.hostname or "").removeprefix("www.") if parts else ""
    settle = _SERVICES.get(host)
    if settle is not None:
        return settle(raw, source_name, source_url, feed_title)
    if parts and not raw.title.strip() and _FEDIVERSE_PATH.fullmatch(parts.path):
        return _settle_post(raw, source_name, source_url, feed_title)
    return raw


def _may_be_service(url: str) -> bool:
    """Cheaper than taking every address apart."""
    return "google.com" in url or "bing.com" in url or "reddit.com" in url or "bsky.app" in url


def decode_google_url(url: str) -> str:
    """Read the address inside a Google News link; empty for those since 2024, which only Google can resolve."""
    segment = urlsplit(url).path.rpartition("/")[2]
    try:
        record = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except (binascii.Error, ValueError):
        return ""
    if not record.startswith(_GOOGLE_RECORD) or len(record) < 6:
        return ""
    start = 4 if record[3] < 0x80 else 5
    size = record[3] if start == 4 else (record[3] & 0x7F) | record[4] << 7
    address = record[start : start + size].decode("ascii", "replace")
    return address if address.startswith(("http://", "https://")) and is_web_url(address) else ""


def write_headline(markup: str) -> str:
    """Make a headline of a post that has none: its first paragraph or sentence, without addresses and hashtags behind.

    Empty when the post says nothing but addresses.
    """
    blocks = (clean_html(block, max_chars=_TEXT_CHARS) for block in _BLOCK_END.split(markup[:_TEXT_CHARS]))
    words = [_strip_trail(block) for block in blocks]
    text = next((block for block in words if len(block) >= _MIN_BLOCK_CHARS), "") or " ".join(filter(None, words))
    if len(text) <= _HEADLINE_CHARS:
        return text
    ends = [found.end() for found in _SENTENCE_END.finditer(text, _MIN_BLOCK_CHARS, _HEADLINE_CHARS)]
    return text[: ends[-1]] if ends else cut_at_word(text, max_chars=_HEADLINE_CHARS)


def _settle_google(raw: RawEntry, source_name: str, source_url: str, _feed_title: str) -> RawEntry:
    """Google puts ` - Outlet` behind each headline and repeats both as the description."""
    title, outlet = _split_outlet(clean_title(raw.title), clean_title(source_name))
    address = decode_google_url(raw.url)
    return replace(
        raw,
        url=address or raw.url,
        title=title,
        summary_html="",
        content_html="",
        outlet_name=outlet,
        outlet_url=address or (source_url if is_web_url(source_url) else ""),
    )


def _settle_redirect(raw: RawEntry, source_name: str, _source_url: str, _feed_title: str) -> RawEntry:
    """Google Alerts and Bing News name the article's address in a parameter of theirs."""
    fields = parse_qs(urlsplit(raw.url).query, max_num_fields=50) if raw.url.count("&") < 50 else {}
    address = next((value for value in (*fields.get("url", ()), *fields.get("q", ())) if is_web_url(value)), "")
    if not address:
        return raw
    outlet = clean_title(source_name) or publisher_host(address)
    return replace(raw, url=address, outlet_name=outlet, outlet_url=address)


def _settle_reddit(raw: RawEntry, _source_name: str, _source_url: str, _feed_title: str) -> RawEntry:
    """Reddit writes people as `/u/name`; the footer with the links goes with all others."""
    return replace(raw, authors=[author.strip().removeprefix("/") for author in raw.authors])


def _settle_post(raw: RawEntry, _source_name: str, _source_url: str, feed_title: str) -> RawEntry:
    """A post has no headline, and only the feed says whose it is."""
    author = _HANDLE.sub("", clean_title(feed_title))
    title = raw.title if raw.title.strip() else write_headline(raw.content_html or raw.summary_html)
    return replace(raw, title=title, authors=raw.authors if any(raw.authors) else [author] if author else [])


def _split_outlet(title: str, outlet: str) -> tuple[str, str]:
    if outlet:
        head = title.removesuffix(f" - {outlet}").removesuffix(f" – {outlet}")
        return head.rstrip() or title, outlet
    head, sign, tail = title.rpartition(" - ")
    return (head.rstrip(), tail.strip()) if sign and head.strip() and len(tail) <= 60 else (title, "")


def _strip_trail(text: str) -> str:
    return _TRAIL.sub("", _ADDRESS.sub("", text).strip()).strip(" :;,–—-")


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None


_SERVICES: Mapping[str, Callable[[RawEntry, str, str, str], RawEntry]] = {
    "news.google.com": _settle_google,
    "google.com": _settle_redirect,
    "bing.com": _settle_redirect,
    "reddit.com": _settle_reddit,
    "old.reddit.com": _settle_reddit,
    "bsky.app": _settle_post,
}
