"""How facts grow in a story, which are news to it, and how they are said."""

from dataclasses import replace

import pytest

from core.facts.telling import find_new_facts, merge_facts, name_development, say_fact, topic_of, topics_of
from core.values import ArticleId, Certainty, Fact, FactKind, FilmId
from tests.core.makers import story


def fact(kind: FactKind = FactKind.JOINS, subject: str = "Ines Calloway", *, article: int = 1, **changes: str) -> Fact:
    made = Fact(
        kind=kind,
        film_id=FilmId("salt"),
        certainty=Certainty(changes.pop("certainty", "reported")),
        subject=subject,
        sentence=f"{subject} and the film.",
        field="title",
        article_id=ArticleId(article),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


RELEASE = FactKind.RELEASE


@pytest.mark.parametrize(
    ("held", "new", "is_news"),
    [
        pytest.param(fact(), fact(article=2), False, id="the same"),
        pytest.param(fact(), fact(article=2, detail="Alma"), False, id="the same with a role"),
        pytest.param(fact(), fact(article=2, subject="Nora Delacroix"), True, id="another person"),
        pytest.param(fact(certainty="denied"), fact(article=2), True, id="denied, then reported"),
        pytest.param(fact(), fact(article=2, certainty="denied"), True, id="reported, then denied"),
        pytest.param(fact(certainty="rumoured"), fact(article=2, certainty="confirmed"), True, id="rumour confirmed"),
        pytest.param(fact(), fact(article=2, certainty="confirmed"), False, id="said more firmly"),
        pytest.param(
            fact(RELEASE, "May 7, 2027", day="2027-05-07"),
            fact(RELEASE, "April 30, 2027", day="2027-04-30"),
            True,
            id="another date",
        ),
        pytest.param(
            fact(RELEASE, "2027", day="2027"), fact(RELEASE, "May 7, 2027", day="2027-05-07"), False, id="same year"
        ),
        pytest.param(
            fact(RELEASE, "May 7, 2027", day="2027-05-07"), fact(RELEASE, "2027", day="2027"), False, id="vaguer"
        ),
        pytest.param(
            fact(RELEASE, "May 7, 2027", day="2027-05-07"), fact(RELEASE, "May 7", day="--05-07"), False, id="no year"
        ),
        pytest.param(fact(RELEASE, "summer 2027"), fact(RELEASE, "2027", day="2027"), False, id="a season's year"),
        pytest.param(
            fact(RELEASE, "May 7, 2027", day="2027-05-07"),
            fact(RELEASE, "May 7, 2027", day="2027-05-07", detail="Netflix"),
            True,
            id="another service",
        ),
    ],
)
def test_what_is_news_to_a_story(held: Fact, new: Fact, *, is_news: bool) -> None:
    assert bool(find_new_facts(replace(story(), facts=(held,)), [new])) is is_news


def test_what_the_headline_says_already_is_no_news() -> None:
    told = replace(story(), title="Ines Calloway to sail in The Salt Meridian")
    assert find_new_facts(told, [fact(article=2)]) == []


def test_a_story_keeps_who_told_first_and_takes_what_changes() -> None:
    first, role, denied = fact(), fact(article=2, detail="Alma"), fact(article=3, certainty="denied")
    assert merge_facts([first], [role]) == (replace(first, detail="Alma"),)
    assert merge_facts([first], [denied]) == (denied,)
    assert len(merge_facts([], [fact(subject=f"Person {n}") for n in range(60)])) == 40


def test_a_development_names_topics_and_words() -> None:
    new = [fact(article=2, detail="Alma"), fact(FactKind.SHOOT_STARTS, "June 2027", article=2, detail="planned")]
    named = name_development(story(), new)
    assert named == "fact:casting+filming:Ines Calloway joins as Alma; shooting is to start: June 2027"
    assert topics_of(named) == {"casting", "filming"}
    assert topics_of("topic:trailer") == {"trailer"}
    assert name_development(story(), []) == ""


@pytest.mark.parametrize("kind", FactKind)
@pytest.mark.parametrize("certainty", Certainty)
def test_every_kind_is_said_and_has_a_topic(kind: FactKind, certainty: Certainty) -> None:
    said = say_fact(fact(kind, certainty=certainty.value))
    assert ("Ines Calloway" in said) is (kind not in (FactKind.SHOOT_STARTS, FactKind.SHOOT_WRAPS))
    assert said.startswith(f"{certainty.value}: ") is (certainty in (Certainty.DENIED, Certainty.RUMOURED))
    assert topic_of(kind)
