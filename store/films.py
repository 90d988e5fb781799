"""The catalogue of films and the vocabulary of topics."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from core.catalogue import Authority, merge_records
from core.values import Alias, Film, FilmId, Topic
from store import convert
from store.meta import bump_catalogue_version
from store.sql import chunks, insert_new, upsert
from store.tables import film_aliases, film_records, films, topics


def upsert_films(tx: Session, found: Iterable[Film], *, now: datetime) -> int:
    """Store the operator's films by film_id, the later of two with one id; return how many were new or changed.

    What others say of a film fills the fields that the operator leaves empty.
    """
    changed_count = 0
    for some in chunks(found):
        wanted = {film.film_id: film for film in some}
        changed_count += put_films(tx, wanted | _merge_own(tx, wanted, now=now), now=now)
    if changed_count:
        bump_catalogue_version(tx)
    return changed_count


def _merge_own(tx: Session, wanted: dict[FilmId, Film], *, now: datetime) -> dict[FilmId, Film]:
    """The films that others speak of too, as the operator has them now with what the others add."""
    said = load_records(tx, film_records.c.film_id.in_(list(wanted)))
    for film_id, records in said.items():
        records[Authority.OWN] = wanted[film_id]
    own = [convert.record_to_columns(wanted[film_id], Authority.OWN, ref=film_id, now=now) for film_id in said]
    upsert(tx, film_records, own)
    return {film_id: merge_records(film_id, records) for film_id, records in said.items()}


def load_records(tx: Session, *conditions: Any) -> dict[FilmId, dict[Authority, Film]]:
    """What was said of the films by each authority; only films that somebody beside the operator speaks of."""
    found: dict[FilmId, dict[Authority, Film]] = {}
    for row in tx.execute(select(film_records).where(*conditions)).mappings():
        film_id = FilmId(row["film_id"])
        found.setdefault(film_id, {})[row["authority"]] = convert.film_from_json(film_id, row["record"])
    return found


def put_films(tx: Session, wanted: dict[FilmId, Film], *, now: datetime) -> int:
    """Write films as they are; return how many were new or changed. Tells the desk nothing."""
    stored = find_films(tx, list(wanted))
    changed = [film for film in wanted.values() if stored.get(film.film_id) != film]
    upsert(tx, films, [convert.film_to_columns(film, now=now) for film in changed])
    names = [film.film_id for film in changed]
    if names:
        tx.execute(delete(film_aliases).where(film_aliases.c.film_id.in_(names)))
    insert_new(tx, film_aliases, [row for film in changed for row in convert.aliases_to_columns(film)])
    return len(changed)


def _load(tx: Session, *conditions: Any) -> list[Film]:
    rows = tx.execute(select(films).where(*conditions).order_by(films.c.film_id)).mappings().all()
    aliases: dict[str, list[Alias]] = {}
    named = select(film_aliases).order_by(film_aliases.c.film_id, film_aliases.c.position)
    if conditions:
        named = named.where(film_aliases.c.film_id.in_([row["film_id"] for row in rows]))
    for row in tx.execute(named).mappings() if rows else ():
        aliases.setdefault(row["film_id"], []).append(convert.alias_from_row(row))
    return [convert.film_from_row(row, tuple(aliases.get(row["film_id"], ()))) for row in rows]


def all_films(tx: Session) -> list[Film]:
    """The catalogue, by film_id."""
    return _load(tx)


def film_ids(tx: Session) -> set[FilmId]:
    """The ids of the catalogue."""
    return set(tx.execute(select(films.c.film_id)).scalars())


def find_films(tx: Session, film_ids: Sequence[FilmId]) -> dict[FilmId, Film]:
    """Those of the films that are there."""
    return {film.film_id: film for film in _load(tx, films.c.film_id.in_(film_ids))}


def find_film(tx: Session, film_id: FilmId) -> Film | None:
    return next(iter(_load(tx, films.c.film_id == film_id)), None)


def search_films(tx: Session, text: str, limit: int) -> list[Film]:
    """Films with `text` in title or alias, any case; those that begin with it first, then newest, then by title."""
    words = text.casefold().strip()
    named = select(film_aliases.c.film_id).where(film_aliases.c.search_title.contains(words, autoescape=True))
    hits = or_(films.c.search_title.contains(words, autoescape=True), films.c.film_id.in_(named))
    begins = films.c.search_title.startswith(words, autoescape=True)
    order = (begins.desc(), func.coalesce(films.c.year, 0).desc(), films.c.title, films.c.film_id)
    names = tx.execute(select(films.c.film_id).where(hits).order_by(*order).limit(limit)).scalars().all()
    found = {film.film_id: film for film in _load(tx, films.c.film_id.in_(names))} if names else {}
    return [found[name] for name in names]


def count_films(tx: Session) -> int:
    return tx.execute(select(func.count()).select_from(films)).scalar() or 0


def sync_topics(tx: Session, wanted: Sequence[Topic], *, now: datetime) -> int:
    """Make the vocabulary exactly `wanted`, in its order; return how many were new, changed or dropped."""
    _ = now
    stored = all_topics(tx)
    if stored == list(wanted):
        return 0
    tx.execute(delete(topics).where(topics.c.slug.not_in([topic.slug for topic in wanted])))
    upsert(tx, topics, [convert.topic_to_columns(topic, position=n) for n, topic in enumerate(wanted)])
    bump_catalogue_version(tx)
    before, after = ({topic.slug: topic for topic in some} for some in (stored, wanted))
    return max(1, sum(before.get(slug) != after.get(slug) for slug in before | after))


def all_topics(tx: Session) -> list[Topic]:
    """The vocabulary, in the file's order."""
    rows = tx.execute(select(topics).order_by(topics.c.position, topics.c.slug)).mappings()
    return [convert.topic_from_row(row) for row in rows]
