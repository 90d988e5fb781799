"""What facts come to for a reader: the words of one, how a story's grow, and which are news to it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from core.facts.finder import PEOPLE, slot_of
from core.tagging.text import phrase_of
from core.values import Certainty, Fact, FactKind, Story

FACT = "fact:"
"""How the development begins that new facts are."""

_MAX_STORY_FACTS = 40
_MAX_DEVELOPMENT_CHARS = 200
_TOPICS = {
    FactKind.JOINS: "casting",
    FactKind.RETURNS: "casting",
    FactKind.IN_TALKS: "casting",
    FactKind.LEAVES: "casting",
    FactKind.REPLACES: "casting",
    FactKind.DIRECTS: "crew",
    FactKind.WRITES: "crew",
    FactKind.FILMS_IN: "location",
    FactKind.SHOOT_STARTS: "filming",
    FactKind.SHOOT_WRAPS: "filming",
    FactKind.RELEASE: "release-date",
    FactKind.RUNTIME: "distribution",
    FactKind.RATING: "distribution",
}


def say_fact(fact: Fact) -> str:
    """Say a fact in a few words, without its film: `Anya Taylor-Joy joins as Alia`."""
    said = _say_people(fact) if fact.kind in PEOPLE else _say_thing(fact)
    return f"{fact.certainty.value}: {said}" if fact.certainty in (Certainty.DENIED, Certainty.RUMOURED) else said


def _say_people(fact: Fact) -> str:
    role = f" as {fact.detail}" if fact.detail else ""
    match fact.kind:
        case FactKind.RETURNS:
            return f"{fact.subject} returns{role}"
        case FactKind.IN_TALKS:
            return f"{fact.subject} is in talks{role}"
        case FactKind.LEAVES:
            return f"{fact.subject} leaves{role}"
        case FactKind.REPLACES:
            return f"{fact.subject} replaces {fact.detail}"
        case FactKind.DIRECTS:
            return f"{fact.subject} directs"
        case FactKind.WRITES:
            return f"{fact.subject} writes"
        case _:
            return f"{fact.subject} joins{role}"


def _say_thing(fact: Fact) -> str:
    match fact.kind:
        case FactKind.FILMS_IN:
            return f"shooting in {fact.subject}"
        case FactKind.SHOOT_STARTS if fact.detail:
            return f"shooting is to start: {fact.subject}" if fact.subject else "shooting is to start"
        case FactKind.SHOOT_STARTS:
            return "shooting has started"
        case FactKind.SHOOT_WRAPS:
            return "shooting has wrapped"
        case FactKind.RUNTIME:
            return f"runs {fact.subject}"
        case FactKind.RATING:
            return f"rated {fact.subject}"
        case _:
            where = f" on {fact.detail}" if fact.detail else ""
            return f"release{where}: {fact.subject}{f', moved from {fact.was}' if fact.was else ''}"


def merge_facts(held: Sequence[Fact], new: Iterable[Fact]) -> tuple[Fact, ...]:
    """Add facts to those of a story: one that changes what was known takes its place, one that says more adds to it.

    Shape: in the order they were first told, at most forty.
    """
    merged = {slot_of(fact): fact for fact in held}
    for fact in new:
        known = merged.get(slot_of(fact))
        if known is None or _is_change(known, fact):
            merged[slot_of(fact)] = fact
        elif fact.detail and not known.detail:
            merged[slot_of(fact)] = replace(known, detail=fact.detail)
        elif len(fact.day) > len(known.day):
            merged[slot_of(fact)] = replace(known, subject=fact.subject, day=fact.day, sentence=fact.sentence)
    return tuple(merged.values())[-_MAX_STORY_FACTS:]


def find_new_facts(story: Story, facts: Iterable[Fact]) -> list[Fact]:
    """Return those of `facts` that are news to the story: what it did not have or had otherwise.

    What its headline or summary named already is none, although no rule had read it there.
    """
    held = {slot_of(fact): fact for fact in story.facts}
    told = f" {phrase_of(story.title)} {phrase_of(story.summary)} "
    return [fact for fact in facts if _is_news(held.get(slot_of(fact)), fact, told)]


def _is_news(known: Fact | None, fact: Fact, told: str) -> bool:
    if known is not None:
        return _is_change(known, fact)
    return bool(fact.subject) and f" {phrase_of(fact.subject)} " not in told


def _is_change(known: Fact, fact: Fact) -> bool:
    """Whether a fact says something else than, or is surer than, the one known of the same slot."""
    if (known.certainty is Certainty.DENIED) is not (fact.certainty is Certainty.DENIED):
        return True
    if fact.kind not in PEOPLE and fact.kind is not FactKind.FILMS_IN and _is_other(known, fact):
        return True
    return known.certainty is Certainty.RUMOURED and fact.certainty is Certainty.CONFIRMED


def _is_other(known: Fact, fact: Fact) -> bool:
    """Whether the value differs; a vaguer or closer date of the same time (`2027` and `May 2027`) is the same."""
    if not fact.subject:
        return False
    if known.day and fact.day:
        return not _agree(known.day, fact.day)
    return phrase_of(known.subject) != phrase_of(fact.subject) and not _share_year(known, fact)


def _agree(known: str, day: str) -> bool:
    if known.startswith("--") or day.startswith("--"):
        known, day = known.lstrip("-")[-5:], day.lstrip("-")[-5:]
    return known.startswith(day) or day.startswith(known)


def _share_year(known: Fact, fact: Fact) -> bool:
    """`2027` beside `summer 2027`: one of them only is vaguer."""
    return fact.subject.split()[-1] == known.subject.split()[-1:][0] if known.subject else False


def name_development(story: Story, facts: Iterable[Fact]) -> str:
    """Name what is new in facts as one development: `fact:casting:Anya Taylor-Joy joins as Alia`; empty for nothing."""
    new = find_new_facts(story, facts)
    if not new:
        return ""
    topics = "+".join(sorted({_TOPICS[fact.kind] for fact in new}))
    return f"{FACT}{topics}:{'; '.join(say_fact(fact) for fact in new)}"[:_MAX_DEVELOPMENT_CHARS]


def topics_of(development: str) -> frozenset[str]:
    """Return the topics a development is of: `fact:casting+filming:…` is of two."""
    return frozenset(development.split(":")[1].split("+")) if ":" in development else frozenset()


def topic_of(kind: FactKind) -> str:
    """Return the topic that facts of a kind are news of."""
    return _TOPICS[kind]
