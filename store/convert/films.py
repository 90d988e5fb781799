"""Films with their aliases and records, and topics."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from core.catalogue import Authority
from core.values import (
    Alias,
    AliasType,
    Film,
    FilmId,
    FilmStatus,
    Topic,
    TopicSlug,
)
from store.convert.rows import Columns, Row


def film_to_columns(film: Film, *, now: datetime) -> Columns:
    found = {"film_id": film.film_id, "search_title": film.title.casefold(), "updated_at": now}
    return {**found, **_film_fields(film)}


def _film_fields(film: Film) -> dict[str, Any]:
    return {
        "title": film.title,
        "year": film.year,
        "directors": list(film.directors),
        "cast": list(film.cast),
        "roles": dict(film.roles),
        "franchise": film.franchise,
        "studio": film.studio,
        "status": film.status,
        "external_ids": dict(film.external_ids),
    }


def aliases_to_columns(film: Film) -> list[Columns]:
    return [
        {
            "film_id": film.film_id,
            "position": position,
            "title": alias.title,
            "search_title": alias.title.casefold(),
            "type": alias.type,
            "needs_context": alias.needs_context,
            **_days_to_text(alias),
        }
        for position, alias in enumerate(film.aliases)
    ]


def alias_from_row(row: Row) -> Alias:
    return Alias(
        title=row["title"],
        type=row["type"],
        needs_context=row["needs_context"],
        since=row["since"] and date.fromisoformat(row["since"]),
        until=row["until"] and date.fromisoformat(row["until"]),
    )


def _days_to_text(alias: Alias) -> dict[str, str | None]:
    days = (("since", alias.since), ("until", alias.until))
    return {name: day.isoformat() if day else None for name, day in days}


def film_from_row(row: Row, aliases: tuple[Alias, ...]) -> Film:
    return Film(
        film_id=FilmId(row["film_id"]),
        title=row["title"],
        year=row["year"],
        aliases=aliases,
        directors=tuple(row["directors"]),
        cast=tuple(row["cast"]),
        roles=dict(row["roles"]),
        franchise=row["franchise"],
        studio=row["studio"],
        status=row["status"],
        external_ids=dict(row["external_ids"]),
    )


def film_to_json(film: Film) -> dict[str, Any]:
    """A film without its id, with its aliases in it, as a record of an authority is kept."""
    aliases = [_alias_to_json(alias) for alias in film.aliases]
    return {**_film_fields(film), "status": str(film.status), "aliases": aliases}


def record_to_columns(film: Film, authority: Authority, *, ref: str, now: datetime) -> Columns:
    return {
        "film_id": film.film_id,
        "authority": authority,
        "ref": ref,
        "record": film_to_json(film),
        "seen_at": now,
        "gone_at": None,
    }


def film_from_json(film_id: FilmId, record: Mapping[str, Any]) -> Film:
    aliases = tuple(_alias_from_json(alias) for alias in record["aliases"])
    return film_from_row({**record, "film_id": film_id, "status": FilmStatus(record["status"])}, aliases)


def _alias_to_json(alias: Alias) -> dict[str, Any]:
    kept = {"title": alias.title, "type": str(alias.type), "needs_context": alias.needs_context}
    return {**kept, **_days_to_text(alias)}


def _alias_from_json(alias: Mapping[str, Any]) -> Alias:
    return alias_from_row({**alias, "type": AliasType(alias["type"])})


def topic_to_columns(topic: Topic, *, position: int) -> Columns:
    return {
        "slug": topic.slug,
        "position": position,
        "name": topic.name,
        "definition": topic.definition,
        "cues": list(topic.cues),
        "blockers": list(topic.blockers),
        "is_production": topic.is_production,
    }


def topic_from_row(row: Row) -> Topic:
    return Topic(
        slug=TopicSlug(row["slug"]),
        name=row["name"],
        definition=row["definition"],
        cues=tuple(row["cues"]),
        blockers=tuple(row["blockers"]),
        is_production=row["is_production"],
    )
