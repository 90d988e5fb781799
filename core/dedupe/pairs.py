"""How alike two articles are, as numbers for the pair model; judges nothing."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

from core.dedupe.kinds import KIND_BITS, KindScale
from core.dedupe.profiles import EXCLUSIVE, FEATURE, IN_SLUG, IN_TITLE, Profile

_LEVELS = tuple(level / 255 for level in range(256))
SplitName = Callable[[str], Sequence[str]]

_LONE_KINDS = ("chart", "trailer", "announcement", "score")
_COMMON_KINDS = (
    *("trailer", "image", "casting", "date", "chart", "streaming", "score", "list", "statement", "deal"),
    *("announcement", "production", "award", "figures"),
)

FEATURES = (
    "hours",
    "same_outlet",
    "cos_words",
    "contained",
    "cos_head",
    "cos_slug",
    "slug_told_min",
    "slug_told_max",
    "title_told_min",
    "title_told_max",
    "cos_title",
    "third_word",
    "not_news",
    "names_top",
    "names_cos",
    "name_head_mass",
    "event_mass",
    "event_cos",
    "event_head_cos",
    "odd_event_min",
    "kinds_cos",
    "all_kinds_cos",
    "kind_top",
    "ordinals_clash",
    "names_swapped",
    "casting_swapped",
    "films_shared",
    "films_clash",
    *(f"lone_{kind}" for kind in _LONE_KINDS),
    *(f"common_{kind}" for kind in _COMMON_KINDS),
    "films_most",
    "films_lone",
    "films_aside",
    "topics_shared",
    "topics_clash",
    "topics_lone",
    "production_min",
    "production_apart",
    "services_shared",
    "services_clash",
    "lone_exclusive",
    "lone_feature",
    "features",
    "rivals",
    "contained_share",
)
_COS_WORDS, _CONTAINED = FEATURES.index("cos_words"), FEATURES.index("contained")
# A candidate nearly as alike as this one is its rival: where many are alike, likeness says less.
_NEARLY = 0.8


@dataclass(frozen=True, slots=True)
class Kept:
    """A profile as the index keeps it: the weights of its words and names, taken when it was read, a byte each."""

    profile: Profile
    mass: float
    weights: bytes
    name_weights: bytes


@dataclass(frozen=True, slots=True)
class Side:
    """A profile unpacked into sets, to be compared."""

    profile: Profile
    weights: dict[str, float]
    head: set[str]
    title: set[str]
    slug: set[str]
    names: dict[str, float]
    name_words: set[str]
    mass: float

    def sum(self, words: Iterable[str]) -> float:
        """Sum the weights of words, all of which must be the side's own."""
        weights = self.weights
        return sum([weights[word] for word in words])


def pack_weights(weights: Iterable[float]) -> bytes:
    """Pack weights of 0-1 into a byte each."""
    return bytes([round(weight * 255) for weight in weights])


def unpack_weights(packed: bytes) -> list[float]:
    """Give the weights that `pack_weights` packed, to 1/255."""
    return [_LEVELS[level] for level in packed]


def unpack(kept: Kept, split_name: SplitName) -> Side:
    """Unpack a kept profile for comparison."""
    profile = kept.profile
    weights = dict(zip(profile.words, unpack_weights(kept.weights), strict=True))
    title, slug = set(profile.words_in(IN_TITLE)), set(profile.words_in(IN_SLUG))
    name_words: set[str] = set()
    for name in profile.names:
        name_words.update(split_name(name))
    return Side(
        profile=profile,
        weights=weights,
        head=title | slug,
        title=title,
        slug=slug,
        names=dict(zip(profile.names, unpack_weights(kept.name_weights), strict=True)),
        name_words=name_words,
        mass=kept.mass,
    )


def measure_overlap(new: Side, old: Kept) -> float:
    """Measure how much of the smaller side's mass both tell, 0-1: the `contained` of `FEATURES`, at little cost."""
    weights = new.weights
    shared = sum([weights[word] for word in old.profile.words if word in weights])
    return _ratio(shared, min(new.mass, old.mass))


def compare(new: Side, old: Side, kind_scale: KindScale, split_name: SplitName) -> list[float]:
    """Measure a pair in the order of `FEATURES`, but for the last two, which `add_rivals` appends.

    Shared words weigh what they weigh now.
    """
    a, b = new.profile, old.profile
    shared = new.weights.keys() & old.weights.keys()
    ranked = sorted([new.weights[word] for word in shared], reverse=True)
    swapped = _misses_name(new, old, split_name) and _misses_name(old, new, split_name)
    casting = bool(a.kinds & b.kinds & KIND_BITS["casting"])
    slug_told = sorted((_told(new, new.slug, old), _told(old, old.slug, new)))
    title_told = sorted((_told(new, new.title, old), _told(old, old.title, new)))
    return [
        abs(a.at - b.at) / 3600,
        float(a.outlet == b.outlet),
        _ratio(sum(ranked), sqrt(new.mass * old.mass)),
        _ratio(sum(ranked), min(new.mass, old.mass)),
        _cosine(new, old, new.head, old.head),
        _cosine(new, old, new.slug, old.slug),
        *slug_told,
        *title_told,
        _cosine(new, old, new.title, old.title),
        ranked[2] if len(ranked) > 2 else 0.0,
        float((a.genre != "news") + (b.genre != "news")),
        *_compare_names(new, old),
        *_compare_events(new, old, shared),
        *_compare_kinds(a, b, kind_scale),
        float(_clash(a.ordinals, b.ordinals)),
        float(swapped),
        float(casting and all(_misses_name(x, y, split_name, least=2) for x, y in ((new, old), (old, new)))),
        float(any(film in b.film_ids for film in a.film_ids)),
        float(bool(a.film_ids) and bool(b.film_ids) and not any(film in b.film_ids for film in a.film_ids)),
        *(float(bool((a.kinds ^ b.kinds) & KIND_BITS[kind])) for kind in _LONE_KINDS),
        *(float(bool(a.kinds & b.kinds & KIND_BITS[kind])) for kind in _COMMON_KINDS),
        *_compare_tags(a, b),
        float(bool(a.services & b.services)),
        float(bool(a.services) and bool(b.services) and not a.services & b.services),
        float(bool((a.marks ^ b.marks) & EXCLUSIVE)),
        float(bool((a.marks ^ b.marks) & FEATURE)),
        float(bool(a.marks & FEATURE) + bool(b.marks & FEATURE)),
    ]


def add_rivals(row: Sequence[float], crowd: Sequence[Sequence[float]]) -> list[float]:
    """Complete a row by its standing among the candidates: how many others are nearly as alike, and its share of the
    greatest `contained`. `crowd` holds the rows of all candidates, with or without this one.
    """
    nearly = _NEARLY * row[_COS_WORDS]
    rivals = sum(other[_COS_WORDS] > nearly for other in crowd if other is not row)
    most = max((other[_CONTAINED] for other in crowd), default=0.0)
    return [*row, float(rivals), min(1.0, _ratio(row[_CONTAINED], most))]


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _told(one: Side, words: Collection[str], other: Side) -> float:
    """Say how much of one side's words the other side tells anywhere."""
    return _ratio(one.sum([word for word in words if word in other.weights]), one.sum(words))


def _cosine(new: Side, old: Side, mine: set[str], theirs: set[str]) -> float:
    shared = new.sum(mine & theirs)
    return shared / sqrt(new.sum(mine) * old.sum(theirs)) if shared else 0.0


def _compare_names(new: Side, old: Side) -> tuple[float, float]:
    shared = [weight for name, weight in new.names.items() if name in old.names]
    if not shared:
        return 0.0, 0.0
    return max(shared), _ratio(sum(shared), sqrt(sum(new.names.values()) * sum(old.names.values())))


def _compare_events(new: Side, old: Side, shared: set[str]) -> tuple[float, float, float, float, float]:
    """Compare what is left when names are taken away: the event itself; and the names in both heads."""
    names = new.name_words | old.name_words
    common = new.sum(shared - names)
    mass = sqrt(new.sum(new.weights.keys() - names) * old.sum(old.weights.keys() - names))
    mine, theirs = new.head - names, old.head - names
    odd = min(new.sum(mine - old.weights.keys()), old.sum(theirs - new.weights.keys()))
    name_head = new.sum((new.head & old.head) & names)
    return name_head, common, _ratio(common, mass), _cosine(new, old, mine, theirs), odd


def _compare_tags(a: Profile, b: Profile) -> tuple[float, ...]:
    """Compare what the tagger says: films, topics, production news; all 0 where it says nothing."""
    films, topics = {*a.film_ids} ^ {*b.film_ids}, {*a.topics} & {*b.topics}
    return (
        float(max(len(a.film_ids), len(b.film_ids))),
        float(len(films)),
        float(len({*a.film_ids} & {*b.mentioned_ids}) + len({*b.film_ids} & {*a.mentioned_ids})),
        float(len(topics)),
        float(bool(a.topics) and bool(b.topics) and not topics),
        float(len({*a.topics} ^ {*b.topics})),
        min(a.production, b.production),
        abs(a.production - b.production),
    )


def _compare_kinds(a: Profile, b: Profile, scale: KindScale) -> tuple[float, float, float]:
    best = scale.weigh(a.all_kinds & b.all_kinds)[1]
    return _kinds_cosine(a.kinds, b.kinds, scale), _kinds_cosine(a.all_kinds, b.all_kinds, scale), best


def _kinds_cosine(mine: int, theirs: int, scale: KindScale) -> float:
    if not mine & theirs:
        return 0.0
    return scale.weigh(mine & theirs)[0] / sqrt(scale.weigh(mine)[0] * scale.weigh(theirs)[0])


def _misses_name(one: Side, other: Side, split_name: SplitName, least: int = 1) -> bool:
    """Tell whether one side's head names somebody or something of which the other side says no word.

    Names of fewer telling words than `least` are passed over: who is cast has two, "the 'Yellowstone' star" one.
    """
    for name in one.names:
        words = split_name(name)
        if len(words) >= least and one.head.issuperset(words) and other.weights.keys().isdisjoint(words):
            return True
    return False


def _clash(mine: Sequence[tuple[str, str]], theirs: Sequence[tuple[str, str]]) -> bool:
    """Tell whether one word is counted differently: "avatar 4" and "avatar 5"; listing both is no clash."""
    for word, _ in mine:
        one = {number for other, number in mine if other == word}
        two = {number for other, number in theirs if other == word}
        if two and not one & two:
            return True
    return False
