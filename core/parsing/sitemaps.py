"""Sitemaps (sitemaps.org 0.9, Google's news and image extensions) read into entries or further sitemaps."""

import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from core.parsing.dates import parse_date
from core.parsing.entries import MAX_ENTRIES, RawEntry, clean_entry, keep_first, tell_count
from core.parsing.text import clean_title
from core.parsing.xml import Element, decode_text, local_name, parse_xml
from core.urls import resolve_url
from core.values import ParsedEntry, ParsedFeed

MAX_DECODED_BYTES = 10 * 1024 * 1024
MAX_RATIO = 100
_GZIP_MAGIC = b"\x1f\x8b"
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def parse_sitemap(body: bytes, *, url: str, now: datetime) -> ParsedFeed:
    """Read a sitemap; never raises, whatever the bytes.

    A `urlset` gives entries: the 500 newest in the document's order, guid and url the `loc`, the title from
    `news:title` or else from the words of the address. A `sitemapindex` gives `children`, newest first, undated last.
    Gzip is opened up to 10 MiB and 100 times its size. `url` is the address the document came from.
    """
    decoded, problem = _open_gzip(body)
    if problem:
        return ParsedFeed(is_feed=False, problems=(problem,))
    root, mended = parse_xml(decode_text(decoded).lstrip("\ufeff \t\r\n\0"))
    kind = "" if root is None else local_name(root)
    problems = (mended,) if mended else ()
    if root is not None and kind == "sitemapindex":
        return ParsedFeed(children=_children(root, url=url, now=now), problems=problems)
    if root is not None and kind == "urlset":
        return _read_urlset(root, problems, url=url, now=now)
    return ParsedFeed(is_feed=False, problems=("The document is no sitemap.",))


def _open_gzip(body: bytes) -> tuple[bytes, str]:
    if not body.startswith(_GZIP_MAGIC):
        return (body, "") if len(body) <= MAX_DECODED_BYTES else (b"", _too_large())
    limit = min(MAX_DECODED_BYTES, MAX_RATIO * len(body))
    opener = zlib.decompressobj(wbits=31)
    try:
        decoded = opener.decompress(body, limit + 1)
    except zlib.error:
        return b"", "The gzip data is damaged."
    return (decoded, "") if len(decoded) <= limit else (b"", _too_large())


def _too_large() -> str:
    return f"The sitemap is larger than {MAX_DECODED_BYTES:,} bytes or {MAX_RATIO} times its packed size."


def _children(root: Element, *, url: str, now: datetime) -> tuple[str, ...]:
    dated: dict[str, datetime] = {}
    for row in root:
        fields = _fields(row)
        address = resolve_url(fields.get("loc", ""), url)
        if local_name(row) == "sitemap" and address:
            dated.setdefault(address, parse_date(fields.get("lastmod", ""), now=now) or _LONG_AGO)
    return tuple(sorted(dated, key=lambda address: dated[address], reverse=True)[:MAX_ENTRIES])


def _read_urlset(root: Element, problems: tuple[str, ...], *, url: str, now: datetime) -> ParsedFeed:
    rows = [(row, _fields(row)) for row in root if local_name(row) == "url"]
    chosen = _choose_newest([fields for _, fields in rows], now=now)
    found = [_read_row(fields, url=url, now=now) for fields in chosen]
    entries, repeat_count = keep_first(entry for entry in found if entry)
    names = (fields["name"] for fields in chosen if fields.get("name"))
    return ParsedFeed(
        title=clean_title(next(names, "")),
        entries=entries,
        problems=(
            *problems,
            *tell_count(found.count(None), "One address cannot be read.", "{count} addresses cannot be read."),
            *tell_count(repeat_count, "One address stands there twice.", "{count} addresses stand there again."),
            *tell_count(
                len(rows) - len(chosen),
                "The oldest address was left out.",
                "The {count} oldest addresses were left out.",
            ),
        ),
    )


def _choose_newest(rows: list[dict[str, str]], *, now: datetime) -> list[dict[str, str]]:
    if len(rows) <= MAX_ENTRIES:
        return rows
    times = [parse_date(_date_text(fields), now=now) or _LONG_AGO for fields in rows]
    newest = sorted(range(len(rows)), key=lambda number: times[number], reverse=True)[:MAX_ENTRIES]
    return [rows[number] for number in sorted(newest)]


def _read_row(fields: dict[str, str], *, url: str, now: datetime) -> ParsedEntry | None:
    address = resolve_url(fields.get("loc", ""), url)
    if not address:
        return None
    return clean_entry(
        RawEntry(
            guid=address,
            url=address,
            title=fields.get("title", ""),
            categories=_keywords(fields.get("keywords", "")),
            published_at=parse_date(_date_text(fields), now=now),
            image_url=resolve_url(fields.get("image", ""), address),
            language=fields.get("language", ""),
        )
    )


def _date_text(fields: dict[str, str]) -> str:
    return fields.get("publication_date") or fields.get("lastmod") or ""


def _keywords(text: str) -> Iterable[str]:
    return (word.strip() for word in text.split(","))


def _fields(row: Element) -> dict[str, str]:
    """Gather the texts below a row by local name, the first of each; an image's `loc` is called `image`."""
    fields: dict[str, str] = {}
    for name, text in _leaves(row):
        fields.setdefault(name, text)
    return fields


def _leaves(row: Element) -> Iterator[tuple[str, str]]:
    """Give names and texts; titles and dates of videos and images are none of the article's."""
    for part in row:
        kind = local_name(part)
        for element in part.iter() if kind != "video" else ():
            name = local_name(element)
            if kind == "image":
                name = "image" if name == "loc" else ""
            text = (element.text or "").strip()
            if name and text:
                yield name, text
