"""What a source's state says of its health, and when the operator hears of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from core.health import Health, HealthState, SourceDay, find_alarm, judge_day, judge_health, say_alarm
from core.sources import address_of, advance_state, validators_to_send
from core.values import (
    EventType,
    Fetch,
    FetchOutcome,
    Habit,
    Move,
    ParsedEntry,
    Publisher,
    PublisherSlug,
    Source,
    SourceId,
    SourceKind,
    SourceState,
    Validators,
)

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SOURCE = Source(
    source_id=SourceId("gazette"),
    publisher=Publisher(slug=PublisherSlug("gazette"), name="Set Gazette"),
    kind=SourceKind.FEED,
    url="https://gazette.example/feed",
)
LISTING = replace(SOURCE, kind=SourceKind.LISTING)
WELL = SourceState(
    source_id=SOURCE.source_id,
    next_check_at=NOW,
    last_fetch_at=NOW,
    last_outcome=FetchOutcome.OK,
    first_contact_at=NOW - HOUR * 100,
    habit=Habit(gap=timedelta(minutes=40), sample_count=9, last_entry_at=NOW - HOUR),
)


def broken(outcome: FetchOutcome) -> SourceState:
    return replace(WELL, last_outcome=outcome, last_error="It says no.", failing_since_at=NOW - HOUR, error_count=2)


@pytest.mark.parametrize(
    ("source", "state", "health", "words"),
    [
        pytest.param(replace(SOURCE, enabled=False), WELL, HealthState.OFF, "Switched off", id="off"),
        pytest.param(SOURCE, replace(WELL, last_outcome=None), HealthState.NEW, "Not asked yet", id="new"),
        pytest.param(SOURCE, WELL, HealthState.OK, "", id="well"),
        pytest.param(SOURCE, broken(FetchOutcome.TIMEOUT), HealthState.FAILING, "It says no", id="broken"),
        pytest.param(SOURCE, broken(FetchOutcome.BLOCKED), HealthState.BLOCKED, "It says no", id="blocked"),
        pytest.param(
            SOURCE,
            broken(FetchOutcome.GONE),
            HealthState.GONE,
            "It says no; it rests until 2026-05-01 unless you enable it again",
            id="gone",
        ),
        pytest.param(
            SOURCE,
            replace(WELL, habit=replace(WELL.habit, last_entry_at=NOW - HOUR * 9)),
            HealthState.QUIET,
            "Silent for 9 h; usual gap 40 min",
            id="silent",
        ),
        pytest.param(
            SOURCE,
            replace(WELL, habit=Habit(gap=timedelta(minutes=1), sample_count=2, last_entry_at=NOW - HOUR * 9)),
            HealthState.OK,
            "",
            id="hardly known",
        ),
        pytest.param(
            LISTING,
            replace(WELL, empty_count=3),
            HealthState.FAILING,
            "Nothing was listed 3 times in a row: its selectors match no longer; "
            "look with `setwire sources test gazette`",
            id="selectors",
        ),
    ],
)
def test_health_is_one_word_and_one_sentence(
    source: Source, state: SourceState, health: HealthState, words: str
) -> None:
    judged = judge_health(source, state, now=NOW)
    assert (judged.state, judged.words) == (health, words)


def test_since_when() -> None:
    assert judge_health(SOURCE, broken(FetchOutcome.TIMEOUT), now=NOW).since_at == NOW - HOUR
    assert judge_health(SOURCE, WELL, now=NOW).since_at == WELL.first_contact_at


def test_slow_is_what_the_middle_of_the_last_answers_took() -> None:
    quick, slow = timedelta(seconds=1), timedelta(seconds=8)
    assert judge_health(SOURCE, WELL, now=NOW, durations=[slow, quick, quick]).state is HealthState.OK
    judged = judge_health(SOURCE, WELL, now=NOW, durations=[slow, slow, quick])
    assert judged == Health(state=HealthState.SLOW, words="Its last answers took 8 s each")


def visit(
    state: SourceState,
    outcome: FetchOutcome = FetchOutcome.OK,
    *,
    source: Source = SOURCE,
    at: datetime = NOW,
    moved_to: str = "",
    entry_count: int = 1,
    fresh: tuple[ParsedEntry, ...] = (),
) -> SourceState:
    fetch = Fetch(
        source_id=SOURCE.source_id,
        started_at=at,
        duration=timedelta(seconds=1),
        outcome=outcome,
        entry_count=entry_count,
        error="" if outcome.is_healthy else "It says no.",
        permanent_url=moved_to,
    )
    return advance_state(source, state, fetch, now=at, floor=HOUR / 12, default=HOUR / 4, jitter=0, fresh=fresh)


def test_the_operator_hears_at_the_third_failure_and_when_it_is_over() -> None:
    states = [WELL]
    for outcome in [FetchOutcome.TIMEOUT] * 4 + [FetchOutcome.NOT_MODIFIED, FetchOutcome.TIMEOUT]:
        states.append(visit(states[-1], outcome))
    events = [find_alarm(before, after) for before, after in pairwise(states)]
    assert events == [None, None, EventType.SOURCE_FAILING, None, EventType.SOURCE_RESTORED, None]
    told = say_alarm(EventType.SOURCE_FAILING, SOURCE, states[2], states[3], now=NOW)
    assert told == "Set Gazette (gazette) is failing: It says no."
    over = say_alarm(EventType.SOURCE_RESTORED, SOURCE, states[4], states[5], now=NOW + HOUR * 3)
    assert over == "Set Gazette (gazette) answers again after 3 h."


def test_a_listing_that_lists_nothing_three_times_is_broken() -> None:
    state = WELL
    for _ in range(3):
        before, state = state, visit(state, source=LISTING, entry_count=0)
    assert find_alarm(before, state) is EventType.SOURCE_FAILING
    assert find_alarm(state, visit(state, source=LISTING)) is EventType.SOURCE_RESTORED
    assert visit(WELL, entry_count=0).empty_count == 0, "an empty feed is only empty"


def test_validators_are_sent_for_eight_days_after_the_last_whole_document() -> None:
    held = replace(WELL, validators=Validators(etag='"1"'), document_at=NOW)
    assert validators_to_send(held, now=NOW + timedelta(days=8)) == held.validators
    assert validators_to_send(held, now=NOW + timedelta(days=8, seconds=1)) == Validators()
    assert visit(held, FetchOutcome.NOT_MODIFIED, at=NOW + HOUR).document_at == NOW
    assert visit(held, FetchOutcome.OK, at=NOW + HOUR).document_at == NOW + HOUR


NEW_URL = "https://gazette.example/rss"


def test_a_permanent_redirect_is_adopted_at_its_third_sighting_a_day_after_the_first() -> None:
    state = WELL
    for hours, is_adopted in ((0, False), (1, False), (2, False), (24, True)):
        state = visit(state, at=NOW + HOUR * hours, moved_to=NEW_URL)
        assert address_of(SOURCE, state) == (NEW_URL if is_adopted else SOURCE.url)
    state = visit(state, at=NOW + HOUR * 25)
    assert address_of(SOURCE, state) == NEW_URL, "it answers for itself now"


def test_a_redirect_that_ends_or_leads_elsewhere_is_counted_afresh() -> None:
    seen = visit(visit(WELL, moved_to=NEW_URL), moved_to=NEW_URL)
    assert visit(seen).move is None
    assert visit(seen, moved_to="https://other.example/").move == Move(
        to="https://other.example/", count=1, since_at=NOW
    )
    assert visit(seen, FetchOutcome.TIMEOUT).move == seen.move


def test_an_adopted_address_that_fails_three_times_is_given_up() -> None:
    state = replace(WELL, move=Move(to=NEW_URL, count=3, since_at=NOW, is_adopted=True))
    for _ in range(3):
        assert address_of(SOURCE, state) == NEW_URL
        state = visit(state, FetchOutcome.HTTP_ERROR)
    assert address_of(SOURCE, state) == SOURCE.url


def test_gone_rests_for_thirty_days() -> None:
    gone = visit(WELL, FetchOutcome.GONE)
    assert gone.next_check_at == NOW + timedelta(days=30)
    assert find_alarm(WELL, gone) is EventType.SOURCE_FAILING


def test_the_pace_follows_the_habit_where_nobody_says_otherwise() -> None:
    assert visit(WELL).next_check_at == NOW + timedelta(minutes=20)
    weekly = replace(WELL, habit=Habit(gap=timedelta(days=7), sample_count=9, last_entry_at=NOW))
    assert visit(weekly).next_check_at == NOW + HOUR * 6
    assert visit(weekly, source=replace(SOURCE, interval=HOUR)).next_check_at == NOW + HOUR


def test_silence_is_told_once_and_so_is_its_end() -> None:
    hours = range(1, 13)
    states = [WELL]
    for hour in hours:
        states.append(later(states[-1], hour, fresh=1 if hour == 11 else 0))
    events = [find_alarm(before, after) for before, after in pairwise(states)]
    told = {hour: event for hour, event in zip(hours, events, strict=True) if event}
    assert told == {6: EventType.SOURCE_SILENT, 11: EventType.SOURCE_HEARD}
    words = say_alarm(EventType.SOURCE_SILENT, SOURCE, states[5], states[6], now=NOW + HOUR * 6)
    assert words == "Set Gazette has been silent for 7 h; usual gap 40 min."
    over = say_alarm(EventType.SOURCE_HEARD, SOURCE, states[10], states[11], now=NOW + HOUR * 11)
    assert over == "Set Gazette speaks again after 12 h."


def test_a_source_that_fails_is_not_called_silent_and_its_return_is_one_event() -> None:
    failing = [WELL]
    for hour in range(1, 12):
        failing.append(later(failing[-1], hour, outcome=FetchOutcome.TIMEOUT))
    failing.append(later(failing[-1], 12, fresh=1))
    events = [event for before, after in pairwise(failing) if (event := find_alarm(before, after))]
    assert events == [EventType.SOURCE_FAILING, EventType.SOURCE_RESTORED]


def later(
    state: SourceState, hour: int, *, fresh: int = 0, outcome: FetchOutcome = FetchOutcome.NOT_MODIFIED
) -> SourceState:
    """Visit it so many hours after NOW."""
    at = NOW + HOUR * hour
    error = "" if outcome.is_healthy else "It says no."
    fetch = Fetch(source_id=SOURCE.source_id, started_at=at, duration=HOUR / 60, outcome=outcome, error=error)
    found = tuple(ParsedEntry(guid=f"{hour}-{n}", url="https://gazette.example/1", title="News") for n in range(fresh))
    return advance_state(SOURCE, state, fetch, now=at, floor=HOUR, default=HOUR, jitter=0, fresh=found)


@pytest.mark.parametrize(
    ("counts", "state"),
    [
        pytest.param({}, HealthState.NEW, id="not asked"),
        pytest.param({"answered_count": 48, "entry_count": 3}, HealthState.OK, id="news"),
        pytest.param({"entry_count": 3}, HealthState.OK, id="pushed only"),
        pytest.param({"answered_count": 48}, HealthState.QUIET, id="nothing new"),
        pytest.param({"answered_count": 40, "failed_count": 8, "entry_count": 1}, HealthState.OK, id="a bad hour"),
        pytest.param({"answered_count": 8, "failed_count": 9, "entry_count": 1}, HealthState.FAILING, id="a bad day"),
        pytest.param({"blocked_count": 4}, HealthState.BLOCKED, id="blocked"),
        pytest.param(
            {"answered_count": 1, "failed_count": 3, "blocked_count": 1}, HealthState.FAILING, id="mostly failed"
        ),
    ],
)
def test_a_day_is_what_most_of_its_visits_came_to(counts: dict[str, int], state: HealthState) -> None:
    assert judge_day(SourceDay(day=NOW.date(), **counts)) is state
