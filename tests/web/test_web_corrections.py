"""Stories that were put together or taken apart, as a reader and a program find them; and who reported first."""

import html
from collections.abc import Callable

import pytest

from core.values import ArticleId, StoryId
from store.corrections import merge_stories, split_story
from store.engine import Store
from tests.web.conftest import Ask
from tests.web.newsroom import CALL_SHEET, GAZETTE, NOW, Report
from tests.web.test_web_pages import hrefs, text_of

NOTE = "one evening, <b>two</b> headlines"


@pytest.fixture
def merged(store: Store, file: Callable[..., None]) -> Store:
    """The fan press reported first, the trade later, in another story; the operator merged the two."""
    file(
        [
            Report(title="Masts seen at the old quay", story=1, outlet=GAZETTE),
            Report(title="Harbour Lights builds its quay", story=2, outlet=CALL_SHEET),
            Report(title="Rain stops the tram", story=3, outlet=CALL_SHEET),
        ]
    )
    with store.write() as tx:
        merge_stories(tx, StoryId(1), StoryId(2), note=NOTE, now=NOW)
    return store


def test_an_old_number_leads_to_the_story_it_is_now(merged: Store, ask: Ask) -> None:
    answer = ask("/stories/2")
    assert (answer.status_code, answer.headers["location"]) == (302, "/stories/1")
    assert ask("/stories/1").status_code == 200
    assert ask("/stories/99").status_code == 404
    assert text_of(ask("/").text, ".line h3") == ["Rain stops the tram", "Harbour Lights builds its quay"]


def test_the_page_names_the_first_report_the_headline_and_the_correction(merged: Store, ask: Ask) -> None:
    page = ask("/stories/1").text
    assert text_of(page, "h1") == ["Harbour Lights builds its quay"]
    assert f"first reported by {GAZETTE.name}" in " ".join(text_of(page, "header .by"))
    assert text_of(page, ".rows .by b") == ["first report", "headline"]
    assert "The operator merged story 2 into story 1" in " ".join(text_of(page, "[aria-labelledby=corrections] p"))
    assert html.escape(NOTE) in page


def test_the_api_says_what_was_merged_and_who_was_first(merged: Store, ask: Ask) -> None:
    answer = ask("/api/v1/stories/2").json()
    assert (answer["id"], answer["merged_into"]) == (1, 1)
    assert (answer["outlet"], answer["first_outlet"]) == (CALL_SHEET.name, GAZETTE.name)
    assert (answer["first_article_id"], answer["lead_article_id"]) == (1, 2)
    assert (answer["article_count"], answer["outlet_count"]) == (2, 2)
    [made] = answer["corrections"]
    assert (made["kind"], made["story_id"], made["other_id"], made["note"]) == ("merge", 1, 2, NOTE)
    assert ask("/api/v1/stories/1").json()["merged_into"] is None
    assert [story["id"] for story in ask("/api/v1/stories").json()["stories"]] == [3, 1]


def test_the_parts_of_a_split_story_name_each_other(merged: Store, ask: Ask) -> None:
    with merged.write() as tx:
        split_story(tx, StoryId(1), [ArticleId(2)], note="", now=NOW)
    assert "/stories/4" in hrefs(ask("/stories/1").text, "[aria-labelledby=corrections] a")
    assert "/stories/1" in hrefs(ask("/stories/4").text, "[aria-labelledby=corrections] a")
    assert text_of(ask("/stories/1").text, "h1") == ["Masts seen at the old quay"]
    assert text_of(ask("/stories/4").text, "h1") == ["Harbour Lights builds its quay"]
