"""Article and listing pages read: trafilatura finds the text, the page's own metadata comes first for the rest."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import lxml.html
import parsel
import trafilatura
from lxml import etree

from core.parsing.dates import parse_date
from core.parsing.entries import (
    MAX_ENTRIES,
    RawEntry,
    clean_entry,
    clean_language,
    keep_first,
    tell_count,
)
from core.parsing.selecting import is_xpath, select_in
from core.parsing.text import (
    SUMMARY_CHARS,
    TEXT_CHARS,
    clean_html,
    clean_line,
    clean_title,
    cut_at_word,
    has_markup,
)
from core.parsing.xml import decode_text
from core.urls import canonical_url, is_same_site, resolve_url
from core.values import PageSelectors, ParsedEntry, ParsedFeed, ParsedPage, Selectors

MAX_PAGE_BYTES = 5 * 1024 * 1024
# Real pages have up to 10,000 elements; trafilatura took two minutes for a million empty ones.
_MAX_ELEMENTS = 20_000
# The HTML parser compares the attributes of a tag with each other: 50,000 took a minute.
_CROWDED_TAG = re.compile(r"<([a-zA-Z][a-zA-Z0-9]{0,20})[^>]{4000,}>?")
_MAX_ATTRIBUTES = 1_000
_MAX_JSON_CHARS = 300_000
_MAX_JSON_NODES = 2_000
_ARTICLE_TYPES = re.compile(r"\w*(?:Article|Posting|Review|Report)")
_SCRIPT_WRAPPERS = re.compile(r"<!\[CDATA\[|\]\]>|<!--|-->")
_PAGE_TYPES = re.compile(r"(?:Web|Item)Page")
_PUBLISHED_META = (
    "article:published_time", "article:published", "og:published_time", "datepublished", "date", "pubdate",
    "publishdate", "publish-date", "published_at", "publication_date", "article.published", "dc.date.issued", "dc.date",
    "dcterms.created", "date.created", "datecreated", "displaydate", "sailthru.date", "parsely-pub-date",
    "cxenseparse:recs:publishtime",
)  # fmt: skip
_AUTHOR_META = (
    "author",
    "article:author",
    "parsely-author",
    "sailthru.author",
    "dc.creator",
    "byl",
    "cxenseparse:author",
)
_MAX_AUTHORS = 10
_AROUND_NAMES = re.compile(
    r"^(?:written\s+)?by\s+|\s+(?:view author archive|get author rss|updated\b).*$", re.IGNORECASE
)
_NO_AUTHOR = re.compile(
    r"(?:photo|image|picture)s?\s+(?:by|courtesy)\b|(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)\.?\Z",
    re.IGNORECASE,
)
_TEXT_BLOCKS = ("p", "li", "blockquote", "h2", "h3", "h4", "pre")
_NOT_FREE = frozenset({"false", "no", "0"})
_PAID_TIERS = frozenset({"locked", "metered"})
# Both libraries meet hostile bytes with these; none is a fault of ours.
_PARSER_ERRORS = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    AssertionError,
    etree.LxmlError,
)


def parse_page(
    body: bytes, *, url: str, now: datetime, selectors: PageSelectors | None = None, content_type: str = ""
) -> ParsedPage:
    """Read an article page; never raises, whatever the bytes.

    `text` has one paragraph a line and is empty when none was found. `canonical_url` is the page's own `rel=canonical`
    (else `og:url`), believed only within the same registrable domain. `url` is where the page came from, `content_type`
    the HTTP header, which may name the charset.
    What `selectors` find goes before all else; one that finds nothing or cannot be read changes nothing.
    """
    tree = read_html(body, content_type=content_type)
    if tree is None:
        return ParsedPage(url=url)
    meta = _Metadata(tree)
    base = resolve_url(meta.base, url) or url
    own = _read_own(tree, selectors, now=now) if selectors else _Own()
    found = _extract(tree, url=url, now=now)
    authors = own.authors or _authors(meta, found)
    return ParsedPage(
        url=url,
        canonical_url=_canonical(meta, base=base, url=url),
        title=own.title or _title(meta, found),
        author=cut_at_word(", ".join(authors), max_chars=300),
        authors=authors,
        is_paywalled=_is_paywalled(meta),
        summary=clean_html(meta.first("og:description", "description", "twitter:description"), max_chars=SUMMARY_CHARS),
        text=own.text or _paragraphs(found.text if found else ""),
        image_url=resolve_url(meta.image(), base, url),
        language=clean_language(meta.language),
        published_at=own.published_at or _published(meta, found, now=now),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Own:
    """What a source's own selectors found on a page."""

    title: str = ""
    authors: tuple[str, ...] = ()
    text: str = ""
    published_at: datetime | None = None


def _read_own(tree: Any, selectors: PageSelectors, *, now: datetime) -> _Own:
    page = parsel.Selector(root=tree, type="html")
    dates = (parse_date(text, now=now) for text in _select_own(page, selectors.date, _read_time))
    names = (_clean_name(name) for name in _select_own(page, selectors.author, _read_words))
    return _Own(
        title=next(filter(None, map(clean_title, _select_own(page, selectors.title, _read_words))), ""),
        authors=tuple(dict.fromkeys(filter(None, names)))[:_MAX_AUTHORS],
        text=_paragraphs("\n".join(_select_own(page, selectors.body, _read_blocks))),
        published_at=next(filter(None, dates), None),
    )


def _select_own(page: parsel.Selector, selector: str, read: Callable[[Any], str]) -> list[str]:
    try:
        return list(_select(page, selector, read))
    except ValueError:
        return []


def _read_blocks(element: Any) -> str:
    """Give the paragraphs of a body, one a line; a body without paragraphs is one."""
    blocks = [one for one in element.iter(*_TEXT_BLOCKS) if not any(True for _ in one.iterdescendants(*_TEXT_BLOCKS))]
    return "\n".join(clean_html(_read_words(one), max_chars=TEXT_CHARS) for one in blocks or [element])


def _clean_name(text: str) -> str:
    """Take what pages write around a name off it; empty when it is no author's."""
    name = _AROUND_NAMES.sub("", clean_title(text)).strip(" ,|–—-")
    return "" if _NO_AUTHOR.match(name) else name


def _is_paywalled(meta: "_Metadata") -> bool:
    """Believe schema.org's `isAccessibleForFree`, of article, page or a part, and the tier of Facebook's tags."""
    parts = [part for one in (*meta.articles, *meta.pages) for part in (one, *_objects(one.get("hasPart")))]
    words = {str(part.get("isAccessibleForFree", "")).strip().lower().rpartition("/")[2] for part in parts}
    return bool(words & _NOT_FREE) or meta.first("article:content_tier").lower() in _PAID_TIERS


def _objects(value: Any) -> list[dict[str, Any]]:
    values = value if isinstance(value, list) else [value]
    return [one for one in values[:_MAX_AUTHORS] if isinstance(one, dict)]


def parse_listing(body: bytes, *, url: str, selectors: Selectors, now: datetime, content_type: str = "") -> ParsedFeed:
    """Read a listing page by its selectors; never raises. A selector that cannot be read is told in `problems`.

    Shape: at most 500 entries in the page's order; guid and url are the link. Boxes without link are left out.
    `::text` reads all words of the first element that has some, those in inline markup too.
    """
    tree = read_html(body, content_type=content_type)
    if tree is None:
        return ParsedFeed(is_feed=False, problems=("The page is empty.",))
    try:
        return _read_boxes(parsel.Selector(root=tree, type="html"), url=url, selectors=selectors, now=now)
    except ValueError as error:
        kind = "An XPath" if str(error).startswith("XPath") else "A CSS selector"
        return ParsedFeed(is_feed=False, problems=(f"{kind} cannot be read: {clean_line(str(error))}.",))


class _Metadata:
    """What the head of a page says, lower-cased names to the first value of each; read once."""

    def __init__(self, tree: Any) -> None:
        self._meta: dict[str, str] = {}
        for element in tree.iter("meta"):
            name = element.get("property") or element.get("name") or element.get("itemprop") or ""
            content = (element.get("content") or element.get("value") or "").strip()
            if name and content:
                self._meta.setdefault(name.strip().lower(), content)
        nodes = list(_json_nodes(tree))
        self._named = {node["@id"]: node for node in nodes if isinstance(node.get("@id"), str) and len(node) > 1}
        self.articles = tuple(node for node in nodes if _is_of(node, _ARTICLE_TYPES))
        self.pages = tuple(node for node in nodes if _is_of(node, _PAGE_TYPES))
        self._linked_image = next(
            (link.get("href") or "" for link in tree.iter("link") if _has_rel(link, "image_src")), ""
        )
        self.canonical = next((link.get("href") or "" for link in tree.iter("link") if _has_rel(link, "canonical")), "")
        self.base = next((element.get("href") for element in tree.iter("base") if element.get("href")), "")
        stated = (tree.get("lang"), tree.get("xml:lang"), self.first("og:locale"), *self.stated("inLanguage"))
        self.language = next(filter(None, map(clean_language, filter(None, (*stated, *self._languages(tree))))), "")
        self.site = clean_title(self.first("og:site_name", "application-name"))
        self.document_title = next((element.text or "" for element in tree.iter("title")), "")

    def first(self, *names: str) -> str:
        return next((self._meta[name] for name in names if name in self._meta), "")

    def stated(self, name: str) -> Iterator[str]:
        """Give the texts the page's JSON-LD articles state under a name."""
        return (text for article in self.articles for text in _texts(self._look_up(article.get(name))))

    def _look_up(self, value: Any) -> Any:
        """Put what is named elsewhere in the document in the place of its name."""
        if isinstance(value, list):
            return [self._look_up(one) for one in value[:20] if not isinstance(one, list)]
        is_name = isinstance(value, dict) and not value.keys() - {"@id", "@type"}
        return self._named.get(str(value.get("@id")), value) if is_name else value

    def _languages(self, tree: Any) -> Iterator[str]:
        yield from (one.get("content") or "" for one in tree.iter("meta") if _equals(one, "content-language"))
        yield self.first("language")

    def image(self) -> str:
        stated = self.first("og:image:secure_url", "og:image", "og:image:url", "twitter:image", "twitter:image:src")
        return stated or next(self.stated("image"), "") or next(self.stated("thumbnailUrl"), "") or self._linked_image


def read_html(body: bytes, *, content_type: str = "") -> Any:
    """Build a tree with a root element `html`; None for bytes that hold none."""
    text = decode_text(body[:MAX_PAGE_BYTES], content_type=content_type).replace("\0", "")
    text = _CROWDED_TAG.sub(_empty_crowded, text)
    if not has_markup(text):
        return None
    parser = lxml.html.HTMLParser(encoding="utf-8", no_network=True, huge_tree=False, remove_pis=True)
    try:
        return lxml.html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (etree.LxmlError, ValueError):
        return None


def _empty_crowded(tag: re.Match[str]) -> str:
    return tag[0] if len(tag[0].split(None, _MAX_ATTRIBUTES)) <= _MAX_ATTRIBUTES else f"<{tag[1]}>"


def _extract(tree: Any, *, url: str, now: datetime) -> Any:
    if sum(1 for _ in tree.iter()) > _MAX_ELEMENTS:
        return None
    latest = (now + timedelta(days=1)).date().isoformat()
    dates = {
        "original_date": True,
        "extensive_search": False,
        "outputformat": "%Y-%m-%dT%H:%M:%S%z",
        "max_date": latest,
    }
    try:
        return trafilatura.bare_extraction(
            tree,
            url=url,
            with_metadata=True,
            include_comments=False,
            include_tables=False,
            date_extraction_params=dates,
        )
    except _PARSER_ERRORS:
        return None


def _canonical(meta: _Metadata, *, base: str, url: str) -> str:
    for link in (meta.canonical, meta.first("og:url")):
        address = resolve_url(link, base, url)
        if address and is_same_site(address, url) and not _is_home(address):
            return address
    return ""


def _is_home(address: str) -> bool:
    """Whether an address is a site's front page: a template's mistake, never an article's address."""
    return canonical_url(address).count("/") == 3 and canonical_url(address).endswith("/")


def _title(meta: _Metadata, found: Any) -> str:
    stated = (
        meta.first("og:title", "twitter:title"),
        next(meta.stated("headline"), ""),
        (found.title or "") if found else "",
        meta.document_title,
    )
    title = next((title for title in map(clean_title, stated) if title), "")
    return _strip_site(title, meta.site)


def _strip_site(title: str, site: str) -> str:
    """Cut ` | Outlet` off a headline."""
    for sign in (" | ", " - ", " – ", " — ", " · "):
        head, found, tail = title.rpartition(sign)
        if found and head and site and tail.strip().casefold() == site.casefold():
            return head.rstrip()
    return title


def _authors(meta: _Metadata, found: Any) -> tuple[str, ...]:
    """Give the names of the byline, each once: JSON-LD's, else the meta tag's, else trafilatura's."""
    stated = [name for name in map(_clean_name, meta.stated("author")) if name and not name.startswith("http")]
    if stated:
        return tuple(dict.fromkeys(stated))[:_MAX_AUTHORS]
    written = _clean_name(meta.first(*_AUTHOR_META))
    if written and not written.startswith(("http", "@")):
        return (written,)
    names = str(found.author).split(";") if found is not None and found.author else []
    return tuple(dict.fromkeys(filter(None, map(_clean_name, names))))[:_MAX_AUTHORS]


def _published(meta: _Metadata, found: Any, *, now: datetime) -> datetime | None:
    texts = (
        *meta.stated("datePublished"),
        *(meta.first(name) for name in _PUBLISHED_META),
        *meta.stated("dateCreated"),
        (found.date or "") if found else "",
    )
    return next((at for at in (parse_date(text, now=now) for text in texts if text) if at), None)


def _paragraphs(text: str | None) -> str:
    lines = (clean_line(line, max_chars=TEXT_CHARS) for line in (text or "")[:TEXT_CHARS].splitlines())
    return "\n".join(filter(None, lines))


def _has_rel(link: Any, rel: str) -> bool:
    return rel in (link.get("rel") or "").lower().split()


def _equals(meta: Any, name: str) -> bool:
    return (meta.get("http-equiv") or "").strip().lower() == name


def _is_of(node: dict[str, Any], types: re.Pattern[str]) -> bool:
    return any(types.fullmatch(kind.rpartition("/")[2]) for kind in _texts(node.get("@type")))


def _json_nodes(tree: Any) -> Iterator[dict[str, Any]]:
    for script in tree.iter("script"):
        if (script.get("type") or "").strip().lower() == "application/ld+json":
            yield from _walk_json(_load_json(script.text or ""))


def _load_json(text: str) -> Any:
    """Read JSON; what hid scripts from the browsers of old may stand around it."""
    text = text[:_MAX_JSON_CHARS]
    for attempt in (text, _SCRIPT_WRAPPERS.sub("", text).strip(" \t\r\n/*")):
        try:
            return json.loads(attempt.strip().rstrip(";"), strict=False)
        except (ValueError, RecursionError):
            continue
    return None


def _walk_json(value: Any) -> Iterator[dict[str, Any]]:
    """Give every object of a document, outer first, lists opened, at most 2,000."""
    waiting = [value]
    for _ in range(_MAX_JSON_NODES):
        if not waiting:
            return
        value = waiting.pop(0)
        if isinstance(value, dict):
            yield value
            waiting.extend(value.get(name) for name in ("@graph", "mainEntity", "mainEntityOfPage", "itemReviewed"))
        elif isinstance(value, list):
            waiting.extend(value[:_MAX_JSON_NODES])


def _texts(value: Any) -> Iterator[str]:
    """Give the texts of a schema.org value: a text, an object's name or address, or a list of such."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value[:20]:
            if not isinstance(one, list):
                yield from _texts(one)
    elif isinstance(value, dict):
        text = value.get("name") or value.get("url") or value.get("contentUrl")
        if isinstance(text, str):
            yield text


def _read_boxes(page: parsel.Selector, *, url: str, selectors: Selectors, now: datetime) -> ParsedFeed:
    base = resolve_url(page.css("base::attr(href)").get() or "", url) or url
    boxes = select_in(page, selectors.item)
    found = [_read_box(box, selectors, base=base, now=now) for box in boxes[:MAX_ENTRIES]]
    entries, repeat_count = keep_first(entry for entry in found if entry)
    nothing = () if boxes else (f"The selector {selectors.item!r} finds nothing on the page.",)
    return ParsedFeed(
        title=clean_title(page.css("title::text").get() or ""),
        entries=entries,
        problems=(
            *nothing,
            *tell_count(found.count(None), "One box has no link.", "{count} boxes have no link."),
            *tell_count(repeat_count, "One link stands there twice.", "{count} links stand there again."),
        ),
    )


def _read_box(box: parsel.Selector, selectors: Selectors, *, base: str, now: datetime) -> ParsedEntry | None:
    links = (resolve_url(link, base) for link in _select(box, selectors.link, _read_link))
    link = next(filter(None, links), "")
    if not link:
        return None
    dates = (parse_date(text, now=now) for text in _select(box, selectors.date, _read_time))
    image = next(filter(None, _select(box, selectors.image, _read_image)), "")
    return clean_entry(
        RawEntry(
            guid=link,
            url=link,
            title=_select_text(box, selectors.title),
            summary_html=_select_text(box, selectors.summary),
            published_at=next(filter(None, dates), None),
            image_url=resolve_url(image, base),
        )
    )


def _select(box: parsel.Selector, selector: str, read: Callable[[Any], str]) -> Iterable[str]:
    """Read what a selector finds: texts as they are, elements by `read`. An empty selector finds nothing."""
    if not selector:
        return ()
    roots = (found.root for found in select_in(box, selector))
    return (read(root) if isinstance(root, etree._Element) else str(root) for root in roots)  # noqa: SLF001 its only name


def _select_text(box: parsel.Selector, selector: str) -> str:
    """Find the first words; with `::text` those of the whole element: film titles stand in `<em>`."""
    whole = selector.removesuffix("/text()" if is_xpath(selector) else "::text").removesuffix("/")
    for attempt in dict.fromkeys((whole, selector)):
        text = next((text for text in _select(box, attempt, _read_words) if text.strip()), "")
        if text:
            return text
    return ""


def _read_words(element: Any) -> str:
    return etree.tostring(element, encoding="unicode", method="html", with_tail=False)


def _read_link(element: Any) -> str:
    return element.get("href") or next((link.get("href") for link in element.iter("a") if link.get("href")), "")


def _read_time(element: Any) -> str:
    return element.get("datetime") or element.get("content") or "".join(element.itertext())


def _read_image(element: Any) -> str:
    srcset = (element.get("srcset") or element.get("data-srcset") or "").split()
    return element.get("data-src") or element.get("src") or next(iter(srcset), "")
