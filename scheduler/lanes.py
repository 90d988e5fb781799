"""How many endpoints are told at once: slow ones give up their place to others, so that they slow nobody."""

from dataclasses import dataclass, field

_SLOW_SECONDS = 1.0


@dataclass(slots=True, kw_only=True)
class Lanes:
    """One lane for each endpoint that is being told. Times are seconds of one monotonic clock.

    There is room for so many lanes. One whose message has been under way for a second is slow: it keeps its socket and
    gives up its place, up to `most` lanes in all. Where `most` equals `room`, nobody gets past a slow one.
    """

    room: int
    most: int
    _moved_at: dict[str, float] = field(default_factory=dict)

    def count_free(self, now: float) -> int:
        """How many more endpoints may be told now; never below 0."""
        quick = sum(now - moved_at < _SLOW_SECONDS for moved_at in self._moved_at.values())
        return max(min(self.room - quick, self.most - len(self._moved_at)), 0)

    def move(self, key: str, now: float) -> None:
        """Open the lane of an endpoint, or say that its next message is under way."""
        self._moved_at[key] = now

    def close(self, key: str) -> None:
        self._moved_at.pop(key, None)
