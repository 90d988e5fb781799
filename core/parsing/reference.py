"""Feeds read by feedparser, which knows what no standard describes; lxml prunes what it is given.

It is the reference: `fastfeed` reads as it does, or not at all.
"""

import html
import io
import re
import xml.sax
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

import feedparser
from lxml import etree

from core.parsing.dates import choose_newest, parse_date, read_fields
from core.parsing.entries import MAX_ENTRIES, clean_language
from core.parsing.stated import StatedFeed, StatedItem, as_html, list_addresses, read_ttl
from core.parsing.xml import Element, local_name, parse_xml

# feedparser takes about 20 µs an element: this is a second at the very worst.
MAX_ELEMENTS = 30_000
_MAX_ATTRIBUTES = 50
# feedparser's dictionaries guess at names that are not there.
_get = dict.get
_ATOM = "http://www.w3.org/2005/Atom"
# The dialects something is read from, by the prefix that feeds forget to declare. Elements of all other namespaces are
# cut before feedparser sees them: it looks each element up among all namespaces declared.
_PREFIXES = {
    "atom": _ATOM,
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "feedburner": "http://rssnamespace.org/feedburner/ext/1.0",
    "itunes": "http://www.itunes.com/DTDs/PodCast-1.0.dtd",
    "media": "http://search.yahoo.com/mrss/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "sy": "http://purl.org/rss/1.0/modules/syndication/",
}
_DIALECTS = frozenset(uri.lower() for uri in _PREFIXES.values()) | {
    "",
    "http://search.yahoo.com/mrss",
    "http://purl.org/atom/ns#",
    "http://purl.org/rss/1.0/",
    "http://my.netscape.com/rdf/simple/0.9/",
    "http://blogs.law.harvard.edu/tech/rss",
    "http://example.com/dtds/podcast-1.0.dtd",
    "http://www.w3.org/1999/xhtml",
}
_TEXT_ELEMENTS = frozenset({"title", "subtitle", "summary", "content", "rights", "tagline", "info"})
_DATE_ELEMENTS = ("pubdate", "published", "issued", "created", "date", "updated", "modified")
_MAIL_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"']{1,64}@[^\s<>()\[\],;:\"']{1,255}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
# feedparser meets hostile bytes with these; none is a fault of ours.
_PARSER_ERRORS = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    xml.sax.SAXException,
)


@dataclass(frozen=True, slots=True)
class ReferenceFeed:
    """A feed's head, the ids its items state (in order, empty for none), and its items as feedparser gives them."""

    head: StatedFeed
    guids: list[str]
    surplus_count: int
    _entries: list[Any] = field(repr=False)
    _now: datetime = field(repr=False)

    def read(self, numbers: Iterable[int]) -> list[StatedItem]:
        """What some items state, counted from 0."""
        return [_read_item(self._entries[number], self._now) for number in numbers]


def read_by_reference(root: Element, *, url: str, is_mended: bool, now: datetime) -> ReferenceFeed | None:
    """Read a feed with feedparser, entries beyond the limits left out; None where that fails. The tree is used up."""
    surplus_count = _prune(root, now=now)
    _settle_names(root)
    document = _read_with_feedparser(root, base=base_url(root, url), is_mended=is_mended)
    if document is None:
        return None
    guids = [_text(entry, "id") for entry in document.entries]
    return ReferenceFeed(_read_head(document.feed, url), guids, surplus_count, document.entries, now)


def base_url(root: Element, url: str) -> str:
    """Say what relative links of items are relative to: RSS names the site in `channel/link`, Atom the document."""
    if local_name(root) == "feed":
        return url
    for channel in root:
        for child in channel:
            if local_name(child) == "link" and (child.text or "").strip().startswith(("http://", "https://")):
                return (child.text or "").strip()
    return url


def _prune(root: Element, *, now: datetime) -> int:
    """Cut the tree to what feedparser can read in bounded time; returns how many entries were left out.

    Of too many the newest stay, wherever they stand, or the first where none bears a date.
    """
    items = [child for parent in (root, *root) for child in parent if local_name(child) in {"item", "entry"}]
    budget = MAX_ELEMENTS
    surplus = 0
    kept = choose_newest(items, _date_of, now=now, most=MAX_ENTRIES)
    for number, item in enumerate(items):
        if number in kept:
            _flatten_markup(item)
            budget -= sum(1 for _ in item.iter())
        if number not in kept or budget < 0:
            surplus += 1
            drop(item)
    return surplus


def _date_of(item: Element) -> str:
    texts = {local_name(child): child.text or "" for child in item}
    return next((texts[name] for name in _DATE_ELEMENTS if name in texts), "")


def _settle_names(root: Element) -> None:
    """Keep elements of known dialects and sane attributes; give forgotten prefixes their namespaces."""
    own = {_namespace(root), *(_namespace(child) for child in islice(root, 1))}
    for element in list(root.iter()):
        prefix, colon, name = element.tag.partition(":") if element.tag[0] != "{" else ("", "", "")
        if colon and prefix.lower() in _PREFIXES and _NAME.fullmatch(name):
            element.tag = f"{{{_PREFIXES[prefix.lower()]}}}{name}"
        elif colon or not (_namespace(element) in own or _is_dialect(_namespace(element))):
            drop(element)
        _settle_attributes(element)


def _settle_attributes(element: Element) -> None:
    if len(element.attrib) > _MAX_ATTRIBUTES:
        element.attrib.clear()
    for name in map(str, element.attrib):
        if ":" in name and not name.startswith("{"):
            del element.attrib[name]


def _namespace(element: Element) -> str:
    return element.tag[1:].partition("}")[0] if element.tag.startswith("{") else ""


def _is_dialect(namespace: str) -> bool:
    return namespace.lower() in _DIALECTS or namespace.startswith("http://backend.userland.com/")


def _flatten_markup(item: Element) -> None:
    """Write markup that stands as elements (Atom's `type="xhtml"`) as escaped HTML, as everybody else does."""
    for child in item:
        if local_name(child) in {"author", "creator"} and not len(child) and "@" in (child.text or ""):
            _settle_author(child)
        if len(child) and local_name(child) in _TEXT_ELEMENTS and "mrss" not in _namespace(child):
            markup = html.escape(child.text or "", quote=False) + "".join(_html_of(part) for part in child)
            for part in list(child):
                child.remove(part)
            child.text = markup
            child.set("type", "html")


def _settle_author(author: Element) -> None:
    """Leave the name of `ed@pier.studio (Jo Doe)`; feedparser knows no domain of more than four letters."""
    stated = html.unescape(author.text or "")
    name = _MAIL_ADDRESS.sub(" ", stated).strip(" \t\r\n<>()[]\"',;:-")
    if name or len(stated.strip().rpartition(".")[2]) > 4:
        author.text = name or stated.strip().partition("@")[0]


def _html_of(element: Element) -> str:
    return etree.tostring(element, encoding="unicode", method="html")


def drop(element: Element) -> None:
    """Remove an element with all it holds; the text behind it stays."""
    parent = element.getparent()
    if parent is None:
        return
    if element.tail and element.tail.strip():
        before = element.getprevious()
        if before is None:
            parent.text = (parent.text or "") + element.tail
        else:
            before.tail = (before.tail or "") + element.tail
    parent.remove(element)


def _read_with_feedparser(root: Element, *, base: str, is_mended: bool) -> Any:
    """Hand the pruned tree to feedparser as well-formed XML, so that its slow forgiving parser is never needed."""
    if sum(1 for _ in root.iter()) > MAX_ELEMENTS + MAX_ELEMENTS // 4:
        return None
    etree.cleanup_namespaces(root)
    body = etree.tostring(root, encoding="utf-8", xml_declaration=True)
    if is_mended and parse_xml(body.decode("utf-8"))[1]:
        return None
    headers = {"content-location": base, "content-type": "application/xml; charset=utf-8"}
    try:
        return feedparser.parse(
            io.BytesIO(body), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
        )
    except _PARSER_ERRORS:
        return None


def _read_head(feed: Any, url: str) -> StatedFeed:
    return StatedFeed(
        url=url,
        title=_text(feed, "title"),
        link=_text(feed, "link"),
        language=clean_language(str(_get(feed, "language") or "")),
        ttl=read_ttl(
            _text(feed, "ttl"),
            period=_text(feed, "sy_updateperiod"),
            frequency=_text(feed, "sy_updatefrequency"),
        ),
    )


def _read_item(entry: Any, now: datetime) -> StatedItem:
    summary, content = _bodies(entry)
    published_at, date_text = _published(entry, now)
    guid, links = _text(entry, "id"), _get(entry, "links") or []
    title_detail = _get(entry, "title_detail") or {}
    source = _get(entry, "source") or {}
    return StatedItem(
        guid=guid,
        title=_text(entry, "title"),
        addresses=list_addresses(_text(entry, "feedburner_origlink"), _text(entry, "link"), links, guid),
        summary_html=summary,
        content_html=content,
        authors=_authors(entry),
        categories=[str(tag.get("label") or tag.get("term") or "") for tag in _get(entry, "tags") or ()],
        published_at=published_at,
        date_text=date_text,
        media=_get(entry, "media_content") or [],
        thumbnails=_get(entry, "media_thumbnail") or [],
        links=links,
        image_url=str((_get(entry, "image") or {}).get("href") or ""),
        language=clean_language(str(title_detail.get("language") or "")),
        source_name=_text(source, "title"),
        source_url=_text(source, "href"),
    )


def _bodies(entry: Any) -> tuple[str, str]:
    """Find the summary and the longest body, as HTML."""
    summary = _as_html(_text(entry, "summary") or _text(entry, "subtitle"), _get(entry, "summary_detail"))
    content = ""
    for part in _get(entry, "content") or ():
        body = _as_html(str(part.get("value") or ""), part)
        content = body if len(body) > len(content) else content
    return ("" if content == summary else summary), content


def _as_html(value: str, detail: Any) -> str:
    return as_html(value) if detail and detail.get("type") == "text/plain" else value


def _published(entry: Any, now: datetime) -> tuple[datetime | None, str]:
    """Believe the first date that can be: published, then created, then updated; with it what the feed wrote."""
    first = ""
    for name in ("published", "created", "updated"):
        text = _text(entry, name)
        at = parse_date(text, now=now) or read_fields(_get(entry, f"{name}_parsed"), now=now)
        if at is not None:
            return at, text
        first = first or text
    return None, first


def _authors(entry: Any) -> list[str]:
    names = [str(author.get("name") or "") for author in _get(entry, "authors") or ()]
    return [name for name in names if name] or [_text(entry, "author")]


def _text(holder: Any, name: str) -> str:
    """Read a field without feedparser's aliases, which warn and guess."""
    value = _get(holder, name)
    return value if isinstance(value, str) else ""
