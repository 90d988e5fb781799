"""Atom 1.0 as nearly all write it, read off the tree; it raises `Unusual` at whatever else."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from lxml import etree

from core.parsing.entries import MAX_ENTRIES, clean_language
from core.parsing.fastnodes import (
    ATOM,
    Unusual,
    UsualFeed,
    allow,
    choose_date,
    join,
    mend_text,
    name_of,
    place_by_item,
    put,
    read_bare_text,
    read_media,
    read_raw,
    read_text,
)
from core.parsing.stated import StatedFeed, StatedItem, as_html, list_addresses, read_ttl
from core.parsing.xml import Element

_PLAIN = "text/plain"
_HTML = "text/html"
_TYPES = {None: _PLAIN, "text": _PLAIN, "text/plain": _PLAIN, "html": _HTML, "text/html": _HTML}
_PAGE_TYPES = frozenset({_HTML, "application/xhtml+xml"})
_HEAD_PERIODS = frozenset({"sy:updateperiod", "sy:updatefrequency"})
_HEAD_IGNORED = frozenset({
    "icon", "logo", "generator", "rights", "subtitle", "author", "category", "entry", "feedburner:info", "",
})  # fmt: skip
_TYPED = frozenset({"atom:title", "atom:summary", "atom:content"})
_TIMES = frozenset({"atom:published", "atom:updated"})
_LINK = frozenset({"rel", "type", "href", "title", "hreflang", "length"})
_CATEGORY = frozenset({"term", "scheme", "label"})
_TYPE = frozenset({"type"})
_PERSON = frozenset({"atom:name", "atom:uri", "atom:email", ""})
_ENTRY_IGNORED = frozenset({"atom:rights", "atom:contributor", ""})
_IDS = etree.XPath("*/atom:id", namespaces={"atom": ATOM})
_ID = f"{{{ATOM}}}id"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def read_atom(root: Element, *, base: str, url: str, now: datetime) -> UsualFeed:
    """Read the head of an Atom document and its entries' ids. `base` is what links are relative to."""
    allow(root, frozenset({_XML_LANG}))
    texts: dict[str, str] = {}
    items: list[Element] = []
    links: list[Element] = []
    for child in root:
        name = name_of(child.tag)
        if name == "atom:entry":
            items.append(child)
        elif name == "atom:link":
            links.append(child)
        else:
            _read_head(texts, name, child)
        _refuse_attributes_of_xml(child)
    _, link = _read_links(links, base)
    head = StatedFeed(
        url=url,
        title=texts.get("atom:title", ""),
        link=_settle_id(texts.get("atom:id", ""), base) if link is None else link,
        language=clean_language(root.get(_XML_LANG) or ""),
        ttl=read_ttl("", period=texts.get("sy:updateperiod", ""), frequency=texts.get("sy:updatefrequency", "")),
    )
    return UsualFeed(head, _read_guids(root, items, base), items, lambda item, guid: _read_entry(item, guid, base, now))


def _read_head(texts: dict[str, str], name: str, child: Element) -> None:
    if name == "atom:title":
        put(texts, name, _read_typed(child)[0])
    elif name == "atom:id":
        allow(child)
        put(texts, name, read_raw(child))
    elif name in _HEAD_PERIODS:
        put(texts, name, read_text(child))
    elif name != "atom:updated" and name.removeprefix("atom:") not in _HEAD_IGNORED:
        raise Unusual


def _refuse_attributes_of_xml(child: Element) -> None:
    if child.attrib and any(name.rpartition("}")[2].lower() in {"base", "lang"} for name in map(str, child.attrib)):
        raise Unusual


def _read_guids(root: Element, items: Sequence[Element], base: str) -> list[str]:
    if len(items) > MAX_ENTRIES:
        raise Unusual
    by_item = place_by_item(_IDS(root), set(items))
    if len(by_item) < len(items):
        raise Unusual
    return [_read_guid(by_item[item], base) for item in items]


def _read_guid(identity: Element, base: str) -> str:
    allow(identity)
    return _settle_id(read_raw(identity), base)


def _settle_id(text: str, base: str) -> str:
    return mend_text(join(base, text)) if text else ""


def _read_entry(element: Element, guid: str, base: str, now: datetime) -> StatedItem:
    allow(element)
    authors: list[str] = []
    categories: list[str] = []
    item = StatedItem(guid=guid, authors=authors, categories=categories)
    texts: dict[str, str] = {}
    types: dict[str, str] = {}
    links: list[Element] = []
    for child in element:
        name = name_of(child.tag)
        if name in _TYPED:
            text, types[name] = _read_typed(child)
            put(texts, name, text)
        elif name in _TIMES:
            put(texts, name, read_bare_text(child))
        elif name == "atom:link":
            links.append(child)
        elif name == "atom:author":
            authors.append(_read_person(child))
        elif name == "atom:category":
            categories.append(_read_category(child))
        elif name == "media:group":
            _read_group(item, texts, child)
        elif child.tag != _ID:
            read_media(item, name, child, _ENTRY_IGNORED)
    item.links, link = _read_links(links, base)
    _settle_texts(item, texts, types, guid if link is None else link, now)
    return item


def _read_typed(element: Element) -> tuple[str, str]:
    """Read a text and whether it is plain or HTML."""
    kind = _TYPES.get(element.get("type"))
    allow(element, _TYPE)
    if kind is None:
        raise Unusual
    return read_text(element), kind


def _read_links(links: Iterable[Element], base: str) -> tuple[list[Mapping[str, str]], str | None]:
    """Read links; with them the address of the last alternate, which is the one that counts, None without."""
    found: list[Mapping[str, str]] = []
    page = None
    for link in links:
        allow(link, _LINK)
        if "href" not in link.attrib or read_raw(link):
            raise Unusual
        rel, href = link.get("rel", "alternate").lower(), join(base, link.get("href", ""))
        kind = link.get("type", "application/atom+xml" if rel == "self" else _HTML).lower()
        if rel == "alternate" and kind in _PAGE_TYPES:
            page = href
        found.append({"rel": rel, "href": href, "type": kind})
    return found, page


def _read_person(author: Element) -> str:
    allow(author)
    names = [child for child in author if name_of(child.tag) == "atom:name"]
    if len(names) != 1 or not all(name_of(child.tag) in _PERSON for child in author) or not read_raw(names[0]):
        raise Unusual
    for child in author:
        allow(child)
        read_raw(child)
    return read_raw(names[0])


def _read_category(category: Element) -> str:
    allow(category, _CATEGORY)
    if read_raw(category):
        raise Unusual
    return category.get("label") or category.get("term") or ""


def _read_group(item: StatedItem, texts: dict[str, str], group: Element) -> None:
    """Read YouTube's group: its title repeats the entry's, its description is the only text there is."""
    if "atom:title" not in texts or texts.keys() & {"atom:summary", "atom:content"}:
        raise Unusual
    for child in group:
        name = name_of(child.tag)
        if name == "media:description":
            allow(child)
            put(texts, "atom:summary", read_text(child))
        elif name == "media:title":
            allow(child)
            read_raw(child)
        elif name == "media:community":
            if any((inner.text or "").strip() for inner in child.iter()):
                raise Unusual
        else:
            read_media(item, name, child, frozenset())


def _settle_texts(item: StatedItem, texts: dict[str, str], types: dict[str, str], link: str, now: datetime) -> None:
    item.title = texts.get("atom:title", "")
    item.addresses = list_addresses("", link, item.links, item.guid)
    content = texts.get("atom:content", "")
    item.content_html = as_html(content) if types.get("atom:content") == _PLAIN else content
    # A content that stands for a summary is taken for HTML, whatever its type.
    summary = texts.get("atom:summary", content)
    item.summary_html = as_html(summary) if types.get("atom:summary") == _PLAIN else summary
    if item.summary_html == item.content_html:
        item.summary_html = ""
    item.published_at, item.date_text = choose_date(
        (texts.get("atom:published", ""), texts.get("atom:updated", "")), now=now
    )
