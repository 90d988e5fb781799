"""Titles that stand where films stand and that the catalogue does not know. Finds sightings; counts nothing.

A sighting is a quoted title beside a word of the trade (`‘Low Tide’ trailer`, `thriller ‘Low Tide’`), or a publisher's
tag that stands in the headline or summary. Titles of series, games and books, people and names of known films are none.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from core.facts.masking import NameBook, tidy
from core.sentences import split_sentences
from core.tagging.text import phrase_of
from core.tagging.titles import names_of
from core.values import Article, Film

_TITLE = r"(?<!\w)(?P<mark>['\"])(?P<title>[A-Z0-9][^'\"]*(?:'[a-z][^'\"]*)?),?(?P=mark)(?!\w)"
_MAKING = (
    r"(?:film|movie|feature|sequel|prequel|remake|reboot|spin-?off|biopic|thriller|comedy|drama|rom-com|horror|western"
    r"|musical|adaptation|threequel|docudrama|pic|romance|sci-fi)"
)
_AFTER = re.compile(
    r"(?i)^(?:'s)?,? (?:(?:the |an? |first |new |official |final |teaser |movie |film )*"
    r"(?:trailer|teaser|movie|film|sequel|prequel|remake|reboot|biopic|casts?|adds|director"
    r"|wraps (?:filming|production)|begins (?:filming|production)|release date|first look|lands director|poster)\b"
    r"|\(20\d\d\)|(?:is |was |, )?(?:directed|written and directed|helmed) by\b)"
)
_BEFORE = re.compile(
    rf"(?i)(?:\b{_MAKING}(?:,| titled| called| entitled)?|\bfilm adaptation of|\bjoins?|\bto star in|\bto direct)\s$"
)
_OTHER = re.compile(
    r"(?i)\b(?:series|season|show|episode|episodes|tv|sitcom|game|games|anime|manga|comic|comics|novel|book|play|broadway"
    r"|album|song|single|podcast|soap|limited series|docuseries|miniseries|drama series|comedy series|season \d+)\b"
)
_YEAR = re.compile(r"\b(20[2-3]\d)\b")
_PERSON_OF = re.compile(
    r"(?i)^(?:'s)?,? (?:stars?|alum|actor|actress|author|creator|showrunner|veteran|breakout|fame|icon)\b"
)
_YEAR_AFTER = re.compile(r"\s*\((?:20\d\d|film|movie|[\w -]{0,20})\)$")
_MAX_WORDS = 8
_SECTION_WORDS = (
    "movies|movie|film|films|news|features|trailers|horror|comedy|drama|action|thriller|western|fantasy|sci fi|romance"
    "|musical|animation|netflix|disney|marvel|dc|mcu|dcu|pixar|hulu|tubi|sony|universal|paramount|lionsgate|a24|neon"
    "|blumhouse|warner bros|amazon|apple tv|prime video|max|hbo max|peacock|star wars|lego|cinemacon|cannes|sxsw|imax"
    "|box office|exclusive|exclusives|streaming"
)
_SECTIONS = frozenset(_SECTION_WORDS.split("|"))
"""Publishers' tags that name a section, a genre or a house."""
_MAX_SENTENCE_CHARS = 500


@dataclass(frozen=True, slots=True)
class UnknownTitle:
    """A title no film of the catalogue has, the sentence it stands in, and the year and people named beside it."""

    title: str
    phrase: str
    sentence: str
    year: int | None
    people: tuple[str, ...]


class UnknownTitles:
    """Finds them. `films` is the catalogue; `plain_words` are no surnames of people it does not know."""

    def __init__(self, films: Iterable[Film], plain_words: Collection[str] = ()) -> None:
        catalogue = list(films)
        self._known = {name.phrase for film in catalogue for name in names_of(film)}
        self._known |= {phrase_of(film.franchise) for film in catalogue if film.franchise}
        self._names = NameBook((p for f in catalogue for p in (*f.directors, *f.cast)), plain_words)

    def find(self, article: Article) -> list[UnknownTitle]:
        """Find the unknown titles of headline and summary, each once, in reading order."""
        found: dict[str, UnknownTitle] = {}
        for one in self._find_tagged(article):
            found.setdefault(one.phrase, one)
        for sentence in (article.title, *split_sentences(article.summary)):
            if len(sentence) <= _MAX_SENTENCE_CHARS:
                for one in self._find_in(sentence):
                    found.setdefault(one.phrase, one)
        return list(found.values())

    def _find_tagged(self, article: Article) -> Iterator[UnknownTitle]:
        """Read the publisher's own tags: one that stands in the headline or summary as it is written is a name."""
        if not article.categories or _OTHER.search(article.categories[0]):
            return
        for tag in article.categories[1:]:
            title = tidy(_YEAR_AFTER.sub("", tag)).strip()
            phrase = phrase_of(title)
            if len(phrase) <= 3 or phrase in _SECTIONS or not self._is_title(title, phrase):
                continue
            sentences = (article.title, *split_sentences(article.summary))
            sentence = next((one for one in sentences if _stands_in(title, tidy(one))), "")
            if sentence:
                yield self._make(title, phrase, sentence)

    def _make(self, title: str, phrase: str, sentence: str) -> UnknownTitle:
        text = tidy(sentence)
        year = _YEAR.search(text)
        others = text.replace(title, "|")
        people = tuple(others[start:end] for start, end in self._names.find(others))
        return UnknownTitle(title, phrase, sentence, int(year[1]) if year else None, people[:5])

    def _find_in(self, sentence: str) -> Iterator[UnknownTitle]:
        text = tidy(sentence)
        for match in re.finditer(_TITLE, text):
            title = match["title"].strip(" ,")
            phrase = phrase_of(title)
            before, after = text[: match.start()], text[match.end() :]
            if self._is_title(title, phrase) and _is_of_a_film(before, after):
                yield self._make(title, phrase, sentence)

    def _is_title(self, title: str, phrase: str) -> bool:
        words = phrase.split()
        if not 0 < len(words) <= _MAX_WORDS or phrase in self._known:
            return False
        is_person = any(end - start >= len(title) for start, end in self._names.find(title))
        return not is_person and all(w[0].isupper() or w[0].isdigit() or len(w) <= 4 for w in title.split())


def _is_of_a_film(before: str, after: str) -> bool:
    near = f"{before[-40:]} {after[:40]}"
    if _OTHER.search(near) or _PERSON_OF.match(after):
        return False
    return bool(_AFTER.match(after) or _BEFORE.search(before))


def _stands_in(title: str, text: str) -> bool:
    return bool(re.search(rf"(?<!\w){re.escape(title)}(?!\w)", text))
