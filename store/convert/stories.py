"""Stories with their tags, facts, corrections and feedback."""

from datetime import datetime

from core.values import (
    ArticleId,
    Assignment,
    Certainty,
    Correction,
    Duplicate,
    Edit,
    Evidence,
    Fact,
    FactKind,
    Feedback,
    FilmId,
    Salience,
    Story,
    StoryId,
    Tag,
    Tagging,
    TagKind,
)
from store.convert.rows import Columns, Row


def judgement_to_columns(edit: Edit) -> Columns:
    """What the desk said of an article: story, duplicate, tags, each with its reasons."""
    duplicate, assignment = edit.duplicate, edit.assignment
    tagging = edit.tagging or Tagging(is_production_news=False, production_score=0.0)
    return {
        "story_id": edit.story.story_id if edit.story else None,
        "strand_id": edit.strand_id if edit.story and edit.strand_id != edit.story.story_id else None,
        "duplicate_of": duplicate.article_id if duplicate else None,
        "duplicate_score": duplicate.score if duplicate else 0.0,
        "duplicate_reason": duplicate.reason if duplicate else "",
        "assignment_score": assignment.score if assignment else 0.0,
        "assignment_reasons": list(assignment.reasons) if assignment else [],
        **tagging_to_columns(tagging),
        "quiet_reason": edit.quiet_reason,
    }


def tagging_to_columns(tagging: Tagging) -> Columns:
    return {
        "is_production_news": tagging.is_production_news,
        "production_score": tagging.production_score,
        "tags": [_tag_to_json(tag) for tag in tagging.tags],
        "facts": [fact_to_json(fact) for fact in tagging.facts],
    }


def tagging_from_row(row: Row) -> Tagging:
    return Tagging(
        is_production_news=row["is_production_news"],
        production_score=row["production_score"],
        tags=tuple(_tag_from_json(tag) for tag in row["tags"]),
        facts=tuple(fact_from_row(fact) for fact in row["facts"]),
    )


def assignment_from_row(row: Row) -> Assignment | None:
    """Why the article stands in its story; None for a duplicate, which stands in none."""
    if row["story_id"] is None:
        return None
    return Assignment(
        story_id=StoryId(row["story_id"]),
        score=row["assignment_score"],
        reasons=tuple(row["assignment_reasons"]),
    )


def correction_to_columns(correction: Correction, *, number: int, now: datetime) -> Columns:
    return {
        "correction_id": number,
        "kind": correction.kind,
        "story_id": correction.story_id,
        "other_id": correction.other_id,
        "article_ids": list(correction.article_ids),
        "rest_ids": list(correction.rest_ids),
        "score": correction.score,
        "reasons": list(correction.reasons),
        "note": correction.note,
        "corrected_at": now,
    }


def correction_from_row(row: Row) -> Correction:
    return Correction(
        kind=row["kind"],
        story_id=StoryId(row["story_id"]),
        other_id=StoryId(row["other_id"]),
        article_ids=tuple(ArticleId(number) for number in row["article_ids"]),
        rest_ids=tuple(ArticleId(number) for number in row["rest_ids"]),
        score=row["score"],
        reasons=tuple(row["reasons"]),
        note=row["note"],
    )


def duplicate_from_row(row: Row) -> Duplicate | None:
    if row["duplicate_of"] is None:
        return None
    return Duplicate(
        article_id=ArticleId(row["duplicate_of"]),
        score=row["duplicate_score"],
        reason=row["duplicate_reason"],
    )


def _tag_to_json(tag: Tag) -> Columns:
    return {
        "kind": tag.kind.value,
        "ref": tag.ref,
        "score": tag.score,
        "salience": tag.salience.value,
        "evidence": _evidence_to_json(tag),
    }


def _evidence_to_json(tag: Tag) -> list[Columns]:
    return [{"field": evidence.field, "words": evidence.words} for evidence in tag.evidence]


def _tag_from_json(tag: Row) -> Tag:
    return Tag(
        kind=TagKind(tag["kind"]),
        ref=tag["ref"],
        score=tag["score"],
        salience=Salience(tag["salience"]),
        evidence=tuple([Evidence(field=e["field"], words=e["words"]) for e in tag["evidence"]]),
    )


def fact_to_json(fact: Fact) -> Columns:
    return {
        "kind": fact.kind.value,
        "film_id": fact.film_id,
        "certainty": fact.certainty.value,
        "subject": fact.subject,
        "detail": fact.detail,
        "was": fact.was,
        "day": fact.day,
        "sentence": fact.sentence,
        "field": fact.field,
        "article_id": fact.article_id,
    }


def fact_from_row(row: Row) -> Fact:
    return Fact(
        kind=FactKind(row["kind"]),
        film_id=FilmId(row["film_id"]),
        certainty=Certainty(row["certainty"]),
        subject=row["subject"],
        detail=row["detail"],
        was=row["was"],
        day=row["day"],
        sentence=row["sentence"],
        field=row["field"],
        article_id=ArticleId(row["article_id"]),
    )


def feedback_from_row(row: Row) -> Feedback:
    return Feedback(
        story_id=StoryId(row["story_id"]),
        article_id=ArticleId(row["article_id"]),
        kind=row["kind"],
        ref=row["ref"],
        note=row["note"],
        said_by=row["said_by"],
        said_at=row["said_at"],
    )


def story_facts_to_columns(story: Story) -> list[Columns]:
    return [
        {
            **fact_to_json(fact),
            "kind": fact.kind,
            "certainty": fact.certainty,
            "story_id": story.story_id,
            "position": position,
        }
        for position, fact in enumerate(story.facts)
    ]


def story_to_columns(story: Story) -> Columns:
    """Without the tags and the facts, which have tables."""
    return {
        "story_id": story.story_id,
        "title": story.title,
        "url": story.url,
        "outlet": story.outlet,
        "first_outlet": story.first_outlet,
        "summary": story.summary,
        "image_url": story.image_url,
        "first_article_id": story.first_article_id,
        "lead_article_id": story.lead_article_id,
        "created_at": story.created_at,
        "updated_at": story.updated_at,
        "article_count": story.article_count,
        "outlet_count": story.outlet_count,
        "is_production_news": story.is_production_news,
        "is_backlog": story.is_backlog,
    }


def story_tags_to_columns(story: Story) -> list[Columns]:
    return [
        {
            "story_id": story.story_id,
            "position": position,
            "kind": tag.kind,
            "ref": tag.ref,
            "score": tag.score,
            "salience": tag.salience,
            "evidence": _evidence_to_json(tag),
        }
        for position, tag in enumerate(story.tags)
    ]


def story_from_row(
    row: Row, tags: tuple[Tag, ...], facts: tuple[Fact, ...] = (), feedback: tuple[Feedback, ...] = ()
) -> Story:
    return Story(
        story_id=StoryId(row["story_id"]),
        title=row["title"],
        url=row["url"],
        outlet=row["outlet"],
        first_outlet=row["first_outlet"],
        summary=row["summary"],
        image_url=row["image_url"],
        first_article_id=ArticleId(row["first_article_id"]),
        lead_article_id=ArticleId(row["lead_article_id"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        article_count=row["article_count"],
        outlet_count=row["outlet_count"],
        is_production_news=row["is_production_news"],
        is_backlog=row["is_backlog"],
        tags=tags,
        facts=facts,
        feedback=feedback,
    )


def tag_from_row(row: Row) -> Tag:
    return _tag_from_json(row)
