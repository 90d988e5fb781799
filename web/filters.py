"""Which stories a reader asked for, and the address that asks for them again."""

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from core.values import FilmId, StoryId, TopicSlug


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryFilter:
    """None asks for everything; `before` asks for stories older than that one."""

    film: FilmId | None = None
    topic: TopicSlug | None = None
    production: bool = True
    before: StoryId | None = None

    def change(self, **changes: Any) -> "StoryFilter":
        """Return the filter with these fields changed, from its first page on unless `before` is given."""
        return replace(self, **({"before": None} | changes))

    def query(self, *, limit: int | None = None) -> str:
        """Write the filter as a query string with its `?`; empty for the default."""
        production = None if self.production else 0
        fields = {
            "film": self.film,
            "topic": self.topic,
            "production": production,
            "before": self.before,
            "limit": limit,
        }
        given = {name: value for name, value in fields.items() if value is not None}
        return f"?{urlencode(given)}" if given else ""
