"""The embedded dispatcher: locks keep order, unique keys never lose a wake-up, one failure stops nobody."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from scheduler.embedded import EmbeddedDispatcher

GRACE = timedelta(seconds=2)


def run(script: Callable[[EmbeddedDispatcher, list[str]], Awaitable[None]]) -> tuple[list[str], list[str]]:
    """Run a script against a dispatcher; return what the tasks wrote down and which tasks failed."""
    log: list[str] = []
    failed: list[str] = []

    async def note(word: str, wait: int = 0) -> None:
        for _ in range(wait):
            await asyncio.sleep(0)
        log.append(word)

    async def fail() -> None:
        raise ValueError("a task that fails")

    async def main() -> None:
        dispatcher = EmbeddedDispatcher({"note": note, "fail": fail}, report=lambda task, _: failed.append(task))
        await script(dispatcher, log)
        await dispatcher.stop(grace=GRACE)

    asyncio.run(main())
    return log, failed


async def settle(steps: int = 50) -> None:
    for _ in range(steps):
        await asyncio.sleep(0)


def test_tasks_of_one_lock_run_in_the_order_asked() -> None:
    async def script(dispatcher: EmbeddedDispatcher, _log: list[str]) -> None:
        for word, wait in (("a", 9), ("b", 3), ("c", 0)):
            dispatcher.enqueue("note", {"word": word, "wait": wait}, lock="one")
        dispatcher.enqueue("note", {"word": "free"})
        await settle()

    assert run(script)[0] == ["free", "a", "b", "c"]


def test_a_unique_task_waits_once_but_is_asked_again_while_it_runs() -> None:
    async def script(dispatcher: EmbeddedDispatcher, _log: list[str]) -> None:
        for _ in range(3):
            dispatcher.enqueue("note", {"word": "first", "wait": 20}, unique="desk", lock="desk")
        await settle(5)  # it runs now; what comes in meanwhile must wake it once more
        for _ in range(3):
            dispatcher.enqueue("note", {"word": "second"}, unique="desk", lock="desk")
        await settle()

    assert run(script)[0] == ["first", "second"]


def test_a_failing_task_is_reported_and_stops_nobody() -> None:
    async def script(dispatcher: EmbeddedDispatcher, _log: list[str]) -> None:
        dispatcher.enqueue("fail", lock="one")
        dispatcher.enqueue("note", {"word": "after"}, lock="one")
        await settle()

    assert run(script) == (["after"], ["fail"])


def test_stopping_lets_the_running_end_and_takes_nothing_new() -> None:
    async def script(dispatcher: EmbeddedDispatcher, log: list[str]) -> None:
        dispatcher.enqueue("note", {"word": "running", "wait": 30})
        dispatcher.enqueue("note", {"word": "far off"}, delay=timedelta(hours=1))
        await settle(5)
        await dispatcher.stop(grace=timedelta(milliseconds=200))
        dispatcher.enqueue("note", {"word": "too late"})
        await settle()
        assert log == ["running"]

    assert run(script)[0] == ["running"]


def test_a_task_that_is_cancelled_when_its_turn_comes_hands_it_on() -> None:
    async def script(dispatcher: EmbeddedDispatcher, log: list[str]) -> None:
        dispatcher.enqueue("note", {"word": "a", "wait": 5}, lock="one")
        dispatcher.enqueue("fail", lock="one")
        dispatcher.enqueue("note", {"word": "b"}, lock="one")
        await settle(2)
        second = next(task for task in asyncio.all_tasks() if task.get_name() == "fail")
        while not log:  # noqa: ASYNC110 - it is about the very moment
            await asyncio.sleep(0)
        second.cancel()
        await settle()
        dispatcher.enqueue("note", {"word": "c"}, lock="one")
        await settle()

    assert run(script) == (["a", "b", "c"], [])
