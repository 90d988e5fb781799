"""A story as its articles make it: opened, extended, united, composed anew. What belongs to it is decided elsewhere."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from operator import attrgetter

from core.facts.telling import merge_facts, name_development
from core.feedback import correct_story, unite_feedback
from core.values import Article, Correction, CorrectionKind, Salience, Story, StoryId, Tag, Tagging

_DEVELOPMENT_SCORE = 0.5


def open_story(story_id: StoryId, article: Article, tagging: Tagging) -> Story:
    """Make the story whose only article this is."""
    return Story(
        story_id=story_id,
        title=article.title,
        url=article.url,
        outlet=article.publisher.name,
        first_outlet=article.publisher.name,
        summary=article.summary,
        image_url=article.image_url,
        first_article_id=article.article_id,
        lead_article_id=article.article_id,
        created_at=article.first_seen_at,
        updated_at=article.first_seen_at,
        is_production_news=tagging.is_production_news,
        is_backlog=article.is_backlog,
        tags=tagging.tags,
        facts=tagging.facts,
    )


def extend_story(story: Story, article: Article, tagging: Tagging, *, outlet_count: int, leads: bool) -> Story:
    """Add an article. `outlet_count` counts its outlet too; `leads`: it is more credible than all before."""
    extended = replace(
        story,
        updated_at=max(story.updated_at, article.first_seen_at),
        article_count=story.article_count + 1,
        outlet_count=max(story.outlet_count, outlet_count),
        is_production_news=story.is_production_news or tagging.is_production_news,
        is_backlog=story.is_backlog and article.is_backlog,
        tags=merge_tags(story.tags, tagging.tags),
        facts=merge_facts(story.facts, tagging.facts),
    )
    return _lead_with(extended, article) if leads else extended


def unite_stories(kept: Story, other: Story, *, outlet_count: int, other_leads: bool) -> Story:
    """Put the articles of two stories into one that keeps the first one's number.

    The words on each are words on both from then on; of two that contradict each other, the later one.
    """
    said = (replace(word, story_id=kept.story_id) for word in other.feedback)
    words = unite_feedback(kept.feedback, said)
    kept, other = correct_story(kept, words), correct_story(other, words)
    lead, second = (other, kept) if other_leads else (kept, other)
    first = min(kept, other, key=lambda story: story.first_article_id)
    return replace(
        lead,
        story_id=kept.story_id,
        first_article_id=first.first_article_id,
        first_outlet=first.first_outlet,
        summary=lead.summary or second.summary,
        image_url=lead.image_url or second.image_url,
        created_at=min(kept.created_at, other.created_at),
        updated_at=max(kept.updated_at, other.updated_at),
        article_count=kept.article_count + other.article_count,
        outlet_count=outlet_count,
        is_production_news=kept.is_production_news or other.is_production_news,
        is_backlog=kept.is_backlog and other.is_backlog,
        tags=merge_tags(kept.tags, other.tags),
        facts=merge_facts((), sorted((*kept.facts, *other.facts), key=attrgetter("article_id"))),
        feedback=words,
    )


def compose_story(story_id: StoryId, reports: Sequence[tuple[Article, Tagging]]) -> Story:
    """Make the story that these articles would be, had they come one after the other; at least one."""
    (article, tagging), *others = reports
    story, weight, outlets = (
        open_story(story_id, article, tagging),
        article.publisher.tier.weight,
        {article.publisher.slug},
    )
    for article, tagging in others:
        outlets.add(article.publisher.slug)
        leads = article.publisher.tier.weight > weight
        weight = max(weight, article.publisher.tier.weight)
        story = extend_story(story, article, tagging, outlet_count=len(outlets), leads=leads)
    return story


def say_correction(made: Correction) -> str:
    """Say in words who put two stories together, or took them apart."""
    match made.kind:
        case CorrectionKind.JOIN:
            return f"the desk joined story {made.other_id} to story {made.story_id}"
        case CorrectionKind.MERGE:
            return f"the operator merged story {made.other_id} into story {made.story_id}"
        case CorrectionKind.SPLIT:
            return f"the operator split story {made.other_id} off story {made.story_id}"


def find_developments(story: Story, tagging: Tagging) -> tuple[str, ...]:
    """Return what `tagging` brings that the story did not have: well supported topics of production news, and facts."""
    if not tagging.is_production_news:
        return ()
    had = {tag.ref for tag in story.tags}
    topics = (
        f"topic:{tag.ref}"
        for tag in tagging.topics
        if tag.ref not in had and tag.score >= _DEVELOPMENT_SCORE and tag.salience is Salience.ABOUT
    )
    facts = name_development(story, tagging.facts)
    return (*topics, facts) if facts else tuple(topics)


def merge_tags(held: Iterable[Tag], new: Iterable[Tag]) -> tuple[Tag, ...]:
    """Return one tag per film or topic: `about` before `mentions`, then the higher score; the held one on a tie."""
    best: dict[tuple[str, str], Tag] = {}
    for tag in (*held, *new):
        key = (tag.kind.value, tag.ref)
        if key not in best or _strength(tag) > _strength(best[key]):
            best[key] = tag
    return tuple(best.values())


def _lead_with(story: Story, article: Article) -> Story:
    return replace(
        story,
        title=article.title,
        url=article.url,
        outlet=article.publisher.name,
        summary=article.summary or story.summary,
        image_url=article.image_url or story.image_url,
        lead_article_id=article.article_id,
    )


def _strength(tag: Tag) -> tuple[bool, float]:
    return tag.salience is Salience.ABOUT, tag.score
