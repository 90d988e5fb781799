"""Films as a text names them: a film with what it is looked for by, a name where it stands, what all films share."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import NamedTuple

from core.tagging.features import section_of
from core.tagging.text import Document, Part, phrase_of, word_set
from core.tagging.titles import Name, NameKind
from core.values import Film, FilmStatus

LIST_WORDS = word_set("best worst ranked greatest underrated perfect masterpieces every")
_QUOTED = re.compile(r"(?:^|\s)[‘“'\"]\w[^‘“\"]*[’”'\"](?=\W|$)")

AGES = ("now", "last", "recent", "recent")
"""How old a film is by the years since its own; older ones are `old`."""


class CatalogueFilm:
    """A film with the phrases its people, franchise and year are looked for by."""

    def __init__(self, film: Film) -> None:
        self.film = film
        self.film_id = film.film_id
        self.year = film.year
        self._people: tuple[str, ...] | None = None
        self.franchise = film.franchise and f" {phrase_of(film.franchise)} "
        self.studio = film.studio and f" {phrase_of(film.studio)} "

    def people_in(self, words: str) -> int:
        """Count the film's people among `words` (`Document.words`)."""
        return sum([p in words for p in self.people])

    @property
    def people(self) -> tuple[str, ...]:
        """Directors and cast as phrases with a space at each end; read once, when first needed."""
        if self._people is None:
            names = dict.fromkeys((*self.film.directors, *self.film.cast[:8]))
            self._people = tuple(f" {phrase_of(n)} " for n in names)
        return self._people

    def age_in(self, year: int) -> str:
        """A word for how old the film was in `year`: `open` when its year is not known."""
        if self.year is None:
            return "open"
        years = year - self.year
        return "future" if years < 0 else AGES[years] if years < len(AGES) else "old"

    def is_upcoming(self, year: int) -> bool:
        """Whether the film was still to come, or current, in `year`."""
        if self.year is None:
            return self.film.status is not FilmStatus.RELEASED
        return self.year >= year


class Sighting(NamedTuple):
    """A phrase of the gazetteer where it stands: tokens `start` to `end` (excluded) of one part.

    `names` are the films it may mean; `kind`, `needs_context` and `relation` are those of the film asked about.
    """

    start: int
    end: int
    part: Part
    is_quoted: bool
    rarity: str
    is_head: bool
    is_whole: bool
    names: tuple[tuple[int, Name], ...]
    kind: NameKind = NameKind.TITLE
    needs_context: bool = False
    relation: str = ""

    def named(self, name: Name, day: date) -> "Sighting":
        """The sighting as one of this name, in a text of that day."""
        return Sighting(*self[:8], name.kind, name.needs_context_on(day), name.relation)

    @property
    def length(self) -> int:
        return self.end - self.start


_AGO = re.compile(r"\b(\d{1,3})[- ]years?[- ](?:later|ago|old)\b")
_YEARS = frozenset(map(str, range(1900, 2100)))


def years_said(document: Document) -> tuple[frozenset[int], frozenset[int]]:
    """The years headline and summary give: in so many words (`2021's`), and by an age (`30 years later`)."""
    end = document.parts[1].end
    said = frozenset(map(int, _YEARS.intersection(document.tokens[:end])))
    if "year" not in document.folded:
        return said, frozenset()
    text = document.folded[: document.spans[end][0]]
    return said, frozenset(document.article.event_at.year - int(m[1]) for m in _AGO.finditer(text))


class Reading:
    """What is true of a document whatever film is asked about; read when first needed."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.year = document.article.event_at.year
        title = document.parts[0]
        self.title = document.tokens[title.start : title.end]

    @cached_property
    def is_list(self) -> bool:
        title = self.title
        return bool(title) and ((title[0].isdigit() and len(title[0]) < 3) or not LIST_WORDS.isdisjoint(title))

    @cached_property
    def quotes_titles(self) -> bool:
        return _QUOTED.search(self.document.article.title) is not None

    @cached_property
    def section(self) -> str:
        return section_of(self.document)

    @cached_property
    def years(self) -> tuple[frozenset[int], frozenset[int]]:
        """The years headline and summary give: in so many words, and those around an age."""
        years, by_age = years_said(self.document)
        return years, frozenset(y + n for y in by_age for n in (-1, 0, 1))


class View:
    """The films that may be named in a document, side by side. `people` counts those of each film that it names."""

    def __init__(
        self,
        reading: Reading,
        films: Mapping[int, CatalogueFilm],
        found: Mapping[int, Sequence[Sighting]],
        people: Mapping[int, int],
    ) -> None:
        self.reading = reading
        self.document = reading.document
        self.films = films
        self.found = found
        self.people = people
        self.year = reading.year
        self.upcoming = {i: f.is_upcoming(reading.year) for i, f in films.items()}
        self.spots = sorted({(s.start, s.end, s.part.name) for ss in found.values() for s in ss})

    @cached_property
    def title_words(self) -> tuple[str, ...]:
        """The words of the headline that belong to no name sighted there, as features."""
        tokens = self.document.tokens
        names = {w for a, b, p in self.spots if p == "title" for w in tokens[a:b]}
        return tuple(f"title:{w}" for w in dict.fromkeys(self.reading.title) if w not in names)

    def year_said(self, index: int) -> str:
        """Whether the text gives a year or an age that is the film's (`match`), or an old film's only (`other`)."""
        film_year = self.films[index].year
        years, by_age = self.reading.years
        if not (years or by_age):
            return ""
        if film_year in years or film_year in by_age:
            return "match"
        return "other" if any(y < self.year - 1 for y in (*years, *by_age)) else ""

    def category_rank(self, index: int) -> str:
        """Whether a whole category names the film, before or after those that name the others."""
        starts = {
            i: [s.start for s in ss if s.part.name == "categories" and s.is_whole] for i, ss in self.found.items()
        }
        if not starts[index]:
            return "theirs" if any(starts.values()) else "none"
        return "first" if min(starts[index]) == min(n for ns in starts.values() for n in ns) else "later"

    def rivals(self, index: int) -> set[int]:
        """The films that share this one's surest name."""
        best = best_of(self.found[index])
        return {i for i, n in best.names if n.kind is not NameKind.RELATED and i in self.films} - {index}


def best_of(sightings: Sequence[Sighting]) -> Sighting:
    """The surest, longest name a film is sighted by."""
    return max(sightings, key=lambda s: (-s.kind, s.length))
