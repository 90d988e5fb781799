"""Films that are named by what they follow, remake or are made of: how the text says so, turned into feature names."""

from collections.abc import Iterator, Sequence

from core.tagging.sightings import Sighting, View
from core.tagging.text import Document, word_set
from core.tagging.titles import RELATION_WORDS, NameKind

_BRIDGE = word_set("to of the a an s for s")
"""Words that may stand between a name and its relation: `sequel to the X`, `X's sequel`."""


def relation_features(view: View, index: int, sightings: Sequence[Sighting]) -> Iterator[str]:
    """Say how the words of the relation stand to the name the film hangs on."""
    document = view.document
    related = [s for s in sightings if s.kind is NameKind.RELATED]
    relation = related[0].relation
    mark = f"relation={relation}"
    yield mark
    yield f"{mark}|near={max(nearness(document, s) for s in related)}"
    if any(is_joined(document, s) for s in related):
        yield "relation-joined"
        yield f"{mark}|joined"
    words = RELATION_WORDS[relation]
    for name in sorted({s.part.name for s in related}):
        yield f"{mark}|in={name}"
    for part in document.parts[:2]:
        for word in sorted(words.intersection(document.tokens[part.start : part.end])):
            yield f"relation-{part.name}:{word}"
            yield f"{mark}|{part.name}:{word}"
    yield f"{mark}|base={_base_age(view, related[0])}"
    yield f"{mark}|siblings={_has_siblings(index, related[0])}"
    others = sum(f" {' '.join(document.tokens[s.start : s.end])} " in view.films[index].people for s in related[:1])
    yield f"{mark}|people={min(view.people[index] - others, 2)}"
    yield from (f"relation|{w}" for w in view.title_words)


def _base_age(view: View, s: Sighting) -> str:
    """How old the newest film is that bears the name itself."""
    bases = [view.films[i] for i, n in s.names if n.kind is not NameKind.RELATED and i in view.films]
    newest = max(bases, key=lambda f: f.year or 0, default=None)
    return newest.age_in(view.year) if newest else "none"


def _has_siblings(index: int, s: Sighting) -> bool:
    """Whether another film hangs on the same name."""
    return any(i != index and n.kind is NameKind.RELATED for i, n in s.names)


def nearness(document: Document, s: Sighting) -> int:
    """2 if a word of the relation stands close to the name, 1 if elsewhere in the same field, 0 if not."""
    words = RELATION_WORDS.get(s.relation, frozenset())
    if not words.isdisjoint(document.tokens[max(s.part.start, s.start - 4) : min(s.part.end, s.end + 3)]):
        return 2
    return 0 if words.isdisjoint(document.tokens[s.part.start : s.part.end]) else 1


def is_joined(document: Document, s: Sighting) -> bool:
    """Whether a word of the relation is grammatically one with the name: `X sequel`, `remake of X`."""
    words = RELATION_WORDS.get(s.relation, frozenset())
    tokens = document.tokens
    after, before = s.end, s.start - 1
    while after < s.part.end and tokens[after] in _BRIDGE:
        after += 1
    while before >= s.part.start and tokens[before] in _BRIDGE:
        before -= 1
    return (after < s.part.end and tokens[after] in words) or (before >= s.part.start and tokens[before] in words)
