"""Durations and sizes as people write them (`30s`, `5m`, `10MiB`), read and written in one place."""

import re
from datetime import timedelta

_UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
_DURATION = re.compile(r"(\d{1,10}(?:\.\d{1,3})?)([smhd])", re.ASCII)
_LONGEST = timedelta(days=36_500)
_SIZES = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_SIZE = re.compile(r"(\d{1,15}) ?([a-z]{0,3})", re.ASCII)


def parse_duration(text: object) -> timedelta:
    """Read one number with its unit: `30s`, `5m`, `1.5h`, `7d`. At most a hundred years.

    Raises ValueError with a sentence that quotes the text and says what to write.
    """
    if isinstance(text, timedelta):
        return text
    found = _DURATION.fullmatch(text.strip().lower()) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f"{text!r} is no duration; write a number and a unit, such as 30s, 5m, 2h or 7d")
    number, unit = found.groups()
    if float(number) * _UNITS[unit].total_seconds() > _LONGEST.total_seconds():
        raise ValueError(f"{text!r} is longer than a hundred years; write a shorter duration, such as 365d")
    return float(number) * _UNITS[unit]


def format_duration(duration: timedelta) -> str:
    """Write a duration in its largest whole unit; `parse_duration` gives it back (to the ms)."""
    for unit in "dhm":
        if duration >= _UNITS[unit] and not duration % _UNITS[unit]:
            return f"{duration // _UNITS[unit]}{unit}"
    return f"{duration.total_seconds():.3f}".rstrip("0").rstrip(".") + "s"


def parse_size(text: object) -> int:
    """Read a number of bytes: `500000`, `10MiB`, `5 MB`. Raises ValueError that says what to write."""
    if isinstance(text, int) and not isinstance(text, bool):
        return text
    found = _SIZE.fullmatch(text.strip().lower()) if isinstance(text, str) else None
    if found is None or found[2] not in _SIZES:
        raise ValueError(f"{text!r} is no size; write bytes, or a number with a unit such as 10MiB")
    return int(found[1]) * _SIZES[found[2]]


def format_size(size: int) -> str:
    """Write a number of bytes in its largest whole binary unit; `parse_size` gives it back."""
    for unit in ("GiB", "MiB", "KiB"):
        if size and not size % _SIZES[unit.lower()]:
            return f"{size // _SIZES[unit.lower()]}{unit}"
    return str(size)
