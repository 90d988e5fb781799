import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dedupe.fingerprints import (
    estimate_jaccard,
    fold_outlet,
    make_key,
    read_slug,
    sign_words,
    split_signature,
    split_words,
)


@pytest.mark.parametrize(
    ("title", "parts"),
    [
        ("Rain Falls on the Set - Reel Ledger", ("Rain Falls on the Set", "Reel Ledger")),
        ("Rain Falls on the Set | Reel Ledger", ("Rain Falls on the Set", "Reel Ledger")),
        ("Rain Falls on the Set", ("Rain Falls on the Set", "")),
        ("The Quiz of the Day — March 14", ("The Quiz of the Day — March 14", "")),
        ("Spider-Girl Casts Its Villain", ("Spider-Girl Casts Its Villain", "")),
    ],
)
def test_split_signature(title: str, parts: tuple[str, str]) -> None:
    assert split_signature(title) == parts


def test_words_are_folded() -> None:
    assert split_words("Amélie’s BIG day—don't miss it") == ["amelie", "big", "day", "dont", "miss", "it"]


@pytest.mark.parametrize("name", ["The Reel Ledger", "Reel Ledger", "reelledger.com", "www.ReelLedger.com"])
def test_an_outlet_has_one_folded_name(name: str) -> None:
    assert fold_outlet(name) == "reelledger"


@pytest.mark.parametrize(
    ("url", "slug"),
    [
        ("https://a.example/film/the-salt-road-cast/", ["the", "salt", "road", "cast"]),
        ("https://a.example/2026/03/14/the-salt-road.html", ["the", "salt", "road"]),
        ("https://a.example/123", []),
    ],
)
def test_read_slug(url: str, slug: list[str]) -> None:
    assert read_slug(url) == slug


@given(st.lists(st.text()), st.lists(st.text()))
def test_keys_of_different_parts_differ(one: list[str], other: list[str]) -> None:
    same = "\x1f".join(one) == "\x1f".join(other) and len(one) == len(other)
    assert same or one == other or make_key("a", *one) != make_key("a", *other) or "\x1f" in "".join(one + other)


@given(st.lists(st.text(min_size=1), min_size=1, max_size=40))
def test_a_signature_is_stable_and_like_itself(words: list[str]) -> None:
    one, other = sign_words(words, shingle_length=2), sign_words(list(words), shingle_length=2)
    assert one == other
    assert estimate_jaccard(one, other) == 1.0
