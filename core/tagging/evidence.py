"""What speaks for and against a film being named, and being the subject: sightings turned into feature names."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from core.tagging.features import section_of
from core.tagging.text import BREAK, Document, Part, phrase_of, word_set
from core.tagging.titles import RELATION_WORDS, Name, NameKind
from core.values import Film, FilmStatus

FILM_WORDS = word_set(
    "movie film biopic sequel prequel trailer teaser remake reboot director star starring spinoff threequel adaptation"
)
OTHER_MEDIA_WORDS = word_set(
    "series season show episode episodes tv game games manga anime comic comics sitcom album song novel musical"
)
PERSON_WORDS = word_set(
    "star stars director directors actor actress creator writer writers producer producers filmmaker alum alums"
    " composer helmer breakout icon co"
)
LIST_WORDS = word_set("best worst ranked greatest underrated perfect masterpieces every")
_QUOTED = re.compile(r"(?:^|\s)[‘“'\"]\w[^‘“\"]*[’”'\"](?=\W|$)")
SMALL_WORDS = word_set("the a an of and in to for on")


class CatalogueFilm:
    """A film with the phrases its people, franchise and year are looked for by."""

    def __init__(self, film: Film) -> None:
        self.film = film
        self.film_id = film.film_id
        self.year = film.year
        self._people: tuple[str, ...] | None = None
        self.franchise = film.franchise and f" {phrase_of(film.franchise)} "
        self.studio = film.studio and f" {phrase_of(film.studio)} "

    @property
    def people(self) -> tuple[str, ...]:
        """Directors and cast as phrases with a space at each end; read once, when first needed."""
        if self._people is None:
            names = dict.fromkeys((*self.film.directors, *self.film.cast[:8]))
            self._people = tuple(f" {phrase_of(n)} " for n in names)
        return self._people

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


@dataclass(frozen=True, slots=True)
class Candidate:
    """A film that may be named, and the features that say whether it is.

    `sightings` come in reading order: title, summary, text, categories, slug.
    """

    film: CatalogueFilm
    sightings: tuple[Sighting, ...]
    features: tuple[str, ...]

    @property
    def film_id(self) -> str:
        return self.film.film_id


# Beside one of these an alias that needs context is the film's. What marks it as a title says nothing of whose.
_SUPPORT = frozenset({"people=1", "people=2", "franchise", "year", "near=film", "in=category"})


def is_supported(document: Document, candidate: Candidate) -> bool:
    """Whether the film is named by more than aliases that need context, or something of the film stands beside them."""
    if any(s.kind is not NameKind.ALIAS or not s.needs_context for s in candidate.sightings):
        return True
    studio = candidate.film.studio
    return not _SUPPORT.isdisjoint(candidate.features) or bool(studio and studio in document.words)


def describe(
    document: Document, films: Mapping[int, CatalogueFilm], found: Mapping[int, Sequence[Sighting]]
) -> dict[int, Candidate]:
    """Turn sightings into candidates, in the order of `films`."""
    view = _View(document, films, found)
    return {i: Candidate(f, tuple(found[i]), tuple(_link_features(view, i))) for i, f in films.items()}


def describe_salience(document: Document, candidates: Mapping[int, Candidate]) -> dict[int, tuple[str, ...]]:
    """For films that are named: the features that say whether the text is about each, seen beside the others."""
    films = {i: c.film for i, c in candidates.items()}
    view = _View(document, films, {i: c.sightings for i, c in candidates.items()})
    return {i: tuple(_about_features(view, i)) for i in candidates}


class _View:
    """The document's facts that every candidate shares."""

    def __init__(
        self, document: Document, films: Mapping[int, CatalogueFilm], found: Mapping[int, Sequence[Sighting]]
    ) -> None:
        self.document = document
        self.films = films
        self.found = found
        self.year = document.article.event_at.year
        self.people = {i: sum(p in document.words for p in f.people) for i, f in films.items()}
        self.upcoming = {i: f.is_upcoming(self.year) for i, f in films.items()}
        title = document.parts[0]
        self.title = document.tokens[title.start : title.end]
        self.is_list = bool(self.title) and (
            (self.title[0].isdigit() and len(self.title[0]) < 3) or not LIST_WORDS.isdisjoint(self.title)
        )
        self.spots = sorted({(s.start, s.end, s.part.name) for ss in found.values() for s in ss})
        self.quotes_titles = _QUOTED.search(document.article.title) is not None
        self.in_title = len({s for s in self.spots if s[2] == "title"})
        self.in_prose = len(
            {document.words and tuple(document.tokens[a:b]) for a, b, p in self.spots if p != "categories"}
        )
        self.section = section_of(document)
        names = self._film_words()
        self.title_words = tuple(f"title:{w}" for w in dict.fromkeys(self.title) if w not in names)

    def _film_words(self) -> set[str]:
        """Words of the headline that belong to a name sighted there."""
        return {w for a, b, p in self.spots if p == "title" for w in self.document.tokens[a:b]}

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


def _link_features(view: _View, index: int) -> Iterator[str]:
    sightings = view.found[index]
    best = best_of(sightings)
    name = f"{min(best.length, 4)}{best.rarity[0]}"
    yield f"name={name}"
    yield f"kind={best.kind.name.lower()}"
    if best.is_head:
        yield "series-name"
        yield f"series-name|age={_age(view.films[index], view.year)}"
    if all(s.needs_context for s in sightings):
        yield "needs-context"
    for field in _fields_of(sightings):
        yield f"in={field}"
        yield f"in={field}|name={name}"
    if any(s.is_quoted for s in sightings):
        yield "quoted"
        yield f"quoted|name={name}"
    if len(sightings) > 1:
        yield "seen-twice"
        yield f"seen-twice|name={name}"
    yield f"section={view.section}"
    yield f"section={view.section}|name={name}"
    yield from _catalogue_features(view, index, name)
    yield from _neighbour_features(view, sightings)


def _fields_of(sightings: Sequence[Sighting]) -> list[str]:
    """`title`, `summary`, `text`, `url`, `category` (a whole one) or `category-part`."""
    return sorted(
        {
            s.part.name if s.part.name != "categories" else "category" if s.is_whole else "category-part"
            for s in sightings
        }
    )


def _catalogue_features(view: _View, index: int, name: str) -> Iterator[str]:
    film = view.films[index]
    people = view.people[index]
    if people:
        yield f"people={min(people, 2)}"
        yield f"people|name={name}"
    if not film.people:
        yield "people=unknown"
    if film.franchise and film.franchise in view.document.words:
        yield "franchise"
    if film.year and str(film.year) in view.document.tokens:
        yield "year"
    yield f"age={_age(film, view.year)}"
    yield f"age={_age(film, view.year)}|name={name}"
    rivals = view.rivals(index)
    if rivals:
        yield "rivals"
        yield "upcoming-rival" if any(view.upcoming[r] for r in rivals) else "no-upcoming-rival"
        if view.upcoming[index]:
            yield "upcoming-among-rivals"
        if any(view.people[r] > people for r in rivals):
            yield "rival-has-people"
        if all(view.people[r] < people for r in rivals):
            yield "people-of-no-rival"


def _age(film: CatalogueFilm, year: int) -> str:
    if film.year is None:
        return "open"
    years = year - film.year
    return "future" if years < 0 else "now" if years == 0 else "recent" if years <= 2 else "old"


def _neighbour_features(view: _View, sightings: Sequence[Sighting]) -> Iterator[str]:
    document = view.document
    found = set()
    for s in sightings:
        if s.part.name not in {"title", "summary", "text"}:
            continue
        before = document.tokens[max(s.part.start, s.start - 3) : s.start]
        after = document.tokens[s.end : min(s.part.end, s.end + 3)]
        around = {*before, *after}
        found.add("near=film") if not FILM_WORDS.isdisjoint(around) else None
        found.add("near=other-media") if not OTHER_MEDIA_WORDS.isdisjoint(around) else None
        if view.quotes_titles and s.part.name == "title" and not s.is_quoted:
            found.add("unquoted-among-quoted")
        if not s.is_quoted and s.part.name != "title" and _is_part_of_name(document, s, view.spots):
            found.add(f"extends={s.part.name}")
    yield from sorted(found)


def _is_part_of_name(document: Document, s: Sighting, spots: Sequence[tuple[int, int, str]]) -> bool:
    """Whether a capitalised word that is no title itself stands directly before or after, as in `Michael` `Jordan`."""
    after = s.end < s.part.end and document.gap_after(s.end - 1) == " " and document.is_capitalised(s.end)
    before = s.start - 1 > s.part.start and document.gap_after(s.start - 1) == " "
    before = before and document.is_capitalised(s.start - 1)
    if after and not any(a <= s.end < b for a, b, _ in spots):
        return True
    return before and not any(a <= s.start - 1 < b for a, b, _ in spots)


def _about_features(view: _View, index: int) -> Iterator[str]:
    sightings = view.found[index]
    where = _where(sightings)
    kind = best_of(sightings).kind.name.lower()
    upcoming = "coming" if view.upcoming[index] else "out"
    category = view.category_rank(index)
    alone = "alone" if len(view.films) == 1 else "beside"
    yield f"where={where}"
    yield f"{upcoming}"
    yield f"{alone}"
    yield f"category={category}"
    yield f"where={where}|{alone}"
    yield f"where={where}|{upcoming}"
    yield f"where={where}|{kind}"
    yield f"where={where}|category={category}"
    yield f"where={where}|category={category}|{alone}|{upcoming}"
    yield f"titled={min(view.in_title, 3)}|where={where}"
    yield f"films={min(len(view.films), 4)}"
    yield f"films={min(len(view.films), 4)}|{upcoming}"
    if view.is_list:
        yield "list"
        yield f"list|where={where}"
    if upcoming == "out" and any(view.upcoming.values()):
        yield "out-beside-coming"
        yield f"out-beside-coming|where={where}"
    yield from _rank_features(view, index)
    yield from sorted(set(_place_features(view, sightings)))
    yield from view.title_words
    if alone == "alone":
        yield from (f"{w}|alone" for w in view.title_words)


def _where(sightings: Sequence[Sighting]) -> str:
    fields = {s.part.name for s in sightings}
    return "+".join(f for f in ("title", "summary", "url") if f in fields) or "-"


def _rank_features(view: _View, index: int) -> Iterator[str]:
    """How the film stands beside the other films named: in the slug, first in the headline, part of a longer name."""
    mine = _where(view.found[index])
    others = [_where(ss) for i, ss in view.found.items() if i != index]
    for field in ("title", "url"):
        theirs = any(field in w for w in others)
        whose = "both" if theirs and field in mine else "mine" if field in mine else "theirs" if theirs else "none"
        yield f"{field}={whose}"
        yield f"{field}={whose}|{'coming' if view.upcoming[index] else 'out'}"
    if min(s.start for ss in view.found.values() for s in ss) in {s.start for s in view.found[index]}:
        yield "first"
    if _has_longer(view, index):
        yield "inside-longer-name"
    relations = [s for i, ss in view.found.items() for s in ss if s.kind is NameKind.RELATED]
    if best_of(view.found[index]).kind is NameKind.RELATED:
        yield f"related-{max((_nearness(view.document, s) for s in view.found[index]), default=0)}"
    elif any(_shares_place(view, index, s) for s in relations):
        yield f"base-{max(_nearness(view.document, s) for s in relations if _shares_place(view, index, s))}"


def _nearness(document: Document, s: Sighting) -> int:
    """2 if a word of the relation stands close to the name, 1 if elsewhere in the same field, 0 if not."""
    words = RELATION_WORDS.get(s.relation, frozenset())
    if not words.isdisjoint(document.tokens[max(s.part.start, s.start - 4) : min(s.part.end, s.end + 3)]):
        return 2
    return 0 if words.isdisjoint(document.tokens[s.part.start : s.part.end]) else 1


def _shares_place(view: _View, index: int, sighting: Sighting) -> bool:
    return any(s.start == sighting.start for s in view.found[index])


def _has_longer(view: _View, index: int) -> bool:
    own = {" ".join(view.document.tokens[s.start : s.end]) for s in view.found[index]}
    others = {" ".join(view.document.tokens[a:b]) for a, b, _ in view.spots} - own
    return any(o.startswith(f"{p} ") for o in others for p in own)


def _place_features(view: _View, sightings: Sequence[Sighting]) -> Iterator[str]:
    """The words around each sighting in headline and summary, nearest first."""
    document = view.document
    for s in sightings:
        mark = s.part.name
        if mark not in {"title", "summary"}:
            continue
        before = ["^", *document.tokens[s.part.start : s.start]][-2:]
        after = [*document.tokens[s.end : s.part.end], "$"]
        if after[0] == "s":
            after = after[1:]
            yield f"{mark}-possessive"
        yield f"{mark}<{before[-1]}"
        yield f"{mark}<{' '.join(before)}"
        yield f"{mark}>{after[0]}"
        yield f"{mark}>{' '.join(after[:2])}"
        yield from (f"{mark}-person" for w in after[:3] if w in PERSON_WORDS)
        if _is_listed(document, s, view.spots):
            yield f"{mark}-listed"


def _is_listed(document: Document, s: Sighting, spots: Sequence[tuple[int, int, str]]) -> bool:
    """Whether another film stands next to it with only a comma or `and` between."""
    near = {a for a, _, _ in spots} & {s.end, s.end + 1} | {b for _, b, _ in spots} & {s.start, s.start - 1}
    return bool(near) and BREAK not in document.tokens[s.start - 1 : s.end + 1]
