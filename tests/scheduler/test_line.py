"""The line from feed to alert: told once, also when the process dies between any two steps."""

import asyncio
from datetime import timedelta

import pytest

from core.values import DeliveryState, EndpointGone, GiveUp, Retry
from scheduler.jobs import settle
from store.deliveries import delivery_counts, latest_deliveries
from store.engine import Store
from store.stories import latest_stories
from tests.scheduler.line import (
    Clock,
    Crash,
    CrashingStore,
    Outlets,
    Recorder,
    build_jobs,
    furnish,
    gateway,
    play,
    restart,
    step_line,
)

BACKLOG = {"ledger": [("Lorries seen at the old fish market", "A crew is in town.")]}
NEWS = {
    "ledger": [
        ("Odile Brandtner joins the cast of ‘The Salt Meridian’", "She plays the ship's doctor."),
        ("Ten winter cruises that follow the coast", "Cabins with a view."),
    ]
}
REPEAT = {"dispatch": [("Odile Brandtner joins the cast of ‘The Salt Meridian’", "She plays the ship's doctor.")]}


def told_keys(recorder: Recorder) -> set[tuple[str, str]]:
    return {(d.endpoint.endpoint_id, d.payload) for d in recorder.told}


def test_a_new_story_reaches_each_endpoint_once_and_a_copy_reaches_nobody(sqlite_store: Store) -> None:
    recorder, clock, outlets = Recorder(), Clock(), Outlets()
    with outlets.serve() as address:
        furnish(sqlite_store, address, "ledger", "dispatch", now=clock())
        play(sqlite_store, outlets, recorder, clock, [BACKLOG, NEWS, REPEAT, {}])
    assert sorted(d.endpoint.endpoint_id for d in recorder.told) == ["email", "webhook"]
    assert all("Odile Brandtner" in d.payload for d in recorder.told)
    with sqlite_store.read() as tx:
        assert delivery_counts(tx)[DeliveryState.DELIVERED] == 2
        assert len(latest_stories(tx, limit=10)) == 3


def test_first_contact_is_silent(sqlite_store: Store) -> None:
    recorder, clock, outlets = Recorder(), Clock(), Outlets()
    with outlets.serve() as address:
        furnish(sqlite_store, address, "ledger", now=clock())
        play(sqlite_store, outlets, recorder, clock, [NEWS, {}])
    assert not recorder.told


@pytest.mark.parametrize("after_commit", [False, True], ids=["before the commit", "after the commit"])
def test_dying_at_any_write_loses_nothing_and_tells_nothing_else(store: Store, *, after_commit: bool) -> None:
    """Kill the process at its first write, its second, … until a run gets through; restart after each death."""
    recorder, clock, outlets = Recorder(), Clock(), Outlets()
    deaths = 0
    with outlets.serve() as address:
        furnish(store, address, "ledger", "dispatch", now=clock())
        play(store, outlets, recorder, clock, [BACKLOG])
        outlets.texts["ledger"].extend(NEWS["ledger"])
        outlets.texts["dispatch"] = REPEAT["dispatch"]
        for dies_at in range(1, 40):
            clock.pass_by(timedelta(seconds=5))
            if not run_until_death(CrashingStore(store, dies_at, after_commit=after_commit), recorder, clock):
                break
            deaths += 1
            restart(store)
        else:
            pytest.fail("no run got through")
    assert deaths >= 6
    ids = {(d.delivery_id, d.endpoint.endpoint_id) for d in recorder.told}
    assert sorted(endpoint for _, endpoint in ids) == ["email", "webhook"], "one delivery per match and endpoint"
    assert len(told_keys(recorder)) == 2, "every repeat says the same words"
    with store.read() as tx:
        assert delivery_counts(tx)[DeliveryState.DELIVERED] == 2


def run_until_death(store: CrashingStore, recorder: Recorder, clock: Clock) -> bool:
    """Run the line once; say whether the process died on the way."""

    async def run() -> None:
        async with gateway() as opened:
            await step_line(build_jobs(store, opened, recorder, clock))

    try:
        asyncio.run(run())
    except Crash:
        return True
    return False


def test_what_an_endpoint_refuses_is_tried_again_with_the_same_id(sqlite_store: Store) -> None:
    recorder, clock, outlets = Recorder(), Clock(), Outlets()
    recorder.outcomes.extend([Retry(reason="busy", status=503)] * 2)
    with outlets.serve() as address:
        furnish(sqlite_store, address, "ledger", now=clock())
        play(sqlite_store, outlets, recorder, clock, [BACKLOG, NEWS, {}, {}])
    ids = [d.delivery_id for d in recorder.told]
    assert len(ids) == 4
    assert len(set(ids)) == 2
    with sqlite_store.read() as tx:
        assert delivery_counts(tx)[DeliveryState.DELIVERED] == 2


def test_an_endpoint_that_is_gone_is_told_no_more(sqlite_store: Store) -> None:
    recorder, clock, outlets = Recorder(), Clock(), Outlets()
    recorder.outcomes.extend([EndpointGone(reason="410 Gone", status=410)] * 2)
    more = {"ledger": [("‘The Salt Meridian’ trailer: Tomas Vargany at sea", "The first trailer.")]}
    with outlets.serve() as address:
        furnish(sqlite_store, address, "ledger", now=clock())
        play(sqlite_store, outlets, recorder, clock, [BACKLOG, NEWS, more, {}])
    assert len(recorder.told) == 2
    with sqlite_store.read() as tx:
        missed = latest_deliveries(tx, limit=10, state=DeliveryState.CANCELLED)
    assert len(missed) == 2, "what it missed stands in the record"


def test_a_source_is_not_asked_before_it_is_due(sqlite_store: Store) -> None:
    recorder, clock, outlets = Recorder(), Clock(), Outlets()
    with outlets.serve() as address:
        furnish(sqlite_store, address, "ledger", now=clock())
        play(sqlite_store, outlets, recorder, clock, [BACKLOG])
        jobs_asked = outlets.asked
        run_until_death(CrashingStore(sqlite_store), recorder, clock)
    assert outlets.asked == jobs_asked == 1


@pytest.mark.parametrize(
    ("attempt_count", "state"),
    [
        pytest.param(1, DeliveryState.RETRYING, id="first failure"),
        pytest.param(9, DeliveryState.RETRYING, id="last but one"),
        pytest.param(10, DeliveryState.UNDELIVERABLE, id="the tenth is the last"),
    ],
)
def test_retries_end(attempt_count: int, state: DeliveryState) -> None:
    now = Clock()()
    settled, due_at = settle(Retry(reason="busy"), attempt_count=attempt_count, now=now, jitter=0.5)
    assert settled is state
    assert (due_at is None) is (state is DeliveryState.UNDELIVERABLE)


def test_a_delivery_that_can_never_succeed_is_given_up() -> None:
    assert settle(GiveUp(reason="too large"), attempt_count=1, now=Clock()(), jitter=0.5) == (
        DeliveryState.UNDELIVERABLE,
        None,
    )
