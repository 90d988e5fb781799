"""Laws of the tagger: it never fails, says the same each time, and shows only words that are there."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bench.tags.corpus import read_topics
from config.models import load_model
from core.tagging.tagger import Tagger
from core.tagging.text import Document
from core.values import Article
from tests.core.tagging.makers import make_article, make_film

FILMS = [make_film(t) for t in ("It", "Up", "The Glass Orchard", "Harrowgate 2", "Mercy", "Salt & Thunder")]
TAGGER = Tagger(films=FILMS, topics=read_topics(), model=load_model("tags"))
PHRASES = (
    "It",
    "Up",
    "‘Mercy’",
    "The Glass Orchard",
    "Harrowgate 2",
    "Part II",
    "trailer",
    "set photos",
    "wraps filming",
    "joins cast",
    ":",
    "’s",
    "&",
    "and",
    "10",
    "É",
)
WORDS = st.sampled_from(PHRASES)
TEXTS = st.one_of(st.text(max_size=80), st.lists(WORDS, max_size=14).map(" ".join))
ARTICLES = st.builds(
    lambda title, summary, text, categories, slug: make_article(
        title, summary, text=text, categories=tuple(categories), slug=slug
    ),
    TEXTS,
    TEXTS,
    TEXTS,
    st.lists(TEXTS, max_size=3),
    st.text(max_size=30),
)


@given(ARTICLES)
@settings(deadline=None)
def test_tagging_never_fails_and_repeats_itself(article: Article) -> None:
    tagging = TAGGER.tag(article)

    assert tagging == TAGGER.tag(article)
    assert 0 <= tagging.production_score <= 1
    assert all(0 <= t.score <= 1 and t.evidence for t in tagging.tags)
    assert len({(t.kind, t.ref) for t in tagging.tags}) == len(tagging.tags)


@given(ARTICLES)
@settings(deadline=None)
def test_evidence_is_found_in_its_field(article: Article) -> None:
    document = Document(article)

    for tag in TAGGER.tag(article).tags:
        for evidence in tag.evidence:
            part = document.part(evidence.field)
            assert evidence.words in document.text_between(part.start, part.end)


@given(ARTICLES)
@settings(deadline=None)
def test_every_token_belongs_to_the_field_it_stands_in(article: Article) -> None:
    document = Document(article)

    assert len(document.spans) == len(document.tokens)
    for part in document.parts:
        assert all(document.part_at(n) == part for n in range(part.start, part.end))
