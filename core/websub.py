"""WebSub (w3.org/TR/websub): hubs that feeds name, whether a push is genuine, when a lease is renewed. No I/O."""

import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from core.addresses import is_public
from core.parsing.xml import decode_text
from core.urls import is_web_url, resolve_url

LEASE = timedelta(days=10)
# Renewed when this is left, so that a hub that is down for a day costs nothing.
RENEW_BEFORE = timedelta(days=2)
ASK_AGAIN = timedelta(days=1)
# While pushes arrive the feed is asked only to see that none was lost.
CALM_INTERVAL = timedelta(hours=6)
PUSHES_ARRIVE = timedelta(days=2)
_MAX_LEASE = timedelta(days=90)
_HEAD_CHARS = 16 * 1024
# SHA-1 is all that the hubs of Google (YouTube) and Superfeedr (WordPress) sign with, and as an HMAC it is not broken.
_HASHES = {"sha1": hashlib.sha1, "sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512}
_LINK_VALUE = re.compile(r"<([^<>]{1,2000})>((?:\s*;\s*[\w*-]+\s*=\s*(?:\"[^\"]*\"|[^\s;,\"]+))*)")
_REL = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s;,\"]+))", re.IGNORECASE)
_LINK_TAG = re.compile(r"<(?:[\w.-]+:)?link\b([^<>]{1,2000})>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"\b(rel|href)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
_INNER_NAMES = (".local", ".localhost", ".internal", ".lan", ".home.arpa", ".test", ".example", ".invalid")


@dataclass(frozen=True, slots=True, kw_only=True)
class HubOffer:
    """A hub that pushes a feed, and the topic by which it knows the feed."""

    hub: str
    topic: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HubSubscription:
    """What we asked of a hub for one source. `lease_until` is None until the hub verified our wish."""

    subscription_id: str
    source_id: str
    hub: str
    topic: str
    secret: str
    asked_at: datetime
    lease_until: datetime | None = None
    pushed_at: datetime | None = None
    error: str = ""


def find_hub(body: bytes, *, link_header: str, url: str) -> HubOffer | None:
    """Find the hub a feed offers: in its Link header first, else at its beginning; None without hub.

    The topic is the feed's `self` link, or `url` where it names none.
    """
    if "hub" not in link_header.lower() and b"hub" not in (body if body[:1] == b"{" else body[:_HEAD_CHARS]):
        return None
    links = _header_links(link_header)
    if "hub" not in links:
        links = _document_links(body) | links
    hub = resolve_url(links.get("hub", ""), url)
    return HubOffer(hub=hub, topic=resolve_url(links.get("self", ""), url) or url) if hub else None


def is_genuine(body: bytes, *, signature: str, secret: str) -> bool:
    """Say whether `X-Hub-Signature` is that of our secret, by any method WebSub names (7.1), in constant time."""
    method, _, digest = signature.strip().partition("=")
    make = _HASHES.get(method.lower())
    if make is None or not secret:
        return False
    expected = hmac.new(secret.encode(), body, make).hexdigest()
    return hmac.compare_digest(expected.encode(), digest.strip().lower().encode("utf-8", "replace"))


def grant_lease(seconds: str, *, now: datetime) -> datetime:
    """Give the end of a lease a hub grants; one it does not state is the one we asked for."""
    granted = timedelta(seconds=int(seconds)) if re.fullmatch(r"[1-9][0-9]{0,8}", seconds) else LEASE
    return now + min(granted, _MAX_LEASE)


def needs_asking(known: HubSubscription | None, offer: HubOffer, *, now: datetime) -> bool:
    """Say whether the hub is to be asked: a new or changed offer, a lease that ends, an answer that never came."""
    if known is None or (known.hub, known.topic) != (offer.hub, offer.topic):
        return True
    if now < known.asked_at + min(ASK_AGAIN, RENEW_BEFORE):
        return False
    return known.lease_until is None or known.lease_until <= now + RENEW_BEFORE


def is_pushing(known: HubSubscription, *, now: datetime) -> bool:
    """Say whether pushes arrive: the lease lasts, and the last push is not long ago."""
    is_live = known.lease_until is not None and known.lease_until > now
    return is_live and known.pushed_at is not None and known.pushed_at > now - PUSHES_ARRIVE


def is_reachable(base_url: str, *, allowed: frozenset[str] = frozenset()) -> bool:
    """Say whether hubs out there can call us at an address; `allowed` are inner hosts that count as outside."""
    host = (urlsplit(base_url).hostname or "").lower()
    if host in allowed or f"{host}:{urlsplit(base_url).port}" in allowed:
        return True
    if re.fullmatch(r"[0-9.]+|.*:.*", host):
        return is_public(host)
    return "." in host and not host.endswith(_INNER_NAMES)


def _header_links(header: str) -> dict[str, str]:
    """Read a Link header (RFC 8288): the first address of each relation."""
    found: dict[str, str] = {}
    for address, parameters in _LINK_VALUE.findall(header[:_HEAD_CHARS]):
        rel = _REL.search(parameters)
        for name in (rel[1] or rel[2] or "").lower().split() if rel else ():
            found.setdefault(name, address)
    return found


def _document_links(body: bytes) -> dict[str, str]:
    text = decode_text(body[:_HEAD_CHARS])
    if text.lstrip().startswith("{"):
        return _json_links(body)
    head = re.split(r"<(?:item|entry)\b", text, maxsplit=1)[0]
    found: dict[str, str] = {}
    for tag in _LINK_TAG.findall(head):
        fields = {name.lower(): double or single for name, double, single in _ATTRIBUTE.findall(tag)}
        for name in fields.get("rel", "").lower().split():
            found.setdefault(name, fields.get("href", "").replace("&amp;", "&"))
    return found


def _json_links(body: bytes) -> dict[str, str]:
    """Read JSON Feed's `hubs` and `feed_url`."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    hubs = document.get("hubs") if isinstance(document, dict) else None
    urls = [one.get("url") for one in hubs if isinstance(one, dict)] if isinstance(hubs, list) else []
    hub = next((url for url in urls if isinstance(url, str) and is_web_url(url)), "")
    topic = document.get("feed_url") if hub else ""
    return {"hub": hub, "self": topic if isinstance(topic, str) else ""} if hub else {}
