"""The dispatcher of the one-process service: asyncio tasks, a lock per key. Keeps nothing over a restart."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from scheduler.dispatch import Args

logger = logging.getLogger(__name__)

Handler = Callable[..., Awaitable[None]]
Report = Callable[[str, Exception], None]


class EmbeddedDispatcher:
    """Runs tasks in this event loop. A task that fails is reported and does not stop the others."""

    def __init__(self, handlers: Mapping[str, Handler], *, report: Report) -> None:
        self._handlers = handlers
        self._report = report
        self._locks: dict[str, _CountedLock] = defaultdict(_CountedLock)
        self._waiting: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_stopping = False

    def enqueue(
        self,
        task: str,
        args: Args | None = None,
        *,
        lock: str | None = None,
        unique: str | None = None,
        delay: timedelta | None = None,
        connection: object | None = None,  # noqa: ARG002 the port's, for engines that live in the database
    ) -> None:
        if self._is_stopping or (unique is not None and unique in self._waiting):
            return
        if unique is not None:
            self._waiting.add(unique)
        running = asyncio.get_running_loop().create_task(
            self._run(task, args or {}, lock=lock, unique=unique, delay=delay), name=task
        )
        self._tasks.add(running)
        running.add_done_callback(self._tasks.discard)

    async def stop(self, *, grace: timedelta) -> None:
        """Take no new task, let the running ones end within `grace`, cancel the rest."""
        self._is_stopping = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace.total_seconds())
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(
        self, task: str, args: Args, *, lock: str | None, unique: str | None, delay: timedelta | None
    ) -> None:
        hold = self._hold(lock) if lock is not None else None
        is_held = False
        try:
            try:
                if delay is not None:
                    await asyncio.sleep(delay.total_seconds())
                if hold is not None:
                    await hold.acquire()
                    is_held = True
            finally:
                self._waiting.discard(unique or "")
            if not self._is_stopping:
                await self._attempt(task, args)
        finally:
            if hold is not None and is_held:
                hold.release()

    async def _attempt(self, task: str, args: Args) -> None:
        try:
            await self._handlers[task](**args)
        except Exception as error:  # the job boundary: one failed task never stops the service
            logger.exception("task %s failed", task)
            self._report(task, error)

    def _hold(self, key: str) -> "_Hold":
        return _Hold(self._locks, key)


class _CountedLock:
    """A fair lock that knows how many want it, so that unused ones can be dropped."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.wanted = 0


class _Hold:
    def __init__(self, locks: dict[str, _CountedLock], key: str) -> None:
        self._locks = locks
        self._key = key

    async def acquire(self) -> None:
        counted = self._locks[self._key]
        counted.wanted += 1
        try:
            await counted.lock.acquire()
        except asyncio.CancelledError:
            self._leave(counted)
            raise

    def release(self) -> None:
        counted = self._locks[self._key]
        counted.lock.release()
        self._leave(counted)

    def _leave(self, counted: _CountedLock) -> None:
        counted.wanted -= 1
        if not counted.wanted:
            self._locks.pop(self._key, None)
