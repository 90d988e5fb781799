"""The dispatcher of the one-process service: asyncio tasks, a lock per key. Keeps nothing over a restart."""

import asyncio
import logging
from collections import deque
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
        self._locks = _Locks()
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
        is_held = False
        try:
            try:
                if delay is not None:
                    await asyncio.sleep(delay.total_seconds())
                if lock is not None:
                    await self._locks.acquire(lock)
                    is_held = True
            finally:
                self._waiting.discard(unique or "")
            if not self._is_stopping:
                await self._attempt(task, args)
        finally:
            if lock is not None and is_held:
                self._locks.release(lock)

    async def _attempt(self, task: str, args: Args) -> None:
        try:
            await self._handlers[task](**args)
        except Exception as error:  # the job boundary: one failed task never stops the service
            logger.exception("task %s failed", task)
            self._report(task, error)


class _Locks:
    """Fair locks by key; there is only what somebody holds."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    async def acquire(self, key: str) -> None:
        waiting = self._waiting.get(key)
        if waiting is None:
            self._waiting[key] = deque()
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release(key)  # the turn came in the same moment: it is the next one's
            raise

    def release(self, key: str) -> None:
        waiting = self._waiting[key]
        while waiting:
            turn = waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        del self._waiting[key]
