"""What came of sends outlives the process: the journal, the book of outcomes, and what a restart makes of them."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.values import (
    Attempt,
    Delivered,
    Delivery,
    DeliveryId,
    DeliveryState,
    EndpointGone,
    EndpointId,
    Exchange,
    GiveUp,
    Outcome,
    Retry,
)
from notifier.gate import Gate
from scheduler.embedded import EmbeddedDispatcher
from scheduler.jobs import Jobs
from scheduler.journal import Journal
from scheduler.outcomes import OutcomeBook
from store.deliveries import Settled, delivery_counts, delivery_detail, release_leases
from store.engine import Session, Store, StoreError
from store.subscriptions import find_endpoint
from tests.scheduler.line import Clock, Crash, StepDispatcher, build_jobs, gateway
from tests.scheduler.test_telling import hook, owe, tell

SAID = Exchange(request="POST https://a.example/\n", response="HTTP/1.1 204 \n")


def settled(name: str, outcome: Outcome, *, at: datetime, state: DeliveryState = DeliveryState.DELIVERED) -> Settled:
    attempt = Attempt(
        delivery_id=DeliveryId(name), number=1, started_at=at, duration=timedelta(milliseconds=30), outcome=outcome
    )
    due_at = at + timedelta(seconds=5) if state is DeliveryState.RETRYING else None
    return Settled(attempt=attempt, state=state, next_attempt_at=due_at)


OUTCOMES = (
    Delivered(detail="taken ✓", status=204, exchange=SAID),
    Retry(reason="The endpoint answered 503.", after=timedelta(seconds=90), status=503, exchange=SAID),
    Retry(reason="The endpoint did not answer within 15 s."),
    GiveUp(reason="It cannot be sent."),
    EndpointGone(reason="The endpoint answered 410.", status=410),
)


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: type(outcome).__name__)
def test_the_journal_gives_back_what_was_written(tmp_path: Path, now: datetime, outcome: Outcome) -> None:
    written = settled("a", outcome, at=now, state=DeliveryState.RETRYING)
    with Journal(tmp_path) as journal:
        journal.write(written)
    with Journal(tmp_path) as journal:
        [found] = journal.read()
    assert found == written
    assert found.attempt.outcome.exchange == outcome.exchange


@settings(deadline=None)
@given(words=st.text(), cut=st.integers(1, 200))
def test_a_line_cut_short_by_a_kill_tells_of_nothing(
    words: str, cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    first, second = (settled(n, Delivered(detail=words), at=datetime(2026, 3, 3, tzinfo=UTC)) for n in "ab")
    with Journal(folder) as journal:
        journal.write(first)
        journal.write(second)
    path = folder / "outcomes-1.jsonl"
    content = path.read_bytes()
    path.write_bytes(content[: -min(cut, len(content.splitlines()[-1]))])
    with Journal(folder) as journal:
        assert journal.read() == [first]


def test_what_is_struck_is_gone_and_what_came_meanwhile_stays(tmp_path: Path, now: datetime) -> None:
    with Journal(tmp_path) as journal:
        journal.write(settled("a", Delivered(), at=now))
        journal.turn()
        journal.write(settled("b", Delivered(), at=now))
        journal.strike()
        assert [found.attempt.delivery_id for found in journal.read()] == ["b"]
        journal.strike_all()
        assert journal.read() == []


def test_a_journal_has_one_writer(tmp_path: Path) -> None:
    with Journal(tmp_path), pytest.raises(BlockingIOError):
        Journal(tmp_path)


class Mortal(Store):
    """A store whose process dies after so many writes."""

    def __init__(self, kept: Store, *, writes: int) -> None:
        self._kept = kept
        self._writes = writes

    @contextmanager
    def write(self) -> Iterator[Session]:
        self._writes -= 1
        if self._writes < 0:
            raise Crash
        with self._kept.write() as tx:
            yield tx


@dataclass(slots=True)
class Dying:
    """Takes so many deliveries; with the next one the process dies."""

    most: int = 10**9
    told: list[DeliveryId] = field(default_factory=list)

    async def send(self, delivery: Delivery, *, now: datetime) -> Outcome:
        del now
        if len(self.told) >= self.most:
            raise Crash
        self.told.append(delivery.delivery_id)
        return Delivered(status=204)


def with_journal(store: Store, sender: object, clock: Clock, journal: Journal) -> Jobs:
    jobs = replace(build_jobs(store, gateway(), sender, clock), journal=journal)  # type: ignore[arg-type]
    jobs.dispatcher = StepDispatcher(jobs)
    return jobs


async def tell_until(jobs: Jobs, is_done: Callable[[], bool]) -> None:
    jobs.dispatcher = EmbeddedDispatcher(jobs.handlers(), report=lambda *_: None)
    async with asyncio.timeout(10):
        while not is_done():
            jobs.dispatcher.enqueue("tell", unique="tell", lock="tell")
            await asyncio.sleep(0.02)
    await jobs.dispatcher.stop(grace=timedelta(seconds=1))


def count_open(store: Store) -> int:
    with store.read() as tx:
        counts = delivery_counts(tx)
    return sum(counts.values()) - counts[DeliveryState.DELIVERED]


def test_what_was_sent_before_a_death_is_not_sent_again(sqlite_store: Store, tmp_path: Path, now: datetime) -> None:
    clock = Clock(now)
    names = owe(sqlite_store, hook("a"), 7, now=now)
    first, second = Dying(most=5), Dying()
    with Journal(tmp_path) as journal:
        # Webhooks are claimed, and mails: nothing else is written any more.
        jobs = with_journal(Mortal(sqlite_store, writes=2), first, clock, journal)
        with pytest.raises(Crash):
            tell(jobs)
    assert (len(first.told), count_open(sqlite_store)) == (5, 7), "the database knows of nothing"
    with Journal(tmp_path) as journal:
        jobs = with_journal(sqlite_store, second, clock, journal)
        jobs.recover()
        with sqlite_store.write() as tx:
            release_leases(tx)
        asyncio.run(tell_until(jobs, lambda: not count_open(sqlite_store)))
        assert journal.read() == []
    assert first.told + second.told == names, "each once, in order"


def test_a_journal_that_was_stored_already_changes_nothing(sqlite_store: Store, tmp_path: Path, now: datetime) -> None:
    [name] = owe(sqlite_store, hook("a"), 1, now=now)
    with Journal(tmp_path) as journal:
        for _ in range(2):
            journal.write(settled(name, Delivered(status=204), at=now))
            journal.write(settled("of another database", Delivered(status=204), at=now))
            assert OutcomeBook(sqlite_store, Clock(now), journal=journal).recover() == 2
    with sqlite_store.read() as tx:
        detail = delivery_detail(tx, name)
    assert detail
    assert len(detail.attempts) == 1


def test_an_endpoint_that_said_gone_before_a_death_is_disabled_by_the_next_start(
    sqlite_store: Store, tmp_path: Path, now: datetime
) -> None:
    [name] = owe(sqlite_store, hook("a"), 1, now=now)
    with Journal(tmp_path) as journal:
        gone = EndpointGone(reason="The endpoint answered 410.", status=410)
        journal.write(settled(name, gone, at=now, state=DeliveryState.UNDELIVERABLE))
        OutcomeBook(sqlite_store, Clock(now), journal=journal).recover()
    with sqlite_store.read() as tx:
        found = find_endpoint(tx, EndpointId("a"))
    assert found
    assert found.disabled_at


class Away(Store):
    """A store that cannot be written for a while."""

    def __init__(self, kept: Store, *, failures: int) -> None:
        self._kept = kept
        self.failures = failures

    @contextmanager
    def write(self) -> Iterator[Session]:
        if self.failures:
            self.failures -= 1
            raise StoreError("The database is away; wait for it.")
        with self._kept.write() as tx:
            yield tx


def test_outcomes_wait_for_a_database_that_is_away(sqlite_store: Store, now: datetime) -> None:
    names = owe(sqlite_store, hook("a"), 3, now=now)

    async def keep_all() -> None:
        book = OutcomeBook(Away(sqlite_store, failures=1), Clock(now))
        await asyncio.gather(*(book.keep(settled(name, Delivered(), at=now)).stored for name in names))

    asyncio.run(keep_all())
    assert count_open(sqlite_store) == 0


class CountingJournal(Journal):
    written = 0

    def write(self, settled: Settled) -> None:
        super().write(settled)
        self.written += 1


@dataclass(slots=True)
class Gated:
    """Lets each delivery leave by the gate, and notes how many had left whose outcome was not safe yet."""

    gate: Gate
    journal: "CountingJournal"
    in_doubt: list[int] = field(default_factory=list)
    left: int = 0

    async def send(self, delivery: Delivery, *, now: datetime) -> Outcome:
        del now
        gone = asyncio.get_running_loop().create_future()
        self.gate.enter(delivery.delivery_id, delivery.endpoint.endpoint_id, partial(gone.set_result, None))
        await gone
        self.left += 1
        self.in_doubt.append(self.left - self.journal.written)
        await asyncio.sleep(0)
        return Delivered(status=204)


def test_one_message_at_a_time_is_in_doubt(sqlite_store: Store, tmp_path: Path, now: datetime) -> None:
    for n in range(6):
        owe(sqlite_store, hook(f"hook-{n}"), 5, now=now)
    gate = Gate(patience=60, longest_wait=60)
    with CountingJournal(tmp_path) as journal:
        sender = Gated(gate, journal)
        jobs = replace(with_journal(sqlite_store, sender, Clock(now), journal), gate=gate)
        asyncio.run(tell_until(jobs, lambda: not count_open(sqlite_store)))
    assert sender.in_doubt == [1] * 30
