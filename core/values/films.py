"""The catalogue: films, their names, and the topics."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from core.values.ids import FilmId, TopicSlug


class FilmStatus(StrEnum):
    RUMOURED = "rumoured"
    ANNOUNCED = "announced"
    PRE_PRODUCTION = "pre-production"
    FILMING = "filming"
    POST_PRODUCTION = "post-production"
    RELEASED = "released"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


class AliasType(StrEnum):
    SHORT = "short"
    WORKING_TITLE = "working-title"
    CODE_NAME = "code-name"
    TRANSLATION = "translation"
    FORMER_TITLE = "former-title"
    ABBREVIATION = "abbreviation"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """Another name of a film. From `since` to `until` (both included) it stands for the film by itself, else not."""

    title: str
    type: AliasType = AliasType.OTHER
    needs_context: bool = False
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """A catalogue record. `cast` is in billing order; `roles` says whom a member of it plays, where that is known.

    `external_ids` has the ids of others: `tmdb` (`1368166`), `imdb` (`tt0111161`), `wikidata` (`Q172241`).
    """

    film_id: FilmId
    title: str
    year: int | None = None
    aliases: tuple[Alias, ...] = ()
    directors: tuple[str, ...] = ()
    cast: tuple[str, ...] = ()
    roles: Mapping[str, str] = field(default_factory=dict)
    franchise: str = ""
    studio: str = ""
    status: FilmStatus = FilmStatus.UNKNOWN
    external_ids: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A term of the vocabulary. `cues` are words or phrases that speak for it, `blockers` against it.

    `is_production`: the topic makes a text production news.
    """

    slug: TopicSlug
    name: str
    definition: str = ""
    cues: tuple[str, ...] = ()
    blockers: tuple[str, ...] = ()
    is_production: bool = True
