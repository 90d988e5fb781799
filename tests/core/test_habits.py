"""What visits teach of a source's habit, and what is a flood."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from core.habits import is_flood, learn_habit
from core.services import find_service, lane_of
from core.values import Habit, ParsedEntry, SourceId, SourceState

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def entry(number: int, at: datetime | None = None) -> ParsedEntry:
    return ParsedEntry(guid=str(number), url="", title="Night shoot", published_at=at)


def test_the_first_visit_learns_from_the_dates() -> None:
    backlog = [entry(n, NOW - HOUR * 2 * n) for n in range(1, 6)]
    assert learn_habit(Habit(), backlog, now=NOW, is_first=True) == Habit(
        gap=HOUR * 2, sample_count=4, last_entry_at=NOW - HOUR * 2
    )
    assert learn_habit(Habit(), [entry(1)], now=NOW, is_first=True) == Habit()


def test_later_visits_move_the_gap_a_little() -> None:
    habit = Habit(gap=HOUR, sample_count=4, last_entry_at=NOW - HOUR * 4)
    assert learn_habit(habit, [entry(1), entry(2)], now=NOW, is_first=False) == Habit(
        gap=HOUR * 1.2, sample_count=5, last_entry_at=NOW
    )
    assert learn_habit(habit, [], now=NOW, is_first=False) == habit


@given(st.lists(st.none() | st.datetimes(timezones=st.just(UTC)), max_size=40), st.booleans())
def test_a_gap_is_never_negative(dates: list[datetime | None], is_first: bool) -> None:
    habit = Habit(gap=HOUR, sample_count=4, last_entry_at=NOW + HOUR)
    learned = learn_habit(habit, [entry(n, at) for n, at in enumerate(dates)], now=NOW, is_first=is_first)
    assert learned.gap is None or learned.gap >= timedelta(0)


def test_a_flood_is_far_more_than_the_source_ever_brings() -> None:
    state = SourceState(
        source_id=SourceId("gazette"),
        next_check_at=NOW,
        last_fetch_at=NOW - HOUR,
        first_contact_at=NOW - HOUR * 99,
        habit=Habit(gap=HOUR / 2, sample_count=9),
    )
    assert is_flood(state, 50, now=NOW)
    assert not is_flood(state, 49, now=NOW)
    assert not is_flood(state, 100, now=NOW + timedelta(days=3)), "three days of news"
    assert not is_flood(replace(state, first_contact_at=None), 500, now=NOW)


def test_services_are_one_server_under_many_names() -> None:
    assert lane_of("old.reddit.com") == lane_of("www.reddit.com.") == "service:reddit"
    assert lane_of("notreddit.com") == "host:notreddit.com"
    assert find_service("news.google.com")
    assert not find_service("google.com")
