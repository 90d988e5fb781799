"""Writes questions to Wikidata's query service and reads its answers: rows of one fact each. Asks nobody.

Answers: SPARQL 1.1 Query Results JSON (https://www.w3.org/TR/sparql11-results-json/). Items are films (Q11424) and film
projects (Q18011172); properties by number are named beside each fact below.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from core.parsing.tmdb import ShapeError
from core.tagging.text import phrase_of
from core.values import Alias, AliasType, Film, FilmId, FilmStatus

_ENTITY = "http://www.wikidata.org/entity/"
_SPOKEN = '(LANG(?value) IN ("en", "mul"))'
_PART = 'OPTIONAL { ?part pq:P4633 ?more } OPTIONAL { ?part pq:P1545 ?place } BIND("cast" AS ?fact)'
_FACTS = (
    f'?film rdfs:label ?value FILTER{_SPOKEN} BIND("title" AS ?fact)',
    f'?film skos:altLabel ?value FILTER{_SPOKEN} BIND("alias" AS ?fact)',
    '?film wdt:P1476 ?value BIND("original" AS ?fact)',
    '?film wdt:P1813 ?value BIND("short" AS ?fact)',
    '?film wdt:P577 ?value BIND("date" AS ?fact)',
    f'?film wdt:P57 ?who . ?who rdfs:label ?value FILTER{_SPOKEN} BIND("director" AS ?fact)',
    f"?film p:P161 ?part . ?part ps:P161 ?who . ?who rdfs:label ?value FILTER{_SPOKEN} {_PART}",
    f'?film wdt:P272 ?what . ?what rdfs:label ?value FILTER{_SPOKEN} BIND("studio" AS ?fact)',
    f'?film wdt:P8345 ?what . ?what rdfs:label ?value FILTER{_SPOKEN} BIND("franchise" AS ?fact)',
    '?film wdt:P345 ?value BIND("imdb" AS ?fact)',
    '?film wdt:P4947 ?value BIND("tmdb" AS ?fact)',
    'VALUES ?value { wd:Q18011172 } ?film wdt:P31 ?value BIND("project" AS ?fact)',
)
PAGE_SIZE = 500


def ask_upcoming(today: date, *, since: datetime | None, page: int) -> str:
    """Ask for a page (from 0) of films still to come and film projects, of those changed `since` if that is given."""
    changed = _changed(since)
    return (
        "SELECT DISTINCT ?film WHERE { "
        f'{{ ?film wdt:P31 wd:Q11424 ; wdt:P577 ?date . FILTER(?date >= "{today}T00:00:00Z"^^xsd:dateTime) }} '
        f"UNION {{ ?film wdt:P31 wd:Q18011172 }} {changed} }} "
        f"ORDER BY ?film LIMIT {PAGE_SIZE} OFFSET {page * PAGE_SIZE}"
    )


def ask_known(refs: Sequence[str], *, since: datetime) -> str:
    """Ask which of some items changed `since`."""
    items = " ".join(f"wd:{ref}" for ref in refs)
    return f"SELECT DISTINCT ?film WHERE {{ VALUES ?film {{ {items} }} {_changed(since)} }}"


def ask_by_id(name: str, refs: Sequence[str]) -> str:
    """Ask which items have one of some `imdb` or `tmdb` ids."""
    number = {"imdb": "P345", "tmdb": "P4947"}[name]
    ids = " ".join(f'"{ref}"' for ref in refs)
    return f"SELECT DISTINCT ?film WHERE {{ VALUES ?ref {{ {ids} }} ?film wdt:{number} ?ref }}"


def ask_facts(refs: Sequence[str]) -> str:
    """Ask for all we want to know of some items, one fact a row."""
    items = " ".join(f"wd:{ref}" for ref in refs)
    facts = " UNION ".join(f"{{ {fact} }}" for fact in _FACTS)
    return f"SELECT ?film ?fact ?value ?more ?place WHERE {{ VALUES ?film {{ {items} }} {facts} }}"


def _changed(since: datetime | None) -> str:
    moment = since and since.strftime("%Y-%m-%dT%H:%M:%SZ")
    return f'?film schema:dateModified ?changed FILTER(?changed >= "{moment}"^^xsd:dateTime)' if moment else ""


def read_refs(answer: Mapping[str, Any]) -> list[str]:
    """Read the items of an answer, each once, in its order. Raises ShapeError."""
    return list(dict.fromkeys(ref for row in _rows(answer) if (ref := _ref(row))))


def read_films(answer: Mapping[str, Any], *, today: date) -> dict[str, Film]:
    """Read the films of an answer of facts, by item; an item without a title is left out. Raises ShapeError."""
    facts: dict[str, dict[str, list[Mapping[str, str]]]] = defaultdict(lambda: defaultdict(list))
    for row in _rows(answer):
        facts[_ref(row)][_value(row, "fact")].append({name: _value(row, name) for name in ("value", "more", "place")})
    return {ref: _read_film(ref, said, today) for ref, said in facts.items() if ref and said.get("title")}


def _read_film(ref: str, said: Mapping[str, list[Mapping[str, str]]], today: date) -> Film:
    def all_of(fact: str) -> list[str]:
        return list(dict.fromkeys(row["value"] for row in said.get(fact, ()) if row["value"]))

    cast = sorted(said.get("cast", ()), key=lambda row: int(row["place"]) if row["place"].isdecimal() else 10**6)
    dates = sorted(day for value in all_of("date") if (day := _day(value)))
    title = all_of("title")[0]
    ids = {"imdb": all_of("imdb"), "tmdb": all_of("tmdb"), "wikidata": [ref]}
    return Film(
        film_id=FilmId(""),
        title=title,
        year=dates[0].year if dates else None,
        aliases=tuple(_read_aliases(title, all_of("short"), all_of("alias"), all_of("original"))),
        directors=tuple(all_of("director")),
        cast=tuple(dict.fromkeys(row["value"] for row in cast)),
        roles={row["value"]: row["more"] for row in cast if row["more"]},
        franchise=next(iter(all_of("franchise")), ""),
        studio=next(iter(all_of("studio")), ""),
        status=_status(dates, is_project=bool(said.get("project")), today=today),
        external_ids={name: refs[0] for name, refs in ids.items() if refs},
    )


def _read_aliases(title: str, short: list[str], others: list[str], original: list[str]) -> Iterator[Alias]:
    known = {phrase_of(title)}
    named = (
        *((name, AliasType.SHORT) for name in short),
        *((name, AliasType.OTHER) for name in others),
        *((name, AliasType.TRANSLATION) for name in original),
    )
    for name, kind in named:
        phrase = phrase_of(name)
        if phrase and phrase not in known:
            known.add(phrase)
            yield Alias(title=name, type=kind, needs_context=kind is not AliasType.TRANSLATION)


def _status(dates: Sequence[date], *, is_project: bool, today: date) -> FilmStatus:
    """Wikidata keeps no state of production: what is out is out, and a project is announced."""
    if dates and dates[0] <= today:
        return FilmStatus.RELEASED
    return FilmStatus.ANNOUNCED if is_project else FilmStatus.UNKNOWN


def _day(value: str) -> date | None:
    try:
        return date.fromisoformat(value[:10])
    except ValueError:
        return None


def _rows(answer: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    results = answer.get("results")
    rows = results.get("bindings") if isinstance(results, dict) else None
    if not isinstance(rows, list):
        raise ShapeError("an answer has no results.bindings")
    if rows and not any(isinstance(row, dict) and _ref(row) for row in rows):
        raise ShapeError("no row of an answer has an item")
    return [row for row in rows if isinstance(row, dict)]


def _ref(row: Mapping[str, Any]) -> str:
    uri = _value(row, "film")
    return uri.removeprefix(_ENTITY) if uri.startswith(f"{_ENTITY}Q") else ""


def _value(row: Mapping[str, Any], name: str) -> str:
    cell = row.get(name)
    value = cell.get("value") if isinstance(cell, dict) else None
    return value.strip() if isinstance(value, str) else ""
