"""Entries: items as sources gave them, waiting for their page and for the desk."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, exists, func, or_, select, text, update
from sqlalchemy.orm import Session

from core.outlets import name_outlet
from core.values import Entry, EntryId, ParsedEntry, ParsedPage, PublisherSlug, Source, SourceId, TextState
from store import convert
from store.columns import key_of
from store.sources import publishers
from store.sql import chosen_once, chunks, insert_new
from store.tables import BuriedKind, articles, entries, fetches, matches, sources, stories, tombstones
from store.tables import deliveries as delivery_rows
from store.tables import publishers as publisher_rows
from store.views import EntryView, Gathered

# A tombstone younger than this need not be freshened when its item is seen again.
TOMBSTONE_FRESH = timedelta(days=30)


_STORED = select(entries.c.guid_key).where(
    entries.c.source_id == bindparam("source_id"), entries.c.guid_key.in_(bindparam("keys", expanding=True))
)
_BURIED = select(tombstones.c.key).where(
    tombstones.c.kind == BuriedKind.ENTRY,
    tombstones.c.source_id == bindparam("source_id"),
    tombstones.c.key.in_(bindparam("keys", expanding=True)),
)
_FRESHLY_BURIED = _BURIED.where(tombstones.c.buried_at >= bindparam("since"))
_TOLD = select(articles.c.text_key).where(
    articles.c.text_key.is_not(None), articles.c.text_key.in_(bindparam("keys", expanding=True))
)
_HAS_HISTORY = select(sources.c.source_id).where(
    sources.c.source_id.in_(bindparam("names", expanding=True)),
    or_(
        exists().where(entries.c.source_id == sources.c.source_id),
        exists().where(tombstones.c.kind == BuriedKind.ENTRY, tombstones.c.source_id == sources.c.source_id),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Haul:
    """Entries of one source to store, in the document's order; `old_guids` says of those that are no news, why."""

    source: Source
    items: Sequence[ParsedEntry]
    is_backlog: bool
    old_guids: Mapping[str, str] = field(default_factory=dict)


def known_guids(tx: Session, source_id: SourceId, guids: Collection[str], *, now: datetime | None = None) -> set[str]:
    """Those of `guids` the source gave before, also when their entries are purged.

    With `now` a tombstone still asked for counts as fresh, so that an item a feed never drops never comes back.
    """
    by_key = {key_of(guid): guid for guid in guids}
    known: set[str] = set()
    for keys in chunks(by_key):
        found = _stored_keys(tx, source_id, keys) | _buried_keys(tx, source_id, keys, now=now)
        known.update(by_key[key] for key in found)
    return known


def settled_guids(tx: Session, source_id: SourceId, guids: Collection[str], *, now: datetime) -> set[str]:
    """Those of `guids` with which nothing is left to do: stored, or buried with a tombstone that is still fresh.

    Reads only. The others go to `leave_known`, which freshens the tombstones it meets.
    """
    by_key = {key_of(guid): guid for guid in guids}
    settled: set[str] = set()
    for keys in chunks(by_key):
        asked = {"source_id": source_id, "keys": keys, "since": now - TOMBSTONE_FRESH}
        settled |= _stored_keys(tx, source_id, keys) | set(tx.execute(_FRESHLY_BURIED, asked).scalars())
    return {by_key[key] for key in settled}


def leave_known(
    tx: Session, turns: Sequence[tuple[SourceId, Sequence[ParsedEntry]]], *, now: datetime
) -> list[list[ParsedEntry]]:
    """What is new of the items of each turn, in their order, without repeats; tombstones that are met are freshened."""
    names = {source_id for source_id, items in turns if items}
    heard_of = {name for some in chunks(names) for name in tx.execute(_HAS_HISTORY, {"names": some}).scalars()}
    fresh: list[list[ParsedEntry]] = []
    for source_id, items in turns:
        guids = {item.guid for item in items}
        known = known_guids(tx, source_id, guids, now=now) if source_id in heard_of else set()
        new: dict[str, ParsedEntry] = {}
        for item in items:
            if item.guid not in known:
                new.setdefault(key_of(item.guid), item)
        fresh.append(list(new.values()))
    return fresh


def _stored_keys(tx: Session, source_id: SourceId, keys: list[str]) -> set[str]:
    return set(tx.execute(_STORED, {"source_id": source_id, "keys": keys}).scalars())


def _buried_keys(tx: Session, source_id: SourceId, keys: list[str], *, now: datetime | None) -> set[str]:
    found = set(tx.execute(_BURIED, {"source_id": source_id, "keys": keys}).scalars())
    if found and now is not None:
        lies_here = (tombstones.c.kind == BuriedKind.ENTRY, tombstones.c.source_id == source_id)
        stale = (tombstones.c.key.in_(keys), tombstones.c.buried_at < now - TOMBSTONE_FRESH)
        tx.execute(update(tombstones).where(*lies_here, *stale).values(buried_at=now))
    return found


def known_texts(tx: Session, keys: Collection[str]) -> set[str]:
    """Those of the text keys (`core.storms.text_key`) that an article has."""
    found: set[str] = set()
    for some in chunks(keys):
        found.update(tx.execute(_TOLD, {"keys": some}).scalars())
    return found


def add_entries(
    tx: Session, source: Source, items: Sequence[ParsedEntry], *, now: datetime, is_backlog: bool
) -> list[EntryId]:
    """Store what is new of `items`, in their order, and return the ids of the new ones in that order.

    Known and buried GUIDs and repeats inside `items` are left out.
    """
    [fresh] = leave_known(tx, [(source.source_id, items)], now=now)
    add_hauls(tx, [Haul(source=source, items=fresh, is_backlog=is_backlog)], now=now)
    keys = [key_of(item.guid) for item in fresh]
    named = select(entries.c.guid_key, entries.c.entry_id).where(entries.c.source_id == source.source_id)
    rows = [row for some in chunks(keys) for row in tx.execute(named.where(entries.c.guid_key.in_(some)))]
    ids = {key: EntryId(entry_id) for key, entry_id in rows}
    return [ids[key] for key in keys]


def add_hauls(tx: Session, hauls: Sequence[Haul], *, now: datetime) -> None:
    """Store entries that `leave_known` let through, haul after haul."""
    for rows in chunks(row for haul in hauls for row in _new_rows(tx, haul, now=now)):
        insert_new(tx, entries, rows)


def _new_rows(tx: Session, haul: Haul, *, now: datetime) -> Iterator[dict[str, Any]]:
    speakers = _name_outlets(tx, haul.source, haul.items)
    for item in haul.items:
        row = _new_row(haul.source, item, now=now)
        row["is_backlog"] = haul.is_backlog or item.guid in haul.old_guids
        row["backlog_reason"] = haul.old_guids.get(item.guid, "")
        row["publisher_slug"] = speakers.get(row["guid_key"])
        yield row


def _name_outlets(tx: Session, source: Source, items: Collection[ParsedEntry]) -> dict[str, PublisherSlug]:
    """Find who wrote the items that the source repeats, by guid key, keeping outlets nobody declared as publishers."""
    repeated = [item for item in items if item.outlet_name or item.outlet_url]
    if not repeated:
        return {}
    known = publishers(tx)
    found: dict[str, PublisherSlug] = {}
    for item in repeated:
        outlet = name_outlet(item, known.values(), tier=source.publisher.tier)
        if outlet is not None:
            known.setdefault(outlet.slug, outlet)
            found[key_of(item.guid)] = outlet.slug
    new = [convert.publisher_to_columns(known[slug]) for slug in sorted(set(found.values()))]
    insert_new(tx, publisher_rows, new)
    return found


def _new_row(source: Source, item: ParsedEntry, *, now: datetime) -> dict[str, Any]:
    wants_page = source.full_text and not item.text
    return {
        **convert.item_to_columns(item),
        "source_id": source.source_id,
        "first_seen_at": now,
        "text_state": TextState.OWED if wants_page else TextState.NOT_WANTED,
        "duplicate_reason": "",
        "quiet_reason": "",
    }


def pending_entries(tx: Session, *, limit: int, now: datetime, text_patience: timedelta) -> list[Entry]:
    """What the desk has to edit, by entry_id; one whose page is owed waits at most `text_patience` for it."""
    ready = or_(entries.c.text_state != TextState.OWED, entries.c.first_seen_at <= now - text_patience)
    query = (
        select(entries, func.coalesce(entries.c.publisher_slug, sources.c.publisher_slug).label("speaker_slug"))
        .join(sources, sources.c.source_id == entries.c.source_id)
        .where(entries.c.edited_at.is_(None), ready)
        .order_by(entries.c.entry_id)
        .limit(limit)
    )
    rows = tx.execute(query).mappings().all()
    known = publishers(tx) if rows else {}
    return [convert.entry_from_row(row, known) for row in rows]


def owed_texts(tx: Session, *, now: datetime, limit: int, lease: timedelta) -> list[tuple[EntryId, str, Source]]:
    """Claim entries whose page is to be fetched, by entry_id: id, URL, source."""
    free = or_(entries.c.text_leased_until.is_(None), entries.c.text_leased_until <= now)
    owed = (
        select(entries.c.entry_id)
        .where(text("entries.text_state = 'owed'"), entries.c.edited_at.is_(None), free)
        .order_by(entries.c.entry_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    claim = (
        update(entries)
        .where(entries.c.entry_id.in_(chosen_once(owed)))
        .values(text_leased_until=now + lease)
        .returning(entries.c.entry_id, entries.c.url, entries.c.source_id)
    )
    rows = sorted(tuple(row) for row in tx.execute(claim))
    found = _sources_by_id(tx, {source_id for _, _, source_id in rows})
    return [(EntryId(entry_id), url, found[source_id]) for entry_id, url, source_id in rows]


def _sources_by_id(tx: Session, names: set[str]) -> dict[str, Source]:
    if not names:
        return {}
    known = publishers(tx)
    rows = tx.execute(select(sources).where(sources.c.source_id.in_(names))).mappings()
    return {row["source_id"]: convert.source_from_row(row, known) for row in rows}


def record_text(tx: Session, entry_id: EntryId, page: ParsedPage | None, *, now: datetime) -> None:
    """Store the page's text, what the feed left empty, and whether readers have to pay for it.

    No page or no text: the entry flows on without.

    A repeat changes nothing.
    """
    _ = now
    waiting = (entries.c.entry_id == entry_id, entries.c.text_state == TextState.OWED)
    learned: dict[str, Any] = {"text_state": TextState.FAILED, "text_leased_until": None}
    if page is not None:
        learned["is_paywalled"] = page.is_paywalled
    if page is not None and page.text:
        learned = {**learned, "text_state": TextState.DONE, "text": page.text, **_fill_gaps(page)}
    tx.execute(update(entries).where(*waiting).values(learned))


def _fill_gaps(page: ParsedPage) -> dict[str, Any]:
    names = ("title", "author", "summary", "image_url", "language")
    gaps: dict[str, Any] = {
        name: func.coalesce(func.nullif(entries.c[name], ""), getattr(page, name)) for name in names
    }
    if page.published_at is not None:
        gaps["published_at"] = func.coalesce(entries.c.published_at, page.published_at)
    return gaps


def desk_lag(tx: Session, *, now: datetime) -> tuple[int, timedelta]:
    """How many entries the desk has not edited, and the age of the oldest; zero age when there are none."""
    query = select(func.count(), func.min(entries.c.first_seen_at)).where(entries.c.edited_at.is_(None))
    count, oldest = tx.execute(query).one()
    return count, max(now - oldest, timedelta(0)) if oldest else timedelta(0)


def recent_entries(tx: Session, source_id: SourceId, *, limit: int) -> list[EntryView]:
    """The last entries of a source, newest first, with what the desk made of each."""
    columns = [entries.c[name] for name in EntryView.__slots__]
    query = select(*columns).where(entries.c.source_id == source_id).order_by(entries.c.entry_id.desc()).limit(limit)
    return [EntryView(**row) for row in tx.execute(query).mappings()]


def gathered_since(tx: Session, since: datetime) -> Gathered:
    """What came in and went out since a moment, each counted by an index."""
    failed = and_(fetches.c.started_at >= since, fetches.c.error != "")
    return Gathered(
        fetches=_count(tx, fetches.c.started_at >= since),
        failed_fetches=_count(tx, failed),
        entries=_count(tx, entries.c.first_seen_at >= since),
        articles=_count(tx, articles.c.first_seen_at >= since),
        stories=_count(tx, stories.c.created_at >= since),
        matches=_count(tx, matches.c.matched_at >= since),
        deliveries=_count(tx, delivery_rows.c.created_at >= since),
    )


def _count(tx: Session, condition: Any) -> int:
    return tx.execute(select(func.count()).where(condition)).scalar() or 0
