"""The laws and the tables of `core.urls`."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.urls import canonical_url, is_same_site, publisher_host, resolve_url

ARTICLE = "https://reelgazette.com/2026/05/harbour-lights-wraps"

hosts = st.text(alphabet="wamp.-x1é", max_size=20)
paths = st.text(alphabet="amprint/.%2eEé;:index.html", max_size=40)
queries = st.text(alphabet="ab&=%1utm_ m", max_size=30)
addresses = st.builds(lambda host, path, query: f"http://{host}/{path}?{query}", hosts, paths, queries)


@given(st.one_of(st.text(), addresses))
@example("http://www.m.example.com/a/amp/amp/index.html/index.html")
@example("https://www.google.com/amp/s/www.google.com/amp/s/reelgazette.com/a")
@example("http://example.com/%2e%2e/a/%2E/b")
def test_canonical_url_is_idempotent_or_refuses(url: str) -> None:
    try:
        once = canonical_url(url)
    except ValueError:
        return
    assert canonical_url(once) == once
    assert once.startswith("https://")
    assert once.isascii()


@pytest.mark.parametrize(
    "variant",
    [
        pytest.param("http://reelgazette.com/2026/05/harbour-lights-wraps", id="http"),
        pytest.param("HTTPS://ReelGazette.COM/2026/05/harbour-lights-wraps", id="case"),
        pytest.param("https://www.reelgazette.com/2026/05/harbour-lights-wraps", id="www"),
        pytest.param("https://m.reelgazette.com/2026/05/harbour-lights-wraps", id="mobile host"),
        pytest.param("https://amp.reelgazette.com/2026/05/harbour-lights-wraps", id="amp host"),
        pytest.param("https://www.mobile.reelgazette.com/2026/05/harbour-lights-wraps", id="two labels"),
        pytest.param("https://reelgazette.com./2026/05/harbour-lights-wraps", id="trailing dot"),
        pytest.param("https://reelgazette.com:443/2026/05/harbour-lights-wraps", id="default port"),
        pytest.param("http://reelgazette.com:80/2026/05/harbour-lights-wraps", id="default port of http"),
        pytest.param(ARTICLE + "/", id="trailing slash"),
        pytest.param("https://reelgazette.com//2026/05///harbour-lights-wraps", id="double slashes"),
        pytest.param("https://reelgazette.com/2026/x/../05/./harbour-lights-wraps", id="dot segments"),
        pytest.param("https://reelgazette.com/2026/05/harbour%2Dlights-wr%61ps", id="needless escapes"),
        pytest.param(ARTICLE + "#comments", id="fragment"),
        pytest.param(ARTICLE + "?utm_source=feed&utm_medium=rss", id="utm"),
        pytest.param(ARTICLE + "?fbclid=x&gclid=y&mc_cid=z&igshid=1", id="click ids"),
        pytest.param(ARTICLE + "?ref=homepage&source=rss&feature=share", id="where the reader came from"),
        pytest.param(ARTICLE + "?UTM_Source=feed", id="tracking in capitals"),
        pytest.param(ARTICLE + "?%75tm_source=feed", id="tracking escaped"),
        pytest.param(ARTICLE + "?&&", id="empty query"),
        pytest.param(ARTICLE + "/amp", id="amp segment"),
        pytest.param(ARTICLE + "/amp/?amp=1", id="amp twice"),
        pytest.param(ARTICLE + "?amp", id="amp parameter"),
        pytest.param(ARTICLE + "?outputType=amp", id="outputType"),
        pytest.param(ARTICLE + ".amp", id="amp suffix"),
        pytest.param("https://reelgazette.com/amp/2026/05/harbour-lights-wraps", id="amp folder"),
        pytest.param(ARTICLE + "/print/", id="print segment"),
        pytest.param(ARTICLE + "?print=1", id="print parameter"),
        pytest.param(ARTICLE + "/index.html", id="index page"),
        pytest.param(ARTICLE + ";jsessionid=0A1B", id="session"),
        pytest.param("https://www.google.com/amp/s/www.reelgazette.com/2026/05/harbour-lights-wraps/amp", id="viewer"),
        pytest.param(
            "https://reelgazette-com.cdn.ampproject.org/c/s/reelgazette.com/2026/05/harbour-lights-wraps", id="cache"
        ),
        pytest.param(f"\n  {ARTICLE}\t", id="blanks around"),
    ],
)
def test_variants_of_an_article_share_one_address(variant: str) -> None:
    assert canonical_url(variant) == ARTICLE


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        pytest.param("https://example.com", "https://example.com/", id="root"),
        pytest.param("https://example.com/?p=12", "https://example.com/?p=12", id="content parameter"),
        pytest.param("https://example.com/a?b=2&a=1", "https://example.com/a?a=1&b=2", id="sorted by name"),
        pytest.param("https://example.com/a?x=2&x=1", "https://example.com/a?x=2&x=1", id="equal names keep order"),
        pytest.param(
            "https://example.com/a?source=4711", "https://example.com/a?source=4711", id="source with content"
        ),
        pytest.param("https://example.com/A/b", "https://example.com/A/b", id="path keeps case"),
        pytest.param("https://example.com:8443/a", "https://example.com:8443/a", id="other port"),
        pytest.param("https://bücher.example/a", "https://xn--bcher-kva.example/a", id="IDNA"),
        pytest.param("https://example.com/é b", "https://example.com/%C3%A9%20b", id="not ASCII"),
        pytest.param(
            "https://example.com/a%2fb%zz", "https://example.com/a%2Fb%25zz", id="reserved and broken escapes"
        ),
        pytest.param("https://m.co.uk/a", "https://m.co.uk/a", id="m is the name"),
        pytest.param("https://amp.dev/a", "https://amp.dev/a", id="amp is the name"),
        pytest.param("http://127.0.0.1:8080/a", "https://127.0.0.1:8080/a", id="IPv4"),
        pytest.param("http://[0:0::1]/a", "https://[::1]/a", id="IPv6"),
        pytest.param("http://localhost:81/", "https://localhost:81/", id="single label"),
        pytest.param("https://example.com/example-trailer", "https://example.com/example-trailer", id="amp in a word"),
    ],
)
def test_canonical_url(url: str, canonical: str) -> None:
    assert canonical_url(url) == canonical


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("", id="nothing"),
        pytest.param("/a/b", id="relative"),
        pytest.param("ftp://example.com/a", id="ftp"),
        pytest.param("javascript:alert(1)", id="javascript"),
        pytest.param("mailto:desk@example.com", id="mailto"),
        pytest.param("https:///a", id="no host"),
        pytest.param("https://user:secret@example.com/", id="credentials"),
        pytest.param("https://@example.com/", id="empty credentials"),
        pytest.param("https://example.com\\@other.example/", id="backslash"),
        pytest.param("https://example.com/a\nb", id="line break"),
        pytest.param("https://example.com/a\x00", id="control"),
        pytest.param("https://exa mple.com/", id="blank in host"),
        pytest.param("https://ex%61mple.com/", id="escape in host"),
        pytest.param("https://example..com/", id="empty label"),
        pytest.param("https://example.com:99999/", id="no such port"),
        pytest.param("https://example.com:x/", id="port is no number"),
        pytest.param("http://[::1", id="open bracket"),
        pytest.param("http://[v7.x]/", id="future address"),
        pytest.param("https://example.com/" + "a" * 5000, id="endless"),
    ],
)
def test_unclear_addresses_are_refused_in_one_sentence(url: str) -> None:
    with pytest.raises(ValueError, match=r"^The address .*\.$"):
        canonical_url(url)


def test_publisher_host_is_without_www() -> None:
    assert publisher_host("http://www.reelgazette.co.uk:8080/a") == "reelgazette.co.uk"


@pytest.mark.parametrize(
    ("link", "bases", "resolved"),
    [
        pytest.param("/a", ("https://example.com/feed",), "https://example.com/a", id="path"),
        pytest.param("b", ("sub/", "https://example.com/x/y"), "https://example.com/x/sub/b", id="nested bases"),
        pytest.param("//cdn.example/a", ("https://example.com/",), "https://cdn.example/a", id="no scheme"),
        pytest.param(" https://example.com/a\n", (), "https://example.com/a", id="blanks"),
        pytest.param("javascript:alert(1)", ("https://example.com/",), "", id="no web address"),
        pytest.param("", ("https://example.com/",), "", id="nothing"),
        pytest.param("http://[", ("https://example.com/",), "", id="broken"),
    ],
)
def test_resolve_url(link: str, bases: tuple[str, ...], resolved: str) -> None:
    assert resolve_url(link, *bases) == resolved


@pytest.mark.parametrize(
    ("url", "other", "is_same"),
    [
        pytest.param("https://www.a.example.co.uk/", "http://b.example.co.uk/x", True, id="one registrable domain"),
        pytest.param("https://a.co.uk/", "https://b.co.uk/", False, id="public suffix"),
        pytest.param("https://a.blogspot.com/", "https://b.blogspot.com/", False, id="private suffix"),
        pytest.param("https://a.test/", "https://a.test/x", True, id="unknown suffix"),
        pytest.param("https://a.test/", "no address", False, id="no address"),
    ],
)
def test_is_same_site(url: str, other: str, *, is_same: bool) -> None:
    assert is_same_site(url, other) is is_same
