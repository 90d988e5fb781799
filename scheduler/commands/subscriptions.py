"""`setwire subscriptions`: who is told of what, and where."""

import secrets
from dataclasses import replace
from datetime import UTC, datetime
from email.headerregistry import Address
from pathlib import Path
from typing import Annotated

import typer

from config.settings import Settings, load_settings
from core.addresses import check_url
from core.asking import say_asked
from core.naming import free_id
from core.timing import say_timing
from core.values import (
    Cadence,
    Endpoint,
    EndpointId,
    EndpointKind,
    Mute,
    Subscription,
    SubscriptionId,
    Tier,
    Timing,
    Weekday,
)
from core.webhooks import new_secret
from notifier.chat import ChatError, check_address
from scheduler.commands.asking import (
    Asked,
    At,
    CadenceOption,
    Cap,
    Everything,
    Films,
    Mentions,
    MinTier,
    On,
    Outlets,
    Query,
    Quiet,
    Topics,
    Updates,
    Without,
    Words,
    Zone,
    make_subscription,
    make_timing,
    refuse_query,
)
from scheduler.commands.options import AsJson, CommandError, Limit, opened_store, reading, writing
from scheduler.output import console, show_fields, show_json, show_rows
from scheduler.service import take_subscriptions
from store.deliveries import add_tests
from store.engine import Session
from store.links import mute_until
from store.preview import preview_subscription
from store.subscriptions import (
    SECRET_OVERLAP,
    add_subscription,
    all_endpoints,
    all_subscriptions,
    enable_endpoint,
    find_subscription,
    keep_endpoint,
    remove_subscription,
    rotate_secret,
    set_subscription_enabled,
)

app = typer.Typer(no_args_is_help=True, help="Subscriptions: who is told of what, and where.")

_SECRET_BYTES = 32

Named = Annotated[str, typer.Argument(help="The subscription's id.")]


@app.command("list")
def list_subscriptions(*, as_json: AsJson = False) -> None:
    """List the subscriptions with their endpoints."""
    with reading() as tx:
        subscriptions = all_subscriptions(tx)
        addresses = {e.endpoint_id: _address(e) for e in all_endpoints(tx)}
    columns = {
        "id": lambda s: s.subscription_id,
        "name": lambda s: s.name,
        "asks for": say_asked,
        "tells": lambda s: [addresses.get(e, e) for e in s.endpoints],
        "on": lambda s: "yes" if s.is_enabled else "paused",
    }
    show_rows(subscriptions, columns, as_json=as_json)


@app.command("show")
def show_subscription(subscription_id: Named, *, as_json: AsJson = False) -> None:
    """Show one subscription."""
    with reading() as tx:
        subscription = _find(tx, subscription_id)
        endpoints = [e for e in all_endpoints(tx) if e.endpoint_id in subscription.endpoints]
    if as_json:
        show_json({"subscription": subscription, "endpoints": endpoints})
        return
    show_fields(
        [
            ("id", subscription.subscription_id),
            ("name", subscription.name),
            ("asks for", say_asked(subscription)),
            ("events", subscription.events),
            ("speaks", say_timing(subscription.timing)),
            *(("muted", f"{m.ref} until {m.until:%Y-%m-%d %H:%M} UTC") for m in subscription.mutes),
            ("on", "yes" if subscription.is_enabled else "paused"),
            *(("tells", _address(endpoint)) for endpoint in endpoints),
        ]
    )


@app.command("add")
def add(  # noqa: PLR0913 one option a field of the subscription
    name: Annotated[str, typer.Argument(help="A name you will know it by in the alerts.")],
    *,
    query: Query = "",
    film: Films = None,
    topic: Topics = None,
    word: Words = None,
    without: Without = None,
    outlet: Outlets = None,
    min_tier: MinTier = Tier.FAN,
    mentions: Mentions = False,
    everything: Everything = False,
    updates: Updates = False,
    cadence: CadenceOption = Cadence.AT_ONCE,
    at: At = "08:00",
    on: On = Weekday.MONDAY,
    zone: Zone = "UTC",
    quiet: Quiet = "",
    cap: Cap = 0,
    email: Annotated[list[str] | None, typer.Option(help="An e-mail address to tell.")] = None,
    webhook: Annotated[list[str] | None, typer.Option(help="A webhook address to tell.")] = None,
    chat: Annotated[list[str] | None, typer.Option(help="A chat to tell, as an Apprise address; see docs.")] = None,
) -> None:
    """Add a subscription. Each kind of condition given must hold; within one kind, any one of them."""
    settings = load_settings()
    endpoints = [
        *(_mail_endpoint(address) for address in email or ()),
        *(_webhook_endpoint(url, settings) for url in webhook or ()),
        *(_chat_endpoint(url, settings) for url in chat or ()),
    ]
    if not endpoints:
        raise CommandError("Nobody to tell; give --email ADDRESS, --webhook URL or --chat URL.")
    timing = make_timing(cadence=cadence, at=at, on=on, zone=zone, quiet=quiet, cap=cap)
    asked = Asked(
        query=query,
        films=film,
        topics=topic,
        words=word,
        without=without,
        outlets=outlet,
        min_tier=min_tier,
        mentions=mentions,
        everything=everything,
        updates=updates,
    )
    with opened_store(settings) as store, store.write() as tx:
        subscription = make_subscription(
            tx,
            asked,
            subscription_id=SubscriptionId(free_id(name, {s.subscription_id for s in all_subscriptions(tx)})),
            name=name,
            timing=timing,
        )
        now = datetime.now(UTC)
        told = tuple(keep_endpoint(tx, endpoint, now=now) for endpoint in endpoints)
        subscription = replace(subscription, endpoints=tuple(e.endpoint_id for e in told))
        add_subscription(tx, subscription, now=now)
    console.print(f"subscription {subscription.subscription_id} added: {say_asked(subscription)}", markup=False)
    for endpoint in told:
        if endpoint.kind is EndpointKind.WEBHOOK:
            console.print(f"signing secret of {endpoint.address}: {endpoint.secret}", markup=False)


@app.command("preview")
def preview(  # noqa: PLR0913 see above
    *,
    query: Query = "",
    film: Films = None,
    topic: Topics = None,
    word: Words = None,
    without: Without = None,
    outlet: Outlets = None,
    min_tier: MinTier = Tier.FAN,
    mentions: Mentions = False,
    everything: Everything = False,
    updates: Updates = False,
    days: Annotated[int, typer.Option(min=1, max=400, help="How far back to look.")] = 28,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """Show what such a subscription would have matched, and how many alerts a week; saves nothing."""
    asked = Asked(
        query=query,
        films=film,
        topics=topic,
        words=word,
        without=without,
        outlets=outlet,
        min_tier=min_tier,
        mentions=mentions,
        everything=everything,
        updates=updates,
    )
    with reading() as tx:
        subscription = make_subscription(
            tx, asked, subscription_id=SubscriptionId("preview"), name="preview", timing=Timing()
        )
        found = preview_subscription(tx, subscription, now=datetime.now(UTC), days=days)
    columns = {
        "at": lambda a: a.at,
        "event": lambda a: a.event,
        "story": lambda a: a.story_id,
        "headline": lambda a: a.title,
        "outlet": lambda a: a.outlet,
        "because": lambda a: a.reasons,
    }
    if as_json:
        show_json({
            "alerts": found.alerts[:limit],
            "alert_count": len(found.alerts),
            "alerts_per_week": round(found.alerts_per_week, 1),
            "article_count": found.article_count,
        })  # fmt: skip
        return
    show_rows(list(found.alerts[:limit]), columns, as_json=False)
    console.print(
        f"{len(found.alerts)} alerts of {found.article_count} articles in {found.span.days} days: "
        f"about {found.alerts_per_week:.1f} a week",
        markup=False,
    )


@app.command("mute")
def mute(
    subscription_id: Named,
    ref: Annotated[str, typer.Argument(help="film:ID or topic:SLUG.")],
    *,
    until: Annotated[datetime, typer.Option(help="Until this time (UTC).")],
) -> None:
    """Hear nothing of a film or topic until a date; a date that is over ends the mute."""
    kind, _, name = ref.partition(":")
    if kind not in ("film", "topic") or not name:
        raise CommandError(f"{ref!r} can not be muted; write film:ID or topic:SLUG.")
    now = datetime.now(UTC)
    with writing() as tx:
        subscription = _find(tx, subscription_id)
        refuse_query(tx, f'{kind}:"{name}"')
        muted = Mute(ref=ref, until=until if until.tzinfo else until.replace(tzinfo=UTC))
        is_muted = mute_until(tx, subscription, muted, now=now)
    console.print(f"{ref} is {'muted' if is_muted else 'heard again'}", markup=False)


@app.command("import")
def import_subscriptions(
    path: Annotated[Path, typer.Argument(help="A TOML file of endpoints and subscriptions.")],
) -> None:
    """Add or replace the subscriptions and endpoints of a file."""
    settings = load_settings()
    with opened_store(settings) as store:
        count = take_subscriptions(store, path, allow_http=settings.webhook_allow_http)
    console.print(f"{count} subscriptions imported from {path}", markup=False)


@app.command("remove")
def remove(subscription_id: Named) -> None:
    """Remove a subscription; what it was told stays in the record."""
    with writing() as tx:
        _find(tx, subscription_id)
        remove_subscription(tx, SubscriptionId(subscription_id), now=datetime.now(UTC))
    console.print(f"subscription {subscription_id} removed", markup=False)


@app.command("pause")
def pause(subscription_id: Named) -> None:
    """Stop alerts of a subscription until it is resumed."""
    _switch(subscription_id, is_enabled=False)


@app.command("resume")
def resume(subscription_id: Named) -> None:
    """Take up a paused subscription, and its endpoints where they were disabled."""
    _switch(subscription_id, is_enabled=True)


@app.command("test")
def send_test(subscription_id: Named) -> None:
    """Owe a test alert to each endpoint of a subscription; a running service sends it at once."""
    now = datetime.now(UTC)
    with writing() as tx:
        subscription = _find(tx, subscription_id)
        endpoints = [e for e in all_endpoints(tx) if e.endpoint_id in subscription.endpoints]
        add_tests(tx, endpoints, now=now)
    due = "One test alert is" if len(endpoints) == 1 else f"{len(endpoints)} test alerts are"
    console.print(f"{due} due now", markup=False)


@app.command("rotate-secret")
def rotate(subscription_id: Named) -> None:
    """Sign the webhooks of a subscription with new secrets; for 24 hours the old ones sign as well."""
    now = datetime.now(UTC)
    with writing() as tx:
        named = _find(tx, subscription_id).endpoints
        hooks = [e for e in all_endpoints(tx) if e.endpoint_id in named and e.kind is EndpointKind.WEBHOOK]
        if not hooks:
            raise CommandError(f"Subscription {subscription_id} tells no webhook; there is no secret to replace.")
        fresh = [(hook, new_secret(secrets.token_bytes(_SECRET_BYTES))) for hook in hooks]
        for hook, secret in fresh:
            rotate_secret(tx, hook.endpoint_id, secret, now=now, overlap=SECRET_OVERLAP)
    for hook, secret in fresh:
        console.print(f"signing secret of {hook.address}: {secret}", markup=False)


def _switch(subscription_id: str, *, is_enabled: bool) -> None:
    now = datetime.now(UTC)
    with writing() as tx:
        subscription = _find(tx, subscription_id)
        set_subscription_enabled(tx, SubscriptionId(subscription_id), is_enabled, now=now)
        if is_enabled:
            for endpoint_id in subscription.endpoints:
                enable_endpoint(tx, endpoint_id, now=now)
    console.print(f"subscription {subscription_id} {'resumed' if is_enabled else 'paused'}", markup=False)


def _find(tx: Session, subscription_id: str) -> Subscription:
    subscription = find_subscription(tx, SubscriptionId(subscription_id))
    if subscription is None:
        raise CommandError(f"There is no subscription {subscription_id!r}; `setwire subscriptions list` shows them.")
    return subscription


def _mail_endpoint(address: str) -> Endpoint:
    try:
        parsed = Address(addr_spec=address)
    except (ValueError, IndexError) as error:
        raise CommandError(f"{address!r} is no mail address; write one such as you@example.org.") from error
    if not (parsed.username and parsed.domain):
        raise CommandError(f"{address!r} is no mail address; write one such as you@example.org.")
    return Endpoint(endpoint_id=EndpointId(f"email-{secrets.token_hex(4)}"), kind=EndpointKind.EMAIL, address=address)


def _webhook_endpoint(url: str, settings: Settings) -> Endpoint:
    try:
        check_url(url, allow_http=settings.webhook_allow_http)
    except ValueError as error:
        raise CommandError(f"{url!r} cannot be a webhook: {error}.") from error
    return Endpoint(
        endpoint_id=EndpointId(f"webhook-{secrets.token_hex(4)}"),
        kind=EndpointKind.WEBHOOK,
        address=url,
        secret=new_secret(secrets.token_bytes(_SECRET_BYTES)),
    )


def _chat_endpoint(url: str, settings: Settings) -> Endpoint:
    try:
        check_address(url, allowed=settings.allow_private_hosts)
    except ChatError as error:
        raise CommandError(f"This chat cannot be told: {error}.") from error
    return Endpoint(endpoint_id=EndpointId(f"chat-{secrets.token_hex(4)}"), kind=EndpointKind.CHAT, address=url)


def _address(endpoint: Endpoint) -> str:
    disabled = f" (disabled: {endpoint.disabled_reason})" if endpoint.disabled_at else ""
    return f"{endpoint.shown_address}{disabled}"
