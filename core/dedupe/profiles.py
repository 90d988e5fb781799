"""What is kept of an article to ask "same event?": its telling words by field, names, figures and kinds of event."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, pairwise
from sys import intern
from typing import NamedTuple

from core.dedupe.fingerprints import fold_outlet, read_slug, split_field, split_signature, split_words
from core.dedupe.kinds import find_kinds
from core.values import Article, Salience, Tagging

IN_TITLE, IN_SLUG, IN_NAME = 1, 2, 4

# Words that say nothing of an event: grammar, and what every headline of the trade is filled up with.
_STOP_WORDS = frozenset(
    """a about according after again against all also am amp an and any are as at be because been before being
    but by can com could did do does down during each even ever film films finally find first following for
    from get gets getting given go goes going got had has have her here hers him his how i if in into is it
    its just last let like look made make makes may me more most movie movies much my new no nor not now of
    off old on once one only or other our out over own review s said same says see set she should so some
    still such t than that the their them then there these they this those through to too under until up
    upcoming us very was we well were what when where which while who whom whose why will with would year
    years yet you your""".split()  # noqa: SIM905
)
_QUOTED = re.compile(r"(?:(?<=\s)|^)[‘'\"“](?P<title>[^‘’“”\"]{2,60}?)[’'\"”](?=$|[\s.,:;!?)]|s\b)")
_QUOTE = re.compile("[‘'\"“]")
_NAME = re.compile(r"[A-ZÀ-Þ][\w'’.-]*(?:\s+(?:of|the|de|del|von|van|la|le)(?=\s+[A-ZÀ-Þ])|\s+[A-ZÀ-Þ0-9][\w'’.-]*)*")
_MANY = (
    r"(?:Movies|Films|Shows|Series|Scenes|Characters|Actors|Actresses|Stars|Things|Moments|Roles|Performances|Villains|"
    r"Heroes|Directors|Quotes|Endings|Reasons|Facts|Questions|Panels|Sequels|Remakes|Franchises|Thrillers|Comedies|Books)"
)
_LIST = re.compile(
    rf"(?:The |Top )*\d+\+? (?!(?:More )?(?:Years?|Months?|Weeks?|Days?|Hours?)\b).*\b{_MANY}\b"
    rf"|(?:The )?(?:Every|All|Best|Greatest|Worst)\b.*\b{_MANY}\b"
    r"|.*\b\d+ (?:Best|Greatest|Worst|Highest|Biggest|Most)\b|.*\bRanked\b"
    r"|.*\bTo (?:Watch|Stream)\b.*\b(?:Weekend|Week|Month|Right Now)\b|.*\bQuiz\b",
    re.IGNORECASE,
)
_LIST_CUES = ("every", "all", "best", "greatest", "worst", "ranked", "to watch", "to stream", "quiz")
_DIGIT = re.compile("[0-9]")
_EXPLAINER = re.compile(
    r"(?:Why|How|What|Who|Where|When|Is|Are|Does|Did|Will|Can|Should)\b|.*\?$|Everything (?:We|You|To)\b", re.IGNORECASE
)
_ROMAN = {"ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6", "vii": "7", "viii": "8", "ix": "9"}
_NUMERALS = _ROMAN | {"two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7"}
_ENDINGS = (("ies", 6, "y"), ("ing", 7, ""), ("ed", 6, ""), ("es", 6, ""), ("s", 5, ""), ("e", 6, ""))
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_LONGEST_SUMMARY = 600
_LONG_NUMBER = 3


class Profile(NamedTuple):
    """One article in telling words, each once; `fields` says by bit where the word of the same place stands: in the
    title, in the address, in one of the `names`.

    `ordinals` are (word, number) pairs as sequels have them. `film_ids` are those the article is about.
    """

    at: int
    outlet: str
    words: tuple[str, ...]
    fields: bytes
    names: tuple[str, ...]
    ordinals: tuple[tuple[str, str], ...]
    kinds: int
    all_kinds: int
    genre: str
    film_ids: tuple[str, ...]

    @property
    def is_news(self) -> bool:
        """Whether the piece can share a story at all: every review and every list is one of its own."""
        return self.genre not in ("review", "list")

    def words_in(self, fields: int) -> list[str]:
        """Give the words that stand in any of the fields."""
        return [word for word, field in zip(self.words, self.fields, strict=True) if field & fields]


def read_profile(article: Article, tagging: Tagging) -> Profile:
    """Read an article; the full text is left aside, since most sources give none."""
    headline = split_signature(article.title)[0]
    title, slug = split_field(headline), _clean_slug(read_slug(article.canonical_url))
    summary = split_field(article.summary[:_LONGEST_SUMMARY])
    fields = dict.fromkeys(_keep_telling(title), IN_TITLE)
    for word in _keep_telling(slug):
        fields[word] = fields.get(word, 0) | IN_SLUG
    for word in _keep_telling(summary):
        fields.setdefault(word, 0)
    names = tuple(dict.fromkeys(filter(None, _find_names(article, headline))))
    for word in set(chain.from_iterable(map(split_name, names))).intersection(fields):
        fields[word] |= IN_NAME
    kinds = find_kinds(title) | find_kinds(slug)
    return Profile(
        at=int(article.event_at.timestamp()),
        outlet=intern(fold_outlet(article.publisher.name)),
        words=tuple(fields),
        fields=bytes(fields.values()),
        names=names,
        ordinals=tuple(dict.fromkeys((*_find_ordinals(title), *_find_ordinals(slug)))),
        kinds=kinds,
        all_kinds=kinds | find_kinds(summary),
        genre=_find_genre(headline, {*split_field(article.title), *slug}),
        film_ids=tuple(t.ref for t in tagging.films if t.salience is Salience.ABOUT),
    )


def stem_word(word: str) -> str:
    """Cut a word to the stem its inflections share: "casting" and "casts" to "cast"; figures lose their unit."""
    if word[0].isdigit():
        return word.rstrip("bkmn")
    for ending, least, instead in _ENDINGS:
        if len(word) >= least and word.endswith(ending):
            return word[: -len(ending)] + instead
    return word


@lru_cache(maxsize=16384)
def split_name(name: str) -> Sequence[str]:
    """Give the telling words of a folded name, stemmed as a profile's words are."""
    return tuple(stem_word(_ROMAN.get(word, word)) for word in name.split() if word not in _STOP_WORDS)


def _clean_slug(slug: Sequence[str]) -> list[str]:
    """Drop the article number that some publishers end their addresses with."""
    return [word for word in slug if word and not (len(word) > 4 and word.isdigit())]


def _keep_telling(words: Iterable[str]) -> Iterator[str]:
    return chain.from_iterable(map(_find_stems, words))


@lru_cache(maxsize=16384)
def _find_stems(word: str) -> Sequence[str]:
    """Give the stem of a telling word; of Chinese, Japanese and Korean the pairs of characters."""
    if not word.isascii() and _CJK.search(word):
        return tuple(a + b for a, b in pairwise(word))
    is_telling = word not in _STOP_WORDS and (len(word) > 1 or word.isdigit())
    return (stem_word(_ROMAN.get(word, word)),) if is_telling else ()


def _find_names(article: Article, headline: str) -> Iterator[str]:
    """Give folded names: the publisher's own tags, quoted titles, and capitalised runs of the summary."""
    summary = article.summary[:_LONGEST_SUMMARY]
    yield from map(_fold_name, article.categories)
    for text in (headline, summary):
        if _QUOTE.search(text):
            yield from map(_fold_name, _QUOTED.findall(text))
    # A run that is but a word of ASCII letters is no name: that is most of them.
    yield from [_fold_run(run) for run in _NAME.findall(summary) if not (run.isascii() and run.isalpha())]


@lru_cache(maxsize=8192)
def _fold_name(name: str) -> str:
    return " ".join(split_words(name))


@lru_cache(maxsize=8192)
def _fold_run(run: str) -> str:
    """Fold a capitalised run; empty if it is but one word, apart from one of grammar that begins a sentence."""
    words = split_words(run)
    if words and words[0] in _STOP_WORDS:
        words = words[1:]
    return " ".join(words) if len(words) > 1 else ""


def _find_ordinals(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Give (word, number) where a small number follows a word as a sequel's does: "avatar 4", "part two"."""
    for before, word in pairwise(words):
        if word not in _NUMERALS and not (len(word) < _LONG_NUMBER and word.isdigit()):
            continue
        if before not in _STOP_WORDS and not before[0].isdigit():
            yield stem_word(before), _NUMERALS.get(word, word)


def _find_genre(headline: str, words: set[str]) -> str:
    """Tell pieces that are each their own story (review, list, explainer) from news."""
    if "review" in words and not words & {"rotten", "tomatoes"}:
        return "review"
    if "ranked" in words or "recommendations" in words or _is_list(headline):
        return "list"
    if "explained" in words or "theory" in words or _EXPLAINER.match(headline):
        return "explainer"
    return "news"


def _is_list(headline: str) -> bool:
    """Match `_LIST`, which is slow, only where it can match: all it finds holds a figure or one of these."""
    if headline.isascii() and not _DIGIT.search(headline):
        lowered = headline.lower()
        if not any(cue in lowered for cue in _LIST_CUES):
            return False
    return _LIST.match(headline) is not None
