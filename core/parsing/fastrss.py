"""RSS without default namespace as nearly all write it, read off the tree; it raises `Unusual` at whatever else."""

from collections.abc import Sequence
from datetime import datetime
from itertools import product

from lxml import etree

from core.parsing.entries import MAX_ENTRIES, clean_language
from core.parsing.fastnodes import (
    Unusual,
    UsualFeed,
    allow,
    choose_date,
    join,
    mend_query,
    mend_text,
    name_of,
    place_by_item,
    put,
    read_bare_text,
    read_media,
    read_media_attributes,
    read_raw,
    read_text,
)
from core.parsing.stated import StatedFeed, StatedItem, list_addresses, read_ttl
from core.parsing.xml import Element
from core.urls import is_ordinary

_HEAD_TEXTS = frozenset({"title", "link", "language", "ttl", "sy:updateperiod", "sy:updatefrequency"})
_HEAD_IGNORED = frozenset({
    "item", "description", "lastbuilddate", "pubdate", "generator", "copyright", "managingeditor", "webmaster", "docs",
    "category", "sy:updatebase", "feedburner:info", "dc:creator", "dc:date", "dc:rights", "",
})  # fmt: skip
_IMAGE = frozenset({"url", "title", "link", "width", "height", "description"})
_ITEM_TEXTS = frozenset(
    {"title", "link", "pubdate", "description", "content:encoded", "dc:date", "feedburner:origlink"}
)
_ITEM_IGNORED = frozenset({"comments", "media:credit", "media:copyright", "dc:identifier", ""})
_CATEGORIES = frozenset({"category", "dc:subject"})
_CATEGORY_ATTRIBUTES = frozenset({"domain"})
_AUTHORS = frozenset({"dc:creator", "author"})
_GUIDS = etree.XPath("*/guid")
# Every other way to write `guid`: feedparser reads these too.
_ODD_GUIDS = ["".join(letters) for letters in product("gG", "uU", "iI", "dD")][1:]


def read_rss(root: Element, *, base: str, url: str, now: datetime) -> UsualFeed:
    """Read the head of an RSS document and its items' guids. `base` is what links are relative to."""
    allow(root, frozenset({"version"}))
    if len(root) != 1 or root[0].tag != "channel":
        raise Unusual
    channel = root[0]
    allow(channel)
    texts: dict[str, str] = {}
    items: list[Element] = []
    for child in channel:
        name = name_of(child.tag)
        if name == "item":
            items.append(child)
        else:
            _read_head(texts, name, child)
    return UsualFeed(
        _settle_head(texts, base, url),
        _read_guids(channel, items, base),
        items,
        lambda item, guid: _read_item(item, guid, base, now),
    )


def _read_head(texts: dict[str, str], name: str, child: Element) -> None:
    if name in _HEAD_TEXTS:
        allow(child)
        put(texts, name, read_text(child))
    elif name == "image":
        _check_image(child)
    elif not (name in _HEAD_IGNORED or (name == "atom:link" and child.get("rel", "alternate") != "alternate")):
        raise Unusual


def _check_image(image: Element) -> None:
    if any(name_of(child.tag) not in _IMAGE or len(child) for child in image):
        raise Unusual


def _settle_head(texts: dict[str, str], base: str, url: str) -> StatedFeed:
    link = texts.get("link", "")
    return StatedFeed(
        url=url,
        title=texts.get("title", ""),
        link=mend_query(join(base, link)) if link else "",
        language=clean_language(texts.get("language", "")),
        ttl=read_ttl(
            texts.get("ttl", ""),
            period=texts.get("sy:updateperiod", ""),
            frequency=texts.get("sy:updatefrequency", ""),
        ),
    )


def _read_guids(channel: Element, items: Sequence[Element], base: str) -> list[str]:
    own = set(items)
    if len(items) > MAX_ENTRIES or any(odd.getparent() in own for odd in channel.iter(*_ODD_GUIDS)):
        raise Unusual
    by_item = place_by_item(_GUIDS(channel), own)
    return [_read_guid(by_item[item], base) if item in by_item else "" for item in items]


def _read_guid(guid: Element, base: str) -> str:
    is_permalink = _is_permalink(guid)
    text = read_raw(guid)
    return mend_text(join(base, text) if text and is_permalink else text)


def _is_permalink(guid: Element) -> bool:
    names = guid.keys()
    if names and (len(names) > 1 or names[0].lower() != "ispermalink"):
        raise Unusual
    return not names or guid.get(names[0]) == "true"


def _read_item(element: Element, guid: str, base: str, now: datetime) -> StatedItem:
    allow(element)
    texts: dict[str, str] = {}
    authors: list[str] = []
    categories: list[str] = []
    rest: list[tuple[str, Element]] = []
    identity = None
    for child in element:
        name = name_of(child.tag)
        if name in _ITEM_TEXTS:
            if name in texts or child.attrib:
                raise Unusual
            texts[name] = read_text(child)
        elif name == "guid":
            identity = child
        elif name in _CATEGORIES:
            if child.attrib:
                allow(child, _CATEGORY_ATTRIBUTES)
            categories.append(read_text(child))
        elif name in _AUTHORS:
            _add_author(authors, child)
        else:
            rest.append((name, child))
    item = _state_item(texts, guid, now)
    item.authors, item.categories = authors, categories
    for name, child in rest:
        _read_rest(item, texts, name, child)
    if "link" in texts:
        link = _settle_link(texts["link"], base)
    else:
        link = guid if identity is not None and _is_permalink(identity) else ""
    item.addresses = list_addresses(texts.get("feedburner:origlink", ""), link, item.links, guid)
    return item


def _add_author(authors: list[str], author: Element) -> None:
    text = read_bare_text(author)
    if "@" in text:
        raise Unusual
    if text:
        authors.append(text)


def _read_rest(item: StatedItem, texts: dict[str, str], name: str, child: Element) -> None:
    if name == "enclosure":
        item.links.append({**read_media_attributes(child), "rel": "enclosure"})
    elif name == "source":
        allow(child, frozenset({"url"}))
        put(texts, name, read_text(child))
        item.source_name, item.source_url = texts[name], child.get("url", "")
    else:
        read_media(item, name, child, _ITEM_IGNORED)


def _settle_link(link: str, base: str) -> str:
    if not link or (is_ordinary(link) and "&" not in link):
        return link
    return mend_query(mend_text(join(base, link)).replace("&amp;", "&"))


def _state_item(texts: dict[str, str], guid: str, now: datetime) -> StatedItem:
    find = texts.get
    summary, content = find("description", ""), find("content:encoded", "")
    published_at, date_text = choose_date((find("pubdate", ""), find("dc:date", "")), now=now)
    return StatedItem(
        guid=guid,
        title=find("title", ""),
        summary_html="" if summary == content else summary,
        content_html=content,
        published_at=published_at,
        date_text=date_text,
    )
