"""Times, states and addresses in words; verdict and silence as tables."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.values import (
    DeliveryState,
    EndpointKind,
    EventType,
    FetchOutcome,
    SourceKind,
    StoryId,
    Tier,
    TopicSlug,
)
from tests.web.newsroom import NOW
from web import words
from web.filters import StoryFilter
from web.standing import PostStanding, SourceStanding, Tone, explain_silence, give_verdict


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-60, "just now"),
        (59, "just now"),
        (60, "1 min ago"),
        (3_599, "59 min ago"),
        (3_600, "1 h ago"),
        (86_399, "23 h ago"),
        (86_400, "1 d ago"),
        (864_000, "10 d ago"),
    ],
)
def test_ages(seconds: int, said: str) -> None:
    assert words.say_age(NOW - timedelta(seconds=seconds), NOW) == said


@pytest.mark.parametrize(("seconds", "said"), [(-5, "due now"), (0, "due now"), (1, "in 1 s"), (600, "in 10 min")])
def test_what_is_to_come(seconds: int, said: str) -> None:
    assert words.say_until(NOW + timedelta(seconds=seconds), NOW) == said


@pytest.mark.parametrize(
    ("days", "said"),
    [(0, "Today"), (1, "Yesterday"), (2, "Saturday 16 May"), (200, "Thursday 30 October 2025"), (-1, "Tuesday 19 May")],
)
def test_days(days: int, said: str) -> None:
    assert words.say_day(NOW - timedelta(days=days), NOW) == said


@pytest.mark.parametrize(("count", "said"), [(0, "0 sources"), (1, "1 source"), (1204, "1,204 sources")])
def test_counts(count: int, said: str) -> None:
    assert words.say_count(count, "source") == said


def test_every_state_has_its_words() -> None:
    for table, states in (
        (words.OUTCOMES, FetchOutcome),
        (words.STATES, DeliveryState),
        (words.EVENTS, EventType),
        (words.TIERS, Tier),
        (words.KINDS, SourceKind),
    ):
        assert set(table) == set(states)


@pytest.mark.parametrize(
    ("kind", "address", "shown"),
    [
        (EndpointKind.WEBHOOK, "https://user:word@hooks.example:8443/services/KEY?k=1", "https://hooks.example:8443/…"),
        (EndpointKind.WEBHOOK, "http://[broken", "…"),
        (EndpointKind.EMAIL, "rosa.quill@example.org", "r…@example.org"),
        (EndpointKind.EMAIL, "no-address", "…@no-address"),
    ],
)
def test_addresses_are_masked(kind: EndpointKind, address: str, shown: str) -> None:
    assert words.masked_address(kind, address) == shown


@given(st.text() | st.builds("{}:{}".format, st.sampled_from(["http", "https", "HTTP", "javascript"]), st.text()))
def test_what_may_be_followed_is_http_with_a_host(url: str) -> None:
    followed = words.web_address(url)
    assert followed in ("", url)
    if followed:
        parts = urlsplit(followed)
        assert parts.scheme in ("http", "https")
        assert parts.hostname
        assert followed[:4].lower() == "http"


@pytest.mark.parametrize(
    ("wanted", "query"),
    [
        (StoryFilter(), ""),
        (StoryFilter(production=False), "?production=0"),
        (StoryFilter(before=StoryId(1)), "?before=1"),
        (StoryFilter(topic=TopicSlug("a&b=c")), "?topic=a%26b%3Dc"),
    ],
)
def test_a_filter_writes_its_address(wanted: StoryFilter, query: str) -> None:
    assert wanted.query() == query


def sources(*, total: int = 46, failing: int = 0, unasked: int = 0, answered: bool = True) -> SourceStanding:
    next_check_at = NOW + timedelta(minutes=4) if total else None
    return SourceStanding(
        total=total, failing=failing, unasked=unasked, has_ever_answered=answered, next_check_at=next_check_at
    )


def post(*, pending: int = 0, lag: int = 0, late: int | None = None, any_delivery: bool = True) -> PostStanding:
    return PostStanding(
        pending_count=pending,
        desk_lag=timedelta(seconds=lag),
        next_due_at=None if late is None else NOW - timedelta(seconds=late),
        has_deliveries=any_delivery,
    )


@pytest.mark.parametrize(
    ("standing", "owed", "text", "tone"),
    [
        (sources(), post(), "All 46 sources answer; deliveries are on time.", Tone.GOOD),
        (sources(), post(any_delivery=False), "All 46 sources answer.", Tone.GOOD),
        (sources(failing=12), post(), "12 of 46 sources fail; deliveries are on time.", Tone.WARN),
        (sources(failing=46), post(late=600), "All 46 sources fail; deliveries are 10 min late.", Tone.BAD),
        (sources(total=1), post(any_delivery=False), "The only source answers.", Tone.GOOD),
        (sources(total=0), post(any_delivery=False), "No source is configured.", Tone.BAD),
        (sources(), post(late=30), "All 46 sources answer; deliveries are on time.", Tone.GOOD),
        (
            sources(unasked=6),
            post(pending=3, lag=300, any_delivery=False),
            "6 of 46 sources not asked yet, the others answer; the desk is 5 min behind with 3 entries.",
            Tone.BAD,
        ),
        (sources(unasked=46), post(any_delivery=False), "No source has been asked yet.", Tone.WARN),
    ],
)
def test_verdicts(standing: SourceStanding, owed: PostStanding, text: str, tone: Tone) -> None:
    verdict = give_verdict(standing, owed, NOW)
    assert (verdict.text, verdict.tone) == (text, tone)


@pytest.mark.parametrize(
    ("standing", "said"),
    [
        (sources(), ""),
        (sources(failing=45), ""),
        (sources(failing=46), "None of the 46 sources can be reached; next try at 14:34 UTC (in 4 min)."),
        (sources(total=1, failing=1), "The only source cannot be reached; next try at 14:34 UTC (in 4 min)."),
        (
            sources(failing=6, unasked=40, answered=False),
            "No source has answered yet (6 of 46 asked); next try at 14:34 UTC (in 4 min).",
        ),
        (sources(total=0), "No source is configured, so no news can come in."),
    ],
)
def test_silence(standing: SourceStanding, said: str) -> None:
    assert explain_silence(standing, NOW) == said
