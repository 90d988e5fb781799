"""What is wrong with the configuration, in sentences: where it stands, which key, and what to do."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake. `file` is a file's name or `environment`, `entry` names the record, if any."""

    file: str
    entry: str = ""
    key: str = ""
    says: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.file, self.entry, self.key, self.says) if part)


class ConfigError(Exception):
    """The configuration cannot be used. `problems` holds every mistake found, at least one, in file order.

    `str()` is one sentence when there is one mistake, else one line a mistake.
    """

    def __init__(self, problems: Iterable[Problem] | str) -> None:
        found = (Problem(file="", says=problems),) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(map(str, found)))
        self.problems = found
