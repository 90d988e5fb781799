"""Entries: items as sources gave them, waiting for their page and for the desk."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, text, update
from sqlalchemy.orm import Session

from core.outlets import name_outlet
from core.values import Entry, EntryId, ParsedEntry, ParsedPage, PublisherSlug, Source, SourceId, TextState
from store import convert
from store.columns import key_of
from store.sources import publishers
from store.sql import chosen_once, chunks, insert_into, insert_new, is_sqlite
from store.tables import BuriedKind, articles, entries, fetches, matches, sources, stories, tombstones
from store.tables import deliveries as delivery_rows
from store.tables import publishers as publisher_rows
from store.views import EntryView, Gathered

# A tombstone younger than this need not be freshened when its item is seen again.
TOMBSTONE_FRESH = timedelta(days=30)


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

    Reads only. The others go to `add_entries`, which freshens the tombstones it meets.
    """
    by_key = {key_of(guid): guid for guid in guids}
    settled: set[str] = set()
    for keys in chunks(by_key):
        fresh = tombstones.c.buried_at >= now - TOMBSTONE_FRESH
        buried = select(tombstones.c.key).where(*_lies_here(source_id, keys), fresh)
        settled |= _stored_keys(tx, source_id, keys) | set(tx.execute(buried).scalars())
    return {by_key[key] for key in settled}


def _stored_keys(tx: Session, source_id: SourceId, keys: list[str]) -> set[str]:
    query = select(entries.c.guid_key).where(entries.c.source_id == source_id, entries.c.guid_key.in_(keys))
    return set(tx.execute(query).scalars())


def _buried_keys(tx: Session, source_id: SourceId, keys: list[str], *, now: datetime | None) -> set[str]:
    lies_here = _lies_here(source_id, keys)
    found = set(tx.execute(select(tombstones.c.key).where(*lies_here)).scalars())
    if found and now is not None:
        stale = tombstones.c.buried_at < now - TOMBSTONE_FRESH
        tx.execute(update(tombstones).where(*lies_here, stale).values(buried_at=now))
    return found


def known_texts(tx: Session, keys: Collection[str]) -> set[str]:
    """Those of the text keys (`core.storms.text_key`) that an article has."""
    found: set[str] = set()
    for some in chunks(keys):
        query = select(articles.c.text_key).where(articles.c.text_key.is_not(None), articles.c.text_key.in_(some))
        found.update(tx.execute(query).scalars())
    return found


def _lies_here(source_id: SourceId, keys: list[str]) -> tuple[ColumnElement[bool], ...]:
    return (tombstones.c.kind == BuriedKind.ENTRY, tombstones.c.source_id == source_id, tombstones.c.key.in_(keys))


def add_entries(
    tx: Session,
    source: Source,
    items: Sequence[ParsedEntry],
    *,
    now: datetime,
    is_backlog: bool,
    old_guids: Mapping[str, str] | None = None,
) -> list[EntryId]:
    """Store what is new of `items`, in their order, and return the ids of the new ones in that order.

    Known and buried GUIDs and repeats inside `items` are left out. `old_guids` says of items that are no news, why.
    """
    known = known_guids(tx, source.source_id, [item.guid for item in items], now=now)
    fresh: dict[str, ParsedEntry] = {}
    for item in items:
        if item.guid not in known:
            fresh.setdefault(key_of(item.guid), item)
    reasons = old_guids or {}
    speakers = _name_outlets(tx, source, fresh.values())
    rows = [
        {
            **_new_row(source, item, now=now),
            "is_backlog": is_backlog or item.guid in reasons,
            "backlog_reason": reasons.get(item.guid, ""),
            "publisher_slug": speakers.get(key),
        }
        for key, item in fresh.items()
    ]
    return _insert(tx, rows)


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


def _insert(tx: Session, rows: list[dict[str, Any]]) -> list[EntryId]:
    if not rows:
        return []
    statement = insert_into(tx, entries).on_conflict_do_nothing()
    named = (entries.c.entry_id, entries.c.guid_key)
    if is_sqlite(tx):
        # There is one writer, so all rows are new; inserting plainly and asking for the ids costs a third.
        tx.execute(statement, rows)
        keys = [row["guid_key"] for row in rows]
        found = [
            row
            for some in chunks(keys)
            for row in tx.execute(
                select(*named).where(entries.c.source_id == rows[0]["source_id"], entries.c.guid_key.in_(some))
            )
        ]
    else:
        found = list(tx.execute(statement.returning(*named), rows))
    ids = {key: EntryId(entry_id) for entry_id, key in found}
    return [ids[row["guid_key"]] for row in rows if row["guid_key"] in ids]


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
    """Store the page's text and what the feed left empty. No page or no text: the entry flows on without.

    A repeat changes nothing.
    """
    _ = now
    waiting = (entries.c.entry_id == entry_id, entries.c.text_state == TextState.OWED)
    learned: dict[str, Any] = {"text_state": TextState.FAILED, "text_leased_until": None}
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
