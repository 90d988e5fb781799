"""Which films an article is about or mentions: a gazetteer finds names, evidence decides. Does no I/O."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, NamedTuple

from ahocorasick_rs import AhoCorasick

from core.tagging.evidence import SMALL_WORDS, Candidate, describe, is_supported
from core.tagging.model import Weights, score, weights_in
from core.tagging.salience import describe_salience
from core.tagging.sightings import CatalogueFilm, Sighting, best_of
from core.tagging.text import Document, phrase_of, word_set
from core.tagging.titles import RELATION_WORDS, Name, NameKind, names_of
from core.tagging.weights import EVERYDAY_WORDS, FILM_ABOUT, FILM_LINK
from core.values import Article, Film, FilmId, Salience, Tag, TagKind

NAMED_FLOOR = 0.2
"""Below this chance to be named a film takes no part in the judgement of salience."""

DESCRIBED_FLOOR = 0.4
"""The same for a film named only by what it hangs on: it stands beside its base, and would cloud that judgement."""

REVIEW_SHARE = 0.7
"""A film whose chance to be named is at least this share of the floor for a tag is put before the operator."""

PROSE = frozenset({"title", "summary", "text"})

MAKING_WORDS = word_set("sequel prequel remake reboot adaptation followup")

EVIDENCE_LIMIT = 3
"""Sightings shown with a tag; the first is the one that speaks loudest."""


class Entry(NamedTuple):
    """One phrase of the gazetteer and the films it may name."""

    phrase: str
    length: int
    rarity: str
    is_head: bool
    people: frozenset[str]
    names: tuple[tuple[int, Name], ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A candidate with the chance that it is named (`link`) and that the text is about it (`about`)."""

    candidate: Candidate
    link: float
    about: float


class FilmTagger:
    """Tags films by the names the catalogue gives them.

    `model` may carry `link` and `about` weights and the `common` words; without it the built-in ones are used.
    Building is linear in the catalogue; `tag` keeps no state between calls.
    """

    def __init__(self, films: Iterable[Film], model: Mapping[str, Any] | None = None) -> None:
        self._films = [CatalogueFilm(f) for f in films]
        self._by_id = {f.film_id: f for f in self._films}
        self._everyday = frozenset(model["everyday_words"].split()) if model else EVERYDAY_WORDS
        self._plain = self._everyday | frozenset(model["plain_words"].split() if model else ())
        self._link = weights_in(model, "link", FILM_LINK)
        self._about = weights_in(model, "about", FILM_ABOUT)
        self._link_floor = float(model["link_floor"]) if model and "link_floor" in model else 0.5
        self._review_floor = REVIEW_SHARE * self._link_floor
        self._about_floor = float(model["about_floor"]) if model and "about_floor" in model else 0.5
        self._entries = self._read_names()
        self._finder = AhoCorasick([f" {e.phrase} " for e in self._entries]) if self._entries else None

    def use(self, *, link: Weights) -> None:
        """Put other link weights in place, for training in two steps."""
        self._link = link

    def tag(self, article: Article) -> tuple[Tag, ...]:
        """Tag every film the article names with enough evidence, `about` before `mentions`, best first."""
        return self.tag_document(Document(article))

    def tag_document(self, document: Document) -> tuple[Tag, ...]:
        return self.judge_document(document)[0]

    def judge_document(self, document: Document) -> tuple[tuple[Tag, ...], tuple[Tag, ...]]:
        """Tag every film named with enough evidence; apart from them those somebody should look at, best first."""
        verdicts = self._weigh(document)
        tags = [self._tag_of(document, v) for v in verdicts if self._is_linked(v)]
        doubts = [
            self._tag_of(document, v) for v in verdicts if not self._is_linked(v) and v.link >= self._review_floor
        ]
        by_strength = sorted(tags, key=lambda t: (t.salience is Salience.MENTIONS, -t.score, t.ref))
        return tuple(by_strength), tuple(sorted(doubts, key=lambda t: (-t.score, t.ref)))

    def _is_linked(self, verdict: Verdict) -> bool:
        return verdict.link >= self._link_floor or verdict.about >= self._about_floor

    def ages_of(self, tags: Iterable[Tag], year: int) -> dict[str, str]:
        """Give a word for how old each tagged film was in `year`."""
        return {t.ref: self._by_id[FilmId(t.ref)].age_in(year) for t in tags}

    def candidates(self, document: Document) -> dict[int, Candidate]:
        """Find the films the article may name, each with what speaks for and against it, in catalogue order."""
        found: dict[int, list[Sighting]] = defaultdict(list)
        day = document.article.event_at.date()
        for sighting in self._find_sightings(document):
            for index, name in sighting.names:
                if not name.relation or _is_related(document, name.relation):
                    found[index].append(sighting.named(name, day))
        if not found:
            return {}
        described = describe(document, {i: self._films[i] for i in sorted(found)}, found)
        return {i: c for i, c in described.items() if is_supported(document, c)}

    def named(self, document: Document) -> dict[int, tuple[Candidate, float]]:
        """The candidates with a fair chance to be named, and that chance; of films sharing a name the likeliest."""
        weighed = {i: (c, score(c.features, self._link)) for i, c in self.candidates(document).items()}
        holders: dict[int, tuple[float, str]] = {}
        for candidate, link in weighed.values():
            for s in candidate.sightings:
                if s.kind is not NameKind.RELATED:
                    holders[s.start] = max(holders.get(s.start, (0.0, "")), (link, candidate.film_id))
        return {i: (c, link) for i, (c, link) in weighed.items() if link >= _floor_of(c) and _holds_a_place(c, holders)}

    def _weigh(self, document: Document) -> list[Verdict]:
        named = self.named(document)
        if not named:
            return []
        contexts = describe_salience({i: c for i, (c, _) in named.items()})
        return [Verdict(c, link, score((*c.features, *contexts[i]), self._about)) for i, (c, link) in named.items()]

    def _tag_of(self, document: Document, verdict: Verdict) -> Tag:
        candidate, link, about = verdict.candidate, verdict.link, verdict.about
        salience = Salience.ABOUT if about >= self._about_floor else Salience.MENTIONS
        shown = candidate.sightings[:EVIDENCE_LIMIT]
        return Tag(
            kind=TagKind.FILM,
            ref=candidate.film.film_id,
            score=round(about if salience is Salience.ABOUT else link, 4),
            salience=salience,
            evidence=tuple(document.evidence(s.start, s.end) for s in shown),
        )

    def _read_names(self) -> list[Entry]:
        found: dict[str, list[tuple[int, Name]]] = defaultdict(list)
        for index, film in enumerate(self._films):
            for name in names_of(film.film):
                if self._is_usable(name):
                    found[name.phrase].append((index, name))
        heads = _heads_of(p for p, names in found.items() if names[0][1].kind is NameKind.TITLE)
        people = _people_called({p for p in found if " " not in p}, (f.film for f in self._films))
        return [
            self._enter(phrase, names, people.get(phrase, frozenset()), is_head=phrase in heads)
            for phrase, names in found.items()
        ]

    def _is_usable(self, name: Name) -> bool:
        """A derived form of nothing but everyday words names nothing."""
        return name.kind is not NameKind.DERIVED or not all(w in self._everyday for w in name.phrase.split())

    def _enter(self, phrase: str, names: list[tuple[int, Name]], people: frozenset[str], *, is_head: bool) -> Entry:
        words = [w for w in phrase.split() if not w.isdigit()]
        rarity = "common" if self._everyday.issuperset(words) else "plain" if self._plain.issuperset(words) else "rare"
        return Entry(phrase, phrase.count(" ") + 1, rarity, is_head, people, tuple(names))

    def _find_sightings(self, document: Document) -> list[Sighting]:
        if self._finder is None:
            return []
        hits = self._finder.find_matches_as_indexes(document.words, overlapping=True)
        spans = [(document.word_position(at), self._entries[n]) for n, at, _ in hits]
        longest = _keep_longest(spans)
        return [s for at, entry in longest if (s := _sight(document, at, entry))]


def _floor_of(candidate: Candidate) -> float:
    is_described = best_of(candidate.sightings).kind is NameKind.RELATED
    return DESCRIBED_FLOOR if is_described else NAMED_FLOOR


def _holds_a_place(candidate: Candidate, holders: Mapping[int, tuple[float, str]]) -> bool:
    """Whether some name in the text is this film's and no other's. A title it merely hangs on is shared."""
    return any(s.kind is NameKind.RELATED or holders[s.start][1] == candidate.film_id for s in candidate.sightings)


def _heads_of(titles: Iterable[str]) -> set[str]:
    """Phrases that other titles begin with: names of a series as much as of a film."""
    return {" ".join(words[:n]) for t in titles if len(words := t.split()) > 1 for n in range(1, len(words))}


def _people_called(words: set[str], films: Iterable[Film]) -> dict[str, frozenset[str]]:
    """For each word, the full names of the catalogue's people that have it (`phrase_of` form)."""
    found: dict[str, set[str]] = defaultdict(set)
    for person in {p for f in films for p in (*f.directors, *f.cast)}:
        parts = person.lower().split()
        if len(parts) > 1:
            for word in words.intersection(parts):
                found[word].add(f" {phrase_of(person)} ")
    return {word: frozenset(people) for word, people in found.items()}


def _is_in_person(document: Document, at: int, people: AbstractSet[str]) -> bool:
    """Whether the word stands in the full name of one of these people, as in `Michael` `Mann`."""
    around = f" {' '.join(document.tokens[max(at - 2, 0) : at + 3])} "
    return any(p in around for p in people)


def _keep_longest(spans: list[tuple[int, Entry]]) -> list[tuple[int, Entry]]:
    """Drop names that stand inside a longer one (`Dune` in `Dune: Part Three`); reading order."""
    kept: list[tuple[int, Entry]] = []
    reach = -1
    for at, entry in sorted(spans, key=lambda s: (s[0], -s[1].length)):
        if at + entry.length > reach:
            kept.append((at, entry))
            reach = at + entry.length
    return kept


def _sight(document: Document, at: int, entry: Entry) -> Sighting | None:
    """Look at a found phrase as it stands; None for everyday words that nothing marks as a name."""
    end = at + entry.length
    whole = document.is_whole(at, end)
    if entry.length == 1 and entry.rarity == "common" and not (whole or _is_marked(document, at, entry.phrase)):
        return None
    part = document.part_at(at)
    in_prose = part.name in PROSE
    quoted = in_prose and document.is_quoted(at, end)
    if entry.people and not quoted and _is_in_person(document, at, entry.people):
        return None
    if in_prose and not quoted and not document.is_capitalised(_first_weighty(document, at, end)):
        return None
    return Sighting(at, end, part, quoted, entry.rarity, entry.is_head, whole, entry.names)


def _is_marked(document: Document, at: int, phrase: str) -> bool:
    """Whether something says that an everyday word is a name: quotation marks somewhere, or `remake of` before it."""
    if at > 1 and document.tokens[at - 1] in {"of", "to"} and document.tokens[at - 2] in MAKING_WORDS:
        return True
    return document.has_quoted(phrase)


def _first_weighty(document: Document, start: int, end: int) -> int:
    """The first word of a name that a writer would capitalise."""
    return next((n for n in range(start, end) if document.tokens[n] not in SMALL_WORDS), start)


def _is_related(document: Document, relation: str) -> bool:
    """Whether headline, summary or slug say that the text is on a film hanging on the one named."""
    return any(w in RELATION_WORDS[relation] for w in document.prose_words)
