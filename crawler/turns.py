"""Turns at services that several processes ask: one question at a time, spaced, by files they lock. Asks nothing."""

import asyncio
import fcntl
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

_LOOK_AGAIN_SECONDS = 0.05


class SharedTurns:
    """The turns of all processes that name the same folder. A process that dies gives its turn back.

    Each service has a file that holds when the next question may begin, on the clock all processes of a machine share.
    A folder that cannot be written costs the sharing, not the question.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @asynccontextmanager
    async def take(self, name: str, spacing: timedelta) -> AsyncIterator[None]:
        """Wait until nobody asks the service and its spacing has passed; all others wait until the block is left."""
        file = self._open(name)
        if file is None:
            yield
            return
        try:
            while not _is_locked(file):  # noqa: ASYNC110 - no event reaches from one process into another
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)
            await asyncio.sleep(_read_wait(file, spacing))
            _write_next(file, spacing)
            yield
        finally:
            os.close(file)  # and with it goes the lock

    def _open(self, name: str) -> int | None:
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            return os.open(self._folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return None


def _is_locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read_wait(file: int, spacing: timedelta) -> float:
    """Give the seconds until the next question; a time from before a restart of the machine is not believed."""
    try:
        next_at = float(os.pread(file, 32, 0) or b"0")
    except ValueError:
        return 0.0
    wait = next_at - time.monotonic()
    return wait if 0 < wait < spacing.total_seconds() + 1 else 0.0


def _write_next(file: int, spacing: timedelta) -> None:
    with suppress(OSError):
        os.pwrite(file, b"%-32.3f" % (time.monotonic() + spacing.total_seconds()), 0)
