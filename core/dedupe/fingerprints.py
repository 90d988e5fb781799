"""What a text is known by when it comes again: folded words, stable keys and a MinHash signature. Judges nothing."""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from urllib.parse import urlsplit

from rensa import RMinHash

SIGNATURE_LENGTH = 32
_SEED = 20260220
# What an `int` of CPython holds in 32 bytes. `hash` is SipHash under a key of the process: nobody can aim at a key.
_KEY_MASK = (1 << 60) - 1
_WORD = re.compile(r"[^\W_]+")
_POSSESSIVE = re.compile(r"['’](?:s\b)?")
# "Title - Outlet", "Title | Outlet", "Title – Outlet": how feeds and Google News sign a headline.
# A date or an issue number in that place is no outlet.
_SIGNED_TITLE = re.compile(r"^(?P<title>.{8,}\S)\s+[-–—|]\s+(?P<outlet>[^|–—\d]{2,40})$", re.DOTALL)
_SIGNATURE_MARK = re.compile(r"\s[-–—|]\s")
_EXTENSION = re.compile(r"\.(?:html?|php|aspx?)$")
_NON_ASCII = re.compile(r"[^\x00-\x7f]")


def fold_text(text: str) -> str:
    """Lower-case without accents, so that "Amélie" and "AMELIE" are one word."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text)
    for mark in filter(unicodedata.combining, set(_NON_ASCII.findall(decomposed))):
        decomposed = decomposed.replace(mark, "")
    return decomposed.casefold()


def split_words(text: str) -> list[str]:
    """Fold `text` and give its words in order; a possessive 's and every apostrophe are dropped."""
    folded = fold_text(text)
    if "'" in folded or "’" in folded:
        folded = _POSSESSIVE.sub("", folded)
    return _WORD.findall(folded)


@lru_cache(maxsize=16)
def split_field(text: str) -> tuple[str, ...]:
    """Give `split_words` of a field of an article: the two indexes ask for the same few fields in turn."""
    return tuple(split_words(text))


@lru_cache(maxsize=32)
def split_signature(title: str) -> tuple[str, str]:
    """Split "Title - Outlet" into both parts; the outlet is empty when the title is not signed."""
    found = _SIGNED_TITLE.match(title.strip()) if _SIGNATURE_MARK.search(title) else None
    return (found["title"], found["outlet"]) if found else (title, "")


@lru_cache(maxsize=4096)
def fold_outlet(name: str) -> str:
    """Fold an outlet's name to compare it: "The Hollywood Reporter", "Hollywood Reporter" and "variety.com" by word."""
    words = split_words(name.lower().removeprefix("www.").removesuffix(".com"))
    return "".join(words[1:] if len(words) > 1 and words[0] == "the" else words)


def read_slug(url: str) -> list[str]:
    """Give the words of the URL's most telling path segment, the longest with hyphens; empty if there is none."""
    segments = urlsplit(url).path.lower().split("/")
    telling = _EXTENSION.sub("", max(segments, key=_count_hyphens))
    return telling.split("-") if "-" in telling else []


def _count_hyphens(segment: str) -> int:
    return segment.count("-")


def make_key(kind: str, *parts: str) -> int:
    """Make a 60-bit key, the same as long as the process lives; `kind` keeps keys of different make apart."""
    return hash("\x1f".join((kind, *parts))) & _KEY_MASK


def make_band_key(kind: str, band: int, rows: bytes) -> int:
    """Make a 60-bit key of a band of a signature, alike."""
    return hash((kind, band, rows)) & _KEY_MASK


def sign_words(words: Sequence[str], *, shingle_length: int) -> tuple[int, ...]:
    """Sign the set of `shingle_length`-word runs with MinHash; fewer words than that are signed one by one."""
    minhash = RMinHash(num_perm=SIGNATURE_LENGTH, seed=_SEED)
    minhash.update(_shingle(words, shingle_length))
    return tuple(minhash.digest())


def estimate_jaccard(one: Sequence[int], other: Sequence[int]) -> float:
    """Estimate the Jaccard similarity, 0-1, from two signatures (standard error about 0.08 at 32 permutations)."""
    return sum(a == b for a, b in zip(one, other, strict=True)) / SIGNATURE_LENGTH


def _shingle(words: Sequence[str], length: int) -> list[str]:
    if len(words) < length:
        return list(words)
    if length == 2:
        return [f"{a} {b}" for a, b in pairwise(words)]
    return [" ".join(words[i : i + length]) for i in range(len(words) - length + 1)]
