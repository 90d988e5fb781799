from datetime import timedelta
from typing import Any

import pytest

from core.dedupe.duplicates import DuplicateIndex
from core.values import Article
from tests.core.dedupe.makers import START, article

TITLE = "Mira Okafor Joins 'The Salt Road' as a Smuggler"
SUMMARY = "The actor will play opposite Jon Vale in the desert epic, which starts shooting in Almería next month."
TEXT = (
    "The cameras of The Salt Road start to roll in Almería next month, and the desert epic has found its smuggler. "
    "Mira Okafor, last seen in Harbour Nights, plays Ysolde Marr, who leads a caravan of stolen salt across a border "
    "that moves every night. Director Tam Reyes calls her the heart of the picture. The studio has set no date yet, "
    "though the crew expects to shoot until the autumn, with a second unit working in the marshes of the south coast."
)


def index_of(*articles: Article) -> DuplicateIndex:
    index = DuplicateIndex()
    for known in articles:
        index.add(known)
    return index


ORIGINAL: dict[str, Any] = {"title": TITLE, "summary": SUMMARY}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(ORIGINAL, ORIGINAL, id="republished under another address"),
        pytest.param({**ORIGINAL, "summary": ""}, {**ORIGINAL, "summary": ""}, id="the same headline on the same day"),
        pytest.param(
            {**ORIGINAL, "canonical_url": "https://reel-ledger.example/news/mira-okafor-joins-salt-road-cast"},
            {
                "title": "Mira Okafor Boards Desert Epic 'The Salt Road'",
                "summary": SUMMARY,
                "canonical_url": "https://reel-ledger.example/film/mira-okafor-joins-salt-road-cast",
            },
            id="edited headline, moved to another section",
        ),
        pytest.param(
            ORIGINAL,
            {"title": f"{TITLE} - Reel Ledger", "outlet": "News Gatherer"},
            id="an aggregator's signed copy after the original",
        ),
        pytest.param(
            {"title": f"{TITLE} - Reel Ledger", "outlet": "News Gatherer"},
            ORIGINAL,
            id="an aggregator's signed copy before the original",
        ),
        pytest.param(
            {**ORIGINAL, "text": TEXT},
            {"title": "A Smuggler for The Salt Road", "text": TEXT, "outlet": "Harbour Dispatch"},
            id="syndicated text under another headline",
        ),
        pytest.param(
            {**ORIGINAL, "text": TEXT},
            {**ORIGINAL, "text": TEXT + " (Corrected: the border moves every night.)", "outlet": "Harbour Dispatch"},
            id="syndicated text with a correction",
        ),
        pytest.param(ORIGINAL, {"title": f"UPDATE: {TITLE}", "summary": SUMMARY}, id="a word put before the headline"),
    ],
)
def test_a_copy_is_found(first: dict[str, Any], second: dict[str, Any]) -> None:
    original, copy = article(**first), article(**second, hours=2)
    found = index_of(original).find(copy)
    assert found is not None
    assert found.article_id == original.article_id
    assert found.score > 0.7
    assert found.reason


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param({"title": "Box Office"}, {"title": "Box Office"}, id="a short headline"),
        pytest.param(
            {"title": "Iron Comet 4 Drops Its First Trailer", "summary": SUMMARY},
            {"title": "Iron Comet 5 Drops Its First Trailer", "summary": SUMMARY},
            id="another number in the series",
        ),
        pytest.param(
            {"title": "How to Watch Harbour Nights at Home", "summary": "Find out where you can stream or rent it."},
            {"title": "How to Watch Paper Lanterns at Home", "summary": "Find out where you can stream or rent it."},
            id="an outlet's template",
        ),
        pytest.param(
            {"title": "The Movie Quiz of the Day — March 14, 2026"},
            {"title": "The Movie Quiz of the Day — March 15, 2026"},
            id="a dated column",
        ),
        pytest.param({"title": TITLE}, {"title": TITLE, "outlet": "Harbour Dispatch"}, id="another outlet's headline"),
    ],
)
def test_another_text_is_let_through(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert index_of(article(**first)).find(article(**second, hours=2)) is None


def test_a_recurring_headline_is_new_again_after_some_days() -> None:
    index = index_of(article("The Weekend Box Office Report in Full Detail"))
    assert index.find(article("The Weekend Box Office Report in Full Detail", hours=24 * 7)) is None


def test_a_copy_of_a_copy_is_answered_by_the_original() -> None:
    original, copy = article(**ORIGINAL), article(**ORIGINAL, hours=1)
    index = index_of(original)
    index.add(copy, duplicate_of=original.article_id)
    again = article("Other words altogether for this one", canonical_url=copy.canonical_url, hours=2)
    found = index.find(again)
    assert found is not None
    assert found.article_id == original.article_id


def test_forgotten_articles_leave_nothing_behind() -> None:
    index = index_of(article(**ORIGINAL), article("Something else is told here", hours=30))
    index.forget(START + timedelta(hours=24))
    assert len(index) == 1
    assert index.find(article(**ORIGINAL, hours=31)) is None


def test_an_hour_that_was_forgotten_and_comes_again_holds_other_texts() -> None:
    index = index_of(article(**ORIGINAL), article("Something else is told here"))
    index.forget(START + timedelta(hours=1))
    index.add(article("A third thing is told here at the same hour"))
    assert len(index) == 1
    assert index.find(article(**ORIGINAL)) is None


def test_a_large_index_still_finds_its_oldest_and_newest_texts() -> None:
    told = [
        article(
            f"Film {n} Casts Its Villain Number {n * 7}", summary=f"Star {n} joins {n * 3} others in film {n} today."
        )
        for n in range(4000)
    ]
    index = index_of(*told)
    for original in (told[0], told[1999], told[-1]):
        found = index.find(article(original.title, summary=original.summary, outlet="Harbour Dispatch", hours=1))
        assert found is not None
        assert found.article_id == original.article_id
