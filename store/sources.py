"""Sources, their state and their fetches: what to poll next, and what polling came to."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import (
    Integer,
    RowMapping,
    Text,
    bindparam,
    case,
    exists,
    false,
    func,
    literal_column,
    null,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from core.health import DAYS_SHOWN, SourceDay
from core.values import EventType, Fetch, FetchOutcome, Publisher, PublisherSlug, Source, SourceId, SourceState
from store import convert
from store.columns import PLAIN_TEXT, UTC_DATE_TIME
from store.sql import (
    CHUNK,
    change,
    chosen_once,
    chunks,
    insert_into,
    insert_new,
    is_sqlite,
    read_rows,
    run_many,
    upsert,
)
from store.tables import Origin, entries, fetches, source_days, source_events, sources
from store.tables import publishers as publisher_rows
from store.views import SourceEvent, SourceView
from store.websub import hub_subscriptions

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_NO_VISIT: dict[str, Any] = {
    "source_id": "",
    "day": "",
    "started_at": None,
    "answered_count": 0,
    "failed_count": 0,
    "blocked_count": 0,
    "entry_count": 0,
}


def publishers(tx: Session, slugs: Collection[str] | None = None) -> dict[PublisherSlug, Publisher]:
    """Every publisher that ever spoke, or those of `slugs`."""
    query = select(publisher_rows)
    if slugs is not None and len(slugs) <= CHUNK:
        query = query.where(publisher_rows.c.slug.in_(slugs))
    return {PublisherSlug(row["slug"]): convert.publisher_from_row(row) for row in tx.execute(query).mappings()}


def keep_publishers(tx: Session, known: Iterable[Publisher]) -> None:
    """Store publishers, overwriting name, tier and homepage."""
    by_slug = {publisher.slug: publisher for publisher in known}
    upsert(tx, publisher_rows, [convert.publisher_to_columns(publisher) for publisher in by_slug.values()])


def sync_sources(tx: Session, declared: Sequence[Source], *, now: datetime) -> None:
    """Make the configured sources those of the file.

    New ones are due at `now`. Those no longer in the file retire: not polled, not listed, their history kept, and
    back with their state when the file names them again. What an operator switched or added stays as he left it.
    """
    _declare(tx, declared, origin=Origin.CONFIG, now=now)
    standing = (sources.c.origin == Origin.CONFIG, sources.c.retired_at.is_(None))
    known = tx.execute(select(sources.c.source_id).where(*standing)).scalars()
    for gone in chunks(set(known) - {source.source_id for source in declared}):
        left = update(sources).where(sources.c.source_id.in_(gone))
        tx.execute(left.values(retired_at=now, is_polled=False, leased_until=None))


def add_source(tx: Session, source: Source, *, now: datetime) -> None:
    """Add an operator's source, due at `now`; one of the same id is overwritten and keeps its state."""
    _declare(tx, [source], origin=Origin.OPERATOR, now=now)


def _declare(tx: Session, declared: Sequence[Source], *, origin: Origin, now: datetime) -> None:
    if not declared:
        return
    keep_publishers(tx, (source.publisher for source in declared))
    statement = insert_into(tx, sources)
    overwritten = {
        name: statement.excluded[name]
        for name in (*convert.source_to_columns(declared[0]), "origin")
        if name != "source_id"
    }
    overwritten["retired_at"] = None
    # Another address: where the old one moved to says nothing of it, nor do its validators.
    is_other = sources.c.url != statement.excluded.url
    for name in ("moved_to", "moved_since_at", "etag", "last_modified", "body_sha256"):
        overwritten[name] = case((is_other, null()), else_=sources.c[name])
    overwritten["moved_count"] = case((is_other, 0), else_=sources.c.moved_count)
    overwritten["move_adopted"] = case((is_other, false()), else_=sources.c.move_adopted)
    overwritten["is_polled"] = func.coalesce(sources.c.operator_enabled, statement.excluded.is_enabled)
    statement = statement.on_conflict_do_update(index_elements=["source_id"], set_=overwritten)
    for some in chunks(declared):
        tx.execute(statement, [_new_row(source, origin=origin, now=now) for source in some])


def _new_row(source: Source, *, origin: Origin, now: datetime) -> dict[str, Any]:
    state = SourceState(source_id=source.source_id, next_check_at=now)
    return {
        **convert.source_to_columns(source),
        **convert.state_to_columns(state),
        "origin": origin,
        "is_polled": source.enabled,
        "added_at": now,
    }


def remove_source(tx: Session, source_id: SourceId, *, now: datetime) -> bool:
    """Retire a source; its history stays. A source of the configuration file returns with the next sync."""
    found = (sources.c.source_id == source_id, sources.c.retired_at.is_(None))
    gone = {"retired_at": now, "is_polled": False, "operator_enabled": None, "leased_until": None}
    return _changed(tx, update(sources).where(*found).values(gone))


def set_source_enabled(tx: Session, source_id: SourceId, enabled: bool, *, now: datetime) -> bool:
    """Let the operator's word stand over the file's. An enabled source is due at `now`. False: no such source."""
    found = (sources.c.source_id == source_id, sources.c.retired_at.is_(None))
    sooner = case((sources.c.next_check_at > now, now), else_=sources.c.next_check_at)
    switched: dict[str, Any] = {"operator_enabled": enabled, "is_polled": enabled}
    if enabled:
        switched["next_check_at"] = sooner
    return _changed(tx, update(sources).where(*found).values(switched))


def _changed(tx: Session, statement: Any) -> bool:
    return bool(change(tx, statement))


def all_sources(tx: Session) -> list[tuple[Source, SourceState]]:
    """Every source that is not retired, enabled or not, by source_id."""
    query = select(sources).where(sources.c.retired_at.is_(None)).order_by(sources.c.source_id)
    return _pairs(tx, tx.execute(query).mappings().all())


def find_source(tx: Session, source_id: SourceId) -> tuple[Source, SourceState] | None:
    """One source; None when unknown or retired."""
    query = select(sources).where(sources.c.source_id == source_id, sources.c.retired_at.is_(None))
    return next(iter(_pairs(tx, tx.execute(query).mappings().all())), None)


def _pairs(tx: Session, rows: Sequence[convert.Row]) -> list[tuple[Source, SourceState]]:
    known = publishers(tx, {row["publisher_slug"] for row in rows}) if rows else {}
    return [(convert.source_from_row(row, known), convert.state_from_row(row)) for row in rows]


def due_sources(tx: Session, *, now: datetime, limit: int, lease: timedelta) -> list[tuple[Source, SourceState]]:
    """Claim what is due: nobody else gets it until `now + lease` or its `record_fetch`. Longest due first."""
    rows = read_rows(tx, _claim_due(), {"at": now, "most": limit, "until": now + lease})
    return [_claimed(row) for row in sorted(rows, key=lambda row: (row["next_check_at"], row["source_id"]))]


@cache
def _claim_due() -> Any:
    at = bindparam("at", type_=UTC_DATE_TIME)
    due = (
        select(sources.c.source_id)
        .where(
            text("sources.is_polled"),
            sources.c.next_check_at <= at,
            or_(sources.c.leased_until.is_(None), sources.c.leased_until <= at),
        )
        .order_by(sources.c.next_check_at, sources.c.source_id)
        .limit(bindparam("most", type_=Integer()))
        .with_for_update(skip_locked=True)
    )
    claim = update(sources).where(sources.c.source_id.in_(chosen_once(due)))
    return claim.values(leased_until=bindparam("until", type_=UTC_DATE_TIME)).returning(
        *sources.c, *(_of_publisher(name) for name in ("name", "tier", "homepage"))
    )


def _of_publisher(name: str) -> Any:
    found = select(publisher_rows.c[name]).where(publisher_rows.c.slug == sources.c.publisher_slug)
    return found.scalar_subquery().label(f"publisher_{name}")


def _claimed(row: Mapping[str, Any]) -> tuple[Source, SourceState]:
    slug = PublisherSlug(row["publisher_slug"])
    publisher = Publisher(
        slug=slug, name=row["publisher_name"], tier=row["publisher_tier"], homepage=row["publisher_homepage"]
    )
    return convert.source_from_row(row, {slug: publisher}), convert.state_from_row(row)


@dataclass(frozen=True, slots=True)
class Turn:
    """One visit to be kept: the fetch, the state it began from and the one after it, and how many entries were new."""

    fetch: Fetch
    before: SourceState
    after: SourceState
    entry_count: int


def record_fetch(tx: Session, fetch: Fetch, state: SourceState, *, entry_count: int = 0) -> None:
    """Store a fetch and what we now know of its source, and give up the lease."""
    run_many(tx, _count_days(is_sqlite(tx)), [_day_row(fetch, entry_count)])
    insert_new(tx, fetches, [convert.fetch_to_columns(fetch)])
    learned = {**convert.state_to_columns(state), "leased_until": None}
    tx.execute(update(sources).where(sources.c.source_id == state.source_id).values(learned))


def record_fetches(tx: Session, turns: Sequence[Turn]) -> None:
    """Store visits to different sources and what each changed in what we know, and give up their leases.

    Columns that are equal before and after are left alone.
    """
    run_many(tx, _count_days(is_sqlite(tx)), [_day_row(turn.fetch, turn.entry_count) for turn in turns])
    insert_new(tx, fetches, [convert.fetch_to_columns(turn.fetch) for turn in turns])
    changes: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for turn in turns:
        row = {**_changed_columns(turn.before, turn.after), "known_as": turn.after.source_id}
        changes.setdefault(tuple(row), []).append(row)
    for names, rows in changes.items():
        run_many(tx, _learn(names), rows)


def count_push(tx: Session, source_id: SourceId, entry_count: int, *, now: datetime) -> None:
    """Note that a hub brought entries: the source is not silent, and its day has news."""
    row = {**_NO_VISIT, "source_id": source_id, "day": _day_of(now), "entry_count": entry_count}
    run_many(tx, _count_days(is_sqlite(tx)), [row])
    tx.execute(update(sources).where(sources.c.source_id == source_id).values(last_entry_at=now))


def _day_row(fetch: Fetch, entry_count: int) -> dict[str, Any]:
    kind = "blocked" if fetch.outcome is FetchOutcome.BLOCKED else "failed"
    kind = "answered" if fetch.outcome.is_healthy else kind
    at = {"source_id": fetch.source_id, "day": _day_of(fetch.started_at), "started_at": fetch.started_at}
    return {**_NO_VISIT, **at, f"{kind}_count": 1, "entry_count": entry_count}


def _day_of(at: datetime) -> str:
    return at.astimezone(UTC).date().isoformat()


@lru_cache(maxsize=2)
def _count_days(is_sqlite: bool) -> Any:
    """Count a visit in its day unless its fetch is stored already: storing twice must change nothing."""
    counts = [name for name in _NO_VISIT if name.endswith("_count")]
    is_stored = exists().where(
        fetches.c.source_id == bindparam("source_id", type_=PLAIN_TEXT),
        fetches.c.started_at == bindparam("started_at", type_=UTC_DATE_TIME),
    )
    texts = [bindparam(name, type_=PLAIN_TEXT) for name in ("source_id", "day")]
    row = select(*texts, *(bindparam(name, type_=Integer()) for name in counts)).where(~is_stored)
    statement = (
        (sqlite if is_sqlite else postgresql).insert(source_days).from_select(["source_id", "day", *counts], row)
    )
    more = {name: source_days.c[name] + statement.excluded[name] for name in counts}
    return statement.on_conflict_do_update(index_elements=["source_id", "day"], set_=more)


def _changed_columns(before: SourceState, after: SourceState) -> dict[str, Any]:
    old = convert.state_to_columns(before)
    return {name: value for name, value in convert.state_to_columns(after).items() if value != old[name]}


@lru_cache(maxsize=256)
def _learn(names: tuple[str, ...]) -> Any:
    learned: dict[str, Any] = {name: bindparam(name) for name in names if name != "known_as"}
    statement = update(sources).where(sources.c.source_id == bindparam("known_as"))
    return statement.values({**learned, "leased_until": null()})


def add_source_event(tx: Session, source_id: SourceId, event: EventType, words: str, *, at: datetime) -> None:
    """Keep that a source broke or came back."""
    insert_new(tx, source_events, [{"source_id": source_id, "event": event, "words": words, "at": at}])


def latest_source_events(tx: Session, *, limit: int) -> list[SourceEvent]:
    """What happened to sources, newest first."""
    columns = [source_events.c[name] for name in SourceEvent.__slots__]
    query = select(*columns).order_by(source_events.c.source_event_id.desc()).limit(limit)
    return [SourceEvent(**row) for row in tx.execute(query).mappings()]


def defer_sources(tx: Session, later: Sequence[tuple[SourceId, datetime]]) -> None:
    """Give claims back: each source is due again at its time."""
    rows = [{"known_as": source_id, "due_at": at} for source_id, at in later]
    if rows:
        statement = update(sources).where(sources.c.source_id == bindparam("known_as"))
        tx.execute(statement.values(next_check_at=bindparam("due_at"), leased_until=None), rows)


def recent_fetches(tx: Session, source_id: SourceId, *, limit: int) -> list[Fetch]:
    """The last fetches of a source, newest first."""
    query = select(fetches).where(fetches.c.source_id == source_id).order_by(fetches.c.started_at.desc()).limit(limit)
    return [convert.fetch_from_row(row) for row in tx.execute(query).mappings()]


def source_views(
    tx: Session, *, now: datetime, fetch_count: int = 20, include_retired: bool = False
) -> list[SourceView]:
    """Sources by source_id with their last fetches and the entries of the last 24 hours, in a few queries."""
    query = select(sources).order_by(sources.c.source_id)
    if not include_retired:
        query = query.where(sources.c.retired_at.is_(None))
    rows = tx.execute(query).mappings().all()
    return _views(tx, rows, now=now, fetch_count=fetch_count)


def source_view(tx: Session, source_id: SourceId, *, now: datetime, fetch_count: int = 50) -> SourceView | None:
    """One source as shown, retired or not."""
    rows = tx.execute(select(sources).where(sources.c.source_id == source_id)).mappings().all()
    return next(iter(_views(tx, rows, now=now, fetch_count=fetch_count)), None)


def _views(tx: Session, rows: Sequence[RowMapping], *, now: datetime, fetch_count: int) -> list[SourceView]:
    names = [row["source_id"] for row in rows]
    last = _last_fetches(tx, names, fetch_count)
    days = _last_days(tx, names, now=now)
    hubs = hub_subscriptions(tx)
    counts = _entry_counts(tx, since=now - timedelta(days=1))
    return [
        SourceView(
            source=source,
            state=state,
            origin=row["origin"].value,
            retired_at=row["retired_at"],
            fetches=tuple(last.get(source.source_id, ())),
            entries_last_day=counts.get(source.source_id, 0),
            days=tuple(days.get(source.source_id, ())),
            hub=hubs.get(source.source_id),
        )
        for row, (source, state) in zip(rows, _pairs(tx, rows), strict=True)
    ]


def _last_days(tx: Session, names: Collection[str], *, now: datetime) -> dict[str, list[SourceDay]]:
    """The days of the last thirty that a source was visited on, oldest first."""
    query = select(source_days).where(source_days.c.day > _day_of(now - timedelta(days=DAYS_SHOWN)))
    if len(names) == 1:
        query = query.where(source_days.c.source_id.in_(names))
    found: dict[str, list[SourceDay]] = {}
    for row in tx.execute(query.order_by(source_days.c.day)).mappings():
        counts = {name: row[name] for name in _NO_VISIT if name.endswith("_count")}
        day = SourceDay(day=date.fromisoformat(row["day"]), **counts)
        found.setdefault(row["source_id"], []).append(day)
    return found


def _last_fetches(tx: Session, names: Collection[str], count: int) -> dict[str, list[Fetch]]:
    """The newest `count` of each source, walking down its index instead of sorting all fetches."""
    older = fetches.alias()
    last_wanted = (
        select(older.c.started_at)
        .where(older.c.source_id == sources.c.source_id)
        .order_by(older.c.started_at.desc())
        .limit(1)
        .offset(count - 1)
        .scalar_subquery()
    )
    query = (
        select(fetches)
        .join(sources, sources.c.source_id == fetches.c.source_id)
        .where(sources.c.source_id.in_(names), fetches.c.started_at >= func.coalesce(last_wanted, LONG_AGO))
        .order_by(fetches.c.source_id, fetches.c.started_at.desc())
    )
    found: dict[str, list[Fetch]] = {}
    for row in tx.execute(query).mappings():
        found.setdefault(row["source_id"], []).append(convert.fetch_from_row(row))
    return found


def _entry_counts(tx: Session, *, since: datetime) -> dict[str, int]:
    """Grouped by an expression, else SQLite walks all entries in source order instead of the last day's."""
    name = entries.c.source_id + literal_column("''", Text())
    rows = tx.execute(select(name, func.count()).where(entries.c.first_seen_at >= since).group_by(name))
    return {row[0]: row[1] for row in rows}
