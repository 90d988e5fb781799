"""Dates as feeds, sitemaps and pages write them, read into aware UTC times, or disbelieved."""

import calendar
import re
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz
from functools import lru_cache
from typing import TypeVar

T = TypeVar("T")

_MAX_CHARS = 100
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_MAX_FUTURE = timedelta(days=1)

# Minutes east of UTC. RFC 822 names eight zones; feeds write many more. BST is British Summer Time here: the outlets
# that write it are British.
_ZONES = {
    "UTC": 0, "GMT": 0, "UT": 0, "Z": 0, "WET": 0, "WEST": 60, "BST": 60, "IST": 330, "CET": 60, "MEZ": 60,
    "CEST": 120, "MESZ": 120, "EET": 120, "EEST": 180, "MSK": 180, "SAST": 120, "JST": 540, "KST": 540, "AWST": 480,
    "ACST": 570, "ACDT": 630, "AEST": 600, "AEDT": 660, "NZST": 720, "NZDT": 780, "EST": -300, "EDT": -240, "ET": -300,
    "CST": -360, "CDT": -300, "CT": -360, "MST": -420, "MDT": -360, "MT": -420, "PST": -480, "PDT": -420, "PT": -480,
    "AKST": -540, "AKDT": -480, "HST": -600, "AST": -240, "ADT": -180, "NST": -210, "NDT": -150, "BRT": -180,
}  # fmt: skip
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

# What other languages call them; no word means two months.
_FOREIGN_MONTHS = {
    name: english
    for english, names in {
        "jan": "janvier enero janeiro januar gennaio styczeń stycznia leden ledna",
        "feb": "février fevrier febrero fevereiro februar febbraio luty lutego únor února",
        "mar": "mars marzo março marco märz marca březen března",
        "apr": "avril abril aprile april kwiecień kwietnia duben dubna",
        "may": "mai mayo maio maggio maj maja květen května",
        "jun": "juin junio junho juni giugno czerwiec czerwca červen června",
        "jul": "juillet julio julho juli luglio lipiec lipca červenec července",
        "aug": "août aout agosto august sierpień sierpnia srpen srpna",
        "sep": "septembre septiembre setembro settembre september wrzesień września září",
        "oct": "octobre octubre outubro ottobre oktober październik października říjen října",
        "nov": "novembre noviembre novembro november listopad listopada",
        "dec": "décembre decembre diciembre dezembro dicembre dezember grudzień grudnia prosinec prosince",
    }.items()
    for name in names.split()
}
_FOREIGN_DAY = re.compile(
    r"(?:[^\W\d]+(?:-[^\W\d]+)?\.?,?\s+)?(\d{1,2})(?:er|º|\.)?\s+(?:de\s+)?([^\W\d]{3,12})\.?,?\s+(?:de\s+)?(\d{4})(.*)",
    re.DOTALL,
)
_EAST_ASIAN_DAY = re.compile(r"(\d{4})\s*[年년./]\s*(\d{1,2})\s*[月월./]\s*(\d{1,2})\s*[日일]?\s*(.*)", re.DOTALL)

_MONTH_NUMBERS = {name.title(): f"{number:02}" for number, name in enumerate(_MONTHS, 1)}
_USUAL_RFC822 = re.compile(
    rf"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), ([0-9]{{2}}) ({'|'.join(_MONTH_NUMBERS)}) ([0-9]{{4}}) "
    r"([0-9]{2}:[0-9]{2}:[0-9]{2}) (?:GMT|([+-][0-9]{2})([0-5][0-9]))"
)
_USUAL_RFC3339 = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]+)?(Z|[+-][0-9]{2}:[0-5][0-9])"
)

_TIME = (
    r"(?P<hour>\d{1,2})(?:[:.](?P<minute>\d{2}))?(?:[:.](?P<second>\d{2})(?:[.,]\d+)?)?"
    r"\s*(?P<half>[ap]\.?m\.?(?![a-z]))?"
    r"\s*(?P<zone>(?:(?:gmt|utc)\s?)?[+-]\d{1,2}(?::?\d{2})?(?!\d)(?:\s*\([a-z ]{1,40}\))?|\(?[a-z]{1,5}\)?)?"
)
_OFFSET = re.compile(r"([+-])(\d{1,2}?):?(\d{2})?(?!\d)")
_ISO = re.compile(
    r"(?P<year>\d{4})(?:-?(?P<month>\d{2})(?:-?(?P<day>\d{2}))?)?(?:[t\s,]+" + _TIME + r")?\s*", re.IGNORECASE
)
_COMPACT = re.compile(
    r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})t?(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>\d{2})z?",
    re.IGNORECASE,
)
_DAY_FIRST = re.compile(
    r"(?:[a-z]+\.?,?\s+)?(?P<day>\d{1,2})(?:st|nd|rd|th)?[\s./-]+(?P<name>[a-z]{3,9})\.?,?[\s./-]+(?P<year>\d{4}|\d{2}(?!\d))"
    r"(?:(?:,|\s|-|at)+" + _TIME + r")?\s*",
    re.IGNORECASE,
)
_MONTH_FIRST = re.compile(
    r"(?:[a-z]+day,?\s+|[a-z]{3},?\s+)?(?P<name>[a-z]{3,9})\.?\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<year>\d{4})"
    r"(?:(?:,|\s|-|at|\|)+" + _TIME + r")?\s*",
    re.IGNORECASE,
)
_NUMERIC = re.compile(
    r"(?P<first>\d{1,2})(?P<sign>[./-])(?P<second_number>\d{1,2})(?P=sign)(?P<year>\d{4})(?:[,\s]+" + _TIME + r")?\s*",
    re.IGNORECASE,
)


def parse_date(text: str, *, now: datetime) -> datetime | None:
    """Read a date and time as aware UTC; None if it cannot be read or believed (before 1990, over a day ahead).

    RFC 822 (RSS), W3C-DTF and RFC 3339 (Atom, sitemaps, JSON Feed), asctime, and what people write instead.
    A time without zone is UTC; a date without time is its midnight. `3/4/2026` is the third of April only when
    separated by dots; with slashes the month comes first unless that is impossible.
    """
    if len(text) > _MAX_CHARS:
        return None
    return believe(_read(text), now=now)


def believe(at: datetime | None, *, now: datetime) -> datetime | None:
    """Pass a time on if it is no earlier than 1990 and no later than a day from now."""
    if at is None or not _EARLIEST <= at <= now + _MAX_FUTURE:
        return None
    return at


def choose_newest(rows: Sequence[T], date_of: Callable[[T], str], *, now: datetime, most: int) -> Collection[int]:
    """Choose at most so many rows, the newest; undated ones come last, and of equals the first. Gives their numbers."""
    if len(rows) <= most:
        return range(len(rows))
    times = [parse_date(date_of(row), now=now) or _EARLIEST for row in rows]
    return frozenset(sorted(range(len(rows)), key=times.__getitem__, reverse=True)[:most])


def read_fields(fields: tuple[int, ...] | None, *, now: datetime) -> datetime | None:
    """Make a time of the fields that `time.gmtime` gives, those of feedparser; None if there are none to believe."""
    if fields is None:
        return None
    try:
        return believe(datetime.fromtimestamp(calendar.timegm(fields), UTC), now=now)
    except (ValueError, OverflowError, OSError):
        return None


@lru_cache(maxsize=1024)
def _read(text: str) -> datetime | None:
    text = " ".join(text.split())
    for read in (_read_usual, _read_pattern, _read_foreign, _read_rfc822):
        try:
            at = read(text)
        except (ValueError, OverflowError, TypeError, LookupError):
            continue
        if at is not None:
            return at
    return None


def _read_usual(text: str) -> datetime | None:
    """Read what nearly all feeds write, RFC 822 and RFC 3339 in full, several times faster than the patterns do."""
    if found := _USUAL_RFC822.fullmatch(text):
        day, name, year, clock, hours, minutes = found.groups()
        text = f"{year}-{_MONTH_NUMBERS[name]}-{day}T{clock}{hours or '+00'}:{minutes or '00'}"
    elif found := _USUAL_RFC3339.fullmatch(text):
        text = f"{found[1]}{found[2]}"
    else:
        return None
    return datetime.fromisoformat(text).astimezone(UTC)


def _read_pattern(text: str) -> datetime | None:
    for pattern in (_COMPACT, _ISO, _DAY_FIRST, _MONTH_FIRST, _NUMERIC):
        if found := pattern.fullmatch(text):
            return _assemble(found.groupdict(default=""))
    return None


def _read_foreign(text: str) -> datetime | None:
    """Read `vendredi 13 mars 2026`, `13 de marzo de 2026 10:00` and `2026年3月13日` as their English likes."""
    if found := _EAST_ASIAN_DAY.fullmatch(text):
        year, month, day, rest = found.groups()
        written = f"{year}-{int(month):02}-{int(day):02}"
        return _read_pattern(f"{written} {rest}".strip()) or _read_pattern(f"{written} {_clock_of(rest)}".strip())
    found = _FOREIGN_DAY.fullmatch(text)
    name = _FOREIGN_MONTHS.get(found[2].lower()) if found else None
    return _read_pattern(f"{found[1]} {name} {found[3]} {_clock_of(found[4])}".strip()) if found and name else None


def _clock_of(rest: str) -> str:
    found = re.search(r"(?<!\d)(\d{1,2})\s*[:hH.時시]\s*(\d{2})(?!\d)", rest)
    return f"{found[1]}:{found[2]}" if found else ""


def _read_rfc822(text: str) -> datetime | None:
    """Read what the standard library's forgiving parser makes of it; asctime among others."""
    fields = parsedate_tz(text)
    if fields is None:
        return None
    zone = timezone(timedelta(seconds=fields[9] or 0))
    return datetime(*fields[:6], tzinfo=zone).astimezone(UTC)


def _assemble(parts: dict[str, str]) -> datetime:
    year, month, day = _calendar_day(parts)
    hour = _hour(int(parts.get("hour") or 0), parts.get("half") or "")
    minute, second = int(parts.get("minute") or 0), min(int(parts.get("second") or 0), 59)
    midnight = datetime(year, month, day, tzinfo=_zone(parts.get("zone") or ""))
    return (midnight + timedelta(hours=hour, minutes=minute, seconds=second)).astimezone(UTC)


def _calendar_day(parts: dict[str, str]) -> tuple[int, int, int]:
    year = int(parts["year"])
    if len(parts["year"]) == 2:
        year += 1900 if year >= 90 else 2000
    if "first" in parts:
        return year, *_numeric_day(int(parts["first"]), int(parts["second_number"]), parts["sign"])
    if "name" in parts:
        return year, _MONTHS.index(parts["name"][:3].lower()) + 1, int(parts["day"])
    return year, int(parts["month"] or 1), int(parts["day"] or 1)


def _numeric_day(first: int, second: int, sign: str) -> tuple[int, int]:
    month_first = sign == "/" and first <= 12
    return (first, second) if month_first else (second, first)


def _hour(hour: int, half: str) -> int:
    if hour > 24:
        raise ValueError("no such hour")
    if not half:
        return hour
    return hour % 12 + (12 if half.lower().startswith("p") else 0)


def _zone(text: str) -> timezone:
    if not text:
        return UTC
    if found := _OFFSET.search(text):
        offset = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
        return timezone(-offset if found[1] == "-" else offset)
    return timezone(timedelta(minutes=_ZONES[text.strip("()").upper()]))
