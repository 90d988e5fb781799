"""Bytes that claim to be XML made a tree, or nothing: no entity is expanded, no file opened, no address fetched.

Broken documents are mended as far as that is linear: wrong encodings, bare ampersands, HTML entities, stray controls.
"""

import codecs
import html
import re
from functools import lru_cache

from lxml import etree

Element = etree._Element  # noqa: SLF001 - lxml has no public name for it

MAX_BYTES = 16 * 1024 * 1024
_DECLARED = re.compile(rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']\s*([A-Za-z0-9._:-]{1,40})\s*[\"']")
_FEED_END = re.compile(rb"</\s*(?:[\w.-]+:)?(?:rss|feed|rdf|channel)\s*>", re.IGNORECASE)
_META_CHARSET = re.compile(rb"<meta\b[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9._:-]{1,40})", re.IGNORECASE)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([A-Za-z0-9._:-]{1,40})", re.IGNORECASE)
_PROLOG = re.compile(r"^\s*<\?xml[^>]*\?>", re.IGNORECASE)
# Anchored and possessive: linear on whatever is thrown at it.
_DOCTYPE = re.compile(
    r"(?:\s|<!--(?:(?!-->).)*+-->|<\?(?:(?!\?>).)*+\?>)*+"
    r"<!DOCTYPE\b[^<>\[]*+(?:\[(?:[^\]\"'<]|<[^>]*>|\"[^\"]*\"|'[^']*')*+\]\s*+)?>",
    re.IGNORECASE | re.DOTALL,
)
_WIDE_STARTS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"<\0\0\0", "utf-32-le"),
    (b"\0\0\0<", "utf-32-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
# Codecs for text of the Web; Python knows others (punycode, unicode_escape) that are slow or no charset at all.
_TEXT_CODEC = re.compile(
    r"utf-(?:7|8|16|32)|ascii|iso(?:8859|2022)[-_]|cp\d|koi8|gb|big5|euc|shift_jis|mac|tis|hz|johab|ptcp|kz1048"
)
# Charsets as the Web means them (encoding.spec.whatwg.org), where Python's codec of that name knows fewer characters.
_SUPERSETS = {
    "iso8859-1": "cp1252", "ascii": "cp1252", "iso8859-9": "cp1254", "iso8859-11": "cp874", "tis-620": "cp874",
    "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949", "big5": "big5hkscs",
}  # fmt: skip
# What pages call them, and Python does not.
_WEB_LABELS = {
    "x-sjis": "cp932", "windows-31j": "cp932", "windows-949": "cp949", "x-euc-jp": "euc_jp", "x-gbk": "gb18030",
    "cn-big5": "big5hkscs", "x-x-big5": "big5hkscs", "windows-874": "cp874", "dos-874": "cp874",
    "iso-8859-8-i": "iso8859-8", "iso-8859-8-e": "iso8859-8", "x-mac-roman": "mac-roman",
    "x-mac-cyrillic": "mac-cyrillic", "unicode-1-1-utf-8": "utf-8",
    **{f"x-cp125{number}": f"cp125{number}" for number in range(9)},
}  # fmt: skip
# Tried where a charset of the Web is several of Python's.
_LIKE = {"euc_jp": "euc_jis_2004", "big5hkscs": "cp950"}
# Text is UTF-8 if so many times more characters beyond ASCII are sound than odd; else a claim that leaves so many times
# fewer odd ones explains it. By chance a tenth of Korean's letters make sound UTF-8.
_MORE_SOUND = 3
_FEWER_ODD = 10
_ENTITY = re.compile(r"&(?:#(\d{1,7}|x[0-9a-fA-F]{1,6});|([A-Za-z][A-Za-z0-9]{1,30});)?")
# UTF-8 with more than one odd byte in so many characters is no UTF-8 at all.
_MAX_ODD_SHARE = 20
_XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def decode_text(body: bytes, *, content_type: str = "") -> str:
    """Decode by evidence: BOM, then bytes that are UTF-8, then the HTTP charset, then what the document declares.

    Text with bytes over 127 that is UTF-8, or nearly, is UTF-8 whatever is claimed; RFC 3023 lets the header win, but
    headers are oftener wrong than such text is something else. Never raises: what fits nothing is read as what it fits
    best, where that is UTF-8 with each odd byte as Windows-1252.
    """
    return decode_document(body, content_type=content_type)[0]


def decode_document(body: bytes, *, content_type: str = "") -> tuple[str, bytes | None]:
    """Decode as `decode_text` does; with the text its UTF-8 if the body is just that, else None."""
    for start, codec in _WIDE_STARTS:
        if body.startswith(start):
            return body.decode(codec, errors="replace").removeprefix("\ufeff"), None
    if body.isascii():
        plain = body.decode("ascii")
        text = _decode_first(body, _claimed_codecs(body, content_type)) or plain
        return text, body if text == plain else None
    try:
        text = body.decode("utf-8")
    except UnicodeError:
        return _decode_other(body, _claimed_codecs(body, content_type)), None
    return (text[1:], None) if text.startswith("\ufeff") else (text, body)


def _decode_other(body: bytes, claimed: list[str]) -> str:
    """Read what is not quite UTF-8: a title cut in the middle of a character must not cost the rest."""
    text = body.decode("utf-8", errors="replace")
    odd_count = text.count("\ufffd")
    sound_count = len(text) - len(text.encode("ascii", "ignore")) - odd_count
    if sound_count < odd_count * _MORE_SOUND:
        if found := _decode_first(body, claimed):
            return found
        for codec in claimed:
            other = body.decode(codec, errors="replace")
            if codec != "utf-8" and other.count("\ufffd") * _FEWER_ODD <= odd_count:
                return other
        if odd_count * _MAX_ODD_SHARE > len(text):
            return body.decode("cp1252", errors="replace")
    return body.decode("utf-8", errors="setwire-cp1252").removeprefix("\ufeff")


def _decode_first(body: bytes, claimed: list[str]) -> str:
    """Decode by the first claim that all bytes fit; empty if there is none."""
    for codec in claimed:
        try:
            return body.decode(codec)
        except (UnicodeError, LookupError):
            continue
    return ""


def parse_xml(text: str, utf8: bytes | None = None) -> tuple[Element | None, str]:
    """Build a tree without comments, processing instructions and entities; with it one sentence if it was mended.

    `utf8` is the text encoded, if somebody has it.
    """
    whole = text
    text = _PROLOG.sub("", text, count=1)
    as_it_stands = _strip_doctype(text)
    if utf8 is not None:
        utf8 = utf8[len(whole[: len(whole) - len(as_it_stands)].encode()) :]
    # Looking for stray controls takes as long as parsing. The parser refuses all but NUL, which it takes for the end.
    root = _build(as_it_stands, recover=False, utf8=utf8) if "\0" not in as_it_stands else None
    if root is None:
        text = _strip_doctype(_NOT_XML.sub("", text))
        root = _build(text, recover=False) if text != as_it_stands else None
    if root is not None:
        return _drop_entities(root), ""
    root = _build(_ENTITY.sub(_mend_entity, text).lstrip(), recover=True)
    return _drop_entities(root), "The XML is not well-formed; it was read as far as it could be mended."


def lacks_end(body: bytes) -> bool:
    """Say whether a feed in XML breaks off: its root is not closed in the last two kilobytes."""
    tail = body[-2048:].replace(b"\0", b"")
    return not body.startswith((b"{", b"[")) and _FEED_END.search(tail) is None


def local_name(element: Element) -> str:
    """Name an element without namespace, lower-case; empty for what is no element."""
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""


def _claimed_codecs(body: bytes, content_type: str) -> list[str]:
    """Name the codecs that header and document claim, in that order; none for text with a byte order mark of UTF-8.

    Who declares UTF-16 in bytes that are not wide has another encoding (.NET writes so of strings): it says nothing.
    """
    if body.startswith(codecs.BOM_UTF8):
        return ["utf-8"]
    named = [_web_codec(name) for name in (_http_charset(content_type), _declared_charset(body))]
    is_wide = b"\0" in body[:8]
    claimed = [codec for codec in named if codec and (is_wide or not codec.startswith(("utf-16", "utf-32")))]
    return [*claimed, *(_LIKE[codec] for codec in claimed if codec in _LIKE)]


def _http_charset(content_type: str) -> str:
    found = _CHARSET.search(content_type)
    return found[1] if found else ""


def _declared_charset(body: bytes) -> str:
    found = _DECLARED.search(body[:400]) or _META_CHARSET.search(body[:4096])
    return found[1].decode("ascii") if found else ""


@lru_cache(maxsize=64)
def _web_codec(name: str) -> str:
    """Map a charset to Python's codec as browsers do: Latin-1 is Windows-1252, GB2312 is GB18030; empty if unknown."""
    try:
        codec = codecs.lookup(_WEB_LABELS.get(name.lower(), name)).name if name else ""
    except (LookupError, ValueError):
        return ""
    codec = _SUPERSETS.get(codec, codec)
    return codec if _TEXT_CODEC.match(codec) else ""


def _read_odd_byte(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    odd = error.object[error.start : error.end]
    return odd.decode("cp1252", errors="replace"), error.end


codecs.register_error("setwire-cp1252", _read_odd_byte)


def _build(text: str, *, recover: bool, utf8: bytes | None = None) -> Element | None:
    parser = etree.XMLParser(
        encoding="utf-8",
        recover=recover,
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(text.encode("utf-8") if utf8 is None else utf8, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


def _strip_doctype(text: str) -> str:
    doctype = _DOCTYPE.match(text)
    return text[doctype.end() :] if doctype else text


def _drop_entities(root: Element | None) -> Element | None:
    """Drop references to entities that only the document's own DTD could explain: it is never read."""
    if root is not None:
        etree.strip_tags(root, etree.Entity)
    return root


def _mend_entity(found: re.Match[str]) -> str:
    number, name = found[1], found[2]
    if number:
        return html.escape(html.unescape(found[0]))
    if name in _XML_ENTITIES:
        return found[0]
    character = html.unescape(found[0])
    return html.escape(character) if name and character != found[0] else "&amp;" + found[0][1:]
