"""Cues of a vocabulary found in a document: phrases, word beginnings (`film*`) and gaps (`title ... revealed`)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ahocorasick_rs import AhoCorasick

from core.tagging.text import BREAK, Document, phrase_of

GAP_WORDS = 6
"""Words that may stand between the two sides of a gap."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A cue where it stands: tokens `start` to `end` (excluded)."""

    cue: int
    start: int
    end: int


class CueFinder:
    """Finds many cues in one pass. Cues are known by their position in `cues`."""

    def __init__(self, cues: Sequence[str]) -> None:
        self._pieces = [_pieces_of(c) for c in cues]
        self._starts: dict[str, list[int]] = {}
        self._rest: dict[str, list[int]] = {}
        for number, pieces in enumerate(self._pieces):
            for at, piece in enumerate(pieces):
                (self._rest if at else self._starts).setdefault(piece, []).append(number)
        self._patterns = list(dict.fromkeys(p for ps in self._pieces for p in ps))
        self._finder = AhoCorasick(self._patterns) if self._patterns else None

    def find(self, document: Document) -> list[Hit]:
        """Find every cue, in reading order of its first word."""
        if self._finder is None:
            return []
        found = self._finder.find_matches_as_indexes(document.words, overlapping=True)
        spots = [(self._patterns[n], document.word_position(at), _length(self._patterns[n])) for n, at, _ in found]
        return [
            h
            for piece, at, length in sorted(spots, key=lambda s: s[1])
            for h in self._follow(document.tokens, piece, at, length, spots)
        ]

    def _follow(
        self, tokens: Sequence[str], piece: str, at: int, length: int, spots: list[tuple[str, int, int]]
    ) -> Iterable[Hit]:
        for cue in self._starts.get(piece, ()):
            end: int | None = at + length
            for wanted in self._pieces[cue][1:]:
                end = end and _next_end(wanted, end, spots)
            if end and BREAK not in tokens[at:end]:
                yield Hit(cue, at, end)


def _next_end(piece: str, start: int, spots: Iterable[tuple[str, int, int]]) -> int | None:
    return next((at + n for p, at, n in spots if p == piece and start <= at <= start + GAP_WORDS), None)


def _length(piece: str) -> int:
    return len(piece.split())


def _pieces_of(cue: str) -> tuple[str, ...]:
    return tuple(p for text in cue.split(" ... ") if (p := _pattern_of(text)))


def _pattern_of(text: str) -> str:
    """The characters to search `Document.words` for; a trailing `*` leaves the end of the word open."""
    phrase = phrase_of(text)
    return f" {phrase}" if text.rstrip().endswith("*") else f" {phrase} " if phrase else ""
