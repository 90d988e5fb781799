"""RSS, RDF, Atom and JSON Feed documents read into plain entries. It judges nothing and fetches nothing."""

from datetime import datetime

from core.parsing import jsonfeed, xmlfeed
from core.parsing.entries import AskKnown, know_none
from core.parsing.xml import MAX_BYTES, decode_document
from core.values import ParsedFeed


def parse_feed(
    body: bytes, *, url: str, content_type: str = "", now: datetime, known: AskKnown = know_none
) -> ParsedFeed:
    """Read a feed document; never raises, whatever the bytes.

    Shape: at most 500 entries in the document's order, guids unique and never empty; `url` is empty or something
    `canonical_url` takes. Titles ≤ 500 characters, summaries ≤ 4,000, texts ≤ 200,000, all plain text on one line.
    Entries whose guid `known` names are left out before they are cleaned, and counted in `known_count`.
    `content_type` is the HTTP header; `url` the address the document came from, the base of relative links.
    Trouble is told in `problems`; bytes that are no feed at all give `is_feed=False` and the reason.
    """
    if not body.strip():
        return ParsedFeed(is_feed=False, problems=("The document is empty.",))
    if len(body) > MAX_BYTES:
        return ParsedFeed(is_feed=False, problems=(f"The document is larger than {MAX_BYTES:,} bytes.",))
    whole, utf8 = decode_document(body, content_type=content_type)
    text = whole.lstrip("\ufeff \t\r\n\0")
    if text.startswith(("{", "[")):
        return jsonfeed.parse_json_feed(text, url=url, now=now)
    return xmlfeed.parse_xml_feed(text, utf8 if len(text) == len(whole) else None, url=url, now=now, known=known)
