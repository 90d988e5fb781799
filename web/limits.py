"""How often somebody may ask; kept in memory, so a restart forgets it."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

_MAX_KEYS = 10_000


@dataclass(slots=True, kw_only=True)
class Allowance:
    """At most so many of one key in any span of this length."""

    most: int
    per: timedelta
    _taken: dict[str, deque[datetime]] = field(default_factory=dict)

    def take(self, key: str, *, now: datetime) -> bool:
        """Use one up; False when there is none left."""
        taken = self._taken.setdefault(key, deque())
        while taken and taken[0] <= now - self.per:
            taken.popleft()
        if len(taken) >= self.most:
            return False
        taken.append(now)
        if len(self._taken) > _MAX_KEYS:
            self._forget(now)
        return True

    def _forget(self, now: datetime) -> None:
        self._taken = {key: taken for key, taken in self._taken.items() if taken and taken[-1] > now - self.per}
