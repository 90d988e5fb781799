"""How alike two articles are, as numbers for the pair model; judges nothing."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import sqrt

from core.dedupe.kinds import KIND_NAMES, name_kinds
from core.dedupe.profiles import _STOP_WORDS, Profile, stem_word

Weigh = Callable[[str], float]

_TOLD_KINDS = ("trailer", "image", "casting", "date", "box office", "chart", "streaming", "score", "list", "review",
               "feature", "statement", "announcement", "deal")  # fmt: skip
_BIT = {name: 1 << bit for bit, name in enumerate(KIND_NAMES)}

FEATURES = (
    "hours", "same_outlet", "cos_words", "cos_head", "contained", "cos_slug", "title_told_min", "title_told_max",
    "names_count", "names_mass", "names_cos", "names_top", "top1", "top2", "top3", "shared_count", "shared_mass",
    "kinds_cos", "kinds_all_cos", "kinds_shared", "figures_shared", "figures_clash", "ordinals_clash",
    "ordinals_shared", "odd_min", "odd_max", "odd_names_min", "odd_names_max", "films_shared", "films_clash", "crowd1", "crowd2",
    "title_cos", "summary_cos", "kinds_mask_none",
    "event_mass", "event_cos", "event_head_cos", "name_mass", "name_head_mass", "odd_event_min", "odd_event_max", "primary_same", "primary_differs",
    "not_news", "both_review", "both_list", "both_explainer", "slug_told_min", "slug_told_max",
    "subj_head", "subj_any", "subj_count", "subj_missing_min", "subj_missing_max",
    *(f"both {k}" for k in _TOLD_KINDS), *(f"one {k}" for k in _TOLD_KINDS),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Weighed:
    """A profile with the weights of its words, taken once when the article is read."""

    profile: Profile
    words: frozenset[str]
    head: frozenset[str]
    weights: dict[str, float]


def weigh_profile(profile: Profile, weigh: Weigh) -> Weighed:
    """Take the weight of every word and name of the profile."""
    words = frozenset(profile.words)
    terms = {*words, *profile.names}
    return Weighed(profile, words, frozenset((*profile.title, *profile.slug)), {t: weigh(t) for t in terms})


def _mass(terms: Iterable[str], weights: dict[str, float]) -> float:
    return sum([weights[t] for t in terms])


def _cos(a, b, weights):
    if not a or not b:
        return 0.0
    s = _mass(a & b, weights)
    return s / sqrt((_mass(a, weights) or 1) * (_mass(b, weights) or 1))


_PRIORITY = (
    "death",
    "review",
    "score",
    "audience",
    "reactions",
    "goods",
    "rating",
    "chart",
    "streaming",
    "box office",
    "set",
    "trailer",
    "image",
    "premiere",
    "award",
    "dispute",
    "casting",
    "date",
    "absence",
    "director",
    "production",
    "script",
    "deal",
    "announcement",
    "statement",
    "figures",
    "theatres",
    "plot",
    "title",
    "plans",
)


def primary(kinds: int) -> int:
    for n, k in enumerate(_PRIORITY):
        if kinds & _BIT[k]:
            return n
    return -1


def compare(new: Weighed, old: Weighed, crowd: Callable[[str], int], weigh: Weigh) -> list[float]:
    a, b = new.profile, old.profile
    w = {**old.weights, **new.weights}
    shared = new.words & old.words
    ws = sorted((new.weights[t] for t in shared), reverse=True)
    mass = sum(ws)
    ma, mb = _mass(new.words, w) or 1.0, _mass(old.words, w) or 1.0
    ta, tb = set(a.title), set(b.title)
    mta, mtb = _mass(ta, w) or 1.0, _mass(tb, w) or 1.0
    told = sorted((_mass(ta & old.words, w) / mta, _mass(tb & new.words, w) / mtb))
    na, nb = set(a.names), set(b.names)
    ns = na & nb
    odd = sorted((max([w[t] for t in ta - old.words], default=0.0), max([w[t] for t in tb - new.words], default=0.0)))
    oddn = sorted(
        (len([n for n in na if not set(n.split()) & old.words]), len([n for n in nb if not set(n.split()) & new.words]))
    )
    fa, fb = {*a.figures}, {*b.figures}
    oa, ob = dict(a.ordinals), dict(b.ordinals)
    clash = sum(oa[k] != ob[k] for k in oa.keys() & ob.keys())
    rare = sorted(shared, key=lambda t: (-w[t], t))[:2]
    crowds = [crowd(t) for t in rare] + [0, 0]
    ka, kb = {f"kind:{k}" for k in name_kinds(a.kinds)}, {f"kind:{k}" for k in name_kinds(b.kinds)}
    xa, xb = {f"kind:{k}" for k in name_kinds(a.all_kinds)}, {f"kind:{k}" for k in name_kinds(b.all_kinds)}
    kw = {k: weigh(k) for k in xa | xb}
    nw = a.name_words | b.name_words
    ev = shared - nw
    ea, eb = new.words - nw, old.words - nw
    ha, hb = new.head - nw, old.head - nw
    ode = sorted((_mass(ha - old.words, w), _mass(hb - new.words, w)))
    pa, pb = primary(a.kinds or a.all_kinds), primary(b.kinds or b.all_kinds)
    sa, sb = set(a.slug), set(b.slug)
    st = sorted((_mass(sa & old.words, w) / (_mass(sa, w) or 1), _mass(sb & new.words, w) / (_mass(sb, w) or 1)))
    sub_h, sub_a, sub_n, miss = [], [], 0, [0.0, 0.0]
    for side, (names, mine, theirs) in enumerate(((na, new, old), (nb, old, new))):
        for n in names:
            ws_ = {stem_word(x) for x in n.split()} - _STOP_WORDS
            if not ws_:
                continue
            wt = weigh(n)
            if ws_ <= mine.head and ws_ <= theirs.head:
                sub_h.append(wt)
            if ws_ <= mine.words and ws_ <= theirs.words:
                sub_a.append(wt)
                sub_n += 1
            elif ws_ <= mine.head and not ws_ & theirs.words:
                miss[side] = max(miss[side], wt)
    miss.sort()
    return [
        abs(a.at - b.at) / 3600,
        float(a.outlet == b.outlet),
        mass / sqrt(ma * mb),
        _cos(new.head, old.head, w),
        mass / min(ma, mb),
        _cos(set(a.slug), set(b.slug), w),
        told[0],
        told[1],
        len(ns),
        _mass(ns, w),
        _cos(na, nb, w),
        max([w[n] for n in ns], default=0.0),
        *(ws + [0.0, 0.0, 0.0])[:3],
        len(shared),
        mass,
        _cos(ka, kb, kw),
        _cos(xa, xb, kw),
        max([kw[k] for k in xa & xb], default=0.0),
        len(fa & fb),
        float(bool(fa and fb and not fa & fb)),
        clash,
        len(set(a.ordinals) & set(b.ordinals)),
        odd[0],
        odd[1],
        oddn[0],
        oddn[1],
        len({*a.film_ids} & {*b.film_ids}),
        float(bool(a.film_ids and b.film_ids and not {*a.film_ids} & {*b.film_ids})),
        crowds[0],
        crowds[1],
        _cos(ta, tb, w),
        _cos(set(a.summary), set(b.summary), w),
        float(not a.kinds) + float(not b.kinds),
        _mass(ev, w),
        _cos(ea, eb, w),
        _cos(ha, hb, w),
        mass - _mass(ev, w),
        _mass((new.head & old.head) & nw, w),
        ode[0],
        ode[1],
        float(pa == pb and pa >= 0),
        float(pa != pb and pa >= 0 and pb >= 0),
        (a.genre != "news") + (b.genre != "news"),
        float(a.genre == b.genre == "review"),
        float(a.genre == b.genre == "list"),
        float(a.genre == b.genre == "explainer"),
        st[0],
        st[1],
        max(sub_h, default=0.0),
        max(sub_a, default=0.0),
        sub_n,
        miss[0],
        miss[1],
        *(float(bool(a.kinds & b.kinds & _BIT[k])) for k in _TOLD_KINDS),
        *(float(bool((a.kinds ^ b.kinds) & _BIT[k])) for k in _TOLD_KINDS),
    ]
