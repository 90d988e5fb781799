"""`setwire sources`: what is polled, how each source does, and what an address would bring."""

import asyncio
import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from config.settings import load_settings
from core.health import judge_health
from core.naming import free_id
from core.opml import parse_opml, write_opml
from core.parsing.selecting import find_fault
from core.sources import lane_of_source
from core.values import (
    ParsedPage,
    Publisher,
    PublisherSlug,
    Render,
    Selectors,
    Source,
    SourceId,
    SourceKind,
    SourceState,
    Tier,
)
from crawler.rests import RestBook
from scheduler.commands.options import AsJson, CommandError, reading, writing
from scheduler.commands.trials import Trial, count_fields, find_feeds, make_trial_source, name_feed, try_out
from scheduler.output import ago, console, errors, in_words, show_fields, show_json, show_rows
from scheduler.service import utc_now
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
_HINT = "look for a link called RSS, or describe its listing in your sources.toml (docs/adding-a-source.md)"

Named = Annotated[str, typer.Argument(help="The source's id.")]


@app.command("list")
def list_sources(*, as_json: AsJson = False) -> None:
    """List the sources with their last outcome and next check."""
    with reading() as tx:
        sources = all_sources(tx)
    if as_json:
        now = utc_now()
        show_json([{"source": s, "state": state, "health": judge_health(s, state, now=now)} for s, state in sources])
        return
    columns = {
        "id": lambda s: s[0].source_id,
        "publisher": lambda s: s[0].publisher.name,
        "kind": lambda s: s[0].kind,
        "tier": lambda s: s[0].publisher.tier,
        "last fetch": lambda s: ago(s[1].last_fetch_at),
        "health": lambda s: judge_health(*s, now=utc_now()).state,
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
    health = judge_health(source, state, now=utc_now(), durations=[fetch.duration for fetch in fetches])
    rests_until = RestBook(load_settings().shared_dir).look(now=utc_now()).get(lane_of_source(source, state))
    if as_json:
        shown = {"source": source, "state": state, "health": health, "rests_until": rests_until, "fetches": fetches}
        show_json(shown)
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
            ("health", health.state),
            ("since", health.since_at),
            ("why", health.words),
            ("usual gap", state.habit.gap),
            ("moved to", state.move.to if state.move else ""),
            ("first contact", state.first_contact_at),
            ("failing since", state.failing_since_at),
            ("next check", state.next_check_at),
            ("host rests until", rests_until),
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
def try_source(  # noqa: PLR0913 an option is an argument here
    address: Annotated[str, typer.Argument(help="A feed's or page's address, or the id of a source we have.")],
    *,
    kind: Annotated[
        SourceKind | None, typer.Option(help="How to read an address; default: a feed, or a page's.")
    ] = None,
    item: Annotated[str, typer.Option(help="Read a listing: the CSS selector or XPath of its boxes.")] = "",
    link: Annotated[str, typer.Option(help="Inside a box: where the link is.")] = Selectors(item="").link,
    title: Annotated[str, typer.Option(help="Inside a box: where the headline is.")] = Selectors(item="").title,
    summary: Annotated[str, typer.Option(help="Inside a box: where the summary is.")] = "",
    date: Annotated[str, typer.Option(help="Inside a box: where the date is.")] = "",
    image: Annotated[str, typer.Option(help="Inside a box: where the image is.")] = "",
    spider: Annotated[str, typer.Option(help="Read a listing with this publisher's own spider.")] = "",
    javascript: Annotated[
        bool, typer.Option("--javascript", help="Show a listing to a browser first (needs the extra `javascript`).")
    ] = False,
    full_text: Annotated[bool, typer.Option("--full-text", help="Read the first entry's page too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what would be gathered now, with any kind and any selectors; store nothing."""
    source = _find_or_make(address, kind)
    if item or spider:
        selectors = _check(Selectors(item=item, link=link, title=title, summary=summary, date=date, image=image))
        source = replace(source, kind=SourceKind.LISTING, spider=spider, selectors=None if spider else selectors)
    elif source.kind is SourceKind.LISTING and source.selectors is None and not source.spider:
        raise CommandError(
            "A listing needs selectors: give --item, the CSS selector or XPath of its boxes, or --spider."
        )
    render = Render.JAVASCRIPT if javascript else source.render
    source = replace(source, full_text=source.full_text or full_text, render=render)
    trial = asyncio.run(try_out(source, look_around=kind is None and "://" in address))
    if as_json:
        show_json(
            {
                "fetch": trial.gathered.fetch,
                "entries": trial.gathered.entries,
                "problems": trial.gathered.problems,
                "discovered": trial.discovered,
                "page": trial.page,
            }
        )
    else:
        _print_trial(trial)
    if not trial.is_good:
        raise typer.Exit(1)


def _check(selectors: Selectors) -> Selectors:
    """Refuse a selector that nobody can read before anybody is asked for a page."""
    for name in selectors.__slots__:
        selector = getattr(selectors, name)
        if selector and (fault := find_fault(selector)):
            raise CommandError(
                f"--{name} {selector!r} cannot be read as a CSS selector or an XPath: {fault.rstrip('.')}."
            )
    return selectors


@app.command("add")
def add(
    url: Annotated[str, typer.Argument(help="The address of a feed, a news sitemap, or a page that names its feed.")],
    *,
    publisher: Annotated[str, typer.Option(help="Who speaks there; default: the host.")] = "",
    tier: Annotated[Tier, typer.Option(help="How credible the publisher is.")] = Tier.PRESS,
    kind: Annotated[
        SourceKind, typer.Option(help="What the address is; listings go into sources.toml.")
    ] = SourceKind.FEED,
    language: Annotated[str, typer.Option(help="The language of its entries.")] = "en",
    minutes: Annotated[
        int | None,
        typer.Option(help="Minutes between two checks; default: the pace at which it publishes.", min=1, max=10080),
    ] = None,
    unseen: Annotated[bool, typer.Option("--unseen", help="Take the address as it is, without asking it.")] = False,
) -> None:
    """Add a source. Its backlog is imported silently at first contact."""
    make_trial_source(url, kind=kind)
    if kind is SourceKind.LISTING:
        raise CommandError("A listing needs selectors; describe it in your sources.toml (docs/adding-a-source.md).")
    seen_at = "added by the operator"
    if kind is SourceKind.FEED and not unseen:
        address = _settle_address(url)
        seen_at = f"{seen_at}, found from {url}" if address != url else seen_at
        url = address
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
            interval=timedelta(minutes=minutes) if minutes else None,
            seen_at=seen_at,
        )
        add_source(tx, source, now=datetime.now(UTC))
    console.print(f"source {source.source_id} added; a running service asks it within a second or two", markup=False)


@app.command("import")
def import_sources(
    path: Annotated[Path, typer.Argument(help="An OPML file of ours or of any feed reader.")],
    *,
    tier: Annotated[
        Tier | None, typer.Option(help="How credible publishers are of whom the file does not say.")
    ] = None,
) -> None:
    """Add the sources of an OPML file; those whose address is polled already stay as they are."""
    try:
        listed = parse_opml(path.read_bytes())
    except OSError as error:
        raise CommandError(f"{path} cannot be read ({error.strerror}); name a readable file.") from error
    if not listed.sources:
        raise CommandError(f"{path} holds no source: {' '.join(listed.problems) or 'no outline has an xmlUrl'}")
    with writing() as tx:
        added = add_listed(tx, listed.sources, tier=tier, now=datetime.now(UTC))
    for words in listed.problems:
        errors.print(f"setwire: {path}: {words}", markup=False)
    console.print(f"{added} sources added, {len(listed.sources) - added} were here already")


@app.command("export")
def export_sources(
    path: Annotated[Path | None, typer.Argument(help="File to write; default: standard output.")] = None,
) -> None:
    """Write all sources as OPML, with our settings in attributes that other readers pass over."""
    with reading() as tx:
        sources = [source for source, _ in all_sources(tx)]
    document = write_opml(sources)
    if path is None:
        sys.stdout.write(document)
        return
    try:
        path.write_text(document, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path} cannot be written ({error.strerror}); name a writable file.") from error
    console.print(f"{len(sources)} sources written to {path}", markup=False)


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


def _settle_address(url: str) -> str:
    """Find the feed behind an address; one that does not answer now is taken as it is, for the clock to try again."""
    found = asyncio.run(find_feeds(url))
    if found.error:
        errors.print(f"setwire: {found.error}; the address is added as it is", markup=False)
        return url
    if found.is_feed:
        return url
    if found.feeds:
        console.print(f"{url} is a page; its feed is {name_feed(found.feeds[0])}", markup=False)
        return found.feeds[0].url
    hint = f"its news sitemap is {found.sitemaps[0]}: add that with --kind sitemap" if found.sitemaps else _HINT
    raise CommandError(f"{url} is a page that names no feed, and none lies at the usual places; {hint}.")


def add_listed(tx: Session, listed: Iterable[Source], *, tier: Tier | None, now: datetime) -> int:
    """Add the sources whose address is not polled yet; return how many.

    A publisher we know keeps our word on him; an id that is taken gets a number.
    """
    known = [source for source, _ in all_sources(tx)]
    urls, ids = {source.url for source in known}, {source.source_id for source in known}
    publishers = {source.publisher.slug: source.publisher for source in known}
    added = 0
    for source in listed:
        if source.url in urls:
            continue
        stranger = replace(source.publisher, tier=tier) if tier else source.publisher
        publisher = publishers.setdefault(stranger.slug, stranger)
        source_id = SourceId(free_id(source.source_id, ids))
        add_source(tx, replace(source, source_id=source_id, publisher=publisher), now=now)
        ids.add(source_id)
        urls.add(source.url)
        added += 1
    return added


def _find_or_make(address: str, kind: SourceKind | None) -> Source:
    if "://" in address:
        return make_trial_source(address, kind=kind or SourceKind.FEED)
    with reading() as tx:
        return _find(tx, address)[0]


def _print_trial(trial: Trial) -> None:
    gathered, fetch = trial.gathered, trial.gathered.fetch
    fields = ", ".join(f"{count} {name}" for name, count in count_fields(gathered).items() if count)
    page = trial.page
    show_fields(
        [
            ("found", trial.discovered),
            ("address", trial.source.url),
            ("outcome", fetch.outcome),
            ("status", fetch.status),
            ("error", fetch.error),
            ("took", f"{fetch.duration.total_seconds() * 1000:.0f} ms"),
            ("bytes", fetch.body_bytes),
            ("problems", gathered.problems),
            ("entries", f"{len(gathered.entries)}{f' ({fields})' if fields else ''}"),
            ("first page", _describe_page(page) if isinstance(page, ParsedPage) else page),
        ]
    )
    columns = {
        "published": lambda e: e.published_at,
        "title": lambda e: e.title,
        "outlet": lambda e: e.outlet_name,
        "address": lambda e: e.url,
        "text": lambda e: f"{len(e.text)} characters" if e.text else "",
    }
    show_rows(gathered.entries, columns, as_json=False)


def _describe_page(page: ParsedPage) -> str:
    by = f", by {page.author}" if page.author else ""
    at = f", {in_words(page.published_at)}" if page.published_at else ""
    wall = ", behind a paywall" if page.is_paywalled else ""
    return f"{len(page.text)} characters{by}{at}{wall}"
