"""The desk: one consumer that takes what is pending, judges it in memory and stores it with what it owes, at once."""

import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.dedupe.duplicates import DuplicateIndex
from core.dedupe.stories import StoryIndex
from core.editing import Editor, Remembered, TextTagger, Windows
from core.tagging.tagger import Tagger, plain_words_of
from core.timing import CAP_WINDOW, Plan, find_mute, plan_delivery
from core.unknown import UnknownTitle, UnknownTitles
from core.urls import canonical_url
from core.values import (
    Article,
    ArticleId,
    Delivery,
    DeliveryId,
    DeliveryState,
    Edit,
    Endpoint,
    EndpointId,
    Entry,
    EntryId,
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
from store.deliveries import add_deliveries
from store.digests import told_counts
from store.engine import Session, Store
from store.entries import pending_entries
from store.feedback import feedback_mark, hold_feedback, loud_articles, mark_feedback_told, untold_feedback
from store.films import all_films, all_topics
from store.meta import config_version
from store.reviews import raise_doubts
from store.stories import (
    known_urls,
    load_told,
    load_window,
    next_ids,
    save_edits,
    save_matches,
    some_stories,
)
from store.subscriptions import all_endpoints, all_subscriptions
from store.suggestions import note_titles

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
    films: Mapping[FilmId, Film]
    topics: Mapping[TopicSlug, Topic]
    subscriptions: Mapping[SubscriptionId, Subscription]
    endpoints: Mapping[EndpointId, Endpoint]


class _JudgedMeanwhileError(Exception):
    """The operator corrected tags while a batch was judged: it is judged again."""


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

    def edit_batch(self, now: Callable[[], datetime]) -> int:
        """Edit up to one batch of what is pending; return how many entries. Raises StoreError."""
        with self._store.read() as tx:
            editor, vocabulary = self._prepare(tx, now())
            entries = pending_entries(tx, limit=BATCH, now=now(), text_patience=self._text_patience)
            editor.know_urls(known_urls(tx, _addresses(entries)))
            corrected = untold_feedback(tx)
        try:
            if corrected:
                self._tell_corrected(editor, corrected, vocabulary, now())
            if entries:
                self._save([editor.edit(entry) for entry in entries], vocabulary, now())
        except _JudgedMeanwhileError:
            self._editor = None
            return 1
        except BaseException:
            self._editor = None  # its memory is ahead of the store: rebuild before the next batch
            raise
        return len(corrected) + len(entries)

    def _prepare(self, tx: Session, now: datetime) -> tuple[Editor, Vocabulary]:
        if self._prepared_at is not None and now < self._prepared_at - _CLOCK_SLACK:
            self._editor = None  # the clock was ahead: what was forgotten then is remembered again
        self._prepared_at = now
        version = config_version(tx)
        if self._vocabulary is None or self._vocabulary.version != version:
            self._vocabulary, self._editor = _load_vocabulary(tx, version), None
        mark = feedback_mark(tx)
        if self._editor is None or mark != self._feedback_mark:
            self._editor, self._feedback_mark = self._rebuild(tx, self._vocabulary, now), mark
        return self._editor, self._vocabulary

    def _rebuild(self, tx: Session, vocabulary: Vocabulary, now: datetime) -> Editor:
        films = vocabulary.films.values()
        self._unknown = UnknownTitles(films, plain_words_of(self._models.tags))
        editor = build_editor(
            tagger=Tagger(films=films, topics=vocabulary.topics.values(), model=self._models.tags),
            subscriptions=vocabulary.subscriptions.values(),
            windows=self._windows,
            models=self._models,
            ids=next_ids(tx),
        )
        window = load_window(tx, since=now - self._windows.duplicate - timedelta(days=1))
        editor.remember(
            (
                Remembered(article=a.article, tagging=a.tagging, story_id=a.story_id, duplicate_of=a.duplicate_of)
                for a in window.articles
            ),
            window.stories,
            window.told,
        )
        return editor

    def _tell_corrected(
        self, editor: Editor, story_ids: Sequence[StoryId], vocabulary: Vocabulary, now: datetime
    ) -> None:
        """Tell those who were not told of a story because its tags were wrong, in the transaction that notes it."""
        with self._writing() as tx:
            found = some_stories(tx, story_ids)
            edits = [edit for story in found for edit in self._match_corrected(tx, editor, story, now)]
            news = save_matches(tx, [match for edit in edits for match in edit.matches], now=now)
            self._owe(tx, edits, news, vocabulary, now)
            mark_feedback_told(tx, story_ids, now=now)

    def _match_corrected(self, tx: Session, editor: Editor, story: Story, now: datetime) -> Iterator[Edit]:
        told = load_told(tx, story.story_id)
        for article in loud_articles(tx, story.story_id):
            if now - article.event_at <= self._windows.alert:
                matches = tuple(editor.match_again(story, told, article))
                yield Edit(entry_id=EntryId(0), article=article, story=story, matches=matches)

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        """Write unless tags were corrected since the memory was brought up to date; none are while this writes."""
        with self._store.write() as tx:
            if hold_feedback(tx) != self._feedback_mark:
                raise _JudgedMeanwhileError
            yield tx

    def _save(self, edits: list[Edit], vocabulary: Vocabulary, now: datetime) -> None:
        with self._writing() as tx:
            self._owe(tx, edits, save_edits(tx, edits, now=now), vocabulary, now)
            raise_doubts(tx, edits, now=now)
            note_titles(tx, self._find_titles(edits), now=now)

    def _find_titles(self, edits: Iterable[Edit]) -> Iterator[tuple[Article, UnknownTitle]]:
        """Find titles of no catalogue in new production news that is about no film we know."""
        for edit in edits:
            if edit.article and edit.story and not edit.quiet_reason and edit.tagging and _lacks_film(edit.tagging):
                yield from ((edit.article, title) for title in self._unknown.find(edit.article))

    def _owe(
        self,
        tx: Session,
        edits: list[Edit],
        matches: Sequence[tuple[MatchId, Match]],
        vocabulary: Vocabulary,
        now: datetime,
    ) -> None:
        capped = {name for name in {m.subscription_id for _, m in matches} if _is_capped(vocabulary, name)}
        told = Counter(told_counts(tx, capped, since=now - CAP_WINDOW, until=now))
        add_deliveries(tx, list(self._owed(edits, matches, vocabulary, told, now)))

    def _owed(
        self,
        edits: Iterable[Edit],
        matches: Iterable[tuple[MatchId, Match]],
        vocabulary: Vocabulary,
        told: Counter[tuple[SubscriptionId, EndpointId]],
        now: datetime,
    ) -> Iterable[tuple[MatchId, Delivery]]:
        by_article = {edit.article.article_id: edit for edit in edits if edit.article is not None}
        for match_id, match in matches:
            subscription, edit = vocabulary.subscriptions[match.subscription_id], by_article[match.article_id]
            assert edit.story is not None
            mute = find_mute(subscription.mutes, edit.story, at=now)
            payload = self._payload(edit, match, subscription, vocabulary, now)
            for endpoint_id in subscription.endpoints:
                key = subscription.subscription_id, endpoint_id
                plan = plan_delivery(subscription.timing, at=now, told_count=told[key])
                told[key] += plan.hold is None and not mute
                yield match_id, _delivery(vocabulary.endpoints[endpoint_id], match, payload, plan, mute, now)

    def _payload(
        self, edit: Edit, match: Match, subscription: Subscription, vocabulary: Vocabulary, now: datetime
    ) -> str:
        assert edit.article is not None
        assert edit.story is not None
        return build_payload(
            event=match.event,
            at=now,
            story=edit.story,
            article=edit.article,
            subscription=subscription,
            match=match,
            films=vocabulary.films,
            topics=vocabulary.topics,
            base_url=self._base_url,
        )


def _lacks_film(tagging: Tagging) -> bool:
    return tagging.is_production_news and not any(tag.salience is Salience.ABOUT for tag in tagging.films)


def _load_vocabulary(tx: Session, version: int) -> Vocabulary:
    return Vocabulary(
        version=version,
        films={film.film_id: film for film in all_films(tx)},
        topics={topic.slug: topic for topic in all_topics(tx)},
        subscriptions={s.subscription_id: s for s in all_subscriptions(tx)},
        endpoints={e.endpoint_id: e for e in all_endpoints(tx)},
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
