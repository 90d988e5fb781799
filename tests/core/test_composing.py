"""A story as its articles make it: the laws of extending, composing and uniting."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from core.composing import compose_story, unite_stories
from core.values import (
    Article,
    ArticleId,
    Certainty,
    Fact,
    FactKind,
    FilmId,
    Publisher,
    PublisherSlug,
    Story,
    StoryId,
    Tagging,
    Tier,
)
from tests.core.makers import START, article, film, topic

TIERS = dict(zip(("lantern", "ledger", "sheet", "studio"), Tier, strict=True))
TAGS = st.lists(
    st.one_of(
        st.builds(film, st.sampled_from(["salt", "ferry"]), score=st.sampled_from([0.4, 0.9])),
        st.builds(topic, st.sampled_from(["stunts", "casting"]), st.sampled_from([0.3, 0.8])),
    ),
    max_size=3,
    unique_by=lambda tag: tag.ref,
).map(tuple)
REPORTS = st.lists(
    st.tuples(st.sampled_from(sorted(TIERS)), TAGS, st.booleans(), st.booleans(), st.sampled_from(["", "A summary."])),
    min_size=2,
    max_size=9,
)
Report = tuple[Article, Tagging]


def make(rows: list[tuple[str, tuple[object, ...], bool, bool, str]]) -> list[Report]:
    reports = []
    for n, (slug, tags, is_news, is_backlog, summary) in enumerate(rows, start=1):
        speaker = Publisher(slug=PublisherSlug(slug), name=slug.title(), tier=TIERS[slug])
        text = article(f"Headline {n}", publisher=speaker, url=f"https://{slug}.example/{n}", summary=summary)
        at = START + timedelta(minutes=n)
        text = replace(text, article_id=ArticleId(n), first_seen_at=at, event_at=at, is_backlog=is_backlog)
        reports.append((text, Tagging(is_production_news=is_news, production_score=float(is_news), tags=tags)))  # type: ignore[arg-type]
    return reports


@given(REPORTS)
def test_a_story_names_its_first_report_and_is_led_by_the_most_credible(
    rows: list[tuple[str, tuple[object, ...], bool, bool, str]],
) -> None:
    reports = make(rows)
    story = compose_story(StoryId(1), reports)
    texts = [text for text, _ in reports]
    lead = max(texts, key=lambda text: (text.publisher.tier.weight, -text.article_id))
    assert (story.first_article_id, story.first_outlet) == (1, texts[0].publisher.name)
    assert (story.lead_article_id, story.title, story.url, story.outlet) == (
        lead.article_id, lead.title, lead.url, lead.publisher.name,
    )  # fmt: skip
    assert story.article_count == len(texts)
    assert story.outlet_count == len({text.publisher.slug for text in texts})
    assert story.is_backlog == all(text.is_backlog for text in texts)
    assert story.is_production_news == any(tagging.is_production_news for _, tagging in reports)


@given(REPORTS, st.data())
def test_two_stories_united_are_the_story_of_all_their_articles(
    rows: list[tuple[str, tuple[object, ...], bool, bool, str]], data: st.DataObject
) -> None:
    reports = make(rows)
    mine = data.draw(st.sets(st.sampled_from(range(len(reports))), min_size=1, max_size=len(reports) - 1))
    one, other = ([report for n, report in enumerate(reports) if (n in mine) is is_mine] for is_mine in (True, False))
    kept, gone, whole = (compose_story(StoryId(7), part) for part in (one, other, reports))
    leads = whole.lead_article_id == gone.lead_article_id
    united = unite_stories(kept, gone, outlet_count=whole.outlet_count, other_leads=leads)
    assert best_tags(united) == best_tags(whole)
    assert replace(united, tags=(), summary="") == replace(whole, tags=(), summary="")
    assert united.summary == (gone if leads else kept).summary or not (gone if leads else kept).summary


def best_tags(story: Story) -> set[tuple[str, str, str, float]]:
    return {(tag.kind, tag.ref, tag.salience, tag.score) for tag in story.tags}


def test_two_stories_united_have_the_facts_of_both_and_the_newest_date() -> None:
    texts = [report for report, _ in make([("ledger", (), True, False, "")] * 3)]
    days = ["2027-03-06", "2027-03-06", "2027-05-22"]
    dated = [
        Fact(
            kind=FactKind.RELEASE,
            film_id=FilmId("salt"),
            certainty=Certainty.REPORTED,
            subject=day,
            day=day,
            sentence=f"It opens on {day}.",
            field="title",
            article_id=text.article_id,
        )
        for text, day in zip(texts, days, strict=True)
    ]
    joins = replace(dated[1], kind=FactKind.JOINS, subject="Ada Quill", day="")
    given_facts = [(dated[0],), (dated[1], joins), (dated[2],)]
    reports = [
        (text, Tagging(is_production_news=True, production_score=1.0, facts=facts))
        for text, facts in zip(texts, given_facts, strict=True)
    ]
    newer, older = compose_story(StoryId(7), [reports[0], reports[2]]), compose_story(StoryId(8), [reports[1]])
    for kept, gone in ((newer, older), (older, newer)):
        united = unite_stories(kept, gone, outlet_count=1, other_leads=False)
        assert {(fact.kind, fact.subject) for fact in united.facts} == {
            (FactKind.RELEASE, "2027-05-22"),
            (FactKind.JOINS, "Ada Quill"),
        }
