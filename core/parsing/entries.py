"""What every format of feed shares once its fields are found: cleaning, identity, limits."""

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from core.parsing.text import (
    FIELD_CHARS,
    SUMMARY_CHARS,
    TEXT_CHARS,
    clean_html,
    clean_line,
    clean_title,
    cut_at_word,
)
from core.values import ParsedEntry

MAX_ENTRIES = 500
_MAX_GUID_CHARS = 1000
_MAX_CATEGORIES = 50
_CATEGORY_CHARS = 100
# What is read of a name that may hold markup.
_LONGEST_CATEGORY = 600
# A body shorter than this is a teaser (the teasers of nine outlets ended by 600 characters).
_MIN_TEXT_CHARS = 600
# A description this long, alone in its entry, is the article itself.
_MIN_LONE_TEXT_CHARS = 1500
_DERIVED_SUMMARY_CHARS = 500
_DERIVED_TITLE_CHARS = 120
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{1,8})*")
_FOOTERS = (
    re.compile(r"\s*The post .{1,400}? (?:appeared first|first appeared) on .{1,150}$"),
    re.compile(r"\s*submitted by\s+/?u/\S{1,60}(?:\s+to\s+r/\S{1,60})?\s*\[link\]\s*\[comments\]\s*$"),
)
_EXTENSION = re.compile(r"\.(?:html?|php|aspx?|jsp|amp)$", re.IGNORECASE)
# Words of a slug; numbers of five digits and more, and hexadecimal ids, name records, not films.
_WORD = re.compile(r"(?<![^\W_])(?!\d{5,}(?![^\W_])|(?=[a-f]*\d)[0-9a-f]{7,}(?![^\W_]))[^\W_]+(?:['’][^\W_]+)*")
# How far into a body its image is looked for.
_IMAGE_CHARS = 20_000
_IMAGE_TAG = re.compile(r"<[iI][mM][gG]\b[^<>]{0,2000}>")
_IMAGE_SOURCE = re.compile(r"\bsrc\s*=\s*[\"']?([^\"'\s>]{4,2000})", re.IGNORECASE)
_ZERO_OR_ONE = re.compile(r"=\s*[\"']?[01]")
_PIXEL = re.compile(r"\b(?:width|height)\s*=\s*[\"']?[01](?:px)?[\"'\s/>]", re.IGNORECASE)


# Says which of some guids are stored already, so that what is known need not be cleaned.
AskKnown = Callable[[Sequence[str]], Collection[str]]


@dataclass(slots=True, kw_only=True)
class RawEntry:
    """The fields of an item as its format names them, markup and all. `published_at` is judged already.

    Nobody changes one; it is not frozen because that would make it thrice as slow to make, and each item needs one.
    """

    guid: str = ""
    url: str = ""
    title: str = ""
    summary_html: str = ""
    content_html: str = ""
    authors: Sequence[str] = ()
    categories: Iterable[str] = ()
    published_at: datetime | None = None
    date_text: str = ""
    image_url: str = ""
    language: str = ""
    outlet_name: str = ""
    outlet_url: str = ""


def clean_entry(raw: RawEntry) -> ParsedEntry | None:
    """Make plain text of an item; None when it says nothing: no title, no words, none in its address either."""
    summary, text = _summary_and_text(raw)
    title = clean_title(raw.title)
    title = title or cut_at_word(summary, max_chars=_DERIVED_TITLE_CHARS) or title_from_slug(raw.url)
    if not title:
        return None
    return ParsedEntry(
        guid=_guid(raw, title),
        url=raw.url,
        title=title,
        summary=summary,
        author=_join_authors(raw.authors),
        categories=_unique(_clean_category(name[:_LONGEST_CATEGORY]) for name in raw.categories),
        published_at=raw.published_at,
        image_url=raw.image_url,
        language=clean_language(raw.language),
        text=text,
        outlet_name=clean_title(raw.outlet_name, max_chars=_CATEGORY_CHARS) if raw.outlet_name else "",
        outlet_url=raw.outlet_url,
    )


def title_from_slug(url: str) -> str:
    """Read a headline off an address: `/2026/05/harbour-lights-wraps-1234567.html` is "Harbour Lights Wraps"."""
    segments = [_EXTENSION.sub("", unquote(segment)) for segment in urlsplit(url).path.split("/")]
    slugs = [slug for slug in map(_WORD.findall, segments) if any(map(str.isalpha, "".join(slug)))]
    words: list[str] = max(reversed(slugs), key=lambda slug: len(slug) > 1, default=[])
    return clean_line(" ".join(word[:1].upper() + word[1:] for word in words), max_chars=_DERIVED_TITLE_CHARS)


def settle_guid(stated: str) -> str:
    """Make the guid an entry is known by of what it states; empty if that is nothing (its address stands in then)."""
    if not stated:
        return ""
    guid = clean_line(stated, max_chars=_MAX_GUID_CHARS + 1)
    return guid if len(guid) <= _MAX_GUID_CHARS else _digest(stated.encode("utf-8", "replace"))


def know_none(_guids: Sequence[str]) -> frozenset[str]:
    """Answer for who stores nothing: every entry is new."""
    return frozenset()


def keep_first(entries: Iterable[ParsedEntry]) -> tuple[tuple[ParsedEntry, ...], int]:
    """Keep the first entry of each guid; with them how many were left out."""
    kept: dict[str, ParsedEntry] = {}
    count = 0
    for entry in entries:
        kept.setdefault(entry.guid, entry)
        count += 1
    return tuple(kept.values()), count - len(kept)


def adopt_language(entries: Iterable[ParsedEntry], language: str) -> Iterable[ParsedEntry]:
    """Give the feed's language to entries that state none."""
    return (entry if entry.language else replace(entry, language=language) for entry in entries)


def clean_language(tag: str) -> str:
    """Write a language tag in lower case with hyphens; empty if it is none (RFC 5646, loosely)."""
    if not tag:
        return ""
    tag = tag.strip().replace("_", "-").lower()[:35]
    return tag if _LANGUAGE.fullmatch(tag) else ""


def find_image(markup: str) -> str:
    """Find the address of the first image of some HTML, tracking pixels passed over; empty if there is none."""
    found = _IMAGE_TAG.search(markup, 0, _IMAGE_CHARS)
    while found:
        tag = found[0]
        source = _IMAGE_SOURCE.search(tag)
        if source and not _is_pixel(tag) and not source[1].startswith("data:"):
            return source[1].replace("&amp;", "&")
        found = _IMAGE_TAG.search(markup, found.end(), _IMAGE_CHARS)
    return ""


def _is_pixel(tag: str) -> bool:
    return _ZERO_OR_ONE.search(tag) is not None and _PIXEL.search(tag) is not None


def tell_count(count: int, sentence: str, plural: str) -> tuple[str, ...]:
    """Word a problem that happened `count` times; nothing for none."""
    if not count:
        return ()
    return (sentence if count == 1 else plural.format(count=count),)


def _summary_and_text(raw: RawEntry) -> tuple[str, str]:
    summary = _strip_footer(clean_html(raw.summary_html, max_chars=TEXT_CHARS))
    text = _strip_footer(clean_html(raw.content_html, max_chars=TEXT_CHARS))
    if not text and len(summary) >= _MIN_LONE_TEXT_CHARS:
        return cut_at_word(summary, max_chars=_DERIVED_SUMMARY_CHARS), summary
    if not summary:
        summary = cut_at_word(text, max_chars=_DERIVED_SUMMARY_CHARS if len(text) >= _MIN_TEXT_CHARS else SUMMARY_CHARS)
    is_article = len(text) >= _MIN_TEXT_CHARS and len(text) > len(summary)
    return cut_at_word(summary, max_chars=SUMMARY_CHARS), text if is_article else ""


def _strip_footer(text: str) -> str:
    if not (text.endswith("[comments]") or " appeared" in text[-180:]):
        return text
    start = max(0, len(text) - 700)
    for footer in _FOOTERS:
        if tail := footer.search(text, start):
            text = text[: tail.start()].rstrip()
    return text


def _guid(raw: RawEntry, title: str) -> str:
    guid = settle_guid(raw.guid) or raw.url
    if not guid:
        return _digest(f"{title}\n{raw.date_text}".encode())
    return guid if len(guid) <= _MAX_GUID_CHARS else _digest(guid.encode("utf-8", "replace"))


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _join_authors(authors: Sequence[str]) -> str:
    if len(authors) == 1:
        return clean_title(authors[0], max_chars=FIELD_CHARS)
    names = _unique(clean_title(author, max_chars=FIELD_CHARS) for author in authors[:20])
    return cut_at_word(", ".join(names), max_chars=FIELD_CHARS)


@lru_cache(maxsize=1024)
def _clean_category(name: str) -> str:
    """Clean a category; a feed names the same few all the time."""
    return clean_title(name, max_chars=_CATEGORY_CHARS)


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    """Keep the first spelling of each name, empty ones dropped."""
    seen: dict[str, str] = {}
    for name in names:
        if name:
            seen.setdefault(name.casefold(), name)
        if len(seen) == _MAX_CATEGORIES:
            break
    return tuple(seen.values())
