"""Which standing subscriptions a story satisfies, and why. Decides nothing about whether they were told before."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from core.values import Article, FilmId, Story, Subscription, Tag, TagKind, TopicSlug

_WORD = re.compile(r"\w+")

Term = tuple[str, str]


class SubscriptionIndex:
    """Enabled subscriptions by the rarest term each of them needs, so that a story asks only those it could satisfy.

    Films are rarer than words, words rarer than outlets, outlets rarer than topics; a subscription that asks for
    none of these is asked about every story.
    """

    def __init__(self, subscriptions: Iterable[Subscription]) -> None:
        self._by_term: dict[Term, list[Subscription]] = defaultdict(list)
        self._unconditional: list[Subscription] = []
        self._phrases: dict[str, re.Pattern[str]] = {}
        for subscription in subscriptions:
            if subscription.is_enabled:
                self._add(subscription)

    def match(self, story: Story, article: Article) -> list[tuple[Subscription, tuple[str, ...]]]:
        """Return the subscriptions that `story` satisfies now that `article` is in it, with reasons, by id.

        Films, topics and the production decision are the story's; words, outlet and tier are the article's.
        """
        found = {s.subscription_id: s for s in self._candidates(story, article)}
        judged = ((found[key], self._judge(found[key], story, article)) for key in sorted(found))
        return [(subscription, reasons) for subscription, reasons in judged if reasons is not None]

    def _add(self, subscription: Subscription) -> None:
        for phrase in (*subscription.words, *subscription.not_words):
            self._phrases[phrase] = _phrase_pattern(phrase)
        terms = _rarest_terms(subscription)
        if not terms:
            self._unconditional.append(subscription)
        for term in terms:
            self._by_term[term].append(subscription)

    def _candidates(self, story: Story, article: Article) -> Iterator[Subscription]:
        yield from self._unconditional
        for tag in story.tags:
            yield from self._by_term.get((tag.kind.value, tag.ref), ())
        for outlet in _outlet_names(article):
            yield from self._by_term.get(("outlet", outlet), ())
        for word in set(_WORD.findall(_text(article).casefold())):
            yield from self._by_term.get(("word", word), ())

    def _judge(self, subscription: Subscription, story: Story, article: Article) -> tuple[str, ...] | None:
        if subscription.production_only and not story.is_production_news:
            return None
        if article.publisher.tier.weight < subscription.min_tier.weight:
            return None
        text = _text(article)
        if any(self._phrases[phrase].search(text) for phrase in subscription.not_words):
            return None
        reasons: list[str] = []
        for wanted, hits in (
            (subscription.films, _film_reasons(subscription, story.tags)),
            (subscription.topics, _topic_reasons(subscription.topics, story.tags)),
            (
                subscription.words,
                [f"words: {p}" for p in subscription.words if self._phrases[p].search(text)],
            ),
            (subscription.outlets, _outlet_reasons(subscription.outlets, article)),
        ):
            if wanted and not hits:
                return None
            reasons.extend(hits)
        return tuple(reasons) or ("every production story" if subscription.production_only else "every story",)


def _rarest_terms(subscription: Subscription) -> set[Term]:
    if subscription.films:
        return {("film", film) for film in subscription.films}
    if subscription.words:
        return {("word", _longest_word(phrase)) for phrase in subscription.words}
    if subscription.outlets:
        return {("outlet", outlet.casefold()) for outlet in subscription.outlets}
    return {("topic", topic) for topic in subscription.topics}


def _longest_word(phrase: str) -> str:
    return max(_WORD.findall(phrase.casefold()), key=len, default=phrase.casefold())


def _phrase_pattern(phrase: str) -> re.Pattern[str]:
    words = r"\W+".join(re.escape(word) for word in _WORD.findall(phrase))
    return re.compile(rf"(?<!\w){words}(?!\w)", re.IGNORECASE)


def _text(article: Article) -> str:
    return f"{article.title}\n{article.summary}\n{article.text}"


def _outlet_names(article: Article) -> set[str]:
    return {article.publisher.slug.casefold(), article.publisher.name.casefold()}


def _film_reasons(subscription: Subscription, tags: Iterable[Tag]) -> list[str]:
    return [
        f"film: {tag.ref} ({tag.salience})"
        for tag in tags
        if tag.kind is TagKind.FILM and FilmId(tag.ref) in subscription.films and tag.salience in subscription.saliences
    ]


def _topic_reasons(topics: tuple[TopicSlug, ...], tags: Iterable[Tag]) -> list[str]:
    return [f"topic: {tag.ref}" for tag in tags if tag.kind is TagKind.TOPIC and TopicSlug(tag.ref) in topics]


def _outlet_reasons(outlets: tuple[str, ...], article: Article) -> list[str]:
    return [f"outlet: {outlet}" for outlet in outlets if outlet.casefold() in _outlet_names(article)]
