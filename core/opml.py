"""Source lists as OPML 2.0 (opml.org/spec2.opml), our own settings kept in attributes of our namespace.

Any reader's list can be taken over: an outline with an `xmlUrl` is a feed, its `text` or `title` names the publisher.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar
from xml.sax.saxutils import quoteattr

from lxml import etree

from core.addresses import check_url
from core.parsing.entries import clean_language
from core.parsing.text import clean_title
from core.parsing.xml import Element, decode_text, local_name, parse_xml
from core.urls import strip_feed_scheme
from core.values import PageSelectors, Publisher, PublisherSlug, Render, Selectors, Source, SourceId, SourceKind, Tier

NAMESPACE = "https://setwire.example/ns/opml"
MAX_BYTES = 5 * 1024 * 1024
MAX_SOURCES = 5_000
_NAME_CHARS = 120
_NOT_SLUG = re.compile(r"[^a-z0-9]+")
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_SECONDS = re.compile(r"[1-9][0-9]{0,7}")
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_T = TypeVar("_T", Selectors, PageSelectors)
_W = TypeVar("_W", SourceKind, Tier)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceList:
    """What a document lists: sources in its order, ids and addresses unique, and what was left out, in words."""

    sources: tuple[Source, ...] = ()
    problems: tuple[str, ...] = ()


def parse_opml(body: bytes) -> SourceList:
    """Read a source list; never raises, expands no entity, opens nothing.

    Outlines may nest as deep as they like; folders say nothing. What cannot be a source is told in `problems`.
    """
    if len(body) > MAX_BYTES:
        return SourceList(problems=(f"The document is larger than {MAX_BYTES:,} bytes.",))
    root, problem = parse_xml(decode_text(body).lstrip("\ufeff \t\r\n\0"))
    if root is None or local_name(root) != "opml":
        return SourceList(problems=("The document is no OPML.",))
    problems = [problem] if problem else []
    sources: dict[str, Source] = {}
    taken: set[str] = set()
    for number, outline in enumerate(_outlines(root)):
        if number == MAX_SOURCES:
            problems.append(f"Only the first {MAX_SOURCES:,} sources were read.")
            break
        url = strip_feed_scheme(_plain(outline, "xmlurl")).replace(" ", "%20")
        trouble = _find_trouble(url)
        if trouble:
            problems.append(f"{url[:200]!r} cannot be a source: {trouble}.")
        elif url not in sources:
            sources[url] = source = _read_outline(outline, url, taken)
            taken.add(source.source_id)
    return SourceList(sources=tuple(sources.values()), problems=tuple(problems))


def write_opml(sources: Iterable[Source], *, title: str = "setwire sources") -> str:
    """Write sources as a document that any feed reader takes, and `parse_opml` reads back as they were."""
    rows = "\n".join(f"    <outline{_write_attributes(_attributes(source))}/>" for source in sources)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<opml version="2.0" xmlns:setwire="{NAMESPACE}">\n'
        f"  <head><title>{_escape(title)}</title></head>\n  <body>\n{rows}\n  </body>\n</opml>\n"
    )


def _outlines(root: Element) -> Iterator[Element]:
    for element in root.iter(etree.Element):
        if local_name(element) == "outline" and _plain(element, "xmlurl"):
            yield element


def _find_trouble(url: str) -> str:
    try:
        check_url(url)
    except ValueError as error:
        return str(error).rstrip(".")
    return ""


def _read_outline(outline: Element, url: str, taken: set[str]) -> Source:
    name = clean_title(_plain(outline, "text") or _plain(outline, "title"), max_chars=_NAME_CHARS) or url[:_NAME_CHARS]
    kind = _word(_own(outline, "kind"), SourceKind, SourceKind.FEED)
    selectors = _read_selectors(_own(outline, "selectors"), Selectors)
    spider = _own(outline, "spider")
    is_readable = kind is not SourceKind.LISTING or selectors is not None or bool(spider)
    seconds, language = _own(outline, "interval"), _plain(outline, "language")
    return Source(
        source_id=SourceId(_free_id(_own(outline, "id") or _slug(name), taken)),
        publisher=_read_publisher(outline, name),
        kind=kind if is_readable else SourceKind.FEED,
        url=url,
        language=language if clean_language(language) else "en",
        interval=timedelta(seconds=int(seconds)) if _SECONDS.fullmatch(seconds) else None,
        full_text=_own(outline, "fulltext") == "true",
        selectors=selectors if kind is SourceKind.LISTING and not spider else None,
        spider=spider if kind is SourceKind.LISTING and _SLUG.fullmatch(spider) else "",
        render=_read_render(_own(outline, "render")) if kind is SourceKind.LISTING else Render.PLAIN,
        page=_read_selectors(_own(outline, "page"), PageSelectors),
        enabled=_own(outline, "enabled") != "false",
        seen_at=clean_title(_own(outline, "seenat")) or "an imported list",
    )


def _read_publisher(outline: Element, name: str) -> Publisher:
    slug, homepage = _own(outline, "publisher"), _plain(outline, "htmlurl")
    return Publisher(
        slug=PublisherSlug(slug if _SLUG.fullmatch(slug) else _slug(name)),
        name=clean_title(_own(outline, "publishername"), max_chars=_NAME_CHARS) or name,
        tier=_word(_own(outline, "tier"), Tier, Tier.PRESS),
        homepage="" if _find_trouble(homepage) else homepage,
    )


def _read_selectors(text: str, kind: type[_T]) -> _T | None:
    """Read selectors written as JSON; None when there are none or they say nothing."""
    try:
        fields = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    given = {name: value for name, value in fields.items() if name in kind.__slots__ and isinstance(value, str)}
    return kind(**given) if "item" in given or kind is PageSelectors else None


def _word(text: str, kind: type[_W], default: _W) -> _W:
    return kind(text) if text in set(kind) else default


def _plain(outline: Element, name: str) -> str:
    """Read an attribute whatever its capitals: programs write `xmlUrl`, `xmlurl` and `xmlURL`."""
    return next((str(value).strip() for key, value in outline.attrib.items() if str(key).lower() == name), "")


def _read_render(text: str) -> Render:
    return Render.JAVASCRIPT if text == Render.JAVASCRIPT.value else Render.PLAIN


def _own(outline: Element, name: str) -> str:
    return _plain(outline, f"{{{NAMESPACE}}}{name}")


def _free_id(wanted: str, taken: set[str]) -> str:
    slug = wanted if _SLUG.fullmatch(wanted) else _slug(wanted)
    numbered = (f"{slug}-{number}" for number in range(2, len(taken) + 3))
    return next(candidate for candidate in (slug, *numbered) if candidate not in taken)


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return _NOT_SLUG.sub("-", plain).strip("-")[:60].strip("-") or "source"


def _attributes(source: Source) -> Mapping[str, str]:
    publisher = source.publisher
    return {
        "type": "rss",
        "text": publisher.name,
        "xmlUrl": source.url,
        "htmlUrl": publisher.homepage,
        "language": source.language,
        "setwire:id": source.source_id,
        "setwire:publisher": publisher.slug,
        "setwire:publisherName": publisher.name,
        "setwire:tier": publisher.tier.value,
        "setwire:kind": source.kind.value,
        "setwire:interval": str(round(source.interval.total_seconds())) if source.interval else "",
        "setwire:fullText": "true" if source.full_text else "",
        "setwire:selectors": _write_selectors(source.selectors),
        "setwire:spider": source.spider,
        "setwire:render": "" if source.render is Render.PLAIN else source.render.value,
        "setwire:page": _write_selectors(source.page),
        "setwire:enabled": "" if source.enabled else "false",
        "setwire:seenAt": source.seen_at,
    }


def _write_selectors(selectors: Selectors | PageSelectors | None) -> str:
    if selectors is None:
        return ""
    return json.dumps({name: getattr(selectors, name) for name in selectors.__slots__}, ensure_ascii=False)


def _write_attributes(attributes: Mapping[str, str]) -> str:
    return "".join(f" {name}={_quote(value)}" for name, value in attributes.items() if value)


def _quote(value: str) -> str:
    return quoteattr(_UNPRINTABLE.sub("", value), {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})


def _escape(text: str) -> str:
    return _quote(text)[1:-1]
