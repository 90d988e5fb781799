"""Where a web page says its feeds are, and where feeds usually lie when it does not say."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from core.parsing.pages import read_html
from core.parsing.text import clean_title
from core.urls import resolve_url, strip_feed_scheme

_TYPES = frozenset(
    {
        "application/rss+xml",
        "application/atom+xml",
        "application/feed+json",
        "application/rdf+xml",
        "application/x.atom+xml",
        "text/rss+xml",
    }
)
# Types that feeds share with other documents: believed when the link names itself a feed.
_VAGUE_TYPES = frozenset({"application/json", "application/xml", "text/xml"})
_WELL_KNOWN = ("feed/", "rss", "rss.xml", "feed.xml", "atom.xml", "index.xml", "feed.json")
_ASIDE = ("comment", "/wp-json/", "oembed")
_MAX_LINKS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedLink:
    """A feed a page names; `title` is the page's word for it."""

    url: str
    title: str = ""


def parse_feed_links(body: bytes, *, url: str, content_type: str = "") -> tuple[FeedLink, ...]:
    """Read the feeds a page declares (`rel=alternate` or `rel=feed`); never raises.

    Shape: each address once, at most 20, the likeliest first: feeds of news before feeds of comments, those below the
    page's own path before those of the whole site, else in the page's order.
    """
    tree = read_html(body, content_type=content_type)
    if tree is None:
        return ()
    base = resolve_url(next((one.get("href") for one in tree.iter("base") if one.get("href")), ""), url) or url
    found: dict[str, FeedLink] = {}
    for link in _declared(tree):
        address = resolve_url(strip_feed_scheme(link.get("href") or ""), base)
        if address:
            found.setdefault(address, FeedLink(url=address, title=clean_title(link.get("title") or "")))
    folder = urlsplit(url).path.rstrip("/")
    return tuple(sorted(found.values(), key=lambda link: _rank(link, folder))[:_MAX_LINKS])


def guess_feeds(url: str) -> tuple[str, ...]:
    """Give the addresses at which feeds usually lie: below the page's own path first, then below the site's root."""
    parts = urlsplit(url)
    root = f"{parts.scheme}://{parts.netloc}/"
    page = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}/"
    own = [page + "feed/"] if page != root else []
    return tuple(dict.fromkeys([*own, *(root + path for path in _WELL_KNOWN)]))


def find_news_sitemaps(robots: bytes) -> tuple[str, ...]:
    """Read the news sitemaps a robots.txt names (RFC 9309 leaves `Sitemap:` to sitemaps.org)."""
    lines = robots.decode("utf-8", errors="replace").splitlines()[:2000]
    pairs = (line.partition(":") for line in lines)
    addresses = (value.strip() for name, _, value in pairs if name.strip().lower() == "sitemap")
    return tuple(dict.fromkeys(url for url in addresses if "news" in url.lower() and resolve_url(url)))[:_MAX_LINKS]


def _declared(tree: Any) -> Iterator[Any]:
    for link in tree.iter("link"):
        rel = (link.get("rel") or "").lower().split()
        kind = (link.get("type") or "").split(";")[0].strip().lower()
        is_feed = "feed" in rel or ("alternate" in rel and kind in _TYPES)
        if is_feed or ("alternate" in rel and kind in _VAGUE_TYPES and _names_feed(link)):
            yield link


def _names_feed(link: Any) -> bool:
    words = f"{link.get('title') or ''} {link.get('href') or ''}".lower()
    return any(word in words for word in ("rss", "feed", "atom"))


def _rank(link: FeedLink, folder: str) -> tuple[bool, bool]:
    words = f"{link.title} {link.url}".lower()
    is_own = bool(folder) and urlsplit(link.url).path.startswith(folder)
    return any(word in words for word in _ASIDE), not is_own
