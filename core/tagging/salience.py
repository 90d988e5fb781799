"""Whether a text is about a film it names: the film's place in it, beside the others, turned into feature names."""

from collections.abc import Iterator, Mapping, Sequence

from core.tagging.evidence import Candidate
from core.tagging.relations import nearness
from core.tagging.sightings import Sighting, View, best_of
from core.tagging.text import BREAK, Document, word_set
from core.tagging.titles import NameKind

PERSON_WORDS = word_set(
    "star stars director directors actor actress creator writer writers producer producers filmmaker alum alums"
    " composer helmer breakout icon co"
)

SUBORDINATORS = word_set(
    "before after ahead amid since than like as following despite while until from with thanks to meets during without"
    " instead unlike beyond between inside behind if when because why how but and or for on in by at of"
)
"""Words that put what follows them into the background, or into the light."""

CLAUSE_WORDS = 8
_CLAUSE_END = frozenset(",.;:?!—–")

AGE_GROUPS = {"open": "coming", "future": "coming", "now": "now", "last": "recent", "recent": "recent", "old": "old"}


def describe_salience(candidates: Mapping[int, Candidate]) -> dict[int, tuple[str, ...]]:
    """For films one text names: the features that say whether it is about each, seen beside the others."""
    if not candidates:
        return {}
    view = View(
        next(iter(candidates.values())).reading,
        {i: c.film for i, c in candidates.items()},
        {i: c.sightings for i, c in candidates.items()},
        {i: c.people for i, c in candidates.items()},
    )
    return {i: tuple(_about_features(view, i)) for i in candidates}


def _about_features(view: View, index: int) -> Iterator[str]:
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
    yield f"titled={min(len({s for s in view.spots if s[2] == 'title'}), 3)}|where={where}"
    yield f"films={min(len(view.films), 4)}"
    yield f"films={min(len(view.films), 4)}|{upcoming}"
    said = view.year_said(index)
    if said:
        yield f"year-said={said}|{alone}"
    if view.reading.is_list:
        yield "list"
        yield f"list|where={where}"
    if upcoming == "out" and any(view.upcoming.values()):
        yield "out-beside-coming"
        yield f"out-beside-coming|where={where}"
    yield from _rank_features(view, index)
    yield from sorted(set(_place_features(view, sightings)))
    yield from view.title_words
    age = AGE_GROUPS[view.films[index].age_in(view.year)]
    yield from [f"{w}|{age}" for w in view.title_words]
    if alone == "alone":
        yield from [f"{w}|alone" for w in view.title_words]


def _where(sightings: Sequence[Sighting]) -> str:
    fields = {s.part.name for s in sightings}
    return "+".join(f for f in ("title", "summary", "url") if f in fields) or "-"


def _rank_features(view: View, index: int) -> Iterator[str]:
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
        yield f"related-{max((nearness(view.document, s) for s in view.found[index]), default=0)}"
    elif any(_shares_place(view, index, s) for s in relations):
        yield f"base-{max(nearness(view.document, s) for s in relations if _shares_place(view, index, s))}"


def _shares_place(view: View, index: int, sighting: Sighting) -> bool:
    return any(s.start == sighting.start for s in view.found[index])


def _has_longer(view: View, index: int) -> bool:
    own = {" ".join(view.document.tokens[s.start : s.end]) for s in view.found[index]}
    others = {" ".join(view.document.tokens[a:b]) for a, b, _ in view.spots} - own
    return any(o.startswith(f"{p} ") for o in others for p in own)


def _place_features(view: View, sightings: Sequence[Sighting]) -> Iterator[str]:
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
        yield from _clause_features(document, s)
        yield from (f"{mark}-person" for w in after[:3] if w in PERSON_WORDS)
        if _is_listed(document, s, view.spots):
            yield f"{mark}-listed"


def _clause_features(document: Document, s: Sighting) -> Iterator[str]:
    """The word that subordinates the name, looked for to its left as far as the clause goes: `ahead of the new X`."""
    for at in range(s.start - 1, max(s.part.start, s.start - CLAUSE_WORDS) - 1, -1):
        if not _CLAUSE_END.isdisjoint(document.gap_after(at)):
            return
        word = document.tokens[at]
        if word in SUBORDINATORS:
            yield f"{s.part.name}-under={word}"
            yield f"{s.part.name}-under={word}|{'near' if s.start - at < 3 else 'far'}"
            return


def _is_listed(document: Document, s: Sighting, spots: Sequence[tuple[int, int, str]]) -> bool:
    """Whether another film stands next to it with only a comma or `and` between."""
    near = {a for a, _, _ in spots} & {s.end, s.end + 1} | {b for _, b, _ in spots} & {s.start, s.start - 1}
    return bool(near) and BREAK not in document.tokens[s.start - 1 : s.end + 1]
