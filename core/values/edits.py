"""What the desk made of one entry."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.values.alerts import Match
from core.values.corrections import Correction
from core.values.entries import Article
from core.values.ids import EntryId, StoryId
from core.values.stories import Assignment, Duplicate, Story, Tagging


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Everything the desk decided about one entry; the shell stores it in one transaction.

    `article` is None when the entry's canonical URL is known already (`duplicate` then names the article).
    `story` is the story after the article joined, None for a duplicate; `strand_id` is the part of it that the article
    is near to, the story's own id unless stories were put together. `corrections` put others into `story` before.
    `quiet_reason` says why nothing could be told at all (duplicate, backlog, too old); it is empty when subscriptions
    were asked.
    """

    entry_id: EntryId
    article: Article | None
    duplicate: Duplicate | None = None
    tagging: Tagging | None = None
    assignment: Assignment | None = None
    story: Story | None = None
    strand_id: StoryId | None = None
    corrections: tuple[Correction, ...] = ()
    quiet_reason: str = ""
    matches: Sequence[Match] = ()
