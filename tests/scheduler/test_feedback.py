"""The operator's word: it corrects the story, withdraws what was not sent, tells what was missed, and is remembered."""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.unknown import UnknownTitle
from core.values import (
    Article,
    ArticleId,
    Edit,
    EndpointId,
    EntryId,
    Evidence,
    FeedbackKind,
    Film,
    FilmId,
    ParsedEntry,
    StoryId,
    Subscription,
    SubscriptionId,
    Tag,
    Tagging,
    TagKind,
)
from scheduler.cli import main
from scheduler.desk import Desk
from scheduler.why import explain
from store.deliveries import claim_deliveries, delivery_counts, latest_deliveries, replay
from store.engine import Session, Store
from store.feedback import Word, give_feedback
from store.films import sync_topics, upsert_films
from store.links import Doubt, add_doubt
from store.reviews import expire_reviews, open_reviews, raise_doubts
from store.sources import sync_sources
from store.stories import latest_stories, story_detail
from store.subscriptions import add_endpoint, add_subscription
from store.suggestions import note_titles
from tests.core.makers import article
from tests.scheduler.line import CASTING, SALT
from tests.scheduler.test_storms import HOOK, LEDGER, build_desk, fetch

NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
FERRY = Film(film_id=FilmId("night-ferry"), title="Night Ferry", year=2027, cast=("Ines Calloway",))
Say = Callable[..., str]


@pytest.fixture
def house(sqlite_store: Store) -> Store:
    """Two films, and a subscription for each."""
    with sqlite_store.write() as tx:
        sync_sources(tx, [LEDGER], now=NOW)
        upsert_films(tx, [SALT, FERRY], now=NOW)
        sync_topics(tx, [CASTING], now=NOW)
        add_endpoint(tx, HOOK, now=NOW)
        for name, film in (("salt", SALT), ("ferry", FERRY)):
            asked = Subscription(
                subscription_id=SubscriptionId(name),
                name=name.title(),
                films=(film.film_id,),
                production_only=False,
                endpoints=(HOOK.endpoint_id,),
            )
            add_subscription(tx, asked, now=NOW)
    fetch(sqlite_store, [entry(0, "Old news of the harbour")], at=NOW, is_first=True)
    return sqlite_store


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], sqlite_url: str, tmp_path: Path) -> Say:
    """Run `setwire feedback WORDS…`; return what it printed, or the error with exit code 1."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SETWIRE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("SETWIRE_DATABASE_URL", sqlite_url)

    def run(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["setwire", *words])
        try:
            main()
            code: object = 0
        except SystemExit as end:
            code = end.code or 0
        said = capsys.readouterr()
        assert bool(code) is bool(said.err), said.err
        return said.out or said.err

    return run


def entry(number: int, title: str, summary: str = "") -> ParsedEntry:
    return ParsedEntry(
        guid=f"guid-{number}",
        url=f"https://ledger.example/{number}",
        title=title,
        summary=summary or f"Item {number} of the harbour desk, {number * 7919 % 10007}.",
        published_at=NOW,
    )


JOINS = entry(1, "Odile Brandtner joins the cast of ‘The Salt Meridian’", "She plays the ship's doctor.")
AGAIN = entry(
    2, "‘The Salt Meridian’: Odile Brandtner joins the cast as ship's doctor", "The doctor is found at last, we hear."
)


def tags(store: Store, number: int = 2) -> set[str]:
    with store.read() as tx:
        detail = story_detail(tx, StoryId(number))
        assert detail is not None
        on_articles = {tag.ref for view in detail.articles for tag in view.tagging.tags}
        assert {tag.ref for tag in detail.view.story.tags} == on_articles
        return on_articles


def told(store: Store) -> dict[str, str]:
    """State of the deliveries by subscription."""
    with store.read() as tx:
        return {str(v.delivery.subscription_id): v.delivery.state.value for v in latest_deliveries(tx, limit=20)}


def test_a_wrong_film_goes_and_the_alert_that_was_not_sent_is_withdrawn(house: Store, say: Say) -> None:
    fetch(house, [JOINS], at=NOW)
    assert told(house) == {"salt": "pending"}
    said = say("feedback", "correct", "2", "--wrong-film", "the-salt-meridian", "--note", "a boat")
    assert "1 alerts withdrawn" in said
    assert "the-salt-meridian" not in tags(house)
    assert told(house) == {"salt": "cancelled"}
    with house.read() as tx:
        why = explain(tx, SubscriptionId("salt"), StoryId(2)) or []
    assert any("withdrawn: the operator said that the story is not about the film the-salt-meridian" in w for w in why)
    with house.write() as tx:
        assert replay(tx, now=NOW, only_missing=True) == 0
    assert "a boat" in say("stories", "show", "2")


def test_a_film_that_was_missed_alerts_as_new_once_and_after_a_restart_too(house: Store, say: Say) -> None:
    desk = build_desk(house)
    fetch(house, [entry(1, "Lorries seen at the old fish market", "A crew is in town.")], at=NOW, desk=desk)
    assert told(house) == {}
    say("feedback", "correct", "2", "--film", "night-ferry")
    assert tags(house) == {"night-ferry"}
    settle(desk)
    assert told(house) == {"ferry": "pending"}
    settle(desk)
    settle(build_desk(house))
    say("feedback", "correct", "2", "--film", "night-ferry")
    settle(desk)
    assert told(house) == {"ferry": "pending"}


def test_what_was_told_is_not_told_again(house: Store, say: Say) -> None:
    desk = build_desk(house)
    fetch(house, [JOINS], at=NOW, desk=desk)
    with house.write() as tx:
        claim_deliveries(tx, now=NOW, limit=9, lease=timedelta(minutes=1), each=9)
    say("feedback", "correct", "2", "--wrong-film", "the-salt-meridian", "--film", "night-ferry")
    settle(desk)
    assert told(house) == {"salt": "sending", "ferry": "pending"}
    say("feedback", "correct", "2", "--film", "the-salt-meridian")
    settle(desk)
    with house.read() as tx:
        assert sum(delivery_counts(tx).values()) == 2


@pytest.mark.parametrize("is_restarted", [False, True], ids=["running", "restarted"])
def test_a_later_report_does_not_bring_the_wrong_film_back(house: Store, say: Say, *, is_restarted: bool) -> None:
    desk = build_desk(house)
    fetch(house, [JOINS], at=NOW, desk=desk)
    say("feedback", "correct", "2", "--wrong-film", "the-salt-meridian", "--film", "night-ferry")
    fetch(house, [AGAIN], at=NOW + timedelta(minutes=9), desk=build_desk(house) if is_restarted else desk)
    with house.read() as tx:
        detail = story_detail(tx, StoryId(2))
    assert detail is not None
    assert detail.view.story.article_count == 2
    assert "the-salt-meridian" not in tags(house)
    assert told(house) == {"salt": "cancelled", "ferry": "pending"}


def test_old_news_is_corrected_and_told_to_nobody(house: Store, say: Say) -> None:
    fetch(house, [replace(entry(1, "Lorries at the fish market"), published_at=NOW)], at=NOW)
    say("feedback", "correct", "2", "--film", "night-ferry")
    late = NOW + timedelta(days=8)
    assert build_desk(house).edit_batch(lambda: late)
    assert tags(house) == {"night-ferry"}
    assert told(house) == {}
    assert not build_desk(house).edit_batch(lambda: late)


def test_not_production_news_silences_those_who_ask_for_news_only(house: Store, say: Say) -> None:
    with house.write() as tx:
        add_subscription(tx, subscription_on_news(), now=NOW)
    fetch(house, [JOINS], at=NOW)
    assert told(house) == {"salt": "pending", "news": "pending"}
    assert "1 alerts withdrawn" in say("feedback", "correct", "2", "--not-news")
    assert told(house) == {"salt": "pending", "news": "cancelled"}
    say("feedback", "correct", "2", "--wrong-topic", "casting")
    assert tags(house) == {"the-salt-meridian"}


def test_one_article_of_a_story_is_corrected_by_itself(house: Store, say: Say) -> None:
    fetch(house, [JOINS, AGAIN], at=NOW)
    say("feedback", "correct", "2", "--wrong-topic", "casting", "--article", "2")
    with house.read() as tx:
        detail = story_detail(tx, StoryId(2))
    assert detail is not None
    held = {v.article.article_id: {t.ref for t in v.tagging.topics} for v in detail.articles}
    assert "casting" not in held.pop(ArticleId(2))
    assert all("casting" in topics for topics in held.values())


def test_what_was_said_is_listed_and_exported_as_labels(house: Store, say: Say, tmp_path: Path) -> None:
    fetch(house, [JOINS], at=NOW)
    say("feedback", "correct", "2", "--wrong-film", "the-salt-meridian", "--film", "night-ferry", "--news")
    listed = json.loads(say("feedback", "list", "--json"))
    assert {word["kind"] for word in listed} == {"wrong-film", "right-film", "news"}
    say("feedback", "export", "labels.jsonl")
    [label] = [json.loads(line) for line in (tmp_path / "labels.jsonl").read_text().splitlines()]
    assert label["url"] == JOINS.url
    assert (label["production_news"], label["about"], label["mentions"]) == (True, ["night-ferry"], [])
    assert (label["topics"], label["ignore_topics"], label["ignore_films"]) == (["casting"], ["casting"], [])
    assert json.loads(say("feedback", "export")) == label


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("2",), "Nothing was said"),
        (("99", "--not-news"), "no story 99"),
        (("2", "--film", "nope"), "no film 'nope'"),
        (("2", "--topic", "nope"), "no topic 'nope'"),
        (("2", "--not-news", "--article", "99"), "Article 99 is not in story 2"),
    ],
)
def test_a_wrong_word_ends_in_one_sentence(house: Store, say: Say, words: tuple[str, ...], says: str) -> None:
    fetch(house, [JOINS], at=NOW)
    assert says in say("feedback", "correct", *words)


# Words and stories that are put together or taken apart.

MARKET = entry(3, "Lorries seen at the old fish market", "A crew is in town.")
Restart = pytest.mark.parametrize("is_restarted", [False, True], ids=["running", "restarted"])


@Restart
def test_words_on_both_stories_hold_after_a_merge_and_nobody_is_told_again(
    house: Store, say: Say, *, is_restarted: bool
) -> None:
    desk = build_desk(house)
    fetch(house, [JOINS, MARKET], at=NOW, desk=desk)
    say("feedback", "correct", "3", "--film", "night-ferry", "--wrong-film", "the-salt-meridian", "--note", "a boat")
    settle(desk)
    before = alerts(house)
    assert before == [("ferry", "pending"), ("salt", "pending")]
    say("stories", "merge", "2", "3")
    fetch(house, [AGAIN], at=NOW + timedelta(minutes=9), desk=build_desk(house) if is_restarted else desk)
    assert tags(house) & {"night-ferry", "the-salt-meridian"} == {"night-ferry"}
    assert facts(house) == set()
    with house.read() as tx:
        detail = story_detail(tx, StoryId(2))
    assert detail is not None
    assert detail.view.story.article_count == 3
    assert alerts(house) == before
    assert "a boat" in say("stories", "show", "3"), "the old number leads on"
    assert "Story 3 was merged into story 2" in say("feedback", "correct", "3", "--not-news")


def test_a_word_after_a_merge_withdraws_what_was_owed_under_the_old_number(house: Store, say: Say) -> None:
    desk = build_desk(house)
    fetch(house, [JOINS, MARKET], at=NOW, desk=desk)
    say("feedback", "correct", "3", "--film", "night-ferry")
    settle(desk)
    say("stories", "merge", "2", "3")
    settle(desk)
    assert "1 alerts withdrawn" in say("feedback", "correct", "2", "--wrong-film", "night-ferry")
    assert alerts(house) == [("ferry", "cancelled"), ("salt", "pending")]


@Restart
def test_of_two_words_that_contradict_each_other_the_later_stands_after_a_merge(
    house: Store, say: Say, *, is_restarted: bool
) -> None:
    desk = build_desk(house)
    fetch(house, [JOINS, MARKET], at=NOW, desk=desk)
    say("feedback", "correct", "3", "--film", "night-ferry")
    with house.write() as tx:
        word = Word(kind=FeedbackKind.WRONG_FILM, ref="night-ferry")
        give_feedback(tx, StoryId(2), [word], now=datetime.now(UTC) + timedelta(minutes=1))
    say("stories", "merge", "2", "3")
    settle(build_desk(house) if is_restarted else desk)
    assert "night-ferry" not in tags(house)
    [kept] = json.loads(say("feedback", "list", "--json"))
    assert (kept["story_id"], kept["kind"]) == (2, "wrong-film")
    assert alerts(house) == [("salt", "pending")]


@Restart
def test_a_word_nobody_was_told_of_yet_is_told_of_both_parts_of_a_split(
    house: Store, say: Say, *, is_restarted: bool
) -> None:
    desk = build_desk(house)
    fetch(house, [JOINS, AGAIN], at=NOW, desk=desk)
    say("feedback", "correct", "2", "--film", "night-ferry")
    say("feedback", "correct", "2", "--wrong-topic", "casting", "--article", "3")
    say("stories", "split", "2", "3")
    desk = build_desk(house) if is_restarted else desk
    settle(desk)
    settle(desk)
    settle(build_desk(house))
    assert alerts(house) == [("ferry", "pending")] * 2 + [("salt", "pending")] * 2
    assert "night-ferry" in tags(house, 2) & tags(house, 3)
    assert "casting" in tags(house, 2) - tags(house, 3)
    words = {(w["story_id"], w["article_id"], w["kind"]) for w in json.loads(say("feedback", "list", "--json"))}
    assert words == {(2, 0, "right-film"), (3, 3, "right-film"), (3, 3, "wrong-topic")}


@Restart
def test_a_word_whose_telling_is_over_stays_with_the_number_of_a_split_story(
    house: Store, say: Say, *, is_restarted: bool
) -> None:
    desk = build_desk(house)
    fetch(house, [JOINS, AGAIN], at=NOW, desk=desk)
    say("feedback", "correct", "2", "--wrong-film", "the-salt-meridian")
    say("stories", "split", "2", "3")
    settle(build_desk(house) if is_restarted else desk)
    assert "the-salt-meridian" not in tags(house, 2) | tags(house, 3)
    [word] = json.loads(say("feedback", "list", "--json"))
    assert (word["story_id"], word["article_id"]) == (2, 0)
    assert alerts(house) == [("salt", "cancelled")]


@Restart
def test_facts_go_with_their_articles(house: Store, say: Say, *, is_restarted: bool) -> None:
    desk = build_desk(house)
    fetch(house, [JOINS, MARKET], at=NOW, desk=desk)
    assert facts(house) == {"the-salt-meridian"}
    say("stories", "merge", "3", "2")
    desk = build_desk(house) if is_restarted else desk
    settle(desk)
    assert facts(house, 3) == {"the-salt-meridian"}
    assert "Odile Brandtner joins" in say("stories", "show", "3")
    say("stories", "split", "3", "3")
    settle(desk)
    [of_joins, of_market] = [story_of(house, number) for number in (2, 3)]
    assert (facts(house, of_joins), facts(house, of_market)) == ({"the-salt-meridian"}, set())


def story_of(store: Store, article_id: int) -> int:
    with store.read() as tx:
        found = [story_detail(tx, view.story.story_id) for view in latest_stories(tx, limit=9)]
    [number] = [d.view.story.story_id for d in found if d and article_id in {v.article.article_id for v in d.articles}]
    return number


def test_a_review_follows_its_article_into_the_story_it_is_in_now(house: Store, say: Say) -> None:
    desk = build_desk(house)
    fetch(house, [JOINS, MARKET], at=NOW, desk=desk)
    with house.write() as tx:
        raise_doubts(tx, [doubtful_edit(tx, 3)], now=NOW)
    say("stories", "merge", "2", "3")
    [question] = json.loads(say("review", "list", "--json"))
    assert question["story_id"] == 2
    assert "story 2 corrected" in say("review", "accept", str(question["review_id"]))
    settle(desk)
    assert alerts(house) == [("ferry", "pending"), ("salt", "pending")]


def alerts(store: Store) -> list[tuple[str, str]]:
    """Every delivery: whose it is, and its state."""
    with store.read() as tx:
        found = latest_deliveries(tx, limit=50)
    return sorted((str(view.delivery.subscription_id), view.delivery.state.value) for view in found)


def facts(store: Store, number: int = 2) -> set[str]:
    """Films that facts of the story are of; those of the story are those of its articles."""
    with store.read() as tx:
        detail = story_detail(tx, StoryId(number))
    assert detail is not None
    on_articles = {fact.film_id for view in detail.articles for fact in view.tagging.facts}
    assert {fact.film_id for fact in detail.view.story.facts} == on_articles
    return {str(film_id) for film_id in on_articles}


def test_a_doubtful_link_waits_for_the_operator_and_accepted_alerts(house: Store, say: Say) -> None:
    desk = build_desk(house)
    fetch(house, [entry(1, "Lorries at the fish market")], at=NOW, desk=desk)
    with house.write() as tx:
        raise_doubts(tx, [doubtful_edit(tx)], now=NOW)
        raise_doubts(tx, [doubtful_edit(tx)], now=NOW)
    [question] = json.loads(say("review", "list", "--json"))
    assert (question["cause"], question["film_id"], question["score"]) == ("link", "night-ferry", 0.42)
    assert told(house) == {}
    assert "story 2 corrected" in say("review", "accept", str(question["review_id"]))
    settle(desk)
    assert told(house) == {"ferry": "pending"}
    assert json.loads(say("review", "list", "--json")) == []
    assert "was accepted" in say("review", "reject", str(question["review_id"]))
    assert "no review 99" in say("review", "accept", "99")


@pytest.mark.parametrize(("verdict", "state"), [("accept", "cancelled"), ("reject", "pending")])
def test_a_readers_doubt_is_decided(house: Store, say: Say, verdict: str, state: str) -> None:
    fetch(house, [JOINS], at=NOW)
    with house.write() as tx:
        for reader in ("mail-1", "mail-2"):
            doubt = Doubt(
                story_id=StoryId(2), film_id=SALT.film_id, endpoint_id=EndpointId(reader), doubted_at=datetime.now(UTC)
            )
            add_doubt(tx, doubt)
    [question] = json.loads(say("review", "list", "--json"))
    assert (question["cause"], question["said_by"], question["film_title"]) == ("reader", "mail-1", SALT.title)
    say("review", verdict, str(question["review_id"]), "--note", "it is a boat")
    assert told(house) == {"salt": state}
    assert json.loads(say("review", "list", "--json")) == []


def test_what_nobody_decides_expires(house: Store) -> None:
    fetch(house, [entry(1, "Lorries at the fish market")], at=NOW)
    with house.write() as tx:
        raise_doubts(tx, [doubtful_edit(tx)], now=NOW)
        assert expire_reviews(tx, now=NOW + timedelta(days=29)) == 0
        assert expire_reviews(tx, now=NOW + timedelta(days=31)) == 1
        assert open_reviews(tx, limit=9) == []


def test_a_title_that_keeps_appearing_is_suggested_and_accepted_is_tagged(house: Store, say: Say) -> None:
    desk = build_desk(house)
    news = ["joins the cast of sea thriller ‘Low Tide’", "joins the cast of new movie ‘Low Tide’ as Alma"]
    for n, words in enumerate(news, start=1):
        name = ("Petra Halloran", "Simon Ashgrove")[n - 1]
        fetch(house, [entry(n, f"{name} {words}")], at=NOW + timedelta(days=n), desk=desk)
    with house.write() as tx:
        for n, day in ((1, 1), (2, 2)):
            note_titles(tx, [(sighted(n, day), title("Low Tide")), (sighted(n, day), title("Series X"))], now=NOW)
    listed = json.loads(say("films", "suggestions", "--json"))
    assert [s["title"] for s in listed] == ["Low Tide", "Series X"]
    assert {(s["article_count"], len(s["days"])) for s in listed} == {(2, 2)}
    say("films", "dismiss", str(listed[1]["suggestion_id"]))
    assert "low-tide-2027" in say("films", "accept", str(listed[0]["suggestion_id"]), "--year", "2027")
    with house.write() as tx:
        note_titles(tx, [(sighted(3, 3), title("Series X"))], now=NOW)
    assert json.loads(say("films", "suggestions", "--json")) == []
    fetch(house, [entry(9, "‘Low Tide’ casts a lighthouse keeper")], at=NOW, desk=desk)
    with house.read() as tx:
        assert any(tag.ref == "low-tide-2027" for story in latest_stories(tx, limit=9) for tag in story.story.tags)
    assert "no suggestion 99" in say("films", "accept", "99")


def sighted(number: int, day: int) -> Article:
    return article(f"Item {number}", url=f"https://ledger.example/s{number}", event_at=NOW + timedelta(days=day))


def title(name: str) -> UnknownTitle:
    return UnknownTitle(name, name.casefold(), f"‘{name}’ trailer", None, ())


def doubtful_edit(tx: Session, number: int = 2) -> Edit:
    """What the desk makes of a story when it may be about Night Ferry."""
    detail = story_detail(tx, StoryId(number))
    assert detail is not None
    doubt = Tag(kind=TagKind.FILM, ref="night-ferry", score=0.42, evidence=(Evidence(field="title", words="Ferry"),))
    return Edit(
        entry_id=EntryId(0),
        article=detail.articles[-1].article,
        tagging=Tagging(is_production_news=True, production_score=0.9, doubts=(doubt,)),
        story=detail.view.story,
    )


def subscription_on_news() -> Subscription:
    return Subscription(
        subscription_id=SubscriptionId("news"),
        name="News",
        films=(SALT.film_id,),
        endpoints=(HOOK.endpoint_id,),
    )


def settle(desk: Desk) -> None:
    while desk.edit_batch(lambda: NOW + timedelta(minutes=1)):
        pass
