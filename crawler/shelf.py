"""Keeps answers to the question for robots.txt in files, so that every crawl and every start need not ask again."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from crawler.sharing import leave_word

# None: no answer was to be had. Else status and body.
RobotsAnswer = tuple[int, bytes] | None

# Origins share so many files, the last one asked has it: the folder stays small, and who loses his asks once more.
_FILES_BITS = 12
# Longer files are asked for again: what is kept is bounded.
_MAX_BODY_BYTES = 64 * 1024
_LONGEST_SECONDS = 24 * 3600


class RobotsShelf:
    """The answers of all processes that name the same folder. `clock` gives Unix seconds, as processes come and go.

    A folder that cannot be written costs the sharing, not the question.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], float]) -> None:
        self._folder = folder
        self._clock = clock

    def take(self, origin: str) -> tuple[RobotsAnswer, float] | None:
        """Give the answer of an origin and for how many seconds it still holds; None if there is none."""
        try:
            head, _, body = self._path(origin).read_bytes().partition(b"\n")
            owner, expires_at, status = json.loads(head)
            left = float(expires_at) - self._clock()
        except (OSError, ValueError, TypeError):
            return None
        if owner != origin or not 0 < left <= _LONGEST_SECONDS or not isinstance(status, int | None):
            return None
        return (None if status is None else (status, body)), left

    def put(self, origin: str, answer: RobotsAnswer, seconds: float) -> None:
        """Keep an answer for so many seconds."""
        status, body = answer or (None, b"")
        if len(body) > _MAX_BODY_BYTES:
            return
        head = json.dumps([origin, self._clock() + seconds, status]).encode()
        leave_word(self._path(origin), head + b"\n" + body)

    def _path(self, origin: str) -> Path:
        number = int.from_bytes(hashlib.sha256(origin.encode("utf-8", "replace")).digest()[:4]) >> (32 - _FILES_BITS)
        return self._folder / f"{number:03x}"
