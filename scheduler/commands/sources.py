"""`setwire sources`: what is polled, how each source does, and what an address would bring."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import urlsplit

import typer

from config.settings import load_settings
from core.addresses import check_url
from core.values import Publisher, PublisherSlug, Source, SourceId, SourceKind, SourceState, Tier
from crawler.feeds import Gathered, gather_feed
from crawler.fetch import Gateway
from crawler.runner import run_spider
from scheduler.commands.options import AsJson, CommandError, free_id, reading, writing
from scheduler.output import ago, console, show_fields, show_json, show_rows
from scheduler.service import crawl_settings, fetch_settings, utc_now
from store.engine import Session
from store.sources import (
    add_source,
    all_sources,
    find_source,
    recent_fetches,
    remove_source,
    set_source_enabled,
)

app = typer.Typer(no_args_is_help=True, help="Sources: what is polled, and how each of them does.")

_SHOWN_FETCHES = 10

Named = Annotated[str, typer.Argument(help="The source's id.")]


@app.command("list")
def list_sources(*, as_json: AsJson = False) -> None:
    """List the sources with their last outcome and next check."""
    with reading() as tx:
        sources = all_sources(tx)
    if as_json:
        show_json([{"source": source, "state": state} for source, state in sources])
        return
    columns = {
        "id": lambda s: s[0].source_id,
        "publisher": lambda s: s[0].publisher.name,
        "kind": lambda s: s[0].kind,
        "tier": lambda s: s[0].publisher.tier,
        "on": lambda s: "yes" if s[0].enabled else "no",
        "last fetch": lambda s: ago(s[1].last_fetch_at),
        "outcome": lambda s: s[1].last_outcome,
        "next check": lambda s: s[1].next_check_at if s[0].enabled else None,
        "error": lambda s: s[1].last_error or "",
    }
    show_rows(sources, columns, as_json=False)


@app.command("show")
def show_source(source_id: Named, *, as_json: AsJson = False) -> None:
    """Show one source with its last fetches."""
    with reading() as tx:
        source, state = _find(tx, source_id)
        fetches = recent_fetches(tx, source.source_id, limit=_SHOWN_FETCHES)
    if as_json:
        show_json({"source": source, "state": state, "fetches": fetches})
        return
    show_fields(
        [
            ("id", source.source_id),
            ("publisher", f"{source.publisher.name} ({source.publisher.tier})"),
            ("kind", source.kind),
            ("address", source.url),
            ("seen at", source.seen_at),
            ("language", source.language),
            ("interval", source.interval),
            ("on", "yes" if source.enabled else "no"),
            ("first contact", state.first_contact_at),
            ("failing since", state.failing_since_at),
            ("next check", state.next_check_at),
        ]
    )
    columns = {
        "at": lambda f: f.started_at,
        "outcome": lambda f: f.outcome,
        "status": lambda f: f.status,
        "entries": lambda f: f.entry_count,
        "bytes": lambda f: f.body_bytes,
        "error": lambda f: f.error,
    }
    show_rows(fetches, columns, as_json=False)


@app.command("test")
def try_source(
    address: Annotated[str, typer.Argument(help="A feed's address, or the id of a source we have.")],
    *,
    kind: Annotated[SourceKind, typer.Option(help="How to read an address.")] = SourceKind.FEED,
    as_json: AsJson = False,
) -> None:
    """Show what would be gathered now; store nothing."""
    source = _source_to_try(address, kind)
    gathered = asyncio.run(_gather_once(source))
    if as_json:
        show_json(gathered)
    else:
        _print_gathered(gathered)
    if not gathered.fetch.outcome.is_healthy:
        raise typer.Exit(1)


@app.command("add")
def add(
    url: Annotated[str, typer.Argument(help="The address of a feed or a news sitemap.")],
    *,
    publisher: Annotated[str, typer.Option(help="Who speaks there; default: the host.")] = "",
    tier: Annotated[Tier, typer.Option(help="How credible the publisher is.")] = Tier.PRESS,
    kind: Annotated[
        SourceKind, typer.Option(help="What the address is; listings go into sources.toml.")
    ] = SourceKind.FEED,
    language: Annotated[str, typer.Option(help="The language of its entries.")] = "en",
    minutes: Annotated[int, typer.Option(help="Minutes between two checks.", min=1, max=10080)] = 30,
) -> None:
    """Add a source. Its backlog is imported silently at first contact."""
    try:
        check_url(url)
    except ValueError as error:
        raise CommandError(f"{url!r} cannot be a source: {error}.") from error
    if kind is SourceKind.LISTING:
        raise CommandError("A listing needs selectors; describe it in your sources.toml (docs/adding-a-source.md).")
    name = publisher or (urlsplit(url).hostname or "").removeprefix("www.")
    slug = free_id(name, ())
    with writing() as tx:
        sources = [source for source, _ in all_sources(tx)]
        if taken := next((s for s in sources if s.url == url), None):
            raise CommandError(f"{url} is polled already, as source {taken.source_id!r}.")
        known = next((s.publisher for s in sources if s.publisher.slug == slug), None)
        source = Source(
            source_id=SourceId(free_id(name, {s.source_id for s in sources})),
            publisher=known or Publisher(slug=PublisherSlug(slug), name=name, tier=tier),
            kind=kind,
            url=url,
            language=language,
            interval=timedelta(minutes=minutes),
            seen_at="added by the operator",
        )
        add_source(tx, source, now=datetime.now(UTC))
    console.print(f"source {source.source_id} added; a running service asks it within a second or two", markup=False)


@app.command("remove")
def remove(source_id: Named) -> None:
    """Remove a source; its articles stay."""
    with writing() as tx:
        _find(tx, source_id)
        remove_source(tx, SourceId(source_id), now=datetime.now(UTC))
    console.print(f"source {source_id} removed", markup=False)


@app.command("enable")
def enable(source_id: Named) -> None:
    """Poll a source again."""
    _switch(source_id, is_enabled=True)


@app.command("disable")
def disable(source_id: Named) -> None:
    """Stop polling a source; its articles stay."""
    _switch(source_id, is_enabled=False)


def _switch(source_id: str, *, is_enabled: bool) -> None:
    with writing() as tx:
        _find(tx, source_id)
        set_source_enabled(tx, SourceId(source_id), is_enabled, now=datetime.now(UTC))
    console.print(f"source {source_id} {'enabled' if is_enabled else 'disabled'}", markup=False)


def _find(tx: Session, source_id: str) -> tuple[Source, SourceState]:
    found = find_source(tx, SourceId(source_id))
    if found is None:
        raise CommandError(f"There is no source {source_id!r}; `setwire sources list` shows them.")
    return found


def _source_to_try(address: str, kind: SourceKind) -> Source:
    if "://" not in address:
        with reading() as tx:
            return _find(tx, address)[0]
    try:
        check_url(address)
    except ValueError as error:
        raise CommandError(f"{address!r} cannot be a source: {error}.") from error
    publisher = Publisher(slug=PublisherSlug("test"), name=urlsplit(address).hostname or "test")
    return Source(source_id=SourceId("test"), publisher=publisher, kind=kind, url=address)


async def _gather_once(source: Source) -> Gathered:
    settings = load_settings()
    if source.kind is not SourceKind.FEED:
        return await run_spider(source, settings=crawl_settings(settings), now=utc_now)
    state = SourceState(source_id=source.source_id, next_check_at=utc_now())
    async with Gateway(settings=fetch_settings(settings)) as gateway:
        return await gather_feed(source, state, gateway=gateway, now=utc_now)


def _print_gathered(gathered: Gathered) -> None:
    fetch = gathered.fetch
    show_fields(
        [
            ("outcome", fetch.outcome),
            ("status", fetch.status),
            ("error", fetch.error),
            ("took", f"{fetch.duration.total_seconds() * 1000:.0f} ms"),
            ("bytes", fetch.body_bytes),
            ("problems", gathered.problems),
        ]
    )
    columns = {
        "published": lambda e: e.published_at,
        "title": lambda e: e.title,
        "address": lambda e: e.url,
        "text": lambda e: f"{len(e.text)} characters" if e.text else "",
    }
    show_rows(gathered.entries, columns, as_json=False)
