"""What commands print: tables for people, JSON for programs, progress for whoever waits."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields as dataclass_fields
from dataclasses import is_dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from core.values import Endpoint

console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
errors = Console(stderr=True, highlight=False, soft_wrap=True)

_PLAIN_STEP = 10_000


def show_rows(rows: Iterable[object], columns: Mapping[str, Callable[[object], object]], *, as_json: bool) -> None:
    """Print one row a line: a table of `columns` (heading → cell), or the whole values as a JSON list."""
    rows = list(rows)
    if as_json:
        show_json(rows)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in columns:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(in_words(cell(row))) for cell in columns.values()))
    console.print(table if rows else "none")


def show_json(value: object) -> None:
    """Print `value` as JSON, whatever it is made of, with no secrets (see `_plain`)."""
    sys.stdout.write(json.dumps(value, default=_plain, ensure_ascii=False, indent=1) + "\n")


def show_fields(fields: Sequence[tuple[str, object]]) -> None:
    """Print a card of names and values, leaving out what is empty."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in fields:
        if value not in (None, "", (), []):
            table.add_row(name, Text(in_words(value)))
    console.print(table)


def in_words(value: object) -> str:
    """Write a value for a person: times in local time to the minute, durations short, lists with commas."""
    match value:
        case None:
            return "-"
        case datetime():
            return value.astimezone().strftime("%Y-%m-%d %H:%M")
        case timedelta():
            return short_duration(value)
        case Enum():
            return str(value.value)
        case str():
            return value
        case tuple() | list() | set() | frozenset():
            return ", ".join(in_words(part) for part in value) or "-"
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)


def short_duration(duration: timedelta) -> str:
    seconds = int(duration.total_seconds())
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def ago(moment: datetime | None) -> str:
    return "never" if moment is None else f"{short_duration(datetime.now(UTC) - moment)} ago"


@contextmanager
def progress(task: str, total: int) -> Iterator[Callable[[], None]]:
    """Yield a function to call once per step: a bar on a terminal, a plain line now and then elsewhere."""
    if not errors.is_terminal:
        yield _plain_steps(task, total)
        return
    columns = (TextColumn(task), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True) as bar:
        step = bar.add_task(task, total=total)
        yield lambda: bar.advance(step)


@contextmanager
def reading_progress(task: str, total_bytes: int) -> Iterator[Callable[[int], None]]:
    """Yield a function that is told how many bytes have been read: a bar on a terminal, nothing elsewhere."""
    if not errors.is_terminal:
        yield lambda _: None
        return
    with Progress(TextColumn(task), BarColumn(), TimeRemainingColumn(), console=errors, transient=True) as bar:
        step = bar.add_task(task, total=total_bytes)
        yield lambda read_bytes: bar.update(step, completed=read_bytes)


def _plain_steps(task: str, total: int) -> Callable[[], None]:
    done = 0

    def advance() -> None:
        nonlocal done
        done += 1
        if done % _PLAIN_STEP == 0 or done == total:
            errors.print(f"{task}: {done} of {total}")

    return advance


def _plain(value: object) -> object:
    match value:
        case datetime():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case Enum():
            return value.value
        case Path():
            return str(value)
        case set() | frozenset():
            return sorted(value, key=str)
        case _ if is_dataclass(value) and not isinstance(value, type):
            fields = {field.name: getattr(value, field.name) for field in dataclass_fields(value)}
            for name in ("secret", "old_secret"):
                if fields.get(name):
                    fields[name] = "whsec_***"
            if isinstance(value, Endpoint):
                fields["address"] = value.shown_address
            return fields
        case _:
            return str(value)
