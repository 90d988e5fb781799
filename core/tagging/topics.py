"""Which topics an article reports, and whether it is production news: cues of the vocabulary, and a model if given."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from core.tagging.cues import CueFinder, Hit
from core.tagging.model import sigmoid
from core.tagging.text import Document
from core.values import Article, Salience, Tag, TagKind, Topic

FIELD_WEIGHTS = {"title": 2.0, "summary": 0.9, "text": 0.4, "url": 0.6, "categories": 0.2}
CUE_BIAS = -1.6
BLOCKER_WEIGHT = -3.0
EVIDENCE_LIMIT = 3


@dataclass(frozen=True, slots=True)
class _Cue:
    topic: int
    is_blocker: bool


class TopicTagger:
    """Tags topics by their cues and blockers."""

    def __init__(self, topics: Iterable[Topic], model: Mapping[str, Any] | None = None) -> None:
        self._topics = list(topics)
        self._model = model
        self._cues = [
            (_Cue(n, is_blocker), words)
            for n, topic in enumerate(self._topics)
            for is_blocker, cues in ((False, topic.cues), (True, topic.blockers))
            for words in cues
        ]
        self._finder = CueFinder([words for _, words in self._cues])

    def tag(self, article: Article, films: tuple[Tag, ...] = ()) -> tuple[float, tuple[Tag, ...]]:
        """Score production news 0-1 and tag topics, best first."""
        return self.tag_document(Document(article), films)

    def tag_document(self, document: Document, films: tuple[Tag, ...]) -> tuple[float, tuple[Tag, ...]]:
        scores, evidence = self._score_cues(document)
        has_film = any(f.salience is Salience.ABOUT for f in films)
        tags = [
            Tag(
                kind=TagKind.TOPIC,
                ref=self._topics[n].slug,
                score=round(s, 4),
                evidence=tuple(document.evidence(h.start, h.end) for h in evidence[n][:EVIDENCE_LIMIT]),
            )
            for n, s in scores.items()
            if s >= 0.5
        ]
        best = max((t.score for t in tags), default=0.0)
        return best if has_film else best * 0.8, tuple(sorted(tags, key=lambda t: (-t.score, t.ref)))

    def _score_cues(self, document: Document) -> tuple[dict[int, float], dict[int, list[Hit]]]:
        sums: dict[int, float] = defaultdict(lambda: CUE_BIAS)
        evidence: dict[int, list[Hit]] = defaultdict(list)
        seen: set[tuple[int, bool, str]] = set()
        for hit in self._finder.find(document):
            cue = self._cues[hit.cue][0]
            field = document.part_at(hit.start).name
            if not cue.is_blocker:
                evidence[cue.topic].append(hit)
            if (key := (cue.topic, cue.is_blocker, field)) not in seen:
                seen.add(key)
                sums[cue.topic] += BLOCKER_WEIGHT if cue.is_blocker else FIELD_WEIGHTS[field]
        return {n: sigmoid(s) for n, s in sums.items()}, evidence
