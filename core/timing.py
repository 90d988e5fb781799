"""When a delivery goes out: at once, in a digest, after quiet hours, or when a cap lets it. Decides; waits for nothing.

All arithmetic is on instants: a local hour that a change of clocks skips falls an hour later, one that comes twice
counts the first time. So every digest has exactly one moment a day or week, also on the days clocks change.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from core.values import Cadence, Hold, Mute, Salience, Story, Subscription, TagKind, Timing, Weekday

CAP_WINDOW = timedelta(hours=1)
_WEEKDAYS = list(Weekday)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Send at `release_at`; held until then for `hold`, with the reason in words. No hold: now."""

    release_at: datetime
    hold: Hold | None = None
    reason: str = ""


def plan_delivery(timing: Timing, *, at: datetime, told_count: int) -> Plan:
    """Decide when a match made `at` is told to an endpoint that was told `told_count` alerts in the hour before."""
    if timing.cadence is not Cadence.AT_ONCE:
        due_at = after_quiet(timing, next_digest_at(timing, at))
        return Plan(release_at=due_at, hold=Hold.DIGEST, reason=f"held for the {timing.cadence} digest")
    if (quiet_until := end_of_quiet(timing, at)) is not None:
        return Plan(release_at=quiet_until, hold=Hold.QUIET_HOURS, reason=f"held in quiet hours ({say_quiet(timing)})")
    if timing.cap_per_hour and told_count >= timing.cap_per_hour:
        due_at = after_quiet(timing, _next_hour(at))
        return Plan(release_at=due_at, hold=Hold.CAP, reason=f"held by the cap of {timing.cap_per_hour} an hour")
    return Plan(release_at=at)


def needs_digest(timing: Timing, holds: Collection[Hold | None]) -> bool:
    """Say whether what is released together goes out as one digest; else each goes out by itself."""
    if any(hold in (Hold.DIGEST, Hold.CAP) for hold in holds):
        return True
    return bool(timing.cap_per_hour) and len(holds) > timing.cap_per_hour


def next_digest_at(timing: Timing, after: datetime) -> datetime:
    """Return the first moment of the cadence that is later than `after`."""
    if timing.cadence in (Cadence.AT_ONCE, Cadence.HOURLY):
        return _next_hour(after)
    zone = load_zone(timing.zone)
    today = after.astimezone(zone).date()
    days = (today + timedelta(days=n) for n in range(-1, 9))
    moments = (_instant(day, timing.at, zone) for day in days if _is_digest_day(timing, day))
    return next(moment for moment in moments if moment > after)


def end_of_quiet(timing: Timing, at: datetime) -> datetime | None:
    """Return when the quiet hours end that `at` lies in; None if it lies in none."""
    if timing.quiet_from is None or timing.quiet_until is None:
        return None
    zone = load_zone(timing.zone)
    today = at.astimezone(zone).date()
    for day in (today - timedelta(days=1), today):
        is_over_midnight = timing.quiet_until <= timing.quiet_from
        start = _instant(day, timing.quiet_from, zone)
        end = _instant(day + timedelta(days=is_over_midnight), timing.quiet_until, zone)
        if start <= at < end:
            return end
    return None


def after_quiet(timing: Timing, at: datetime) -> datetime:
    return end_of_quiet(timing, at) or at


def find_mute(mutes: Iterable[Mute], story: Story, *, at: datetime) -> str:
    """Say which mute silences a story now; empty if none. A film counts where the story is about it."""
    refs = {f"topic:{tag.ref}" for tag in story.tags if tag.kind is TagKind.TOPIC}
    refs |= {f"film:{t.ref}" for t in story.tags if t.kind is TagKind.FILM and t.salience is Salience.ABOUT}
    muted = next((mute for mute in mutes if mute.ref in refs and at < mute.until), None)
    return f"muted: {muted.ref} until {muted.until:%Y-%m-%d %H:%M} UTC" if muted else ""


def add_mute(subscription: Subscription, mute: Mute, *, now: datetime) -> tuple[Mute, ...]:
    """Return the mutes with one more; those of the same film or topic and those that are over go."""
    kept = (old for old in subscription.mutes if old.ref != mute.ref and old.until > now)
    return (*kept, mute) if mute.until > now else tuple(kept)


def say_timing(timing: Timing) -> str:
    """Say in words when a subscription speaks."""
    said = {
        Cadence.AT_ONCE: "at once",
        Cadence.HOURLY: "hourly",
        Cadence.DAILY: f"daily at {timing.at:%H:%M} {timing.zone}",
        Cadence.WEEKLY: f"every {timing.weekday} at {timing.at:%H:%M} {timing.zone}",
    }[timing.cadence]
    quiet = f", quiet {say_quiet(timing)}" if timing.quiet_from is not None else ""
    cap = f", at most {timing.cap_per_hour} an hour" if timing.cap_per_hour else ""
    return said + quiet + cap


def say_quiet(timing: Timing) -> str:
    return f"{timing.quiet_from:%H:%M}-{timing.quiet_until:%H:%M} {timing.zone}"


@lru_cache(maxsize=512)
def load_zone(name: str) -> ZoneInfo:
    """Errors: `ValueError` for a name that is no time zone."""
    try:
        return ZoneInfo(name)
    except (OSError, LookupError, ValueError) as error:
        raise ValueError(f"{name!r} is no time zone; write one such as Europe/Paris") from error


def parse_clock(text: str) -> time:
    """Read `HH:MM`. Errors: `ValueError`."""
    try:
        return datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007 a wall clock has no zone of its own
    except ValueError:
        raise ValueError(f"{text!r} is no time of day; write HH:MM, such as 07:30") from None


def parse_quiet(text: str) -> tuple[time, time]:
    """Read `HH:MM-HH:MM`, over midnight if the second is the earlier one. Errors: `ValueError`."""
    start, dash, end = text.partition("-")
    if not dash:
        raise ValueError(f"{text!r} are no quiet hours; write them as 22:00-07:00")
    quiet = parse_clock(start.strip()), parse_clock(end.strip())
    if quiet[0] == quiet[1]:
        raise ValueError(f"{text!r} has no length; pause the subscription to hear nothing at all")
    return quiet


def _next_hour(after: datetime) -> datetime:
    return after.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def _is_digest_day(timing: Timing, day: date) -> bool:
    return timing.cadence is Cadence.DAILY or _WEEKDAYS[day.weekday()] is timing.weekday


def _instant(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """`fold` 0 is the first of two equal hours, and moves an hour that is skipped past the gap (PEP 495)."""
    return datetime.combine(day, clock, tzinfo=zone).astimezone(UTC)
