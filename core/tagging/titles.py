"""Every way a film's title is written: one title in, the word sequences that name the film out."""

import re
from collections.abc import Iterator
from datetime import date
from enum import IntEnum
from typing import NamedTuple

from core.tagging.text import phrase_of, word_set
from core.values import Alias, AliasType, Film, FilmStatus

_WORDS = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
)
_ROMANS = ("0", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii", "xiii", "xiv", "xv")
_ORDINALS = {w: n for names in (_WORDS, _ROMANS) for n, w in enumerate(names) if n} | {
    str(n): n for n in range(1, len(_WORDS))
}
_PART = frozenset({"part", "chapter", "volume", "vol", "episode"})
_ARTICLES = frozenset({"the", "a", "an"})
_UNTITLED = re.compile(r"^untitled\s+(.*)$", re.IGNORECASE)
_GENRE = r"(?:(?:live.action|animated|action|making-of|rescue|sci-fi|horror|crime|war|wwii|romantic|musical|short)\s)*"
_RELATED = re.compile(
    r"^(?P<untitled>untitled )?(?P<base>.+?) (?:live.action )?"
    r"(?:(?P<sequel>sequel|threequel|spin-?off)|(?P<prequel>prequel)|(?P<remake>remake|reboot)"
    rf"|{_GENRE}(?P<film>film|movie|biopic|project|thriller|comedy|drama|romance|western|musical|documentary))$",
    re.IGNORECASE,
)
_KINDS = word_set(
    "sequel threequel spinoff spin-off prequel remake reboot film movie biopic project thriller comedy drama romance"
    " western musical documentary"
)
"""The last words of titles that describe: the others need not be matched."""
_PROJECT = re.compile(r"\s+(?:project|film|movie)$", re.IGNORECASE)
_POSSESSIVE_LEAD = re.compile(r"^(?:\w+\s){0,3}\w+['’]s?\s+(?=\S)")
_APOSTROPHE = re.compile(r"['’]")
_HYPHEN = re.compile(r"(?<=\w)[-‐‑](?=\w)")
_SUBTITLE = re.compile(r"\s*(?::|\s[-–—]\s|\s[–—])\s*")
_AND = re.compile(r"\sand\s")
# Nearly every title is words with blanks between them; of those the rest need not be asked.
_PLAIN_TITLE = re.compile(r"[A-Za-z0-9 ]+")
_WEAK_TYPES = frozenset({AliasType.ABBREVIATION, AliasType.CODE_NAME})


class NameKind(IntEnum):
    """How sure a name is to mean the film; lower is surer."""

    TITLE = 0
    ALIAS = 1
    DERIVED = 2
    RELATED = 3


_FILM_RELATION = "film films movie movies biopic feature pic next new thriller set casting"
RELATION_WORDS: dict[str, frozenset[str]] = {
    "sequel": word_set(
        "sequel sequels follow followup part parts chapter second third fourth fifth next future another trilogy two"
        " threequel spinoff spin franchise return returns returning installment continue continues 2 3 4 5"
    ),
    "prequel": word_set("prequel prequels origin origins young"),
    "remake": word_set(
        "remake remakes remaking remade reboot reboots rebooting rebooted reimagining reimagined reimagine adaptation"
        " new resurrection resurrected revival revived relaunch redo retelling version update modern"
    ),
    "film": word_set(_FILM_RELATION),
    "person": word_set(_FILM_RELATION),
}
"""Words one of which must stand in the text for a film to be meant by the title it follows or remakes, by what it is
made of, or by its people."""


class Name(NamedTuple):
    """A word sequence (`phrase_of` form) that may name a film; from `since` to `until` (both included) by itself."""

    phrase: str
    kind: NameKind
    needs_context: bool = False
    relation: str = ""
    since: date | None = None
    until: date | None = None

    def needs_context_on(self, day: date) -> bool:
        """Whether something else of the film must stand beside the name in a text of that day."""
        is_early = self.since is not None and day < self.since
        is_late = self.until is not None and day > self.until
        return self.needs_context or is_early or is_late


def names_of(film: Film) -> list[Name]:
    """Every name of a film, surest first, no phrase twice."""
    found: dict[str, Name] = {}
    for name in _all_names(film):
        if name.phrase and name.phrase not in found:
            found[name.phrase] = name
    return list(found.values())


def _all_names(film: Film) -> Iterator[Name]:
    title = film.title
    phrases = spell(title)
    for phrase in phrases:
        yield Name(phrase, NameKind.TITLE)
    for alias in film.aliases:
        yield from _alias_names(alias)
    described = _described(title)
    if described and described[1] != "film":
        for phrase in spell(_UNTITLED.sub(r"\1", title)):
            yield Name(phrase, NameKind.ALIAS)
    for text in _derive(title):
        for phrase in spell(text):
            yield Name(phrase, NameKind.DERIVED, needs_context=True)
    if film.status is not FilmStatus.RELEASED:
        yield from _related_names(film, phrases[0], described)


def _alias_names(alias: Alias) -> Iterator[Name]:
    weak = alias.needs_context or alias.type in _WEAK_TYPES
    for phrase in spell(alias.title):
        yield Name(phrase, NameKind.ALIAS, needs_context=weak, since=alias.since, until=alias.until)


def _related_names(film: Film, title_phrase: str, described: tuple[str, str] | None) -> Iterator[Name]:
    """The title an untitled or numbered coming film hangs on, and the people an untitled one is known by."""
    if described:
        yield from _names_by_relation(film, *described)
    for alias in film.aliases:
        if by_alias := _described(alias.title):
            yield from _names_by_relation(film, *by_alias)
    if described and described[1] == "film":
        for person in (*film.directors, *film.cast[:2]):
            yield _related(phrase_of(person), "person")
    words = title_phrase.split()
    if len(words) > 1 and _ORDINALS.get(words[-1], 0) > 1:
        at = len(words) - 1
        head = words[: at - (words[at - 1] in _PART)]
        if head:
            yield _related(" ".join(head), "sequel")


def _described(title: str) -> tuple[str, str] | None:
    """What a title like `Untitled X sequel` hangs on, and how; None for a title that is a name."""
    if title.rpartition(" ")[2].lower() not in _KINDS:
        return None
    match = _RELATED.match(title)
    if match is None or not (match["untitled"] or match["film"] is None):
        return None
    return match["base"], next(k for k in ("sequel", "prequel", "remake", "film") if match[k])


def _names_by_relation(film: Film, base: str, relation: str) -> Iterator[Name]:
    people = {*film.directors, *film.cast}
    for phrase in spell(base):
        yield _related(phrase, "person" if base in people else relation)


def _related(phrase: str, relation: str) -> Name:
    return Name(phrase, NameKind.RELATED, needs_context=True, relation=relation)


def spell(title: str) -> list[str]:
    """The spellings of one title: numbers, apostrophes, hyphens and `and`, `phrase_of` form, the plain one first."""
    if _PLAIN_TITLE.fullmatch(title):
        return _renumber(" ".join(title.lower().split()))
    texts = [title]
    if _APOSTROPHE.search(title):
        texts.append(_APOSTROPHE.sub("", title))
    if _HYPHEN.search(title):
        texts.append(_HYPHEN.sub("", texts[-1]))
    phrases = [phrase_of(t) for t in texts]
    phrases += [_AND.sub(" ", p) for p in phrases if " and " in p and "&" in title]
    return list(dict.fromkeys(v for p in phrases for v in _renumber(p)))


def _renumber(phrase: str) -> list[str]:
    """`part ii` as `part 2`, `part two`, `2`, `ii`; phrases without an ordinal come back alone."""
    words = phrase.split()
    if _ORDINALS.keys().isdisjoint(words):
        return [phrase]
    at = _ordinal_at(words)
    if at is None:
        return [phrase]
    number = _ORDINALS[words[at]]
    has_part = words[at - 1] in _PART
    head, tail = words[: at - has_part], words[at + 1 :]
    forms = [[str(number)], [_ROMANS[number]]] if number > 1 and head else []
    if has_part:
        parts = {words[at - 1], "volume", "vol"} if words[at - 1] in {"volume", "vol"} else {words[at - 1]}
        forms += [[p, n] for p in sorted(parts) for n in (str(number), _ROMANS[number], _WORDS[number])]
    return [phrase, *(" ".join(head + form + tail) for form in forms)]


def _is_number(text: str) -> bool:
    return all(w in _ORDINALS or w in _PART for w in phrase_of(text).split())


def _ordinal_at(words: list[str]) -> int | None:
    for at in range(len(words) - 1, 0, -1):
        if words[at] in _ORDINALS and (at == len(words) - 1 or words[at - 1] in _PART):
            return at
    return None


def _derive(title: str) -> Iterator[str]:
    """Shorter forms that writers use once the film is clear."""
    untitled = _UNTITLED.match(title)
    if untitled:
        yield untitled[1]
        yield _PROJECT.sub(" film", untitled[1])
        yield _PROJECT.sub(" movie", untitled[1])
        return
    if not _PLAIN_TITLE.fullmatch(title):
        yield from _parts_of(title)
    first, *others = title.split()
    if first.lower() in _ARTICLES and len(others) > 1:
        yield " ".join(others)


def _parts_of(title: str) -> Iterator[str]:
    """A title before its subtitle if that is numbered, its subtitles, and what follows `Somebody's`."""
    head, *rest = _SUBTITLE.split(title)
    if rest and any(w in _ORDINALS for w in phrase_of(head).split()[1:]):
        yield head
    for part in (*rest, _POSSESSIVE_LEAD.sub("", title)):
        if part != title and len(part.split()) > 1 and not _is_number(part):
            yield part
