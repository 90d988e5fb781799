"""What authorities beside the operator say of films, and how the syncs with them stand."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core.catalogue import Authority, SyncState, merge_records, renew_record
from core.values import Film, FilmId
from store import convert
from store.films import find_films, load_records, put_films
from store.meta import bump_config_version
from store.sql import change, upsert
from store.tables import film_records, film_syncs


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRef:
    """The film that an authority's own id stands for, and when its record was last read."""

    film_id: FilmId
    seen_at: datetime
    is_gone: bool = False


def keep_records(tx: Session, authority: Authority, said: Mapping[FilmId, Film], *, now: datetime) -> int:
    """Store what an authority says of films and merge it into them; return how many films are new or changed.

    The first time somebody else speaks of the operator's film, what the operator says is kept as a record beside it.
    """
    names = list(said)
    films, records = find_films(tx, names), load_records(tx, film_records.c.film_id.in_(names))
    rows = []
    for film_id, film in said.items():
        known = records.setdefault(film_id, {})
        if film_id in films and not known:
            known[Authority.OWN] = films[film_id]
            rows.append(convert.record_to_columns(films[film_id], Authority.OWN, ref=film_id, now=now))
        known[authority] = renew_record(known.get(authority), film, today=now.date())
        ref = film.external_ids[authority]
        rows.append(convert.record_to_columns(replace(known[authority], film_id=film_id), authority, ref=ref, now=now))
    changed = put_films(tx, {film_id: merge_records(film_id, records[film_id]) for film_id in names}, now=now)
    upsert(tx, film_records, rows)
    if changed:
        bump_config_version(tx)
    return changed


def mark_gone(tx: Session, authority: Authority, ref: str, *, now: datetime) -> bool:
    """Note that an authority has the record no more; the film and all that was said of it stay."""
    where = (film_records.c.authority == authority, film_records.c.ref == ref, film_records.c.gone_at.is_(None))
    return bool(change(tx, update(film_records).where(*where).values(gone_at=now)))


def known_refs(tx: Session, authority: Authority) -> dict[str, KnownRef]:
    """The authority's own ids of films it has spoken of."""
    columns = (film_records.c.ref, film_records.c.film_id, film_records.c.seen_at, film_records.c.gone_at)
    query = select(*columns).where(film_records.c.authority == authority)
    return {
        row.ref: KnownRef(film_id=FilmId(row.film_id), seen_at=row.seen_at, is_gone=row.gone_at is not None)
        for row in tx.execute(query)
    }


def count_records(tx: Session) -> dict[Authority, int]:
    """How many films each authority beside the operator speaks of."""
    query = select(film_records.c.authority, func.count()).group_by(film_records.c.authority)
    return {authority: count for authority, count in tx.execute(query) if authority is not Authority.OWN}


def find_sync(tx: Session, authority: Authority) -> SyncState | None:
    """How the sync stands; None before the first one."""
    row = tx.execute(select(film_syncs).where(film_syncs.c.authority == authority)).mappings().first()
    return SyncState(**row) if row else None


def all_syncs(tx: Session) -> list[SyncState]:
    """How every sync stands that was ever begun, by authority."""
    rows = tx.execute(select(film_syncs).order_by(film_syncs.c.authority)).mappings()
    return [SyncState(**row) for row in rows]


def keep_sync(tx: Session, state: SyncState) -> None:
    columns: dict[str, Any] = asdict(state)
    upsert(tx, film_syncs, [columns])
