"""Fits the tagging model on labelled articles and on the stream's unlabelled ones; its draws are seeded."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bench.tags.logistic import Array, Rows, encode, fit, vocabulary
from bench.tags.network import Fitted, fit_network, join, pack_network
from core.tagging.features import further_features, level_features, word_features, wording_of
from core.tagging.films import FilmTagger
from core.tagging.model import sigmoid
from core.tagging.salience import describe_salience
from core.tagging.text import Document, fold
from core.tagging.topics import LEVELS, PRODUCTION, TopicTagger, other_features
from core.values import Article, Film, Topic

FLOORS = {"link_floor": 0.5, "about_floor": 0.6, PRODUCTION: 0.4, "topic": 0.4}
PENALTIES = {"link": 2.0, "about": 5.0, "level": 4.0, PRODUCTION: 3.0, "topic": 0.5}
BOOSTS = {
    "age:": 1.5,
    "old:": 0.7,
    "s:": 0.7,
    "section=": 2.0,
    "category=": 2.0,
    "section>": 2.0,
    "news>": 2.0,
    "films-": 1.5,
    "cue": 2.0,
    "block": 2.0,
    "invented": 4.0,
}
"""How much more freely than words these may weigh: a boost of 2 is a quarter of the penalty."""

CUE_PRIORS = {("cue", "title"): 2.5, ("cue", "summary"): 1.0, ("block", "title"): -1.0}
"""Where weights of a topic's own words start from: a rare topic must not wait for a hundred labels."""

OWN_WEIGHT = {PRODUCTION: 1.0, "topic": 1.0, "film": 0.4}
"""What a label of ours counts beside one of the gold. The catalogue has every film the gold names, but not all that
ours are about: of these only what was shown beside them is learned, and that speaks against films more."""

INVENTED_WEIGHT = 0.3
INVENTED_TOPICS = frozenset(("set-video", "set-photo", "stunts", "incident", "location"))
"""Invented items teach these alone: the labels hold too few of them, a dozen set videos in four months. Of topics the
labels know well they would teach how we invent, not how others write."""

INVENTED = "invented"
"""A feature of invented items alone. It takes up that they are not told as often as they were invented."""

VARIANTS = 3
NO_ADDRESS = "https://news.example/1"

NETWORKS = 2
NETWORK_ROWS = 4
NETWORK_WEIGHTS = {PRODUCTION: 1.0}
"""Networks that are averaged, labels a feature must stand in for them, and what a mistake costs (a topic's: .3)."""

NetworkTable = tuple[dict[str, int], Fitted]
"""The features in the order of the network's rows, and the network."""

SCALE = 100
PRUNE = {"level": 8, "other": 3}
"""Weights are stored in hundredths; smaller ones are dropped."""


def _sections(text: str) -> frozenset[str]:
    return frozenset(text.split(","))


FILM_SECTIONS = _sections(
    "movies,movie news,movie,movie lists,movie features,movie reviews,new movies,classic movies,movie trailers"
)
OTHER_SECTIONS = _sections(
    "gaming,games,anime,comics,streaming tv,classic tv,network tv,reality tv,dc comics,marvel comics,"
    "music features,music news,music,books,tabletop,gaming news,video games,tv,tv news,tv lists,"
    "tv features,tv reviews,tv shows"
)
NEWS_SECTIONS = _sections("movie news,tv news,music news,gaming news")
FEATURE_SECTIONS = _sections(
    "features,movie,tv,movie lists,tv lists,movie features,tv features,movie reviews,tv reviews,music features"
)
NEWS_OUTLETS = frozenset({"MovieWeb", "Collider"})
"""Outlets whose sections tell news from features."""

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Label:
    """What a reader said of an article. `shown_films` limits the films judged; None means all were."""

    article: Article
    is_production_news: bool
    topics: frozenset[str]
    about: frozenset[str]
    mentions: frozenset[str]
    ignore_topics: frozenset[str] = frozenset()
    ignore_films: frozenset[str] = frozenset()
    shown_films: frozenset[str] | None = None
    is_own: bool = False
    is_invented: bool = False

    def judges(self, film_id: str) -> bool:
        return film_id not in self.ignore_films and (self.shown_films is None or film_id in self.shown_films)


def learn(
    labels: Sequence[Label], stream: Sequence[Article], films: Sequence[Film], topics: Sequence[Topic]
) -> dict[str, Any]:
    """Fit everything. Each label is seen as it came, without its publisher's categories, and without its address too.

    `stream` must hold no article the result is judged on; its sections, not labels, are read. Invented labels, which
    have neither categories nor an address, are seen once.
    """
    model: dict[str, Any] = count_words(stream)
    seen = [label for each in labels if not each.is_invented for label in _variants(each)]
    invented = [label for label in labels if label.is_invented]
    documents = [Document(label.article) for label in seen]
    tagger = FilmTagger(films, {**model, "link": {}, "about": {}})
    model |= fit_films(seen, documents, tagger)
    tagger = FilmTagger(films, model)
    return model | {"topics": fit_topics(seen, documents, invented, stream, tagger, topics)}


def _variants(label: Label) -> tuple[Label, ...]:
    bare = without_categories(label)
    return label, bare, without_address(bare)


def without_address(label: Label) -> Label:
    """The label of an article whose address says nothing: that of an aggregator, a forum, a video."""
    return replace(label, article=replace(label.article, url=NO_ADDRESS, canonical_url=NO_ADDRESS))


def without_categories(label: Label) -> Label:
    return replace(label, article=replace(label.article, categories=()))


def count_words(articles: Iterable[Article]) -> dict[str, str]:
    """Words writers use in lower case: `everyday` mostly so, `plain` at least now and then."""
    lower: Counter[str] = Counter()
    upper: Counter[str] = Counter()
    for article in articles:
        for match in _WORD.finditer(article.summary):
            if match[0].islower():
                lower[fold(match[0])] += 1
            elif article.summary[: match.start()].rstrip(" ‘“'\"")[-1:] not in {"", ".", "!", "?"}:
                upper[fold(match[0])] += 1
    everyday = {w for w, n in lower.items() if n >= 8 and n >= upper[w]}
    plain = {w for w, n in lower.items() if n >= 3} - everyday
    return {"everyday_words": " ".join(sorted(everyday)), "plain_words": " ".join(sorted(plain))}


def fit_films(labels: Sequence[Label], documents: Sequence[Document], tagger: FilmTagger) -> dict[str, Any]:
    """Fit whether a film is named, then, among the named, whether the article is about it."""
    rows, named, weights = [], list[float](), list[float]()
    for label, document in zip(labels, documents, strict=True):
        for candidate in tagger.candidates(document).values():
            if label.judges(candidate.film_id):
                rows.append(candidate.features)
                named.append(float(candidate.film_id in label.about | label.mentions))
                weights.append(OWN_WEIGHT["film"] if label.is_own else 1.0)
    link = _fit_table(rows, named, weights, PENALTIES["link"])
    tagger.use(link=link)
    rows, about, weights = [], list[float](), list[float]()
    for label, document in zip(labels, documents, strict=True):
        weighed = tagger.named(document)
        contexts = describe_salience({i: c for i, (c, _) in weighed.items()})
        for index, (candidate, _) in weighed.items():
            if label.judges(candidate.film_id):
                rows.append((*candidate.features, *contexts[index]))
                about.append(float(candidate.film_id in label.about))
                weights.append(OWN_WEIGHT["film"] if label.is_own else 1.0)
    floors = {name: FLOORS[name] for name in ("link_floor", "about_floor")}
    return {"link": link, "about": _fit_table(rows, about, weights, PENALTIES["about"]), **floors}


def _fit_table(
    rows: Sequence[Iterable[str]], labels: Sequence[float], weights: Sequence[float], penalty: float
) -> dict[str, float]:
    columns = vocabulary(rows, min_rows=3)
    found = fit(encode(rows, columns), np.array(labels), penalty=penalty, weights=np.array(weights))
    table = {f: round(float(found[n]), 2) for f, n in columns.items() if abs(found[n]) >= 0.02}
    return {"bias": round(float(found[-1]), 2), **table}


@dataclass(frozen=True)
class _Texts:
    """Texts as rows of features, once for all judgements made on them."""

    columns: dict[str, int]
    rows: Rows

    @classmethod
    def of(cls, texts: Sequence[list[str]]) -> "_Texts":
        columns = vocabulary(texts, min_rows=4)
        return cls(columns, encode(texts, columns))


def fit_topics(
    labels: Sequence[Label],
    documents: Sequence[Document],
    invented: Sequence[Label],
    stream: Sequence[Article],
    tagger: FilmTagger,
    topics: Sequence[Topic],
) -> dict[str, Any]:
    """Fit the two levels on the stream's sections, then production news on all labels, topics on production news."""
    tables = fit_levels(stream, tagger)
    reader = TopicTagger(topics)
    rows = [_describe(document, tagger, reader, tables) for document in documents]
    tables[PRODUCTION] = _fit_judgement(PRODUCTION, labels, _Texts.of(rows))
    news = [n for n, label in enumerate(labels) if label.is_production_news]
    told, reports = [labels[n] for n in news], [rows[n] for n in news]
    made_up = [[*_describe(Document(x.article), tagger, reader, tables), INVENTED] for x in invented]
    known, more = _Texts.of(reports), _Texts.of([*reports, *made_up])
    for topic in topics:
        if topic.slug in INVENTED_TOPICS:
            tables[topic.slug] = _fit_judgement(topic.slug, [*told, *invented], more)
        else:
            tables[topic.slug] = _fit_judgement(topic.slug, told, known)
    floors = {name: FLOORS[PRODUCTION if name == PRODUCTION else "topic"] for name in tables if name not in LEVELS}
    return pack(tables, floors, _fit_network(labels, rows, [PRODUCTION, *(t.slug for t in topics)]))


def _describe(
    document: Document, tagger: FilmTagger, reader: TopicTagger, levels: dict[str, dict[str, float]]
) -> list[str]:
    films = tagger.tag_document(document)
    ages = tagger.ages_of(films, document.article.event_at.year)
    wording = wording_of(document, films)
    words = word_features(wording)
    steps = [f for name in LEVELS for f in level_features(name, _chance(words, levels[name]))]
    return [
        *words,
        *further_features(wording),
        *other_features(document, films, ages, reader.read_cues(document), words),
        *steps,
    ]


def _fit_network(labels: Sequence[Label], rows: Sequence[list[str]], names: Sequence[str]) -> NetworkTable:
    """Fit all judgements at once: only production news is asked of it later, but topics teach it what words mean.

    `labels` stand in order, each as often as it has variants.
    """
    columns = vocabulary(rows, min_rows=NETWORK_ROWS)
    numbers = [np.array([columns[f] for f in row if f in columns], dtype=np.int64) for row in rows]
    texts = [numbers[n : n + VARIANTS] for n in range(0, len(numbers), VARIANTS)]
    each = labels[::VARIANTS]
    wanted = [[x.is_production_news if n == PRODUCTION else n in x.topics for n in names] for x in each]
    weights = [[0.0 if n in x.ignore_topics else NETWORK_WEIGHTS.get(n, 0.3) for n in names] for x in each]
    tables = np.array(wanted, dtype=np.float32), np.array(weights, dtype=np.float32)
    return columns, join([fit_network(texts, *tables, len(columns), seed=seed) for seed in range(NETWORKS)])


def _fit_judgement(name: str, labels: Sequence[Label], table: "_Texts") -> dict[str, float]:
    kind = PRODUCTION if name == PRODUCTION else "topic"
    columns = table.columns
    wanted = [label.is_production_news if kind == PRODUCTION else name in label.topics for label in labels]
    weights = [0.0 if name in x.ignore_topics else _weight(x, kind) for x in labels]
    penalty = PENALTIES[kind] / np.array([_boost(f) ** 2 for f in columns])
    found = fit(
        table.rows,
        np.array(wanted, dtype=float),
        penalty=penalty,
        weights=np.array(weights),
        prior=np.array([_prior(f, name) for f in columns]),
    )
    return _table(columns, found)


def _weight(label: Label, kind: str) -> float:
    return INVENTED_WEIGHT if label.is_invented else (OWN_WEIGHT[kind] if label.is_own else 1.0) / VARIANTS


def _prior(feature: str, topic: str) -> float:
    """What the vocabulary says before any label is seen: a topic's own cues speak for it."""
    mark, _, rest = feature.partition(":")
    slug, _, field = rest.partition("@")
    return CUE_PRIORS.get((mark, field), 0.0) if slug == topic else 0.0


def _boost(feature: str) -> float:
    return next((b for start, b in BOOSTS.items() if feature.startswith(start)), 1.0)


def _table(columns: dict[str, int], weights: Array) -> dict[str, float]:
    return {"bias": float(weights[-1]), **{f: float(weights[n]) for f, n in columns.items()}}


def fit_levels(stream: Sequence[Article], tagger: FilmTagger) -> dict[str, dict[str, float]]:
    """Learn from sections, given words alone: is it on film, is it news?"""
    rows = {a.canonical_url: _read_words(a, tagger) for a in stream if a.categories}
    return {name: _fit_level(stream, rows, judge) for name, judge in (("section", _is_on_film), ("news", _is_news))}


def _fit_level(
    stream: Sequence[Article], rows: dict[str, list[str]], judge: Callable[[Article], bool | None]
) -> dict[str, float]:
    used = [(a, verdict) for a in stream if a.categories and (verdict := judge(a)) is not None]
    texts = [rows[a.canonical_url] for a, _ in used]
    columns = vocabulary(texts, min_rows=6)
    verdicts = np.array([float(v) for _, v in used])
    return _table(columns, fit(encode(texts, columns), verdicts, penalty=PENALTIES["level"], steps=40))


def _read_words(article: Article, tagger: FilmTagger) -> list[str]:
    document = Document(article)
    return word_features(wording_of(document, tagger.tag_document(document)))


def _is_on_film(article: Article) -> bool | None:
    section = article.categories[0].lower()
    return True if section in FILM_SECTIONS else False if section in OTHER_SECTIONS else None


def _is_news(article: Article) -> bool | None:
    section = article.categories[0].lower()
    if article.publisher.name not in NEWS_OUTLETS:
        return None
    return True if section in NEWS_SECTIONS else False if section in FEATURE_SECTIONS else None


def _chance(features: Iterable[str], table: dict[str, float]) -> float:
    return sigmoid(table["bias"] + sum(table.get(f, 0.0) for f in features))


def pack(tables: dict[str, dict[str, float]], floors: dict[str, float], network: NetworkTable) -> dict[str, Any]:
    """Lay the tables side by side: one sparse row of hundredths per feature, those the network knows first."""
    columns, fitted = network
    packed: dict[str, list[int]] = {feature: [] for feature in columns}
    for column, (name, table) in enumerate(tables.items()):
        smallest = PRUNE["level" if name in LEVELS else "other"]
        for feature, weight in table.items():
            hundredths = round(weight * SCALE)
            if feature != "bias" and abs(hundredths) >= smallest:
                packed.setdefault(feature, []).extend((column, hundredths))
    return {
        "columns": list(tables),
        "bias": [round(t["bias"], 3) for t in tables.values()],
        "scale": SCALE,
        "features": list(packed),
        "weights": list(packed.values()),
        "floors": floors,
        "network": pack_network(fitted, judgement=0),
    }
