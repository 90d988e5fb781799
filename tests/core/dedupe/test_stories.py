import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from config.models import load_model
from core.dedupe.duplicates import DuplicateIndex
from core.dedupe.stories import StoryIndex
from core.values import Article, ArticleId, StoryId
from tests.core.dedupe.makers import NO_TAGGING, START, article

MODEL = load_model("stories")
TRAILER: dict[str, Any] = {
    "title": "'The Salt Road' Trailer Sends Mira Okafor Across a Burning Desert",
    "summary": "The first trailer for Tam Reyes' desert epic The Salt Road stars Mira Okafor and Jon Vale.",
    "categories": ("Movies", "The Salt Road", "Mira Okafor"),
}
SAME_EVENT: dict[str, Any] = {
    "title": "Mira Okafor Crosses the Desert in First Trailer for Tam Reyes' 'The Salt Road'",
    "summary": "Tam Reyes' The Salt Road has released its first trailer, starring Mira Okafor.",
    "outlet": "Harbour Dispatch",
    "canonical_url": "https://harbour-dispatch.example/the-salt-road-first-trailer-mira-okafor",
    "hours": 3,
}


@pytest.fixture
def index() -> StoryIndex:
    return StoryIndex(window=timedelta(days=5), model=MODEL)


def add(index: StoryIndex, told: Article, story: int = 1) -> None:
    index.add(told, NO_TAGGING, StoryId(story))


def test_another_outlet_on_the_same_event_joins(index: StoryIndex) -> None:
    add(index, article(**TRAILER), story=7)
    assignment = index.assign(article(**SAME_EVENT), NO_TAGGING)
    assert assignment.story_id == 7
    assert 0.5 <= assignment.score <= 1
    assert any("shared words" in reason for reason in assignment.reasons)
    assert any("3 h apart" in reason for reason in assignment.reasons)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(
            {
                "title": "'The Salt Road' Review: A Feast of Sand and Silence",
                "summary": "Mira Okafor carries The Salt Road, the desert epic of Tam Reyes.",
            },
            id="a review",
        ),
        pytest.param(
            {"title": "10 Best Movies Like 'The Salt Road', Ranked", "summary": "Mira Okafor and Jon Vale star."},
            id="a list",
        ),
        pytest.param(
            {
                "title": "Jon Vale Says 'The Salt Road' Nearly Broke His Leg",
                "summary": "Vale recalls an accident with a camel while shooting.",
            },
            id="a statement",
        ),
        pytest.param(
            {
                "title": "'The Salt Road 2' Trailer Sends Mira Okafor Across a Burning Desert",
                "summary": "Tam Reyes' The Salt Road 2 stars Mira Okafor and Jon Vale in its first trailer.",
            },
            id="its sequel",
        ),
    ],
)
def test_another_event_on_the_same_film_stays_apart(index: StoryIndex, other: dict[str, Any]) -> None:
    title = TRAILER["title"] if "2" not in other["title"] else "'The Salt Road 3' Trailer Burns the Desert"
    add(index, article(**{**TRAILER, "title": title}))
    assert index.assign(article(**other, outlet="Harbour Dispatch", hours=5), NO_TAGGING).story_id is None


def test_an_old_story_takes_no_more(index: StoryIndex) -> None:
    add(index, article(**TRAILER))
    assert index.assign(article(**{**SAME_EVENT, "hours": 97}), NO_TAGGING).story_id is None


def test_other_languages_group_among_themselves(index: StoryIndex) -> None:
    add(index, article("映画『塩の道』の予告編が公開、ミラ・オカフォーが砂漠を渡る", outlet="銀幕新聞"), story=3)
    found = index.assign(
        article("『塩の道』予告編公開 ミラ・オカフォーが砂漠を渡る", outlet="映画日報", hours=1), NO_TAGGING
    )
    assert found.story_id in (3, None)
    assert index.assign(article("Сегодня вышел трейлер", outlet="Экран", hours=1), NO_TAGGING).story_id is None


def test_an_empty_headline_breaks_nothing(index: StoryIndex) -> None:
    add(index, article(""))
    assert index.assign(article("", hours=1), NO_TAGGING).story_id is None


def test_without_a_model_a_rule_of_thumb_decides() -> None:
    index = StoryIndex(window=timedelta(days=5))
    add(index, article(**TRAILER), story=2)
    assert index.assign(article(**SAME_EVENT), NO_TAGGING).story_id in (2, None)
    unlike = article("Box Office: Paper Lanterns Wins the Weekend", outlet="Harbour Dispatch")
    assert index.assign(unlike, NO_TAGGING).story_id is None


def test_forgotten_articles_leave_nothing_behind(index: StoryIndex) -> None:
    add(index, article(**TRAILER))
    add(index, article("Something else is told here", hours=30), story=2)
    index.forget(START + timedelta(hours=24))
    assert len(index) == 1
    assert index.assign(article(**SAME_EVENT), NO_TAGGING).story_id is None


def test_a_window_of_lists_does_not_hinder_a_search(index: StoryIndex) -> None:
    for number in range(400):
        words = " ".join(f"word{number}n{place}" for place in range(8))
        add(index, article(f"10 Best Movies Like {words}, Ranked"), story=number + 10)
    add(index, article(**TRAILER), story=2)
    assert index.assign(article(**SAME_EVENT), NO_TAGGING).story_id == 2
    index.forget(START + timedelta(hours=2))
    assert len(index) == 0


def test_hour_by_hour_only_articles_of_the_window_are_told_of(index: StoryIndex) -> None:
    chance = random.Random(9)
    held: dict[int, Article] = {}
    joined = 0
    for hour in range(300):
        limit = START + timedelta(hours=hour - 12)
        index.forget(limit)
        held = {number: one for number, one in held.items() if one.event_at >= limit}
        for title, outlet in templates(chance, 4):
            told = article(title, outlet=outlet, hours=hour - chance.randint(0, 11))
            found = index.assign(told, NO_TAGGING)
            if found.story_id:
                joined += 1
                assert found.story_id in {number % 50 + 1 for number in held}
                assert any(f"nearest is article {number}," in found.reasons[0] for number in held)
            add(index, told, story=told.article_id % 50 + 1)
            held[told.article_id] = told
        assert len(index) == len(held)
    assert joined > 50


def test_the_same_calls_give_the_same_answers() -> None:
    told = [article(t, outlet=o, hours=h) for h, (t, o) in enumerate(templates(random.Random(3), 60))]
    assert replay(told) == replay(told)


def replay(told: list[Article]) -> list[object]:
    index = StoryIndex(window=timedelta(days=5), model=MODEL)
    answers: list[object] = []
    for one in told:
        assignment = index.assign(one, NO_TAGGING)
        index.add(one, NO_TAGGING, assignment.story_id or StoryId(one.article_id))
        answers.append(assignment)
    return answers


FILMS = ("The Salt Road", "Paper Lanterns", "Iron Comet", "Harbour Nights", "Glass Orchard", "A Winter Debt")
PEOPLE = ("Mira Okafor", "Jon Vale", "Tam Reyes", "Ysolde Marr", "Piet Hallam", "Ada Quill", "Noor Bastien")
OUTLETS = ("Reel Ledger", "Harbour Dispatch", "Slate Post", "The Clapper")
EVENTS = (
    "{person} Joins '{film} {n}' in an Undisclosed Role",
    "'{film} {n}' Drops Its First Trailer With {person}",
    "'{film} {n}' Sets a {month} Release Date",
    "'{film} {n}' Opens to ${n}5 Million at the Box Office",
    "{person} Exits '{film} {n}' Over Scheduling",
    "'{film} {n}' Wraps Production in {month}, Says {person}",
)
MONTHS = ("January", "March", "June", "October")


def templates(chance: random.Random, size: int) -> Iterator[tuple[str, str]]:
    """Distinct events from one set of templates: film, number, person, month and kind are swapped."""
    seen: set[tuple[str, str, int, str]] = set()
    while len(seen) < size:
        event, film, number = chance.choice(EVENTS), chance.choice(FILMS), chance.randint(2, 8)
        person, month = chance.choice(PEOPLE), chance.choice(MONTHS)
        told = (event, film, number, person if "{person}" in event else month)
        if told not in seen:
            seen.add(told)
            yield event.format(film=film, n=number, person=person, month=month), chance.choice(OUTLETS)


def hard_negatives() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Pairs that one thing makes two events: the number, the film, the actor, or the kind and the date."""
    chance = random.Random(11)
    for _ in range(100):
        film, other = chance.sample(FILMS, 2)
        one, two = chance.sample(range(2, 9), 2)
        person, stranger = chance.sample(PEOPLE, 2)
        month, later = chance.sample(MONTHS, 2)
        trailer = "The studio released the first trailer for {} starring {} on Tuesday."
        joins = "{} has joined the cast of {} in an undisclosed role, the studio says."
        yield (
            {"title": f"'{film} {one}' Trailer Released", "summary": trailer.format(f"{film} {one}", person)},
            {"title": f"'{film} {two}' Trailer Released", "summary": trailer.format(f"{film} {two}", person)},
        )
        yield (
            {"title": f"'{film}' Trailer Released", "summary": trailer.format(film, person)},
            {"title": f"'{other}' Trailer Released", "summary": trailer.format(other, person)},
        )
        yield (
            {"title": f"{person} Joins '{film}'", "summary": joins.format(person, film)},
            {"title": f"{stranger} Joins '{film}'", "summary": joins.format(stranger, film)},
        )
        yield (
            {"title": f"{person} Joins '{film}'", "summary": joins.format(person, film)},
            {"title": f"{person} Joins '{other}'", "summary": joins.format(person, other)},
        )
        yield (
            {"title": f"'{film}' Opens in {month}", "summary": f"{film} with {person} comes to theatres in {month}."},
            {"title": f"'{film}' Trailer Released", "summary": trailer.format(film, stranger) + f" It is {later}."},
        )


def test_hard_negatives_from_templates_never_merge() -> None:
    merged = []
    for one, two in hard_negatives():
        index, texts = StoryIndex(window=timedelta(days=5), model=MODEL), DuplicateIndex()
        first, second = article(**one), article(**two, outlet="Harbour Dispatch", hours=2)
        add(index, first)
        texts.add(first)
        if index.assign(second, NO_TAGGING).story_id is not None or texts.find(second):
            merged.append((one["title"], two["title"]))
    assert merged == []


def test_a_thousand_republished_entries_open_no_story() -> None:
    texts = DuplicateIndex()
    told = [
        article(title, outlet=outlet, hours=n / 50, summary=f"{title}. The studio confirmed the news number {n} today.")
        for n, (title, outlet) in enumerate(templates(random.Random(5), 1000))
    ]
    for one in told:
        texts.add(one)
    again = [
        article(
            one.title,
            outlet=one.publisher.name,
            hours=24,
            summary=one.summary,
            url=f"{one.url}?utm_source=feed&utm_medium=rss",
        )
        for one in told
    ]
    assert sum(texts.find(one) is None for one in again) == 0


def test_regrouped_articles_are_judged_as_if_they_had_been_added_there(index: StoryIndex) -> None:
    texts = [article(**TRAILER), article(**SAME_EVENT), article("A lighthouse keeper retires", outlet="Quay Post")]
    other = StoryIndex(window=timedelta(days=5), model=MODEL)
    for text, story, wanted in zip(texts, (1, 1, 2), (1, 2, 2), strict=True):
        add(index, text, story)
        add(other, text, wanted)
    index.regroup({texts[1].article_id: StoryId(2), ArticleId(10**9): StoryId(9)})
    later = article(**{**SAME_EVENT, "outlet": "Call Sheet", "canonical_url": "https://call-sheet.example/1"})
    assert index.assign(later, NO_TAGGING) == other.assign(later, NO_TAGGING)
    index.forget(START + timedelta(days=9))
    assert len(index) == 0
