"""Markup and mojibake made plain text: what every parser passes its strings through."""

import html
import re
from functools import lru_cache
from typing import Any

import nh3

TITLE_CHARS = 500
SUMMARY_CHARS = 4_000
TEXT_CHARS = 200_000
FIELD_CHARS = 300

# What the HTML parser is given at most, as a multiple of what is kept: markup is rarely more than that.
_MARKUP_SHARE = 6
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,30});", re.IGNORECASE)
# All that `html.unescape` takes for one, if it ends as it should.
_WHOLE_ENTITY = re.compile(r"(&(?:#[0-9]{1,9}|#[xX][0-9a-fA-F]{1,8}|[^\t\n\f <&#;]{1,32});)")
_KNOWN_TAGS = """
    a abbr applet b base big blink blockquote body br button center cite code dd del div dl dt em embed figcaption
    figure font form frame frameset h1 h2 h3 h4 h5 h6 head hr html i iframe img input ins label li link mark
    marquee meta noscript object ol p param picture pre q s script section small source span strike strong style
    sub sup svg table tbody td th tr tt u ul video
"""
_TAG = re.compile(
    rf"</?(?:{'|'.join(_KNOWN_TAGS.split())})(?:\s[^<>]*)?/?>|<!--|<!\[CDATA\[",
    re.IGNORECASE,
)
# Feeds cut these open; a browser then takes all that follows for their content.
_FRAMES = re.compile(r"</?(?:iframe|object|embed|applet|noembed|noframes|noscript)\b[^<>]*>", re.IGNORECASE)
_ANY_TAG = re.compile(r"<[^>]*>")
_BLOCKS = {
    "address", "article", "aside", "blockquote", "br", "caption", "center", "dd", "div", "dl", "dt", "fieldset",
    "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav",
    "ol", "option", "p", "pre", "section", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul", "img", "video",
}  # fmt: skip
_SILENT = {
    "script", "style", "iframe", "noscript", "template", "svg", "math", "object", "embed", "audio", "video",
    "select", "textarea", "title", "noframes", "noembed",
}  # fmt: skip
_MARKUP = re.compile(r"<[a-zA-Z/!?]")
# Tags that can be cut without a parser: where they end is plain, and nothing they hold is hidden or moved.
_ATTRIBUTES = r"[\s/][^<>\"']*+(?:(?:\"[^\"<]*+\"|'[^'<]*+')[^<>\"']*+)*+"
_PLAIN_TAG = re.compile(rf"<(?:/?([a-zA-Z][a-zA-Z0-9]*+)(?:>|{_ATTRIBUTES}>)|!--[\w\s.,:/]*-->)")
_PLAIN_TAGS: dict[str | None, str] = {
    None: "",
    **dict.fromkeys(
        """
        a abbr b big cite code del em font i ins kbd mark picture q s small source span strike strong sub sup time tt
        u wbr
        """.split(),  # noqa: SIM905 - a table of words reads best as text
        "",
    ),
    **dict.fromkeys(
        """
        address article aside blockquote br center dd div dl dt figcaption figure footer h1 h2 h3 h4 h5 h6 header hr
        img li main ol p section ul
        """.split(),  # noqa: SIM905
        " ",
    ),
}
_OPEN_OR_CLOSE = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_VOID = frozenset(
    {"br", "hr", "img", "input", "link", "meta", "wbr", "source", "area", "col", "embed", "param", "track", "p", "li"}
)
_MAX_DEPTH = 400
_UNWANTED = re.compile(
    # C0 and C1 controls save blanks, lone surrogates, soft hyphen, zero-width and bidirectional marks, BOM,
    # non-characters, tags: none is text, and some forge it.
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff"
    "\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)

# Most lines are short, and most of them clean as they stand.
_SHORT = 300
_PRINTABLE_ASCII = bytes(range(0x20, 0x7F))


def clean_line(text: str, *, max_chars: int = FIELD_CHARS) -> str:
    """Remove what is no text, fold every run of blanks to one, cut at a word."""
    if len(text) < _SHORT and len(text) <= max_chars and text.isprintable() and "  " not in text:
        return text.strip(" ")
    line = text[: max_chars * 8]
    if "\n" in line:
        line = " ".join([part.strip(" ") for part in line.split("\n")])
    while "  " in line:
        line = line.replace("  ", " ")
    line = line.strip(" ")
    # All that is unwanted is unprintable, as is every blank but one, and asking for that is many times cheaper than
    # looking for it.
    if not _is_printable(line):
        line = " ".join(_UNWANTED.sub("", " ".join(line.split())).split())
    return line if len(line) <= max_chars else cut_at_word(line, max_chars=max_chars)


def _is_printable(line: str) -> bool:
    """Whether all characters are printable; ASCII is asked as bytes, for long lines in a third of the time."""
    if line.isascii():
        return not line.encode("ascii").translate(None, _PRINTABLE_ASCII)
    return line.isprintable()


def clean_title(text: str, *, max_chars: int = TITLE_CHARS) -> str:
    """Make one line of plain text of a title that may be escaped once, twice or thrice and carry markup.

    Known tags only: `<Untitled>` is a title, `<em>` is not.
    """
    text = text[: max_chars * _MARKUP_SHARE]
    if "&" in text or "<" in text:
        text = _unfold(text)
    return clean_line(text, max_chars=max_chars)


def _unfold(text: str) -> str:
    for _ in range(3):
        if not _ENTITY.search(text) and not _TAG.search(text):
            break
        text = strip_markup(text) if _TAG.search(text) else _unescape(text)
    return text


def clean_html(markup: str, *, max_chars: int) -> str:
    """Make plain text of HTML: block elements part words, scripts and their like are dropped."""
    text = strip_markup(markup[: max_chars * _MARKUP_SHARE])
    if ("<" in text and _TAG.search(text)) or ("&" in text and _ENTITY.search(text)):
        text = strip_markup(text)
    return clean_line(text, max_chars=max_chars)


def has_markup(text: str) -> bool:
    """Whether some tag of HTML stands in it; `a < b` and `<Untitled>` are none."""
    return _TAG.search(text) is not None


def strip_markup(markup: str) -> str:
    """Drop every tag and decode every entity once."""
    if "<" not in markup:
        return _unescape(markup)
    bare = _cut_plain_tags(markup)
    if bare is not None:
        return _unescape(bare)
    flat = markup if _is_deep(markup) else _keep_blocks(markup)
    return _unescape(_ANY_TAG.sub(" ", flat))


def _unescape(text: str) -> str:
    """Decode every entity once, as `html.unescape` does; most texts name the same few."""
    if "&" not in text:
        return text
    pieces = _WHOLE_ENTITY.split(text)
    if len(pieces) // 2 < text.count("&"):
        return html.unescape(text)
    pieces[1::2] = map(_read_entity, pieces[1::2])
    return "".join(pieces)


_read_entity = lru_cache(maxsize=1024)(html.unescape)


def _cut_plain_tags(markup: str) -> str | None:
    """Cut the tags of markup that has none but plain ones; None if it has others."""
    pieces: list[Any] = _PLAIN_TAG.split(markup)
    try:
        pieces[1::2] = map(_PLAIN_TAGS.__getitem__, pieces[1::2])
    except KeyError:
        names = [name and name.lower() for name in pieces[1::2]]
        if not _PLAIN_TAGS.keys() >= set(names):
            return None
        pieces[1::2] = [_PLAIN_TAGS[name] for name in names]
    bare = "".join(pieces)
    return None if "<" in bare and _MARKUP.search(bare) else bare


def cut_at_word(text: str, *, max_chars: int) -> str:
    """Shorten to at most `max_chars`, at a blank if there is one in the last tenth, with an ellipsis."""
    if len(text) <= max_chars:
        return text
    cut = text[: max_chars - 1]
    at = cut.rfind(" ", max_chars * 9 // 10)
    return (cut[:at] if at > 0 else cut).rstrip() + "…"


def _keep_blocks(markup: str) -> str:
    """Parse as a browser would and write back nothing but text and bare block tags."""
    return nh3.clean(
        _FRAMES.sub(" ", markup),
        tags=_BLOCKS - _SILENT,
        clean_content_tags=_SILENT,
        attributes={},
        strip_comments=True,
        link_rel=None,
    )


def _is_deep(markup: str) -> bool:
    """Whether elements nest deeper than an author would: 80,000 nested `<div>` cost the parser 16 s."""
    if markup.count("<") <= _MAX_DEPTH:
        return False
    depth = deepest = 0
    for tag in _OPEN_OR_CLOSE.finditer(markup):
        depth = max(0, depth - 1) if tag[1] else depth + (tag[2].lower() not in _VOID)
        deepest = max(deepest, depth)
    return deepest > _MAX_DEPTH
