"""The shipped model on the real catalogue and on articles people read: a guard against breakage, not a measure.

The model was fitted on these labels, so the figures here are flattering; `bench/tags/evaluate.py` gives honest ones.
"""

from collections.abc import Sequence

import pytest

from bench.tags.corpus import GOLD, OWN_LABELS, SHARED, read_films, read_labels, read_stream, read_topics
from bench.tags.learn import Label
from config.models import load_model
from core.tagging.tagger import Tagger
from core.values import FilmId, Tagging

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SHARED.is_dir(), reason=f"needs the shared material, not found at {SHARED}"),
]

RARE = frozenset({"set-video", "set-photo", "stunts"})
Tagged = Sequence[tuple[Label, Tagging]]


@pytest.fixture(scope="module")
def tagged() -> Tagged:
    articles = read_stream()
    labels = [x for path in GOLD for x in read_labels(path, articles, is_own=False)]
    labels += read_labels(OWN_LABELS, articles, is_own=True)
    tagger = Tagger(films=read_films(), topics=read_topics(), model=load_model("tags"))
    return [(label, tagger.tag(label.article)) for label in labels]


def test_what_subscribers_came_for_is_found(tagged: Tagged) -> None:
    wanted = [(label, t) for label, t in tagged if label.topics & RARE]
    missed = [label.article.title for label, t in wanted if not {x.ref for x in t.topics} & label.topics & RARE]

    assert len(wanted) >= 40
    assert len(missed) <= 0.15 * len(wanted), missed


def test_only_catalogued_films_and_known_topics_are_named(tagged: Tagged) -> None:
    films = {f.film_id for f in read_films()}
    topics = {t.slug for t in read_topics()}

    assert all(FilmId(t.ref) in films for _, tagging in tagged for t in tagging.films)
    assert all(t.ref in topics for _, tagging in tagged for t in tagging.topics)


def test_every_tag_shows_evidence(tagged: Tagged) -> None:
    assert all(t.evidence for _, tagging in tagged for t in tagging.tags)


def test_topics_come_with_production_news_only(tagged: Tagged) -> None:
    assert all(tagging.is_production_news for _, tagging in tagged if tagging.topics)
