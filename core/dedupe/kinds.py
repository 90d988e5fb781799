"""The kinds of event a film text can report, told by words of headline, address and summary."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

# One entry per kind: single words, and pairs of neighbouring words joined by "_". A word may speak for several kinds.
_LEXICON = {
    "trailer": "trailer trailers teaser footage clip clips sneak_peek first_minutes",
    "image": "image images photo photos poster posters first_look pics stills new_look",
    "casting": """cast casts casting joins join joining joined recast recasting replaces replacing boards star_in roles
        lineup ensemble tapped""",
    "date": """release_date release_dates dated delay delayed delays postponed pushed_back moves_up release_window
        new_date premiere_date sets_date""",
    "box office": """box_office grossing grosses gross opening_weekend highest_grossing presales ticket_sales flop
        bomb earnings weekend tracking million billion""",
    "chart": """charts chart streaming_success streaming_hit streaming_sensation surges surge surging climbs climbing
        dominates dominating dominate conquers conquering top_10 no_1 number_1 streaming_chart streaming_charts
        viewers resurgence smash skyrockets resurges trending overtakes soars""",
    "streaming": """streaming stream streams streamer streaming_date streaming_release leaving leaves digital vod
        tubi peacock hulu pluto free arrives_on coming_to heads_to heading_to new_home 4k ray""",
    "score": "rotten rottentomatoes tomatometer rt certified_fresh critics_score review_score metacritic",
    "audience": "popcornmeter audience audiences cinemascore verified_hot",
    "reactions": "reactions first_reactions early_reactions reception",
    "review": "review reviews",
    "list": "best worst greatest ranked ranking every_movie underrated essential must_watch perfect",
    "feature": """explained ending why how theory breakdown meaning easter_eggs everything_know recap guide
        history""",
    "statement": """says said reveals explains responds response reacts addresses comments admits opens_up recalls
        breaks_silence shares talks weighs defends clarifies slams teases teased hints wants dream pitch hopes praises
        blasts interview""",
    "death": "dies dead died death obituary passes_away dead_at remembered",
    "deal": """acquires acquire acquired buys bought lands rights bidding bid sells sale distribution nabs takes deal
        merger distributor picks_up snags""",
    "announcement": """announced announces announcement works_at the_works development developing greenlit adapting
        adaptation reboot remake remaking spinoff spin_off reimagining happening official officially""",
    "director": "direct directs directing helm helms to_direct writer_director director_set new_director",
    "script": "script screenplay writing writer writers rewrite draft penned",
    "production": """filming production wraps wrapped wrap shoot shooting cameras start_date begins starts
        production_start""",
    "set": "on_set set_photos set_photo set_video set_videos set_images leaked leak leaks the_scenes",
    "premiere": "premiere premieres ovation red_carpet cannes world_premiere standing_ovation",
    "award": """award awards oscar oscars wins won winner winners nomination nominations nominated globes prize emmy
        bafta palme""",
    "dispute": """lawsuit sues sued court protest protests protesters boycott backlash controversy controversial
        petition fired arrested trial accused layoffs laid""",
    "goods": "lego toy toys merch merchandise popcorn_bucket action_figure collectible funko",
    "title": "official_title title_revealed titled new_title title_confirmed titles",
    "rating": "runtime run_time r_rated pg_13 mpa rating rated length",
    "figures": "views record records breaks_record viewership million_views debut debuts",
    "theatres": "imax theatrical re_release rerelease theaters theatres anniversary big_screen cinemas",
    "plans": "sequel sequels plans future next_movie trilogy franchise talks return returns returning update updates",
    "absence": "cancelled canceled shelved scrapped exits exit leaves_project drops_out dropped no_longer",
    "plot": "plot synopsis villain villains details reveal storyline",
}

KIND_NAMES = tuple(_LEXICON)
KIND_BITS = {name: 1 << bit for bit, name in enumerate(KIND_NAMES)}
_WORD_BITS: dict[str, int] = {}
for _name, _words in _LEXICON.items():
    for _word in _words.split():
        _WORD_BITS[_word] = _WORD_BITS.get(_word, 0) | KIND_BITS[_name]
_SECOND_WORDS = frozenset(w.partition("_")[2] for w in _WORD_BITS if "_" in w)


def find_kinds(words: Sequence[str]) -> int:
    """Find the kinds the words speak for, as a set of bits in the order of `KIND_NAMES`."""
    kinds = 0
    for word in _WORD_BITS.keys() & words:
        kinds |= _WORD_BITS[word]
    if not _SECOND_WORDS.isdisjoint(words):
        for before, word in pairwise(words):
            if word in _SECOND_WORDS:
                kinds |= _WORD_BITS.get(f"{before}_{word}", 0)
    return kinds


class KindScale:
    """Weighs sets of kinds; a rare kind says more. Kinds without a weight count fully."""

    def __init__(self, weights: Mapping[str, float]) -> None:
        self._weights = weights
        self._masses: dict[int, tuple[float, float]] = {}

    def weigh(self, kinds: int) -> tuple[float, float]:
        """Give the sum and the greatest of the kinds' weights, both 0 for no kind."""
        found = self._masses.get(kinds)
        if found is None:
            weights = [self._weights.get(kind, 1.0) for kind in name_kinds(kinds)]
            found = self._masses[kinds] = (sum(weights), max(weights, default=0.0))
        return found


def name_kinds(kinds: int) -> list[str]:
    """Name the kinds of a set of bits, in the order of `KIND_NAMES`."""
    return [name for name, bit in KIND_BITS.items() if kinds & bit]
