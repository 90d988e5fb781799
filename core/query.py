"""The language of subscriptions: reads a query, prints it, and says whether a story satisfies it and why not.

    query   = both { "OR" both }              words      a word anywhere in headline, summary or text
    both    = one { [ "AND" ] one }           "phrase"   these words in this order
    one     = "NOT" one | "(" query ")" | term
    term    = [ field ":" ] word | [ field ":" ] '"' phrase '"'

Fields: `film:`, `topic:`, `person:`, `outlet:`, `confirmed:`, `tier:`. It finds no subscriptions: `core.matching` does.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from dataclasses import field as member
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from core.values import Article, Certainty, Salience, Story, TagKind, Tier

_MAX_CHARS = 4_000
_MAX_DEPTH = 50
_TOKEN = re.compile(r'\s*(?:(?P<mark>[()])|(?P<plain>[^\s()"]*)(?P<quoted>"(?:[^"\\]|\\.)*")?)', re.DOTALL)
_WORD = re.compile(r"\w+")
_NO_WORD = "\0"  # stands in no text
_BLANKS = re.compile(r"\s*")
_OPERATORS = ("AND", "OR", "NOT")
_CONFIRMED = {"yes": True, "no": False}


class QueryError(ValueError):
    """A query that cannot be read: what is wrong, and at which character (from 0) of which text."""

    def __init__(self, says: str, text: str, position: int) -> None:
        self.says, self.text, self.position = says, text, position
        super().__init__(f"character {position + 1}: {says}")

    def point(self) -> str:
        """Show the query with a caret below the character."""
        start = self.text.rfind("\n", 0, self.position) + 1
        line = self.text[start:].split("\n", 1)[0]
        return f"{line}\n{' ' * (self.position - start)}^ {self.says}"


class Field(StrEnum):
    """What a term looks at; `words` is a term without a field."""

    FILM = "film"
    TOPIC = "topic"
    PERSON = "person"
    OUTLET = "outlet"
    CONFIRMED = "confirmed"
    TIER = "tier"
    WORDS = "words"


_FIELDS = {str(name): name for name in Field if name is not Field.WORDS}

Saliences = tuple[Salience, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a query is asked about: a story, and the article that joined it just now.

    `keys` holds its words, casefolded, and all else as `topic:stunts`, which no word can be; `text` is the words in
    order with blanks around. Films are there with their salience, `film:salt about`, and by themselves in `films`.
    """

    keys: frozenset[str]
    text: str
    films: dict[str, Salience]


NEWS_KEY = "is:news"
_TIER_KEYS = {tier: [f"tier:{lower}" for lower in Tier if lower.weight <= tier.weight] for tier in Tier}


def read_facts(story: Story, article: Article) -> Facts:
    """Films, topics, facts and the production decision are the story's; words, outlet and tier are the article's."""
    words = split_words(f"{article.title}\n{article.summary}\n{article.text}")
    publisher = article.publisher
    keys = {
        *words,
        *_TIER_KEYS[publisher.tier],
        f"outlet:{publisher.slug.casefold()}",
        f"outlet:{publisher.name.casefold()}",
        "confirmed:yes" if _is_confirmed(story, publisher.tier) else "confirmed:no",
    }
    if story.is_production_news:
        keys.add(NEWS_KEY)
    films = {tag.ref: tag.salience for tag in story.tags if tag.kind is TagKind.FILM}
    keys.update(film_key(film, salience) for film, salience in films.items())
    keys.update(f"topic:{tag.ref}" for tag in story.tags if tag.kind is TagKind.TOPIC)
    return Facts(frozenset(keys), f" {' '.join(words)} ", films)


def _is_confirmed(story: Story, tier: Tier) -> bool:
    """Say whether a fact of the story is confirmed, or what is only reported comes from a publisher that checks."""
    said = {fact.certainty for fact in story.facts}
    if Certainty.CONFIRMED in said:
        return True
    return tier.weight >= Tier.TRADE.weight and (not said or Certainty.REPORTED in said)


def film_key(film: str, salience: Salience) -> str:
    return f"film:{film} {salience}"


def split_words(text: str) -> list[str]:
    """Give the words of a text, casefolded, in order."""
    return _WORD.findall(text.casefold())


@dataclass(frozen=True, slots=True)
class Term:
    """One condition: what was written, and where. `key` is made once, because a term is asked of many stories."""

    field: Field
    value: str
    position: int = member(default=0, compare=False, repr=False)
    key: str = member(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", _make_key(self.field, self.value))

    def keys(self, saliences: Saliences) -> tuple[str, ...]:
        """Give the keys of which a story must have one."""
        return (self.key,) if self.key else tuple(film_key(self.value, salience) for salience in saliences)

    def holds(self, facts: Facts, saliences: Saliences) -> bool:
        key = self.key
        if not key:
            return facts.films.get(self.value) in saliences
        return key in facts.keys or (key[0] == " " and key in facts.text)


def _make_key(name: Field, value: str) -> str:
    """Name what is looked up: a phrase has blanks around it; a film has no key without the salience asked for."""
    match name:
        case Field.WORDS | Field.PERSON:
            words = split_words(value)
            return f" {' '.join(words)} " if len(words) > 1 else "".join(words) or _NO_WORD
        case Field.FILM:
            return ""
        case Field.TOPIC:
            return f"topic:{value}"
        case _:
            return f"{name}:{value.casefold()}"


def is_phrase(key: str) -> bool:
    return key[0] == " "


@dataclass(frozen=True, slots=True)
class And:
    """All of at least two parts."""

    parts: "tuple[Query, ...]"

    def holds(self, facts: Facts, saliences: Saliences) -> bool:
        for part in self.parts:  # noqa: SIM110 - a generator takes twice as long
            if not part.holds(facts, saliences):
                return False
        return True


@dataclass(frozen=True, slots=True)
class Or:
    """Any of at least two parts."""

    parts: "tuple[Query, ...]"

    def holds(self, facts: Facts, saliences: Saliences) -> bool:
        for part in self.parts:  # noqa: SIM110 - see above
            if part.holds(facts, saliences):
                return True
        return False


@dataclass(frozen=True, slots=True)
class Not:
    part: "Query"

    def holds(self, facts: Facts, saliences: Saliences) -> bool:
        return not self.part.holds(facts, saliences)


Query = Term | And | Or | Not


def all_of(parts: Iterable[Query]) -> Query | None:
    """Join by AND; one part stands alone, none is no condition."""
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, And) else (part,))]
    return And(tuple(flat)) if len(flat) > 1 else next(iter(flat), None)


def any_of(parts: Iterable[Query]) -> Query | None:
    """Join by OR; one part stands alone, none is no condition."""
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, Or) else (part,))]
    return Or(tuple(flat)) if len(flat) > 1 else next(iter(flat), None)


def print_query(query: Query) -> str:
    """Write a query so that reading it again gives the same one."""
    match query:
        case Term(field=Field.WORDS, value=value):
            return _print_value(value, is_bare=True)
        case Term(field=name, value=value):
            return f"{name}:{_print_value(value, is_bare=False)}"
        case Not(part=part):
            return f"NOT {_print_inside(part, And, Or)}"
        case And(parts=parts):
            return " AND ".join(_print_inside(part, And, Or) for part in parts)
        case Or(parts=parts):
            return " OR ".join(_print_inside(part, Or) for part in parts)


def _print_inside(part: Query, *wrapped: type) -> str:
    return f"({print_query(part)})" if isinstance(part, wrapped) else print_query(part)


def _print_value(value: str, *, is_bare: bool) -> str:
    is_plain = bool(value) and not re.search(r'[\s()"]', value)
    if is_plain and not (is_bare and (":" in value or value in _OPERATORS)):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@lru_cache(maxsize=4096)
def parse_query(text: str) -> Query:
    """Read a query. Errors: `QueryError` names the character and says what would be right there."""
    if len(text) > _MAX_CHARS:
        raise QueryError(f"a query has at most {_MAX_CHARS:,} characters", text, _MAX_CHARS)
    reader = _Reader(text)
    query = reader.read_any(0)
    if (token := reader.peek()) is not None:
        raise QueryError("this parenthesis closes nothing; remove it", text, token.position)
    return query


class _Token(NamedTuple):
    """`kind` is a parenthesis, an operator, or `term`; the value of a quoted term is unescaped."""

    kind: str
    position: int
    head: str = ""
    value: str = ""
    value_position: int = 0


class _Reader:
    """Recursive descent over the tokens; every error knows its place."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(_split_tokens(text))
        self._place = 0

    def peek(self) -> _Token | None:
        return self._tokens[self._place] if self._place < len(self._tokens) else None

    def read_any(self, depth: int) -> Query:
        if depth > _MAX_DEPTH:
            raise self._error(f"parentheses and NOTs go at most {_MAX_DEPTH} deep", self._here())
        parts = [self._read_all(depth)]
        while self._take("OR"):
            parts.append(self._read_all(depth))
        joined = any_of(parts)
        assert joined is not None
        return joined

    def _read_all(self, depth: int) -> Query:
        parts = [self._read_one(depth)]
        while True:
            token = self.peek()
            if token is None or token.kind in ("OR", ")"):
                joined = all_of(parts)
                assert joined is not None
                return joined
            self._take("AND")
            parts.append(self._read_one(depth))

    def _read_one(self, depth: int) -> Query:
        if depth > _MAX_DEPTH:
            raise self._error(f"parentheses and NOTs go at most {_MAX_DEPTH} deep", self._here())
        token = self.peek()
        if token is None:
            raise self._error("here a condition is missing; write a word or film:ID", len(self._text))
        self._place += 1
        match token.kind:
            case "NOT":
                return Not(self._read_one(depth + 1))
            case "(":
                return self._read_group(token, depth)
            case "term":
                return _make_term(token, self._text)
            case _:
                raise self._error(f"here a condition is missing before {token.kind}", token.position)

    def _read_group(self, opened: _Token, depth: int) -> Query:
        inside = self.read_any(depth + 1)
        if not self._take(")"):
            raise self._error("this parenthesis is never closed", opened.position)
        return inside

    def _take(self, kind: str) -> bool:
        token = self.peek()
        if token is None or token.kind != kind:
            return False
        self._place += 1
        return True

    def _here(self) -> int:
        token = self.peek()
        return token.position if token else len(self._text)

    def _error(self, says: str, position: int) -> QueryError:
        return QueryError(says, self._text, position)


def _split_tokens(text: str) -> Iterator[_Token]:
    place, end = 0, len(text.rstrip())
    while place < end:
        found, blanks = _TOKEN.match(text, place), _BLANKS.match(text, place)
        assert found is not None
        assert blanks is not None
        start = blanks.end()
        if found.end() == start:
            raise QueryError("this quotation mark is never closed", text, start)
        yield _read_token(found, text, start)
        place = found.end()


def _read_token(found: re.Match[str], text: str, start: int) -> _Token:
    mark, plain, quoted = found["mark"], found["plain"], found["quoted"]
    if mark:
        return _Token(mark, start)
    if plain in _OPERATORS and not quoted:
        return _Token(plain, start)
    head, colon, rest = plain.partition(":")
    if not quoted:
        # A mark right after a word opens a phrase that never ends: "a word" cannot hold one.
        if text[found.end() : found.end() + 1] == '"':
            raise QueryError("this quotation mark is never closed", text, found.end())
        value, value_start = (rest, start + len(head) + 1) if colon else (plain, start)
        return _Token("term", start, head if colon else "", value, value_start)
    if plain and not (colon and not rest):
        raise QueryError("put a blank before this quotation mark, or a field and a colon", text, start + len(plain))
    value = re.sub(r"\\(.)", r"\1", quoted[1:-1], flags=re.DOTALL)
    return _Token("term", start, head, value, start + len(plain))


def _make_term(token: _Token, text: str) -> Term:
    name = _read_field(token, text)
    says = _find_fault(name, token.value)
    if says:
        raise QueryError(says, text, token.value_position)
    return Term(name, token.value, token.value_position)


def _read_field(token: _Token, text: str) -> Field:
    has_field = token.value_position > token.position and text[token.value_position - 1] == ":"
    if not has_field:
        return Field.WORDS
    field = _FIELDS.get(token.head.casefold())
    if field is None:
        known = ", ".join(f"{name}:" for name in Field if name is not Field.WORDS)
        says = f"there is no field {token.head!r}; the fields are {known} (quote words that hold a colon)"
        raise QueryError(says, text, token.position)
    return field


def _find_fault(name: Field, value: str) -> str:
    if not value.strip():
        return "here a value is missing" if name is not Field.WORDS else "this phrase is empty"
    match name:
        case Field.WORDS | Field.PERSON if not split_words(value):
            return "this holds no word to look for"
        case Field.CONFIRMED if value.casefold() not in _CONFIRMED:
            return "confirmed: takes yes or no"
        case Field.TIER if value.casefold() not in tuple(Tier):
            return f"tier: takes one of {', '.join(Tier)}"
        case _:
            return ""


def terms_of(query: Query | None) -> Iterator[Term]:
    """Give every term, from left to right."""
    match query:
        case Term():
            yield query
        case Not(part=part):
            yield from terms_of(part)
        case And(parts=parts) | Or(parts=parts):
            for part in parts:
                yield from terms_of(part)


def wanted_terms(query: Query | None, *, is_wanted: bool = True) -> Iterator[Term]:
    """Give the terms that speak for a match: those under an even number of NOTs."""
    match query:
        case Term():
            if is_wanted:
                yield query
        case Not(part=part):
            yield from wanted_terms(part, is_wanted=not is_wanted)
        case And(parts=parts) | Or(parts=parts):
            for part in parts:
                yield from wanted_terms(part, is_wanted=is_wanted)


def find_unknown(text: str, *, films: Collection[str] | None, topics: Collection[str] | None) -> QueryError | None:
    """Find the first film or topic that nobody knows (None: any may be named). Errors: `QueryError` as for parsing."""
    known = {Field.FILM: films, Field.TOPIC: topics}
    for term in terms_of(parse_query(text)):
        names = known.get(term.field)
        if names is not None and term.value not in names:
            return QueryError(f"there is no {term.field} {term.value!r}", text, term.position)
    return None


def explain_hit(query: Query, facts: Facts, saliences: Saliences) -> list[str]:
    """Say which terms made a query hold, each once, from left to right."""
    return say_hits(hit_labels(query, saliences), facts)


def hit_labels(query: Query | None, saliences: Saliences) -> tuple[tuple[str, str], ...]:
    """Give the key of every term that speaks for a match, with the words of the reason it is."""
    return tuple(
        (key, f"film: {term.value} ({salience})" if term.field is Field.FILM else f"{term.field}: {term.value}")
        for term in wanted_terms(query)
        for key, salience in zip(term.keys(saliences), saliences, strict=False)
    )


def say_hits(labels: Iterable[tuple[str, str]], facts: Facts) -> list[str]:
    """Say which of the terms hold, each once, in their order."""
    hits = [label for key, label in labels if key in facts.keys or (key[0] == " " and key in facts.text)]
    return hits if len(hits) < 2 else list(dict.fromkeys(hits))


def explain_miss(query: Query, facts: Facts, saliences: Saliences) -> list[str]:
    """Say what was missing, part by part, of a query that does not hold."""
    match query:
        case And(parts=parts):
            missed = [part for part in parts if not part.holds(facts, saliences)]
            return [says for part in missed for says in explain_miss(part, facts, saliences)]
        case Not(part=part):
            hits = ", ".join(explain_hit(part, facts, saliences)) or print_query(part)
            return [f"ruled out by NOT {_print_inside(part, And, Or)}: {hits}"]
        case Or():
            return [f"none of: {print_query(query)}"]
        case Term():
            return [_say_miss(query, facts)]


def _say_miss(term: Term, facts: Facts) -> str:
    if term.field is Field.FILM and term.value in facts.films:
        return f"film {term.value} is only there as: {facts.films[term.value]}"
    return f"missing: {print_query(term)}"
