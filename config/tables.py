"""Reads configuration files record by record and collects every mistake; knows no field of any of them."""

import difflib
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from config.durations import parse_duration
from config.problems import ConfigError, Problem

E = TypeVar("E", bound=StrEnum)

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)


def suggest(word: str, known: Iterable[str]) -> str:
    """Name the nearest known word, else the first few that are known."""
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    if not names:
        return "none is defined"
    more = ", ..." if len(names) > 8 else ""
    return f"known are {', '.join(names[:8])}{more}"


def is_slug(text: str) -> bool:
    return _SLUG.fullmatch(text) is not None


def is_web_address(text: str) -> bool:
    """Say whether this is an absolute http(s) address without spaces or a login."""
    try:
        parts = urlsplit(text)
        is_port_good = parts.port != 0
    except ValueError:
        return False
    is_plain = not (parts.username or parts.password or re.search(r"\s", text))
    return parts.scheme in ("http", "https") and bool(parts.hostname) and is_port_good and is_plain


def is_mail_address(text: str) -> bool:
    local, at, domain = text.rpartition("@")
    return bool(local and at and re.fullmatch(r"[\w.-]+", domain)) and not re.search(r"[\s<>,;\"]|@", local)


class Table:
    """One record being read: hands out checked values and notes what was asked for, so strangers are found.

    Every getter returns its default after noting a problem, so one mistake never hides the next.
    """

    def __init__(self, values: Mapping[str, object], *, file: str, entry: str, problems: list[Problem]) -> None:
        self._values = values
        self._file = file
        self._entry = entry
        self._problems = problems
        self._asked: set[str] = set()

    def complain(self, key: str, says: str) -> None:
        self._problems.append(Problem(file=self._file, entry=self._entry, key=key, says=says))

    def has(self, key: str) -> bool:
        self._asked.add(key)
        return self._values.get(key) is not None

    def text(self, key: str, *, is_required: bool = False) -> str:
        value = self._take(key)
        if isinstance(value, str) and (value.strip() or not is_required):
            return value.strip()
        if value is not None and not isinstance(value, str):
            self.complain(key, f"{value!r} is no text; put it in quotes")
        elif is_required:
            self.complain(key, "is missing; add it")
        return ""

    def slug(self, key: str) -> str:
        value = self.text(key, is_required=True)
        if value and not is_slug(value):
            self.complain(key, f"{value!r} is no id; use small letters, digits and single hyphens")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        values = self._take(key)
        if values is None:
            return ()
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            self.complain(key, f'{values!r} is no list of texts; write ["one", "two"]')
            return ()
        if not all(value.strip() for value in values):
            self.complain(key, "holds an empty text; remove it")
        return tuple(value.strip() for value in values if value.strip())

    def flag(self, key: str, *, default: bool) -> bool:
        value = self._take(key)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        self.complain(key, f"{value!r} is neither true nor false; write one of them, without quotes")
        return default

    def year(self, key: str) -> int | None:
        value = self._take(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 1880 <= value <= 2100:
            self.complain(key, f"{value!r} is no year; write one from 1880 to 2100, or leave it out")
            return None
        return value

    def day(self, key: str) -> date | None:
        """Read a day: a TOML date, or text such as `2026-05-01`."""
        value = self._take(key)
        if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
            return value
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            self.complain(key, f"{value!r} is no day; write one such as 2026-05-01")
            return None

    def count(self, key: str) -> int:
        """Read a whole number from 0 on; 0 if it is left out."""
        value = self._take(key)
        if value is None:
            return 0
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            self.complain(key, f"{value!r} is no count; write a whole number, 0 for none")
            return 0
        return value

    def duration(self, key: str) -> timedelta | None:
        value = self._take(key)
        if value is None:
            return None
        try:
            duration = parse_duration(value)
        except ValueError as error:
            self.complain(key, str(error))
            return None
        if duration <= timedelta(0):
            self.complain(key, f"{value!r} is no time at all; write a longer one, such as 30m")
        return duration

    def choice(self, key: str, kind: type[E], *, default: E | None = None) -> E:
        """Read one word of an enumeration; without a default the key is required."""
        members = list(kind)
        word = self.text(key, is_required=default is None)
        fallback = default or members[0]
        return self._choose(key, word, kind, fallback) if word else fallback

    def choices(self, key: str, kind: type[E], *, default: tuple[E, ...]) -> tuple[E, ...]:
        if not self.has(key):
            return default
        return tuple(self._choose(key, word, kind, default[0]) for word in self.texts(key))

    def table(self, key: str) -> "Table":
        """Return the table under `key`, empty if it is missing or none."""
        value = self._take(key)
        if value is not None and not isinstance(value, dict):
            self.complain(key, f'{value!r} is no table; write it as {{ name = "value" }}')
        values = value if isinstance(value, dict) else {}
        return self.inside(key, values)

    def records(self, key: str, *, name_key: str) -> list["Table"]:
        """Return the records of `[[key]]` in file order, each called by its `name_key`, else by its place."""
        values = self._take(key)
        if values is not None and not (isinstance(values, list) and all(isinstance(v, dict) for v in values)):
            self.complain(key, f"is no list of records; write each as [[{key}]]")
            return []
        return [
            Table(value, file=self._file, entry=_name_entry(key, value, name_key, place), problems=self._problems)
            for place, value in enumerate(values or [], start=1)
        ]

    def inside(self, key: str, values: Mapping[str, object]) -> "Table":
        """Return a record that stands inside this one, under `key`."""
        entry = f"{self._entry}: {key}"
        return Table(values, file=self._file, entry=entry, problems=self._problems)

    def raw_list(self, key: str) -> list[object]:
        """Return a list of anything; the caller checks its members."""
        value = self._take(key)
        if value is not None and not isinstance(value, list):
            self.complain(key, f"{value!r} is no list; write it in [ ]")
        return value if isinstance(value, list) else []

    def raw(self, key: str) -> Iterable[object]:
        """Return the members of what may be a list, to see of which kind they are; the caller checks them after."""
        value = self._values.get(key)
        return value if isinstance(value, list) else ()

    def names(self) -> tuple[str, ...]:
        return tuple(self._values)

    def finish(self) -> None:
        """Complain about every key nobody asked for."""
        for key in self._values:
            if key not in self._asked:
                self.complain(key, f"is no key of this record; {suggest(key, self._asked)}")

    def _take(self, key: str) -> object:
        self._asked.add(key)
        return self._values.get(key)

    def _choose(self, key: str, word: str, kind: type[E], fallback: E) -> E:
        try:
            return kind(word)
        except ValueError:
            self.complain(key, f"{word!r} is not known; write one of {', '.join(kind)}")
            return fallback


def _name_entry(key: str, value: Mapping[str, object], name_key: str, place: int) -> str:
    name = value.get(name_key)
    return f"{key} {name!r}" if isinstance(name, str) and name else f"{key} no. {place}"


def read_toml(path: Path, problems: list[Problem]) -> Table:
    """Read a TOML file. Raises ConfigError, with one problem, when there is nothing to read at all."""
    try:
        values = tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([Problem(file=path.name, says=f"is no valid TOML: {error}; mend that place")]) from None
    return Table(values, file=path.name, entry="", problems=problems)


def read_text(path: Path) -> str:
    """Read a UTF-8 text file, with or without a byte order mark. Raises ConfigError with one sentence."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError([Problem(file=str(path), says="is no UTF-8 text; save it as UTF-8")]) from None
    except OSError as error:
        says = f"cannot be read ({error.strerror}); name a readable file"
        raise ConfigError([Problem(file=str(path), says=says)]) from None


def raise_problems(problems: Collection[Problem]) -> None:
    """Raise ConfigError when there is any problem."""
    if problems:
        raise ConfigError(problems)


def find_repeats(names: Iterable[str]) -> list[str]:
    """Return every name that stands more than once, each once, in order of its second appearance."""
    seen: set[str] = set()
    repeats: dict[str, None] = {}
    for name in names:
        if name in seen:
            repeats[name] = None
        seen.add(name)
    return list(repeats)
