"""All the desk says of one article: its films, its topics, whether it is production news, and the facts it states."""

from collections.abc import Iterable, Mapping
from typing import Any

from core.facts.finder import FactFinder
from core.tagging.films import FilmTagger
from core.tagging.text import Document
from core.tagging.topics import PRODUCTION, TopicTagger
from core.tagging.weights import EVERYDAY_WORDS
from core.values import Article, Film, Tagging, Topic


class Tagger:
    """Composes the film and the topic tagger over one reading of the article.

    Deterministic and without state between calls. `model` is what `config.models.load_model("tags")` gives;
    without one, hand-set weights and the vocabulary's words alone decide.
    """

    def __init__(
        self, *, films: Iterable[Film], topics: Iterable[Topic], model: Mapping[str, Any] | None = None
    ) -> None:
        catalogue = list(films)
        self._films = FilmTagger(catalogue, model)
        self._facts = FactFinder(catalogue, plain_words_of(model))
        self._topics = TopicTagger(topics, model)
        self._floor = float(model["topics"]["floors"][PRODUCTION]) if model else 0.5

    def tag(self, article: Article) -> Tagging:
        """Tag an article: films first, then topics; each best first."""
        document = Document(article)
        films, doubts = self._films.judge_document(document)
        ages = self._films.ages_of(films, article.event_at.year)
        production_score, topics = self._topics.tag_document(document, films, ages)
        is_news = production_score >= self._floor
        return Tagging(
            is_production_news=is_news,
            production_score=round(production_score, 4),
            tags=(*films, *topics),
            facts=self._facts.find(article, films) if is_news else (),
            doubts=doubts,
        )


def plain_words_of(model: Mapping[str, Any] | None) -> frozenset[str]:
    """Words that are no surname of somebody we do not know: those a model gives, else the built-in everyday ones."""
    if model is None:
        return EVERYDAY_WORDS
    return frozenset(f"{model['everyday_words']} {model['plain_words']}".split())
