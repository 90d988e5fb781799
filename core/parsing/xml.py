"""Bytes that claim to be XML made a tree, or nothing: no entity is expanded, no file opened, no address fetched.

Broken documents are mended as far as that is linear: wrong encodings, bare ampersands, HTML entities, stray controls.
"""

import codecs
import html
import re
from collections.abc import Iterator
from functools import lru_cache

from lxml import etree

Element = etree._Element  # noqa: SLF001 - lxml has no public name for it

MAX_BYTES = 16 * 1024 * 1024
_DECLARED = re.compile(rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']\s*([A-Za-z0-9._:-]{1,40})\s*[\"']")
_META_CHARSET = re.compile(rb"<meta\b[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9._:-]{1,40})", re.IGNORECASE)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([A-Za-z0-9._:-]{1,40})", re.IGNORECASE)
_PROLOG = re.compile(r"^\s*<\?xml[^>]*\?>", re.IGNORECASE)
# Anchored and possessive: linear on whatever is thrown at it.
_DOCTYPE = re.compile(
    r"(?:\s|<!--(?:(?!-->).)*+-->|<\?(?:(?!\?>).)*+\?>)*+"
    r"<!DOCTYPE\b[^<>\[]*+(?:\[(?:[^\]\"'<]|<[^>]*>|\"[^\"]*\"|'[^']*')*+\]\s*+)?>",
    re.IGNORECASE | re.DOTALL,
)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WIDE_STARTS = (
    (b"<\0\0\0", "utf-32-le"),
    (b"\0\0\0<", "utf-32-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
# Codecs for text of the Web; Python knows others (punycode, unicode_escape) that are slow or no charset at all.
_TEXT_CODEC = re.compile(
    r"utf-(?:7|8|16|32)|ascii|iso(?:8859|2022)[-_]|cp\d|koi8|gb|big5|euc|shift_jis|mac|tis|hz|johab|ptcp|kz1048"
)
_ENTITY = re.compile(r"&(?:#(\d{1,7}|x[0-9a-fA-F]{1,6});|([A-Za-z][A-Za-z0-9]{1,30});)?")
# UTF-8 with more than one odd byte in so many characters is no UTF-8 at all.
_MAX_ODD_SHARE = 20
_XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def decode_text(body: bytes, *, content_type: str = "") -> str:
    """Decode by evidence: BOM, then bytes that are UTF-8, then the HTTP charset, then what the document declares.

    Text with bytes over 127 that is valid UTF-8 is UTF-8 whatever is claimed; RFC 3023 lets the header win, but
    headers are oftener wrong than such text is something else. Never raises: what fits nothing is read as UTF-8 with
    each odd byte as Windows-1252.
    """
    return decode_document(body, content_type=content_type)[0]


def decode_document(body: bytes, *, content_type: str = "") -> tuple[str, bytes | None]:
    """Decode as `decode_text` does; with the text its UTF-8 if the body is just that, else None."""
    for codec in _candidates(body, content_type):
        try:
            text = body.decode(codec)
        except (UnicodeError, LookupError):
            continue
        return (text[1:], None) if text.startswith("\ufeff") else (text, body if codec == "utf-8" else None)
    text = body.decode("utf-8", errors="replace")
    if text.count("\ufffd") * _MAX_ODD_SHARE > len(text):
        return body.decode("cp1252", errors="replace"), None
    return body.decode("utf-8", errors="setwire-cp1252").removeprefix("\ufeff"), None


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


def local_name(element: Element) -> str:
    """Name an element without namespace, lower-case; empty for what is no element."""
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""


def _candidates(body: bytes, content_type: str) -> Iterator[str]:
    """Name the codecs to try, the likeliest first; none is looked for before the one before it has failed."""
    for start, codec in (*_BOMS, *_WIDE_STARTS):
        if body.startswith(start):
            yield codec
            return
    if not body.isascii():
        yield "utf-8"
    if codec := _web_codec(_http_charset(content_type)):
        yield codec
    if codec := _web_codec(_declared_charset(body)):
        yield codec


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
        codec = codecs.lookup(name).name if name else ""
    except (LookupError, ValueError):
        return ""
    supersets = {"iso8859-1": "cp1252", "ascii": "cp1252", "gb2312": "gb18030", "gbk": "gb18030", "iso8859-9": "cp1254"}
    codec = supersets.get(codec, codec)
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
