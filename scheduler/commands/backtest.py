"""`setwire backtest`: the desk over an archive, printed for people and written for programs."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from config.films import load_films
from config.settings import load_settings
from config.sources import load_sources
from config.subscriptions import load_subscriptions
from config.topics import load_topics
from core.tagging.tagger import Tagger
from core.values import Entry, Film, Subscription, Topic
from scheduler.backtest import Report, read_archive, run_backtest
from scheduler.commands.options import AsJson, CommandError
from scheduler.desk import build_editor
from scheduler.output import console, progress, show_fields, show_json, show_rows
from scheduler.service import load_models, windows

_SHOWN_ALERTS = 20
_SHOWN_TAGS = 8

Write = Callable[[dict[str, object]], None]


def backtest(
    items: Annotated[Path, typer.Argument(help="The archive: .jsonl or .jsonl.gz, one item a line.")],
    *,
    films: Annotated[Path | None, typer.Option(help="Film catalogue; default: the configured one.")] = None,
    sources: Annotated[Path | None, typer.Option(help="Whose tiers count; default: the configured sources.")] = None,
    subscriptions: Annotated[Path | None, typer.Option(help="TOML of those who would be told.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write what was decided, one line an item.")] = None,
    alerts: Annotated[Path | None, typer.Option(help="Write every alert, one line each.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run the desk over an archive, in the items' own time order; no network, nothing stored."""
    settings = load_settings()
    publishers = [source.publisher for source in load_sources(sources or settings.sources_file)]
    catalogue, topics = load_films(films or settings.films_file), load_topics(settings.topics_file)
    asked = _read_subscriptions(subscriptions, catalogue, topics)
    entries = read_archive(items, publishers)
    models = load_models()
    editor = build_editor(
        tagger=Tagger(films=catalogue, topics=topics, model=models.tags),
        subscriptions=asked,
        windows=windows(settings),
        models=models,
    )
    with progress("editing", len(entries)) as advance, _written_lines(out) as write:
        report = run_backtest(_each(entries, advance), editor, write=write)
    with _written_lines(alerts) as write_alert:
        if write_alert is not None:
            for alert in report.alerts:
                write_alert(asdict(alert))
    _print_report(report, as_json=as_json, has_subscriptions=bool(asked))


def _read_subscriptions(path: Path | None, films: Iterable[Film], topics: Iterable[Topic]) -> list[Subscription]:
    if path is None:
        return []
    ids, slugs = {film.film_id for film in films}, {topic.slug for topic in topics}
    return load_subscriptions(path, films=ids, topics=slugs)[0]


def _each(entries: Iterable[Entry], advance: Callable[[], None]) -> Iterator[Entry]:
    for entry in entries:
        yield entry
        advance()


@contextmanager
def _written_lines(path: Path | None) -> Iterator[Write | None]:
    """Yield a function that writes one JSON line; the file appears under its name only when whole."""
    if path is None:
        yield None
        return
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        with unfinished.open("w", encoding="utf-8") as lines:
            yield lambda value: print(json.dumps(value, ensure_ascii=False), file=lines)
        unfinished.replace(path)
    except OSError as error:
        raise CommandError(f"{path} cannot be written ({error.strerror}); give a path that can.") from error
    finally:
        unfinished.unlink(missing_ok=True)


def _print_report(report: Report, *, as_json: bool, has_subscriptions: bool) -> None:
    if as_json:
        fields = {name: getattr(report, name) for name in Report.__slots__}
        show_json({**fields, "stories": len(report.stories)})
        return
    show_fields(
        [
            ("items", report.items),
            ("from", report.first_at),
            ("to", report.last_at),
            ("duplicates", report.duplicates),
            ("stories", len(report.stories)),
            ("joined later", report.joins),
            ("production news", report.production_news),
            ("films", [f"{name} {count}" for name, count in report.films.most_common(_SHOWN_TAGS)]),
            ("topics", [f"{name} {count}" for name, count in report.topics.most_common(_SHOWN_TAGS)]),
            ("quiet", [f"{name} {count}" for name, count in report.quiet.most_common()]),
        ]
    )
    if has_subscriptions:
        console.print(f"\n{len(report.alerts)} alerts would have gone out", style="bold")
        _print_alerts(report)


def _print_alerts(report: Report) -> None:
    columns = {
        "at": lambda a: a.at[:16],
        "subscription": lambda a: a.subscription,
        "event": lambda a: a.event,
        "headline": lambda a: a.title,
        "outlet": lambda a: a.outlet,
    }
    show_rows(report.alerts[-_SHOWN_ALERTS:], columns, as_json=False)
    if len(report.alerts) > _SHOWN_ALERTS:
        console.print(f"(the last {_SHOWN_ALERTS}; --alerts FILE writes them all)")
