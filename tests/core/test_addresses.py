"""The judgement of addresses and URLs: tables of what may and may not be reached."""

from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.addresses import PLAIN_URL, check_url, is_public

PUBLIC = [
    "1.1.1.1", "8.8.8.8", "93.184.215.14", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0",
    "168.63.129.17", "192.0.1.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "2606:4700::1111",
    "2a00:1450::1", "2001:200::1", "2001:4860:4860::8888", "::ffff:8.8.8.8",
]  # fmt: skip

REFUSED = [
    "0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254", "168.63.129.16", "169.254.169.254",
    "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1",
    "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1",
    "255.255.255.255", "::", "::1", "::127.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:a9fe:a9fe",
    "::ffff:0:127.0.0.1", "64:ff9b::8.8.8.8", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:53aa:64c::1",
    "2001:1ff:ffff::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "3fff:fff:ffff::1", "4000::1", "5f00::1",
    "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "2606:4700::1111%eth0", "fec0::1", "ff02::1",
    "", "localhost", "example.org", "0x7f.1", "2130706433", "127.1", "0177.0.0.1", "1.1.1.1 ", "１.１.１.１",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_reached(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", REFUSED)
def test_other_addresses_may_not(address: str) -> None:
    assert not is_public(address)


@settings(deadline=None)
@given(st.ip_addresses(v=4).map(str))
def test_a_mapped_address_is_judged_by_its_ipv4(address: str) -> None:
    mapped = str(IPv6Address((0xFFFF << 32) | int(IPv4Address(address))))
    assert is_public(mapped) == is_public(address)


@settings(deadline=None)
@given(st.text())
def test_no_text_breaks_the_judgement(text: str) -> None:
    assert is_public(text) in (True, False)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.org/a?b=c#d",
        "http://example.org:8080",
        "HTTPS://EXAMPLE.ORG/",
        "https://[2606:4700::1111]:443/",
        "https://example.org/path%20with@sign",
        "https://kinö.example/",
    ],
)
def test_plain_web_urls_pass(url: str) -> None:
    check_url(url)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("ftp://example.org/", "neither http nor https"),
        ("file:///etc/passwd", "neither http nor https"),
        ("javascript:alert(1)", "neither http nor https"),
        ("//example.org/", "neither http nor https"),
        ("", "neither http nor https"),
        ("https:///path", "names no host"),
        ("https://:443/", "names no host"),
        ("https://user@example.org/", "user name"),
        ("https://user:pass@example.org/", "user name"),
        ("https://@example.org/", "user name"),
        ("https://example.org\\@internal/", "backslash"),
        ("https://example.org/a b", "space or a control"),
        (" https://example.org/", "space or a control"),
        ("https://example.org/\r\nX: y", "space or a control"),
        ("https://exa\tmple.org/", "space or a control"),
        ("https://example.org/\x7f", "space or a control"),
        ("https://example.org/\u2028", "space or a control"),
        ("https://example.org:0/", "port"),
        ("https://example.org:65536/", "port"),
        ("https://example.org:http/", "port"),
        ("https://[::1/", "malformed"),
        ("https://exa%6dple.org/", "percent"),
        ("https://[fe80::1%25eth0]/", "percent"),
        ("https://127。0。0。1/", "none in ASCII"),
        ("https://10\uff0e0\uff0e0\uff0e1/", "none in ASCII"),
        ("https://hub\uff61internal/", "none in ASCII"),
        ("https://example.org/" + "a" * 4096, "longer"),
    ],
)
def test_other_urls_are_refused_in_one_sentence(url: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        check_url(url)


def test_http_needs_leave() -> None:
    check_url("http://example.org/", allow_http=True)
    with pytest.raises(ValueError, match="https is required"):
        check_url("http://example.org/", allow_http=False)


@settings(deadline=None)
@given(st.text() | st.text(alphabet="/:[]@%\\.#?ab1").map("https://".__add__))
def test_any_text_passes_or_raises_value_error(text: str) -> None:
    try:
        check_url(text)
    except ValueError as error:
        assert "\n" not in str(error)  # noqa: PT017


_HOSTS = st.sampled_from(
    ["news.example", "127.0.0.1", "0x7f.1", "a-b.c.", "..", "h@x", "h%41", "[::1]", "H.example", "é.example"]
)
_PORTS = st.integers(0, 70_000).map(str) | st.sampled_from(["", "080", "x"])
_PATHS = st.text(alphabet="ab/.?#%:@;=&~\\\t é'", max_size=12)


@given(st.sampled_from(["http", "https", "ftp"]), _HOSTS, _PORTS, _PATHS)
def test_a_plain_url_is_one_that_the_check_lets_through_and_reads_alike(
    scheme: str, host: str, port: str, path: str
) -> None:
    url = f"{scheme}://{host}{':' if port else ''}{port}/{path}"
    plain = PLAIN_URL.fullmatch(url)
    if plain is None:
        return
    check_url(url)
    parts = urlsplit(url)
    assert (plain[1], plain[3], int(plain[4]) if plain[4] else None) == (parts.scheme, parts.hostname, parts.port)
    assert plain[5] == parts.path + (f"?{parts.query}" if "?" in url else "")
    assert (plain[2], parts.fragment) == (parts.netloc, "")


@pytest.mark.parametrize("port", ["0", "080", "65536", "99999"])
def test_a_port_that_is_none_is_never_plain(port: str) -> None:
    assert PLAIN_URL.fullmatch(f"http://news.example:{port}/") is None


@pytest.mark.parametrize("port", ["", ":1", ":8080", ":59999"])
def test_most_urls_are_plain(port: str) -> None:
    assert PLAIN_URL.fullmatch(f"https://www.news-wire.example{port}/film/feed/?paged=1&since=2026-11-01")
