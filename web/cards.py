"""Shapes what the store returns into what a story page shows. Pure; the templates only place it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, groupby
from operator import itemgetter
from typing import Literal

from core.composing import say_correction
from core.facts.telling import say_fact
from core.values import (
    Article,
    ArticleId,
    CorrectionKind,
    DeliveryState,
    EventType,
    Evidence,
    Fact,
    Publisher,
    PublisherSlug,
    Salience,
    Story,
    StoryId,
    Tag,
    Tier,
)
from store.views import ArticleView, CorrectionView, DeliveryView, MatchView, StoryDetail, StoryView
from web.words import EVENTS, STATES, join_words, masked_address, say_day

# A reader takes in this many outlets at a glance; the story page names all.
OUTLETS_ON_CARD = 4

DeliveryTone = Literal["good", "bad", ""]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    name: str
    tier: Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmChip:
    id: str
    title: str
    is_mention: bool
    score: float
    evidence: tuple[Evidence, ...]

    @property
    def words(self) -> tuple[str, ...]:
        return distinct_words(self.evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicChip:
    slug: str
    name: str
    score: float
    evidence: tuple[Evidence, ...]

    @property
    def words(self) -> tuple[str, ...]:
        return distinct_words(self.evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class FactLine:
    """A fact as a reader meets it: what it says of which film, how sure that is, and the sentence behind it."""

    says: str
    film: str
    certainty: str
    sentence: str
    outlet: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryCard:
    """A story as a reader meets it. `outlets` holds the most credible first; `more_outlets` counts the others."""

    id: StoryId
    title: str
    url: str
    outlet: str
    summary: str
    created_at: datetime
    updated_at: datetime
    is_production: bool
    is_backlog: bool
    article_count: int
    outlet_count: int
    first_outlet: str
    outlets: tuple[Outlet, ...]
    films: tuple[FilmChip, ...]
    topics: tuple[TopicChip, ...]

    @property
    def more_outlets(self) -> int:
        return max(0, self.outlet_count - len(self.outlets))


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleCard:
    """An article, why it stands where it stands, and its part in the story; `copies` are its duplicates, in order."""

    id: ArticleId
    title: str
    url: str
    author: str
    language: str
    is_paywalled: bool
    outlet: Outlet
    at: datetime
    why: str
    part: str
    copies: tuple["ArticleCard", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionCard:
    """A late decision in one sentence; `other` is the story it names beside this one, 0 where that is merged away."""

    sentence: str
    other: StoryId
    at: datetime
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryCard:
    address: str
    state: str
    tone: DeliveryTone
    event: str
    story_id: StoryId | None
    title: str
    created_at: datetime
    at: datetime | None
    next_attempt_at: datetime | None
    attempt_count: int
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertCard:
    """What one subscription was told of one kind of event, why, and to whom it went."""

    subscription: str
    event: str
    reasons: tuple[str, ...]
    deliveries: tuple[DeliveryCard, ...]


def distinct_words(evidence: Iterable[Evidence]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found.words for found in evidence))


def make_card(view: StoryView, publishers: Mapping[str, Publisher]) -> StoryCard:
    """`publishers` by name."""
    story = view.story
    tags = {tag.ref: tag for tag in story.tags}
    return StoryCard(
        id=story.story_id,
        title=story.title or story.url,
        url=story.url,
        outlet=story.outlet,
        summary=story.summary,
        created_at=story.created_at,
        updated_at=story.updated_at,
        is_production=story.is_production_news,
        is_backlog=story.is_backlog,
        article_count=story.article_count,
        outlet_count=story.outlet_count,
        first_outlet=story.first_outlet,
        outlets=rank_outlets(view.outlets, publishers)[:OUTLETS_ON_CARD],
        films=tuple(_film_chip(id_, title, salience, tags.get(id_)) for id_, title, salience in view.films),
        topics=tuple(_topic_chip(slug, name, tags.get(slug)) for slug, name in view.topics),
    )


def rank_outlets(names: Iterable[str], publishers: Mapping[str, Publisher]) -> tuple[Outlet, ...]:
    """The most credible first, equals in the given order. An outlet we no longer know counts as press."""
    outlets = (Outlet(name=name, tier=_tier_of(name, publishers)) for name in dict.fromkeys(names))
    return tuple(sorted(outlets, key=lambda outlet: -outlet.tier.weight))


def _tier_of(name: str, publishers: Mapping[str, Publisher]) -> Tier:
    return publishers[name].tier if name in publishers else Tier.PRESS


def by_name(publishers: Mapping[PublisherSlug, Publisher]) -> dict[str, Publisher]:
    """Index publishers by name; of two with one name the less credible counts."""
    ranked = sorted(publishers.values(), key=lambda publisher: -publisher.tier.weight)
    return {publisher.name: publisher for publisher in ranked}


def _film_chip(film_id: str, title: str, salience: Salience, tag: Tag | None) -> FilmChip:
    return FilmChip(
        id=film_id,
        title=title,
        is_mention=salience is Salience.MENTIONS,
        score=tag.score if tag else 0.0,
        evidence=tag.evidence if tag else (),
    )


def _topic_chip(slug: str, name: str, tag: Tag | None) -> TopicChip:
    return TopicChip(slug=slug, name=name, score=tag.score if tag else 0.0, evidence=tag.evidence if tag else ())


def split_days(cards: Sequence[StoryCard], now: datetime) -> list[tuple[str, list[StoryCard]]]:
    """Put cards under the names of their UTC days, keeping their order.

    A card newer than the day above it stays under that day, so no day is named twice.
    """
    earliest = accumulate((card.created_at for card in cards), min)
    named = zip((say_day(at, now) for at in earliest), cards, strict=True)
    return [(day, [card for _, card in group]) for day, group in groupby(named, key=itemgetter(0))]


def make_article_cards(detail: StoryDetail) -> tuple[ArticleCard, ...]:
    """The story's articles, oldest first, each with its copies. A copy of a copy stands with the article."""
    origins = {view.article.article_id: view.article.article_id for view in detail.articles}
    copies: dict[ArticleId, list[ArticleView]] = {}
    for view in detail.duplicates:
        wanted = view.duplicate.article_id if view.duplicate else view.article.article_id
        origin = origins.setdefault(view.article.article_id, origins.get(wanted, wanted))
        copies.setdefault(origin, []).append(view)
    story = detail.view.story
    return tuple(_article_card(view, copies.get(view.article.article_id, []), story) for view in detail.articles)


def _article_card(view: ArticleView, copies: Sequence[ArticleView], story: Story) -> ArticleCard:
    article = view.article
    return ArticleCard(
        id=article.article_id,
        title=article.title or article.url,
        url=article.url,
        author=article.author,
        is_paywalled=article.is_paywalled,
        language=article.language if article.language.replace("-", "").isalnum() else "",
        outlet=Outlet(name=article.publisher.name, tier=article.publisher.tier),
        at=article.event_at,
        why=explain_place(view),
        part=name_part(article.article_id, story),
        copies=tuple(_article_card(copy, (), story) for copy in copies),
    )


def make_fact_lines(detail: StoryDetail) -> tuple[FactLine, ...]:
    """The facts of a story in the order they were told, each with the article that states it, if it is still there."""
    titles = {film_id: title for film_id, title, _ in detail.view.films}
    articles = {view.article.article_id: view.article for view in (*detail.articles, *detail.duplicates)}
    return tuple(_fact_line(fact, titles.get(fact.film_id, fact.film_id), articles) for fact in detail.view.story.facts)


def _fact_line(fact: Fact, film: str, articles: Mapping[ArticleId, Article]) -> FactLine:
    article = articles.get(fact.article_id)
    says = say_fact(fact).removeprefix(f"{fact.certainty.value}: ")
    return FactLine(
        says=_as_sentence(says),
        film=film,
        certainty=fact.certainty.value,
        sentence=fact.sentence,
        outlet=article.publisher.name if article else "",
        url=article.url if article else "",
    )


def name_part(article_id: ArticleId, story: Story) -> str:
    """Say what the article is to a story of several: its first report, the one its headline is from, or nothing."""
    is_first, leads = article_id == story.first_article_id, article_id == story.lead_article_id
    if story.article_count == 1 or not (is_first or leads):
        return ""
    return join_words([words for words, holds in (("first report", is_first), ("headline", leads)) if holds])


def explain_place(view: ArticleView) -> str:
    """Say why an article is in its story, or why it is a duplicate, with the score behind it."""
    if view.duplicate:
        return f"{_as_sentence(view.duplicate.reason or 'the same text')} ({view.duplicate.score:.2f})"
    if view.assignment is None:
        return ""
    reasons = _as_sentence(join_words(view.assignment.reasons) or "opened the story")
    return f"{reasons} (score {view.assignment.score:.2f})"


def _as_sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def make_correction_cards(detail: StoryDetail) -> tuple[CorrectionCard, ...]:
    """What was put together or taken apart here, oldest first."""
    return tuple(_correction_card(view, detail.view.story.story_id) for view in detail.corrections)


def _correction_card(view: CorrectionView, story_id: StoryId) -> CorrectionCard:
    made = view.correction
    other = made.other_id if made.story_id == story_id else made.story_id
    return CorrectionCard(
        sentence=_as_sentence(say_correction(made)),
        other=other if made.kind is CorrectionKind.SPLIT else StoryId(0),
        at=view.corrected_at,
        reasons=tuple(filter(None, (made.note, *made.reasons))),
    )


def make_alert_cards(detail: StoryDetail) -> tuple[AlertCard, ...]:
    """One card a subscription and event, in the order of the first match."""
    groups: dict[tuple[str, EventType], list[MatchView]] = {}
    for view in detail.matches:
        groups.setdefault((view.match.subscription_id, view.match.event), []).append(view)
    return tuple(_alert_card(views, detail.deliveries) for views in groups.values())


def _alert_card(matches: Sequence[MatchView], deliveries: Iterable[DeliveryView]) -> AlertCard:
    first = matches[0]
    key = (first.match.subscription_id, first.match.event)
    return AlertCard(
        subscription=first.subscription_name,
        event=EVENTS[first.match.event],
        reasons=tuple(dict.fromkeys(reason for view in matches for reason in explain_match(view))),
        deliveries=tuple(
            make_delivery_card(view) for view in deliveries if (view.subscription_id, view.delivery.event) == key
        ),
    )


def explain_match(view: MatchView) -> tuple[str, ...]:
    development = view.match.development if view.match.event is EventType.STORY_UPDATED else ""
    kind, _, ref = development.partition(":")
    new = ref.partition(":")[2] if kind == "fact" else development.replace(":", " ")
    return (*view.match.reasons, *((f"new: {new}",) if development else ()))


def make_delivery_card(view: DeliveryView) -> DeliveryCard:
    delivery = view.delivery
    is_open = delivery.state in (DeliveryState.PENDING, DeliveryState.RETRYING)
    return DeliveryCard(
        address=masked_address(delivery.endpoint.kind, delivery.endpoint.address),
        state=STATES[delivery.state],
        tone=judge_state(delivery.state),
        event=EVENTS[delivery.event],
        story_id=delivery.story_id,
        title=view.story_title,
        created_at=delivery.created_at,
        at=view.finished_at,
        next_attempt_at=delivery.next_attempt_at if is_open else None,
        attempt_count=delivery.attempt_count,
        error=hide_address(view) if delivery.state is not DeliveryState.DELIVERED else "",
    )


def hide_address(view: DeliveryView) -> str:
    """Return the last attempt's words with the endpoint's address masked, should they repeat it."""
    endpoint = view.delivery.endpoint
    return view.last_words.replace(endpoint.address, masked_address(endpoint.kind, endpoint.address))


def judge_state(state: DeliveryState) -> DeliveryTone:
    if state in (DeliveryState.RETRYING, DeliveryState.UNDELIVERABLE):
        return "bad"
    return "good" if state is DeliveryState.DELIVERED else ""
