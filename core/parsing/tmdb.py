"""Reads TMDB's answers: pages of ids and one film with its people, other titles and ids. Asks nobody.

Shapes: https://developer.themoviedb.org/reference/ (movie details with `append_to_response`, discover; lists).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from core.tagging.text import phrase_of
from core.values import Alias, AliasType, Film, FilmId, FilmStatus

_STATUSES = {
    "rumored": FilmStatus.RUMOURED,
    "planned": FilmStatus.ANNOUNCED,
    "in production": FilmStatus.FILMING,
    "post production": FilmStatus.POST_PRODUCTION,
    "released": FilmStatus.RELEASED,
    "canceled": FilmStatus.CANCELLED,
}
# `type` of an alternative title is free text; these are the words people write there.
_ALIAS_WORDS = (
    ("working", AliasType.WORKING_TITLE),
    ("code", AliasType.CODE_NAME),
    ("production title", AliasType.WORKING_TITLE),
    ("short", AliasType.SHORT),
    ("abbrev", AliasType.ABBREVIATION),
    ("acronym", AliasType.ABBREVIATION),
    ("former", AliasType.FORMER_TITLE),
    ("previous", AliasType.FORMER_TITLE),
    ("old title", AliasType.FORMER_TITLE),
)
_ENGLISH = frozenset({"US", "GB", "AU", "CA", "IE", "NZ"})
_CAST_SHOWN = 20


class ShapeError(Exception):
    """An answer that is not of the documented shape; one clause says what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A film in a list: its id, and what a search shows of it."""

    ref: str
    title: str = ""
    year: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HitPage:
    hits: tuple[Hit, ...]
    page_count: int


def read_page(answer: Mapping[str, Any]) -> HitPage:
    """Read a page of `/discover`, `/search` or `/movie/changes`. Raises ShapeError."""
    results, count = answer.get("results"), answer.get("total_pages")
    if not isinstance(results, list) or not isinstance(count, int):
        raise ShapeError("a page has no results or total_pages")
    hits = tuple(_read_hit(result) for result in results if isinstance(result, dict) and _ref_of(result))
    if results and not hits:
        raise ShapeError("no result of a page has an id")
    return HitPage(hits=hits, page_count=count)


def _read_hit(result: Mapping[str, Any]) -> Hit:
    return Hit(ref=_ref_of(result), title=_text(result, "title"), year=_year_of(result))


def read_movie(answer: Mapping[str, Any]) -> Film:
    """Read the details of one film, its id in `external_ids` and none of ours. Raises ShapeError."""
    ref, title = _ref_of(answer), _text(answer, "title")
    if not ref or not title:
        raise ShapeError("a film has no id or title")
    crew, cast = _people(answer, "crew"), _people(answer, "cast")
    cast = sorted(cast, key=lambda member: member["order"] if isinstance(member.get("order"), int) else 10**6)
    cast = cast[:_CAST_SHOWN]
    return Film(
        film_id=FilmId(""),
        title=title,
        year=_year_of(answer),
        aliases=tuple(_read_aliases(answer, title)),
        directors=tuple(dict.fromkeys(_text(p, "name") for p in crew if p.get("job") == "Director")),
        cast=tuple(dict.fromkeys(_text(member, "name") for member in cast)),
        roles={_text(m, "name"): role for m in cast if (role := _text(m, "character"))},
        franchise=_text(_table(answer, "belongs_to_collection"), "name").removesuffix(" Collection"),
        studio=next(
            (name for company in _list(answer, "production_companies") if (name := _text(company, "name"))), ""
        ),
        status=_STATUSES.get(_text(answer, "status").casefold(), FilmStatus.UNKNOWN),
        external_ids=_external_ids(answer, ref),
    )


def _external_ids(answer: Mapping[str, Any], ref: str) -> dict[str, str]:
    others = _table(answer, "external_ids")
    found = {
        "tmdb": ref,
        "imdb": _text(others, "imdb_id") or _text(answer, "imdb_id"),
        "wikidata": _text(others, "wikidata_id"),
    }
    return {name: ref for name, ref in found.items() if ref}


def _read_aliases(answer: Mapping[str, Any], title: str) -> Iterator[Alias]:
    """Every other title once. Titles of no Latin letters are of no use in what we read, and harmless."""
    known = {phrase_of(title)}
    found = [(_text(answer, "original_title"), AliasType.TRANSLATION)]
    titles = _list(_table(answer, "alternative_titles"), "titles")
    found += [(_text(other, "title"), _alias_type(other)) for other in titles]
    for name, kind in found:
        phrase = phrase_of(name)
        if phrase and phrase not in known:
            known.add(phrase)
            yield Alias(title=name, type=kind, needs_context=kind is AliasType.SHORT)


def _alias_type(other: Mapping[str, Any]) -> AliasType:
    words = _text(other, "type").casefold()
    named = next((kind for word, kind in _ALIAS_WORDS if word in words), None)
    if named is not None:
        return named
    return AliasType.OTHER if _text(other, "iso_3166_1") in _ENGLISH else AliasType.TRANSLATION


def _people(answer: Mapping[str, Any], part: str) -> Sequence[Mapping[str, Any]]:
    return [person for person in _list(_table(answer, "credits"), part) if _text(person, "name")]


def _ref_of(values: Mapping[str, Any]) -> str:
    ref = values.get("id")
    return str(ref) if isinstance(ref, int) and ref > 0 else ""


def _year_of(values: Mapping[str, Any]) -> int | None:
    try:
        return date.fromisoformat(_text(values, "release_date")).year
    except ValueError:
        return None


def _text(values: Mapping[str, Any], key: str) -> str:
    value = values.get(key)
    return value.strip() if isinstance(value, str) else ""


def _table(values: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = values.get(key)
    return value if isinstance(value, dict) else {}


def _list(values: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]]:
    value = values.get(key)
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []
