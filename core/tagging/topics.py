"""Which topics an article reports, and whether it is production news: cues of the vocabulary, and a model if given."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.tagging.cues import CueFinder, Hit
from core.tagging.features import (
    age_features,
    age_of_films,
    category_features,
    film_features,
    further_features,
    level_features,
    word_features,
    wording_of,
)
from core.tagging.model import sigmoid
from core.tagging.network import Network
from core.tagging.text import Document
from core.values import Article, Evidence, Salience, Tag, TagKind, Topic

PRODUCTION = "production_news"
LEVELS = ("section", "news")
"""Two judgements learned from the publishers' sections: on film or not, news or feature. They feed the others."""

FIELD_WEIGHTS = {"title": 2.0, "summary": 0.9, "text": 0.4, "url": 0.6, "categories": 0.2}
CUE_BIAS = -1.6
BLOCKER_WEIGHT = -3.0
CUE_FLOOR = 0.5
OWN_PRODUCTION_FLOOR = 0.2
"""A topic the model was not trained on is tagged on cues alone, unless the text is this clearly no production news."""

SECTION_FLOOR = 0.02
"""Texts whose words are this surely not on film are not read further."""

WITNESSED = frozenset(("set-video", "set-photo", "stunts"))
WITNESSED_FLOOR = 0.85
"""What was seen on a set is production news by itself: few texts report it, so the model's idea of news knows few.
It needs the topic's chance at this floor, a cue of the vocabulary that no blocker outweighs, and a film it is about."""

EVIDENCE_LIMIT = 3
WITNESSES = ("title", "summary", "text", "categories", "url")
"""Where the evidence of a topic is looked for, in this order."""


@dataclass(frozen=True, slots=True)
class _Cue:
    topic: int
    words: str
    is_blocker: bool


@dataclass(frozen=True, slots=True)
class CueReading:
    """What the vocabulary says: a score 0-1 and the cues for each topic cued, and features for the model."""

    scores: Mapping[int, float]
    hits: Mapping[int, Sequence[Hit]]
    features: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TextReading:
    """What the words alone come to: the model's rows for them, a sum per judgement, the chance 0-1 of each level."""

    rows: Sequence[int]
    sums: "np.ndarray[Any, np.dtype[np.float32]]"
    levels: Mapping[str, float]


class TopicModel:
    """The trained part: one row of weights per feature, one column per judgement.

    A model may bring a network that knows the first of the features; production news is the mean of both.
    """

    def __init__(self, model: Mapping[str, Any]) -> None:
        self.columns = {name: n for n, name in enumerate(model["columns"])}
        self._rows = {feature: n for n, feature in enumerate(model["features"])}
        self._bias = np.array(model["bias"], dtype=np.float32)
        self._weights = _unpack(model["weights"], len(self._rows), len(self.columns)) / float(model["scale"])
        self.floors: Mapping[str, float] = model["floors"]
        self._network = Network(model["network"]) if "network" in model else None

    def read(self, words: Iterable[str]) -> TextReading:
        """Judge the words alone."""
        rows = self._find(words)
        sums = self._bias + self._sum(rows)
        return TextReading(rows, sums, {name: sigmoid(float(sums[self.columns[name]])) for name in LEVELS})

    def score(self, reading: TextReading, other: Iterable[str]) -> dict[str, float]:
        """Judge everything: the words, the levels they came to, and the other features."""
        levels = (f for name, chance in reading.levels.items() for f in level_features(name, chance))
        rows = self._find([*other, *levels])
        sums = reading.sums + self._sum(rows)
        if self._network is not None:
            column = self.columns[PRODUCTION]
            sums[column] = (sums[column] + self._network.judge([*reading.rows, *rows])) / 2
        sums = np.clip(sums, -30, 30)
        chances: list[float] = (1.0 / (1.0 + np.exp(-sums))).tolist()
        return dict(zip(self.columns, chances, strict=True))

    def weight(self, feature: str, name: str) -> float:
        row = self._rows.get(feature)
        return 0.0 if row is None else float(self._weights[row, self.columns[name]])

    def _find(self, features: Iterable[str]) -> list[int]:
        find = self._rows.get
        return [r for f in features if (r := find(f)) is not None]

    def _sum(self, rows: Sequence[int]) -> "np.ndarray[Any, np.dtype[np.float32]]":
        return np.asarray(self._weights[rows].sum(axis=0), dtype=np.float32)


def _unpack(packed: Sequence[Sequence[int]], height: int, width: int) -> "np.ndarray[Any, np.dtype[np.float32]]":
    """Rows are `[column, weight, column, weight ...]`."""
    weights = np.zeros((height, width), dtype=np.float32)
    for n, row in enumerate(packed):
        weights[n, list(row[::2])] = row[1::2]
    return weights


class TopicTagger:
    """Tags topics by their cues and blockers, and by a model where it knows the topic.

    A topic the model does not know (an operator's own) is tagged by its words alone.
    """

    def __init__(self, topics: Iterable[Topic], model: Mapping[str, Any] | None = None) -> None:
        self._topics = list(topics)
        self._model = TopicModel(model["topics"]) if model else None
        self._cues = [
            _Cue(n, words, is_blocker)
            for n, topic in enumerate(self._topics)
            for is_blocker, cues in ((False, topic.cues), (True, topic.blockers))
            for words in cues
        ]
        self._finder = CueFinder([c.words for c in self._cues])

    def tag(self, article: Article, films: tuple[Tag, ...] = ()) -> tuple[float, tuple[Tag, ...]]:
        """Score production news 0-1 and tag topics, best first."""
        return self.tag_document(Document(article), films, {})

    def tag_document(
        self, document: Document, films: tuple[Tag, ...], ages: Mapping[str, str]
    ) -> tuple[float, tuple[Tag, ...]]:
        """Do the same on an article read before; `ages` has a word for how old each film is."""
        if self._model is None:
            return self._tag_by_cues(document, films, self.read_cues(document))
        if all(part.start == part.end for part in document.parts):
            return 0.0, ()
        wording = wording_of(document, films)
        words = word_features(wording)
        reading = self._model.read(words)
        if reading.levels["section"] < SECTION_FLOOR:
            return 0.0, ()
        cues = self.read_cues(document)
        other = other_features(document, films, ages, cues, words)
        scores = self._model.score(reading, [*further_features(wording), *other])
        scores[PRODUCTION] = max(scores[PRODUCTION], self._witnessed(films, cues, scores))
        tags = list(self._tag_by_model(document, cues, scores))
        own = list(self._tag_own(document, cues, scores))
        promoted = [t.score for t in own if self._is_production(t)]
        return max([scores[PRODUCTION], *promoted]), _best_first([*tags, *own])

    def _tag_by_cues(
        self, document: Document, films: tuple[Tag, ...], cues: CueReading
    ) -> tuple[float, tuple[Tag, ...]]:
        tags = [self._tag_of(document, n, s, cues) for n, s in cues.scores.items() if s >= CUE_FLOOR]
        best = max((t.score for t in tags if self._is_production(t)), default=0.0)
        has_film = any(f.salience is Salience.ABOUT for f in films)
        return best if has_film else best * 0.8, _best_first(tags)

    def _tag_by_model(self, document: Document, cues: CueReading, scores: Mapping[str, float]) -> Iterator[Tag]:
        """Topics of production news; the likeliest one stands even below its floor, for news is about something."""
        assert self._model is not None
        if scores[PRODUCTION] < self._model.floors[PRODUCTION]:
            return
        known = {n: scores[t.slug] for n, t in enumerate(self._topics) if t.slug in self._model.columns}
        best = max(known, key=lambda n: known[n], default=None)
        for n, chance in known.items():
            if chance >= self._model.floors[self._topics[n].slug] or n == best:
                yield self._tag_of(document, n, chance, cues)

    def _witnessed(self, films: tuple[Tag, ...], cues: CueReading, scores: Mapping[str, float]) -> float:
        """Return the chance of the likeliest topic that somebody saw on the set of a film, 0 for none."""
        if not any(film.salience is Salience.ABOUT for film in films):
            return 0.0
        seen = (self._topics[n].slug for n, score in cues.scores.items() if score >= CUE_FLOOR)
        chances = (scores.get(slug, 0.0) for slug in seen if slug in WITNESSED)
        return max((chance for chance in chances if chance >= WITNESSED_FLOOR), default=0.0)

    def _tag_own(self, document: Document, cues: CueReading, scores: Mapping[str, float]) -> Iterator[Tag]:
        assert self._model is not None
        for n, chance in cues.scores.items():
            topic = self._topics[n]
            if topic.slug in self._model.columns or chance < CUE_FLOOR:
                continue
            if scores["section"] >= 0.5 and scores[PRODUCTION] >= OWN_PRODUCTION_FLOOR:
                yield self._tag_of(document, n, chance, cues)

    def _is_production(self, tag: Tag) -> bool:
        return any(t.is_production for t in self._topics if t.slug == tag.ref)

    def _tag_of(self, document: Document, topic: int, chance: float, cues: CueReading) -> Tag:
        slug = self._topics[topic].slug
        hits = cues.hits.get(topic, ())[:EVIDENCE_LIMIT]
        evidence = tuple(document.evidence(h.start, h.end) for h in hits) or self._find_evidence(document, slug)
        return Tag(kind=TagKind.TOPIC, ref=slug, score=round(chance, 4), evidence=evidence)

    def _find_evidence(self, document: Document, slug: str) -> tuple[Evidence, ...]:
        """The word that weighs most for a topic no cue spoke for: of the headline, or of what stands in its place."""
        part = next((p for p in map(document.part, WITNESSES) if p.start < p.end), None)
        if self._model is None or part is None:
            return ()
        weigh = self._model.weight
        best = max(
            range(part.start, part.end),
            key=lambda n: weigh(f"w:{document.tokens[n]}", slug) + weigh(f"t:{document.tokens[n]}", slug),
        )
        return (document.evidence(best, best + 1),)

    def read_cues(self, document: Document) -> CueReading:
        """Find the vocabulary's words; each topic counts a field once, however many cues stand in it."""
        sums: dict[int, float] = defaultdict(lambda: CUE_BIAS)
        hits: dict[int, list[Hit]] = defaultdict(list)
        features: dict[str, None] = {}
        for hit in self._finder.find(document):
            cue, field = self._cues[hit.cue], document.part_at(hit.start).name
            slug = self._topics[cue.topic].slug
            key = f"{'block' if cue.is_blocker else 'cue'}:{slug}@{field}"
            if key not in features:
                sums[cue.topic] += BLOCKER_WEIGHT if cue.is_blocker else FIELD_WEIGHTS[field]
            features[key] = None
            features[f"block:{slug}" if cue.is_blocker else f"cue:{slug}"] = None
            if not cue.is_blocker:
                features[f"cue={cue.words}@{field}"] = None
                hits[cue.topic].append(hit)
        return CueReading({n: sigmoid(s) for n, s in sums.items()}, hits, tuple(features))


def other_features(
    document: Document, films: Sequence[Tag], ages: Mapping[str, str], cues: CueReading, words: Sequence[str]
) -> list[str]:
    """What the model sees besides the words: films and their ages, cues, the publisher's categories."""
    age = age_of_films(films, ages)
    return [
        *film_features(films, ages),
        *cues.features,
        *age_features(age, cues.features, words),
        *category_features(document),
    ]


def _best_first(tags: Iterable[Tag]) -> tuple[Tag, ...]:
    return tuple(sorted(tags, key=lambda t: (-t.score, t.ref)))
