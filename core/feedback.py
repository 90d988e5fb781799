"""What an operator's word does to the tags of a text, and how it is said. Stores nothing, tells nobody."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from operator import attrgetter

from core.values import Feedback, FeedbackKind, Salience, Story, Tag, Tagging, TagKind

_OPPOSITES = {
    FeedbackKind.WRONG_FILM: FeedbackKind.RIGHT_FILM,
    FeedbackKind.WRONG_TOPIC: FeedbackKind.RIGHT_TOPIC,
    FeedbackKind.NOT_NEWS: FeedbackKind.NEWS,
}
OPPOSITES = _OPPOSITES | {right: wrong for wrong, right in _OPPOSITES.items()}
"""What takes a word back."""

ADDING = frozenset([FeedbackKind.RIGHT_FILM, FeedbackKind.RIGHT_TOPIC, FeedbackKind.NEWS])
"""Words by which somebody may have to be told who was not."""

_SAID = {
    FeedbackKind.WRONG_FILM: "not about the film {ref}",
    FeedbackKind.RIGHT_FILM: "about the film {ref}",
    FeedbackKind.WRONG_TOPIC: "not on the topic {ref}",
    FeedbackKind.RIGHT_TOPIC: "on the topic {ref}",
    FeedbackKind.NOT_NEWS: "not production news",
    FeedbackKind.NEWS: "production news",
}


def say_feedback(feedback: Feedback) -> str:
    """Say a word in words: `not about the film night-ferry-2027`."""
    return _SAID[feedback.kind].format(ref=feedback.ref)


def correct_tagging(tagging: Tagging, feedback: Iterable[Feedback]) -> Tagging:
    """Take away what was said to be wrong and add what was said to be right, with score 1 and without evidence."""
    for word in feedback:
        tagging = _correct(tagging, word)
    return tagging


def correct_story(story: Story, words: Iterable[Feedback]) -> Story:
    """Correct the tags and facts of a story by words that were not said of it, but of one it is put together with."""
    said = {(word.kind, word.ref) for word in story.feedback}
    strange = [word for word in words if (word.kind, word.ref) not in said]
    whole = Tagging(
        is_production_news=story.is_production_news, production_score=0.0, tags=story.tags, facts=story.facts
    )
    corrected = correct_tagging(whole, strange)
    return replace(
        story,
        is_production_news=corrected.is_production_news,
        tags=corrected.tags,
        facts=corrected.facts,
    )


def unite_feedback(kept: Iterable[Feedback], other: Iterable[Feedback]) -> tuple[Feedback, ...]:
    """Return the words on two stories that are one from now on, oldest first; a later word takes back its opposite."""
    united: dict[tuple[FeedbackKind, str], Feedback] = {}
    for word in sorted((*kept, *other), key=attrgetter("said_at")):
        united.pop((OPPOSITES[word.kind], word.ref), None)
        united.setdefault((word.kind, word.ref), word)
    return tuple(united.values())


def _correct(tagging: Tagging, word: Feedback) -> Tagging:
    match word.kind:
        case FeedbackKind.WRONG_FILM:
            facts = tuple(fact for fact in tagging.facts if fact.film_id != word.ref)
            return replace(tagging, tags=_without(tagging.tags, TagKind.FILM, word.ref), facts=facts)
        case FeedbackKind.WRONG_TOPIC:
            return replace(tagging, tags=_without(tagging.tags, TagKind.TOPIC, word.ref))
        case FeedbackKind.RIGHT_FILM:
            return replace(tagging, tags=_with(tagging.tags, TagKind.FILM, word.ref))
        case FeedbackKind.RIGHT_TOPIC:
            return replace(tagging, tags=_with(tagging.tags, TagKind.TOPIC, word.ref))
        case FeedbackKind.NOT_NEWS:
            return replace(tagging, is_production_news=False, facts=())
        case FeedbackKind.NEWS:
            return replace(tagging, is_production_news=True)


def _without(tags: Sequence[Tag], kind: TagKind, ref: str) -> tuple[Tag, ...]:
    return tuple(tag for tag in tags if (tag.kind, tag.ref) != (kind, ref))


def _with(tags: Sequence[Tag], kind: TagKind, ref: str) -> tuple[Tag, ...]:
    held = next((tag for tag in tags if (tag.kind, tag.ref) == (kind, ref)), None)
    if held is not None and held.salience is Salience.ABOUT:
        return tuple(tags)
    evidence = held.evidence if held else ()
    return Tag(kind=kind, ref=ref, score=1.0, evidence=evidence), *_without(tags, kind, ref)
