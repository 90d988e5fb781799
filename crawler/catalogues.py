"""Asks film catalogues out there, TMDB and Wikidata, through the gateway: which records to read, and the records."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol, TypeVar
from urllib.parse import urlencode, urlsplit

from core.catalogue import Authority
from core.parsing import tmdb, wikidata
from core.parsing.tmdb import Hit, ShapeError
from core.tagging.text import phrase_of
from core.values import Film
from crawler.fetch import FetchError, Gateway, Response
from crawler.outcomes import read_pace

T = TypeVar("T")
Sleep = Callable[[timedelta], Awaitable[None]]

_BACKOFF = (timedelta(seconds=2), timedelta(seconds=15))
_LONGEST_WAIT = timedelta(minutes=1)
_MAX_PAGES = 500  # TMDB refuses pages beyond
_CHANGES_SPAN = timedelta(days=14)  # TMDB refuses longer ranges
_MAX_CHANGES_AGE = timedelta(days=84)
_MAX_SEARCHES = 300
_DETAILS = "credits,alternative_titles,external_ids"
_V3_KEY = re.compile(r"[0-9a-f]{32}")


class CatalogueError(Exception):
    """A catalogue that could not be read; one sentence. `retry_after` is how long it asks us to stay away."""

    def __init__(self, says: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(says)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a sync is after: news since `changed_since` (None: all), of what is `known`, to come, or `ours`.

    `known` are the catalogue's own ids we have records of, `ours` films it has not spoken of yet.
    """

    now: datetime
    changed_since: datetime | None
    known: Sequence[str]
    ours: Sequence[Film]


@dataclass(frozen=True, slots=True)
class Ref:
    """A record to read, by the catalogue's own id; `may_add` unless it is read only to know one of our films by."""

    ref: str
    may_add: bool = True


@dataclass(slots=True)
class Records:
    """Records as they were read: films by id, ids that are gone, and what could not be read, a clause each."""

    films: dict[str, Film] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class Catalogue(Protocol):
    """One of those we read. Both calls raise CatalogueError."""

    authority: Authority
    batch_size: int

    async def list_refs(self, wanted: Wanted) -> list[Ref]: ...
    async def read(self, refs: Sequence[str], *, today: date) -> Records: ...


async def sleep_for(span: timedelta) -> None:
    await asyncio.sleep(span.total_seconds())


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """Asks one service, one question at a time; waits when it says so, and tries again when it stumbles."""

    gateway: Gateway
    name: str
    url: str
    setting: str
    headers: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    key_advice: str = ""
    sleep: Sleep = sleep_for

    async def ask(self, path: str, **parameters: str) -> Mapping[str, Any] | None:
        """Ask for a JSON object; None when there is no such thing (404). Raises CatalogueError."""
        query = urlencode({**parameters, **self.parameters})
        url = f"{self.url.rstrip('/')}{path}?{query}" if query else f"{self.url}{path}"
        for pause in _BACKOFF:
            try:
                return await self._ask_once(url)
            except CatalogueError as error:
                wait = error.retry_after or pause
                if not isinstance(error, _PassingError) or wait > _LONGEST_WAIT:
                    raise
            await self.sleep(wait)
        return await self._ask_once(url)

    async def _ask_once(self, url: str) -> Mapping[str, Any] | None:
        try:
            response = await self.gateway.ask_api(url, headers=self.headers)
        except FetchError as error:
            raise _PassingError(f"{self.name} cannot be asked: {error}") from None
        if response.status == 404:
            return None
        if response.status != 200:
            raise self._explain(response)
        try:
            answer = json.loads(response.body)
        except ValueError:
            raise _PassingError(f"{self.name} answered with what is no whole JSON document") from None
        if not isinstance(answer, dict):
            raise self.changed("an answer is no JSON object")
        return answer

    def changed(self, clause: str) -> CatalogueError:
        return CatalogueError(
            f"{self.name} answers in another shape than documented: {clause}; look for a newer setwire"
        )

    def _explain(self, response: Response) -> CatalogueError:
        status = response.status
        after = read_pace(response, now=datetime.now(UTC)).retry_after
        if status in (401, 403):
            return CatalogueError(f"{self.name} refuses us ({status}); {self.key_advice}")
        if status == 429:
            return _PassingError(f"{self.name} asks us to come back later (429)", retry_after=after)
        if status >= 500:
            return _PassingError(f"{self.name} has trouble of its own ({status})", retry_after=after)
        if 300 <= status < 400:
            host = urlsplit(response.headers.get("location", "")).hostname or "elsewhere"
            return CatalogueError(f"{self.name} has moved to {host} ({status}); set {self.setting} to its new address")
        return CatalogueError(f"{self.name} does not take our question ({status}); look for a newer setwire")


class _PassingError(CatalogueError):
    """Trouble that may be over in a moment."""


class Tmdb:
    """The Movie Database, v3. Takes an API key (32 hex digits, sent in the address) or a read access token."""

    authority = Authority.TMDB
    batch_size = 20

    def __init__(self, gateway: Gateway, *, key: str, url: str, sleep: Sleep = sleep_for) -> None:
        is_v3 = _V3_KEY.fullmatch(key) is not None
        self._api = Api(
            gateway=gateway,
            name="TMDB",
            url=url,
            setting="SETWIRE_TMDB_URL",
            headers={} if is_v3 else {"Authorization": f"Bearer {key}"},
            parameters={"api_key": key} if is_v3 else {},
            key_advice="check SETWIRE_TMDB_KEY against the key in your account there",
            sleep=sleep,
        )

    async def list_refs(self, wanted: Wanted) -> list[Ref]:
        """Films to come that are not known, known ones that changed, then those that may be ours."""
        known = set(wanted.known)
        upcoming = await self._upcoming(wanted.now.date())
        changed = await self._changed(wanted, known)
        found = {ref: Ref(ref) for ref in (*changed, *(hit.ref for hit in upcoming if hit.ref not in known))}
        for ref in await self._ours(wanted.ours):
            found.setdefault(ref, Ref(ref, may_add=False))
        return list(found.values())

    async def read(self, refs: Sequence[str], *, today: date) -> Records:  # noqa: ARG002 the protocol's
        records = Records()
        for ref in refs:
            answer = await self._api.ask(f"/movie/{ref}", append_to_response=_DETAILS)
            if answer is None:
                records.gone.append(ref)
                continue
            try:
                records.films[ref] = tmdb.read_movie(answer)
            except ShapeError as error:
                records.problems.append(f"{error} (movie {ref})")
        return records

    async def _upcoming(self, today: date) -> list[Hit]:
        order = {"sort_by": "primary_release_date.asc", "include_adult": "false"}
        return await self._pages("/discover/movie", **order, **{"primary_release_date.gte": str(today)})

    async def _changed(self, wanted: Wanted, known: set[str]) -> list[str]:
        since = wanted.changed_since
        if since is None or wanted.now - since > _MAX_CHANGES_AGE:
            return list(wanted.known)
        found: dict[str, None] = {}
        for start, end in _spans(since.date(), wanted.now.date()):
            hits = await self._pages("/movie/changes", start_date=str(start), end_date=str(end))
            found.update(dict.fromkeys(hit.ref for hit in hits))
        return [ref for ref in found if ref in known]

    async def _ours(self, films: Sequence[Film]) -> list[str]:
        found = [film.external_ids["tmdb"] for film in films if "tmdb" in film.external_ids]
        for film in [film for film in films if "tmdb" not in film.external_ids][:_MAX_SEARCHES]:
            parameters = {"year": str(film.year)} if film.year else {}
            page = self._read_page(await self._api.ask("/search/movie", query=film.title, **parameters))
            found += [hit.ref for hit in page.hits if phrase_of(hit.title) == phrase_of(film.title)][:3]
        return found

    async def _pages(self, path: str, **parameters: str) -> list[Hit]:
        page = self._read_page(await self._api.ask(path, **parameters, page="1"))
        hits = list(page.hits)
        for number in range(2, min(page.page_count, _MAX_PAGES) + 1):
            hits += self._read_page(await self._api.ask(path, **parameters, page=str(number))).hits
        return hits

    def _read_page(self, answer: Mapping[str, Any] | None) -> tmdb.HitPage:
        try:
            return tmdb.read_page(answer or {})
        except ShapeError as error:
            raise self._api.changed(str(error)) from None


class Wikidata:
    """Wikidata's query service. Needs no key, but an address to complain to in the User-Agent."""

    authority = Authority.WIKIDATA
    batch_size = 40

    def __init__(self, gateway: Gateway, *, url: str, sleep: Sleep = sleep_for) -> None:
        self._api = Api(
            gateway=gateway,
            name="Wikidata",
            url=url,
            setting="SETWIRE_WIKIDATA_URL",
            headers={"Accept": "application/sparql-results+json"},
            key_advice="set SETWIRE_CONTACT_URL, which it asks of everybody",
            sleep=sleep,
        )

    async def list_refs(self, wanted: Wanted) -> list[Ref]:
        """Films to come that changed, known ones that changed, then ours by the ids they have."""
        since = wanted.changed_since
        found = {ref: Ref(ref) for ref in await self._upcoming(wanted.now.date(), since)}
        for some in _batches(wanted.known, 200):
            changed = await self._refs(wikidata.ask_known(some, since=since)) if since else some
            found.update((ref, Ref(ref)) for ref in changed)
        for ref in await self._ours(wanted.ours):
            found.setdefault(ref, Ref(ref, may_add=False))
        return list(found.values())

    async def read(self, refs: Sequence[str], *, today: date) -> Records:
        answer = await self._query(wikidata.ask_facts(refs))
        try:
            films = wikidata.read_films(answer, today=today)
        except ShapeError as error:
            raise self._api.changed(str(error)) from None
        return Records(films=films, gone=[ref for ref in refs if ref not in films])

    async def _upcoming(self, today: date, since: datetime | None) -> list[str]:
        found: list[str] = []
        for page in range(_MAX_PAGES):
            refs = await self._refs(wikidata.ask_upcoming(today, since=since, page=page))
            found += refs
            if len(refs) < wikidata.PAGE_SIZE:
                break
        return found

    async def _ours(self, films: Sequence[Film]) -> list[str]:
        found = [film.external_ids["wikidata"] for film in films if "wikidata" in film.external_ids]
        others = [film.external_ids for film in films if "wikidata" not in film.external_ids]
        for name in ("imdb", "tmdb"):
            for some in _batches([ids[name] for ids in others if name in ids], 200):
                found += await self._refs(wikidata.ask_by_id(name, some))
        return found

    async def _refs(self, query: str) -> list[str]:
        try:
            return wikidata.read_refs(await self._query(query))
        except ShapeError as error:
            raise self._api.changed(str(error)) from None

    async def _query(self, query: str) -> Mapping[str, Any]:
        answer = await self._api.ask("", query=query, format="json")
        if answer is None:
            raise CatalogueError("Wikidata has no query service at SETWIRE_WIKIDATA_URL (404); mend that address")
        return answer


def _spans(start: date, end: date) -> Iterator[tuple[date, date]]:
    while start <= end:
        until = min(end, start + _CHANGES_SPAN)
        yield start, until
        start = until + timedelta(days=1)


def _batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[at : at + size] for at in range(0, len(items), size))
