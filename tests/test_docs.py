"""The documents keep up with the code: what they must name, what they may not invent, where their links lead."""

import inspect
import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import unquote

import pytest
import typer
from typer.main import get_command

from config.films import load_films
from config.settings import Settings
from config.sources import load_sources
from config.subscriptions import load_subscriptions
from config.topics import load_topics
from core import values
from core.editing import Windows
from core.tagging.tagger import Tagger
from scheduler.backtest import Alert, Report, read_archive, run_backtest
from scheduler.cli import app
from scheduler.desk import build_editor
from scheduler.service import load_models
from store.tables import Row

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in DOCUMENTS}
GLOSSARY = TEXTS["docs/glossary.md"]
BACKTEST = TEXTS["docs/backtest.md"]
ENUMS = [
    kind
    for _, kind in inspect.getmembers(values, inspect.isclass)
    if issubclass(kind, StrEnum) and kind.__module__ == values.__name__
]
each_document = pytest.mark.parametrize("name", TEXTS)


def _commands(group: object = None, prefix: str = "setwire") -> Iterator[str]:
    """Yield every command as one writes it, groups left out."""
    commands: dict[str, object] = getattr(group or get_command(app), "commands", {})
    for name, command in commands.items():
        if getattr(command, "commands", None):
            yield from _commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}"


COMMANDS = sorted(_commands())


def _code_of(text: str) -> str:
    """Return what stands in shell blocks and code spans, a line each."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))
    return "\n".join([*blocks, *spans])


def _public_values() -> set[str]:
    classes = {
        name
        for name, kind in inspect.getmembers(values, inspect.isclass)
        if kind.__module__.startswith(f"{values.__name__}.") and not name.startswith("_")
    }
    return classes | {"Outcome"}


def _heading_anchors(text: str) -> set[str]:
    """Return the anchors a Markdown reader gives to the headings of `text`."""
    headings = re.findall(
        r"^#+ +(.+?) *$", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE
    )
    return {re.sub(r"[^\w\- ]", "", heading.casefold()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented(name: str) -> None:
    assert f"| `SETWIRE_{name.upper()}` |" in TEXTS["docs/operations.md"]


@each_document
def test_no_document_names_a_setting_that_is_gone(name: str) -> None:
    known = {f"SETWIRE_{field.upper()}" for field in Settings.model_fields} | {"SETWIRE_SHARED"}
    assert set(re.findall(r"\bSETWIRE_[A-Z_]+[A-Z]\b", TEXTS[name])) <= known


def test_the_commands_are_found() -> None:
    assert isinstance(app, typer.Typer)
    assert {"setwire run", "setwire sources list", "setwire deliveries redeliver"} <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_documented(command: str) -> None:
    assert re.search(rf"^\| `{command}\b", TEXTS["docs/commands.md"], re.MULTILINE)


@each_document
def test_no_document_names_a_command_that_is_gone(name: str) -> None:
    groups = {command.split()[1] for command in COMMANDS if command.count(" ") == 2}
    words = r"(?<![\w/.-])setwire (?=([a-z]+)(?: ([a-z]+(?:-[a-z]+)*)\b)?)"
    for first, second in re.findall(words, _code_of(TEXTS[name])):
        written = f"setwire {first} {second}".strip() if first in groups and second else f"setwire {first}"
        assert first == "setwire" or written in {*COMMANDS, *(f"setwire {group}" for group in groups)}


@each_document
def test_no_document_names_a_make_target_that_is_gone(name: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"^make ([a-z]+)\b", _code_of(TEXTS[name]), re.MULTILINE)) <= targets


@pytest.mark.parametrize("kind", ENUMS, ids=lambda kind: kind.__name__)
def test_the_glossary_explains_every_fixed_value(kind: type[StrEnum]) -> None:
    section = re.search(rf"^\*\*{kind.__name__}\*\*:.*?(?=^\*\*|\Z)", GLOSSARY, re.DOTALL | re.MULTILINE)
    assert section is not None
    assert [member.value for member in kind if f"`{member.value}`" not in section[0]] == []


def test_the_terms_of_the_glossary_are_the_public_values() -> None:
    terms = re.findall(r"^(?:\| )?\*\*(\w+)\*\*(?: \||:)", GLOSSARY, re.MULTILINE)
    assert len(terms) == len(set(terms))
    assert set(terms) == _public_values()


@pytest.mark.parametrize("table", sorted(Row.metadata.tables))
def test_every_table_is_explained(table: str) -> None:
    assert re.search(rf"^\| .*`{table}`.* \| .+ \|$", TEXTS["docs/architecture.md"], re.MULTILINE)


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {re.split(r"[\[<>=~!]", requirement)[0] for requirement in project["dependencies"]}
    explained = re.findall(r"^\| `([\w-]+)` \|", TEXTS["docs/technotes/dependencies.md"], re.MULTILINE)
    assert set(explained) == needed


@each_document
def test_links_lead_somewhere(name: str) -> None:
    page = ROOT / name
    for link in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"^```.*?^```", "", TEXTS[name], flags=re.DOTALL | re.MULTILINE)):
        if re.match(r"https?:|mailto:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / unquote(path)).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in _heading_anchors(target.read_text(encoding="utf-8")), link


@each_document
def test_a_document_opens_with_its_title_and_has_only_one(name: str) -> None:
    lines = re.sub(r"^```.*?^```", "", TEXTS[name], flags=re.DOTALL | re.MULTILINE).splitlines()
    assert lines[0].startswith("# ")
    assert sum(line.startswith("# ") for line in lines) == 1


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the backtest page's example, as a reader would copy them."""
    folder = tmp_path_factory.mktemp("example")
    items, films, subscriptions = re.findall(r"^```(?:json|toml)\n(.*?)^```", BACKTEST, re.DOTALL | re.MULTILINE)
    for file, text in (("items.jsonl", items), ("films.toml", films), ("subscriptions.toml", subscriptions)):
        (folder / file).write_text(text, encoding="utf-8")
    return folder


def _run_example(folder: Path) -> tuple[list[dict[str, object]], Report]:
    films = load_films(folder / "films.toml")
    topics = load_topics(ROOT / "config" / "topics.toml")
    subscriptions = load_subscriptions(
        folder / "subscriptions.toml", films={film.film_id for film in films}, topics={topic.slug for topic in topics}
    )[0]
    models = load_models()
    editor = build_editor(
        tagger=Tagger(films=films, topics=topics, model=models.tags),
        subscriptions=subscriptions,
        windows=Windows(),
        models=models,
    )
    publishers = [source.publisher for source in load_sources(ROOT / "config" / "sources.toml")]
    lines: list[dict[str, object]] = []
    report = run_backtest(read_archive(folder / "items.jsonl", publishers), editor, write=lines.append)
    return lines, report


def test_the_example_of_a_backtest_does_what_the_page_says(example: Path) -> None:
    lines, report = _run_example(example)
    assert [line["duplicate_of"] is not None for line in lines] == [False, False, True, False]
    assert [alert.title for alert in report.alerts if alert.event == "story.created"] == [
        lines[0]["title"],
        lines[3]["title"],
    ]
    assert lines[0]["story"] == lines[1]["story"] != lines[3]["story"]


def test_the_backtest_page_explains_every_field(example: Path) -> None:
    lines, _ = _run_example(example)
    given = json.loads((example / "items.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert is_dataclass(Alert)
    for field in {*given, *lines[0], *(f.name for f in fields(Alert)), *(f.name for f in fields(Report))}:
        assert re.search(rf"^\| [^|]*`{field}`", BACKTEST, re.MULTILINE), field
