"""Judges which URLs may be asked for and which IP addresses are public; it resolves and connects nothing."""

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

# IANA special-purpose registries (RFC 6890 and its updates); 168.63.129.16 is Azure's host channel, a public
# number that answers only inside. `ipaddress.is_global` alone lets mapped, NAT64 and 6to4 forms through.
_REFUSED_V4 = tuple(
    ip_network(block)
    for block in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_GLOBAL_V6 = ip_network("2000::/3")
_REFUSED_V6 = tuple(ip_network(block) for block in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
MAX_URL_CHARS = 4096
_CONTROL_OR_SPACE = re.compile(r"[\x00-\x20\x7f-\xa0\s]")
# What writes a name as it goes over the wire makes dots of these (RFC 3490 3.1), and of `127。0。0。1` an address.
_OTHER_DOTS = re.compile("[\u3002\uff0e\uff61]")


# Most URLs: nothing in them is to be escaped, put in lower case or left out. Scheme, authority, host, port, path.
PLAIN_URL = re.compile(
    r"(https?)://(([a-z0-9.-]+)(?::(?!80/|443/)([1-9][0-9]{0,3}|[1-5][0-9]{4}))?)"
    r"(/(?!.*/\.)[A-Za-z0-9_~!$&'()*+,;=:@/?-][A-Za-z0-9._~!$&'()*+,;=:@/?-]*)"
)


def is_public(address: str) -> bool:
    """Say whether this IP address belongs to the open internet.

    Shape: anything that is not exactly one address (a name, a scoped `fe80::1%eth0`, `0x7f.1`) is not public.
    """
    return judge_address(address) is True


@lru_cache(maxsize=4096)
def judge_address(text: str) -> bool | None:
    """Say whether an IP address is public; None for what is none."""
    try:
        parsed = ip_address(text)
    except ValueError:
        return None
    return _is_public_v4(parsed) if isinstance(parsed, IPv4Address) else _is_public_v6(parsed)


def _is_public_v4(address: IPv4Address) -> bool:
    return not any(address in block for block in _REFUSED_V4)


def _is_public_v6(address: IPv6Address) -> bool:
    if address.scope_id is not None:
        return False
    if address.ipv4_mapped is not None:
        return _is_public_v4(address.ipv4_mapped)
    return address in _GLOBAL_V6 and not any(address in block for block in _REFUSED_V6)


def check_url(url: str, *, allow_http: bool = True) -> None:
    """Refuse a URL whose shape two parsers could read differently, or that is not plain web.

    Errors: `ValueError` with one sentence. The address behind the host is judged when it is connected to
    (`is_public`), not here: a name checked now may point elsewhere a moment later.
    """
    if len(url) > MAX_URL_CHARS:
        raise ValueError(f"the URL is longer than {MAX_URL_CHARS:,} characters")
    if _CONTROL_OR_SPACE.search(url):
        raise ValueError("the URL contains a space or a control character")
    if "\\" in url:
        raise ValueError("the URL contains a backslash")
    parts = _split(url)
    _check_scheme(parts.scheme, allow_http=allow_http)
    _check_authority(parts)


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as error:
        raise ValueError("the URL is malformed") from error


def _check_scheme(scheme: str, *, allow_http: bool) -> None:
    if scheme not in ("http", "https"):
        raise ValueError("the URL is neither http nor https")
    if scheme == "http" and not allow_http:
        raise ValueError("the URL is http, and https is required")


def _check_authority(parts: SplitResult) -> None:
    if "@" in parts.netloc:
        raise ValueError("the URL contains a user name or password")
    if not parts.hostname:
        raise ValueError("the URL names no host")
    if "%" in parts.netloc:
        raise ValueError("the URL's host contains a percent sign")
    if _OTHER_DOTS.search(parts.netloc):
        raise ValueError("the URL's host contains a dot that is none in ASCII")
    if not _has_valid_port(parts):
        raise ValueError("the URL's port is not between 1 and 65,535")


def _has_valid_port(parts: SplitResult) -> bool:
    try:
        return parts.port != 0
    except ValueError:
        return False
