from core.dedupe.lexicon import Lexicon
from core.dedupe.rarity import Rarity


def test_a_text_keeps_its_id_as_long_as_somebody_holds_it() -> None:
    lexicon = Lexicon()
    first, second = lexicon.hold(["salt", "road"]), lexicon.hold(["road", "comet"])
    assert first[1] == second[0]
    assert list(lexicon.read([*first, second[1]])) == ["salt", "road", "comet"]
    lexicon.release(first.tobytes())
    assert lexicon.count(["salt", "road", "comet"]) == [0, 1, 1]
    assert lexicon.find(["salt", "road"]) == [0, second[0]]
    assert len(lexicon) == 2


def test_an_id_that_nobody_holds_is_given_again() -> None:
    lexicon = Lexicon()
    held = lexicon.hold(["salt"])
    lexicon.release(held.tobytes())
    assert lexicon.hold(["comet"]) == held
    assert list(lexicon.read(held)) == ["comet"]


def test_a_word_weighs_less_the_more_articles_hold_it() -> None:
    lexicon = Lexicon()
    rarity = Rarity({"trailer": 0.2}, lexicon)
    lexicon.hold(["salt"])
    lexicon.hold(["salt", "road"])
    salt, road, comet, trailer = rarity.weigh(["salt", "road", "comet", "trailer"], 2)
    assert 0 < trailer < salt < road < comet == 1
