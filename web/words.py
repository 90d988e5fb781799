"""Says times, states and addresses in the words a reader sees; decides nothing and reads nothing."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from core.values import DeliveryState, EndpointKind, EventType, FetchOutcome, SourceKind, Tier

OUTCOMES = {
    FetchOutcome.OK: "answered",
    FetchOutcome.NOT_MODIFIED: "nothing new",
    FetchOutcome.UNREACHABLE: "unreachable",
    FetchOutcome.TIMEOUT: "too slow",
    FetchOutcome.BLOCKED: "blocks us",
    FetchOutcome.GONE: "gone",
    FetchOutcome.HTTP_ERROR: "server error",
    FetchOutcome.TOO_LARGE: "too large",
    FetchOutcome.REFUSED: "refused by us",
    FetchOutcome.NOT_A_FEED: "not a feed",
    FetchOutcome.CRAWL_FAILED: "crawl failed",
}
STATES = {
    DeliveryState.PENDING: "waiting",
    DeliveryState.SENDING: "being sent",
    DeliveryState.DELIVERED: "delivered",
    DeliveryState.RETRYING: "will be tried again",
    DeliveryState.UNDELIVERABLE: "could not be delivered",
    DeliveryState.CANCELLED: "cancelled",
    DeliveryState.HELD: "held back",
    DeliveryState.BUNDLED: "told in a digest",
}
EVENTS = {
    EventType.STORY_CREATED: "new story",
    EventType.STORY_UPDATED: "story updated",
    EventType.SOURCE_FAILING: "source failing",
    EventType.SOURCE_RESTORED: "source restored",
    EventType.SOURCE_SILENT: "source silent",
    EventType.SOURCE_HEARD: "source heard again",
    EventType.ENDPOINT_DISABLED: "endpoint disabled",
    EventType.SUBSCRIPTION_REQUESTED: "please confirm",
    EventType.DIGEST: "digest",
    EventType.TEST: "test",
}
TIERS = {
    Tier.OFFICIAL: "speaks for the film",
    Tier.TRADE: "trade paper, checks first",
    Tier.PRESS: "general press, reports",
    Tier.FAN: "fan press, repeats",
}
KINDS = {SourceKind.FEED: "feed", SourceKind.SITEMAP: "sitemap", SourceKind.LISTING: "listing page"}
_STEPS = (("d", 86_400), ("h", 3_600), ("min", 60))


def say_span(span: timedelta) -> str:
    """Name a span by its largest unit, rounded down: `3 h`; below a minute in seconds."""
    seconds = max(0, int(span.total_seconds()))
    for unit, size in _STEPS:
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def say_age(at: datetime, now: datetime) -> str:
    """Say how long ago; under a minute, or in the future by a server's clock, is `just now`."""
    return "just now" if now - at < timedelta(minutes=1) else f"{say_span(now - at)} ago"


def say_until(at: datetime, now: datetime) -> str:
    return f"in {say_span(at - now)}" if at - now >= timedelta(seconds=1) else "due now"


def say_moment(at: datetime) -> str:
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


def say_clock(at: datetime) -> str:
    return f"{at:%H:%M} UTC"


def say_day(at: datetime, now: datetime) -> str:
    days = (now.date() - at.date()).days
    near = {0: "Today", 1: "Yesterday"}.get(days)
    year = "" if at.year == now.year else f" {at.year}"
    return near or f"{at:%A} {at.day} {at:%B}{year}"


def say_count(count: int, one: str, many: str = "") -> str:
    """Say a number with its noun: `1 source`, `1,204 sources`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def say_size(body_bytes: int) -> str:
    return f"{body_bytes / 1024:,.0f} kB" if body_bytes >= 1024 else f"{body_bytes} B"


def join_words(words: Sequence[str]) -> str:
    """Join as a sentence would: `a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def web_address(url: str) -> str:
    """Return the URL if a reader may follow it: http or https with a host. Otherwise an empty string."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and not _hides_text(url)
    except ValueError:
        return ""
    return url if usable else ""


def _hides_text(url: str) -> bool:
    """Tell whether the URL holds blanks, controls or a backslash, which browsers and parsers read differently."""
    return "\\" in url or any(c.isspace() or not c.isprintable() for c in url)


def public_address(url: str) -> str:
    """Return a source's URL without user name and password; unreadable URLs come back empty."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        return parts._replace(netloc=host).geturl()
    except ValueError:
        return ""


def masked_address(kind: EndpointKind, address: str) -> str:
    """Name an endpoint without giving it away: `https://hooks.example/…`, `r…@example.org`.

    A webhook's path is a key at many receivers, so it is never shown.
    """
    if kind is EndpointKind.EMAIL:
        name, _, domain = address.rpartition("@")
        return f"{name[:1]}…@{domain}"
    if kind is EndpointKind.CHAT:
        return f"{address.partition(':')[0]}://…"
    try:
        parts = urlsplit(address)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/…"
    except ValueError:
        return "…"
