"""What others say of films: merged into the operator's, never lost, and undone by nobody."""

from dataclasses import replace

from core.catalogue import Authority
from core.values import Film, FilmId
from store.catalogue import KnownRef, count_records, keep_records, known_refs, mark_gone
from store.engine import Store
from store.films import find_film, upsert_films
from store.meta import config_version
from tests.store.samples import DAY, HARBOUR, KITES, NOW

SAID = Film(film_id=FilmId(""), title="Paper Kites", year=2029, studio="Sundial", external_ids={"tmdb": "5"})


def test_what_is_said_fills_the_gaps_of_the_operators_film(store: Store) -> None:
    with store.write() as tx:
        upsert_films(tx, [HARBOUR, KITES], now=NOW)
        version = config_version(tx)
        assert keep_records(tx, Authority.TMDB, {KITES.film_id: SAID}, now=NOW) == 1
        assert config_version(tx) > version
        assert keep_records(tx, Authority.TMDB, {KITES.film_id: SAID}, now=NOW + DAY) == 0
        film = find_film(tx, KITES.film_id)
        assert film is not None
        assert (film.title, film.year, film.studio) == (KITES.title, 2029, "Sundial")
        assert known_refs(tx, Authority.TMDB) == {"5": KnownRef(film_id=KITES.film_id, seen_at=NOW + DAY)}
        assert count_records(tx) == {Authority.TMDB: 1}


def test_the_operators_next_import_wins_again_and_loses_nothing_that_was_said(store: Store) -> None:
    with store.write() as tx:
        upsert_films(tx, [KITES], now=NOW)
        keep_records(tx, Authority.TMDB, {KITES.film_id: SAID}, now=NOW)
        assert upsert_films(tx, [KITES], now=NOW) == 0
        assert upsert_films(tx, [replace(KITES, year=2031)], now=NOW) == 1
        film = find_film(tx, KITES.film_id)
        assert film is not None
        assert (film.year, film.studio) == (2031, "Sundial")
        assert upsert_films(tx, [KITES], now=NOW) == 1
        film = find_film(tx, KITES.film_id)
        assert film is not None
        assert film.year == 2029


def test_the_operator_may_take_over_a_film_that_others_brought(store: Store) -> None:
    with store.write() as tx:
        keep_records(tx, Authority.TMDB, {FilmId("paper"): SAID}, now=NOW)
        upsert_films(tx, [Film(film_id=FilmId("paper"), title="The Paper Kites")], now=NOW)
        film = find_film(tx, FilmId("paper"))
        assert film is not None
        assert (film.title, film.year, [alias.title for alias in film.aliases]) == (
            "The Paper Kites",
            2029,
            ["Paper Kites"],
        )


def test_a_record_that_is_gone_takes_no_film_along(store: Store) -> None:
    with store.write() as tx:
        keep_records(tx, Authority.TMDB, {FilmId("paper"): SAID}, now=NOW)
        assert mark_gone(tx, Authority.TMDB, "5", now=NOW)
        assert not mark_gone(tx, Authority.TMDB, "5", now=NOW)
        assert find_film(tx, FilmId("paper")) is not None
