"""The clock: a handful of APScheduler jobs that ask the dispatcher for work. Knows when, not what."""

import asyncio
import time
from datetime import timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from scheduler.dispatch import Dispatcher


class Clock:
    """Ticks in exactly one process. `seconds_since_tick` lets the status page see that it still does."""

    def __init__(self, dispatcher: Dispatcher, *, tick: timedelta) -> None:
        self._dispatcher = dispatcher
        self._tick = tick
        self._last_tick = time.monotonic()
        # Memory store and one scheduler: two on one job store would run jobs twice. The defaults of
        # misfire_grace_time (1 s) and coalesce would drop runs silently on a busy machine.
        self._scheduler = AsyncIOScheduler(
            event_loop=asyncio.get_running_loop(),
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
            timezone="UTC",
        )

    def start(self) -> None:
        for task, every in (
            ("poll", self._tick),
            ("edit", max(self._tick, timedelta(seconds=2))),
            ("tell", self._tick),
            ("digest", self._tick),
            ("read_pages", max(self._tick, timedelta(seconds=2))),
            ("housekeep", timedelta(hours=1)),
            ("renew_hubs", timedelta(minutes=1)),
            ("sync_films", timedelta(minutes=1)),
        ):
            self._scheduler.add_job(self._ask, "interval", args=[task], seconds=every.total_seconds(), id=task)
        self._scheduler.start()

    def stop(self) -> None:
        self._scheduler.shutdown(wait=False)

    def seconds_since_tick(self) -> float:
        return time.monotonic() - self._last_tick

    async def _ask(self, task: str) -> None:
        self._last_tick = time.monotonic()
        self._dispatcher.enqueue(task, unique=task, lock=task)
