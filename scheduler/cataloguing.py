"""Keeps the catalogue in step with TMDB and Wikidata: a batch at a time, each kept whole, gone on with after a stop."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core.catalogue import Authority, Register, SyncState
from core.values import Film, FilmId, FilmStatus
from crawler.catalogues import Catalogue, CatalogueError, Records, Ref, Wanted
from store.catalogue import KnownRef, find_sync, keep_records, keep_sync, known_refs, mark_gone
from store.engine import Session, Store
from store.films import all_films

logger = logging.getLogger(__name__)

_FIRST_RETRY = timedelta(hours=1)
# A change made while we read may carry the time before; a day is what TMDB counts changes in.
_OVERLAP = timedelta(days=1)
_LOOK_AGAIN = 7  # days until a film that was not found is looked for again

Now = Callable[[], datetime]
Advance = Callable[[int, int], None]


@dataclass(slots=True, kw_only=True)
class SyncReport:
    """What a run came to. `error` is one sentence, empty when it went well; `problems` are single records."""

    authority: Authority
    read_count: int = 0
    changed_count: int = 0
    gone_count: int = 0
    skipped_count: int = 0
    problems: list[str]
    error: str = ""


@dataclass(slots=True)
class _Run:
    """A run under way: whom a record means, and what is known."""

    register: Register
    known: dict[str, KnownRef]
    taken: dict[FilmId, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cataloguer:
    """Syncs with each catalogue it was handed, by authority; `enabled` are those whose time comes by itself."""

    store: Store
    catalogues: Mapping[Authority, Catalogue]
    enabled: frozenset[Authority]
    interval: timedelta
    now: Now

    async def sync_due(self) -> None:
        """Sync with whoever is enabled and due, one after the other."""
        for authority in sorted(self.enabled):
            state = await asyncio.to_thread(self._find_state, authority)
            if state is None or state.due_at <= self.now():
                await self.sync(authority)

    async def sync(
        self, authority: Authority, *, is_dry: bool = False, advance: Advance = lambda _done, _all: None
    ) -> SyncReport:
        """Read what is new and keep it; a dry run keeps nothing. What goes wrong is in the report and the state."""
        state = await asyncio.to_thread(self._begin, authority, is_dry)
        report = SyncReport(authority=authority, problems=[])
        try:
            await self._run(self.catalogues[authority], state, report, advance, is_dry=is_dry)
            if report.problems and not report.read_count:
                raise CatalogueError(f"Nothing that {authority} sent could be read: {report.problems[0]}")  # noqa: TRY301
        except CatalogueError as error:
            report.error = f"{str(error).rstrip('.')}."
            state = self._fail(state, report.error, error.retry_after)
        else:
            state = self._succeed(state)
        if not is_dry:
            await asyncio.to_thread(self._keep_state, state)
        return report

    def _find_state(self, authority: Authority) -> SyncState | None:
        with self.store.read() as tx:
            return find_sync(tx, authority)

    def _keep_state(self, state: SyncState) -> None:
        with self.store.write() as tx:
            keep_sync(tx, state)

    def _begin(self, authority: Authority, is_dry: bool) -> SyncState:
        """Take up the run that was cut short, or begin one. A process that dies in it does not begin at once again."""
        now = self.now()
        found = self._find_state(authority) or SyncState(authority=authority, due_at=now)
        state = replace(found, run_started_at=found.run_started_at or now, due_at=now + _FIRST_RETRY)
        if not is_dry:
            self._keep_state(state)
        return state

    async def _run(
        self, catalogue: Catalogue, state: SyncState, report: SyncReport, advance: Advance, *, is_dry: bool
    ) -> None:
        run, wanted = await asyncio.to_thread(self._prepare, catalogue.authority, state)
        started_at = state.run_started_at or self.now()
        todo = [ref for ref in await catalogue.list_refs(wanted) if _is_owed(run.known.get(ref.ref), started_at)]
        for at in range(0, len(todo), catalogue.batch_size):
            some = todo[at : at + catalogue.batch_size]
            records = await catalogue.read([ref.ref for ref in some], today=self.now().date())
            await asyncio.to_thread(self._keep, run, catalogue.authority, some, records, report, is_dry)
            advance(min(at + len(some), len(todo)), len(todo))

    def _prepare(self, authority: Authority, state: SyncState) -> tuple[_Run, Wanted]:
        with self.store.read() as tx:
            films, known = all_films(tx), known_refs(tx, authority)
        taken = {ref.film_id: name for name, ref in known.items()}
        run = _Run(Register(films), known, taken)
        now, since = self.now(), state.changed_until_at
        others = [film for film in films if film.film_id not in taken]
        ours = [film for film in others if _is_looked_for(film, authority, now, is_first=not since)]
        going = [name for name, ref in known.items() if not ref.is_gone]
        return run, Wanted(now=now, changed_since=since and since - _OVERLAP, known=going, ours=ours)

    def _keep(
        self,
        run: _Run,
        authority: Authority,
        refs: Sequence[Ref],
        records: Records,
        report: SyncReport,
        is_dry: bool,
    ) -> None:
        """Keep a batch in one transaction, and report it."""
        said = dict(_name_films(run, authority, refs, records, report))
        now = self.now()
        with self.store.write() as tx:
            report.changed_count += keep_records(tx, authority, said, now=now)
            report.gone_count += _mark_gone(tx, authority, records.gone, now)
            if is_dry:
                tx.rollback()
        report.read_count += len(records.films)
        report.problems += records.problems

    def _succeed(self, state: SyncState) -> SyncState:
        return SyncState(
            authority=state.authority,
            due_at=self.now() + self.interval,
            succeeded_at=self.now(),
            changed_until_at=state.run_started_at,
        )

    def _fail(self, state: SyncState, error: str, retry_after: timedelta | None) -> SyncState:
        """Try again in an hour, later each time, never sooner than asked; `run_started_at` stays to go on from."""
        logger.warning("the sync with %s failed: %s", state.authority, error)
        wait = min(_FIRST_RETRY * 2 ** min(state.error_count, 10), max(self.interval, _FIRST_RETRY))
        now = self.now()
        return replace(
            state,
            due_at=now + max(wait, retry_after or timedelta(0)),
            failing_since_at=state.failing_since_at or now,
            error=error,
            error_count=state.error_count + 1,
        )


def _is_owed(known: KnownRef | None, started_at: datetime) -> bool:
    """Whether a record was not read since the run began; one that was cut short goes on where it stood."""
    return known is None or known.seen_at < started_at


def _is_looked_for(film: Film, authority: Authority, now: datetime, *, is_first: bool) -> bool:
    """Films with the authority's id at once; others that can be found or may make news at first, then once a week."""
    if authority in film.external_ids:
        return True
    is_current = film.status is not FilmStatus.RELEASED or (film.year or 0) >= now.year - 1
    is_its_day = sum(film.film_id.encode()) % _LOOK_AGAIN == now.toordinal() % _LOOK_AGAIN
    return (is_current or bool(film.external_ids)) and (is_first or is_its_day)


def _name_films(
    run: _Run, authority: Authority, refs: Sequence[Ref], records: Records, report: SyncReport
) -> Sequence[tuple[FilmId, Film]]:
    """Say which of our films each record means; a film keeps its id whatever it is called now."""
    named: list[tuple[FilmId, Film]] = []
    for ref in refs:
        record = records.films.get(ref.ref)
        if record is None:
            continue
        known = run.known.get(ref.ref)
        film_id = known.film_id if known else run.register.find(record)
        if film_id is None and not ref.may_add:
            report.skipped_count += 1
            continue
        film_id = film_id or run.register.name(record, authority)
        if run.taken.setdefault(film_id, ref.ref) != ref.ref:
            report.problems.append(f"{ref.ref} is {film_id} too, as {run.taken[film_id]} is; one of them was left out")
            continue
        run.register.add(replace(record, film_id=film_id))
        named.append((film_id, record))
    return named


def _mark_gone(tx: Session, authority: Authority, refs: Sequence[str], now: datetime) -> int:
    return sum(mark_gone(tx, authority, ref, now=now) for ref in refs)
