"""Hubs found in feeds, pushes judged, leases counted."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.websub import (
    LEASE,
    HubOffer,
    HubSubscription,
    find_hub,
    grant_lease,
    is_genuine,
    is_pushing,
    is_reachable,
    needs_asking,
)

NOW = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
URL = "https://pier.example/feed"
HUB = "https://hub.example/"
DAY = timedelta(days=1)
OFFER = HubOffer(hub=HUB, topic=URL)

ATOM = (
    '<feed xmlns="http://www.w3.org/2005/Atom"><link rel="hub" href="https://hub.example/"/>'
    "<link href='https://pier.example/atom?a=1&amp;b=2' rel='self'/><entry><link rel=\"hub\" href=\"https://no.example/\"/>"
    "</entry></feed>"
)
RSS = (
    '<rss xmlns:atom="http://www.w3.org/2005/Atom"><channel><atom:link rel="hub" href="https://hub.example/"/>'
    "<link>https://pier.example/</link></channel></rss>"
)


@pytest.mark.parametrize(
    ("body", "header", "offer"),
    [
        pytest.param(ATOM, "", HubOffer(hub=HUB, topic="https://pier.example/atom?a=1&b=2"), id="Atom"),
        pytest.param(RSS, "", OFFER, id="RSS without self"),
        pytest.param(
            "<rss/>", f'<{HUB}>; rel="hub", <{URL}/x>; rel=self', HubOffer(hub=HUB, topic=f"{URL}/x"), id="header"
        ),
        pytest.param(RSS, '</h2>; rel="hub"', HubOffer(hub="https://pier.example/h2", topic=URL), id="header first"),
        pytest.param(
            '{"hubs": [{"type": "WebSub", "url": "https://hub.example/"}], "feed_url": "https://pier.example/j"}',
            "",
            HubOffer(hub=HUB, topic="https://pier.example/j"),
            id="JSON Feed",
        ),
        pytest.param('{"hubs": 3, "hub": 1}', "", None, id="odd JSON"),
        pytest.param("<rss/>", '<https://x.example/>; rel="next"', None, id="other link"),
        pytest.param("<rss><link rel='hub' href='javascript:1'/></rss>", "", None, id="no web address"),
        pytest.param(
            "<rss><item><link rel='hub' href='https://hub.example/'/></item></rss>", "", None, id="in an item"
        ),
        pytest.param("", "", None, id="empty"),
    ],
)
def test_a_hub_is_found(body: str, header: str, offer: HubOffer | None) -> None:
    assert find_hub(body.encode(), link_header=header, url=URL) == offer


@given(st.binary(max_size=200), st.text(max_size=200))
def test_looking_for_a_hub_never_raises(body: bytes, header: str) -> None:
    find_hub(b"hub" + body, link_header=header, url=URL)


def sign(body: bytes, method: str = "sha256", secret: str = "s") -> str:
    return f"{method}={hmac.new(secret.encode(), body, getattr(hashlib, method)).hexdigest()}"


@pytest.mark.parametrize(
    ("signature", "secret", "verdict"),
    [
        pytest.param(sign(b"x"), "s", True, id="ours"),
        pytest.param(sign(b"x", "sha512").upper().replace("SHA512", "SHA512"), "s", True, id="capitals"),
        pytest.param(sign(b"x", "sha1"), "s", True, id="SHA-1, as the great hubs sign"),
        pytest.param(sign(b"x", "sha384"), "s", True, id="SHA-384"),
        pytest.param(sign(b"y", "sha1"), "s", False, id="SHA-1 of another body"),
        pytest.param(sign(b"x", "md5"), "s", False, id="MD5"),
        pytest.param(sign(b"x").replace("sha256", "sha1"), "s", False, id="another method than said"),
        pytest.param(sign(b"x", secret="t"), "s", False, id="another secret"),
        pytest.param(sign(b"y"), "s", False, id="another body"),
        pytest.param("", "s", False, id="none"),
        pytest.param("sha256=é", "s", False, id="not ASCII"),
        pytest.param(sign(b"x", secret=""), "", False, id="no secret of ours"),
    ],
)
def test_a_push_is_judged(signature: str, secret: str, *, verdict: bool) -> None:
    assert is_genuine(b"x", signature=signature, secret=secret) is verdict


def known(**changes: object) -> HubSubscription:
    fields = {"subscription_id": "i", "source_id": "pier", "hub": HUB, "topic": URL, "secret": "s", "asked_at": NOW}
    return HubSubscription(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("subscription", "after", "verdict"),
    [
        pytest.param(None, timedelta(0), True, id="never asked"),
        pytest.param(known(), timedelta(hours=1), False, id="just asked"),
        pytest.param(known(), DAY, True, id="never verified"),
        pytest.param(known(lease_until=NOW + LEASE), DAY, False, id="lease lasts"),
        pytest.param(known(lease_until=NOW + LEASE), 8 * DAY, True, id="lease ends"),
        pytest.param(known(lease_until=NOW + LEASE), 20 * DAY, True, id="lease over"),
        pytest.param(known(lease_until=NOW + LEASE, topic="https://old.example/"), timedelta(0), True, id="moved"),
    ],
)
def test_when_a_hub_is_asked(subscription: HubSubscription | None, after: timedelta, *, verdict: bool) -> None:
    assert needs_asking(subscription, OFFER, now=NOW + after) is verdict


def test_leases_are_bounded() -> None:
    assert grant_lease("3600", now=NOW) == NOW + timedelta(hours=1)
    assert grant_lease("999999999", now=NOW) == NOW + 90 * DAY
    assert grant_lease("soon", now=NOW) == grant_lease("", now=NOW) == NOW + LEASE


def test_pushes_arrive_while_the_last_is_young() -> None:
    subscription = known(lease_until=NOW + LEASE, pushed_at=NOW)
    assert is_pushing(subscription, now=NOW + DAY)
    assert not is_pushing(subscription, now=NOW + 3 * DAY)
    assert not is_pushing(known(lease_until=NOW + LEASE), now=NOW)
    assert not is_pushing(known(pushed_at=NOW), now=NOW)


@pytest.mark.parametrize(
    ("base_url", "verdict"),
    [
        ("https://wire.pier.org", True),
        ("http://8.8.8.8:8080", True),
        ("http://127.0.0.1:8080", False),
        ("http://[::1]:8080", False),
        ("http://192.168.1.4", False),
        ("http://localhost:8080", False),
        ("http://wire.local", False),
        ("http://wire", False),
    ],
)
def test_only_a_public_address_can_be_called(base_url: str, *, verdict: bool) -> None:
    assert is_reachable(base_url) is verdict
    assert is_reachable(base_url, allowed=frozenset({"127.0.0.1", "[::1]"})) or not base_url.startswith("http://127")
