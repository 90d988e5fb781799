"""Finds the facts an article states of the films it is about. What is unclear is left out; nothing is guessed."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from core.facts.certainty import weigh_sentence
from core.facts.dates import Day, read_day, share_year
from core.facts.masking import FILM, PERSON, Masked, NameBook, mask
from core.facts.rules import HINTS, RULES, TRIGGER, Rule, read_groups
from core.facts.words import PLACES
from core.sentences import split_sentences
from core.tagging.text import TEXT_LIMIT, fold, phrase_of, word_set
from core.values import (
    Article,
    Fact,
    FactKind,
    Film,
    FilmId,
    FilmStatus,
    Salience,
    Tag,
    TagKind,
)

_PROSE = ("title", "summary", "text")
_MAX_SENTENCES = 24
_MAX_SENTENCE_CHARS = 500
_MAX_FACTS = 12
_RECENT_MONTHS = 5

PEOPLE = frozenset((
    FactKind.JOINS, FactKind.RETURNS, FactKind.IN_TALKS, FactKind.LEAVES, FactKind.REPLACES, FactKind.DIRECTS,
    FactKind.WRITES,
))  # fmt: skip

_FOOTAGE = re.compile(
    r"(?i)\b(?:trailer|teaser|clip|footage|poster|posters|sneak peek|first look|scene|featurette|premiere"
    r"|red carpet|episode|season|tv spot)\b"
)
_OTHER_MEDIA = re.compile(
    r"(?i)\b(?:series|season|show|episode|tv|sitcom|game|games|podcast|broadway|stage|play|musical|novel|comic"
    r"|manga|anime|album|tour)\b"
)
_COMES_BACK = re.compile(
    r"(?i)\bre-?releas\w*|\breturn(?:s|ing)? to (?:theaters|theatres|cinemas|imax)|\bback (?:in|to) (?:theaters"
    r"|theatres|cinemas)|\banniversary\b|\b4k\b|\bblu-?ray\b|\bdvd\b|\bdigital\b|\bvod\b|\bon demand\b"
    r"|\bphysical\b|\bsoundtrack\b|\btickets?\b|\bmerch\w*|\btoys?\b|\btrailer\b|\bteaser\b|\bspecial screening"
    r"|\bfestival\b|\bpremieres? at\b|\bpremiere(?:d|s)? (?:in|at)\b|\bposter\b|\bclip\b|\bcannes\b"
    r"|\bsundance\b|\bsxsw\b|\bbook\b|\bcomic\b|\bmanga\b|\bsingle's\b|\bremix\w*|\balbum\b|\bvinyl\b"
    r"|\bnew release on\b|\b(?:another|second|third|fourth|fifth)(?: official)?(?: 20\d\d)? release\b(?! date)"
    r"|\bseries\b|\bseason\b|\bepisode\b|\bgame\b|\bleav\w+\b|\bsince\b"
)
_MERCHANDISE = re.compile(
    r"(?i)\b(?:comic|book|novel|game|lego|toys?|album|soundtrack|series|season|vinyl|manga|musical"
    r"|statue|figures?|dlc|edition|patch|pre-?orders?|single|remix|merch\w*)\b"
)
_SERVICE_RELEASE = re.compile(
    r"\b(Netflix|Hulu|Prime Video|Disney\+|HBO Max|Peacock|Paramount\+|Apple TV\+?|Shudder|Starz|MUBI|Tubi)"
    r"(?i: streaming)? (?i:release|debut|premiere)\b"
)
_LATER = re.compile(
    r"(?i)(?:\b(?:after|before|once|until|since|when|as|while|despite|ahead of|prior to|with|without|following"
    r"|during|upon)\W+(?:[\w'-]+\W+){0,3})$"
)
_STARTING_SOON = re.compile(r"(?i)\b(?:about|ready|close|yet|needs?|hopes?|wants?|plans?|gearing up|preparing)\W*$")
_PERSON_OF_FILM = re.compile(
    r"(?i)^(?:'s)?(?: \w+)?(?: \w+)? (?:star|stars|alum|director|actor|actress|writer|producer|breakout|creator"
    r"|filmmaker|helmer|veteran|favorite|icon|composer)\b"
)
_GENERIC = re.compile(
    r"(?:It|It's|Its) |(?:The|This|A|An|Its) (?:[a-z0-9][\w-]* ){0,6}(?:film|movie|sequel|prequel|reboot|remake"
    r"|adaptation"
    r"|spin-?off|thriller|comedy|drama|biopic|project|western|feature|pic|slasher|epic|musical|threequel|follow-up)\b"
    r"|(?:Filming|Production|Shooting|Principal photography)\b"
)
"""Sentences that go on about the film of the headline."""
_NO_ROLE = word_set(
    "production filming begins starts release reveals trailer director writer producer executive cast star stars sequel"
    " movie film fans lead leading new first next part host showrunner official shooting date returns joins wraps"
    " franchise studio studios director's filmmakers he she they it one more another well villain villains"
    " character characters role part"
)
_AFTER_ROLE = re.compile(
    r"$|[,.;:!?)\]'\"-]| [(\[]"
    r"| (?:in|for|opposite|alongside|with|on|to|from|after|while|amid|and|who|at|by|of|is|has)\b",
    re.IGNORECASE,
)
_LIST = re.compile(
    r"(?i)^(?:the )?(?:top )?\d+ (?:\w+ ){0,3}(?:\w+s|people)\b(?! (?:later|before|after|ago))"
    r"(?<!years)(?<!months)(?<!weeks)(?<!days)(?<!minutes)"
)
_CREW = re.compile(
    rf"(?i)\b(?:directors?|writers?|screenwriters?|producers?|composer|helmer|filmmaker|showrunner) {PERSON}"
    r"|\b(?:directors|as (?:an? |its |the |new )*(?:co-)?(?:director|writer|producer|executive|composer"
    r"|screenwriter|showrunner)"
    r"|to (?:direct|write|pen|helm|produce|score|executive))\b"
)
_CREW_AFTER = re.compile(
    r"(?i) (?:as (?:an? |its |the |new )*(?:co-)?(?:director|writer|producer|executive|composer|screenwriter"
    r"|showrunner)"
    r"|to (?:direct|write|pen|helm|produce|score|executive))\b"
)
_CREW_ROLE = re.compile(
    r"(?i)\b(?:executive producer|producer|composer|showrunner|host|narrator|consultant|ambassador"
    r"|cinematographer|co-writer)\b"
)


@dataclass(frozen=True, slots=True)
class _Page:
    """An article with what the rules need of it: the films it is about and how they and others are written in it.

    `is_named`: some film was found in its prose, not only in its address or tags.
    """

    article: Article
    films: Sequence[Film]
    ways: Sequence[Sequence[str]]
    mentioned: Sequence[str]
    is_named: bool


@dataclass(frozen=True, slots=True)
class _Line:
    """One sentence of a page, masked."""

    field: str
    sentence: str
    masked: Masked


class FactFinder:
    """Finds facts by rules over sentences. Deterministic, without state between calls.

    `films` is the catalogue: its people are known as people. `plain_words` are no surnames of people it does not know.
    """

    def __init__(self, films: Iterable[Film], plain_words: Collection[str] = ()) -> None:
        self._films = {film.film_id: film for film in films}
        people = (name for film in self._films.values() for name in (*film.directors, *film.cast))
        self._names = NameBook(people, plain_words)

    def find(self, article: Article, tags: Sequence[Tag]) -> tuple[Fact, ...]:
        """Read the facts an article states; at most twelve, in reading order, each subject once a kind."""
        page = self._open(article, tags)
        if not page.films or _is_list(article.title):
            return ()
        found = (fact for line in self._read_lines(page) for fact in self._read(page, line))
        return tuple(keep_fullest(found))[:_MAX_FACTS]

    def _open(self, article: Article, tags: Sequence[Tag]) -> _Page:
        films, ways, mentioned = [], [], []
        in_prose = False
        for tag in tags:
            if tag.kind is not TagKind.FILM:
                continue
            film = self._films.get(FilmId(tag.ref))
            # A film without a title may have been found by its people, who stay people here.
            seen = [e.words for e in tag.evidence if e.field in _PROSE and not self._names.is_known(e.words)]
            if film is None or tag.salience is not Salience.ABOUT:
                mentioned += seen
            else:
                in_prose |= any(e.field in _PROSE for e in tag.evidence)
                films.append(film)
                ways.append([*seen, film.title, *(a.title for a in film.aliases if not a.needs_context)])
        return _Page(article, films, ways, mentioned, is_named=in_prose)

    def _read_lines(self, page: _Page) -> Iterator[_Line]:
        article, left = page.article, _MAX_SENTENCES
        for field, text in zip(_PROSE, (article.title, article.summary, article.text[:TEXT_LIMIT]), strict=True):
            for sentence in [text.strip()] if field == "title" else split_sentences(text):
                left -= 1
                if left >= 0 and len(sentence) <= _MAX_SENTENCE_CHARS and TRIGGER.search(sentence):
                    yield _Line(field, sentence, mask(sentence, page.ways, page.mentioned, self._names))

    def _read(self, page: _Page, line: _Line) -> Iterator[Fact]:
        if line.sentence.rstrip("\"'”’)] ").endswith("?"):
            return
        text = line.masked.text
        has_film, has_person = bool(re.search(FILM, text)), bool(line.masked.people)
        asked = {kind for kind, hint in HINTS.items() if (has_person or kind not in PEOPLE) and hint.search(text)}
        for rule in RULES:
            if rule.kind not in asked or (rule.needs_film and not has_film):
                continue
            for match in rule.pattern.finditer(line.masked.text):
                yield from self._judge(page, line, rule, match)

    def _judge(self, page: _Page, line: _Line, rule: Rule, match: re.Match[str]) -> Iterator[Fact]:
        film = _find_film(page, line, rule, match)
        if film is not None and _is_old(film, page.article) and rule.kind is not FactKind.RELEASE:
            return
        certainty = weigh_sentence(line.masked.text, page.article.publisher.tier, ruled=rule.certainty)
        if film is None or certainty is None or (rule.kind is FactKind.JOINS and _is_crew(line, match)):
            return
        found = read_groups(match)
        groups = {name: words for name, (words, _) in found.items()}
        if rule.kind in PEOPLE:
            role_end = found["role"][1] if "role" in found else 0
            drafts = self._read_people(film, line, rule, match, groups, role_end)
        else:
            drafts = _read_thing(page, film, line, rule, match, groups)
        for subject, detail, was, day in drafts:
            yield Fact(
                kind=rule.kind,
                film_id=film.film_id,
                certainty=certainty,
                subject=subject,
                detail=detail,
                was=was,
                day=day,
                sentence=line.sentence,
                field=line.field,
                article_id=page.article.article_id,
            )

    def _read_people(
        self, film: Film, line: _Line, rule: Rule, match: re.Match[str], groups: Mapping[str, str], role_end: int
    ) -> Iterator[tuple[str, str, str, str]]:
        people = [line.masked.person(mark) for mark in groups["who"] if "\uf000" <= mark <= "\uf0ff"]
        if re.match(r"(?i) (?:directing|directs|helming|writing|producing)\b", line.masked.text[match.end() :]):
            people.pop()  # `casts A, B directing`: the last of the list is none of it
        if _FOOTAGE.search(line.masked.text) and rule.certainty is None:
            return
        if rule.is_plain and not all(self._names.is_known(name) for name in people):
            return
        if rule.is_background and {phrase_of(name) for name in people} <= {phrase_of(name) for name in film.directors}:
            return
        role = _read_role(line.masked, groups, role_end)
        if role is None or (role and len(people) > 1):
            role = ""
            if _CREW_ROLE.search(match.group(0)):
                return
        detail = line.masked.person(groups["whom"]) if "whom" in groups else role or groups.get("job", "").lower()
        if "doing" in groups and groups["doing"].lower() in {"direct", "helm", "write"}:
            detail = "writer" if groups["doing"].lower() == "write" else "director"
        for name in people:
            if name != detail:
                yield name, detail, "", ""


def _is_crew(line: _Line, match: re.Match[str]) -> bool:
    """Whether who is named is no actor of the film: `lands directors …`, `… as director`, `… to direct`."""
    after = line.masked.text[match.end() : match.end() + 40]
    return bool(_CREW.search(match.group(0)) or _CREW_AFTER.match(after))


def _is_list(headline: str) -> bool:
    """Whether a headline counts things up: `10 actors who …`."""
    return bool(_LIST.match(headline))


def _find_film(page: _Page, line: _Line, rule: Rule, match: re.Match[str]) -> Film | None:
    """Return the film the match speaks of: the one it names, else the only one of the article if no other is meant."""
    text = line.masked.text
    inside = {c for c in match.group(0) if "\ue000" <= c <= "\ue00f"}
    if len(inside) > 1 or any("\ue0f0" <= c <= "\ue0ff" for c in match.group(0) if not inside):
        return None
    if inside:
        mark = inside.pop()
        after = text[match.start() + match.group(0).index(mark) + 1 :]
        named_by_film = _PERSON_OF_FILM.match(after) and match.groupdict().get("film") != mark
        return None if named_by_film else page.films[ord(mark) - 0xE000]
    if rule.needs_film or len(page.films) != 1 or line.field == "text" or not page.is_named:
        return None
    if re.search("[\ue0f0-\ue0ff]", text) or _OTHER_MEDIA.search(text):
        return None
    marks = list(re.finditer(FILM, text))
    if rule.kind not in PEOPLE and not marks and not _GENERIC.match(text):
        return None
    if any(_PERSON_OF_FILM.match(text[m.end() :]) for m in marks):
        return None
    return page.films[0]


def _read_role(masked: Masked, groups: Mapping[str, str], end: int) -> str | None:
    """Return the role; None if what stands there is none, or goes on into something that is no name."""
    if "role" not in groups:
        return ""
    role, after = groups["role"], masked.text[end:]
    words = {fold(w) for w in role.split()}
    if role[0].islower() or words & _NO_ROLE or not _AFTER_ROLE.match(after):
        return None
    return masked.unmask(role).strip(" .")


def _read_thing(
    page: _Page, film: Film, line: _Line, rule: Rule, match: re.Match[str], groups: Mapping[str, str]
) -> Iterator[tuple[str, str, str, str]]:
    text = line.masked.text
    match rule.kind:
        case FactKind.FILMS_IN:
            if (place := _read_place(groups["where"])) and not re.search(r"(?i)\bset in\b", match.group(0)):
                yield place, "", "", ""
        case FactKind.SHOOT_STARTS | FactKind.SHOOT_WRAPS:
            if _LATER.search(text[: match.start()]) or _STARTING_SOON.search(text[: match.start()]):
                return
            day = read_day(groups["when"], page.article.event_at) if "when" in groups else Day("", "")
            yield day.words, "planned" if "plan" in groups or "when" in groups else "", "", day.iso
        case FactKind.RELEASE:
            yield from _read_release(page.article, film, text, match, groups)
        case FactKind.RUNTIME:
            length = re.sub(r"[- ]minutes?", " minutes", groups["size"])
            yield length, "", "", ""
        case FactKind.RATING:
            yield groups["mark"], "", "", ""


def _read_release(
    article: Article, film: Film, text: str, match: re.Match[str], groups: Mapping[str, str]
) -> Iterator[tuple[str, str, str, str]]:
    if _COMES_BACK.search(text) or _MERCHANDISE.search(article.title):
        return
    new = read_day(groups["when"], article.event_at)
    was = Day("", "")
    if "was" in groups:
        is_earlier = bool(re.search(r"(?i)\b(?:up|forward|earlier|early|sooner|ahead)\b", match.group(0)))
        was, new = share_year(read_day(groups["was"], article.event_at), new, is_earlier=is_earlier)
    service = groups.get("service", "") or _service_before(text, match)
    if new.iso == str(article.event_at.year) and re.match(r"(?i)released\b", match.group(0)):
        return
    if (_is_old(film, article) and not service) or new.words == was.words or _is_past(new, article):
        return
    if re.search(r"(?i)\b(?:stream|streaming|streams)\b", text) and not service:
        return
    yield new.words, service, was.words, new.iso


def _service_before(text: str, match: re.Match[str]) -> str:
    """Return the service of `Prime Video Release in April`, where the rule matched from the noun on."""
    found = _SERVICE_RELEASE.search(text, max(0, match.start() - 30), match.end())
    return found[1] if found else ""


def _is_old(film: Film, article: Article) -> bool:
    """Whether the film came out before the year of the article: what is news now is not of its making."""
    return film.status is FilmStatus.RELEASED and film.year is not None and film.year < article.event_at.year


def _is_past(day: Day, article: Article) -> bool:
    """Whether a date is before the article: what came out is no news. Without a year, five months count as past."""
    today = article.event_at.date()
    if day.iso[:1].isdigit():
        return day.iso < today.isoformat()[: len(day.iso)]
    if not day.iso:
        return False
    month = int(day.iso[2:4])
    if len(day.iso) == 4 or month != today.month:
        return 0 < (today.month - month) % 12 <= _RECENT_MONTHS
    return int(day.iso[5:]) < today.day


def _read_place(words: str) -> str:
    """Return the place if we know one by that name; its own longest beginning else (`Spain in` → `Spain`)."""
    whole, _, region = words.rstrip(".").partition(", ")
    if region and fold(region) in PLACES:
        return f"{whole}, {region}"
    parts = whole.split()
    for length in range(len(parts), 0, -1):
        name = " ".join(parts[:length]).rstrip("'s") if length == len(parts) else " ".join(parts[:length])
        if fold(name) in PLACES:
            return name
    return ""


def keep_fullest(facts: Iterable[Fact]) -> list[Fact]:
    """Keep one fact a film, kind and subject: the first, or a later one that says more."""
    kept: dict[tuple[str, ...], Fact] = {}
    for fact in facts:
        key = slot_of(fact)
        held = kept.get(key)
        if held is None or _fullness(fact) > _fullness(held):
            kept[key] = fact
    return list(kept.values())


def slot_of(fact: Fact) -> tuple[str, ...]:
    """What a film can have only one of: a person of a kind, a place, one date a kind and service, one length."""
    if fact.kind in PEOPLE or fact.kind is FactKind.FILMS_IN:
        return fact.film_id, fact.kind.value, phrase_of(fact.subject)
    return fact.film_id, fact.kind.value, fact.detail if fact.kind is FactKind.RELEASE else ""


def _fullness(fact: Fact) -> tuple[bool, bool, int, bool]:
    return bool(fact.subject), bool(fact.detail), len(fact.day), bool(fact.was)
