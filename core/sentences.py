"""Where the sentences of a text end. Knows titles and initials, no grammar."""

import re
from collections.abc import Iterator

SENTENCE_END = re.compile(
    r"(?<!\b[A-Z])(?<!\b(?:Mr|Dr|St|Jr|Sr|vs))(?<!\b(?:Mrs|Ste))"
    r"[.!?…][\"”’')\]]*\s+(?=[\"“‘'(\[]?[^\W_a-z])|\n\s*"
)
_SHORT_MONTH = re.compile(r"\b(?:Jan|Feb|Mar|Apr|Aug|Sept|Sep|Oct|Nov|Dec|No|Vol|Pt|Bros)\.\s+$")


def split_sentences(text: str) -> Iterator[str]:
    """Yield the sentences of `text` in order, stripped, none empty."""
    start = 0
    for end in SENTENCE_END.finditer(text):
        if _SHORT_MONTH.search(text[start : end.end()]):
            continue
        if sentence := text[start : end.end()].strip():
            yield sentence
        start = end.end()
    if rest := text[start:].strip():
        yield rest
