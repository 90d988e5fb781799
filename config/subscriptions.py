"""Reads endpoints and subscriptions, of a TOML file or one by one, and finds every mistake in them."""

import base64
import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TypeVar

from config.problems import Problem
from config.tables import (
    Table,
    is_mail_address,
    is_web_address,
    raise_problems,
    read_toml,
    suggest,
)
from core.query import QueryError, find_unknown
from core.timing import load_zone, parse_clock, parse_quiet
from core.values import (
    Cadence,
    Endpoint,
    EndpointId,
    EndpointKind,
    EventType,
    FilmId,
    Salience,
    Subscription,
    SubscriptionId,
    Tier,
    Timing,
    TopicSlug,
    Weekday,
)

_DEFAULTS = Subscription(subscription_id=SubscriptionId(""), name="")
_PLAIN = Timing()
T = TypeVar("T")


def load_subscriptions(
    path: Path,
    *,
    films: Collection[str] | None = None,
    topics: Collection[str] | None = None,
    endpoints: Collection[str] = (),
    allow_http: bool = True,
) -> tuple[list[Subscription], list[Endpoint]]:
    """Read both lists in file order; ids are unique in each.

    `films` and `topics` are the ids a subscription may name (None: any); `endpoints` are known beside the file's own.
    Raises ConfigError with every problem of the file.
    """
    problems: list[Problem] = []
    root = read_toml(path, problems)
    found = _read_endpoints(root, allow_http=allow_http)
    known = {endpoint.endpoint_id for endpoint in found} | set(endpoints)
    subscriptions: list[Subscription] = []
    for table in root.records("subscription", name_key="id"):
        subscription = _read_known(table, films, topics, known)
        if subscription.subscription_id in {other.subscription_id for other in subscriptions}:
            table.complain("id", "is taken by another subscription; choose another id")
        subscriptions.append(subscription)
    root.finish()
    raise_problems(problems)
    return subscriptions, found


def read_subscription(
    record: Mapping[str, object],
    *,
    films: Collection[str] | None = None,
    topics: Collection[str] | None = None,
    endpoints: Collection[str] | None = None,
) -> Subscription:
    """Read one subscription by the keys a file has, None for a key that is left out. Raises ConfigError as a file."""
    problems: list[Problem] = []
    table = Table(record, file="", entry="", problems=problems)
    subscription = _read_known(table, films, topics, endpoints)
    raise_problems(problems)
    return subscription


def read_endpoint(record: Mapping[str, object], *, allow_http: bool = True) -> Endpoint:
    """Read one endpoint by the keys a file has. Raises ConfigError as a file."""
    problems: list[Problem] = []
    endpoint = _read_endpoint(Table(record, file="", entry="", problems=problems), allow_http=allow_http)
    raise_problems(problems)
    return endpoint


def write_subscription(subscription: Subscription) -> dict[str, object]:
    """Write a subscription by the keys a file has; `read_subscription` reads the same one, but for its mutes."""
    timing = subscription.timing
    quiet = timing.quiet_from and timing.quiet_until and f"{timing.quiet_from:%H:%M}-{timing.quiet_until:%H:%M}"
    return {
        "id": subscription.subscription_id,
        "name": subscription.name,
        "query": subscription.query,
        "films": list(subscription.films),
        "topics": list(subscription.topics),
        "words": list(subscription.words),
        "not_words": list(subscription.not_words),
        "outlets": list(subscription.outlets),
        "saliences": [str(salience) for salience in subscription.saliences],
        "events": [str(event) for event in subscription.events],
        "production_only": subscription.production_only,
        "min_tier": str(subscription.min_tier),
        "endpoints": list(subscription.endpoints),
        "cadence": str(timing.cadence),
        "at": f"{timing.at:%H:%M}",
        "weekday": str(timing.weekday),
        "zone": timing.zone,
        "quiet_hours": quiet or "",
        "cap_per_hour": timing.cap_per_hour,
        "enabled": subscription.is_enabled,
    }


def declared_ids(path: Path) -> tuple[frozenset[str], frozenset[str]]:
    """Name the subscriptions and the endpoints that a file declares, right or wrong. Raises ConfigError: no TOML."""
    root = read_toml(path, [])
    subscriptions, endpoints = (root.records(key, name_key="id") for key in ("subscription", "endpoint"))
    return frozenset(table.text("id") for table in subscriptions), frozenset(table.text("id") for table in endpoints)


def _read_endpoints(root: Table, *, allow_http: bool) -> list[Endpoint]:
    found: list[Endpoint] = []
    for table in root.records("endpoint", name_key="id"):
        endpoint = _read_endpoint(table, allow_http=allow_http)
        if endpoint.endpoint_id in {other.endpoint_id for other in found}:
            table.complain("id", "is taken by another endpoint; choose another id")
        found.append(endpoint)
    return found


def _read_endpoint(table: Table, *, allow_http: bool) -> Endpoint:
    endpoint = Endpoint(
        endpoint_id=EndpointId(table.slug("id")),
        kind=table.choice("kind", EndpointKind),
        address=table.text("address", is_required=True),
        secret=table.text("secret"),
    )
    if endpoint.kind is EndpointKind.WEBHOOK:
        _check_webhook(table, endpoint, allow_http=allow_http)
    elif endpoint.kind is EndpointKind.CHAT:
        if endpoint.address and not re.fullmatch(r"[a-z][a-z0-9+.-]*://\S+", endpoint.address):
            table.complain("address", "is no Apprise address; write one such as ntfys://ntfy.sh/topic")
    elif endpoint.address and not is_mail_address(endpoint.address):
        table.complain("address", f"{endpoint.address!r} is no mail address; write one such as ann@example.org")
    table.finish()
    return endpoint


def _check_webhook(table: Table, endpoint: Endpoint, *, allow_http: bool) -> None:
    address = endpoint.address
    if address and not is_web_address(address):
        table.complain("address", f"{address!r} is no web address; write one that starts with https://")
    elif address.startswith("http:") and not allow_http:
        says = f"{address!r} is not encrypted; use https:// or set SETWIRE_WEBHOOK_ALLOW_HTTP=true"
        table.complain("address", says)
    if not is_webhook_secret(endpoint.secret):
        table.complain("secret", "is no signing secret; write whsec_ and 24 to 64 random bytes in base64")


def is_webhook_secret(secret: str) -> bool:
    """Say whether this is `whsec_` and 24-64 bytes in base64 (Standard Webhooks, "Signature scheme")."""
    head, mark, body = secret.partition("whsec_")
    if head or not mark:
        return False
    try:
        return 24 <= len(base64.b64decode(body, validate=True)) <= 64
    except ValueError:
        return False


def _read_query(table: Table, films: Collection[str] | None, topics: Collection[str] | None) -> str:
    query = table.text("query")
    try:
        error = find_unknown(query, films=films, topics=topics) if query else None
    except QueryError as found:
        error = found
    if error is not None:
        table.complain("query", str(error))
        return ""
    return query


def _read_timing(table: Table) -> Timing:
    quiet = _read_clock(table, "quiet_hours", parse_quiet)
    return Timing(
        cadence=table.choice("cadence", Cadence, default=_PLAIN.cadence),
        zone=_read_clock(table, "zone", lambda name: load_zone(name).key) or _PLAIN.zone,
        at=_read_clock(table, "at", parse_clock) or _PLAIN.at,
        weekday=table.choice("weekday", Weekday, default=_PLAIN.weekday),
        quiet_from=quiet[0] if quiet else None,
        quiet_until=quiet[1] if quiet else None,
        cap_per_hour=table.count("cap_per_hour"),
    )


def _read_clock(table: Table, key: str, read: Callable[[str], T]) -> T | None:
    word = table.text(key)
    if not word:
        return None
    try:
        return read(word)
    except ValueError as error:
        table.complain(key, str(error))
        return None


def _read_known(
    table: Table, films: Collection[str] | None, topics: Collection[str] | None, endpoints: Collection[str] | None
) -> Subscription:
    subscription = _read_subscription(table, films, topics)
    _find_strangers(table, "films", subscription.films, films, "film")
    _find_strangers(table, "topics", subscription.topics, topics, "topic")
    _find_strangers(table, "endpoints", subscription.endpoints, endpoints, "endpoint")
    return subscription


def _read_subscription(table: Table, films: Collection[str] | None, topics: Collection[str] | None) -> Subscription:
    subscription_id = table.slug("id")
    subscription = Subscription(
        subscription_id=SubscriptionId(subscription_id),
        name=table.text("name") or subscription_id,
        query=_read_query(table, films, topics),
        films=tuple(map(FilmId, table.texts("films"))),
        topics=tuple(map(TopicSlug, table.texts("topics"))),
        words=table.texts("words"),
        not_words=table.texts("not_words"),
        outlets=table.texts("outlets"),
        saliences=table.choices("saliences", Salience, default=_DEFAULTS.saliences),
        events=table.choices("events", EventType, default=_DEFAULTS.events),
        production_only=table.flag("production_only", default=_DEFAULTS.production_only),
        min_tier=table.choice("min_tier", Tier, default=_DEFAULTS.min_tier),
        endpoints=tuple(map(EndpointId, table.texts("endpoints"))),
        timing=_read_timing(table),
        is_enabled=table.flag("enabled", default=True),
    )
    table.finish()
    return subscription


def _find_strangers(table: Table, key: str, given: Collection[str], known: Collection[str] | None, noun: str) -> None:
    if known is None:
        return
    for name in given:
        if name not in known:
            table.complain(key, f"there is no {noun} {name!r}; {suggest(name, known)}")
