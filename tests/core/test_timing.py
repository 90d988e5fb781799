"""When a delivery goes out, on fake clocks: every digest once also when clocks change, quiet hours hold."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.timing import (
    Plan,
    add_mute,
    end_of_quiet,
    find_mute,
    load_zone,
    needs_digest,
    next_digest_at,
    parse_clock,
    parse_quiet,
    plan_delivery,
    say_timing,
)
from core.values import Cadence, Hold, Mute, Salience, Timing, Weekday
from tests.core.makers import START, film, story, subscription, topic

PARIS = Timing(cadence=Cadence.DAILY, zone="Europe/Paris", at=time(2, 30))
NIGHT = Timing(zone="Europe/Paris", quiet_from=time(22), quiet_until=time(7))
ZONES = ["UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns"]
TIMES = st.times().map(lambda t: t.replace(second=0, microsecond=0))
MOMENTS = st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("timing", "after", "due"),
    [
        pytest.param(PARIS, "2026-03-28T12:00", "2026-03-29T01:30", id="02:30 is skipped: 03:30 summer time"),
        pytest.param(PARIS, "2026-03-29T01:30", "2026-03-30T00:30", id="the next is on the next day"),
        pytest.param(PARIS, "2026-10-24T12:00", "2026-10-25T00:30", id="02:30 comes twice: the first"),
        pytest.param(PARIS, "2026-10-25T00:30", "2026-10-26T01:30", id="not again an hour later"),
        pytest.param(replace(PARIS, cadence=Cadence.HOURLY), "2026-10-25T00:30", "2026-10-25T01:00", id="hourly"),
        pytest.param(
            replace(PARIS, cadence=Cadence.WEEKLY, weekday=Weekday.SUNDAY, at=time(8)),
            "2026-03-22T07:00",
            "2026-03-29T06:00",
            id="weekly over the change",
        ),
    ],
)
def test_the_next_digest(timing: Timing, after: str, due: str) -> None:
    assert next_digest_at(timing, at(after)) == at(due)


@given(MOMENTS, TIMES, st.sampled_from(ZONES), st.sampled_from([Cadence.DAILY, Cadence.WEEKLY]))
def test_every_day_or_week_has_exactly_one_digest(start: datetime, clock: time, zone: str, cadence: Cadence) -> None:
    timing = Timing(cadence=cadence, zone=zone, at=clock)
    moments = [next_digest_at(timing, start)]
    while len(moments) < 60:
        moments.append(next_digest_at(timing, moments[-1]))
    assert moments[0] > start
    assert next_digest_at(timing, moments[0] - timedelta(microseconds=1)) == moments[0]
    step = timedelta(days=1 if cadence is Cadence.DAILY else 7)
    assert all(abs(later - earlier - step) <= timedelta(hours=1) for earlier, later in pairwise(moments))


@given(
    st.lists(MOMENTS, min_size=1, max_size=30),
    TIMES,
    st.tuples(TIMES, TIMES).filter(lambda hours: hours[0] != hours[1]),
    st.sampled_from(ZONES),
    st.sampled_from(Cadence),
    st.integers(0, 3),
)
def test_what_is_held_is_released_later_once_and_never_in_quiet_hours(
    made: list[datetime], clock: time, quiet: tuple[time, time], zone: str, cadence: Cadence, cap: int
) -> None:
    timing = Timing(cadence=cadence, zone=zone, at=clock, quiet_from=quiet[0], quiet_until=quiet[1], cap_per_hour=cap)
    for moment in made:
        plan = plan_delivery(timing, at=moment, told_count=3)
        assert moment <= plan.release_at <= moment + timedelta(days=10)
        assert end_of_quiet(timing, plan.release_at) is None
        assert (plan.hold is None) == (plan.release_at == moment and not plan.reason)


@pytest.mark.parametrize(
    ("moment", "end"),
    [
        pytest.param("2026-01-10T20:59", None, id="21:59"),
        pytest.param("2026-01-10T21:00", "2026-01-11T06:00", id="22:00"),
        pytest.param("2026-01-11T05:59", "2026-01-11T06:00", id="06:59"),
        pytest.param("2026-01-11T06:00", None, id="07:00"),
        pytest.param("2026-03-28T23:00", "2026-03-29T05:00", id="a night of eight hours"),
        pytest.param("2026-10-24T23:00", "2026-10-25T06:00", id="a night of ten hours"),
    ],
)
def test_quiet_hours_by_the_clock_on_the_wall(moment: str, end: str | None) -> None:
    assert end_of_quiet(NIGHT, at(moment)) == (at(end) if end else None)


def test_an_hour_that_comes_twice_is_quiet_once() -> None:
    timing = replace(NIGHT, quiet_until=time(2, 30))
    assert end_of_quiet(timing, at("2026-10-25T00:15")) == at("2026-10-25T00:30")
    assert end_of_quiet(timing, at("2026-10-25T01:15")) is None


@pytest.mark.parametrize(
    ("timing", "told_count", "plan"),
    [
        pytest.param(Timing(), 999, Plan(release_at=START), id="no cap"),
        pytest.param(Timing(cap_per_hour=3), 2, Plan(release_at=START), id="below the cap"),
        pytest.param(
            Timing(cap_per_hour=3),
            3,
            Plan(release_at=START + timedelta(hours=1), hold=Hold.CAP, reason="held by the cap of 3 an hour"),
            id="at the cap",
        ),
        pytest.param(
            Timing(cadence=Cadence.HOURLY, cap_per_hour=3),
            3,
            Plan(release_at=START + timedelta(hours=1), hold=Hold.DIGEST, reason="held for the hourly digest"),
            id="a digest has no cap",
        ),
    ],
)
def test_plans(timing: Timing, told_count: int, plan: Plan) -> None:
    assert plan_delivery(timing, at=START, told_count=told_count) == plan


@pytest.mark.parametrize(
    ("timing", "holds", "is_digest"),
    [
        pytest.param(Timing(), [Hold.QUIET_HOURS] * 9, False, id="after the night, one by one"),
        pytest.param(Timing(cap_per_hour=5), [Hold.QUIET_HOURS] * 5, False, id="as many as the cap"),
        pytest.param(Timing(cap_per_hour=5), [Hold.QUIET_HOURS] * 6, True, id="more than the cap"),
        pytest.param(Timing(cap_per_hour=5), [Hold.CAP], True, id="what the cap held"),
        pytest.param(Timing(), [Hold.DIGEST], True, id="a digest of one"),
    ],
)
def test_what_is_bundled(timing: Timing, holds: list[Hold | None], *, is_digest: bool) -> None:
    assert needs_digest(timing, holds) is is_digest


def test_mutes() -> None:
    until = START + timedelta(days=1)
    mute = Mute(ref="film:salt", until=until)
    assert find_mute([mute], story(film("salt")), at=START) == "muted: film:salt until 2026-03-15 09:00 UTC"
    assert find_mute([mute], story(film("salt")), at=until) == ""
    assert find_mute([mute], story(film("salt", Salience.MENTIONS), film("ferry")), at=START) == ""
    assert find_mute([Mute(ref="topic:stunts", until=until)], story(topic("stunts")), at=START)
    asked = subscription("s", mutes=(mute, Mute(ref="topic:x", until=START)))
    longer = replace(mute, until=until + timedelta(days=1))
    assert add_mute(asked, longer, now=START) == (longer,)
    assert add_mute(asked, replace(mute, until=START), now=START) == ()


def test_timing_in_words() -> None:
    weekly = replace(NIGHT, cadence=Cadence.WEEKLY, cap_per_hour=3)
    assert say_timing(weekly) == "every monday at 08:00 Europe/Paris, quiet 22:00-07:00 Europe/Paris, at most 3 an hour"
    assert say_timing(Timing()) == "at once"
    assert say_timing(PARIS) == "daily at 02:30 Europe/Paris"


@pytest.mark.parametrize("text", ["25:00", "7", "seven", "07:60", ""])
def test_no_time_of_day(text: str) -> None:
    with pytest.raises(ValueError, match="no time of day"):
        parse_clock(text)


@pytest.mark.parametrize("text", ["22:00", "22:00-22:00", "22:00-x"])
def test_no_quiet_hours(text: str) -> None:
    with pytest.raises(ValueError, match=r"no quiet hours|no length|no time of day"):
        parse_quiet(text)
    assert parse_quiet("22:00 - 07:00") == (time(22), time(7))


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd"])
def test_no_time_zone(name: str) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        load_zone(name)
