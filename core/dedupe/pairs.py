"""How alike two articles are, as numbers for the pair model; judges nothing."""

from collections.abc import Iterable, Sequence
from math import sqrt
from typing import NamedTuple

from core.dedupe.kinds import KIND_BITS, KindScale
from core.dedupe.profiles import IN_NAME, IN_SLUG, IN_TITLE, Profile, split_name

# Weights of 0-1 are kept, and summed, in steps of 1/255: whole numbers add up to the same in any order.
FULL = 255
_IN_HEAD = IN_TITLE | IN_SLUG

_LONE_KINDS = ("chart", "trailer", "announcement", "score")
_LONE_BITS = [KIND_BITS[kind] for kind in _LONE_KINDS]

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
)


class Masses(NamedTuple):
    """The sums of the weights of a side's words: all, those of a field, and those `plain` that no name of it holds."""

    all: int
    title: int
    slug: int
    head: int
    plain: int
    plain_head: int


class Kept(NamedTuple):
    """A profile with the weights of its words and names, taken when it was read, a byte each."""

    profile: Profile
    weights: bytes
    name_weights: bytes
    masses: Masses


class Side(NamedTuple):
    """A profile unpacked to be compared. Weights and masses are in steps of 1/255; `fields` are the profile's.

    `outer_words` are those of its names that stand nowhere else.
    """

    profile: Profile
    weights: dict[str, int]
    fields: dict[str, int]
    names: dict[str, int]
    outer_words: set[str]
    masses: Masses


def pack_weights(weights: Iterable[float]) -> bytes:
    """Pack weights of 0-1 into a byte each."""
    return bytes([round(weight * FULL) for weight in weights])


def keep(profile: Profile, weights: Iterable[float], name_weights: Iterable[float]) -> Kept:
    """Put a profile together with the weights, 0-1, of its words and of its names."""
    packed = pack_weights(weights)
    title = slug = head = plain = plain_head = 0
    for weight, field in zip(packed, profile.fields, strict=True):
        title += weight if field & IN_TITLE else 0
        slug += weight if field & IN_SLUG else 0
        head += weight if field & _IN_HEAD else 0
        if not field & IN_NAME:
            plain += weight
            plain_head += weight if field else 0
    masses = Masses(sum(packed), title, slug, head, plain, plain_head)
    return Kept(profile, packed, pack_weights(name_weights), masses)


def unpack(kept: Kept) -> Side:
    """Unpack a kept profile for comparison."""
    profile, weights, name_weights, masses = kept
    words, names = profile.words, profile.names
    fields = dict(zip(words, profile.fields, strict=True))
    return Side(
        profile,
        dict(zip(words, weights, strict=True)),
        fields,
        dict(zip(names, name_weights, strict=True)),
        {word for name in names for word in split_name(name) if word not in fields},
        masses,
    )


def compare(new: Side, old: Side, kind_scale: KindScale) -> list[float]:
    """Measure a pair; the numbers stand in the order of `FEATURES`. Shared words weigh what they weigh now."""
    a, b = new.profile, old.profile
    shared, mine, theirs = _add_up(new, old), new.masses, old.masses
    swapped = _misses_name(new, old) and _misses_name(old, new)
    return [
        abs(a.at - b.at) / 3600,
        float(a.outlet == b.outlet),
        _ratio(shared.mass, sqrt(mine.all * theirs.all)),
        _ratio(shared.mass, min(mine.all, theirs.all)),
        _ratio(shared.head, sqrt(mine.head * theirs.head)),
        _ratio(shared.slug, sqrt(mine.slug * theirs.slug)),
        *_ascending(_ratio(shared.new_slug, mine.slug), _ratio(shared.old_slug, theirs.slug)),
        *_ascending(_ratio(shared.new_title, mine.title), _ratio(shared.old_title, theirs.title)),
        _ratio(shared.title, sqrt(mine.title * theirs.title)),
        shared.third / FULL,
        float((a.genre != "news") + (b.genre != "news")),
        *_compare_names(new, old),
        *_compare_events(new, old, shared),
        *_compare_kinds(a, b, kind_scale),
        float(_clash(a.ordinals, b.ordinals)),
        float(swapped),
        float(swapped and bool(a.kinds & b.kinds & KIND_BITS["casting"])),
        float(any(film in b.film_ids for film in a.film_ids)),
        float(bool(a.film_ids) and bool(b.film_ids) and not any(film in b.film_ids for film in a.film_ids)),
        *[float(bool((a.kinds ^ b.kinds) & bit)) for bit in _LONE_BITS],
    ]


class _Shared(NamedTuple):
    """The masses of the words that both sides hold, by where both or one of them hold it.

    `old_` are of words that the old side holds there, by its own weights; the rest is by the new side's. A word in a
    name of either side is no word of the event.
    """

    mass: int
    title: int
    slug: int
    head: int
    new_title: int
    new_slug: int
    name_head: int
    event: int
    event_head: int
    new_event_head: int
    new_named: int
    new_head_named: int
    old_title: int
    old_slug: int
    old_event_head: int
    old_named: int
    old_head_named: int
    third: int


def _sort_word(new: int, old: int) -> tuple[int, ...]:
    """Tell which masses of `_Shared` a word counts in, by where the sides hold it; the last is no mass."""
    both, is_name = new & old, bool((new | old) & IN_NAME)
    in_new_head, in_old_head = bool(new & _IN_HEAD), bool(old & _IN_HEAD)
    in_heads = in_new_head and in_old_head
    only_old_name, only_new_name = is_name and not new & IN_NAME, is_name and not old & IN_NAME
    return _Shared(
        mass=True,
        title=bool(both & IN_TITLE),
        slug=bool(both & IN_SLUG),
        head=in_heads,
        new_title=bool(new & IN_TITLE),
        new_slug=bool(new & IN_SLUG),
        name_head=is_name and in_heads,
        event=not is_name,
        event_head=not is_name and in_heads,
        new_event_head=not is_name and in_new_head,
        new_named=only_old_name,
        new_head_named=only_old_name and in_new_head,
        old_title=bool(old & IN_TITLE),
        old_slug=bool(old & IN_SLUG),
        old_event_head=not is_name and in_old_head,
        old_named=only_new_name,
        old_head_named=only_new_name and in_old_head,
        third=False,
    )


_OLD_MASSES = tuple(place for place, name in enumerate(_Shared._fields) if name.startswith("old_"))
_SORTS = [[place for place, counts in enumerate(_sort_word(a, b)) if counts] for b in range(8) for a in range(8)]
_NEW_PLACES = tuple(tuple(place for place in places if place not in _OLD_MASSES) for places in _SORTS)
_OLD_PLACES = tuple(tuple(place for place in places if place in _OLD_MASSES) for places in _SORTS)


def _add_up(new: Side, old: Side) -> _Shared:
    """Add up the words of both sides in one pass: this is the innermost loop of all."""
    mine, theirs, my_fields, their_fields = new.weights, old.weights, new.fields, old.fields
    masses, told = [0] * len(_Shared._fields), list[int]()
    for word in mine.keys() & theirs.keys():
        weight, sort = mine[word], my_fields[word] | their_fields[word] << 3
        told.append(weight)
        for place in _NEW_PLACES[sort]:
            masses[place] += weight
        if old_places := _OLD_PLACES[sort]:
            weight = theirs[word]
            for place in old_places:
                masses[place] += weight
    told.sort()
    masses[-1] = told[-3] if len(told) > 2 else 0
    return _Shared._make(masses)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _ascending(one: float, other: float) -> tuple[float, float]:
    return (one, other) if one <= other else (other, one)


def _compare_names(new: Side, old: Side) -> tuple[float, float]:
    shared = [weight for name, weight in new.names.items() if name in old.names]
    if not shared:
        return 0.0, 0.0
    mass = sqrt(sum(new.names.values()) * sum(old.names.values()))
    return max(shared) / FULL, _ratio(sum(shared), mass)


def _compare_events(new: Side, old: Side, shared: _Shared) -> tuple[float, float, float, float, float]:
    """Compare what is left when names are taken away: the event itself; and the names in both heads."""
    mine, my_head = _weigh_event(new, old, shared.new_named, shared.new_head_named)
    theirs, their_head = _weigh_event(old, new, shared.old_named, shared.old_head_named)
    odd = min(my_head - shared.new_event_head, their_head - shared.old_event_head)
    return (
        shared.name_head / FULL,
        shared.event / FULL,
        _ratio(shared.event, sqrt(mine * theirs)),
        _ratio(shared.event_head, sqrt(my_head * their_head)),
        odd / FULL,
    )


def _weigh_event(one: Side, other: Side, named: int, head_named: int) -> tuple[int, int]:
    """Weigh the words of one side, and those of its head, that are of no name of either side.

    `named` and `head_named` weigh the shared words that only the other side has in a name.
    """
    mass, head = one.masses.plain - named, one.masses.plain_head - head_named
    for word in one.weights.keys() & other.outer_words:
        field = one.fields[word]
        if not field & IN_NAME:
            mass -= one.weights[word]
            head -= one.weights[word] if field else 0
    return mass, head


def _compare_kinds(a: Profile, b: Profile, scale: KindScale) -> tuple[float, float, float]:
    best = scale.weigh(a.all_kinds & b.all_kinds)[1]
    return _kinds_cosine(a.kinds, b.kinds, scale), _kinds_cosine(a.all_kinds, b.all_kinds, scale), best


def _kinds_cosine(mine: int, theirs: int, scale: KindScale) -> float:
    if not mine & theirs:
        return 0.0
    return scale.weigh(mine & theirs)[0] / sqrt(scale.weigh(mine)[0] * scale.weigh(theirs)[0])


def _misses_name(one: Side, other: Side) -> bool:
    """Tell whether one side's head names somebody or something of which the other side says no word."""
    fields, told = one.fields, other.weights.keys()
    for name in one.names:
        words = split_name(name)
        if words and told.isdisjoint(words) and all(fields.get(word, 0) & _IN_HEAD for word in words):
            return True
    return False


def _clash(mine: Sequence[tuple[str, str]], theirs: Sequence[tuple[str, str]]) -> bool:
    """Tell whether one word is counted differently: "avatar 4" and "avatar 5"; listing both is no clash."""
    if not mine or not theirs:
        return False
    for word, _ in mine:
        one = {number for other, number in mine if other == word}
        two = {number for other, number in theirs if other == word}
        if two and not one & two:
            return True
    return False
