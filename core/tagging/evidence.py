"""What speaks for and against a film being named: sightings turned into feature names."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from core.tagging.relations import relation_features
from core.tagging.sightings import CatalogueFilm, Reading, Sighting, View, best_of
from core.tagging.text import Document, word_set
from core.tagging.titles import NameKind

FILM_WORDS = word_set(
    "movie film biopic sequel prequel trailer teaser remake reboot director star starring spinoff threequel adaptation"
)
OTHER_MEDIA_WORDS = word_set(
    "series season show episode episodes tv game games manga anime comic comics sitcom album song novel musical"
)
SMALL_WORDS = word_set("the a an of and in to for on")
CONNECTORS = word_set("the of and at in to for on from with by")
"""Words that join the two ends of a title."""

REPEATED_WORDS = 4
"""From so many words in common on, a summary's beginning is the headline once more."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A film that may be named, and the features that say whether it is.

    `sightings` come in reading order: title, summary, text, categories, slug. `people` of the film stand in the text.
    """

    film: CatalogueFilm
    sightings: tuple[Sighting, ...]
    features: tuple[str, ...]
    people: int
    reading: Reading

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
    reading = Reading(document)
    people = {i: f.people_in(document.words) for i, f in films.items()}
    view = View(reading, films, found, people)
    return {
        i: Candidate(f, tuple(found[i]), tuple(_link_features(view, i)), people[i], reading) for i, f in films.items()
    }


def _link_features(view: View, index: int) -> Iterator[str]:
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
    yield f"section={view.reading.section}"
    yield f"section={view.reading.section}|name={name}"
    yield from _catalogue_features(view, index, name)
    if best.kind is NameKind.RELATED:
        yield from relation_features(view, index, sightings)
    else:
        yield from _year_features(view, index, name)
        yield from _rival_features(view, index)
    yield from _neighbour_features(view, sightings)


def _fields_of(sightings: Sequence[Sighting]) -> list[str]:
    """`title`, `summary`, `text`, `url`, `category` (a whole one) or `category-part`."""
    return sorted(
        {
            s.part.name if s.part.name != "categories" else "category" if s.is_whole else "category-part"
            for s in sightings
        }
    )


def _catalogue_features(view: View, index: int, name: str) -> Iterator[str]:
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


def _year_features(view: View, index: int, name: str) -> Iterator[str]:
    """Whether a year or an age that the text gives is the film's."""
    said = view.year_said(index)
    if said:
        yield f"year-said={said}"
        yield f"year-said={said}|name={name}"
        yield f"year-said={said}|age={_age(view.films[index], view.year)}"


def _rival_features(view: View, index: int) -> Iterator[str]:
    """What tells the film from others of the same name."""
    rivals = view.rivals(index)
    if not rivals:
        return
    people = view.people[index]
    yield "rivals"
    yield "upcoming-rival" if any(view.upcoming[r] for r in rivals) else "no-upcoming-rival"
    if view.upcoming[index]:
        yield "upcoming-among-rivals"
    if any(view.people[r] > people for r in rivals):
        yield "rival-has-people"
    if all(view.people[r] < people for r in rivals):
        yield "people-of-no-rival"
    if view.films[index].year and all(view.films[r].year is None for r in rivals):
        yield "dated-among-rivals"
    said, theirs = view.year_said(index), {view.year_said(r) for r in rivals}
    if said:
        yield f"rivals|year-said={said}"
    if "match" in theirs | {said}:
        yield "year-said-of-both" if said in theirs else "year-said" if said == "match" else "year-said-of-rival"


def _age(film: CatalogueFilm, year: int) -> str:
    if film.year is None:
        return "open"
    years = year - film.year
    return "future" if years < 0 else "now" if years == 0 else "recent" if years <= 2 else "old"


def _neighbour_features(view: View, sightings: Sequence[Sighting]) -> Iterator[str]:
    document = view.document
    found = set()
    headline_end = _end_of_repeated_headline(document)
    for s in sightings:
        if s.part.name not in {"title", "summary", "text"}:
            continue
        before = document.tokens[max(s.part.start, s.start - 3) : s.start]
        after = document.tokens[s.end : min(s.part.end, s.end + 3)]
        around = {*before, *after}
        found.add("near=film") if not FILM_WORDS.isdisjoint(around) else None
        found.add("near=other-media") if not OTHER_MEDIA_WORDS.isdisjoint(around) else None
        if view.reading.quotes_titles and s.part.name == "title" and not s.is_quoted:
            found.add("unquoted-among-quoted")
        if (
            not s.is_quoted
            and s.part.name != "title"
            and s.end >= headline_end
            and _is_part_of_name(document, s, view.spots)
        ):
            found.add(f"extends={s.part.name}")
        if not s.is_quoted and before and before[-1] in CONNECTORS:
            found.add(f"connected={before[-1]}")
            found.add(f"connected={s.part.name}")
            if s.part.name != "title" and _continues_name(document, s, view.spots):
                found.add("continues")
    yield from sorted(found)


def _end_of_repeated_headline(document: Document) -> int:
    """Where a summary that begins with the headline's words, capitals and all, goes on in its own; 0 if it does not."""
    title, summary = document.part("title"), document.part("summary")
    pairs = zip(document.tokens[title.start : title.end], document.tokens[summary.start : summary.end], strict=False)
    count = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return summary.start + count if count >= REPEATED_WORDS else 0


def _continues_name(document: Document, s: Sighting, spots: Sequence[tuple[int, int, str]]) -> bool:
    """Whether a capitalised word stands before the connecting words before it, as in `Enemy` `at` `the Gates`."""
    at = s.start - 1
    while at > s.part.start and document.tokens[at] in CONNECTORS and document.gap_after(at) == " ":
        at -= 1
    is_name = at > s.part.start and document.is_capitalised(at) and document.gap_after(at) == " "
    return is_name and not any(a <= at < b for a, b, _ in spots)


def _is_part_of_name(document: Document, s: Sighting, spots: Sequence[tuple[int, int, str]]) -> bool:
    """Whether a capitalised word that is no title itself stands directly before or after, as in `Michael` `Jordan`."""
    after = s.end < s.part.end and document.gap_after(s.end - 1) == " " and document.is_capitalised(s.end)
    before = s.start - 1 > s.part.start and document.gap_after(s.start - 1) == " "
    before = before and document.is_capitalised(s.start - 1)
    if after and not any(a <= s.end < b for a, b, _ in spots):
        return True
    return before and not any(a <= s.start - 1 < b for a, b, _ in spots)
