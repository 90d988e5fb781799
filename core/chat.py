"""Says an alert in the few lines that a chat shows: reads a delivery's payload, writes no markup, sends nothing."""

from dataclasses import dataclass

from core.letters import Letter, cut, read_letter

_MAX_TITLE, _MAX_QUOTE, _MAX_STORIES = 200, 300, 10


@dataclass(frozen=True, slots=True)
class ChatText:
    """`title` is one line; `body` is plain lines, its links bare, so that every service shows them alike."""

    title: str
    body: str


def write_chat(payload: str, *, base_url: str) -> ChatText:
    """Say an alert of any event for a chat. Errors: `ValueError` if the payload is not ours."""
    letter = read_letter(payload, base_url=base_url)
    return ChatText(cut(letter.headline, _MAX_TITLE), "\n".join(line for line in _lines(letter) if line))


def _lines(letter: Letter) -> list[str]:
    about = " · ".join(part for part in (letter.film, letter.topic, letter.byline) if part)
    sentence = letter.quotes[0] if letter.quotes else letter.summary
    return [
        about,
        f"“{cut(sentence, _MAX_QUOTE)}”" if letter.quotes else cut(sentence, _MAX_QUOTE),
        *(f"• {headline} ({byline}) {url}" for headline, url, byline in letter.items[:_MAX_STORIES]),
        f"and {len(letter.items) - _MAX_STORIES} more" if len(letter.items) > _MAX_STORIES else "",
        letter.note,
        letter.headline_url,
        "" if letter.headline_url else letter.page_url,
        letter.reason,
    ]
