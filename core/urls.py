"""The one address by which an article is known, whatever link led to it. It fetches nothing and follows nothing."""

import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

import idna
from tld import get_fld, get_tld

_MAX_CHARS = 4096
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_HOST_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PATH_SAFE = _UNRESERVED | frozenset("!$&'()*+,;=:@/")
_QUERY_SAFE = _PATH_SAFE | frozenset("?")
# Addresses that need no second look: absolute, of an ordinary host, of characters with one meaning. Joining with any
# base leaves them as they are, and `canonical_url` takes them.
_ORDINARY = re.compile(
    r"https?://(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}(?::[0-9]{1,4})?"
    r"(?:/[A-Za-z0-9._~!$&'()*+,=:@%-][A-Za-z0-9._~!$&'()*+,=:@%/-]*+|/)?"
    r"(?:\?[A-Za-z0-9._~!$&'()*+,=:@%/?-]+)?(?:#[A-Za-z0-9._~!$&'()*+,=:@%/?-]+)?"
)
_BREAKS = re.compile(r"[\t\r\n]")
_FEED_SCHEME = re.compile(r"\s*feed:(?:(https?://)|//)", re.IGNORECASE)
_SESSION = re.compile(r";jsessionid=[^/]*", re.IGNORECASE)

# Hosts that serve the same articles as the host behind the label: `www.`, and what phones are sent to.
_ALIAS_LABELS = frozenset({"www", "m", "mobile", "amp", "mobi", "touch", "wap"})
# Path segments that name a variant of a page, and file names that name its folder.
_VARIANT_SEGMENTS = frozenset({"amp", "print", "printable"})
_INDEX_SEGMENTS = frozenset({"index.html", "index.htm", "index.php", "index.shtml", "default.aspx"})
_AMP_SUFFIX = re.compile(r"(?:\.amp)+(?=\.html?$|$)", re.IGNORECASE)

_TRACKING_PREFIXES = (
    "utm_", "mtm_", "pk_", "piwik_", "matomo_", "hsa_", "_hs", "mc_", "oly_", "vero_", "at_", "wt_", "ga_",
    "fb_", "amp_", "__amp", "itm_", "stm_", "sc_c", "ns_", "guce_", "_branch", "cx_", "sfmc_", "traffic_",
)  # fmt: skip
_TRACKING_WORDS = """
    fbclid gclid gclsrc dclid gbraid wbraid msclkid yclid ymclid twclid ttclid li_fat_id rdt_cid epik irclickid
    igshid igsh si sh share share_id shared sharetype mkt_tok mbid ncid icid cmp cmpid camp campaign campaignid
    dmcid intcid int_cmp ito xtor ocid cvid wprov spm scm _ga _gl _openstat usqp ref ref_ ref_src ref_url referer
    referrer refsrc rss rssfeed smid smtyp smprod sr_share srnd taid tblci tbref via partner
    guccounter nc nocache _ cb trk trkinfo trkcampaign tracking trackingid zanpid elqtrackid elqtrack
    mobile m_force amp isamp noamp print printable printpage print_view printerfriendly phpsessid jsessionid
    __twitter_impression __tn__ __cft__ h_ad_id dicbo oborigurl outputtype s_cid s_kwcid ef_id
    newsletter newsletterid rb_clickid wickedid ml_subscriber ml_subscriber_hash bsft_eid bsft_clkid
"""
_TRACKING_NAMES = frozenset(_TRACKING_WORDS.split())
# Names that may carry content; only these values mark them as a trace of where the reader came from.
_AMBIGUOUS_NAMES = frozenset({"source", "src", "from", "output", "service", "view", "format", "mode", "feature"})
_REFERRER_WORDS = """
    amp rss rss2 feed atom print printer printable mobile twitter facebook fb tw social email mail newsletter
    googlenews google news.google.com flipboard reddit linkedin pinterest whatsapp telegram app copy share youtu.be
"""
_TRACKING_VALUES = frozenset(_REFERRER_WORDS.split())


@lru_cache(maxsize=4096)
def canonical_url(url: str) -> str:
    """Fold the addresses of one article into one key, `https://host/path?query`.

    Idempotent. The key is for comparing: readers are sent to the address as it was given.
    Folded: scheme (http is https), `www.` (no outlet serves another article there), AMP, mobile and print variants,
    Google's AMP caches, tracking, fragment, default ports, case of the host, percent-encoding (RFC 3986 6.2.2),
    dot segments, duplicate and trailing slashes. The remaining parameters are sorted by name, because links to one
    page are built by many programs and servers read parameters by name; equal names keep their order.
    Raises ValueError, one sentence, for what is no http(s) address or could be read in two ways.
    """
    parts = _unwrap_amp_cache(_split(url))
    host = _canonical_host(parts)
    port = _canonical_port(parts)
    query = _canonical_query(parts.query)
    return f"https://{host}{port}{_canonical_path(parts.path)}{query}"


def publisher_host(url: str) -> str:
    """Name the host an article stands on, without `www.` and its likes. Raises ValueError as `canonical_url` does."""
    return _canonical_host(_unwrap_amp_cache(_split(url)))


def resolve_url(link: str, *bases: str) -> str:
    """Make a link absolute against the nearest base (innermost first); empty when no http(s) address comes out.

    Blanks inside it are escaped, as browsers do.
    """
    if not link or is_ordinary(link):
        return link
    resolved = _BREAKS.sub("", link).strip().replace(" ", "%20")
    if not resolved or is_ordinary(resolved):
        return resolved
    for base in bases:
        resolved = _join(base, resolved)
    return resolved if is_web_url(resolved) else ""


def strip_feed_scheme(link: str) -> str:
    """Make a web address of `feed://host/path` and `feed:https://host/path`, which feed readers once registered."""
    found = _FEED_SCHEME.match(link)
    return link if found is None else f"{found[1] or 'http://'}{link[found.end() :]}"


@lru_cache(maxsize=1024)
def is_ordinary(url: str) -> bool:
    """Whether an address is plainly absolute and sound; False only means that it takes a closer look to say."""
    return len(url) <= _MAX_CHARS and _ORDINARY.fullmatch(url) is not None and not _may_be_amp_cache(url)


def _may_be_amp_cache(url: str) -> bool:
    return "ampproject.org" in url or "//google.com/" in url or "//www.google.com/" in url


def is_web_url(url: str) -> bool:
    """Whether `canonical_url` takes it."""
    try:
        canonical_url(url)
    except ValueError:
        return False
    return True


def is_same_site(url: str, other: str) -> bool:
    """Whether two addresses belong to one registrable domain by the Public Suffix List, private suffixes included."""
    try:
        hosts = publisher_host(url), publisher_host(other)
    except ValueError:
        return False
    return hosts[0] == hosts[1] or _registrable(hosts[0]) == _registrable(hosts[1])


def _registrable(host: str) -> str:
    domain = get_fld(f"https://{host}/", fail_silently=True, search_private=True)
    return domain or host


def _join(base: str, link: str) -> str:
    try:
        return urljoin(base, link)
    except ValueError:
        return link


def _split(url: str) -> SplitResult:
    text = url.strip(" \t\r\n")
    _refuse_unclear(text)
    try:
        parts = urlsplit(text)
        has_credentials = "@" in parts.netloc
    except ValueError:
        raise ValueError("The address cannot be read as a URL.") from None
    if parts.scheme not in {"http", "https"}:
        raise ValueError("The address does not start with http:// or https://.")
    if has_credentials:
        raise ValueError("The address carries credentials.")
    return parts


def _refuse_unclear(text: str) -> None:
    if len(text) > _MAX_CHARS:
        raise ValueError(f"The address is longer than {_MAX_CHARS} characters.")
    if _CONTROLS.search(text):
        raise ValueError("The address contains control characters.")
    if "\\" in text:
        raise ValueError("The address contains a backslash.")


def _unwrap_amp_cache(parts: SplitResult) -> SplitResult:
    """Find the publisher's address behind `google.com/amp/s/…` and `….cdn.ampproject.org/c/s/…`."""
    while inner := _inside_amp_cache(parts):
        parts = _split(inner)
    return parts


def _inside_amp_cache(parts: SplitResult) -> str:
    host = (parts.hostname or "").removeprefix("www.")
    segments = [segment for segment in parts.path.split("/") if segment]
    kinds = {"amp"} if host == "google.com" else {"c", "v", "i", "r"}
    is_cache = host in {"google.com", "cdn.ampproject.org"} or host.endswith(".cdn.ampproject.org")
    if not is_cache or not segments or segments[0] not in kinds:
        return ""
    rest = segments[2:] if segments[1:2] == ["s"] else segments[1:]
    if not rest or "." not in rest[0]:
        return ""
    query = f"?{parts.query}" if parts.query else ""
    return f"https://{'/'.join(rest)}{query}"


def _canonical_host(parts: SplitResult) -> str:
    host = (parts.hostname or "").removesuffix(".")
    if "[" in parts.netloc:
        return _ipv6_literal(host)
    labels = _ascii_host(host).split(".")
    if not all(_HOST_LABEL.fullmatch(label) for label in labels):
        raise ValueError("The address names no valid host.")
    while labels[0] in _ALIAS_LABELS and _is_domain(labels[1:]):
        labels = labels[1:]
    return ".".join(labels)


def _is_domain(labels: list[str]) -> bool:
    """Whether labels are more than a suffix: `m.co.uk` must not become `co.uk`, nor `amp.dev` `dev`."""
    rest = ".".join(labels)
    return len(labels) > 1 and get_tld(f"https://any.{rest}/", fail_silently=True) != rest


def _ipv6_literal(host: str) -> str:
    try:
        return f"[{ipaddress.IPv6Address(host)}]"
    except ValueError:
        raise ValueError("The address names no valid host.") from None


def _ascii_host(host: str) -> str:
    if host.isascii():
        return host.lower()
    try:
        return idna.encode(host, uts46=True).decode("ascii").lower().removesuffix(".")
    except (idna.IDNAError, UnicodeError):
        raise ValueError("The address names no valid host.") from None


def _canonical_port(parts: SplitResult) -> str:
    try:
        port = parts.port
    except ValueError:
        raise ValueError("The address names no valid port.") from None
    return "" if port in {None, 80, 443} else f":{port}"


def _canonical_path(path: str) -> str:
    segments = _resolve_dots(_normalise(_SESSION.sub("", path), _PATH_SAFE).split("/"))
    kept = [_AMP_SUFFIX.sub("", segment) for segment in segments if segment.lower() not in _VARIANT_SEGMENTS]
    while kept and (not kept[-1] or kept[-1].lower() in _INDEX_SEGMENTS):
        kept.pop()
    return "/" + "/".join(kept)


def _resolve_dots(segments: Iterable[str]) -> list[str]:
    kept: list[str] = []
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment not in {"", "."}:
            kept.append(segment)
    return kept


def _canonical_query(query: str) -> str:
    fields = (_normalise(field, _QUERY_SAFE) for field in query.split("&") if field)
    kept = sorted((field for field in fields if not _is_tracking(field)), key=_field_name)
    return "?" + "&".join(kept) if kept else ""


def _field_name(field: str) -> str:
    return field.partition("=")[0]


def _is_tracking(field: str) -> bool:
    name, _, value = unquote(field).lower().partition("=")
    if name in _TRACKING_NAMES or name.startswith(_TRACKING_PREFIXES) or (name, value) == ("m", "1"):
        return True
    return name in _AMBIGUOUS_NAMES and value in _TRACKING_VALUES


def _normalise(text: str, safe: frozenset[str]) -> str:
    """Write every escape in one way: unreserved characters bare, all others as upper-case UTF-8 escapes."""
    pieces = _ESCAPE.split(text)
    bare = (_quote(piece, safe) for piece in pieces[::2])
    escaped = (_decode_unreserved(piece) for piece in pieces[1::2])
    return "".join(piece for pair in zip(bare, [*escaped, ""], strict=True) for piece in pair)


def _decode_unreserved(digits: str) -> str:
    character = chr(int(digits, 16))
    return character if character in _UNRESERVED else f"%{digits.upper()}"


def _quote(text: str, safe: frozenset[str]) -> str:
    return "".join(c if c in safe else "".join(f"%{byte:02X}" for byte in c.encode()) for c in text)
