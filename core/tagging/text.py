"""The words of an article as the taggers read them, and the way back from them to the raw text."""

import re
from bisect import bisect_left
from functools import cached_property
from typing import NamedTuple
from unicodedata import normalize

from core.values import Article, Evidence

BREAK = "\x1f"
"""Stands between fields and between categories; no phrase reaches across it."""

TEXT_LIMIT = 1500
"""Characters of the article body that are read: the lead says what a text is about, the rest names everything."""

_TOKEN = re.compile(r"[^\W_]+|&|\x1f")
_LAST_NUMBER = re.compile(r"-\d{6,}$")
_OPEN_QUOTES = frozenset("'\"‘“«‹")
_CLOSE_QUOTES = frozenset("'\"’”»›")


class _Folding(dict[int, str]):
    """A `str.translate` table: drops accents, keeps every character one character long."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        plain = normalize("NFKD", char)[:1].lower() if code > 127 else char.lower()
        folded = plain if len(plain) == 1 and plain.isalnum() else char.lower()[:1]
        self[code] = folded
        return folded


_FOLDING = _Folding()


def fold(text: str) -> str:
    """Lower the case and drop accents; the result is as long as `text`, so offsets stay true."""
    return text.lower() if text.isascii() else text.translate(_FOLDING)


def tokenize(text: str) -> list[str]:
    """Split into folded words; an apostrophe ends a word (`Ocean's` → `ocean`, `s`), `&` reads `and`."""
    return ["and" if t == "&" else t for t in _TOKEN.findall(fold(text))]


def word_set(text: str) -> frozenset[str]:
    return frozenset(text.split())


def phrase_of(text: str) -> str:
    """The words of `text` with one space between them, as they stand in `Document.words`."""
    return " ".join(tokenize(text))


class Part(NamedTuple):
    """One field of the document: `start` and `end` are token positions, `end` excluded."""

    name: str
    start: int
    end: int


class Document:
    """An article's title, summary, lead, categories and URL slug as one token sequence.

    `words` is the folded tokens joined by single spaces, with one at each end: ` part two ` can be searched as is.
    Token positions count from 0; `word_position` turns a character offset in `words` into one.
    """

    def __init__(self, article: Article) -> None:
        fields = (
            article.title.replace(BREAK, " "),
            article.summary.replace(BREAK, " "),
            article.text[:TEXT_LIMIT].replace(BREAK, " "),
            BREAK.join(article.categories),
            _slug_of(article.canonical_url or article.url),
        )
        self.article = article
        raw = BREAK.join(fields)
        self.raw = raw if raw.isascii() else normalize("NFC", raw)
        self.folded = fold(self.raw)
        tokens = _TOKEN.findall(self.folded)
        self.tokens = ["and" if t == "&" else t for t in tokens] if "&" in raw else tokens
        self.words = f" {' '.join(self.tokens)} "

    @cached_property
    def spans(self) -> list[tuple[int, int]]:
        """Where each token stands in `raw`."""
        return list(map(re.Match.span, _TOKEN.finditer(self.folded)))

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The fields in order. The break after a field belongs to none."""
        find = self.tokens.index
        title = find(BREAK)
        summary = find(BREAK, title + 1)
        text = categories = find(BREAK, summary + 1)
        for _ in range(len(self.article.categories) or 1):
            categories = find(BREAK, categories + 1)
        return (
            Part("title", 0, title),
            Part("summary", title + 1, summary),
            Part("text", summary + 1, text),
            Part("categories", text + 1, categories),
            Part("url", categories + 1, len(self.tokens)),
        )

    @cached_property
    def prose_words(self) -> frozenset[str]:
        """The words of headline, summary and slug."""
        prose = (p for p in self.parts if p.name in {"title", "summary", "url"})
        return frozenset(t for p in prose for t in self.tokens[p.start : p.end])

    def part(self, name: str) -> Part:
        """The field of that name; every document has all five."""
        return next(p for p in self.parts if p.name == name)

    def part_at(self, position: int) -> Part:
        """The field that token `position` belongs to."""
        return self.parts[bisect_left(self._part_ends, position)]

    @cached_property
    def _part_ends(self) -> list[int]:
        return [p.end for p in self.parts]

    def word_position(self, offset: int) -> int:
        """The token that starts at or after character `offset` of `words`."""
        return self.words.count(" ", 0, offset + 1) - 1

    def text_between(self, start: int, end: int) -> str:
        """The raw text of tokens `start` to `end` (excluded), as it stands."""
        return self.raw[self.spans[start][0] : self.spans[end - 1][1]]

    def evidence(self, start: int, end: int) -> Evidence:
        return Evidence(field=self.part_at(start).name, words=self.text_between(start, end))

    def is_capitalised(self, position: int) -> bool:
        char = self.raw[self.spans[position][0]]
        return char.isupper() or char.isdigit()

    def is_quoted(self, start: int, end: int) -> bool:
        """Whether quotation marks stand directly around the tokens (a comma or full stop may slip inside)."""
        opens, closes = self.spans[start][0], self.spans[end - 1][1]
        before, after = self.raw[opens - 1 : opens], self.raw[closes : closes + 3]
        return before in _OPEN_QUOTES and any(c in _CLOSE_QUOTES for c in after.rstrip(" ")[:2])

    def has_quoted(self, phrase: str) -> bool:
        """Whether an opening quotation mark stands directly before the phrase somewhere."""
        return any(f"{mark}{phrase}" in self.folded for mark in self._marks)

    @cached_property
    def _marks(self) -> list[str]:
        """The opening quotation marks there are."""
        return [mark for mark in _OPEN_QUOTES if mark in self.folded]

    def is_whole(self, start: int, end: int) -> bool:
        """Whether the tokens are all there is between two breaks: a whole category, say."""
        tokens = self.tokens
        return (not start or tokens[start - 1] == BREAK) and (end == len(tokens) or tokens[end] == BREAK)

    def gap_after(self, position: int) -> str:
        """The raw characters between a token and the next one."""
        spans = self.spans
        return self.raw[spans[position][1] : spans[position + 1][0]] if position + 1 < len(spans) else ""


def _slug_of(url: str) -> str:
    """The path of a URL, without the number publishers put at its end."""
    path = url.partition("://")[2].partition("/")[2].partition("?")[0].partition("#")[0]
    return _LAST_NUMBER.sub("", path.strip("/"))
