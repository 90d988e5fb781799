"""Dates as headlines write them, made absolute only where the text and the day of the article allow it. No I/O."""

import re
from dataclasses import dataclass
from datetime import datetime

_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_BY_NAME = {name: n for n, name in enumerate(_MONTHS, start=1)} | {
    **{name[:3]: n for n, name in enumerate(_MONTHS, start=1)},
    "sept": 9,
}
MONTH = (
    r"(?:Jan(?:uary|\.)?|Feb(?:ruary|\.)?|Mar(?:ch|\.)?|Apr(?:il|\.)?|May|June?|July?|Aug(?:ust|\.)?"
    r"|Sept?(?:ember|\.)?|Oct(?:ober|\.)?|Nov(?:ember|\.)?|Dec(?:ember|\.)?)"
)
_YEAR = r"(?:20[2-4]\d)"
_SEASON = r"(?:[Ee]arly|[Mm]id|[Ll]ate|[Ss]pring|[Ss]ummer|[Ff]all|[Aa]utumn|[Ww]inter)"
FULL_DATE = rf"{MONTH} \d{{1,2}}(?:st|nd|rd|th)?(?:,? {_YEAR})?(?!\d)"
"""A day of a month, with or without its year."""
LOOSE_DATE = rf"(?:{FULL_DATE}|{MONTH},? {_YEAR}|{_SEASON}[- ](?:of )?{_YEAR}|{_YEAR}(?! [a-z]*minutes))"
"""Also a month or season of a year, and a year."""
SOON = r"(?:(?:later )?(?:[Tt]his|[Nn]ext) (?:[Mm]onth|[Yy]ear|[Ss]pring|[Ss]ummer|[Ff]all|[Aa]utumn|[Ww]inter))"

_DAY = re.compile(rf"(?P<month>{MONTH}) (?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:,? (?P<year>{_YEAR}))?$")
_MONTH_OF = re.compile(rf"(?P<month>{MONTH}),?(?: (?P<year>{_YEAR}))?$")


@dataclass(frozen=True, slots=True)
class Day:
    """A date in the words of the text, made absolute where it can be, and as far as it is known in ISO 8601."""

    words: str
    iso: str


def read_day(words: str, at: datetime) -> Day:
    """Read what the patterns of this module match; `at` is when the article came out and anchors `next month`."""
    text = " ".join(words.split()).rstrip(",.")
    if match := _DAY.match(text):
        month, day, year = _number(match["month"]), int(match["day"]), match["year"] or "-"
        name = f"{_MONTHS[month - 1].title()} {day}"
        return Day(f"{name}, {year}" if match["year"] else name, f"{year}-{month:02}-{day:02}")
    if match := _MONTH_OF.match(text):
        month, year = _number(match["month"]), match["year"] or "-"
        name = _MONTHS[month - 1].title()
        return Day(f"{name} {year}" if match["year"] else name, f"{year}-{month:02}")
    if re.fullmatch(_YEAR, text):
        return Day(text, text)
    return _read_relative(text, at)


def _number(month: str) -> int:
    name = month.rstrip(".").lower()
    return _BY_NAME.get(name) or _BY_NAME[name[:3]]


def _read_relative(text: str, at: datetime) -> Day:
    lowered = text.lower().removeprefix("later ")
    which, _, unit = lowered.partition(" ")
    step = {"this": 0, "next": 1}.get(which)
    if step is None:
        return Day(text[0].lower() + text[1:], "")
    if unit == "month":
        month, year = (at.month + step - 1) % 12 + 1, at.year + (at.month + step - 1) // 12
        return Day(f"{_MONTHS[month - 1].title()} {year}", f"{year}-{month:02}")
    if unit == "year":
        return Day(str(at.year + step), str(at.year + step))
    # `next summer` said in spring may be this one: only `this` is sure.
    return Day(f"{unit} {at.year}" if step == 0 and unit != "winter" else lowered, "")


def share_year(old: Day, new: Day, *, is_earlier: bool) -> tuple[Day, Day]:
    """Give two dates of one sentence the year that only one of them names, where no other year can be meant.

    `from March 6 to May 22, 2027` means one year, and so does `up from May 7, 2027, to April 30`; `from December 18
    to May 22, 2027` does not say which, and stays as it is.
    """
    if _lacks_year(new) and not _lacks_year(old) and (is_earlier or new.iso[1:] > old.iso[4:]):
        return old, _in_year(new, old.iso[:4])
    if _lacks_year(old) and not _lacks_year(new) and not is_earlier and old.iso[1:] < new.iso[4:]:
        return _in_year(old, new.iso[:4]), new
    return old, new


def _lacks_year(day: Day) -> bool:
    return not day.iso[:1].isdigit()


def _in_year(day: Day, year: str) -> Day:
    joint = ", " if day.iso.count("-") == 3 else " "
    return Day(f"{day.words}{joint}{year}", f"{year}{day.iso[1:]}") if day.iso else day
