"""The journal: what came of sends, on disk from the moment it is known until the database has it. It judges nothing.

A transaction for each outcome would cost more than the send. A line in a file costs a few microseconds, and outlives
the process as surely as a commit does.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from core.values import Attempt, Delivered, DeliveryId, DeliveryState, EndpointGone, Exchange, GiveUp, Outcome, Retry
from store.deliveries import Settled

_KINDS: Mapping[str, type[Outcome]] = {kind.__name__: kind for kind in (Delivered, Retry, GiveUp, EndpointGone)}
_NAMES = ("outcomes-1.jsonl", "outcomes-2.jsonl")


@dataclass(slots=True)
class _Page:
    file: int
    size: int = 0


class Journal:
    """Two files that take turns: while the database takes what stands in one, the other one is written.

    It is open from the beginning; use it as a context manager, so that it is closed. Errors: `OSError` where the
    folder cannot be written, of which `BlockingIOError` while another process holds it.
    """

    def __init__(self, folder: Path) -> None:
        self._pages = [_open_page(folder / name) for name in _NAMES]
        try:
            fcntl.flock(self._pages[0].file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        pages, self._pages = self._pages, []
        for page in pages:
            os.close(page.file)

    def read(self) -> list[Settled]:
        """All that stands in it. A last line that was not finished tells of nothing."""
        return [settled for page in self._pages for settled in _read_page(page)]

    def write(self, settled: Settled) -> None:
        """Put an outcome down; it outlives this process from now on. Errors: `OSError`, and then nothing stands."""
        page = self._pages[0]
        line = _to_line(settled)
        if os.write(page.file, line) != len(line):
            os.ftruncate(page.file, page.size)
            raise OSError("the disk is full")
        page.size += len(line)

    def turn(self) -> None:
        """From now on the other file is written. What stands in this one is to be stored, and then struck."""
        self._pages.reverse()

    def strike(self) -> None:
        """Empty the file that is not written now: the database has it all."""
        page = self._pages[1]
        if page.size:
            os.ftruncate(page.file, 0)
            page.size = 0

    def strike_all(self) -> None:
        self.strike()
        self.turn()
        self.strike()


def _open_page(path: Path) -> _Page:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    return _Page(file, os.fstat(file).st_size)


def _read_page(page: _Page) -> Iterator[Settled]:
    with os.fdopen(os.dup(page.file), "rb") as file:
        file.seek(0)
        for line in file:
            if line.endswith(b"\n"):
                yield _from_line(line)


def _to_line(settled: Settled) -> bytes:
    attempt, outcome = settled.attempt, settled.attempt.outcome
    words = outcome.detail if isinstance(outcome, Delivered) else outcome.reason
    after = outcome.after.total_seconds() if isinstance(outcome, Retry) and outcome.after is not None else None
    again = settled.next_attempt_at.isoformat() if settled.next_attempt_at else None
    said = outcome.exchange
    columns = [
        *(attempt.delivery_id, attempt.number, attempt.started_at.isoformat(), attempt.duration.total_seconds()),
        *(
            settled.state.value,
            again,
            type(outcome).__name__,
            words,
            outcome.status,
            after,
            said.request,
            said.response,
        ),
    ]
    return json.dumps(columns).encode() + b"\n"


def _from_line(line: bytes) -> Settled:
    name, number, started_at, seconds, state, again, kind, words, status, after, request, response = json.loads(line)
    told: dict[str, Any] = {"status": status, "exchange": Exchange(request=request, response=response)}
    told["detail" if kind == Delivered.__name__ else "reason"] = words
    if after is not None:
        told["after"] = timedelta(seconds=after)
    attempt = Attempt(
        delivery_id=DeliveryId(name),
        number=number,
        started_at=datetime.fromisoformat(started_at),
        duration=timedelta(seconds=seconds),
        outcome=_KINDS[kind](**told),
    )
    due_at = datetime.fromisoformat(again) if again else None
    return Settled(attempt=attempt, state=DeliveryState(state), next_attempt_at=due_at)
