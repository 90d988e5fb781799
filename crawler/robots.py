"""Reads and remembers robots.txt (RFC 9309) for page fetches; the fetching itself is handed in."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from crawler.errors import RobotsDisallowedError
from crawler.shelf import RobotsAnswer, RobotsShelf

MAX_ROBOTS_BYTES = 500 * 1024
_KEEP = timedelta(hours=24)
# A robots.txt that could not be had forbids everything (RFC 9309 2.3.1.4); ask again sooner than a day.
_KEEP_UNREACHABLE = timedelta(minutes=10)
# Some files ask for hours between requests; beyond this the crawl's own deadline is the better brake.
_MAX_CRAWL_DELAY = timedelta(seconds=60)
_MAX_REMEMBERED = 5_000

_PRODUCT_TOKEN = re.compile(r"[A-Za-z_-]+")
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


@dataclass(frozen=True, slots=True)
class _Rule:
    allows: bool
    pattern: str


@dataclass(frozen=True, slots=True)
class RobotsRules:
    """What one robots.txt says to one product.

    Where a rule and a URL escape the same character differently, both readings are asked and the stricter counts:
    RFC 9309 2.2.2 unescapes before comparing, Google's matcher compares as written.
    """

    rules: tuple[_Rule, ...] = ()
    crawl_delay: timedelta = timedelta(0)

    def allows(self, url: str) -> bool:
        path = _path_of(url)
        if path == "/robots.txt":
            return True
        return self._judge(path, _keep_escapes) and self._judge(path, _unescape)

    def _judge(self, path: str, reading: Callable[[str], str]) -> bool:
        """Let the longest matching pattern decide, and allow on a tie (RFC 9309 2.2.2)."""
        path = _literal(reading(path))
        verdicts = [
            (len(rule.pattern), rule.allows)
            for rule in self.rules
            if matches_pattern(_write_pattern(reading(rule.pattern)), path)
        ]
        return max(verdicts, default=(0, True))[1]


DISALLOW_ALL = RobotsRules(rules=(_Rule(allows=False, pattern="/"),))


def matches_pattern(pattern: str, path: str) -> bool:
    """Say whether a path begins as the pattern says; `*` stands for anything, a closing `$` for the path's end.

    Pieces between stars are looked for leftmost first, so the time is linear in both, whatever a hostile file says.
    """
    is_anchored = pattern.endswith("$")
    first, *rest = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    if not rest:
        return not is_anchored or path == first
    last = rest.pop() if is_anchored else ""
    position = len(first)
    for piece in rest:
        found = path.find(piece, position)
        if found < 0:
            return False
        position = found + len(piece)
    return path.endswith(last) and len(path) - len(last) >= position


def parse_robots(body: bytes, *, product: str) -> RobotsRules:
    """Read the rules for a product token: all groups that name it, else all groups for `*` (RFC 9309 2.2.1)."""
    own, common = _Group(), _Group()
    current: list[_Group] = []
    is_naming = False
    for key, value in _read_lines(body):
        if key == "user-agent":
            current = [*(current if is_naming else []), *_named_groups(value, product, own, common)]
            is_naming = True
        elif key in ("allow", "disallow", "crawl-delay"):
            is_naming = False
            for group in current:
                group.add(key, value)
    chosen = own if own.is_named else common
    return RobotsRules(rules=tuple(chosen.rules), crawl_delay=chosen.crawl_delay)


class _Group:
    def __init__(self) -> None:
        self.is_named = False
        self.rules: list[_Rule] = []
        self.crawl_delay = timedelta(0)

    def add(self, key: str, value: str) -> None:
        if key == "crawl-delay":
            self.crawl_delay = _parse_delay(value)
        elif value:
            self.rules.append(_Rule(allows=key == "allow", pattern=_escape(value)))


def _named_groups(value: str, product: str, own: _Group, common: _Group) -> list[_Group]:
    if value.split(maxsplit=1)[:1] == ["*"]:
        return [common]
    token = _PRODUCT_TOKEN.match(value)
    if token is None or token.group().lower() != product.lower():
        return []
    own.is_named = True
    return [own]


def _read_lines(body: bytes) -> list[tuple[str, str]]:
    """Give the lines that say something as (lower-case key, value); a missing colon is forgiven."""
    if len(body) > MAX_ROBOTS_BYTES:
        # A rule that is cut short would forbid more than it says.
        body = body[:MAX_ROBOTS_BYTES].rpartition(b"\n")[0]
    text = body.decode("utf-8", errors="replace").removeprefix("\ufeff")
    lines = (line.partition("#")[0].strip() for line in _LINE_BREAK.split(text))
    return [pair for line in lines if (pair := _read_line(line)) is not None]


def _read_line(line: str) -> tuple[str, str] | None:
    key, colon, value = line.partition(":")
    if colon:
        return key.strip().lower(), value.strip()
    words = line.split()
    return (words[0].lower(), words[1]) if len(words) == 2 else None


def _parse_delay(value: str) -> timedelta:
    try:
        seconds = float(value)
    except ValueError:
        return timedelta(0)
    # `nan` compares false with everything, so it falls to zero here.
    return timedelta(seconds=min(seconds, _MAX_CRAWL_DELAY.total_seconds())) if seconds > 0 else timedelta(0)


def _path_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"


def _escape(pattern: str) -> str:
    """Write what is not ASCII as percent escapes, in capitals, as a URL on the wire has it."""
    raw = pattern.encode("utf-8", errors="replace")
    escaped = "".join(chr(byte) if byte < 0x80 else f"%{byte:02X}" for byte in raw)
    return _keep_escapes(escaped)


def _literal(text: str) -> str:
    """Write stars and dollars as escapes, so that a rule may mean them: `%2A` and `%24` (RFC 9309 2.2.3)."""
    return text.replace("$", "%24").replace("*", "%2A")


def _write_pattern(pattern: str) -> str:
    """Write the dollars that end no pattern as escapes."""
    end = "$" if pattern.endswith("$") else ""
    return pattern.removesuffix("$").replace("$", "%24") + end


def _keep_escapes(text: str) -> str:
    return _ESCAPE.sub(lambda escape: escape.group().upper(), text)


def _unescape(text: str) -> str:
    return _ESCAPE.sub(_unescape_one, text)


def _unescape_one(escape: re.Match[str]) -> str:
    character = chr(int(escape.group(1), 16))
    return character if character in _UNRESERVED else escape.group().upper()


def _is_missing(answer: RobotsAnswer) -> bool:
    return answer is None or answer[0] >= 500 or answer[0] == 429


@dataclass(slots=True)
class _Memory:
    lock: asyncio.Lock
    rules: RobotsRules = DISALLOW_ALL
    expires_at: float = float("-inf")


class RobotsBook:
    """Remembers the rules of every origin asked for, a day each.

    `fetch` gives the status and body of a robots.txt, or None when there was no answer to be had.
    `clock` gives seconds that never run backwards. A `shelf` shares answers with other processes, later ones too.
    """

    def __init__(
        self,
        *,
        fetch: Callable[[str], Awaitable[RobotsAnswer]],
        product: str,
        clock: Callable[[], float],
        shelf: RobotsShelf | None = None,
    ) -> None:
        self._fetch = fetch
        self._product = product
        self._clock = clock
        self._shelf = shelf
        self._memories: dict[str, _Memory] = {}

    async def admit(self, url: str) -> timedelta:
        """Give the spacing that the host asks for between requests. Errors: `RobotsDisallowedError`."""
        parts = urlsplit(url)
        rules = await self._rules_for(f"{parts.scheme}://{parts.netloc}".lower())
        if rules is DISALLOW_ALL:
            raise RobotsDisallowedError(
                f"robots.txt of {parts.netloc} could not be had, which forbids fetching its pages"
            )
        if not rules.allows(url):
            raise RobotsDisallowedError(f"robots.txt of {parts.netloc} forbids {parts.path or '/'}")
        return rules.crawl_delay

    async def _rules_for(self, origin: str) -> RobotsRules:
        self._forget_expired()
        memory = self._memories.setdefault(origin, _Memory(asyncio.Lock()))
        async with memory.lock:
            if memory.expires_at <= self._clock():
                answer, seconds = await self._ask(origin)
                memory.rules = self._read(answer)
                memory.expires_at = self._clock() + seconds
            return memory.rules

    async def _ask(self, origin: str) -> tuple[RobotsAnswer, float]:
        """Give the answer of an origin, from the shelf if it is there, and for how many seconds it holds."""
        kept = self._shelf.take(origin) if self._shelf else None
        if kept is not None:
            return kept
        answer = await self._fetch(f"{origin}/robots.txt")
        seconds = (_KEEP_UNREACHABLE if _is_missing(answer) else _KEEP).total_seconds()
        if self._shelf is not None:
            self._shelf.put(origin, answer, seconds)
        return answer, seconds

    def _read(self, answer: RobotsAnswer) -> RobotsRules:
        """Follow RFC 9309 2.3.1: a 4xx allows all, a 5xx, 429 or no answer forbids all."""
        if answer is None or _is_missing(answer):
            return DISALLOW_ALL
        status, body = answer
        return parse_robots(body, product=self._product) if status == 200 else RobotsRules()

    def _forget_expired(self) -> None:
        if len(self._memories) <= _MAX_REMEMBERED:
            return
        now = self._clock()
        self._memories = {
            origin: memory
            for origin, memory in self._memories.items()
            if memory.expires_at > now or memory.lock.locked()
        }
