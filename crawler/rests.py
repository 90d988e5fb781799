"""Hosts that asked us to wait: left alone by all who share a folder, feeds and crawls, and after a restart as well."""

import hashlib
import json
import threading
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from crawler.sharing import leave_word

_BUSY = frozenset((429, 503))
# One address that is refused for days must not silence all others of its host for so long.
LONGEST_REST = timedelta(hours=1)


class RestBook:
    """Until when each lane (`core.services.lane_of`) is left alone, an hour at most; every time is aware.

    It is kept in memory, and in a file for each lane where there is a folder: one that cannot be written costs the
    sharing, not the rest.
    """

    def __init__(self, shared_folder: Path | None = None) -> None:
        self._folder = shared_folder / "rests" if shared_folder is not None else None
        self._ends: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def keep(self, lane: str, until: datetime) -> datetime:
        """Leave a lane alone in this process; a rest that was asked for is never shortened. When it ends."""
        with self._lock:
            self._ends[lane] = end = max(until, self._ends.get(lane, until))
        return end

    def hear(self, lane: str, status: int | None, retry_after: timedelta | None, *, now: datetime) -> bool:
        """Leave a lane alone in all processes if its answer asks for that, and say whether it does."""
        if status not in _BUSY or not retry_after:
            return False
        end = self.keep(lane, now + min(retry_after, LONGEST_REST))
        if self._folder is not None:
            name = hashlib.sha256(lane.encode("utf-8", "replace")).hexdigest()[:16]
            leave_word(self._folder / name, json.dumps([lane, end.timestamp()]).encode())
        return True

    def end_of(self, lane: str, *, now: datetime) -> datetime | None:
        """Say when a lane's rest ends, by what this process knows; None for one that does not rest."""
        end = self._ends.get(lane)
        return end if end is not None and now < end else None

    def look(self, *, now: datetime) -> Mapping[str, datetime]:
        """Take in what others keep, forget what is over, and give the lanes that rest."""
        for file in self._files():
            self._take_in(file, now)
        with self._lock:
            self._ends = {lane: end for lane, end in self._ends.items() if now < end <= now + LONGEST_REST}
            return dict(self._ends)

    def _files(self) -> list[Path]:
        with suppress(OSError):
            return list(self._folder.iterdir()) if self._folder is not None else []
        return []

    def _take_in(self, file: Path, now: datetime) -> None:
        try:
            lane, seconds = json.loads(file.read_bytes())
            end = datetime.fromtimestamp(float(seconds), UTC)
        except (OSError, OverflowError, TypeError, ValueError):
            lane, end = "", now
        # A clock that was set back must not make a rest last for ever.
        if isinstance(lane, str) and now < end <= now + LONGEST_REST:
            self.keep(lane, end)
        elif lane or not file.suffix:  # one with a suffix and no lane in it is being written
            with suppress(OSError):
                file.unlink()
