"""All the desk says of one article: its films, its topics, and whether it is production news."""

from collections.abc import Iterable, Mapping
from typing import Any

from core.tagging.films import FilmTagger
from core.tagging.text import Document
from core.tagging.topics import PRODUCTION, TopicTagger
from core.values import Article, Film, Tagging, Topic


class Tagger:
    """Composes the film and the topic tagger over one reading of the article.

    Deterministic and without state between calls. `model` is what `config.models.load_model("tags")` gives;
    without one, hand-set weights and the vocabulary's words alone decide.
    """

    def __init__(
        self, *, films: Iterable[Film], topics: Iterable[Topic], model: Mapping[str, Any] | None = None
    ) -> None:
        self._films = FilmTagger(films, model)
        self._topics = TopicTagger(topics, model)
        self._floor = float(model["topics"]["floors"][PRODUCTION]) if model else 0.5

    def tag(self, article: Article) -> Tagging:
        """Tag an article: films first, then topics; each best first."""
        document = Document(article)
        films = self._films.tag_document(document)
        ages = self._films.ages_of(films, article.event_at.year)
        production_score, topics = self._topics.tag_document(document, films, ages)
        return Tagging(
            is_production_news=production_score >= self._floor,
            production_score=round(production_score, 4),
            tags=(*films, *topics),
        )
