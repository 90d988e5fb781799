"""The port by which work is handed on. What is owed stands in our tables; a task that gets lost is found again."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol

Args = Mapping[str, object]


class Dispatcher(Protocol):
    def enqueue(
        self,
        task: str,
        args: Args | None = None,
        *,
        lock: str | None = None,
        unique: str | None = None,
        delay: timedelta | None = None,
        connection: object | None = None,
    ) -> None:
        """Ask for `task` to run with `args`.

        Tasks of one `lock` run one after the other, in the order they were asked for. While a task of the same
        `unique` key waits, asking again does nothing; once it runs, asking queues it once more, so that what came
        in meanwhile is not missed. `connection` joins an engine that lives in the database to the caller's
        transaction; the embedded one has no use for it.
        """
