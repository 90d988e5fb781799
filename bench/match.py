"""One story against 100,000 subscriptions: the index beside a plain scan of all of them, in one run.

`python -m bench.match` invents a catalogue, subscriptions and stories (the same each time), asks both for the same
answers, and prints what each takes in CPU time, so that a busy machine says the same as an idle one. `--gate` exits 1
unless the index keeps its floors.
"""

import argparse
import random
import statistics
import sys
import time
from datetime import UTC, datetime

from core.matching import SubscriptionIndex, condition_of
from core.query import Query, read_facts
from core.values import (
    Article,
    ArticleId,
    FilmId,
    Publisher,
    PublisherSlug,
    Salience,
    Story,
    StoryId,
    Subscription,
    SubscriptionId,
    Tag,
    TagKind,
    Tier,
    TopicSlug,
)
from scheduler.desk import uncollected
from scheduler.output import console

_NOW = datetime(2026, 3, 14, 9, 0, tzinfo=UTC)
_FILMS, _TOPICS, _OUTLETS, _WORDS, _PEOPLE = 5_000, 30, 80, 20_000, 3_000
_MAX_P50_US, _MIN_SPEEDUP = 600.0, 40.0
_SCANNED = 20  # stories put to the plain scan; it is slow


def invent_subscriptions(count: int, dice: random.Random) -> list[Subscription]:
    """Half ask for films, a quarter by query, the rest for words, people, outlets and topics together."""
    return [_invent_subscription(number, dice) for number in range(count)]


def _invent_subscription(number: int, dice: random.Random) -> Subscription:
    name, kind = SubscriptionId(f"s{number}"), dice.random()
    film, topic = _film(dice), f"topic-{dice.randrange(_TOPICS)}"
    if kind < 0.35:
        return Subscription(subscription_id=name, name=name, films=(FilmId(film),))
    if kind < 0.5:
        return Subscription(
            subscription_id=name, name=name, films=(FilmId(film), FilmId(_film(dice))), topics=(TopicSlug(topic),)
        )
    if kind < 0.6:
        return Subscription(
            subscription_id=name, name=name, words=(f"{_word(dice)} {_word(dice)}", f"last{dice.randrange(_PEOPLE)}")
        )
    query = dice.choice((
        f"film:{film} AND NOT {_word(dice)}",
        f"(film:{film} OR {_person(dice)}) AND topic:{topic}",
        f"{_person(dice)} AND NOT (rumour OR {_word(dice)})",
        f"topic:{topic} AND outlet:outlet-{dice.randrange(_OUTLETS)} AND ({_word(dice)} OR {_word(dice)})",
        f"confirmed:yes AND (film:{film} OR film:{_film(dice)}) AND NOT topic:{topic}",
    ))  # fmt: skip
    return Subscription(subscription_id=name, name=name, query=query)


def _film(dice: random.Random) -> str:
    """A few films are on every lip: the first of 5,000 is chosen by 1.4 %, the middle one by 0.01 %."""
    return f"film-{int(_FILMS * dice.random() ** 2)}"


def _word(dice: random.Random) -> str:
    """A word somebody asks for: none is asked for more than another."""
    return f"w{dice.randrange(_WORDS)}x"


def _said(dice: random.Random) -> str:
    """A word of a text, by Zipf's law."""
    return f"w{int(_WORDS ** dice.random())}x"


def _person(dice: random.Random) -> str:
    return f'person:"first{dice.randrange(200)} last{dice.randrange(_PEOPLE)}"'


def invent_story(number: int, dice: random.Random) -> tuple[Story, Article]:
    """An article of 300 words on one film, with a second film and two topics, as the desk would tag it."""
    words = [_said(dice) for _ in range(300)]
    words[40:42] = [f"first{dice.randrange(200)}", f"last{dice.randrange(_PEOPLE)}"]
    outlet = f"outlet-{dice.randrange(_OUTLETS)}"
    article = Article(
        article_id=ArticleId(number),
        canonical_url=f"https://{outlet}.example/{number}",
        url=f"https://{outlet}.example/{number}",
        publisher=Publisher(slug=PublisherSlug(outlet), name=outlet, tier=dice.choice(list(Tier))),
        title=" ".join(words[:10]),
        summary=" ".join(words[10:40]),
        text=" ".join(words[40:]),
        first_seen_at=_NOW,
        event_at=_NOW,
    )
    tags = [
        Tag(kind=TagKind.FILM, ref=_film(dice), score=0.9),
        Tag(kind=TagKind.FILM, ref=_film(dice), score=0.5, salience=Salience.MENTIONS),
        *(Tag(kind=TagKind.TOPIC, ref=f"topic-{dice.randrange(_TOPICS)}", score=0.8) for _ in range(2)),
    ]
    story = Story(
        story_id=StoryId(number),
        title=article.title,
        url=article.url,
        outlet=outlet,
        first_article_id=article.article_id,
        lead_article_id=article.article_id,
        created_at=_NOW,
        updated_at=_NOW,
        is_production_news=True,
        tags=tuple(tags),
    )
    return story, article


def scan(standing: list[tuple[Subscription, Query | None]], story: Story, article: Article) -> list[str]:
    """The plain way: read the story once, ask every subscription."""
    facts = read_facts(story, article)
    return sorted(
        subscription.subscription_id
        for subscription, condition in standing
        if article.publisher.tier.weight >= subscription.min_tier.weight
        and (condition is None or condition.holds(facts, subscription.saliences))
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subscriptions", type=int, default=100_000)
    parser.add_argument("--stories", type=int, default=400)
    parser.add_argument("--gate", action="store_true")
    options = parser.parse_args()
    dice = random.Random(7)
    subscriptions = invent_subscriptions(options.subscriptions, dice)
    stories = [invent_story(number, dice) for number in range(1, options.stories + 1)]
    started = time.thread_time()
    with uncollected():
        index = SubscriptionIndex(subscriptions)
    built = time.thread_time() - started
    took, answers = _time_index(index, stories)
    standing = [(subscription, condition_of(subscription)) for subscription in subscriptions]
    scanned = _time_scan(standing, stories[:_SCANNED], answers)
    p50, p99 = statistics.median(took), statistics.quantiles(took, n=100)[98]
    speedup = statistics.median(scanned) / p50
    console.print(f"{len(subscriptions):,} subscriptions indexed in {built:.1f} s; {len(stories)} stories")
    console.print(
        f"index: p50 {p50:.0f} µs, p99 {p99:.0f} µs, {statistics.mean(map(len, answers)):.0f} matches a story"
    )
    console.print(f"scan:  p50 {statistics.median(scanned):,.0f} µs; the index is {speedup:.0f} times as fast")
    if options.gate and (p50 > _MAX_P50_US or speedup < _MIN_SPEEDUP):
        sys.exit(f"the floors are {_MAX_P50_US:.0f} µs and {_MIN_SPEEDUP:.0f} times")


def _time_index(index: SubscriptionIndex, stories: list[tuple[Story, Article]]) -> tuple[list[float], list[list[str]]]:
    took, answers = [], []
    for story, article in stories:
        started = time.thread_time()
        found = index.match(story, article)
        took.append((time.thread_time() - started) * 1e6)
        answers.append([subscription.subscription_id for subscription, _ in found])
    return took, [list(map(str, answer)) for answer in answers]


def _time_scan(
    standing: list[tuple[Subscription, Query | None]], stories: list[tuple[Story, Article]], answers: list[list[str]]
) -> list[float]:
    took = []
    for (story, article), answer in zip(stories, answers, strict=False):
        started = time.thread_time()
        found = scan(standing, story, article)
        took.append((time.thread_time() - started) * 1e6)
        if found != answer:
            sys.exit(f"story {story.story_id}: the index found {answer}, the scan {found}")
    return took


if __name__ == "__main__":
    main()
