"""RSS 0.9-2.0, RDF and Atom documents read into entries: lxml mends and prunes, feedparser knows the dialects."""

import calendar
import html
import io
import re
import xml.sax
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, cast

import feedparser
from lxml import etree

from core.parsing.dates import believe, choose_newest, parse_date
from core.parsing.entries import (
    MAX_ENTRIES,
    AskKnown,
    RawEntry,
    clean_entry,
    clean_language,
    find_image,
    keep_first,
    know_none,
    settle_guid,
    tell_count,
)
from core.parsing.fastfeed import read_usual
from core.parsing.services import settle_service
from core.parsing.text import clean_title, has_markup
from core.parsing.xml import Element, lacks_end, local_name, parse_xml
from core.urls import resolve_url
from core.values import Pace, ParsedEntry, ParsedFeed

_ROOTS = frozenset({"rss", "rdf", "feed"})
_FEED_START = re.compile(r"<(?:rss|feed|rdf:RDF)[\s>]")
_HTML_START = re.compile(r"\s*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
# feedparser takes about 20 µs an element: this is a second at the very worst.
_MAX_ELEMENTS = 30_000
_MAX_ATTRIBUTES = 50
# feedparser's dictionaries guess at names that are not there.
_get = dict.get
_COUNT = etree.XPath("count(descendant-or-self::*)")
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
_PERIODS = {
    "hourly": timedelta(hours=1),
    "daily": timedelta(days=1),
    "weekly": timedelta(weeks=1),
    "monthly": timedelta(days=30),
    "yearly": timedelta(days=365),
}
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


def parse_xml_feed(text: str, *, url: str, now: datetime, known: AskKnown = know_none) -> ParsedFeed:
    """Read an XML feed given as text; never raises. Entries whose guid is `known` are counted and not read."""
    root, problem = _find_feed(text)
    if root is None:
        return ParsedFeed(is_feed=False, problems=(_tell_kind(text),))
    if problem and lacks_end(text[-2048:].encode("utf-8", "replace")):
        _drop_cut_item(root, text)
    fast = None if problem else _read_fast(root, url=url, now=now, known=known)
    return fast or _read_by_reference(root, problem, url=url, now=now, known=known)


def _read_fast(root: Element, *, url: str, now: datetime, known: AskKnown) -> ParsedFeed | None:
    """Read a usual feed off the tree; None when feedparser has to."""
    usual = read_usual(root, base=_base_url(root, url), now=now)
    guids = usual.guids() if usual and len(usual.items) <= MAX_ENTRIES else None
    if usual is None or guids is None or _count_elements(root) > _MAX_ELEMENTS:
        return None
    named = [settle_guid(guid) for guid in guids]
    old = known([guid for guid in named if guid])
    fields = usual.read([item for item, guid in zip(usual.items, named, strict=True) if guid not in old])
    if fields is None:
        return None
    return _assemble(usual.feed, fields, old, (), url=url, now=now, surplus=0)


def _read_by_reference(root: Element, problem: str, *, url: str, now: datetime, known: AskKnown) -> ParsedFeed:
    surplus = _prune(root, now=now)
    _settle_names(root)
    document = _read_with_feedparser(root, base=_base_url(root, url), is_mended=bool(problem))
    if document is None:
        return ParsedFeed(problems=("The feed's markup is beyond reading.",))
    named = [settle_guid(_text(entry, "id")) for entry in document.entries]
    old = known([guid for guid in named if guid])
    fresh = [entry for entry, guid in zip(document.entries, named, strict=True) if guid not in old]
    problems = (problem,) if problem else ()
    return _assemble(document.feed, fresh, old, problems, url=url, now=now, surplus=surplus)


def _assemble(
    feed: Any,
    fresh: Sequence[Any],
    old: Collection[str],
    problems: tuple[str, ...],
    *,
    url: str,
    now: datetime,
    surplus: int,
) -> ParsedFeed:
    language = clean_language(str(_get(feed, "language") or ""))
    found = [_read_entry(entry, feed, url=url, now=now, language=language) for entry in fresh]
    entries, repeat_count = keep_first(entry for entry in found if entry)
    return ParsedFeed(
        title=clean_title(_text(feed, "title")),
        entries=entries,
        known_count=len(old),
        pace=Pace(ttl=_ttl(feed)),
        problems=(
            *problems,
            *tell_count(
                found.count(None),
                "One entry says nothing and was left out.",
                "{count} entries say nothing and were left out.",
            ),
            *tell_count(
                repeat_count,
                "One entry repeats a guid and was left out.",
                "{count} entries repeat a guid and were left out.",
            ),
            *tell_count(
                surplus, "One entry beyond the limit was left out.", "{count} entries beyond the limit were left out."
            ),
        ),
    )


def _find_feed(text: str) -> tuple[Element | None, str]:
    """Parse from the start, or from the feed's root when something (a PHP warning, say) stands before it."""
    if _HTML_START.match(text):
        return None, ""
    root, problem = parse_xml(text)
    if root is not None and local_name(root) in _ROOTS:
        return root, problem
    start = _FEED_START.search(text, 1, 100_000)
    if start is None:
        return None, ""
    root, _ = parse_xml(text[start.start() :])
    is_feed = root is not None and local_name(root) in _ROOTS
    return (root if is_feed else None), "Something that is no feed stands before it."


def _drop_cut_item(root: Element, text: str) -> None:
    """Leave out the item in whose middle a document breaks off: it would be told by half, and then as a whole."""
    starts, ends = (max(text.rfind(f"{sign}item"), text.rfind(f"{sign}entry")) for sign in ("<", "</"))
    items = [element for element in root.iter(etree.Element) if local_name(element) in {"item", "entry"}]
    if items and starts > ends:
        _drop(items[-1])


def _tell_kind(text: str) -> str:
    if _HTML_START.match(text) or "<html" in text[:2000].lower():
        return "The document is an HTML page, not a feed."
    return "The document is neither RSS nor Atom nor JSON Feed."


def _count_elements(root: Element) -> int:
    return int(cast("float", _COUNT(root)))


def _prune(root: Element, *, now: datetime) -> int:
    """Cut the tree to what feedparser can read in bounded time; returns how many entries were left out.

    Of too many the newest stay, wherever they stand, or the first where none bears a date.
    """
    items = [child for parent in (root, *root) for child in parent if local_name(child) in {"item", "entry"}]
    budget = _MAX_ELEMENTS
    surplus = 0
    kept = choose_newest(items, _date_of, now=now, most=MAX_ENTRIES)
    for number, item in enumerate(items):
        if number in kept:
            _flatten_markup(item)
            budget -= sum(1 for _ in item.iter())
        if number not in kept or budget < 0:
            surplus += 1
            _drop(item)
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
            _drop(element)
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


def _drop(element: Element) -> None:
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


def _base_url(root: Element, url: str) -> str:
    """Say what relative links of items are relative to: RSS names the site in `channel/link`, Atom the document."""
    if local_name(root) == "feed":
        return url
    for channel in root:
        for child in channel:
            if local_name(child) == "link" and (child.text or "").strip().startswith(("http://", "https://")):
                return (child.text or "").strip()
    return url


def _read_with_feedparser(root: Element, *, base: str, is_mended: bool) -> Any:
    """Hand the pruned tree to feedparser as well-formed XML, so that its slow forgiving parser is never needed."""
    if sum(1 for _ in root.iter()) > _MAX_ELEMENTS + _MAX_ELEMENTS // 4:
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


def _read_entry(entry: Any, feed: Any, *, url: str, now: datetime, language: str) -> ParsedEntry | None:
    summary, content = _bodies(entry)
    link = _link(entry, feed, url)
    published_at, date_text = _published(entry, now=now)
    title_detail = _get(entry, "title_detail") or {}
    stated = _get(entry, "source") or {}
    return clean_entry(
        settle_service(
            RawEntry(
                guid=_text(entry, "id"),
                url=link,
                title=_text(entry, "title"),
                summary_html=summary,
                content_html=content,
                authors=_authors(entry),
                categories=_categories(entry),
                published_at=published_at,
                date_text=date_text,
                image_url=resolve_url(_image(entry) or find_image(summary) or find_image(content), link, url),
                language=clean_language(str(title_detail.get("language") or "")) or language,
            ),
            source_name=_text(stated, "title"),
            source_url=_text(stated, "href"),
            feed_title=_text(feed, "title"),
        )
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
    is_plain = bool(detail) and detail.get("type") == "text/plain"
    return html.escape(value, quote=False) if is_plain and not has_markup(value) else value


def _link(entry: Any, feed: Any, url: str) -> str:
    bases = (_text(feed, "link"), url)
    for found in _addresses(entry):
        if link := resolve_url(found, *bases):
            return link
    return ""


def _addresses(entry: Any) -> Iterator[str]:
    """What an entry names as its address, best first; some may be empty."""
    yield _text(entry, "feedburner_origlink")
    yield _text(entry, "link")
    for link in _get(entry, "links") or ():
        if link.get("rel") != "self":
            yield str(link.get("href") or "")
    identity = _text(entry, "id")
    if identity.startswith(("http://", "https://")):
        yield identity


def _published(entry: Any, *, now: datetime) -> tuple[datetime | None, str]:
    """Believe the first date that can be: published, then created, then updated; with it what the feed wrote."""
    first = ""
    for name in ("published", "created", "updated"):
        text = _text(entry, name)
        at = parse_date(text, now=now) or _from_fields(_get(entry, f"{name}_parsed"), now=now)
        if at is not None:
            return at, text
        first = first or text
    return None, first


def _from_fields(fields: tuple[int, ...] | None, *, now: datetime) -> datetime | None:
    if fields is None:
        return None
    try:
        return believe(datetime.fromtimestamp(calendar.timegm(fields), UTC), now=now)
    except (ValueError, OverflowError, OSError):
        return None


def _authors(entry: Any) -> Sequence[str]:
    names = [str(author.get("name") or "") for author in _get(entry, "authors") or ()]
    return [name for name in names if name] or [_text(entry, "author")]


def _categories(entry: Any) -> Iterable[str]:
    return [str(tag.get("label") or tag.get("term") or "") for tag in _get(entry, "tags") or ()]


def _image(entry: Any) -> str:
    """Choose the lead image: thumbnail, media of type image (widest first), image enclosure, iTunes image."""
    return next(filter(None, _images(entry)), "")


def _images(entry: Any) -> Iterator[str]:
    media = _get(entry, "media_content")
    for one in sorted(filter(_is_image, media), key=_width, reverse=True) if media else ():
        yield str(one.get("url") or "")
    for one in _get(entry, "media_thumbnail") or ():
        yield str(one.get("url") or "")
    for one in _get(entry, "links") or ():
        if one.get("rel") == "enclosure" and _is_image(one):
            yield str(one.get("href") or "")
    yield str((_get(entry, "image") or {}).get("href") or "")


def _is_image(media: Any) -> bool:
    kind = str(media.get("medium") or media.get("type") or "").lower()
    address = str(media.get("url") or media.get("href") or "").lower().partition("?")[0]
    return kind.startswith("image") or (
        not kind and address.endswith((".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif"))
    )


def _width(media: Any) -> int:
    width = str(media.get("width") or "")
    return int(width) if width.isascii() and width.isdecimal() and len(width) < 6 else 0


def _ttl(feed: Any) -> timedelta | None:
    minutes = _text(feed, "ttl").strip()
    if re.fullmatch(r"[1-9][0-9]{0,5}", minutes):
        return timedelta(minutes=int(minutes))
    period = _PERIODS.get(_text(feed, "sy_updateperiod").strip().lower())
    frequency = _text(feed, "sy_updatefrequency").strip() or "1"
    if period is None or not re.fullmatch(r"[1-9][0-9]{0,3}", frequency):
        return None
    return period / int(frequency)


def _text(holder: Any, name: str) -> str:
    """Read a field without feedparser's aliases, which warn and guess."""
    value = _get(holder, name)
    return value if isinstance(value, str) else ""
