"""Many alerts as one: each story once, 20,000 bytes at most, and a mail that says what could not be heard."""

import json
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from core.digests import Coverage, Silence, begin_period, build_digest
from core.letters import read_letter, render_html, render_text
from core.values import Cadence, Hold, SourceId, Timing
from tests.core.makers import START, subscription
from tests.schema import check_event

DAILY = subscription("salt", timing=Timing(cadence=Cadence.DAILY))


def alert(number: int, title: str = "A headline", *, development: str = "", url: str = "https://a.example/1") -> str:
    data = {
        "story": {"id": number, "title": title, "url": f"https://wire.example/stories/{number}"},
        "article": {"title": title, "url": url, "outlet": "Reel Ledger", "tier": "trade"},
        "films": [{"id": "salt", "title": "The Salt Meridian"}],
        "topics": [{"slug": "trailer", "name": "Trailer"}],
        "development": development,
    }
    return json.dumps({"type": "story.created", "timestamp": "2026-03-14T09:00:00.000Z", "data": data})


def digest(alerts: list[str], coverage: Coverage = Coverage(), hold: Hold = Hold.DIGEST) -> str:  # noqa: B008 frozen
    return build_digest(
        at=START, since=START - timedelta(days=1), subscription=DAILY, hold=hold, alerts=alerts, coverage=coverage
    )


def test_a_story_told_twice_stands_once_with_what_is_new() -> None:
    text = digest([alert(1, "First"), alert(2), alert(1, "Then", development="topic:trailer")])
    check_event(text)
    stories = json.loads(text)["data"]["stories"]
    assert [(s["id"], s["title"], s["developments"]) for s in stories] == [
        (1, "Then", ["topic:trailer"]),
        (2, "A headline", []),
    ]


@settings(max_examples=25)
@given(st.integers(1, 400), st.text(max_size=300), st.integers(0, 200))
def test_it_fits_whatever_it_tells(count: int, words: str, silent: int) -> None:
    silence = Silence(source_id=SourceId("s" * 99), publisher=words, error=words * 3, failed_count=3, check_count=4)
    text = digest([alert(n + 1, words, url="https://a.example/" + "x" * 1900) for n in range(count)],
                  Coverage(source_count=300, silences=(silence,) * silent))  # fmt: skip
    data = json.loads(text)["data"]
    check_event(text)
    assert len(text.encode()) <= 20_000
    assert data["story_count"] == count == len(data["stories"]) + data["more_count"]
    assert data["coverage"]["unreachable_count"] == silent


def test_the_period_is_one_of_the_cadence_or_longer() -> None:
    assert begin_period(DAILY, at=START, first_at=START - timedelta(hours=1)) == START - timedelta(days=1)
    assert begin_period(DAILY, at=START, first_at=START - timedelta(days=3)) == START - timedelta(days=3)
    assert begin_period(subscription("s"), at=START, first_at=START - timedelta(minutes=9)) == START - timedelta(
        minutes=9
    )


def test_the_mail_lists_the_stories_and_what_was_not_heard() -> None:
    silence = Silence(
        source_id=SourceId("dispatch"), publisher="<Dispatch>", error="No answer.", failed_count=4, check_count=4
    )
    coverage = Coverage(source_count=9, silences=(silence,))
    letter = read_letter(
        digest([alert(1, "A <b>storm</b>"), alert(2, "Calm", development="topic:trailer")], coverage, Hold.CAP),
        base_url="https://wire.example/",
    )
    assert letter.subject == "salt: 2 more stories"
    text = render_text(letter, unsubscribe="")
    assert "* Calm\nThe Salt Meridian · Reel Ledger · new: Trailer\nhttps://a.example/1" in text
    assert "Not heard: 1 of 9 sources could not be reached in this time (<Dispatch>)." in text
    html = render_html(letter, unsubscribe_url="")
    assert "A &lt;b&gt;storm&lt;/b&gt;" in html
    assert "&lt;Dispatch&gt;" in html
    assert "<b>" not in html


def test_a_digest_of_a_day_without_silence_says_so() -> None:
    letter = read_letter(digest([alert(1)], Coverage(source_count=9)), base_url="https://wire.example/")
    assert letter.subject == "salt: 1 story"
    assert letter.note == "All 9 sources could be reached."
