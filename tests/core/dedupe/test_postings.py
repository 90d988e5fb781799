import random

from core.dedupe.postings import Postings


def search(postings: Postings, *words: int, least: int = 1) -> list[tuple[int, int]]:
    return list(postings.search([(word, 10) for word in words], least))


def test_the_most_evidence_comes_first_and_then_the_order_of_words_and_age() -> None:
    postings = Postings()
    for place, words in enumerate(([1], [2], [1, 2], [2]), 1):
        postings.add(words, place)
    assert search(postings, 2, 1) == [(3, 20), (2, 10), (4, 10), (1, 10)]
    assert search(postings, 2, 1, least=11) == [(3, 20)]


def test_unknown_words_find_nothing() -> None:
    postings = Postings()
    postings.add([1], 1)
    assert search(postings, 0, 999_999) == []
    assert search(postings) == []


def test_a_word_remembers_its_latest_articles_only() -> None:
    postings = Postings()
    for place in range(1, 101):
        postings.add([5], place)
    assert [place for place, _ in search(postings, 5)] == list(range(53, 101))


def test_places_that_left_make_room_whatever_their_age() -> None:
    chance, postings = random.Random(3), Postings()
    held: dict[int, list[int]] = {word: [] for word in range(1, 30)}
    for place in range(1, 3000):
        words = chance.sample(range(1, 30), 4)
        postings.add(words, place)
        for word in words:
            held[word] = [*held[word], place][-48:]
        if place % 40 == 0:
            lost = chance.sample(range(1, place + 1), min(place, 60))
            every_word = b"".join(word.to_bytes(4, "little") for word in (*range(1, 30), 70_000))
            postings.remove(every_word, lost)
            held = {word: [p for p in places if p not in lost] for word, places in held.items()}
        word = chance.randrange(1, 30)
        assert [p for p, _ in search(postings, word)] == held[word]
