"""How the whole line stands, in one sentence: do the sources answer, is the desk up to date, is the post on time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from core.values import Source, SourceState
from web.words import say_clock, say_count, say_span, say_until

# A tick is a second and a batch takes less than a minute; what is owed for longer is behind.
PATIENCE = timedelta(minutes=1)

SourceRow = tuple[Source, SourceState]


class Tone(StrEnum):
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    text: str
    tone: Tone


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStanding:
    """Counts over the enabled sources. `next_check_at` is the earliest next try, None without sources."""

    total: int
    failing: int
    unasked: int
    has_ever_answered: bool
    next_check_at: datetime | None

    @property
    def is_silent(self) -> bool:
        """Nobody answers now, or nobody ever did."""
        return self.failing == self.total or not self.has_ever_answered


@dataclass(frozen=True, slots=True, kw_only=True)
class PostStanding:
    """What the desk and the post owe. `next_due_at` is when the earliest open delivery is due, None if none is open."""

    pending_count: int
    desk_lag: timedelta
    next_due_at: datetime | None
    has_deliveries: bool


def is_failing(row: SourceRow) -> bool:
    source, state = row
    return source.enabled and state.last_outcome is not None and not state.last_outcome.is_healthy


def weigh_sources(rows: Sequence[SourceRow]) -> SourceStanding:
    enabled = [row for row in rows if row[0].enabled]
    return SourceStanding(
        total=len(enabled),
        failing=sum(map(is_failing, enabled)),
        unasked=sum(state.last_outcome is None for _, state in enabled),
        has_ever_answered=any(state.first_contact_at for _, state in enabled),
        next_check_at=min((state.next_check_at for _, state in enabled), default=None),
    )


def explain_silence(standing: SourceStanding, now: datetime) -> str:
    """Say in one sentence why no news comes in; empty when some source answers."""
    if standing.next_check_at is None:
        return "No source is configured, so no news can come in."
    if not standing.is_silent:
        return ""
    again = f"{say_clock(standing.next_check_at)} ({say_until(standing.next_check_at, now)})"
    if standing.failing == standing.total:
        return f"{_say_nobody(standing.total)}; next try at {again}."
    asked = standing.total - standing.unasked
    return f"No source has answered yet ({asked:,} of {standing.total:,} asked); next try at {again}."


def _say_nobody(total: int) -> str:
    return "The only source cannot be reached" if total == 1 else f"None of the {total:,} sources can be reached"


def give_verdict(sources: SourceStanding, post: PostStanding, now: datetime) -> Verdict:
    findings = (_judge_sources(sources), _judge_desk(post), _judge_post(post, now))
    return Verdict(
        text="; ".join(clause for _, clause in findings if clause) + ".",
        tone=max((tone for tone, _ in findings), key=list(Tone).index),
    )


def _judge_sources(standing: SourceStanding) -> tuple[Tone, str]:
    total, failing = standing.total, standing.failing
    if not total:
        return Tone.BAD, "No source is configured"
    if standing.unasked == total:
        return Tone.WARN, "No source has been asked yet"
    if failing == total:
        return Tone.BAD, "The only source fails" if total == 1 else f"All {total:,} sources fail"
    if failing:
        return Tone.WARN, f"{failing:,} of {total:,} sources {'fails' if failing == 1 else 'fail'}"
    if standing.unasked:
        return Tone.GOOD, f"{standing.unasked:,} of {say_count(total, 'source')} not asked yet, the others answer"
    return Tone.GOOD, "The only source answers" if total == 1 else f"All {total:,} sources answer"


def _judge_desk(post: PostStanding) -> tuple[Tone, str]:
    if not post.pending_count or post.desk_lag <= PATIENCE:
        return Tone.GOOD, ""
    waiting = say_count(post.pending_count, "entry", "entries")
    return Tone.BAD, f"the desk is {say_span(post.desk_lag)} behind with {waiting}"


def _judge_post(post: PostStanding, now: datetime) -> tuple[Tone, str]:
    if not post.has_deliveries:
        return Tone.GOOD, ""
    if post.next_due_at is not None and now - post.next_due_at > PATIENCE:
        return Tone.BAD, f"deliveries are {say_span(now - post.next_due_at)} late"
    return Tone.GOOD, "deliveries are on time"
