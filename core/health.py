"""How a source does, in one word and one sentence, and when an operator is to be told. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from core.values import EventType, FetchOutcome, Source, SourceState

# One failure is weather: an operator is told at the third in a row.
ALARM_AFTER = 3
# A listing that lists nothing so often has changed its markup.
EMPTY_AFTER = 3
DAYS_SHOWN = 30
# A source is quiet after so many of its usual gaps, and not before so long: nights are long gaps too.
_QUIET_GAPS = 8
_QUIET_AFTER = timedelta(hours=6)
_QUIET_SAMPLES = 3
_SLOW_AFTER = timedelta(seconds=5)


class HealthState(StrEnum):
    """The worst comes last; `off` and `new` say that there is nothing to judge."""

    OFF = "off"
    NEW = "new"
    OK = "ok"
    QUIET = "quiet"
    SLOW = "slow"
    BLOCKED = "blocked"
    FAILING = "failing"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDay:
    """How the visits of one day (UTC) ended, and how many new entries they brought."""

    day: date
    answered_count: int = 0
    failed_count: int = 0
    blocked_count: int = 0
    entry_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """`since_at` is None where nobody knows; `words` are one sentence without its full stop, empty for `ok`."""

    state: HealthState
    since_at: datetime | None = None
    words: str = ""


def judge_health(source: Source, state: SourceState, *, now: datetime, durations: Sequence[timedelta] = ()) -> Health:
    """Judge a source by its state and how long its last exchanges took, newest first."""
    if not source.enabled:
        return Health(state=HealthState.OFF, words="Switched off")
    if state.last_outcome is None:
        return Health(state=HealthState.NEW, words="Not asked yet")
    if not state.last_outcome.is_healthy:
        return _judge_trouble(state)
    if state.empty_count >= EMPTY_AFTER:
        return Health(state=HealthState.FAILING, since_at=state.habit.last_entry_at, words=_say_empty(source, state))
    if words := say_silence(state, now=now):
        return Health(state=HealthState.QUIET, since_at=state.habit.last_entry_at, words=words)
    usual = _middle(durations[:5])
    if usual > _SLOW_AFTER:
        return Health(state=HealthState.SLOW, words=f"Its last answers took {say_duration(usual)} each")
    return Health(state=HealthState.OK, since_at=state.first_contact_at)


def judge_day(day: SourceDay) -> HealthState:
    """Judge a day by what most of its visits came to; `quiet` is one that answered and brought nothing new."""
    troubled = day.failed_count + day.blocked_count
    if not day.answered_count and not troubled and not day.entry_count:
        return HealthState.NEW
    if troubled > day.answered_count:
        return HealthState.BLOCKED if day.blocked_count >= day.failed_count else HealthState.FAILING
    return HealthState.OK if day.entry_count else HealthState.QUIET


def _middle(spans: Sequence[timedelta]) -> timedelta:
    return sorted(spans)[len(spans) // 2] if spans else timedelta(0)


def _judge_trouble(state: SourceState) -> Health:
    kinds = {FetchOutcome.GONE: HealthState.GONE, FetchOutcome.BLOCKED: HealthState.BLOCKED}
    kind = kinds.get(state.last_outcome or FetchOutcome.OK, HealthState.FAILING)
    words = (state.last_error or "It failed without a word").rstrip(".")
    if kind is HealthState.GONE:
        words += f"; it rests until {state.next_check_at:%Y-%m-%d} unless you enable it again"
    return Health(state=kind, since_at=state.failing_since_at, words=words)


def _say_empty(source: Source, state: SourceState) -> str:
    return (
        f"Nothing was listed {state.empty_count} times in a row: its selectors match no longer; "
        f"look with `setwire sources test {source.source_id}`"
    )


def say_silence(state: SourceState, *, now: datetime) -> str:
    """Say that a source has been silent for longer than it ever should be; empty if it has not."""
    gap, last_entry_at = state.habit.gap, state.habit.last_entry_at
    if gap is None or last_entry_at is None or not is_silent(state, now=now):
        return ""
    return f"Silent for {say_duration(now - last_entry_at)}; usual gap {say_duration(gap)}"


def is_silent(state: SourceState, *, now: datetime) -> bool:
    """Whether a source has been silent for longer than it ever should be."""
    habit = state.habit
    if habit.gap is None or habit.last_entry_at is None or habit.sample_count < _QUIET_SAMPLES:
        return False
    return now - habit.last_entry_at > max(habit.gap * _QUIET_GAPS, _QUIET_AFTER)


def is_broken(state: SourceState) -> bool:
    """Whether an operator should know: it is gone, or it failed or listed nothing too often in a row."""
    if state.last_outcome is FetchOutcome.GONE:
        return True
    return state.error_count >= ALARM_AFTER or state.empty_count >= EMPTY_AFTER


def find_alarm(before: SourceState, after: SourceState) -> EventType | None:
    """Name the event of this visit: each is told once, when the alarm goes on and when it goes off.

    A visit has one event at most: that a source answers again matters more than that it speaks again.
    """
    if bool(after.alarmed_at) != bool(before.alarmed_at):
        return EventType.SOURCE_FAILING if after.alarmed_at else EventType.SOURCE_RESTORED
    if bool(after.silent_at) != bool(before.silent_at):
        return EventType.SOURCE_SILENT if after.silent_at else EventType.SOURCE_HEARD
    return None


def say_alarm(event: EventType, source: Source, before: SourceState, after: SourceState, *, now: datetime) -> str:
    """Word an alarm for the operator."""
    if event is EventType.SOURCE_SILENT:
        return f"{source.publisher.name} has been {_lower_first(say_silence(after, now=now))}."
    if event is EventType.SOURCE_HEARD:
        since = before.habit.last_entry_at
        return f"{source.publisher.name} speaks again" + (f" after {say_duration(now - since)}." if since else ".")
    name = f"{source.publisher.name} ({source.source_id})"
    if event is EventType.SOURCE_RESTORED:
        since = before.failing_since_at or before.alarmed_at
        return f"{name} answers again" + (f" after {say_duration(now - since)}." if since else ".")
    return f"{name} is {judge_health(source, after, now=now).state}: {judge_health(source, after, now=now).words}."


def _lower_first(words: str) -> str:
    return words[:1].lower() + words[1:]


def say_duration(span: timedelta) -> str:
    """Write a duration by its largest unit that fits twice, else the next: `40 min`, `9 h`, `3 d`."""
    seconds = span.total_seconds()
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size * 2:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
