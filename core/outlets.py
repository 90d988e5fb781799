"""Who wrote an item that its source only repeats: one of our publishers by its host, else a new one of that name."""

import re
import unicodedata
from collections.abc import Iterable

from core.urls import publisher_host
from core.values import ParsedEntry, Publisher, PublisherSlug, Tier

_NOT_SLUG = re.compile(r"[^a-z0-9]+")


def name_outlet(item: ParsedEntry, known: Iterable[Publisher], *, tier: Tier) -> Publisher | None:
    """Find the publisher of a repeated item; None where the source speaks for itself.

    The host decides, then the name. An outlet nobody declared gets the tier of the source that repeats it.
    """
    if not item.outlet_name and not item.outlet_url:
        return None
    host = _host(item.outlet_url)
    name = item.outlet_name or host
    publishers = sorted(known, key=lambda publisher: publisher.slug)
    by_host = (publisher for publisher in publishers if host and _host(publisher.homepage) == host)
    by_name = (publisher for publisher in publishers if publisher.name.casefold() == name.casefold())
    found = next(by_host, None) or next(by_name, None)
    return found or _new_publisher(name, host, tier, {publisher.slug for publisher in publishers})


def _new_publisher(name: str, host: str, tier: Tier, taken: set[PublisherSlug]) -> Publisher | None:
    slug = _slug(name) or _slug(host)
    if not slug:
        return None
    if slug in taken:
        slug = f"{slug}-{_slug(host)}" if host else slug
    return Publisher(slug=PublisherSlug(slug), name=name, tier=tier, homepage=f"https://{host}" if host else "")


def _host(url: str) -> str:
    try:
        return publisher_host(url) if url else ""
    except ValueError:
        return ""


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return _NOT_SLUG.sub("-", plain).strip("-")[:60].strip("-")
