"""Syncs with TMDB and Wikidata against loopback servers that answer in their documented shapes, or badly."""

import asyncio
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from core.catalogue import Authority, SyncState
from core.values import Alias, AliasType, Film, FilmId, FilmStatus
from crawler.catalogues import Tmdb, Wikidata
from crawler.fetch import FetchSettings, Gateway
from scheduler.cataloguing import Cataloguer, SyncReport
from store.catalogue import find_sync, known_refs
from store.engine import Store
from store.films import all_films, find_film, upsert_films
from tests.crawler.servers import Route, Server, answer
from tests.scheduler.test_cli import Run, run

__all__ = ["run"]

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
TOKEN = "eyJ0eXAi.token-of-ours"
KEY = "0123456789abcdef0123456789abcdef"
OURS = Film(film_id=FilmId("lantern-bay"), title="Lantern Bay", year=2027, directors=("Ada Quill",), studio="Ours")


def movie(number: int, **changes: Any) -> dict[str, Any]:
    """One film as `/movie/{id}?append_to_response=…` tells of it."""
    said: dict[str, Any] = {
        "adult": False,
        "belongs_to_collection": {"id": 9, "name": "Harbour Collection", "poster_path": None},
        "id": number,
        "imdb_id": f"tt{number:07}",
        "original_language": "en",
        "original_title": f"Film {number}",
        "production_companies": [{"id": 3, "logo_path": None, "name": "Sundial", "origin_country": "US"}],
        "release_date": "2027-03-05",
        "status": "In Production",
        "title": f"Film {number}",
        "alternative_titles": {
            "titles": [
                {"iso_3166_1": "US", "title": f"Crate {number}", "type": "Working Title"},
                {"iso_3166_1": "FR", "title": f"Le Film {number}", "type": ""},
            ]
        },
        "credits": {
            "cast": [
                {"id": 2, "name": "Cy Vane", "character": "", "order": 1},
                {"id": 1, "name": "Bo Marsh", "character": "Captain Ash", "order": 0},
            ],
            "crew": [
                {"id": 4, "name": "Ada Quill", "job": "Director", "department": "Directing"},
                {"id": 5, "name": "Dee Holm", "job": "Writer", "department": "Writing"},
            ],
        },
        "external_ids": {"imdb_id": f"tt{number:07}", "wikidata_id": f"Q{number}", "facebook_id": None},
    }
    return said | changes


@dataclass
class Fake(dict[str, Route]):
    """A TMDB on loopback: films by id, lists made of them. `spoil` may answer a target in another way."""

    movies: dict[int, dict[str, Any]] = field(default_factory=dict)
    upcoming: list[int] = field(default_factory=list)
    changed: list[int] = field(default_factory=list)
    page_size: int = 2
    spoil: Callable[[str], Route | None] = lambda _: None

    def get(self, target: str, default: Route | None = None) -> Route:  # type: ignore[override]
        assert default is not None
        return self.spoil(target) or self._answer(target) or default

    def _answer(self, target: str) -> Route | None:
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        match parts.path.removeprefix("/3").split("/"):
            case ["", "discover", "movie"]:
                return self._page([self.movies[n] for n in self.upcoming], query)
            case ["", "movie", "changes"]:
                return self._page([{"id": n, "adult": False} for n in self.changed], query)
            case ["", "search", "movie"]:
                return self._page([m for m in self.movies.values() if m["title"] == query["query"]], query)
            case ["", "movie", number]:
                said = self.movies.get(int(number))
                gone = {"success": False, "status_code": 34, "status_message": "The resource could not be found."}
                return answer(200, json.dumps(said).encode()) if said else answer(404, json.dumps(gone).encode())
            case _:
                return None

    def _page(self, results: list[dict[str, Any]], query: Mapping[str, str]) -> Route:
        page = int(query.get("page", "1"))
        shown = results[(page - 1) * self.page_size : page * self.page_size]
        count = -(-len(results) // self.page_size)
        said = {"page": page, "results": shown, "total_pages": count, "total_results": len(results)}
        return answer(200, json.dumps(said).encode(), content_type="application/json")


@dataclass
class Desk:
    """A cataloguer on the store, whose clock stands still and whose pauses are only written down."""

    store: Store
    url: str = ""
    now: datetime = NOW
    slept: list[timedelta] = field(default_factory=list)
    key: str = TOKEN

    async def _pause(self, span: timedelta) -> None:
        self.slept.append(span)

    def sync(self, authority: Authority = Authority.TMDB, *, is_dry: bool = False) -> SyncReport:
        report = asyncio.run(self._sync(lambda cataloguer: cataloguer.sync(authority, is_dry=is_dry)))
        assert isinstance(report, SyncReport)
        return report

    def sync_due(self) -> None:
        asyncio.run(self._sync(lambda cataloguer: cataloguer.sync_due()))

    async def _sync(self, work: Callable[[Cataloguer], Any]) -> Any:
        how = FetchSettings(deadline=timedelta(seconds=5), allow_private_hosts=frozenset({"127.0.0.1"}))
        async with Gateway(settings=how) as gateway:
            cataloguer = Cataloguer(
                store=self.store,
                catalogues={
                    Authority.TMDB: Tmdb(gateway, key=self.key, url=f"{self.url}/3", sleep=self._pause),
                    Authority.WIKIDATA: Wikidata(gateway, url=f"{self.url}/sparql", sleep=self._pause),
                },
                enabled=frozenset({Authority.TMDB}),
                interval=timedelta(days=1),
                now=lambda: self.now,
            )
            return await work(cataloguer)

    def film(self, film_id: str) -> Film:
        with self.store.read() as tx:
            film = find_film(tx, FilmId(film_id))
        assert film is not None
        return film

    def films(self) -> list[str]:
        with self.store.read() as tx:
            return [film.film_id for film in all_films(tx)]

    def state(self, authority: Authority = Authority.TMDB) -> SyncState:
        with self.store.read() as tx:
            state = find_sync(tx, authority)
        assert state is not None
        return state


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


@pytest.fixture
def fake() -> Fake:
    return Fake(movies={n: movie(n) for n in range(11, 16)}, upcoming=[11, 12, 13, 14, 15])


@pytest.fixture
def server(fake: Fake, desk: Desk) -> Iterator[Server]:
    with Server(fake) as server:
        desk.url = server.url
        yield server


@pytest.mark.usefixtures("server")
def test_films_to_come_are_taken_over_with_all_that_is_said_of_them(desk: Desk) -> None:
    report = desk.sync()
    assert (report.error, report.read_count, report.changed_count) == ("", 5, 5)
    film = desk.film("film-11-2027")
    assert film == Film(
        film_id=FilmId("film-11-2027"),
        title="Film 11",
        year=2027,
        aliases=(
            Alias(title="Crate 11", type=AliasType.WORKING_TITLE),
            Alias(title="Le Film 11", type=AliasType.TRANSLATION),
        ),
        directors=("Ada Quill",),
        cast=("Bo Marsh", "Cy Vane"),
        roles={"Bo Marsh": "Captain Ash"},
        franchise="Harbour",
        studio="Sundial",
        status=FilmStatus.FILMING,
        external_ids={"tmdb": "11", "imdb": "tt0000011", "wikidata": "Q11"},
    )
    state = desk.state()
    assert (state.succeeded_at, state.due_at, state.run_started_at) == (NOW, NOW + timedelta(days=1), None)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("Rumored", FilmStatus.RUMOURED),
        ("Planned", FilmStatus.ANNOUNCED),
        ("In Production", FilmStatus.FILMING),
        ("Post Production", FilmStatus.POST_PRODUCTION),
        ("Released", FilmStatus.RELEASED),
        ("Canceled", FilmStatus.CANCELLED),
        ("Dreamt of", FilmStatus.UNKNOWN),
    ],
)
@pytest.mark.usefixtures("server")
def test_states_have_our_names(desk: Desk, fake: Fake, said: str, status: FilmStatus) -> None:
    fake.upcoming, fake.movies = [11], {11: movie(11, status=said)}
    desk.sync()
    assert desk.film("film-11-2027").status is status


def test_only_what_changed_is_read_the_next_day(desk: Desk, fake: Fake, server: Server) -> None:
    desk.sync()
    asked = len(server.asked)
    fake.changed, fake.upcoming = [12, 99], [*fake.upcoming, 16]
    fake.movies |= {12: movie(12, status="Released"), 16: movie(16)}
    desk.now += timedelta(days=1)
    report = desk.sync()
    details = [target for target in server.targets[asked:] if re.match(r"/3/movie/\d", target)]
    assert [urlsplit(target).path for target in details] == ["/3/movie/12", "/3/movie/16"]
    assert (report.read_count, report.changed_count) == (2, 2)
    assert any("start_date=2026-04-30&end_date=2026-05-02" in target for target in server.targets)
    assert desk.film("film-12-2027").status is FilmStatus.RELEASED


@pytest.mark.usefixtures("server")
def test_the_operators_film_is_found_and_its_fields_stand(desk: Desk, fake: Fake) -> None:
    with desk.store.write() as tx:
        upsert_films(tx, [OURS], now=NOW)
    fake.movies[20] = movie(20, title="Lantern Bay", release_date="2028-01-01")
    report = desk.sync()
    film = desk.film("lantern-bay")
    assert (film.year, film.studio, film.franchise, film.external_ids["tmdb"]) == (2027, "Ours", "Harbour", "20")
    assert report.skipped_count == 0
    assert "lantern-bay-2028" not in desk.films()


@pytest.mark.usefixtures("server")
def test_a_film_that_was_only_looked_for_is_not_added(desk: Desk, fake: Fake) -> None:
    with desk.store.write() as tx:
        upsert_films(tx, [OURS], now=NOW)
    other = {"crew": [{"name": "Somebody Else", "job": "Director"}], "cast": []}
    fake.movies[20] = movie(20, title="Lantern Bay", credits=other)
    assert desk.sync().skipped_count == 1
    assert len(desk.films()) == 6


@pytest.mark.usefixtures("server")
def test_a_renamed_film_keeps_its_id_and_a_removed_one_stays(desk: Desk, fake: Fake) -> None:
    desk.sync()
    fake.changed = [11, 12]
    fake.movies[11]["title"] = "Salt Water"
    del fake.movies[12]
    fake.upcoming = [11]
    desk.now += timedelta(days=3)
    report = desk.sync()
    film = desk.film("film-11-2027")
    assert film.title == "Salt Water"
    assert Alias(title="Film 11", type=AliasType.FORMER_TITLE, until=desk.now.date()) in film.aliases
    assert report.gone_count == 1
    assert desk.film("film-12-2027").title == "Film 12"
    with desk.store.read() as tx:
        assert known_refs(tx, Authority.TMDB)["12"].is_gone


@pytest.mark.usefixtures("server")
def test_a_dry_run_keeps_nothing(desk: Desk) -> None:
    report = desk.sync(is_dry=True)
    assert (report.read_count, report.changed_count) == (5, 5)
    assert desk.films() == []
    with desk.store.read() as tx:
        assert find_sync(tx, Authority.TMDB) is None


def always(route: Route, *, at: str = "/movie/13") -> Callable[[str], Route | None]:
    return lambda target: route if at in target else None


RENAMED = {"ident": 13, "name": "Film 13"}
BAD_KEY = {"status_code": 7, "status_message": "Invalid API key: You must be granted a valid key.", "success": False}
FAULTS = [
    pytest.param(
        always(answer(401, json.dumps(BAD_KEY).encode()), at="/discover"),
        "TMDB refuses us (401); check SETWIRE_TMDB_KEY",
        id="401",
    ),
    pytest.param(always(answer(503, b"offline")), "TMDB has trouble of its own (503).", id="503"),
    pytest.param(always(answer(429, b"{}", retry_after="7200")), "TMDB asks us to come back later (429).", id="429"),
    pytest.param(
        always(answer(200, b'{"id": 13, "ti')), "TMDB answered with what is no whole JSON document.", id="cut"
    ),
    pytest.param(
        always(answer(301, b"", location="https://new.example/3"), at="/discover"),
        "TMDB has moved to new.example (301);",
        id="moved",
    ),
    pytest.param(
        always(answer(200, b'{"items": []}'), at="/discover"),
        "TMDB answers in another shape than documented: a page has no results or total_pages;",
        id="renamed-list",
    ),
]


@pytest.mark.parametrize(("spoil", "says"), FAULTS)
@pytest.mark.usefixtures("server")
def test_trouble_is_one_sentence_and_the_next_run_completes(
    desk: Desk, fake: Fake, spoil: Callable[[str], Route | None], says: str
) -> None:
    fake.spoil = spoil
    report = desk.sync()
    assert report.error.startswith(says)
    assert report.error.count(". ") == 0
    state = desk.state()
    assert (state.error, state.failing_since_at, state.error_count) == (report.error, NOW, 1)
    assert state.due_at > NOW
    before = desk.films()
    fake.spoil = lambda _: None
    desk.now = state.due_at
    assert desk.sync().error == ""
    assert set(before) < set(desk.films())
    assert len(desk.films()) == 5
    assert (desk.state().error, desk.state().failing_since_at) == ("", None)


@pytest.mark.usefixtures("server")
def test_a_long_retry_after_is_waited_for_by_coming_back_later(desk: Desk, fake: Fake) -> None:
    fake.spoil = always(answer(429, b"{}", retry_after="7200"))
    desk.sync()
    assert desk.slept == []
    assert desk.state().due_at == NOW + timedelta(hours=2)


def test_a_short_retry_after_is_waited_for_at_once(desk: Desk, fake: Fake, server: Server) -> None:
    fake.spoil = lambda target: (
        answer(429, b"{}", retry_after="7") if "/movie/13" in target and server.targets.count(target) < 2 else None
    )
    assert desk.sync().error == ""
    assert desk.slept == [timedelta(seconds=7)]


@pytest.mark.usefixtures("server")
def test_one_record_that_cannot_be_read_is_left_out(desk: Desk, fake: Fake) -> None:
    fake.spoil = always(answer(200, json.dumps(RENAMED).encode()))
    report = desk.sync()
    assert (report.error, report.read_count, report.problems) == ("", 4, ["a film has no id or title (movie 13)"])


@pytest.mark.usefixtures("server")
def test_nothing_that_can_be_read_is_a_failure(desk: Desk, fake: Fake) -> None:
    fake.spoil = always(answer(200, json.dumps(RENAMED).encode()), at="/movie/1")
    assert desk.sync().error.startswith("Nothing that tmdb sent could be read: a film has no id or title")


class KilledError(BaseException):
    """The process ends here."""


def test_a_run_that_is_killed_is_gone_on_with(desk: Desk, fake: Fake, server: Server) -> None:
    fake.movies = {n: movie(n) for n in range(1, 51)}
    fake.upcoming = list(fake.movies)
    with pytest.raises(KilledError):
        asyncio.run(desk._sync(lambda cataloguer: cataloguer.sync(Authority.TMDB, advance=_die)))  # noqa: SLF001
    assert len(desk.films()) == 20
    assert desk.state().run_started_at == NOW
    asked = len(server.asked)
    desk.now += timedelta(hours=1)
    assert desk.sync().read_count == 30
    details = [target for target in server.targets[asked:] if re.match(r"/3/movie/\d", target)]
    assert len(details) == 30
    assert len(desk.films()) == 50


def _die(done: int, _all: int) -> None:
    if done:
        raise KilledError


def test_a_sync_comes_when_it_is_due_and_not_before(desk: Desk, server: Server) -> None:
    desk.sync_due()
    asked = len(server.asked)
    desk.now += timedelta(hours=23)
    desk.sync_due()
    assert len(server.asked) == asked
    desk.now += timedelta(hours=2)
    desk.sync_due()
    assert len(server.asked) > asked


@pytest.mark.usefixtures("server")
def test_two_records_of_one_film_do_not_take_turns(desk: Desk, fake: Fake) -> None:
    fake.movies = {11: movie(11), 12: movie(12, external_ids={"imdb_id": "tt0000011"}, imdb_id="tt0000011")}
    fake.upcoming = [11, 12]
    report = desk.sync()
    assert report.problems == ["12 is film-11-2027 too, as 11 is; one of them was left out"]
    assert desk.films() == ["film-11-2027"]


def test_a_token_goes_into_a_header_and_a_key_into_the_address(desk: Desk, fake: Fake, server: Server) -> None:
    fake.upcoming = [11]
    desk.sync()
    assert {asked.headers["authorization"] for asked in server.asked} == {f"Bearer {TOKEN}".encode()}
    asked = len(server.asked)
    desk.key = KEY
    desk.sync()
    assert all(f"api_key={KEY}" in asked.target for asked in server.asked[asked:])
    assert not any("authorization" in asked.headers for asked in server.asked[asked:])


@pytest.mark.parametrize("key", [TOKEN, KEY])
def test_the_key_is_told_to_nobody(
    run: Run, fake: Fake, server: Server, caplog: pytest.LogCaptureFixture, key: str
) -> None:
    given = {"SETWIRE_TMDB_KEY": key, "SETWIRE_TMDB_URL": f"{server.url}/3", "SETWIRE_LOG_LEVEL": "debug"}
    given["SETWIRE_ALLOW_PRIVATE_HOSTS"] = "127.0.0.1"
    fake.spoil = always(answer(401, b"{}"), at="/discover")
    code, out, err = run("films", "sync", "tmdb", **given)
    assert code == 1
    assert "TMDB refuses us (401)" in err
    assert key not in out + err + caplog.text


def test_the_command_says_what_it_did_and_what_it_would_do(run: Run, server: Server) -> None:
    given = {"SETWIRE_TMDB_KEY": TOKEN, "SETWIRE_TMDB_URL": f"{server.url}/3"}
    given["SETWIRE_ALLOW_PRIVATE_HOSTS"] = "127.0.0.1"
    assert "tmdb: 5 records read, 5 films would change" in run("films", "sync", "--dry-run", **given)[1]
    assert "tmdb: 5 records read, 5 films changed" in run("films", "sync", "tmdb", **given)[1]
    assert "Captain Ash" in run("films", "show", "film-11-2027")[1]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "No catalogue is set up: tmdb needs SETWIRE_TMDB_KEY and wikidata needs SETWIRE_CONTACT_URL."),
        (["tmdb"], "tmdb needs SETWIRE_TMDB_KEY; docs/catalogue.md says where to get it."),
        (["imdb"], "There is no catalogue 'imdb'; write tmdb or wikidata."),
    ],
)
def test_a_catalogue_that_is_not_set_up_is_one_sentence(run: Run, words: list[str], says: str) -> None:
    code, _, err = run("films", "sync", *words)
    assert (code, err.strip()) == (1, f"setwire: {says}")


def row(ref: str, fact: str = "", value: str = "", **more: str) -> dict[str, Any]:
    """A row of facts as SPARQL 1.1 Query Results JSON has it."""
    cells = {"fact": fact, "value": value, **more}
    said: dict[str, Any] = {"film": {"type": "uri", "value": f"http://www.wikidata.org/entity/{ref}"}}
    return said | {name: {"type": "literal", "value": text} for name, text in cells.items() if text}


FACTS = [
    row("Q11", "title", "Film 11"),
    row("Q11", "alias", "Eleven"),
    row("Q11", "original", "Le Film 11"),
    row("Q11", "date", "2027-03-05T00:00:00Z"),
    row("Q11", "director", "Ada Quill"),
    row("Q11", "cast", "Cy Vane", place="2"),
    row("Q11", "cast", "Bo Marsh", more="Captain Ash", place="1"),
    row("Q11", "studio", "Sundial"),
    row("Q11", "imdb", "tt0000011"),
    row("Q11", "tmdb", "11"),
]


class Sparql(dict[str, Route]):
    """A query service on loopback: answers questions for facts with FACTS, others with Q11."""

    def get(self, target: str, default: Route | None = None) -> Route:  # type: ignore[override]
        assert default is not None
        query = parse_qs(urlsplit(target).query)["query"][0]
        rows = FACTS if "?fact" in query else [row("Q11")] if "OFFSET 0" in query or "P345" in query else []
        said = {"head": {"vars": ["film"]}, "results": {"bindings": rows}}
        return answer(200, json.dumps(said).encode(), content_type="application/sparql-results+json")


def test_wikidata_tells_of_films_too_and_says_who_asks(desk: Desk) -> None:
    with Server(Sparql()) as server:
        desk.url = server.url
        report = desk.sync(Authority.WIKIDATA)
        assert (report.error, report.read_count, report.changed_count) == ("", 1, 1)
        assert server.busiest == 1
        assert all(asked.headers["user-agent"].startswith(b"setwire/") for asked in server.asked)
        assert all(asked.headers["accept"] == b"application/sparql-results+json" for asked in server.asked)
    film = desk.film("film-11-2027")
    assert (film.cast, film.roles, film.studio) == (("Bo Marsh", "Cy Vane"), {"Bo Marsh": "Captain Ash"}, "Sundial")
    assert film.external_ids == {"wikidata": "Q11", "imdb": "tt0000011", "tmdb": "11"}
    assert [(alias.title, alias.needs_context) for alias in film.aliases] == [("Eleven", True), ("Le Film 11", False)]


def test_tmdb_and_wikidata_make_one_film(desk: Desk, fake: Fake, server: Server) -> None:
    fake.upcoming = [11]
    desk.sync()
    with Server(Sparql()) as other:
        desk.url = other.url
        desk.sync(Authority.WIKIDATA)
    assert server.asked
    assert desk.films() == ["film-11-2027"]
    assert "Eleven" in [alias.title for alias in desk.film("film-11-2027").aliases]


@pytest.mark.parametrize(
    ("route", "says"),
    [
        (answer(429, b"", retry_after="3600"), "Wikidata asks us to come back later (429)."),
        (answer(403, b""), "Wikidata refuses us (403); set SETWIRE_CONTACT_URL"),
        (answer(200, b'{"results": {"rows": []}}'), "Wikidata answers in another shape than documented: an answer has"),
        (answer(500, b"java.util.concurrent.TimeoutException"), "Wikidata has trouble of its own (500)."),
    ],
)
def test_trouble_at_wikidata_is_one_sentence(desk: Desk, route: Route, says: str) -> None:
    class Bad(dict[str, Route]):
        def get(self, _target: str, _default: Route | None = None) -> Route:  # type: ignore[override]
            return route

    with Server(Bad()) as server:
        desk.url = server.url
        assert desk.sync(Authority.WIKIDATA).error.startswith(says)
