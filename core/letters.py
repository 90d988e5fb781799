"""Says an alert in words: reads a delivery's payload and renders it as plain text and as HTML, without headers."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from urllib.parse import quote

from core.addresses import check_url
from core.values import EventType
from core.webhooks import clean_line

_MAX_SUBJECT_CHARS = 180
_URL_SAFE = "/:?#[]@!$&'()*+,;=%~"
_TITLES = {
    EventType.STORY_CREATED: "New story",
    EventType.STORY_UPDATED: "Story updated",
    EventType.SOURCE_FAILING: "Source failing",
    EventType.SOURCE_RESTORED: "Source restored",
    EventType.SOURCE_SILENT: "Source silent",
    EventType.SOURCE_HEARD: "Source heard again",
    EventType.ENDPOINT_DISABLED: "Endpoint disabled",
    EventType.SUBSCRIPTION_REQUESTED: "Please confirm",
    EventType.DIGEST: "Digest",
    EventType.TEST: "Test",
}
_MAX_FACTS = 6
_CERTAINTIES = {"confirmed": "Confirmed", "reported": "Reported", "rumoured": "Rumoured", "denied": "Denied"}
_TIERS = {"official": "official", "trade": "trade press", "press": "press", "fan": "fan site"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What a mail says. Every text is one clean line; every URL is http(s) or empty, `image_url` https or empty.

    `items` are the stories of a digest (headline, address, byline), `note` says what it could not hear of. `ways` are
    what a reader can change with one click, as words and address.
    """

    kicker: str
    headline: str
    film: str = ""
    headline_url: str = ""
    byline: str = ""
    image_url: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    quotes: tuple[str, ...] = ()
    summary: str = ""
    items: tuple[tuple[str, str, str], ...] = ()
    note: str = ""
    page_url: str = ""
    page_label: str = "See it on setwire"
    reason: str = ""
    subscription_id: str = ""
    film_id: str = ""
    topic: str = ""
    topic_slug: str = ""
    ways: tuple[tuple[str, str], ...] = ()

    @property
    def subject(self) -> str:
        """The headline, with the film before it unless the headline names it."""
        is_said = self.film.casefold() in self.headline.casefold()
        return cut(self.headline if is_said else f"{self.film}: {self.headline}", _MAX_SUBJECT_CHARS)


def read_letter(payload: str, *, base_url: str) -> Letter:
    """Read a payload of ours, of any event. Errors: `ValueError` if it is not one."""
    document = _mapping(json.loads(payload))
    event = EventType(_text(document, "type"))
    data = _mapping(document.get("data"))
    if event is EventType.DIGEST:
        return _read_digest(data, base_url=base_url)
    if "story" not in data:
        return _read_notice(event, data, base_url=base_url)
    return _read_story(event, data)


def _read_notice(event: EventType, data: Mapping[str, object], *, base_url: str) -> Letter:
    message = _text(data, "message") or _TITLES[event]
    if event is EventType.SUBSCRIPTION_REQUESTED:
        return Letter(
            kicker=f"setwire · {_TITLES[event]}",
            headline=f"setwire: confirm {_text(_mapping(data.get('subscription')), 'name')}",
            summary=message,
            page_url=web_url(_text(data, "url")),
            page_label="Confirm",
        )
    return Letter(
        kicker=f"setwire · {_TITLES[event]}",
        headline=f"setwire: {_TITLES[event].lower()}",
        summary=message,
        page_url=web_url(base_url),
        page_label="Open setwire",
    )


def _read_digest(data: Mapping[str, object], *, base_url: str) -> Letter:
    stories, match = _mappings(data.get("stories")), _mapping(data.get("match"))
    count, more = _count(data, "story_count"), _count(data, "more_count")
    name = _text(match, "name") or _text(match, "subscription_id")
    said = f"{count} more" if _text(data, "cause") == "cap" else f"{count}"
    return Letter(
        kicker="setwire · Digest",
        headline=f"{name}: {said} {'story' if count == 1 else 'stories'}",
        summary=f"{more} more are not listed here." if more else "",
        items=tuple(_read_item(story) for story in stories),
        note=_read_coverage(_mapping(data.get("coverage"))),
        page_url=web_url(base_url),
        page_label="Open setwire",
        reason=_read_reason(match),
        subscription_id=_text(match, "subscription_id"),
    )


def _read_item(story: Mapping[str, object]) -> tuple[str, str, str]:
    films, topics = _mappings(story.get("films")), _mappings(story.get("topics"))
    new = story.get("developments")
    fresh = [_say_development(clean_line(str(words)), topics) for words in new] if isinstance(new, list) else []
    byline = [_text(films[0], "title") if films else "", _text(story, "outlet"), *(f"new: {words}" for words in fresh)]
    address = web_url(_text(story, "article_url")) or web_url(_text(story, "url"))
    return _text(story, "title") or "Untitled story", address, " · ".join(part for part in byline if part)


def _read_coverage(coverage: Mapping[str, object]) -> str:
    silent, polled = _mappings(coverage.get("unreachable")), _count(coverage, "source_count")
    count = _count(coverage, "unreachable_count")
    if not count:
        return f"All {polled} sources could be reached." if polled else ""
    named = ", ".join(_text(source, "publisher") or _text(source, "id") for source in silent[:10])
    rest = f" and {count - 10} more" if count > 10 else ""
    return f"Not heard: {count} of {polled} sources could not be reached in this time ({named}{rest})."


def _count(values: Mapping[str, object], name: str) -> int:
    value = values.get(name)
    return value if isinstance(value, int) else 0


def _read_story(event: EventType, data: Mapping[str, object]) -> Letter:
    story, article, match = (_mapping(data.get(name)) for name in ("story", "article", "match"))
    films, topics = _mappings(data.get("films")), _mappings(data.get("topics"))
    headline = _text(article, "title") or _text(story, "title") or "Untitled story"
    quotes = tuple(_text(item, "sentence") for item in _mappings(data.get("evidence")))
    summary = _text(article, "summary")
    return Letter(
        kicker=f"setwire · {_TITLES[event]}",
        headline=headline,
        film=_text(films[0], "title") if films else "",
        film_id=_text(films[0], "id") if films else "",
        topic=_text(topics[0], "name") if topics else "",
        topic_slug=_text(topics[0], "slug") if topics else "",
        headline_url=web_url(_text(article, "url")),
        byline=_read_byline(article),
        image_url=web_url(_text(article, "image_url"), allow_http=False),
        facts=tuple(_read_facts(data, headline, films, topics)),
        quotes=tuple(quote for quote in quotes if quote and quote != headline),
        summary="" if summary in quotes else summary,
        page_url=web_url(_text(story, "url")),
        reason=_read_reason(match),
        subscription_id=_text(match, "subscription_id"),
    )


def _read_byline(article: Mapping[str, object]) -> str:
    tier = _text(article, "tier")
    outlet = _text(article, "outlet")
    seen = _text(article, "published_at") or _text(article, "first_seen_at")
    named = f"{outlet} ({_TIERS.get(tier, tier)})" if outlet and tier else outlet
    return " · ".join(part for part in (named, _say_time(seen)) if part)


def _say_time(iso: str) -> str:
    try:
        at = datetime.fromisoformat(iso).astimezone(UTC)
    except ValueError:
        return ""
    return f"{at.day} {at:%b %Y, %H:%M}\N{NO-BREAK SPACE}UTC"


def _read_facts(
    data: Mapping[str, object],
    headline: str,
    films: list[Mapping[str, object]],
    topics: list[Mapping[str, object]],
) -> Iterable[tuple[str, str]]:
    new = _say_development(_text(data, "development"), topics)
    if new:
        yield "New", new
    if films:
        yield "Film" if len(films) == 1 else "Films", ", ".join(_say_film(film) for film in films)
    for fact in _mappings(data.get("facts"))[:_MAX_FACTS]:
        yield _CERTAINTIES.get(_text(fact, "certainty"), "Reported"), _say_fact(fact, headline)
    if topics:
        yield "Topic" if len(topics) == 1 else "Topics", ", ".join(_text(topic, "name") for topic in topics)
    story = _mapping(data.get("story"))
    outlets = story.get("outlet_count")
    if isinstance(outlets, int) and outlets > 1:
        first = _text(story, "first_outlet")
        yield "Reported by", f"{outlets} outlets, first by {first}" if first else f"{outlets} outlets"


def _say_fact(fact: Mapping[str, object], headline: str) -> str:
    """Say a fact, and the sentence it comes from after a dash, unless that is the headline above it."""
    says = _text(fact, "says").removeprefix("denied: ").removeprefix("rumoured: ")
    sentence = _text(fact, "sentence")
    return (
        f"{says[:1].upper()}{says[1:]} — “{sentence}”"
        if sentence not in ("", headline)
        else f"{says[:1].upper()}{says[1:]}"
    )


def _say_film(film: Mapping[str, object]) -> str:
    year = film.get("year")
    return f"{_text(film, 'title')} ({year})" if isinstance(year, int) else _text(film, "title")


def _say_development(development: str, topics: list[Mapping[str, object]]) -> str:
    kind, _, ref = development.partition(":")
    if kind == "fact":
        return ref.partition(":")[2]
    if kind != "topic":
        return development.replace(":", ": ", 1)
    return next((_text(topic, "name") for topic in topics if _text(topic, "slug") == ref), ref)


def _read_reason(match: Mapping[str, object]) -> str:
    name = _text(match, "name") or _text(match, "subscription_id")
    reasons = match.get("reasons")
    said = [clean_line(str(reason)) for reason in reasons] if isinstance(reasons, list) else []
    because = f": {'; '.join(said)}" if said else ""
    return f"You get this because your subscription “{name}” matched{because}." if name else ""


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise ValueError("the payload is not an alert of ours")  # noqa: TRY004 - one error for one trouble
    return value


def _mappings(value: object) -> list[Mapping[str, object]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(values: Mapping[str, object], name: str) -> str:
    value = values.get(name)
    return clean_line(value) if isinstance(value, str) else ""


def web_url(url: str, *, allow_http: bool = True) -> str:
    """Return the URL in ASCII if it is plain web and unambiguous, else nothing."""
    try:
        check_url(url, allow_http=allow_http)
        return quote(url, safe=_URL_SAFE)
    except ValueError:
        return ""


def cut(text: str, max_chars: int) -> str:
    """Shorten text at an ellipsis."""
    return text if len(text) <= max_chars else text[: max_chars - 1].rstrip() + "…"


def render_text(letter: Letter, *, unsubscribe: str) -> str:
    """Render the letter for a reader without HTML."""
    blocks = (
        "\n".join(part for part in (letter.headline, letter.byline) if part),
        "\n".join(f"{label}: {value}" for label, value in letter.facts),
        "\n\n".join(f"“{sentence}”" for sentence in letter.quotes),
        "\n\n".join("\n".join(part for part in (f"* {item[0]}", *item[:0:-1]) if part) for item in letter.items),
        letter.summary,
        letter.note,
        "\n".join(_text_links(letter)),
        "-- \n" + "\n".join(part for part in (letter.reason, *_text_ways(letter), unsubscribe) if part),
    )
    return "\n\n".join(block for block in blocks if block) + "\n"


def _text_links(letter: Letter) -> Iterable[str]:
    if letter.headline_url:
        yield f"Read: {letter.headline_url}"
    if letter.page_url:
        yield f"{letter.page_label}: {letter.page_url}"


def _text_ways(letter: Letter) -> Iterable[str]:
    return (f"{label}: {url}" for label, url in letter.ways)


_SANS = "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
_SERIF = "Georgia,'Times New Roman',serif"
# Inline styles are the light look, which every mail program keeps; those that know `prefers-color-scheme` take the
# dark one. Both are named in `color-scheme`, so that no program inverts the colours on its own.
_STYLE = """\
:root{color-scheme:light dark;supported-color-schemes:light dark}
@media (prefers-color-scheme:dark){
.page{background:#101214!important}
.card{background:#1b1e22!important;border-color:#2c3137!important}
.strong,.strong a{color:#f3f4f5!important}
.plain{color:#d3d7db!important}
.faint,.faint a{color:#9aa3ac!important}
.accent{color:#ffb454!important}
.quote{color:#e6e8ea!important;border-color:#ffb454!important;background:#23272c!important}
.rule{border-color:#2c3137!important}
.button{background:#ffb454!important;color:#1b1e22!important}
.second{color:#ffb454!important}
}
@media (max-width:480px){
.page{padding:0!important}
.card{border-radius:0!important;border-left:0!important;border-right:0!important}
.pad{padding-left:20px!important;padding-right:20px!important}
}"""


def render_html(letter: Letter, *, unsubscribe_url: str) -> str:
    """Render the letter as one HTML document; every text of the letter is escaped."""
    title = escape(letter.subject)
    rows = "".join((
        _html_head(letter), _html_image(letter), _html_facts(letter), _html_quotes(letter), _html_items(letter),
        _html_summary(letter), _html_note(letter), _html_links(letter), _html_foot(letter, unsubscribe_url),
    ))  # fmt: skip
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>{title}</title>
<style>{_STYLE}</style>
</head>
<body class="page" style="margin:0;padding:0;background:#f2f1ee;-webkit-text-size-adjust:100%">
{_html_preview(letter)}<table role="presentation" class="page" width="100%" cellpadding="0" cellspacing="0" border="0" \
style="background:#f2f1ee;padding:24px 12px">
<tr><td align="center">
<table role="presentation" class="card" width="100%" cellpadding="0" cellspacing="0" border="0" \
style="max-width:600px;background:#ffffff;border:1px solid #e0ded8;border-radius:10px;border-collapse:separate;\
overflow:hidden;font-family:{_SANS}">
{rows}</table>
</td></tr>
</table>
</body>
</html>
"""


def _html_preview(letter: Letter) -> str:
    preview = letter.quotes[0] if letter.quotes else letter.summary or letter.byline
    if not preview:
        return ""
    return f'<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">{escape(cut(preview, 140))}</div>\n'


def _html_row(content: str, *, padding: str) -> str:
    return f'<tr><td class="pad" style="padding:{padding}">\n{content}\n</td></tr>\n'


def _html_head(letter: Letter) -> str:
    headline = escape(letter.headline)
    if letter.headline_url:
        headline = f'<a href="{escape(letter.headline_url)}" style="color:#16181a;text-decoration:none">{headline}</a>'
    content = (
        '<p class="accent" style="margin:0 0 10px;color:#a14b00;font-size:13px;font-weight:600;letter-spacing:.02em">'
        f"{escape(letter.kicker)}</p>\n"
        f'<h1 class="strong" style="margin:0;color:#16181a;font:700 24px/1.25 {_SERIF}">{headline}</h1>'
    )
    if letter.byline:
        content += (
            '\n<p class="faint" style="margin:10px 0 0;color:#62686e;font-size:14px;line-height:1.4">'
            f"{escape(letter.byline)}</p>"
        )
    return _html_row(content, padding="26px 28px 18px")


def _html_image(letter: Letter) -> str:
    if not letter.image_url:
        return ""
    return (
        '<tr><td style="padding:0 0 18px">'
        f'<img src="{escape(letter.image_url)}" alt="" width="600" '
        'style="display:block;width:100%;max-width:600px;height:auto;border:0"></td></tr>\n'
    )


def _html_facts(letter: Letter) -> str:
    if not letter.facts:
        return ""
    lines = "\n".join(
        '<tr><td class="faint" valign="top" style="padding:3px 14px 3px 0;color:#62686e;font-size:14px;'
        f'line-height:1.45;white-space:nowrap">{escape(label)}</td>'
        '<td class="plain" valign="top" style="padding:3px 0;color:#2b2f33;font-size:15px;line-height:1.4">'
        f"{escape(value)}</td></tr>"
        for label, value in letter.facts
    )
    table = f'<table role="presentation" cellpadding="0" cellspacing="0" border="0">\n{lines}\n</table>'
    return _html_row(table, padding="0 28px 16px")


def _html_quotes(letter: Letter) -> str:
    if not letter.quotes:
        return ""
    quotes = "\n".join(
        '<p class="quote" style="margin:0 0 10px;padding:12px 16px;border-left:3px solid #d9822b;background:#faf7f2;'
        f'color:#2b2f33;font:italic 17px/1.5 {_SERIF}">“{escape(sentence)}”</p>'
        for sentence in letter.quotes
    )
    return _html_row(quotes, padding="0 28px 8px")


def _html_items(letter: Letter) -> str:
    if not letter.items:
        return ""
    return _html_row("\n".join(_html_item(*item) for item in letter.items), padding="0 28px 8px")


def _html_item(title: str, url: str, byline: str) -> str:
    said = escape(title)
    if url:
        said = f'<a href="{escape(url)}" style="color:#16181a;text-decoration:none">{said}</a>'
    return (
        f'<p class="strong" style="margin:0 0 2px;color:#16181a;font:700 17px/1.35 {_SERIF}">{said}</p>\n'
        '<p class="faint" style="margin:0 0 14px;color:#62686e;font-size:14px;line-height:1.4">'
        f"{escape(byline)}</p>"
    )


def _html_note(letter: Letter) -> str:
    if not letter.note:
        return ""
    paragraph = (
        f'<p class="faint" style="margin:0;color:#62686e;font-size:14px;line-height:1.5">{escape(letter.note)}</p>'
    )
    return _html_row(paragraph, padding="0 28px 18px")


def _html_summary(letter: Letter) -> str:
    if not letter.summary:
        return ""
    paragraph = (
        f'<p class="plain" style="margin:0;color:#2b2f33;font-size:16px;line-height:1.55">{escape(letter.summary)}</p>'
    )
    return _html_row(paragraph, padding="0 28px 18px")


def _html_links(letter: Letter) -> str:
    links = []
    if letter.headline_url:
        links.append(
            f'<a class="button" href="{escape(letter.headline_url)}" style="display:inline-block;margin:0 18px 8px 0;'
            "padding:11px 20px;border-radius:7px;background:#a14b00;color:#ffffff;font-size:15px;font-weight:600;"
            'text-decoration:none">Read the article</a>'
        )
    if letter.page_url:
        links.append(
            f'<a class="second" href="{escape(letter.page_url)}" style="display:inline-block;padding:11px 0;'
            f'color:#a14b00;font-size:15px;text-decoration:underline">{escape(letter.page_label)}</a>'
        )
    return _html_row("\n".join(links), padding="2px 28px 18px") if links else ""


def _html_foot(letter: Letter, unsubscribe_url: str) -> str:
    lines = [escape(letter.reason)] if letter.reason else []
    ways = [*letter.ways, *([("Unsubscribe", unsubscribe_url)] if unsubscribe_url else [])]
    if ways:
        lines.append(
            " · ".join(
                f'<a href="{escape(url)}" style="color:#62686e;display:inline-block;text-decoration:underline">'
                f"{escape(label)}</a>"
                for label, url in ways
            )
        )
    if not lines:
        return ""
    return (
        '<tr><td class="pad faint rule" style="padding:16px 28px 22px;border-top:1px solid #e0ded8;color:#62686e;'
        f'font-size:13px;line-height:1.5">{"<br>".join(lines)}</td></tr>\n'
    )
