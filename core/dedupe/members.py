"""The articles of the window, packed: some 350 bytes each, read back when one is compared. Judges nothing."""

import marshal
from array import array
from bisect import insort
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import repeat
from struct import Struct
from typing import Any, NamedTuple

from core.dedupe.lexicon import Lexicon
from core.dedupe.pairs import Kept, Masses
from core.dedupe.profiles import Profile
from core.values import ArticleId, StoryId

_WORDS, _NAMES = Profile._fields.index("words"), Profile._fields.index("names")


class Dropped(NamedTuple):
    """What left the window: places, and the ids of all words that stood there, four bytes each."""

    places: list[int]
    words: bytes


class Members:
    """Articles by place, a number above 0 that is given again once its article has left.

    A packed article is the ids of its words, four bytes each, and what `marshal` makes of the rest: bytes of our own,
    which never leave the process.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        self._words = lexicon
        self._names = Lexicon()
        self._packed: list[bytes] = [b""]
        self._word_counts = array("H", [0])
        self._masses = array("I", [0])
        self._times = array("q", [0])
        self._article_ids = array("q", [0])
        self._story_ids = array("q", [0])
        self._free: list[int] = []
        self._by_hour: dict[int, array[int]] = {}
        self._first: dict[StoryId, int] = {}
        self._later: dict[StoryId, list[int]] = {}

    def __len__(self) -> int:
        return len(self._packed) - 1 - len(self._free)

    def add(self, article_id: ArticleId, story_id: StoryId, kept: Kept) -> tuple[int, "array[int]"]:
        """Keep an article; give its place and the ids of its words, in order."""
        place = self._free.pop() if self._free else self._grow()
        words = self._words.hold(kept.profile.words)
        self._packed[place] = self._pack(kept, words)
        self._word_counts[place] = len(words)
        self._masses[place] = kept.masses.all
        self._times[place] = kept.profile.at
        self._article_ids[place] = article_id
        self._story_ids[place] = story_id
        self._by_hour.setdefault(kept.profile.at // 3600, array("I")).append(place)
        if story_id in self._first:
            self._later.setdefault(story_id, []).append(place)
        else:
            self._first[story_id] = place
        return place, words

    def drop(self, before_hour: int) -> Dropped:
        """Drop the articles of earlier hours."""
        hours = sorted(hour for hour in self._by_hour if hour < before_hour)
        places = [place for hour in hours for place in self._by_hour.pop(hour)]
        words = b"".join([self._packed[place][: 4 * self._word_counts[place]] for place in places])
        self._words.release(words)
        self._names.release(b"".join([self._load(place)[_NAMES] for place in places]))
        for place in places:
            self._leave_story(place)
            self._packed[place] = b""
        self._free += places
        return Dropped(places, words)

    def regroup(self, story_ids: Mapping[ArticleId, StoryId]) -> None:
        """Put articles under other stories, each where its id puts it among theirs."""
        for place in [place for places in self._by_hour.values() for place in places]:
            wanted = story_ids.get(self.article_id(place), self.story_id(place))
            if wanted != self.story_id(place):
                self._leave_story(place)
                self._story_ids[place] = wanted
                self._join_story(place, wanted)

    def read(self, place: int) -> Kept:
        """Give what was kept of an article."""
        *values, weights, name_weights, masses = self._load(place)
        values[_WORDS] = self._words.read(self._word_ids(place))
        values[_NAMES] = self._names.read(array("I", values[_NAMES]))
        return Kept(Profile._make(values), weights, name_weights, Masses._make(masses))

    def time(self, place: int) -> int:
        """Give the time of an article's event, in seconds."""
        return self._times[place]

    def article_id(self, place: int) -> ArticleId:
        return ArticleId(self._article_ids[place])

    def story_id(self, place: int) -> StoryId:
        return StoryId(self._story_ids[place])

    def places_in(self, story_id: StoryId) -> list[int]:
        """Give the members of a story of the window, in the order they came."""
        return [self._first[story_id], *self._later.get(story_id, ())]

    def overlaps(self, mass: int, levels: dict[int, int], places: Iterable[int]) -> Iterator[float]:
        """Measure for each place how much of the smaller side's mass both tell, 0-1: `contained` at little cost.

        `levels` are those of the words, by id, of an article with the given mass.
        """
        for place in places:
            shared = sum(map(levels.get, self._word_ids(place), repeat(0)))
            yield shared / (min(mass, self._masses[place]) or 1)

    def _word_ids(self, place: int) -> tuple[int, ...]:
        return _ids_of(self._word_counts[place]).unpack_from(self._packed[place])

    def _pack(self, kept: Kept, words: "array[int]") -> bytes:
        values: list[Any] = list(kept.profile)
        values[_WORDS], values[_NAMES] = None, self._names.hold(kept.profile.names).tobytes()
        rest = (*values, kept.weights, kept.name_weights, tuple(kept.masses))
        return words.tobytes() + marshal.dumps(rest)

    def _load(self, place: int) -> Any:
        return marshal.loads(memoryview(self._packed[place])[4 * self._word_counts[place] :])  # noqa: S302 ours

    def _grow(self) -> int:
        self._packed.append(b"")
        for column in (self._word_counts, self._masses, self._times, self._article_ids, self._story_ids):
            column.append(0)
        return len(self._packed) - 1

    def _join_story(self, place: int, story_id: StoryId) -> None:
        places = self.places_in(story_id) if story_id in self._first else []
        insort(places, place, key=self.article_id)
        self._first[story_id], *later = places
        if later:
            self._later[story_id] = later

    def _leave_story(self, place: int) -> None:
        story_id = self.story_id(place)
        later = self._later.get(story_id)
        if later is None:
            del self._first[story_id]
            return
        if self._first[story_id] == place:
            self._first[story_id] = later.pop(0)
        else:
            later.remove(place)
        if not later:
            del self._later[story_id]


@lru_cache(maxsize=256)
def _ids_of(count: int) -> Struct:
    return Struct(f"{count}I")
