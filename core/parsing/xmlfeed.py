"""RSS 0.9-2.0, RDF and Atom documents read into entries: usual ones off the tree, all others by feedparser."""

import re
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import cast

from lxml import etree

from core.parsing.entries import AskKnown, clean_entry, keep_first, know_none, settle_guid, tell_count
from core.parsing.fastfeed import read_usual
from core.parsing.reference import MAX_ELEMENTS, base_url, drop, read_by_reference
from core.parsing.stated import StatedFeed, StatedItem, settle_item
from core.parsing.text import clean_title
from core.parsing.xml import Element, lacks_end, local_name, parse_xml
from core.values import Pace, ParsedFeed

_ROOTS = frozenset({"rss", "rdf", "feed"})
_FEED_START = re.compile(r"<(?:rss|feed|rdf:RDF)[\s>]")
_HTML_START = re.compile(r"\s*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_COUNT = etree.XPath("count(descendant-or-self::*)")


def parse_xml_feed(
    text: str, utf8: bytes | None = None, *, url: str, now: datetime, known: AskKnown = know_none
) -> ParsedFeed:
    """Read an XML feed given as text (`utf8` is the same encoded, if somebody has it); never raises.

    Entries whose guid is `known` are counted and not read.
    """
    root, problem = _find_feed(text, utf8)
    if root is None:
        return ParsedFeed(is_feed=False, problems=(_tell_kind(text),))
    if problem and lacks_end(text[-2048:].encode("utf-8", "replace")):
        _drop_cut_item(root, text)
    is_usual = not problem and not _is_huge(root, text)
    fast = _read_fast(root, url=url, now=now, known=known) if is_usual else None
    return fast or _read_by_reference(root, problem, url=url, now=now, known=known)


def _read_fast(root: Element, *, url: str, now: datetime, known: AskKnown) -> ParsedFeed | None:
    """Read a usual feed off the tree; None when feedparser has to."""
    usual = read_usual(root, base=base_url(root, url), url=url, now=now)
    if usual is None:
        return None
    old, fresh = _part(usual.guids, known)
    items = usual.read(fresh)
    return None if items is None else _assemble(usual.head, items, old)


def _read_by_reference(root: Element, problem: str, *, url: str, now: datetime, known: AskKnown) -> ParsedFeed:
    document = read_by_reference(root, url=url, is_mended=bool(problem), now=now)
    if document is None:
        return ParsedFeed(problems=("The feed's markup is beyond reading.",))
    old, fresh = _part(document.guids, known)
    problems = (problem,) if problem else ()
    return _assemble(document.head, document.read(fresh), old, problems, surplus_count=document.surplus_count)


def _part(guids: Sequence[str], known: AskKnown) -> tuple[Collection[str], list[int]]:
    """Find which guids are stored, and which items, counted from 0, are to be read."""
    named = [settle_guid(guid) for guid in guids]
    old = known([guid for guid in named if guid])
    return old, [number for number, guid in enumerate(named) if guid not in old]


def _assemble(
    feed: StatedFeed,
    items: Sequence[StatedItem],
    old: Collection[str],
    problems: tuple[str, ...] = (),
    *,
    surplus_count: int = 0,
) -> ParsedFeed:
    found = [clean_entry(settle_item(item, feed)) for item in items]
    told = [entry for entry in found if entry is not None]
    entries, repeat_count = keep_first(told)
    return ParsedFeed(
        title=clean_title(feed.title),
        entries=entries,
        known_count=len(old),
        pace=Pace(ttl=feed.ttl),
        problems=(
            *problems,
            *tell_count(
                len(found) - len(told),
                "One entry says nothing and was left out.",
                "{count} entries say nothing and were left out.",
            ),
            *tell_count(
                repeat_count,
                "One entry repeats a guid and was left out.",
                "{count} entries repeat a guid and were left out.",
            ),
            *tell_count(
                surplus_count,
                "One entry beyond the limit was left out.",
                "{count} entries beyond the limit were left out.",
            ),
        ),
    )


def _find_feed(text: str, utf8: bytes | None = None) -> tuple[Element | None, str]:
    """Parse from the start, or from the feed's root when something (a PHP warning, say) stands before it."""
    if _HTML_START.match(text):
        return None, ""
    root, problem = parse_xml(text, utf8)
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
        drop(items[-1])


def _tell_kind(text: str) -> str:
    if _HTML_START.match(text) or "<html" in text[:2000].lower():
        return "The document is an HTML page, not a feed."
    return "The document is neither RSS nor Atom nor JSON Feed."


def _is_huge(root: Element, text: str) -> bool:
    """Whether it has more elements than the reference would read; the shortest one takes four characters."""
    return len(text) > 4 * MAX_ELEMENTS and cast("float", _COUNT(root)) > MAX_ELEMENTS
