"""The options by which `subscriptions add` and `subscriptions preview` ask, and the subscription they come to."""

from dataclasses import dataclass
from typing import Annotated

import typer

from core.query import QueryError, find_unknown
from core.timing import load_zone, parse_clock, parse_quiet
from core.values import (
    Cadence,
    EndpointId,
    EventType,
    FilmId,
    Salience,
    Subscription,
    SubscriptionId,
    Tier,
    Timing,
    TopicSlug,
    Weekday,
)
from scheduler.commands.options import CommandError
from store.engine import Session
from store.films import all_films, all_topics, find_film

Query = Annotated[str, typer.Option(help="A condition such as 'film:ID AND (stunts OR \"set video\") NOT rumour'.")]
Films = Annotated[list[str] | None, typer.Option("--film", help="A film id; give it again for more films.")]
Topics = Annotated[list[str] | None, typer.Option("--topic", help="A topic, such as set-video; repeat for more.")]
Words = Annotated[list[str] | None, typer.Option("--word", help="A word or phrase in the text; repeat for more.")]
Without = Annotated[list[str] | None, typer.Option("--without", help="A word or phrase that rules a text out.")]
Outlets = Annotated[list[str] | None, typer.Option("--outlet", help="Only from this publisher; repeat for more.")]
MinTier = Annotated[Tier, typer.Option(help="Only from publishers of this tier or above.")]
Mentions = Annotated[bool, typer.Option("--mentions", help="Also where the film is only mentioned.")]
Everything = Annotated[bool, typer.Option("--everything", help="Not only production news.")]
Updates = Annotated[bool, typer.Option("--updates", help="Also new developments of a story.")]
CadenceOption = Annotated[Cadence, typer.Option(help="At once, or as a digest.")]
At = Annotated[str, typer.Option(help="Local time of a daily or weekly digest.")]
On = Annotated[Weekday, typer.Option(help="Day of a weekly digest.")]
Zone = Annotated[str, typer.Option(help="Time zone of all local times, such as Europe/Paris.")]
Quiet = Annotated[str, typer.Option(help="Local hours in which alerts are held, such as 22:00-07:00.")]
Cap = Annotated[int, typer.Option(min=0, help="At most so many alerts an hour, the rest as one digest; 0: no cap.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody asks for, before it is checked."""

    query: str
    films: list[str] | None
    topics: list[str] | None
    words: list[str] | None
    without: list[str] | None
    outlets: list[str] | None
    min_tier: Tier
    mentions: bool
    everything: bool
    updates: bool


def make_subscription(
    tx: Session,
    asked: Asked,
    *,
    subscription_id: SubscriptionId,
    name: str,
    timing: Timing,
    endpoints: tuple[EndpointId, ...] = (),
) -> Subscription:
    """Raises CommandError for an unknown film or topic, or a query that cannot be read, with its character."""
    _refuse_unknown(tx, asked.films or [], asked.topics or [])
    if asked.query:
        refuse_query(tx, asked.query)
    return Subscription(
        subscription_id=subscription_id,
        name=name,
        query=asked.query,
        films=tuple(FilmId(f) for f in asked.films or ()),
        topics=tuple(TopicSlug(t) for t in asked.topics or ()),
        words=tuple(asked.words or ()),
        not_words=tuple(asked.without or ()),
        outlets=tuple(asked.outlets or ()),
        saliences=(Salience.ABOUT, Salience.MENTIONS) if asked.mentions else (Salience.ABOUT,),
        events=(EventType.STORY_CREATED, *((EventType.STORY_UPDATED,) if asked.updates else ())),
        production_only=not asked.everything,
        min_tier=asked.min_tier,
        timing=timing,
        endpoints=endpoints,
    )


def make_timing(*, cadence: Cadence, at: str, on: Weekday, zone: str, quiet: str, cap: int) -> Timing:
    """Raises CommandError for what is no time of day, no time zone, or no quiet hours."""
    try:
        load_zone(zone)
        quiet_from, quiet_until = parse_quiet(quiet) if quiet else (None, None)
        clock = parse_clock(at)
    except ValueError as error:
        raise CommandError(f"{error}.") from error
    return Timing(
        cadence=cadence,
        zone=zone,
        at=clock,
        weekday=on,
        quiet_from=quiet_from,
        quiet_until=quiet_until,
        cap_per_hour=cap,
    )


def refuse_query(tx: Session, query: str) -> None:
    """Raises CommandError that shows the query with a caret below the mistake."""
    films, topics = {film.film_id for film in all_films(tx)}, {topic.slug for topic in all_topics(tx)}
    try:
        error = find_unknown(query, films=films, topics=topics)
    except QueryError as found:
        error = found
    if error is not None:
        raise CommandError(f"The query has a mistake at character {error.position + 1}.\n{error.point()}")


def _refuse_unknown(tx: Session, films: list[str], topics: list[str]) -> None:
    known = {topic.slug for topic in all_topics(tx)}
    for film in films:
        if find_film(tx, FilmId(film)) is None:
            raise CommandError(f"Unknown film {film!r}; `setwire films list --search WORD` finds its id.")
    for topic in topics:
        if topic not in known:
            raise CommandError(f"Unknown topic {topic!r}; the topics are {', '.join(sorted(known))}.")
