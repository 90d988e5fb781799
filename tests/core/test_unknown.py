"""Titles of no catalogue: found where films stand, and nowhere else."""

import pytest

from core.unknown import UnknownTitles
from tests.core.tagging.makers import make_article, make_film

FINDER = UnknownTitles([make_film("Night Ferry", aliases=("The Ferry",), people=("Ada Quill",), franchise="Korsund")])


@pytest.mark.parametrize(
    ("headline", "titles"),
    [
        ("‘Low Tide’ Trailer Shows the Flood", ["Low Tide"]),
        ("Simon Ashgrove Joins Sea Thriller ‘Low Tide’", ["Low Tide"]),
        ("'Low Tide' Wraps Filming in Bergen", ["Low Tide"]),
        ("New film titled “Low Tide” is coming", ["Low Tide"]),
        ("‘Low Tide’ Season 2 Trailer Shows the Flood", []),
        ("Drama Series ‘Low Tide’ Casts Simon Ashgrove", []),
        ("‘Low Tide’ Star Simon Ashgrove Buys a Boat", []),
        ("‘Night Ferry’ Trailer Leaves the Harbour", []),
        ("‘The Ferry’ Trailer Leaves the Harbour", []),
        ("‘Korsund’ Film Announced", []),
        ("‘Ada Quill’ Trailer", []),
        ("‘Breathtaking’ says everybody", []),
        ("The harbour is full of boats", []),
    ],
)
def test_a_title_is_found_beside_words_of_the_trade(headline: str, titles: list[str]) -> None:
    assert [found.title for found in FINDER.find(make_article(headline))] == titles


def test_a_publishers_tag_that_stands_in_the_headline_is_a_title() -> None:
    tags = ("Movies", "Low Tide (2027)", "Netflix", "Simon Ashgrove", "Harbours of Norway")
    [found] = FINDER.find(make_article("Low Tide gets a date in 2027 with Simon Ashgrove", categories=tags))
    assert (found.title, found.year, found.people) == ("Low Tide", 2027, ("Simon Ashgrove",))
    assert FINDER.find(make_article("Low Tide gets a date", categories=("TV Shows", "Low Tide"))) == []
