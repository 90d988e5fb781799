"""The catalogue's rules: which film a record means, and one film made of what several authorities say of it."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from core.tagging.text import phrase_of
from core.values import Alias, AliasType, Film, FilmId, FilmStatus

EXTERNAL_IDS = ("tmdb", "imdb", "wikidata")
"""The ids of others that name one film each, the surest first."""

_YEARS_APART = 1


class Authority(StrEnum):
    """Who says something of a film, the one whose word counts most first."""

    OWN = "own"
    TMDB = "tmdb"
    WIKIDATA = "wikidata"


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncState:
    """How the sync with an authority stands.

    `run_started_at` is set while a run is under way, and after one that was cut short: the next goes on with it.
    `changed_until_at` is up to when the authority's changes are known. `error` is one sentence, empty when well.
    """

    authority: Authority
    due_at: datetime
    run_started_at: datetime | None = None
    succeeded_at: datetime | None = None
    changed_until_at: datetime | None = None
    failing_since_at: datetime | None = None
    error: str = ""
    error_count: int = 0


def merge_records(film_id: FilmId, records: Mapping[Authority, Film]) -> Film:
    """Make one film of at least one record: field by field the first authority that says anything wins.

    Aliases and external ids are put together. A title that lost is an alias; it is missed otherwise.
    """
    films = [records[authority] for authority in Authority if authority in records]
    return Film(
        film_id=film_id,
        title=films[0].title,
        year=next((film.year for film in films if film.year), None),
        aliases=_merge_aliases(films),
        directors=next((film.directors for film in films if film.directors), ()),
        cast=next((film.cast for film in films if film.cast), ()),
        roles=_merge_roles(films),
        franchise=next((film.franchise for film in films if film.franchise), ""),
        studio=next((film.studio for film in films if film.studio), ""),
        status=next((film.status for film in films if film.status is not FilmStatus.UNKNOWN), FilmStatus.UNKNOWN),
        external_ids={name: ref for film in reversed(films) for name, ref in film.external_ids.items()},
    )


def _merge_aliases(films: list[Film]) -> tuple[Alias, ...]:
    known = {phrase_of(films[0].title): Alias(title=films[0].title)}
    for film in films:
        for alias in (Alias(title=film.title), *film.aliases):
            known.setdefault(phrase_of(alias.title), alias)
    return tuple(known.values())[1:]


def _merge_roles(films: list[Film]) -> dict[str, str]:
    cast = next((film.cast for film in films if film.cast), ())
    said = {name: role for film in reversed(films) for name, role in film.roles.items()}
    return {name: said[name] for name in cast if name in said}


def renew_record(before: Film | None, said: Film, *, today: date) -> Film:
    """What an authority says now, with the titles it has given up since as former ones, dated."""
    if before is None:
        return said
    former = [alias for alias in before.aliases if alias.type is AliasType.FORMER_TITLE]
    if phrase_of(before.title) != phrase_of(said.title):
        former.append(Alias(title=before.title, type=AliasType.FORMER_TITLE, until=today))
    names = {phrase_of(alias.title) for alias in former} | {phrase_of(said.title)}
    others = [alias for alias in said.aliases if phrase_of(alias.title) not in names]
    current = phrase_of(said.title)
    return replace(said, aliases=(*(a for a in former if phrase_of(a.title) != current), *others))


class Register:
    """Finds the film of the catalogue that a record means: by an id they share, else by title, year and director."""

    def __init__(self, films: Iterable[Film]) -> None:
        self._films: dict[FilmId, Film] = {}
        self._by_ref: dict[tuple[str, str], FilmId] = {}
        self._by_title: dict[str, list[FilmId]] = defaultdict(list)
        for film in films:
            self.add(film)

    def add(self, film: Film) -> None:
        """Put a film in, or in place of the one with its id; what it was found by before stays."""
        if film.film_id not in self._films:
            self._by_title[phrase_of(film.title)].append(film.film_id)
        self._films[film.film_id] = film
        for name, ref in film.external_ids.items():
            self._by_ref.setdefault((name, ref), film.film_id)

    def find(self, record: Film) -> FilmId | None:
        """The film meant; None when there is none, or more than one that may be."""
        for name in EXTERNAL_IDS:
            found = self._by_ref.get((name, record.external_ids.get(name, "")))
            if found is not None:
                return found
        alike = [film_id for film_id in self._candidates(record) if _is_same(self._films[film_id], record)]
        return alike[0] if len(alike) == 1 else None

    def find_ref(self, authority: Authority, ref: str) -> FilmId | None:
        """The film an authority's own id stands for."""
        return self._by_ref.get((authority, ref))

    def name(self, record: Film, authority: Authority) -> FilmId:
        """Make an id that no film has."""
        ref = record.external_ids[authority].casefold()
        plain = make_film_id(record.title, record.year) or f"{authority}-{ref}"
        return FilmId(plain if plain not in self._films else f"{plain}-{authority}-{ref}")

    def films(self) -> Iterator[Film]:
        yield from self._films.values()

    def _candidates(self, record: Film) -> list[FilmId]:
        titles = (record.title, *(alias.title for alias in record.aliases if alias.type is AliasType.FORMER_TITLE))
        return list(dict.fromkeys(n for title in titles for n in self._by_title.get(phrase_of(title), ())))


def _is_same(film: Film, record: Film) -> bool:
    """Whether two of one title are one film: no id against it, a director in common, or the same year at least."""
    if any(film.external_ids.get(n, ref) != ref for n, ref in record.external_ids.items() if n in EXTERNAL_IDS):
        return False
    ours, theirs = ({phrase_of(name) for name in some.directors} for some in (film, record))
    if ours and theirs:
        return not ours.isdisjoint(theirs) and _is_near(film.year, record.year)
    return film.year is not None and film.year == record.year


def _is_near(ours: int | None, theirs: int | None) -> bool:
    return ours is None or theirs is None or abs(ours - theirs) <= _YEARS_APART


def make_film_id(title: str, year: int | None) -> str:
    """Make an id of a title and a year: small ASCII letters, digits and hyphens; empty without Latin letters."""
    plain = unicodedata.normalize("NFKD", title.lower().replace("'", "").replace("’", ""))
    words = re.findall(r"[a-z0-9]+", plain.encode("ascii", "ignore").decode())
    return "-".join([*words, str(year)] if year and words else words)
