"""Tells a re-published archive from news: many texts at once that the publisher printed before. Stores nothing."""

import hashlib
import re
from collections.abc import Collection, Mapping

_WORD = re.compile(r"[^\W_]+")
# A recurring column comes back alone under its old headline; an archive comes back in numbers.
FEWEST = 5
_SMALLEST_SHARE = 0.5
_FEWEST_WORDS = 3


def text_key(publisher: str, title: str, summary: str) -> str | None:
    """Name what a publisher said, whatever address, GUID and date it has: 32 hex digits. None if it says too little."""
    words = _WORD.findall(f"{title} {summary}".casefold())
    if len(words) < _FEWEST_WORDS:
        return None
    return hashlib.sha256(" ".join((publisher, "|", *words)).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def find_republished(keys: Mapping[str, str | None], known: Collection[str]) -> dict[str, str]:
    """Return which of the new items of one fetch (GUID to text key) are old texts, with the reason.

    Shape: empty unless at least five are old and they are at least half of those that can be told.
    """
    old = [guid for guid, key in keys.items() if key is not None and key in known]
    told = sum(key is not None for key in keys.values())
    if len(old) < FEWEST or len(old) < told * _SMALLEST_SHARE:
        return {}
    reason = f"backlog: one of {len(old)} old texts that its source published again at once"
    return dict.fromkeys(old, reason)
