"""Which standing subscriptions a story satisfies, and why. Decides nothing about whether they were told before."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from core.query import (
    NEWS_KEY,
    And,
    Facts,
    Field,
    Not,
    Or,
    Query,
    QueryError,
    Saliences,
    Term,
    all_of,
    any_of,
    explain_miss,
    hit_labels,
    is_phrase,
    parse_query,
    read_facts,
    say_hits,
    split_words,
)
from core.values import Article, Story, Subscription, SubscriptionId, Tier

_Need = frozenset[str]

# How often a key of a kind is met in a story, roughly: one film of thousands, one word of a language, one outlet of
# dozens. It weighs the subscriptions that would have to be asked.
_COMMONNESS = {"film": 1.0, "outlet": 20.0, "topic": 40.0, "tier": 1000.0, "confirmed": 1000.0}
_WORD_COMMONNESS = 4.0
# From this share of changed subscriptions on, filing all anew is as cheap as taking single ones out.
_MUCH = 0.1


@dataclass(frozen=True, slots=True)
class _Demand:
    """What a condition comes to: a key of each of `needs`, none of `vetoes`, and the `rest` asked one by one."""

    needs: tuple[_Need, ...] = ()
    vetoes: _Need = frozenset()
    rest: tuple[Query, ...] = ()


@dataclass(frozen=True, slots=True)
class _Standing:
    """An enabled subscription, read for the index, without the need it is filed under, which is met.

    Needs of a single key are `musts`: most candidates fail there, and a look-up costs less than a set.
    """

    subscription_id: str
    production_only: bool
    musts: tuple[str, ...]
    needs: tuple[_Need, ...]
    vetoes: _Need
    rest: tuple[Query, ...]
    labels: tuple[tuple[str, str], ...]
    subscription: Subscription

    def holds(self, facts: Facts) -> bool:
        """Say whether all but the musts holds."""
        keys = facts.keys
        if self.production_only and NEWS_KEY not in keys:
            return False
        for need in self.needs:
            if need.isdisjoint(keys):
                return False
        if self.vetoes and not self.vetoes.isdisjoint(keys):
            return False
        return not self.rest or all(query.holds(facts, self.subscription.saliences) for query in self.rest)

    def say_why(self, facts: Facts) -> tuple[str, ...]:
        everything = "every production story" if self.production_only else "every story"
        return tuple(say_hits(self.labels, facts)) or (everything,)


@dataclass(frozen=True, slots=True)
class _Filed:
    """A subscription, how it was read (not at all if it rests or cannot be), and under which need it is filed."""

    subscription: Subscription
    demand: _Demand | None
    standing: _Standing | None
    place: _Need | None


class SubscriptionIndex:
    """Enabled subscriptions by the rarest term each of them needs, so that a story asks only those it could satisfy.

    A term is rare when its kind is, and when few subscriptions name it. A subscription that needs none in particular
    (`NOT rumour`) is asked about every story; one whose query cannot be read matches nothing.
    """

    def __init__(self, subscriptions: Iterable[Subscription]) -> None:
        self._by_key: dict[str, list[_Standing]] = defaultdict(list)
        self._unconditional: list[_Standing] = []
        self._usage: Counter[str] = Counter()
        self._filed: dict[SubscriptionId, _Filed] = {}
        self._file(list(subscriptions))

    def replace(self, subscriptions: Iterable[Subscription]) -> None:
        """Hold these instead of those before; what is new or changed costs, not what stays.

        Where much has changed, all is filed anew: what is rare may be another term now.
        """
        wanted = {one.subscription_id: one for one in subscriptions}
        known = self._filed
        gone = [filed for key, filed in known.items() if wanted.get(key) != filed.subscription]
        fresh = [one for key, one in wanted.items() if key not in known or known[key].subscription != one]
        if len(gone) + len(fresh) > len(known) * _MUCH:
            self._clear()
            self._file(list(wanted.values()))
            return
        for filed in gone:
            self._remove(filed)
        self._file(fresh)

    def _clear(self) -> None:
        for held in (self._by_key, self._unconditional, self._usage, self._filed):
            held.clear()

    def _file(self, subscriptions: Sequence[Subscription]) -> None:
        read = [(s, _read_demand(s) if s.is_enabled else None) for s in subscriptions]
        self._usage.update(key for _, demand in read if demand for need in demand.needs for key in need)
        for subscription, demand in read:
            place, one = None, None
            if demand is not None:
                place = min(demand.needs, key=lambda need: _rarity(need, self._usage), default=None)
                one = _stand(subscription, demand, place)
                for standing in self._places(place):
                    standing.append(one)
            self._filed[subscription.subscription_id] = _Filed(subscription, demand, one, place)

    def _remove(self, filed: _Filed) -> None:
        del self._filed[filed.subscription.subscription_id]
        if filed.demand is None:
            return
        self._usage.subtract(key for need in filed.demand.needs for key in need)
        for standing in self._places(filed.place):
            standing[:] = [one for one in standing if one is not filed.standing]

    def _places(self, need: _Need | None) -> list[list[_Standing]]:
        return [self._unconditional] if need is None else [self._by_key[key] for key in need]

    def match(self, story: Story, article: Article) -> list[tuple[Subscription, tuple[str, ...]]]:
        """Return the subscriptions that `story` satisfies now that `article` is in it, with reasons, by id.

        Films, topics and the production decision are the story's; words, outlet and tier are the article's.
        """
        facts = read_facts(story, article)
        found = {one.subscription_id: one for one in self._satisfied(facts)}
        return [(found[key].subscription, found[key].say_why(facts)) for key in sorted(found)]

    def _satisfied(self, facts: Facts) -> list[_Standing]:
        keys = facts.keys
        asked = [self._unconditional, *(self._by_key[key] for key in keys & self._by_key.keys())]
        found: list[_Standing] = []
        for one in chain.from_iterable(asked):
            for must in one.musts:
                if must not in keys:
                    break
            else:
                if one.holds(facts):
                    found.append(one)
        return found


def condition_of(subscription: Subscription) -> Query | None:
    """Join the fields of a subscription and its query to one condition; None asks for every story.

    Errors: `QueryError` for a query that cannot be read.
    """
    parts = [
        any_of(Term(Field.FILM, film) for film in subscription.films),
        any_of(Term(Field.TOPIC, topic) for topic in subscription.topics),
        any_of(Term(Field.WORDS, words) for words in subscription.words),
        any_of(Term(Field.OUTLET, outlet) for outlet in subscription.outlets),
        parse_query(subscription.query) if subscription.query else None,
        *(Not(Term(Field.WORDS, words)) for words in subscription.not_words),
    ]
    return all_of(part for part in parts if part is not None)


def explain_silence(subscription: Subscription, story: Story, article: Article) -> list[str]:
    """Say which conditions of a subscription this story fails, one sentence each; empty if it satisfies them all."""
    facts = read_facts(story, article)
    reasons = []
    if subscription.production_only and not story.is_production_news:
        reasons.append("not production news, and the subscription asks for nothing else")
    if article.publisher.tier.weight < subscription.min_tier.weight:
        reasons.append(f"its outlet is {article.publisher.tier}, below {subscription.min_tier}")
    try:
        condition = condition_of(subscription)
    except QueryError as error:
        return [*reasons, f"the query cannot be read: {error}"]
    if condition is not None and not condition.holds(facts, subscription.saliences):
        reasons.extend(explain_miss(condition, facts, subscription.saliences))
    return reasons


def _stand(subscription: Subscription, demand: _Demand, filed: _Need | None) -> _Standing:
    others = [need for need in demand.needs if need is not filed]
    return _Standing(
        subscription_id=subscription.subscription_id,
        production_only=subscription.production_only,
        musts=tuple(key for need in others if len(need) == 1 for key in need),
        needs=tuple(need for need in others if len(need) != 1),
        vetoes=demand.vetoes,
        rest=demand.rest,
        labels=hit_labels(condition_of(subscription), subscription.saliences),
        subscription=subscription,
    )


def _read_demand(subscription: Subscription) -> _Demand | None:
    """Return None for a query that cannot be read."""
    try:
        condition = condition_of(subscription)
    except QueryError:
        return None
    asked = _split(condition, subscription.saliences) if condition else _Demand()
    if subscription.min_tier is Tier.FAN:
        return asked
    return _join([asked, _Demand(needs=(frozenset([f"tier:{subscription.min_tier}"]),))])


def _split(query: Query, saliences: Saliences, *, is_wanted: bool = True) -> _Demand:
    """Split a query (NOT the query, if it is not wanted) into what one look at the keys answers, and the rest."""
    match query:
        case Not(part=part):
            return _split(part, saliences, is_wanted=not is_wanted)
        case Term():
            return _split_term(query, saliences, is_wanted=is_wanted)
        case And(parts=parts) | Or(parts=parts):
            demands = [_split(part, saliences, is_wanted=is_wanted) for part in parts]
            # NOT (a OR b) is NOT a AND NOT b (De Morgan).
            return _join(demands) if isinstance(query, And) is is_wanted else _choose(query, demands, is_wanted)


def _split_term(term: Term, saliences: Saliences, *, is_wanted: bool) -> _Demand:
    keys = term.keys(saliences)
    is_simple = not any(map(is_phrase, keys))
    if not is_wanted:
        return _Demand(vetoes=frozenset(keys)) if is_simple else _Demand(rest=(Not(term),))
    if is_simple:
        return _Demand(needs=(frozenset(keys),))
    return _Demand(needs=tuple(frozenset([word]) for word in split_words(term.value)), rest=(term,))


def _join(demands: list[_Demand]) -> _Demand:
    return _Demand(
        needs=tuple(need for demand in demands for need in demand.needs),
        vetoes=frozenset().union(*(demand.vetoes for demand in demands)),
        rest=tuple(query for demand in demands for query in demand.rest),
    )


def _choose(query: Query, demands: list[_Demand], is_wanted: bool) -> _Demand:
    """Any of these is enough: one key of all their first needs is there if one holds; it is exact for bare terms."""
    is_exact = all(len(d.needs) == 1 and not d.vetoes and not d.rest for d in demands)
    rest = () if is_exact else (query if is_wanted else Not(query),)
    if not all(demand.needs for demand in demands):
        return _Demand(rest=rest)
    first: list[_Need] = [min(demand.needs, key=_rarity) for demand in demands]
    return _Demand(needs=(frozenset().union(*first),), rest=rest)


def _rarity(need: _Need, usage: Mapping[str, int] | None = None) -> float:
    """Small for a need that few stories meet and, if `usage` is known, few subscriptions name."""
    return sum(_commonness(key) * (usage[key] if usage else 1) for key in need)


def _commonness(key: str) -> float:
    kind, colon, _ = key.partition(":")
    # Long words are rarer than short ones.
    return _COMMONNESS[kind] if colon else _WORD_COMMONNESS * (1 + 4 / len(key))
