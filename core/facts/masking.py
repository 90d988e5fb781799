"""A sentence with its films and people replaced by single marks, so that rules read over names of any length.

Films the article is about, films it mentions, other quoted titles and people each have their own marks. Decides
nothing of what the sentence says.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from core.facts.words import GIVEN_NAMES, NEVER_IN_A_NAME
from core.tagging.text import fold

FILM = "[\ue000-\ue00f]"
OTHER = "[\ue0f0-\ue0ff]"
PERSON = "[\uf000-\uf0ff]"
_MENTIONED, _QUOTED = "\ue0f0", "\ue0ff"
_MOST_FILMS, _MOST_PEOPLE = 16, 200

_STRAIGHT = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "\u00a0": " ", "–": "-", "—": "-"})
_BRACKETED = re.compile(r"\s*[\[(](?:exclusive|video|watch|photos?|updated?)[\])]", re.IGNORECASE)
_LABEL = re.compile(r"^(?:exclusive|breaking|report|watch|update|rumou?r)\s*:\s*", re.IGNORECASE)
_TITLE_IN_QUOTES = re.compile(r"(?<!\w)(['\"])(?=[A-Z0-9])([^'\"]{1,60}?),?\1(?!\w)")
_INSIDE_A_TITLE = re.compile(r"(?<!')\b([A-Z]\w+) of (?:the )?[\ue000-\ue00f]")
"""`Heart of the` before a film's name: another title that ends in it."""
_UPPER = "A-ZÀ-ÖØ-ÞĀĂĄĆČĎĐĒĖĘĚĞĢĪĮİŁĽŁŃŅŇŌŐŒŔŘŚŞŠŢŤŪŮŰŲŹŻŽ"
_TOKEN = rf"(?:[JS]r\.|[{_UPPER}]\.(?:[-{_UPPER}]+\.?)*|[{_UPPER}][\w'-]*)"
_PARTICLE = r"(?:de|del|della|der|den|di|da|dos|du|la|le|van|von|bin|al|ter|ten)"
_RUN = re.compile(rf"{_TOKEN}(?:\s(?:{_PARTICLE}\s){{0,2}}{_TOKEN})*")
_SUFFIXES = frozenset(["Jr.", "Sr.", "Jr", "Sr", "II", "III"])
_PARTICLES = frozenset(["de", "del", "della", "der", "den", "di", "da", "dos", "du", "la", "le", "van", "von", "bin"])
_INITIAL = re.compile(rf"[{_UPPER}]\.(?:[-{_UPPER}]+\.?)*$")


@dataclass(frozen=True, slots=True)
class Masked:
    """`text` has one mark a film or person; `people[n]` is the name behind the n-th person's mark."""

    text: str
    people: tuple[str, ...]

    def person(self, mark: str) -> str:
        return self.people[ord(mark) - ord("\uf000")]

    def unmask(self, words: str) -> str:
        """Write words of the sentence with the names people have."""
        return "".join(self.person(c) if "\uf000" <= c <= "\uf0ff" else c for c in words)


class NameBook:
    """Which capitalised words are a person's name: people of the catalogue, else a given name and a surname.

    `plain` are everyday words (folded) that are no surname of somebody unknown.
    """

    def __init__(self, people: Iterable[str], plain: Collection[str] = ()) -> None:
        self._known = {fold(name.translate(_STRAIGHT)) for name in people}
        self._plain = plain

    def is_known(self, name: str) -> bool:
        return fold(name.translate(_STRAIGHT)) in self._known

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where names stand in `text`, in order, none inside another."""
        for run in _RUN.finditer(text):
            yield from self._find_in(text, run.start(), run.end())

    def _find_in(self, text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
        words = [(start + m.start(), start + m.end()) for m in re.finditer(r"\S+", text[start:end])]
        at = 0
        while at < len(words):
            length = self._length_at(text, words[at:])
            if not length:
                at += 1
                continue
            if at + length < len(words) and text[slice(*words[at + length])].removesuffix("'s") in _SUFFIXES:
                length += 1
            yield words[at][0], _without_possessive(text, words[at + length - 1][1])
            at += length

    def _length_at(self, text: str, words: Sequence[tuple[int, int]]) -> int:
        """How many words from the first on are one name; 0 for none."""
        bare = [text[a : _without_possessive(text, b)] for a, b in words[:5]]
        ends = [_without_possessive(text, b) != b for _, b in words[:5]]
        reach = ends.index(True) + 1 if True in ends else len(bare)
        for length in range(reach, 0, -1):
            if (length > 1 or self._is_mononym(bare[0])) and self.is_known(" ".join(bare[:length])):
                return length
        return self._guess_length(bare[:reach])

    def _guess_length(self, bare: Sequence[str]) -> int:
        if len(bare) < 2 or not (fold(bare[0]) in GIVEN_NAMES or _INITIAL.match(bare[0])):
            return 0
        length = 1
        while length < len(bare) - 1 and (_INITIAL.match(bare[length]) or bare[length] in _PARTICLES):
            length += 1
        if not self._is_surname(bare[length]):
            return 0
        is_double = length + 2 == len(bare) and fold(bare[length]) in GIVEN_NAMES
        return length + 2 if is_double and self._is_surname(bare[length + 1]) else length + 1

    def _is_mononym(self, word: str) -> bool:
        return len(word) > 4 and fold(word) not in self._plain and fold(word) not in NEVER_IN_A_NAME

    def _is_surname(self, word: str) -> bool:
        plain = fold(word)
        return len(plain) > 1 and plain not in NEVER_IN_A_NAME and (plain not in self._plain or plain in GIVEN_NAMES)


def _without_possessive(text: str, end: int) -> int:
    """Where a word ends without `'s`, a lone apostrophe or what no name ends in."""
    if text[end - 2 : end] in ("'s", "'S"):
        return end - 2
    return end - 1 if text[end - 1] in "'-" else end


def mask(sentence: str, films: Sequence[Iterable[str]], mentioned: Iterable[str], names: NameBook) -> Masked:
    """Put marks for films and people into a sentence.

    Shape: `films[n]` are the ways the n-th film the article is about is written, `mentioned` those of other films.
    """
    text = tidy(sentence)
    marked = [(words, chr(0xE000 + n)) for n, ways in enumerate(films[:_MOST_FILMS]) for words in ways]
    marked += [(words, _MENTIONED) for words in mentioned]
    for words, mark in sorted(marked, key=lambda m: -len(m[0])):
        text = _pattern_of(words.translate(_STRAIGHT)).sub(mark, text)
    text = _INSIDE_A_TITLE.sub(lambda m: m[0] if fold(m[1]) in NEVER_IN_A_NAME else _QUOTED, text)
    text = _TITLE_IN_QUOTES.sub(_QUOTED, text)
    return _mask_people(text, names)


def tidy(sentence: str) -> str:
    """Straighten quotes and dashes, and drop the labels outlets put around a headline."""
    return _LABEL.sub("", _BRACKETED.sub("", sentence.translate(_STRAIGHT))).strip()


@lru_cache(maxsize=4096)
def _pattern_of(words: str) -> re.Pattern[str]:
    flags = re.IGNORECASE if " " in words else re.NOFLAG
    return re.compile(rf"(?<!\w)['\"]?(?<!\w){re.escape(words)}(?!\w)(?:,?['\"](?!\w))?", flags)


def _mask_people(text: str, names: NameBook) -> Masked:
    people: list[str] = []
    parts: list[str] = []
    reach = 0
    for start, end in names.find(text):
        if len(people) == _MOST_PEOPLE:
            break
        parts += [text[reach:start], chr(0xF000 + len(people))]
        people.append(text[start:end])
        reach = end
    return Masked("".join([*parts, text[reach:]]), tuple(people))
