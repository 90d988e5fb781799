"""Same event? Groups articles of the last days into stories, one decision per article from what is known then."""

import math
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.dedupe.fingerprints import read_slug, split_words
from core.values import Article, ArticleId, Assignment, StoryId, Tagging


@dataclass(frozen=True, slots=True)
class _Known:
    article_id: ArticleId
    story_id: StoryId
    at: int
    outlet: str
    terms: tuple[str, ...]


class StoryIndex:
    """The stories of the last days. Not safe for use by two threads at once."""

    def __init__(self, *, window: timedelta, model: Mapping[str, Any] | None = None) -> None:
        self._window = int(window.total_seconds())
        self._model = model
        self._postings: dict[str, deque[_Known]] = {}
        self._by_hour: dict[int, list[_Known]] = {}
        self._frequency: Counter[str] = Counter()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def assign(self, article: Article, tagging: Tagging) -> Assignment:  # noqa: ARG002
        """Choose the story of an article that has not been added yet; `story_id` None opens a new one."""
        at, terms = int(article.event_at.timestamp()), _read_terms(article)
        shared: Counter[int] = Counter()
        known: dict[int, _Known] = {}
        for term in terms:
            for other in self._postings.get(term, ()):
                known[id(other)] = other
                shared[id(other)] += 1
        best, score = None, 0.0
        for key, count in shared.most_common(20):
            other = known[key]
            if abs(at - other.at) > self._window or count < 3:
                continue
            value = self._weigh(set(terms) & set(other.terms)) / self._weigh(set(terms) | set(other.terms))
            if value > score:
                best, score = other, value
        if best is None or score < 0.5:
            return Assignment(story_id=None, score=score)
        words = ", ".join(sorted(set(terms) & set(best.terms)))
        return Assignment(story_id=best.story_id, score=score, reasons=(f"shared words: {words}",))

    def add(self, article: Article, tagging: Tagging, story_id: StoryId) -> None:  # noqa: ARG002
        """Remember that the article belongs to the story."""
        known = _Known(
            article.article_id,
            story_id,
            int(article.event_at.timestamp()),
            article.publisher.name,
            _read_terms(article),
        )
        for term in known.terms:
            self._frequency[term] += 1
            self._postings.setdefault(term, deque(maxlen=64)).append(known)
        self._by_hour.setdefault(known.at // 3600, []).append(known)
        self._count += 1

    def forget(self, before: datetime) -> None:
        """Drop the articles of whole hours before `before`."""
        limit = int(before.timestamp()) // 3600
        for hour in [h for h in self._by_hour if h < limit]:
            for known in self._by_hour.pop(hour):
                self._count -= 1
                for term in known.terms:
                    postings = self._postings.get(term)
                    if postings and postings[0] is known:
                        postings.popleft()

    def _weigh(self, terms: set[str]) -> float:
        return sum(math.log(1 + (self._count + 1) / (1 + self._frequency[t])) for t in terms)


def _read_terms(article: Article) -> tuple[str, ...]:
    words = [*split_words(article.title), *read_slug(article.canonical_url)]
    return tuple(dict.fromkeys(w for w in words if len(w) > 2))
