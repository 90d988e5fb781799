"""Same event? Groups articles of the last days into stories, one decision per article from what is known then."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from math import exp
from operator import itemgetter
from typing import Any, NamedTuple, Protocol

from core.dedupe.forest import Forest
from core.dedupe.kinds import KindScale, name_kinds
from core.dedupe.lexicon import Lexicon
from core.dedupe.members import Members
from core.dedupe.pairs import FEATURES, FULL, Kept, Side, compare, keep, unpack
from core.dedupe.postings import Postings
from core.dedupe.profiles import read_profile, split_name
from core.dedupe.rarity import Rarity
from core.values import Article, ArticleId, Assignment, StoryId, Tagging

# Chosen by leave-one-window-out on the labelled windows (bench/stories, docs/technotes).
_LEAST_SCORE = 0.5
_BEST_SHARE = 0.6
_SAME_OUTLET_PENALTY = 0.3
_LONGEST_PAUSE = 96 * 3600

# An article joins two known stories when it fits both so well and these are so much alike; lower bars cost precision
# on the labelled windows (docs/technotes).
_JOIN_SCORE = 0.95
_JOIN_LIKENESS = 0.25
_JOIN_MEMBERS = 6

# Bounds that keep the cost of one article flat: how many of its rarest words are looked up, how many pairs measured.
_SEARCH_WORDS = 20
_CANDIDATES = 24
_PAIRS = 5
_STORY_MEMBERS = 12
_SEARCH_WEIGHT = 0.35 * FULL
# 99 of 100 labelled pairs of one event exceed these.
_LEAST_EVIDENCE = 0.6 * FULL * FULL
_LEAST_CONTAINED = 0.15
_LEAST_CHANCE = 0.3
_VETO = -1.0


class Judge(Protocol):
    """Says for each row of features how probable it is that the pair reports one event."""

    def judge(self, pairs: Sequence[Sequence[float]]) -> list[float]: ...


class StoryIndex:
    """The stories of the last days. Not safe for use by two threads at once.

    `model` is what `bench/stories/train.py` wrote: trees, the background shares of words, the weights of kinds.
    Without one a coarse rule of thumb decides.
    """

    def __init__(self, *, window: timedelta, model: Mapping[str, Any] | None = None) -> None:
        self._pause = min(int(window.total_seconds()), _LONGEST_PAUSE)
        self._judge: Judge = Forest(model) if model else _Thumb()
        self._kind_scale = KindScale(model["kinds"] if model else {})
        self._words = Lexicon()
        self._rarity = Rarity(model["background"] if model else {}, self._words)
        self._members = Members(self._words)
        self._postings = Postings()
        self._last: tuple[Article, Tagging, Kept, Side] | None = None

    def __len__(self) -> int:
        return len(self._members)

    def assign(self, article: Article, tagging: Tagging) -> Assignment:
        """Choose the story of an article that has not been added yet; `story_id` None opens a new one."""
        _, side = self._read(article, tagging)
        if not side.profile.is_news:
            return Assignment(story_id=None, score=0.0, reasons=(f"a {side.profile.genre} is a story of its own",))
        ranked = sorted(self._score_stories(side, self._find_candidates(side)), key=itemgetter(0), reverse=True)
        if not ranked:
            return Assignment(story_id=None, score=0.0, reasons=("no known story is near",))
        score, story_id, nearest = ranked[0]
        if score < _LEAST_SCORE:
            told = f"nearest known story {story_id} at {score:.0%}, below {_LEAST_SCORE:.0%}"
            return Assignment(story_id=None, score=score, reasons=(told,))
        also = tuple(self._find_also(side, ranked))
        return Assignment(story_id=story_id, score=score, reasons=self._explain(side, nearest), also=also)

    def add(self, article: Article, tagging: Tagging, story_id: StoryId) -> None:
        """Remember that the article belongs to the story."""
        kept, side = self._read(article, tagging)
        place, ids = self._members.add(article.article_id, story_id, kept)
        if side.profile.is_news:
            id_of = dict(zip(side.weights, ids, strict=True))
            self._postings.add([id_of[word] for word, _ in _rarest(side.weights)], place)

    def regroup(self, story_ids: Mapping[ArticleId, StoryId]) -> None:
        """Put articles under other stories, as if they had been added there; those not remembered are left out."""
        self._members.regroup(story_ids)

    def forget(self, before: datetime) -> None:
        """Drop the articles of whole hours before `before`."""
        dropped = self._members.drop(int(before.timestamp()) // 3600)
        if dropped.places:
            self._postings.remove(dropped.words, dropped.places)

    def measure(self, article: Article, tagging: Tagging) -> list[tuple[ArticleId, list[float]]]:
        """Give the features of the article with each candidate, as training sees them; judges nothing."""
        _, side = self._read(article, tagging)
        if not side.profile.is_news:
            return []
        return [
            (self._members.article_id(place), compare(side, self._unpack(place), self._kind_scale))
            for place in self._find_candidates(side)
        ]

    def _read(self, article: Article, tagging: Tagging) -> tuple[Kept, Side]:
        if self._last is None or self._last[0] is not article or self._last[1] is not tagging:
            profile = read_profile(article, tagging)
            weights = self._rarity.weigh(profile.words, len(self))
            kept = keep(profile, weights, self._weigh_names(profile.names))
            self._last = (article, tagging, kept, unpack(kept))
        return self._last[2:]

    def _unpack(self, place: int) -> Side:
        return unpack(self._members.read(place))

    def _weigh_names(self, names: Iterable[str]) -> Iterable[float]:
        """Weigh names by the mean of their words; a name of no telling word weighs nothing."""
        split = [split_name(name) for name in names]
        weights = iter(self._rarity.weigh([word for words in split for word in words], len(self)))
        for words in split:
            yield sum(islice(weights, len(words))) / len(words) if words else 0.0

    def _find_candidates(self, side: Side) -> list[int]:
        ids = dict(zip(side.weights, self._words.find(side.weights), strict=True))
        evidence = [(ids[word], weight * weight) for word, weight in _rarest(side.weights)]
        ranked = self._postings.search(evidence, _LEAST_EVIDENCE)
        at, times = side.profile.at, self._members.time
        near = [place for place, _ in islice(ranked, _CANDIDATES) if abs(at - times(place)) <= self._pause]
        weights = dict(zip(ids.values(), side.weights.values(), strict=True))
        told = zip(near, self._members.overlaps(side.masses.all, weights, near), strict=True)
        likely = sorted([pair for pair in told if pair[1] >= _LEAST_CONTAINED], key=itemgetter(1), reverse=True)
        return [place for place, _ in likely[:_PAIRS]]

    def _judge_members(self, side: Side, places: Iterable[int]) -> dict[int, "_Judged"]:
        sides = {place: self._unpack(place) for place in places}
        if not sides:
            return {}
        rows = [compare(side, other, self._kind_scale) for other in sides.values()]
        chances = self._judge.judge(rows)
        return {
            place: _Judged(_VETO if _is_vetoed(row) else chance, other.profile.outlet)
            for (place, other), row, chance in zip(sides.items(), rows, chances, strict=True)
        }

    def _score_stories(self, side: Side, candidates: Iterable[int]) -> Iterable[tuple[float, StoryId, int]]:
        judged, story_of = self._judge_members(side, candidates), self._members.story_id
        for story_id in dict.fromkeys(story_of(p) for p, one in judged.items() if one.chance >= _LEAST_CHANCE):
            members = self._members.places_in(story_id)[-_STORY_MEMBERS:]
            known = {place: one for place, one in judged.items() if story_of(place) == story_id}
            known |= self._judge_members(side, [place for place in members if place not in judged])
            chances = {place: one.chance for place, one in known.items()}
            if min(chances.values()) == _VETO:
                continue
            nearest, best = max(chances.items(), key=itemgetter(1))
            mean = sum(chances.values()) / max(len(members), len(chances))
            score = _BEST_SHARE * best + (1 - _BEST_SHARE) * mean
            if any(known[place].outlet == side.profile.outlet for place in members):
                score -= _SAME_OUTLET_PENALTY
            yield max(score, 0.0), story_id, nearest

    def _find_also(self, side: Side, ranked: Sequence[tuple[float, StoryId, int]]) -> Iterable[Assignment]:
        """Name the stories that the article fits as surely as the first, and that may be one with it."""
        best, first_id, _ = ranked[0]
        for score, story_id, nearest in ranked[1:]:
            if min(best, score) >= _JOIN_SCORE and self._may_be_one(first_id, story_id):
                yield Assignment(story_id=story_id, score=score, reasons=self._explain(side, nearest))

    def _may_be_one(self, one: StoryId, other: StoryId) -> bool:
        """Judge the members of two stories pair by pair: none may speak against their being one."""
        mine, theirs = (self._members.places_in(story_id)[-_JOIN_MEMBERS:] for story_id in (one, other))
        judged = (self._judge_members(self._unpack(place), theirs) for place in mine)
        return min(pair.chance for row in judged for pair in row.values()) >= _JOIN_LIKENESS

    def _explain(self, side: Side, nearest: int) -> tuple[str, ...]:
        return tuple(_explain(side, self._members.article_id(nearest), self._members.read(nearest)))


class _Judged(NamedTuple):
    """A member's chance to tell the same event, and its outlet."""

    chance: float
    outlet: str


_CONTAINED = FEATURES.index("contained")
_CLASH = FEATURES.index("ordinals_clash")
_SWAP = FEATURES.index("casting_swapped")
_NOT_NEWS = FEATURES.index("not_news")


def _is_vetoed(row: Sequence[float]) -> bool:
    """Veto what no likeness can outweigh: another number of the series, another cast member, two explainers."""
    return row[_CLASH] > 0 or row[_SWAP] > 0 or row[_NOT_NEWS] > 1


class _Thumb:
    """The rule of thumb for an index without a model: most of the words of the one are told by the other."""

    def judge(self, pairs: Sequence[Sequence[float]]) -> list[float]:
        head, names = FEATURES.index("cos_head"), FEATURES.index("names_cos")
        news = FEATURES.index("not_news")
        return [
            1 / (1 + exp(6.5 - 8 * row[_CONTAINED] - 4 * row[head] - 2 * row[names] + 4 * row[news])) for row in pairs
        ]


def _rarest(weights: Mapping[str, int]) -> list[tuple[str, int]]:
    telling = [item for item in weights.items() if item[1] >= _SEARCH_WEIGHT]
    return sorted(telling, key=itemgetter(1), reverse=True)[:_SEARCH_WORDS]


def _explain(side: Side, article_id: ArticleId, nearest: Kept) -> Iterable[str]:
    other = nearest.profile
    hours = abs(side.profile.at - other.at) / 3600
    yield (
        f"nearest is article {article_id}, {hours:.0f} h apart"
        if hours >= 1
        else (f"nearest is article {article_id}, {hours * 60:.0f} min apart")
    )
    films = [film for film in side.profile.film_ids if film in other.film_ids]
    if films:
        yield f"same film: {', '.join(films)}"
    names = [name for name in side.names if name in other.names]
    if names:
        yield f"both name: {', '.join(names[:4])}"
    kinds = name_kinds(side.profile.kinds & other.kinds)
    if kinds:
        yield f"both report: {', '.join(kinds[:3])}"
    shared = sorted(((side.weights[w], w) for w in other.words if w in side.weights), reverse=True)
    yield f"shared words: {', '.join(word for _, word in shared[:6])}"
