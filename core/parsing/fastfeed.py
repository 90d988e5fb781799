"""Feeds as nearly all are written, read off the tree: it gives what feedparser would give, or declines.

It knows RSS without default namespace and Atom 1.0, and of these only elements and attributes whose effect on
feedparser is simple. It declines whatever else it meets; feedparser, the reference, then reads the document.
"""

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urljoin

from feedparser.datetimes import _parse_date as parse_exotic_date
from feedparser.html import _cp1252 as cp1252

from core.parsing.dates import parse_date
from core.parsing.xml import Element
from core.urls import is_ordinary

Fields = dict[str, Any]

_ATOM = "http://www.w3.org/2005/Atom"
_NAMESPACES = {
    _ATOM.lower(): "atom",
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
_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_TYPES = {
    None: "text/plain",
    "text": "text/plain",
    "text/plain": "text/plain",
    "html": "text/html",
    "text/html": "text/html",
}

_RSS_HEAD_TEXTS = {
    "title": "title", "link": "link", "language": "language", "ttl": "ttl", "sy:updateperiod": "sy_updateperiod",
    "sy:updatefrequency": "sy_updatefrequency",
}  # fmt: skip
_RSS_HEAD_IGNORED = frozenset({
    "item", "description", "lastbuilddate", "pubdate", "generator", "copyright", "managingeditor", "webmaster", "docs",
    "category", "sy:updatebase", "feedburner:info", "dc:creator", "dc:date", "dc:rights", "",
})  # fmt: skip
_RSS_IMAGE = frozenset({"url", "title", "link", "width", "height", "description"})
_RSS_ITEM_TEXTS = {
    "title": "title", "link": "link", "pubdate": "published", "description": "summary",
    "content:encoded": "content", "dc:date": "updated", "feedburner:origlink": "feedburner_origlink",
}  # fmt: skip
_RSS_ITEM_IGNORED = frozenset({"comments", "media:credit", "media:copyright", "dc:identifier", ""})
_ATOM_IGNORED = frozenset({"icon", "logo", "generator", "rights", "subtitle", "author", "category", "entry", ""})
_ATOM_TEXTS = {"title": "title", "id": "id", "published": "published", "updated": "updated", "summary": "summary",
               "content": "content"}  # fmt: skip
_ATOM_TYPED = frozenset({"title", "summary", "content"})
_ATOM_LINK = frozenset({"rel", "type", "href", "title", "hreflang", "length"})
_ATOM_CATEGORY = frozenset({"term", "scheme", "label"})
# feedparser mends these two in every address.
_SLASHES = re.compile(r"^([A-Za-z][A-Za-z0-9+-.]*://)(/*)(.*?)")
_QUERY = re.compile(r"&([A-Za-z0-9_]+);")
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


class _Unusual(Exception):  # noqa: N818 - nothing is wrong: the reference has to read it
    """Something whose effect on feedparser is not simple."""


@dataclass(frozen=True, slots=True)
class UsualFeed:
    """A feed's head as feedparser would name its fields, and its items still unread."""

    feed: Fields
    items: list[Element]
    _read: Callable[[Element], Fields] = field(repr=False)
    _guid: Callable[[Element], str] = field(repr=False)

    def guids(self) -> list[str] | None:
        """The ids as the items state them, in order, empty for none; None where an id is unusual."""
        try:
            return [self._guid(item) for item in self.items]
        except _Unusual:
            return None

    def read(self, items: Iterable[Element]) -> list[Fields] | None:
        """The fields of some items; None where something is unusual."""
        try:
            return [self._read(item) for item in items]
        except _Unusual:
            return None


def read_usual(root: Element, *, base: str, now: datetime) -> UsualFeed | None:
    """Read the head of a feed; None unless it is one that this module knows. The tree is left as it is."""
    base = _join(base, base) or base
    try:
        if root.tag == "rss":
            return _read_rss(root, base, now)
        if root.tag == f"{{{_ATOM}}}feed":
            return _read_atom(root, base, now)
    except _Unusual:
        return None
    return None


def _read_rss(root: Element, base: str, now: datetime) -> UsualFeed:
    _allow(root, frozenset({"version"}))
    if len(root) != 1 or root[0].tag != "channel":
        raise _Unusual
    channel = root[0]
    _allow(channel)
    feed: Fields = {}
    items: list[Element] = []
    for child in channel:
        name = _name(child.tag)
        if name == "item":
            items.append(child)
        elif name in _RSS_HEAD_TEXTS:
            _allow(child)
            _put(feed, _RSS_HEAD_TEXTS[name], _text(child))
        elif name == "image":
            _check_image(child)
        elif not (name in _RSS_HEAD_IGNORED or (name == "atom:link" and child.get("rel", "alternate") != "alternate")):
            raise _Unusual
    if feed.get("link"):
        feed["link"] = _mend_query(_join(base, feed["link"]))
    return UsualFeed(feed, items, lambda item: _read_rss_item(item, base, now), lambda item: _rss_guid(item, base))


def _check_image(image: Element) -> None:
    if any(_name(child.tag) not in _RSS_IMAGE or len(child) for child in image):
        raise _Unusual


def _rss_guid(item: Element, base: str) -> str:
    found = [child for child in item if _name(child.tag) == "guid"]
    if len(found) > 1 or (found and found[0].tag != "guid"):
        raise _Unusual
    return _guid_of(found[0], base)[0] if found else ""


def _guid_of(guid: Element, base: str) -> tuple[str, bool]:
    is_permalink = True
    for name in guid.attrib:
        if str(name).lower() != "ispermalink":
            raise _Unusual
        is_permalink = guid.attrib[name] == "true"
    text = _strip(guid)
    return _mend_text(_join(base, text) if is_permalink and text else text), is_permalink


def _read_rss_item(item: Element, base: str, now: datetime) -> Fields:
    _allow(item)
    entry: Fields = {"links": [], "authors": [], "tags": [], "media_content": [], "media_thumbnail": []}
    is_permalink = False
    for child in item:
        name = _name(child.tag)
        field_name = _RSS_ITEM_TEXTS.get(name)
        if field_name is not None:
            _put(entry, field_name, _bare_text(child))
        elif name == "guid":
            text, is_permalink = _guid_of(child, base)
            _put(entry, "id", text)
        elif name in {"category", "dc:subject"}:
            _add_category(entry, child)
        elif name in {"dc:creator", "author"}:
            _add_author(entry, child)
        elif name == "enclosure":
            entry["links"].append({**_media(child), "rel": "enclosure"})
        elif name == "source":
            _allow(child, frozenset({"url"}))
            _put(entry, "source", {"href": child.get("url", ""), "title": _text(child)})
        else:
            _read_media(entry, name, child, _RSS_ITEM_IGNORED)
    if "link" in entry:
        _settle_link(entry, base)
    elif is_permalink and "id" in entry:
        entry["link"] = entry["id"]
    _settle_bodies(entry, "text/html")
    _settle_dates(entry, now)
    return entry


def _settle_link(entry: Fields, base: str) -> None:
    link = entry["link"]
    if is_ordinary(link) and "&" not in link:
        return
    entry["link"] = _mend_query(_mend_text(_join(base, link)).replace("&amp;", "&")) if link else ""


def _settle_bodies(entry: Fields, content_type: str, summary_type: str = "text/html") -> None:
    """Give summary and content their types; feedparser lets the content stand for a summary that is not there."""
    content = entry.pop("content", None)
    if "summary" in entry:
        entry["summary_detail"] = {"type": summary_type}
    elif content is not None:
        entry["summary"] = content
    if content is not None:
        entry["content"] = [{"type": content_type, "value": content}]


def _settle_dates(entry: Fields, now: datetime) -> None:
    for name in ("published", "updated"):
        text = entry.get(name)
        if text and parse_date(text, now=now) is None:
            entry[f"{name}_parsed"] = parse_exotic_date(text)


def _add_category(entry: Fields, category: Element) -> None:
    _allow(category, frozenset({"domain"}))
    if text := _text(category):
        entry["tags"].append({"term": text})


def _add_author(entry: Fields, author: Element) -> None:
    text = _bare_text(author)
    if "@" in text:
        raise _Unusual
    entry["authors"].append({"name": text})
    entry["author"] = text


def _read_media(entry: Fields, name: str, element: Element, ignored: frozenset[str]) -> None:
    if name == "media:content":
        entry["media_content"].append(_media(element))
        for child in element:
            _read_media(entry, _name(child.tag), child, ignored)
    elif name == "media:thumbnail":
        if len(element) or _strip(element):
            raise _Unusual
        entry["media_thumbnail"].append(_media(element))
    elif name not in ignored or any(_name(inner.tag) for inner in element.iterdescendants()):
        raise _Unusual


def _media(element: Element) -> Fields:
    """Read attributes as feedparser names them: in lower case, `url` as `href` for links."""
    found = {name.lower(): value for name, value in _attributes(element)}
    if "type" in found:
        found["type"] = found["type"].lower()
    if (element.text or "").strip() or (element.tag == "enclosure" and len(element)):
        raise _Unusual
    if element.tag == "enclosure":
        found["href"] = found.pop("url", "") or found.get("uri") or found.get("href") or ""
    return found


def _read_atom(root: Element, base: str, now: datetime) -> UsualFeed:
    language = root.get(_XML_LANG) or ""
    _allow(root, frozenset({_XML_LANG}))
    feed: Fields = {"language": language.replace("_", "-")} if language else {}
    items: list[Element] = []
    links: list[Element] = []
    for child in root:
        name = _name(child.tag)
        if name == "atom:entry":
            items.append(child)
        elif name == "atom:link":
            links.append(child)
        elif name in {"atom:title", "atom:id"}:
            _put(feed, name[5:], _typed_text(child)[0])
        elif name not in {"sy:updateperiod", "sy:updatefrequency", "feedburner:info", "atom:updated"} and (
            name.removeprefix("atom:") not in _ATOM_IGNORED
        ):
            raise _Unusual
        elif name.startswith("sy:"):
            _put(feed, name.replace(":", "_"), _text(child))
        _refuse_attributes_of_xml(child)
    _settle_links(feed, links, base)
    detail = {"language": language.replace("_", "-")} if language else {}
    return UsualFeed(
        feed,
        items,
        lambda item: {**_read_atom_entry(item, base, now), "title_detail": detail},
        lambda item: _atom_guid(item, base),
    )


def _atom_guid(entry: Element, base: str) -> str:
    found = entry.findall(f"{{{_ATOM}}}id")
    if len(found) != 1:
        raise _Unusual
    _allow(found[0])
    text = _strip(found[0])
    return _mend_text(_join(base, text)) if text else ""


def _read_atom_entry(item: Element, base: str, now: datetime) -> Fields:
    _allow(item)
    entry: Fields = {"links": [], "authors": [], "tags": [], "media_content": [], "media_thumbnail": []}
    types: dict[str, str] = {}
    links: list[Element] = []
    for child in item:
        name = _name(child.tag)
        field_name = _ATOM_TEXTS.get(name[5:]) if name.startswith("atom:") else None
        if field_name:
            text, types[field_name] = _typed_text(child)
            _put(entry, field_name, text)
        elif name == "atom:link":
            links.append(child)
        elif name == "atom:author":
            _add_person(entry, child)
        elif name == "atom:category":
            _allow(child, _ATOM_CATEGORY)
            if _strip(child):
                raise _Unusual
            entry["tags"].append(dict(_attributes(child)))
        elif name == "media:group":
            _read_group(entry, child)
        else:
            _read_media(entry, name, child, frozenset({"atom:rights", "atom:contributor", ""}))
    _settle_links(entry, links, base)
    _settle_bodies(entry, types.get("content", "text/plain"), types.get("summary", "text/html"))
    _settle_dates(entry, now)
    return entry


def _settle_links(holder: Fields, links: Iterable[Element], base: str) -> None:
    """Resolve the links and the id. The last alternate link is the link, else the id is."""
    if holder.get("id"):
        holder["id"] = _mend_text(_join(base, holder["id"]))
    found = []
    for link in links:
        _allow(link, _ATOM_LINK)
        if "href" not in link.attrib or len(link) or _strip(link):
            raise _Unusual
        named = {"rel": link.get("rel", "alternate").lower(), "href": _join(base, link.get("href", ""))}
        named["type"] = link.get("type", "application/atom+xml" if named["rel"] == "self" else "text/html").lower()
        found.append(named)
    usual = [link["href"] for link in found if link["rel"] == "alternate" and link["type"] in _HTML_TYPES]
    holder["links"] = found
    if usual or "id" in holder:
        holder["link"] = usual[-1] if usual else holder["id"]


def _add_person(entry: Fields, author: Element) -> None:
    _allow(author)
    names = [child for child in author if _name(child.tag) == "atom:name"]
    others = {_name(child.tag) for child in author} - {"atom:name", "atom:uri", "atom:email", ""}
    if len(names) != 1 or others or not _strip(names[0]):
        raise _Unusual
    for child in author:
        _allow(child)
        _text(child)
    entry["authors"].append({"name": _strip(names[0])})


def _read_group(entry: Fields, group: Element) -> None:
    """Read YouTube's group: its title repeats the entry's, its description is the only text there is."""
    if "title" not in entry or entry.keys() & {"summary", "content"}:
        raise _Unusual
    for child in group:
        name = _name(child.tag)
        if name == "media:description":
            _allow(child)
            _put(entry, "summary", _text(child))
        elif name == "media:title":
            _allow(child)
            _text(child)
        elif name == "media:community":
            if any((inner.text or "").strip() for inner in child.iter()):
                raise _Unusual
        else:
            _read_media(entry, name, child, frozenset())


def _typed_text(element: Element) -> tuple[str, str]:
    name = _name(element.tag)[5:]
    kind = _TYPES.get(element.get("type"))
    _allow(element, frozenset({"type"}) if name in _ATOM_TYPED else frozenset())
    if kind is None:
        raise _Unusual
    return (_text(element) if name != "id" else _strip(element)), kind


@lru_cache(maxsize=2048)
def _name(tag: str) -> str:
    """Name an element by prefix and lower-case name; empty for a namespace from which nothing is read."""
    if tag[0] != "{":
        return "?" if ":" in tag else tag.lower()
    namespace, _, name = tag[1:].partition("}")
    if namespace.startswith("http://backend.userland.com/"):
        return "?"
    prefix = _NAMESPACES.get(namespace.lower())
    return f"{prefix}:{name.lower()}" if prefix else ""


def _put(fields: Fields, name: str, value: str | Fields) -> None:
    """Keep a value that may stand once: which of two feedparser takes is a long story."""
    if name in fields:
        raise _Unusual
    fields[name] = value


def _allow(element: Element, names: frozenset[str] = frozenset()) -> None:
    if element.attrib and not names.issuperset(map(str, element.attrib)):
        raise _Unusual


def _refuse_attributes_of_xml(element: Element) -> None:
    if any(str(name).rpartition("}")[2].lower() in {"base", "lang"} for name in element.attrib):
        raise _Unusual


def _attributes(element: Element) -> list[tuple[str, str]]:
    found = [(str(name), str(value)) for name, value in element.attrib.items()]
    if any(name[0] == "{" or ":" in name or name.lower() in {"base", "lang"} for name, _ in found):
        raise _Unusual
    return found


def _text(element: Element) -> str:
    """Read the text of an element that may hold nothing else."""
    return _mend_text(_strip(element))


def _bare_text(element: Element) -> str:
    """Read the text of an element that may hold nothing else and bear no attribute."""
    if element.attrib or len(element):
        raise _Unusual
    text = (element.text or "").strip()
    return text if text.isascii() else _mend_text(text)


def _strip(element: Element) -> str:
    if len(element):
        raise _Unusual
    return (element.text or "").strip()


def _mend_text(text: str) -> str:
    """Read UTF-8 that somebody took for Latin-1, and Windows' characters that somebody took for controls."""
    if text.isascii():
        return text
    with suppress(UnicodeError):
        text = text.encode("iso-8859-1").decode("utf-8")
    return text.translate(cp1252)


def _mend_query(url: str) -> str:
    return url if "&" not in url else _QUERY.sub(r"&\1", url)


def _join(base: str, link: str) -> str:
    if is_ordinary(link):
        return link
    try:
        return urljoin(base, _SLASHES.sub(r"\1\3", link))
    except ValueError:
        return ""
