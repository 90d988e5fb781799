"""What an item of an XML feed states, whoever read it off the document, and what of that is believed."""

import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from core.parsing.entries import RawEntry, find_image
from core.parsing.services import settle_service
from core.parsing.text import has_markup
from core.urls import resolve_url

_PERIODS = {
    "hourly": timedelta(hours=1),
    "daily": timedelta(days=1),
    "weekly": timedelta(weeks=1),
    "monthly": timedelta(days=30),
    "yearly": timedelta(days=365),
}
_IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif")


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedFeed:
    """A feed's head. `url` is where the document came from, `language` a clean tag or empty; the rest as stated."""

    url: str
    title: str = ""
    link: str = ""
    language: str = ""
    ttl: timedelta | None = None


@dataclass(slots=True, kw_only=True)
class StatedItem:
    """The fields of an item, filled in while it is read; what it does not state is empty.

    `addresses` may be the item's, the best first, and need not be absolute. `published_at` is judged already.
    `media`, `thumbnails` and `links` hold attributes by their names in lower case, in the item's order.
    """

    guid: str = ""
    title: str = ""
    addresses: Iterable[str] = ()
    summary_html: str = ""
    content_html: str = ""
    authors: Sequence[str] = ()
    categories: Sequence[str] = ()
    published_at: datetime | None = None
    date_text: str = ""
    media: list[Mapping[str, Any]] = field(default_factory=list)
    thumbnails: list[Mapping[str, Any]] = field(default_factory=list)
    links: list[Mapping[str, Any]] = field(default_factory=list)
    image_url: str = ""
    language: str = ""
    source_name: str = ""
    source_url: str = ""


def settle_item(item: StatedItem, feed: StatedFeed) -> RawEntry:
    """Make one item of what it states and what its feed does: addresses absolute, one image, one language."""
    link = _choose_link(item.addresses, feed)
    image = _choose_image(item) or find_image(item.summary_html) or find_image(item.content_html)
    return settle_service(
        RawEntry(
            guid=item.guid,
            url=link,
            title=item.title,
            summary_html=item.summary_html,
            content_html=item.content_html,
            authors=item.authors,
            categories=item.categories,
            published_at=item.published_at,
            date_text=item.date_text,
            image_url=resolve_url(image, link, feed.url),
            language=item.language or feed.language,
        ),
        source_name=item.source_name,
        source_url=item.source_url,
        feed_title=feed.title,
    )


def as_html(text: str) -> str:
    """Write plain text as HTML; what says that it is plain and is not is left as it is."""
    return text if has_markup(text) else html.escape(text, quote=False)


def list_addresses(best: str, link: str, links: Iterable[Mapping[str, Any]], guid: str) -> list[str]:
    """What may be the address of an item, best first: an original link, its link, what it links to, its guid."""
    found = [best, link]
    if links:
        found += [str(one.get("href") or "") for one in links if one.get("rel") != "self"]
    if guid.startswith(("http://", "https://")):
        found.append(guid)
    return found


def read_ttl(minutes: str, *, period: str, frequency: str) -> timedelta | None:
    """Read how long a feed asks to be left alone: RSS `ttl`, else the period and frequency of `syndication`."""
    if re.fullmatch(r"[1-9][0-9]{0,5}", minutes.strip()):
        return timedelta(minutes=int(minutes))
    length = _PERIODS.get(period.strip().lower())
    count = frequency.strip() or "1"
    if length is None or not re.fullmatch(r"[1-9][0-9]{0,3}", count):
        return None
    return length / int(count)


def _choose_link(addresses: Iterable[str], feed: StatedFeed) -> str:
    for address in addresses:
        if address and (link := resolve_url(address, feed.link, feed.url)):
            return link
    return ""


def _choose_image(item: StatedItem) -> str:
    """Choose the lead image: media of type image (widest first), thumbnail, image enclosure, iTunes image."""
    if not (item.media or item.thumbnails or item.links):
        return item.image_url
    return next(filter(None, _images(item)), "")


def _images(item: StatedItem) -> Iterator[str]:
    for one in sorted(filter(_is_image, item.media), key=_width, reverse=True):
        yield str(one.get("url") or "")
    for one in item.thumbnails:
        yield str(one.get("url") or "")
    for one in item.links:
        if one.get("rel") == "enclosure" and _is_image(one):
            yield str(one.get("href") or "")
    yield item.image_url


def _is_image(media: Mapping[str, Any]) -> bool:
    kind = str(media.get("medium") or media.get("type") or "").lower()
    address = str(media.get("url") or media.get("href") or "").lower().partition("?")[0]
    return kind.startswith("image") or (not kind and address.endswith(_IMAGE_ENDINGS))


def _width(media: Mapping[str, Any]) -> int:
    width = str(media.get("width") or "")
    return int(width) if width.isascii() and width.isdecimal() and len(width) < 6 else 0
