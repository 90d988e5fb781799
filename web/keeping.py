"""Keeps subscriptions for the API and the pages: the checks of a file, and nothing that a file owns is changed."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from config.problems import ConfigError
from config.subscriptions import declared_ids, read_subscription, write_subscription
from core.naming import free_id
from core.query import QueryError, find_unknown
from core.values import Mute, Subscription, SubscriptionId
from store.engine import Session
from store.films import all_topics, film_ids
from store.links import mute_until, name_ref
from store.meta import hold_config
from store.subscriptions import (
    add_subscription,
    all_endpoints,
    find_subscription,
    find_twin,
    refused_endpoints,
    remove_subscription,
    used_ids,
)
from web.gate import Refusal
from web.site import Site

_OWN = "is taken over at every start; change it there"
_CONDITIONS = {"query", "films", "topics"}


def declared(site: Site) -> tuple[frozenset[str], frozenset[str]]:
    """Name the subscriptions and endpoints that the operator's file owns. Raises Refusal if it cannot be read."""
    path = site.settings.subscriptions_file
    if path is None:
        return frozenset(), frozenset()
    try:
        return _declared(path, path.stat().st_mtime_ns)
    except (ConfigError, OSError) as error:
        raise Refusal(409, f"Nobody can say what {path.name} owns: {error}.") from error


@lru_cache(maxsize=4)
def _declared(path: Path, _changed: int) -> tuple[frozenset[str], frozenset[str]]:
    return declared_ids(path)


def owned_now(site: Site) -> tuple[frozenset[str], frozenset[str]]:
    """Name them for showing; none where the file cannot be read."""
    try:
        return declared(site)
    except Refusal:
        return frozenset(), frozenset()


def refuse_owned(site: Site, noun: str, name: str, owned: frozenset[str]) -> None:
    """Raise Refusal for what the file declares: the next start would undo the change."""
    if name in owned and site.settings.subscriptions_file is not None:
        file = site.settings.subscriptions_file.name
        raise Refusal(409, f"{noun.capitalize()} {name} stands in {file}, which {_OWN}.")


def check_wish(site: Site, given: Mapping[str, Any]) -> None:
    """Raise Refusal unless what is asked for can be read, and its films and topics are known.

    The catalogue may be large: it is asked here, before any transaction that writes, so that nobody waits for it.
    """
    if _CONDITIONS & given.keys():
        with site.store.read() as tx:
            read_asked(tx, {**given, "id": "wish"}, in_catalogue=True)


def read_asked(tx: Session, record: Mapping[str, Any], *, in_catalogue: bool = False) -> Subscription:
    """Read a subscription as a file's record says it, and find its films and topics if wanted. Raises Refusal."""
    refuse_halves(record)
    films = film_ids(tx) if in_catalogue else None
    topics = {topic.slug for topic in all_topics(tx)} if in_catalogue else None
    known = {endpoint.endpoint_id for endpoint in all_endpoints(tx)}
    try:
        return read_subscription(record, films=films, topics=topics, endpoints=known)
    except ConfigError as error:
        raise say_mistakes(error, **_find_mistake(record.get("query"), films, topics)) from error


def refuse_halves(record: Mapping[str, Any]) -> None:
    """Raise Refusal for text that no database and no answer can hold: JSON may write half of a character."""
    try:
        json.dumps(record, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Refusal(400, "A text holds half a character, a lone surrogate; write the whole one.") from None


def say_mistakes(error: ConfigError, **more: Any) -> Refusal:
    return Refusal(400, "; ".join(map(str, error.problems)) + ".", **more)


def _find_mistake(query: object, films: Any, topics: Any) -> dict[str, Any]:
    """Say where a query has its mistake: the character from 0, and the query with a caret below it."""
    try:
        error = find_unknown(query.strip(), films=films, topics=topics) if isinstance(query, str) and query else None
    except QueryError as found:
        error = found
    return {} if error is None else {"position": error.position, "pointer": error.point()}


def find_kept(tx: Session, subscription_id: str) -> Subscription:
    """Raises Refusal for one that is not there."""
    found = find_subscription(tx, SubscriptionId(subscription_id))
    if found is None:
        sentence = f"There is no subscription {subscription_id!r}; `setwire subscriptions list` shows them."
        raise Refusal(404, sentence)
    return found


def take_subscription(tx: Session, site: Site, given: Mapping[str, Any]) -> Subscription:
    """Add a subscription by the keys of a file; without an id it gets one of its name. Raises Refusal.

    `check_wish` comes first.
    """
    hold_config(tx)
    taken = used_ids(tx)[0] | declared(site)[0]
    name = given.get("name")
    wanted = given.get("id") or (free_id(name, taken) if isinstance(name, str) and name.strip() else None)
    if wanted is None:
        raise Refusal(400, "name: is missing; add it.")
    if given.get("id") and (find_subscription(tx, SubscriptionId(wanted)) or wanted in declared(site)[0]):
        raise Refusal(409, "id: is taken by another subscription; choose another id.")
    subscription = read_asked(tx, {**given, "id": wanted})
    _refuse_twin(tx, subscription)
    _store(tx, subscription, frozenset(), site)
    return subscription


def change_subscription(tx: Session, site: Site, subscription_id: str, given: Mapping[str, Any]) -> Subscription:
    """Change what is given of a subscription; null sets a key to its default. Raises Refusal.

    `check_wish` comes first.
    """
    hold_config(tx)
    known = find_kept(tx, subscription_id)
    refuse_owned(site, "subscription", subscription_id, declared(site)[0])
    if given.get("id", subscription_id) != subscription_id:
        raise Refusal(400, "id: cannot be changed; add another subscription.")
    record = {**write_subscription(known), **given, "id": subscription_id}
    changed = replace(read_asked(tx, record), mutes=known.mutes)
    if replace(changed, name=known.name) != known:
        _refuse_twin(tx, changed)
    _store(tx, changed, frozenset(known.endpoints), site)
    return changed


def _store(tx: Session, subscription: Subscription, known: frozenset[str], site: Site) -> None:
    if not subscription.endpoints:
        raise Refusal(400, "endpoints: nobody to tell; name at least one endpoint.")
    refused = refused_endpoints(tx, subscription.subscription_id) - known
    for name in subscription.endpoints:
        if name in refused:
            says = f"Endpoint {name} was unsubscribed from {subscription.subscription_id} by whoever reads it"
            raise Refusal(409, f"{says}; only they can ask for it again.")
    add_subscription(tx, subscription, now=site.now())


def _refuse_twin(tx: Session, subscription: Subscription) -> None:
    twin = find_twin(tx, subscription)
    if twin is not None:
        says = f"Subscription {twin.subscription_id} asks for the same and tells the same endpoints"
        raise Refusal(409, f"{says}, which would be told everything twice; change that one.")


def drop_subscription(tx: Session, site: Site, subscription_id: str) -> None:
    """Remove a subscription and cancel what is owed for it. Raises Refusal."""
    find_kept(tx, subscription_id)
    refuse_owned(site, "subscription", subscription_id, declared(site)[0])
    remove_subscription(tx, SubscriptionId(subscription_id), now=site.now())


def keep_mute(tx: Session, site: Site, subscription_id: str, ref: str, until: datetime) -> Subscription:
    """Mute a film or topic until a time, or end that; a file's subscription too, as mutes are never a file's."""
    hold_config(tx)
    known = find_kept(tx, subscription_id)
    kind, _, name = ref.partition(":")
    if kind not in ("film", "topic") or not name:
        raise Refusal(400, f"ref: {ref!r} can not be muted; write film:ID or topic:SLUG.")
    if name_ref(tx, ref) is None:
        raise Refusal(400, f"ref: there is no {kind} {name!r}.")
    mute_until(tx, known, Mute(ref=ref, until=as_utc(until)), now=site.now())
    return find_kept(tx, subscription_id)


def as_utc(moment: datetime) -> datetime:
    """Read a time without a zone as UTC. Raises Refusal for one that no calendar of UTC has."""
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        raise Refusal(
            400, f"{moment.isoformat()} is too far away; write a time between the years 1 and 9999."
        ) from None
