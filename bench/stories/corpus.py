"""The stream as articles, the labelled windows, our own labels and the tagger; learns and judges nothing."""

import gzip
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path

from config.films import read_film_lines
from config.models import load_model
from config.topics import load_topics
from core.tagging.tagger import Tagger
from core.values import Article, ArticleId, Publisher, PublisherSlug, Tagging

SHARED = Path(os.environ.get("SETWIRE_SHARED", "../shared"))
WINDOWS = ("feb", "mar", "apr", "may", "may2")
NO_TAGGING = Tagging(is_production_news=False, production_score=0.0)
_OWN_LABELS = Path(__file__).parent / "labels.jsonl"
_TOPICS = Path("config/topics.toml")


@dataclass(frozen=True, slots=True)
class Corpus:
    """The articles in arrival order (an article's id is its place) and the story of each labelled one by window."""

    articles: Sequence[Article]
    windows: Mapping[str, Mapping[ArticleId, str]]

    def days_of(self, window: str) -> tuple[datetime, datetime]:
        """Give the times of the first and last article of the window."""
        times = [self.articles[i].event_at for i in self.windows[window]]
        return min(times), max(times)


def load_corpus() -> Corpus:
    """Read the shared stream and gold windows.

    Errors: `FileNotFoundError` when SETWIRE_SHARED does not name the shared folder.
    """
    articles = [_read_item(number, line) for number, line in enumerate(_stream_lines())]
    places = {article.url: article.article_id for article in reversed(articles)}
    return Corpus(articles, {window: dict(_gold_stories(window, places)) for window in WINDOWS})


def load_own_labels(corpus: Corpus) -> dict[tuple[ArticleId, ArticleId], bool]:
    """Give the pairs (newer, older) that we labelled ourselves by reading: one event or not."""
    places = {hash_url(article.url): article.article_id for article in corpus.articles}
    pairs: dict[tuple[ArticleId, ArticleId], bool] = {}
    for line in _OWN_LABELS.read_text().splitlines():
        label = json.loads(line)
        items = [(places[item], group) for item, group in zip(label["items"], label["groups"], strict=True)]
        judged = [(place, group) for place, group in items if group != "?"]
        pairs |= {(a, b): s == t and s != "-" for a, s in judged for b, t in judged if a > b}
    return pairs


def hash_url(url: str) -> str:
    """Name an item without quoting it."""
    return blake2b(url.encode(), digest_size=8).hexdigest()


def build_tagger() -> Tagger:
    """Build the tagger of the product over the shared catalogue."""
    films = list(read_film_lines(SHARED / "data" / "films" / "catalogue.jsonl.gz"))
    return Tagger(films=films, topics=load_topics(_TOPICS), model=load_model("tags"))


def _stream_lines() -> Iterator[str]:
    with gzip.open(SHARED / "data" / "stream" / "dev_2026-02_05.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from lines


def _read_item(number: int, line: str) -> Article:
    item = json.loads(line)
    return Article(
        article_id=ArticleId(number),
        canonical_url=item["url"],
        url=item["url"],
        publisher=Publisher(slug=PublisherSlug(item["outlet"].lower().replace(" ", "-")), name=item["outlet"]),
        title=item["title"],
        summary=item["summary"],
        categories=tuple(item["categories"]),
        first_seen_at=datetime.fromtimestamp(item["first_seen"], UTC),
        event_at=datetime.fromisoformat(item["published"]).astimezone(UTC),
    )


def _gold_stories(window: str, places: Mapping[str, ArticleId]) -> Iterator[tuple[ArticleId, str]]:
    path = SHARED / "data" / "gold" / f"stories_dev_{window}.jsonl"
    for line in path.read_text(encoding="utf-8").splitlines():
        label = json.loads(line)
        yield places[label["url"]], label["story"]


def week_before(at: datetime) -> datetime:
    """Give the time from which an index must have read to know its whole window at `at`."""
    return at - timedelta(days=6)
