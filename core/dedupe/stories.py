"""Same event? Groups articles of the last days into stories, one decision per article from what is known then."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from math import exp
from operator import itemgetter
from typing import Any, Protocol

from core.dedupe.forest import Forest
from core.dedupe.kinds import KindScale, name_kinds
from core.dedupe.pairs import (
    FEATURES,
    Kept,
    Side,
    add_rivals,
    compare,
    measure_overlap,
    pack_weights,
    unpack,
    unpack_weights,
)
from core.dedupe.profiles import read_profile, split_name
from core.dedupe.rarity import Rarity
from core.values import Article, ArticleId, Assignment, StoryId, Tagging

# Chosen by leave-one-window-out on the labelled windows (bench/stories, docs/technotes).
_LEAST_SCORE = 0.5
_BEST_SHARE = 0.6
_SAME_OUTLET_PENALTY = 0.4
_LONGEST_PAUSE = 96 * 3600

# Bounds that keep the cost of one article flat: how many of its rarest words are looked up, how many articles a word
# remembers (the latest), how many pairs are measured.
_SEARCH_WORDS = 20
_POSTING_LENGTH = 48
_CANDIDATES = 24
_PAIRS = 5
_STORY_MEMBERS = 12
_SEARCH_WEIGHT = 0.35
# 99 of 100 labelled pairs of one event exceed these.
_LEAST_EVIDENCE = 0.6
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
        self._rarity = Rarity(model["background"] if model else {})
        self._postings: dict[str, tuple[_Member, ...]] = {}
        self._stories: dict[StoryId, list[_Member]] = {}
        self._by_hour: dict[int, list[_Member]] = {}
        self._count = 0
        self._last: tuple[Article, Tagging, Kept] | None = None

    def __len__(self) -> int:
        return self._count

    def assign(self, article: Article, tagging: Tagging) -> Assignment:
        """Choose the story of an article that has not been added yet; `story_id` None opens a new one."""
        side = unpack(self._read(article, tagging), split_name_once)
        if not side.profile.is_news:
            return Assignment(story_id=None, score=0.0, reasons=(f"a {side.profile.genre} is a story of its own",))
        near = self._find_candidates(side)
        crowd = self._compare_all(side, near)
        chances = self._judge_rows(near, crowd, crowd)
        ranked = sorted(self._score_stories(side, chances, crowd), key=itemgetter(0), reverse=True)
        if not ranked:
            return Assignment(story_id=None, score=0.0, reasons=("no known story is near",))
        score, story_id, nearest = ranked[0]
        if score < _LEAST_SCORE:
            told = f"nearest known story {story_id} at {score:.0%}, below {_LEAST_SCORE:.0%}"
            return Assignment(story_id=None, score=score, reasons=(told,))
        return Assignment(story_id=story_id, score=score, reasons=tuple(_explain(side, nearest)))

    def add(self, article: Article, tagging: Tagging, story_id: StoryId) -> None:
        """Remember that the article belongs to the story."""
        kept = self._read(article, tagging)
        member = _Member(article.article_id, story_id, kept)
        self._rarity.count(kept.profile.words)
        for word in _search_words(kept) if kept.profile.is_news else ():
            self._postings[word] = (*self._postings.get(word, ())[1 - _POSTING_LENGTH :], member)
        self._stories.setdefault(story_id, []).append(member)
        self._by_hour.setdefault(kept.profile.at // 3600, []).append(member)
        self._count += 1

    def forget(self, before: datetime) -> None:
        """Drop the articles of whole hours before `before`."""
        limit = int(before.timestamp()) // 3600
        for hour in sorted(hour for hour in self._by_hour if hour < limit):
            for member in self._by_hour.pop(hour):
                self._drop(member)

    def measure(self, article: Article, tagging: Tagging) -> list[tuple[ArticleId, list[float]]]:
        """Give the features of the article with each candidate, as training sees them; judges nothing."""
        side = unpack(self._read(article, tagging), split_name_once)
        if not side.profile.is_news:
            return []
        near = self._find_candidates(side)
        crowd = self._compare_all(side, near)
        return [(m.article_id, add_rivals(row, crowd)) for m, row in zip(near, crowd, strict=True)]

    def judge(self, article: Article, tagging: Tagging) -> list[tuple[ArticleId, float]]:
        """Give each candidate's chance, 0-1, of telling the same event, or -1 where a veto forbids it."""
        side = unpack(self._read(article, tagging), split_name_once)
        near = self._find_candidates(side) if side.profile.is_news else []
        crowd = self._compare_all(side, near)
        return [(member.article_id, chance) for member, chance in self._judge_rows(near, crowd, crowd).items()]

    def _read(self, article: Article, tagging: Tagging) -> Kept:
        if self._last is None or self._last[0] is not article or self._last[1] is not tagging:
            profile = read_profile(article, tagging)
            weights = pack_weights(self._rarity.weigh(profile.words))
            name_weights = pack_weights([self._weigh_name(name) for name in profile.names])
            kept = Kept(profile, sum(weights) / 255, weights, name_weights)
            self._last = (article, tagging, kept)
        return self._last[2]

    def _weigh_name(self, name: str) -> float:
        weights = self._rarity.weigh(split_name_once(name))
        return sum(weights) / len(weights) if weights else 0.0

    def _find_candidates(self, side: Side) -> list["_Member"]:
        evidence: dict[_Member, float] = {}
        for word, weight in _rarest(side.weights.items()):
            for member in self._postings.get(word, ()):
                evidence[member] = evidence.get(member, 0.0) + weight * weight
        at = side.profile.at
        ranked = sorted(
            [item for item in evidence.items() if item[1] >= _LEAST_EVIDENCE], key=itemgetter(1), reverse=True
        )
        near = [m for m, _ in ranked[:_CANDIDATES] if abs(at - m.kept.profile.at) <= self._pause]
        told = [(measure_overlap(side, m.kept), m) for m in near]
        likely = sorted([pair for pair in told if pair[0] >= _LEAST_CONTAINED], key=itemgetter(0), reverse=True)
        return [m for _, m in likely[:_PAIRS]]

    def _compare_all(self, side: Side, members: Iterable["_Member"]) -> list[list[float]]:
        return [compare(side, unpack(m.kept, split_name_once), self._kind_scale, split_name_once) for m in members]

    def _judge_rows(
        self, members: Sequence["_Member"], rows: Sequence[Sequence[float]], crowd: Sequence[Sequence[float]]
    ) -> dict["_Member", float]:
        if not members:
            return {}
        chances = self._judge.judge([add_rivals(row, crowd) for row in rows])
        return {m: _bound(row, p) for m, row, p in zip(members, rows, chances, strict=True)}

    def _score_stories(
        self, side: Side, chances: dict["_Member", float], crowd: Sequence[Sequence[float]]
    ) -> Iterable[tuple[float, StoryId, "_Member"]]:
        for story_id in dict.fromkeys(m.story_id for m, chance in chances.items() if chance >= _LEAST_CHANCE):
            members = self._stories[story_id][-_STORY_MEMBERS:]
            rest = [m for m in members if m not in chances]
            known = {m: chances[m] for m in chances if m.story_id == story_id}
            known |= self._judge_rows(rest, self._compare_all(side, rest), crowd)
            if _VETO in known.values():
                continue
            nearest, best = max(known.items(), key=itemgetter(1))
            mean = sum(known.values()) / max(len(members), len(known))
            score = _BEST_SHARE * best + (1 - _BEST_SHARE) * mean
            told = [chance for m, chance in known.items() if m.kept.profile.outlet == side.profile.outlet]
            if told:
                score -= _SAME_OUTLET_PENALTY * (1 - max(told))
            yield max(score, 0.0), story_id, nearest

    def _drop(self, member: "_Member") -> None:
        self._count -= 1
        self._rarity.discount(member.kept.profile.words)
        for word in _search_words(member.kept):
            left = tuple(m for m in self._postings.get(word, ()) if m is not member)
            if left:
                self._postings[word] = left
            else:
                self._postings.pop(word, None)
        members = self._stories[member.story_id]
        members.remove(member)
        if not members:
            del self._stories[member.story_id]


@dataclass(frozen=True, slots=True, eq=False)
class _Member:
    """An article in its story; compared by identity."""

    article_id: ArticleId
    story_id: StoryId
    kept: Kept


_CONTAINED = FEATURES.index("contained")
_CLASH = FEATURES.index("ordinals_clash")
_SWAP = FEATURES.index("casting_swapped")
_NOT_NEWS = FEATURES.index("not_news")


def _bound(row: Sequence[float], chance: float) -> float:
    """Bound the chance of what no likeness can outweigh: another number of the series and two explainers veto the whole
    story, another cast member speaks against this pair only, since a teaser names co-stars instead.
    """
    if row[_CLASH] > 0 or row[_NOT_NEWS] > 1:
        return _VETO
    return 0.0 if row[_SWAP] > 0 else chance


class _Thumb:
    """The rule of thumb for an index without a model: most of the words of the one are told by the other."""

    def judge(self, pairs: Sequence[Sequence[float]]) -> list[float]:
        head, names = FEATURES.index("cos_head"), FEATURES.index("names_cos")
        news = FEATURES.index("not_news")
        return [
            1 / (1 + exp(6.5 - 8 * row[_CONTAINED] - 4 * row[head] - 2 * row[names] + 4 * row[news])) for row in pairs
        ]


split_name_once = lru_cache(maxsize=16384)(split_name)


def _rarest(weights: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    telling = [item for item in weights if item[1] >= _SEARCH_WEIGHT]
    return sorted(telling, key=itemgetter(1), reverse=True)[:_SEARCH_WORDS]


def _search_words(kept: Kept) -> list[str]:
    return [word for word, _ in _rarest(zip(kept.profile.words, unpack_weights(kept.weights), strict=True))]


def _explain(side: Side, nearest: _Member) -> Iterable[str]:
    other = nearest.kept.profile
    hours = abs(side.profile.at - other.at) / 3600
    yield (
        f"nearest is article {nearest.article_id}, {hours:.0f} h apart"
        if hours >= 1
        else (f"nearest is article {nearest.article_id}, {hours * 60:.0f} min apart")
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
