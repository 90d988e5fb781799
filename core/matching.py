"""Which standing subscriptions a story satisfies, and why. Decides nothing about whether they were told before."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

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
_NO_MUST = 0


@dataclass(frozen=True, slots=True)
class _Demand:
    """What a condition comes to: a key of each of `needs`, none of `vetoes`, and the `rest` asked one by one.

    `hints` name, for a key of one of the needs, another that must be there if it is by this key that the need is met.
    """

    needs: tuple[_Need, ...] = ()
    vetoes: _Need = frozenset()
    rest: tuple[Query, ...] = ()
    hints: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Shelf:
    """Subscriptions filed under one key, and beside each the number of the must to look up first.

    Of 300 that a story is put to, 40 hold, and touching one that nobody asked for lately costs more than all else. So
    the numbers stand apart, in a row.
    """

    musts: "array[int]" = field(default_factory=lambda: array("l"))
    ones: list["_Standing"] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Standing:
    """An enabled subscription, read for the index, without the need it is filed under, which is met.

    Needs of a single key are `musts`; the rarest of them is looked up before the subscription is touched.
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
        """Say whether all holds that is not looked up before."""
        keys = facts.keys
        for must in self.musts:
            if must not in keys:
                return False
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
    """A subscription and where it stands: under the keys of one of its needs, or nowhere if it rests."""

    subscription: Subscription
    standing: _Standing | None = None
    keys: _Need = frozenset()
    needs: tuple[_Need, ...] = ()


class SubscriptionIndex:
    """Enabled subscriptions by the rarest term each of them needs, so that a story asks only those it could satisfy.

    A term is rare when its kind is, and when few subscriptions name it. A subscription that needs none in particular
    (`NOT rumour`) is asked about every story; one whose query cannot be read matches nothing.
    """

    def __init__(self, subscriptions: Iterable[Subscription]) -> None:
        self._by_key: dict[str, _Shelf] = defaultdict(_Shelf)
        self._unconditional: list[_Standing] = []
        self._numbers: dict[str, int] = {}
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
        for held in (self._by_key, self._unconditional, self._numbers, self._usage, self._filed):
            held.clear()

    def _file(self, subscriptions: Sequence[Subscription]) -> None:
        read = [(s, _read_demand(s) if s.is_enabled else None) for s in subscriptions]
        used = Counter(key for _, found in read if found for need in found[1].needs for key in need)
        self._usage.update(used)
        costs = {key: _commonness(key) * self._usage[key] for key in used}
        for subscription, found in read:
            filed = _Filed(subscription) if found is None else self._file_one(subscription, *found, costs)
            self._filed[subscription.subscription_id] = filed

    def _file_one(
        self, subscription: Subscription, condition: Query | None, demand: _Demand, costs: Mapping[str, float]
    ) -> "_Filed":
        needs = sorted(demand.needs, key=lambda need: _cost(need, costs))
        musts = [key for need in needs[1:] if len(need) == 1 for key in need]
        one = _stand(subscription, condition, demand, needs[1:], musts[1:])
        keys = needs[0] if needs else frozenset[str]()
        for key in keys:
            must = musts[0] if musts else demand.hints.get(key)
            self._by_key[key].musts.append(self._number(must) if must else _NO_MUST)
            self._by_key[key].ones.append(one)
        if not needs:
            self._unconditional.append(one)
        return _Filed(subscription, one, keys, tuple(needs))

    def _remove(self, filed: "_Filed") -> None:
        del self._filed[filed.subscription.subscription_id]
        self._usage.subtract(key for need in filed.needs for key in need)
        for key in filed.keys:
            shelf = self._by_key[key]
            place = next(n for n, one in enumerate(shelf.ones) if one is filed.standing)
            del shelf.musts[place], shelf.ones[place]
        if filed.standing is not None and not filed.keys:
            self._unconditional[:] = [one for one in self._unconditional if one is not filed.standing]

    def _number(self, must: str) -> int:
        return self._numbers.setdefault(must, len(self._numbers) + 1)

    def match(self, story: Story, article: Article) -> list[tuple[Subscription, tuple[str, ...]]]:
        """Return the subscriptions that `story` satisfies now that `article` is in it, with reasons, by id.

        Films, topics and the production decision are the story's; words, outlet and tier are the article's.
        """
        facts = read_facts(story, article)
        found = {one.subscription_id: one for one in self._satisfied(facts)}
        return [(found[key].subscription, found[key].say_why(facts)) for key in sorted(found)]

    def _satisfied(self, facts: Facts) -> list[_Standing]:
        keys, numbers = facts.keys, self._numbers
        met = {numbers[key] for key in keys & numbers.keys()} | {_NO_MUST}
        asked = [one for one in self._unconditional if one.holds(facts)]
        for key in keys & self._by_key.keys():
            shelf = self._by_key[key]
            for place, number in enumerate(shelf.musts):
                if number in met and shelf.ones[place].holds(facts):
                    asked.append(shelf.ones[place])
        return asked


def condition_of(subscription: Subscription) -> Query | None:
    """Join the fields of a subscription and its query to one condition; None asks for every story.

    Errors: `QueryError` for a query that cannot be read.
    """
    asked = (
        (Field.FILM, subscription.films),
        (Field.TOPIC, subscription.topics),
        (Field.WORDS, subscription.words),
        (Field.OUTLET, subscription.outlets),
    )
    parts = [any_of([Term(name, value) for value in values]) for name, values in asked if values]
    if subscription.query:
        parts.append(parse_query(subscription.query))
    parts.extend(Not(Term(Field.WORDS, words)) for words in subscription.not_words)
    return all_of([part for part in parts if part is not None])


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


def _stand(
    subscription: Subscription, condition: Query | None, demand: _Demand, needs: list[_Need], musts: list[str]
) -> _Standing:
    return _Standing(
        subscription_id=subscription.subscription_id,
        production_only=subscription.production_only,
        musts=tuple(musts),
        needs=tuple(need for need in needs if len(need) != 1),
        vetoes=demand.vetoes,
        rest=demand.rest,
        labels=hit_labels(condition, subscription.saliences),
        subscription=subscription,
    )


def _read_demand(subscription: Subscription) -> tuple[Query | None, _Demand] | None:
    """Return None for a query that cannot be read."""
    try:
        condition = condition_of(subscription)
    except QueryError:
        return None
    asked = _split(condition, subscription.saliences) if condition else _Demand()
    if subscription.min_tier is Tier.FAN:
        return condition, asked
    return condition, _join([asked, _Demand(needs=(frozenset([f"tier:{subscription.min_tier}"]),))])


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
        hints=_join_hints(demands),
    )


def _join_hints(demands: list[_Demand]) -> dict[str, str]:
    """Keep what stays true beside the other needs: a key that two needs share says nothing of either."""
    if not any(demand.hints for demand in demands):
        return {}
    shared = Counter(key for demand in demands for need in demand.needs for key in need)
    return {key: also for demand in demands for key, also in demand.hints.items() if shared[key] == 1}


def _choose(query: Query, demands: list[_Demand], is_wanted: bool) -> _Demand:
    """Any of these is enough: one key of all their first needs is there if one holds; it is exact for bare terms."""
    is_exact = all(len(d.needs) == 1 and not d.vetoes and not d.rest for d in demands)
    rest = () if is_exact else (query if is_wanted else Not(query),)
    if not all(demand.needs for demand in demands):
        return _Demand(rest=rest)
    first: list[_Need] = [min(demand.needs, key=_rarity) for demand in demands]
    hints = {} if is_exact else _choose_hints(demands, first)
    return _Demand(needs=(frozenset().union(*first),), rest=rest, hints=hints)


def _choose_hints(demands: list[_Demand], first: list[_Need]) -> dict[str, str]:
    """What else each alternative needs, beside the key it is found by; nothing for a key of two alternatives."""
    shared = Counter(key for need in first for key in need)
    hints: dict[str, str] = {}
    for demand, met in zip(demands, first, strict=True):
        also = next((key for need in demand.needs if need is not met and len(need) == 1 for key in need), None)
        for key in met:
            hint = also or demand.hints.get(key)
            if hint and shared[key] == 1:
                hints[key] = hint
    return hints


def _rarity(need: _Need) -> float:
    """Small for a need that few stories meet."""
    return sum(map(_commonness, need))


def _cost(need: _Need, costs: Mapping[str, float]) -> float:
    """Small for a need that few stories meet and few subscriptions name."""
    return sum([costs[key] for key in need])


def _commonness(key: str) -> float:
    kind, colon, _ = key.partition(":")
    # Long words are rarer than short ones.
    return _COMMONNESS[kind] if colon else _WORD_COMMONNESS * (1 + 4 / len(key))
