"""Elements and their words as feedparser takes them, as far as that is simple; what is not raises `Unusual`."""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, cast
from urllib.parse import urljoin

from feedparser.datetimes import _parse_date as parse_exotic_date
from feedparser.html import _cp1252 as cp1252

from core.parsing.dates import parse_date, read_fields
from core.parsing.stated import StatedFeed, StatedItem
from core.parsing.xml import Element
from core.urls import is_ordinary

ATOM = "http://www.w3.org/2005/Atom"
_NAMESPACES = {
    ATOM.lower(): "atom",
    "http://purl.org/rss/1.0/modules/content/": "content",
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://purl.org/dc/terms/": "dcterms",
    "http://rssnamespace.org/feedburner/ext/1.0": "feedburner",
    "http://www.itunes.com/dtds/podcast-1.0.dtd": "itunes",
    "http://example.com/dtds/podcast-1.0.dtd": "itunes",
    "http://search.yahoo.com/mrss/": "media",
    "http://search.yahoo.com/mrss": "media",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#": "rdf",
    "http://purl.org/rss/1.0/modules/syndication/": "sy",
    "http://purl.org/atom/ns#": "atom03",
    "http://purl.org/rss/1.0/": "rss1",
    "http://my.netscape.com/rdf/simple/0.9/": "rss09",
    "http://blogs.law.harvard.edu/tech/rss": "harvard",
    "http://www.w3.org/1999/xhtml": "xhtml",
}
_PLAIN_ATTRIBUTES = frozenset({"url", "type", "length", "medium", "width", "height", "fileSize", "duration"})
# feedparser mends these two in every address.
_SLASHES = re.compile(r"^([A-Za-z][A-Za-z0-9+-.]*://)(/*)(.*?)")
_QUERY = re.compile(r"&([A-Za-z0-9_]+);")
_C1 = re.compile("[\x80-\x9f]")


class Unusual(Exception):  # noqa: N818 - nothing is wrong: the reference has to read it
    """Something whose effect on feedparser is not simple."""


@dataclass(frozen=True, slots=True)
class UsualFeed:
    """A feed's head, the ids its items state (in order, empty for none), and its items still unread."""

    head: StatedFeed
    guids: list[str]
    _items: list[Element] = field(repr=False)
    _read: Callable[[Element, str], StatedItem] = field(repr=False)

    def read(self, numbers: Iterable[int]) -> list[StatedItem] | None:
        """What some items state, counted from 0; None where something is unusual."""
        try:
            return [self._read(self._items[number], self.guids[number]) for number in numbers]
        except Unusual:
            return None


@lru_cache(maxsize=2048)
def name_of(tag: str) -> str:
    """Name an element by prefix and lower-case name; empty for a namespace from which nothing is read."""
    if tag[0] != "{":
        return "?" if ":" in tag else tag.lower()
    namespace, _, name = tag[1:].partition("}")
    if namespace.startswith("http://backend.userland.com/"):
        return "?"
    prefix = _NAMESPACES.get(namespace.lower())
    return f"{prefix}:{name.lower()}" if prefix else ""


def place_by_item(found: object, items: Collection[Element]) -> dict[Element, Element]:
    """Find the one child of each item among elements that an XPath found; raises Unusual where an item has two."""
    children = [child for child in cast("list[Element]", found) if child.getparent() in items]
    placed = {cast("Element", child.getparent()): child for child in children}
    if len(placed) < len(children):
        raise Unusual
    return placed


def put(texts: dict[str, str], name: str, value: str) -> None:
    """Keep a value that may stand once: which of two feedparser takes is a long story."""
    if name in texts:
        raise Unusual
    texts[name] = value


def allow(element: Element, names: frozenset[str] = frozenset()) -> None:
    """Raise Unusual unless all attributes of an element are among these."""
    if element.attrib and not names.issuperset(element.keys()):
        raise Unusual


def read_attributes(element: Element) -> list[tuple[str, str]]:
    """Give the attributes, none of which changes how its neighbours are read."""
    found = cast("list[tuple[str, str]]", element.items())
    for name, _ in found:
        if name not in _PLAIN_ATTRIBUTES and (name[0] == "{" or ":" in name or name.lower() in {"base", "lang"}):
            raise Unusual
    return found


def read_text(element: Element) -> str:
    """Read the text of an element that may hold nothing else."""
    if len(element):
        raise Unusual
    text = (element.text or "").strip()
    return text if text.isascii() else mend_text(text)


def read_bare_text(element: Element) -> str:
    """Read the text of an element that may hold nothing else and bear no attribute."""
    if element.attrib:
        raise Unusual
    return read_text(element)


def read_raw(element: Element) -> str:
    """Read the text of an element that may hold nothing else, as it stands."""
    if len(element):
        raise Unusual
    return (element.text or "").strip()


def mend_text(text: str) -> str:
    """Read UTF-8 that somebody took for Latin-1, and Windows' characters that somebody took for controls."""
    if text.isascii():
        return text
    try:
        mended = text.encode("iso-8859-1").decode("utf-8")
    except UnicodeError:
        mended = text
    return mended.translate(cp1252) if _has_control(mended) else mended


def _has_control(text: str) -> bool:
    """Whether characters of U+0080-U+009F stand in it: their UTF-8 begins with a byte that is sooner found."""
    return b"\xc2" in text.encode("utf-8", "surrogatepass") and _C1.search(text) is not None


def mend_query(url: str) -> str:
    """Drop the semicolon of what looks like an entity in an address."""
    return url if "&" not in url else _QUERY.sub(r"&\1", url)


def join(base: str, link: str) -> str:
    """Make a link absolute as feedparser does; empty for one that cannot be."""
    if is_ordinary(link):
        return link
    try:
        return urljoin(base, _SLASHES.sub(r"\1\3", link))
    except ValueError:
        return ""


def choose_date(texts: Iterable[str], *, now: datetime) -> tuple[datetime | None, str]:
    """Believe the first date that can be, by our rules or feedparser's; with it what the feed wrote."""
    first = ""
    for text in filter(None, texts):
        at = parse_date(text, now=now) or read_fields(parse_exotic_date(text), now=now)
        if at is not None:
            return at, text
        first = first or text
    return None, first


def read_media(item: StatedItem, name: str, element: Element, ignored: frozenset[str]) -> None:
    """Read an element of Media RSS into an item; pass over what is `ignored` and holds nothing that is read."""
    if name == "media:content":
        item.media.append(read_media_attributes(element))
        for child in element:
            read_media(item, name_of(child.tag), child, ignored)
    elif name == "media:thumbnail":
        if read_raw(element):
            raise Unusual
        item.thumbnails.append(read_media_attributes(element))
    elif name not in ignored or (len(element) and any(name_of(inner.tag) for inner in element.iterdescendants())):
        raise Unusual


def read_media_attributes(element: Element) -> dict[str, Any]:
    """Read attributes by their names in lower case; of an enclosure the address is `href`."""
    found = {name.lower(): value for name, value in read_attributes(element)}
    if "type" in found:
        found["type"] = found["type"].lower()
    if (element.text or "").strip() or (element.tag == "enclosure" and len(element)):
        raise Unusual
    if element.tag == "enclosure":
        found["href"] = found.pop("url", "") or found.get("uri") or found.get("href") or ""
    return found
