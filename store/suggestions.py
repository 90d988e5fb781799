"""Titles that keep appearing as films and are in no catalogue: counted over days and outlets, for the operator.

Bounded: at most five thousand titles and eight sightings of each are kept, a title for thirty days after its last.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import RowMapping, delete, func, select, update
from sqlalchemy.orm import Session

from core.catalogue import make_film_id
from core.unknown import UnknownTitle
from core.values import Article, Film, FilmId
from store.films import find_film, upsert_films
from store.sql import change
from store.tables import suggestions

KEPT_FOR = timedelta(days=30)
_ACCEPTED = "accepted"
MOST_TITLES = 5_000
MOST_SIGHTINGS = 8
MIN_ARTICLES, MIN_PLACES = 2, 2
"""A title is suggested once two articles have it, of two days or of two outlets."""


class SuggestionError(Exception):
    """What was asked of a suggestion cannot be done; one sentence says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A title with its evidence; `sightings` are outlet, address, sentence, newest last. Year, people: guesses.

    `verdict` is empty while it is open, else `accepted` or `dismissed`.
    """

    suggestion_id: int
    title: str
    year: int | None
    people: tuple[str, ...]
    article_count: int
    outlets: tuple[str, ...]
    days: tuple[str, ...]
    sightings: tuple[dict[str, str], ...]
    first_seen_at: datetime
    last_seen_at: datetime
    verdict: str = ""


def note_titles(tx: Session, seen: Iterable[tuple[Article, UnknownTitle]], *, now: datetime) -> None:
    """Count sightings; a title that was dismissed or accepted is not counted again."""
    for article, found in seen:
        row = tx.execute(select(suggestions).where(suggestions.c.phrase == found.phrase)).mappings().first()
        if row is None:
            tx.execute(suggestions.insert().values(_first(article, found, now)))
        elif row["closed_at"] is None and article.url not in {s["url"] for s in row["sightings"]}:
            named = suggestions.c.suggestion_id == row["suggestion_id"]
            tx.execute(update(suggestions).where(named).values(_next(row, article, found, now)))


def _first(article: Article, found: UnknownTitle, now: datetime) -> dict[str, object]:
    return {
        "phrase": found.phrase,
        "title": found.title,
        "year": found.year,
        "people": list(found.people),
        "article_count": 1,
        "outlets": [article.publisher.name],
        "days": [article.event_at.date().isoformat()],
        "sightings": [_sighting(article, found)],
        "first_seen_at": now,
        "last_seen_at": now,
        "verdict": "",
    }


def _next(row: RowMapping, article: Article, found: UnknownTitle, now: datetime) -> dict[str, object]:
    return {
        "year": row["year"] or found.year,
        "people": list(dict.fromkeys([*row["people"], *found.people]))[:10],
        "article_count": row["article_count"] + 1,
        "outlets": list(dict.fromkeys([*row["outlets"], article.publisher.name]))[:20],
        "days": list(dict.fromkeys([*row["days"], article.event_at.date().isoformat()]))[-30:],
        "sightings": [*row["sightings"], _sighting(article, found)][-MOST_SIGHTINGS:],
        "last_seen_at": now,
    }


def _sighting(article: Article, found: UnknownTitle) -> dict[str, str]:
    return {"outlet": article.publisher.name, "url": article.url, "sentence": found.sentence}


def open_suggestions(tx: Session, *, limit: int) -> list[Suggestion]:
    """Titles to decide on: those of most outlets first, then of most days, then of most articles."""
    query = select(suggestions).where(suggestions.c.closed_at.is_(None), suggestions.c.article_count >= MIN_ARTICLES)
    found = [_suggestion(row) for row in tx.execute(query).mappings()]
    ripe = [one for one in found if max(len(one.outlets), len(one.days)) >= MIN_PLACES]
    return sorted(ripe, key=lambda s: (-len(s.outlets), -len(s.days), -s.article_count, s.title))[:limit]


def _suggestion(row: RowMapping) -> Suggestion:
    return Suggestion(
        suggestion_id=row["suggestion_id"],
        title=row["title"],
        year=row["year"],
        people=tuple(row["people"]),
        article_count=row["article_count"],
        outlets=tuple(row["outlets"]),
        days=tuple(row["days"]),
        sightings=tuple(row["sightings"]),
        first_seen_at=row["first_seen_at"],
        last_seen_at=row["last_seen_at"],
        verdict=row["verdict"],
    )


def find_suggestion(tx: Session, suggestion_id: int) -> Suggestion:
    """One suggestion, open or not. Raises SuggestionError."""
    row = tx.execute(select(suggestions).where(suggestions.c.suggestion_id == suggestion_id)).mappings().first()
    if row is None:
        raise SuggestionError(f"There is no suggestion {suggestion_id}; `setwire films suggestions` lists them.")
    return _suggestion(row)


def accept_suggestion(
    tx: Session, suggestion_id: int, *, title: str = "", year: int | None = None, film_id: str = "", now: datetime
) -> Film:
    """Add the film to the catalogue and return it; the desk takes it up with its next batch. Safe to repeat.

    `title` is the suggested one where it is left out, `film_id` is made of title and year. Raises SuggestionError:
    no such suggestion, no id, or another film of that id, which would lose its people.
    """
    known = find_suggestion(tx, suggestion_id)
    name = title.strip() or known.title
    film = Film(film_id=FilmId(film_id or make_film_id(name, year)), title=name, year=year)
    _refuse_id(film.film_id, name)
    there = find_film(tx, film.film_id)
    if there is not None and known.verdict == _ACCEPTED:
        return there
    if there is not None:
        raise SuggestionError(
            f"There is a film {there.film_id} already, {there.title}; dismiss the suggestion, or give another title, "
            "year or id."
        )
    upsert_films(tx, [film], now=now)
    _close(tx, suggestion_id, _ACCEPTED, now)
    return film


def _refuse_id(film_id: FilmId, name: str) -> None:
    if not film_id:
        raise SuggestionError(f"No id can be made of {name!r}; give a title in Latin letters or an id.")
    if make_film_id(film_id, None) != film_id:
        raise SuggestionError(f"{film_id!r} is no id; use small letters, digits and single hyphens.")


def dismiss_suggestion(tx: Session, suggestion_id: int, *, now: datetime) -> None:
    """Never suggest the title again; safe to repeat. Raises SuggestionError: none such, or its film was added."""
    if find_suggestion(tx, suggestion_id).verdict == _ACCEPTED:
        raise SuggestionError(f"Suggestion {suggestion_id} was accepted; its film is in the catalogue.")
    _close(tx, suggestion_id, "dismissed", now)


def _close(tx: Session, suggestion_id: int, verdict: str, now: datetime) -> None:
    closed = {"closed_at": now, "verdict": verdict}
    tx.execute(update(suggestions).where(suggestions.c.suggestion_id == suggestion_id).values(closed))


def expire_suggestions(tx: Session, *, now: datetime) -> int:
    """Delete open titles not seen for thirty days, and the longest unseen of too many; return how many."""
    is_open = suggestions.c.closed_at.is_(None)
    count = change(tx, delete(suggestions).where(is_open, suggestions.c.last_seen_at < now - KEPT_FOR))
    surplus = (tx.execute(select(func.count()).select_from(suggestions).where(is_open)).scalar() or 0) - MOST_TITLES
    if surplus > 0:
        oldest = select(suggestions.c.suggestion_id).where(is_open).order_by(suggestions.c.last_seen_at).limit(surplus)
        count += change(tx, delete(suggestions).where(suggestions.c.suggestion_id.in_(oldest)))
    return count
