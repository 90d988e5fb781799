"""The desk: one consumer that takes what is pending, judges it in memory and stores it with what it owes, at once."""

import gc
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from core.dedupe.duplicates import DuplicateIndex
from core.dedupe.stories import StoryIndex
from core.editing import Editor, Recollection, Remembered, TextTagger, Windows
from core.tagging.tagger import Tagger, plain_words_of
from core.timing import CAP_WINDOW, Plan, find_mute, plan_delivery
from core.unknown import UnknownTitle, UnknownTitles
from core.urls import canonical_url
from core.values import (
    Article,
    ArticleId,
    Correction,
    Delivery,
    DeliveryId,
    DeliveryState,
    Edit,
    Endpoint,
    EndpointId,
    Entry,
    Film,
    FilmId,
    Match,
    MatchId,
    Salience,
    Story,
    StoryId,
    Subscription,
    SubscriptionId,
    Tagging,
    Topic,
    TopicSlug,
)
from core.webhooks import build_payload
from store.corrections import (
    corrections_since,
    hold_corrections,
    last_correction,
    mark_told,
    stories_of,
    untold_splits,
)
from store.deliveries import add_deliveries
from store.digests import told_counts
from store.engine import Session, Store
from store.entries import pending_entries
from store.feedback import loud_articles, mark_feedback_told, untold_feedback
from store.films import all_films, all_topics
from store.history import quiet_reasons
from store.meta import catalogue_version, config_version
from store.reviews import raise_doubts
from store.stories import (
    known_urls,
    load_some,
    load_window,
    next_ids,
    save_edits,
    save_matches,
    some_stories,
    story_detail,
)
from store.subscriptions import all_endpoints, all_subscriptions
from store.suggestions import note_titles
from store.views import Window
from store.window import load_heard, load_told
from store.words import feedback_mark, hold_feedback

BATCH = 500
_CLOCK_SLACK = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """The trained weights the desk judges with, as the configuration loads them."""

    stories: Mapping[str, Any] | None
    tags: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """What the operator gave the desk to work with, at one version of the configuration."""

    version: int
    catalogue: int
    films: Mapping[FilmId, Film]
    topics: Mapping[TopicSlug, Topic]
    subscriptions: Mapping[SubscriptionId, Subscription]
    endpoints: Mapping[EndpointId, Endpoint]


@dataclass(frozen=True, slots=True)
class _News:
    """Why somebody is told: the match, the article that made it, and its story."""

    match: Match
    article: Article
    story: Story


class _CorrectedMeanwhile(Exception):  # noqa: N818 - nothing failed: the batch is judged again
    """The operator merged or split stories, or corrected tags, while a batch was judged."""


def build_editor(
    *,
    tagger: TextTagger,
    subscriptions: Iterable[Subscription],
    windows: Windows,
    models: Models,
    ids: tuple[ArticleId, StoryId] = (ArticleId(1), StoryId(1)),
) -> Editor:
    """Put the judgement together; the service and the backtest use the same."""
    article_id, story_id = ids
    return Editor(
        tagger=tagger,
        duplicates=DuplicateIndex(),
        stories=StoryIndex(window=windows.story, model=models.stories),
        subscriptions=subscriptions,
        windows=windows,
        next_article_id=article_id,
        next_story_id=story_id,
    )


class Desk:
    """Edits pending entries in batches. Whoever runs it holds the desk lock; a failed batch leaves nothing behind."""

    def __init__(
        self, store: Store, *, models: Models, windows: Windows, text_patience: timedelta, base_url: str
    ) -> None:
        self._store = store
        self._models = models
        self._windows = windows
        self._text_patience = text_patience
        self._base_url = base_url
        self._editor: Editor | None = None
        self._vocabulary: Vocabulary | None = None
        self._prepared_at: datetime | None = None
        self._feedback_mark = 0
        self._unknown = UnknownTitles(())
        self._last_correction = 0
        self._last_told_split = 0

    def edit_batch(self, now: Callable[[], datetime]) -> int:
        """Tell of what was split since, then edit up to one batch of what is pending.

        Return how much was done; 0 when there was nothing to do. Raises StoreError.
        """
        with self._store.read() as tx:
            editor, vocabulary = self._prepare(tx, now())
            entries = pending_entries(tx, limit=BATCH, now=now(), text_patience=self._text_patience)
            editor.know_urls(known_urls(tx, _addresses(entries)))
            corrected = untold_feedback(tx)
        try:
            self._tell_corrected(editor, corrected, vocabulary, now())
            split_count = self._tell_splits(editor, vocabulary, now())
            if entries:
                self._save([editor.edit(entry) for entry in entries], vocabulary, now())
        except _CorrectedMeanwhile:
            self._editor = None
            return 1
        except BaseException:  # also when the thread is told to stop
            self._editor = None  # its memory is ahead of the store: rebuild before the next batch
            raise
        return len(corrected) + split_count + len(entries)

    def _prepare(self, tx: Session, now: datetime) -> tuple[Editor, Vocabulary]:
        if self._prepared_at is not None and now < self._prepared_at - _CLOCK_SLACK:
            self._editor = None  # the clock was ahead: what was forgotten then is remembered again
        self._prepared_at = now
        vocabulary = self._refresh_vocabulary(tx)
        latest, words = last_correction(tx), feedback_mark(tx)
        if self._editor is None or words != self._feedback_mark:
            with uncollected():
                self._editor = self._rebuild(tx, vocabulary, now)
        elif latest != self._last_correction:
            self._take_corrections(tx, self._editor, now)
        self._last_correction, self._feedback_mark = latest, words
        return self._editor, vocabulary

    def _refresh_vocabulary(self, tx: Session) -> Vocabulary:
        """Load what has changed, and hand it to the editor without touching the editor's memory."""
        known, version = self._vocabulary, config_version(tx)
        if known is not None and known.version == version:
            return known
        with uncollected():
            fresh = _load_vocabulary(tx, version, known)
            if known is None or known.catalogue != fresh.catalogue:
                self._unknown = UnknownTitles(fresh.films.values(), plain_words_of(self._models.tags))
            if self._editor is not None and known is not None:
                if known.subscriptions != fresh.subscriptions:
                    self._editor.subscribe(fresh.subscriptions.values())
                if known.catalogue != fresh.catalogue:
                    self._editor.retag(self._build_tagger(fresh))
        self._vocabulary = fresh
        return fresh

    def _build_tagger(self, vocabulary: Vocabulary) -> Tagger:
        films, topics = vocabulary.films.values(), vocabulary.topics.values()
        return Tagger(films=films, topics=topics, model=self._models.tags)

    def _rebuild(self, tx: Session, vocabulary: Vocabulary, now: datetime) -> Editor:
        editor = build_editor(
            tagger=self._build_tagger(vocabulary),
            subscriptions=vocabulary.subscriptions.values(),
            windows=self._windows,
            models=self._models,
            ids=next_ids(tx),
        )
        editor.remember(_recollect(load_window(tx, since=self._reach(now))))
        return editor

    def _take_corrections(self, tx: Session, editor: Editor, now: datetime) -> None:
        """Let the editor's memory follow what the operator merged and split."""
        made = [view.correction for view in corrections_since(tx, self._last_correction)]
        touched = {story_id for one in made for story_id in (one.story_id, one.other_id)}
        kept = _recollect(load_some(tx, touched, since=self._reach(now)))
        editor.correct(kept, gone=touched - kept.stories.keys(), next_story_id=next_ids(tx)[1])

    def _reach(self, now: datetime) -> datetime:
        return now - self._windows.duplicate - timedelta(days=1)

    def _tell_corrected(
        self, editor: Editor, story_ids: Sequence[StoryId], vocabulary: Vocabulary, now: datetime
    ) -> None:
        """Tell those who were not told of a story because its tags were wrong, in the transaction that notes it."""
        if not story_ids:
            return
        with self._writing() as tx:
            found = some_stories(tx, story_ids)
            news = [item for story in found for item in self._match_corrected(tx, editor, story, now)]
            self._owe(tx, news, save_matches(tx, [item.match for item in news], now=now), vocabulary, now)
            mark_feedback_told(tx, story_ids, now=now)

    def _match_corrected(self, tx: Session, editor: Editor, story: Story, now: datetime) -> Iterator[_News]:
        told = load_told(tx, story.story_id)
        for article in loud_articles(tx, story.story_id):
            if now - article.event_at <= self._windows.alert:
                for match in editor.match_again(story, told, article):
                    yield _News(match, article, story)

    def _tell_splits(self, editor: Editor, vocabulary: Vocabulary, now: datetime) -> int:
        """Tell of what was split since, in the transaction that marks it told; return how many splits."""
        if self._last_told_split == self._last_correction:
            return 0
        with self._writing() as tx:
            views = untold_splits(tx)
            for view in views:
                news = list(_find_split_news(tx, editor, view.correction, now))
                self._owe(tx, news, save_matches(tx, [item.match for item in news], now=now), vocabulary, now)
            mark_told(tx, [view.correction_id for view in views], now=now)
        self._last_told_split = self._last_correction
        return len(views)

    def _save(self, edits: list[Edit], vocabulary: Vocabulary, now: datetime) -> None:
        with self._writing() as tx:
            matches = save_edits(tx, edits, now=now)
            self._owe(tx, [item for edit in edits for item in _news_of(edit)], matches, vocabulary, now)
            raise_doubts(tx, edits, now=now)
            note_titles(tx, self._find_titles(edits), now=now)
            last = last_correction(tx)
        self._last_correction = self._last_told_split = last

    def _find_titles(self, edits: Iterable[Edit]) -> Iterator[tuple[Article, UnknownTitle]]:
        """Find titles of no catalogue in new production news that is about no film we know."""
        for edit in edits:
            if edit.article and edit.story and not edit.quiet_reason and edit.tagging and _lacks_film(edit.tagging):
                yield from ((edit.article, title) for title in self._unknown.find(edit.article))

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        """Write unless stories or tags were corrected since the memory was brought up to date; none are meanwhile."""
        with self._store.write() as tx:
            if (hold_corrections(tx), hold_feedback(tx)) != (self._last_correction, self._feedback_mark):
                raise _CorrectedMeanwhile
            yield tx

    def _owe(
        self,
        tx: Session,
        news: Iterable[_News],
        matches: Sequence[tuple[MatchId, Match]],
        vocabulary: Vocabulary,
        now: datetime,
    ) -> None:
        capped = {name for name in {m.subscription_id for _, m in matches} if _is_capped(vocabulary, name)}
        told = Counter(told_counts(tx, capped, since=now - CAP_WINDOW, until=now))
        by_match = {id(item.match): item for item in news}
        owed = [(match_id, by_match[id(match)]) for match_id, match in matches]
        add_deliveries(tx, list(self._owed(owed, vocabulary, told, now)))

    def _owed(
        self,
        news: Iterable[tuple[MatchId, _News]],
        vocabulary: Vocabulary,
        told: Counter[tuple[SubscriptionId, EndpointId]],
        now: datetime,
    ) -> Iterable[tuple[MatchId, Delivery]]:
        for match_id, item in news:
            match, subscription = item.match, vocabulary.subscriptions[item.match.subscription_id]
            mute = find_mute(subscription.mutes, item.story, at=now)
            payload = self._payload(item, subscription, vocabulary, now)
            for endpoint_id in subscription.endpoints:
                key = subscription.subscription_id, endpoint_id
                plan = plan_delivery(subscription.timing, at=now, told_count=told[key])
                told[key] += plan.hold is None and not mute
                yield match_id, _delivery(vocabulary.endpoints[endpoint_id], match, payload, plan, mute, now)

    def _payload(self, item: _News, subscription: Subscription, vocabulary: Vocabulary, now: datetime) -> str:
        return build_payload(
            event=item.match.event,
            at=now,
            story=item.story,
            article=item.article,
            subscription=subscription,
            match=item.match,
            films=vocabulary.films,
            topics=vocabulary.topics,
            base_url=self._base_url,
        )


def _lacks_film(tagging: Tagging) -> bool:
    return tagging.is_production_news and not any(tag.salience is Salience.ABOUT for tag in tagging.films)


@contextmanager
def uncollected() -> Iterator[None]:
    """Build much that stays without looking through it for garbage again and again, which takes half of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _recollect(window: Window) -> Recollection:
    known = [
        Remembered(
            article=a.article,
            tagging=a.tagging,
            story_id=a.story_id,
            strand_id=a.strand_id,
            duplicate_of=a.duplicate_of,
        )
        for a in window.articles
    ]
    return Recollection(articles=known, stories=window.stories, told=window.told, sides=window.sides)


def _find_split_news(tx: Session, editor: Editor, split: Correction, now: datetime) -> Iterator[_News]:
    """Find who heard of one part of a split story only, and asked for the other part too."""
    parts = split.rest_ids, split.article_ids
    for ours, theirs in (parts, parts[::-1]):
        heard = load_heard(tx, theirs)
        for story_id in sorted(stories_of(tx, ours) - stories_of(tx, theirs)):
            detail, quiet = story_detail(tx, story_id), quiet_reasons(tx, ours)
            assert detail is not None
            found = (known.article for known in detail.articles)
            loud = [article for article in found if article.article_id in ours and article.article_id not in quiet]
            story, told = detail.view.story, load_told(tx, story_id)
            for article, match in editor.announce(story, told, loud, heard=heard, now=now):
                yield _News(match, article, story)


def _news_of(edit: Edit) -> Iterator[_News]:
    for match in edit.matches:
        assert edit.article is not None
        assert edit.story is not None
        yield _News(match, edit.article, edit.story)


def _load_vocabulary(tx: Session, version: int, known: Vocabulary | None) -> Vocabulary:
    """Load subscriptions and endpoints; films and topics as well, unless they are as `known`."""
    catalogue = catalogue_version(tx)
    subscriptions = {s.subscription_id: s for s in all_subscriptions(tx)}
    endpoints = {e.endpoint_id: e for e in all_endpoints(tx)}
    if known is not None and known.catalogue == catalogue:
        return replace(known, version=version, subscriptions=subscriptions, endpoints=endpoints)
    return Vocabulary(
        version=version,
        catalogue=catalogue,
        films={film.film_id: film for film in all_films(tx)},
        topics={topic.slug: topic for topic in all_topics(tx)},
        subscriptions=subscriptions,
        endpoints=endpoints,
    )


def _delivery(endpoint: Endpoint, match: Match, payload: str, plan: Plan, mute: str, now: datetime) -> Delivery:
    """Return what is owed. The id is random, so that one told before a restored backup is never taken for another.

    An endpoint that was disabled is owed nothing, nor is one whose subscription muted the story: what it missed stands
    in the record as cancelled, and `setwire deliveries redeliver` still sends it.
    """
    disabled = f"endpoint disabled: {endpoint.disabled_reason}" if endpoint.disabled_at else ""
    planned = DeliveryState.HELD if plan.hold else DeliveryState.PENDING
    return Delivery(
        delivery_id=DeliveryId(f"msg_{secrets.token_hex(16)}"),
        endpoint=endpoint,
        event=match.event,
        story_id=match.story_id,
        payload=payload,
        state=DeliveryState.CANCELLED if disabled or mute else planned,
        attempt_count=0,
        created_at=now,
        next_attempt_at=plan.release_at,
        subscription_id=match.subscription_id,
        hold=plan.hold,
        state_reason=disabled or mute or plan.reason,
    )


def _is_capped(vocabulary: Vocabulary, subscription_id: SubscriptionId) -> bool:
    return vocabulary.subscriptions[subscription_id].timing.cap_per_hour > 0


def _addresses(entries: Iterable[Entry]) -> set[str]:
    """Return the canonical addresses of `entries`; those without one are known by their own name only."""
    found = set()
    for entry in entries:
        try:
            found.add(canonical_url(entry.item.url))
        except ValueError:
            continue
    return found
