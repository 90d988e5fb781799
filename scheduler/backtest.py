"""The desk over an archive: what it would have decided and who would have been told. No network, nothing stored."""

import gzip
import json
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from core.editing import Editor
from core.facts.telling import say_fact
from core.values import (
    Article,
    ArticleId,
    Edit,
    Entry,
    EntryId,
    Evidence,
    Fact,
    ParsedEntry,
    Publisher,
    PublisherSlug,
    SourceId,
    StoryId,
    Tag,
)

_NOT_SLUG = re.compile(r"[^a-z0-9]+")


class ArchiveError(Exception):
    """An archive that cannot be read; the sentence names file, line, what is wrong and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert that would have gone out."""

    subscription: str
    event: str
    development: str
    story: str
    title: str
    url: str
    outlet: str
    at: str
    reasons: tuple[str, ...]


@dataclass(slots=True)
class Report:
    """What a backtest came to; `alerts` is in the order they would have gone out."""

    items: int = 0
    duplicates: int = 0
    production_news: int = 0
    stories: set[str] = field(default_factory=set)
    joins: int = 0
    films: Counter[str] = field(default_factory=Counter)
    topics: Counter[str] = field(default_factory=Counter)
    quiet: Counter[str] = field(default_factory=Counter)
    alerts: list[Alert] = field(default_factory=list)
    first_at: datetime | None = None
    last_at: datetime | None = None


def read_archive(path: Path, publishers: Iterable[Publisher]) -> list[Entry]:
    """Read items in their own time order: by `first_seen` where given, else `published`, ties as they stand.

    An outlet that `publishers` names has its tier; any other speaks as press. Raises ArchiveError.
    """
    by_name = {publisher.name.casefold(): publisher for publisher in publishers}
    entries = [_read_item(line, f"{path}, line {n}", EntryId(n), by_name) for n, line in _numbered_lines(path)]
    if not entries:
        raise ArchiveError(f"{path} holds no items; give a file with one JSON object a line.")
    return sorted(entries, key=lambda entry: entry.first_seen_at)


def run_backtest(
    entries: Iterable[Entry], editor: Editor, *, write: Callable[[dict[str, object]], None] | None = None
) -> Report:
    """Edit `entries` in the order given; hand `write` one object an item, in the same order, once all are edited.

    A story that a later item joined to another one is that other story in all of them.
    """
    report = Report()
    urls: dict[ArticleId, str] = {}
    described: list[tuple[StoryId | None, dict[str, object]]] = []
    seen: set[StoryId] = set()
    kept_ids: dict[StoryId, StoryId] = {}
    for entry in entries:
        edit = editor.edit(entry)
        if edit.article is not None:
            urls[edit.article.article_id] = entry.item.url
        for join in edit.corrections:
            kept_ids[join.other_id] = join.story_id
        story_id = _story_of(edit, editor)
        seen.update([story_id] if story_id is not None else [])
        _count(report, entry, edit)
        if write is not None:
            described.append((story_id, _describe(entry, edit, urls)))
    report.stories.update(_story_name(story_id) for story_id in seen - kept_ids.keys())
    for story_id, line in described:
        assert write is not None
        line["story"] = None if story_id is None else _story_name(_follow(kept_ids, story_id))
        write(line)
    return report


def _follow(kept_ids: Mapping[StoryId, StoryId], story_id: StoryId) -> StoryId:
    """Return the story that this one was joined to in the end."""
    while (kept_id := kept_ids.get(story_id)) is not None:
        story_id = kept_id
    return story_id


def _numbered_lines(path: Path) -> list[tuple[int, str]]:
    opener: Callable[..., TextIO] = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8") as lines:
            return [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    except FileNotFoundError as error:
        raise ArchiveError(f"There is no file {path}; give the path of a .jsonl or .jsonl.gz archive.") from error
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise ArchiveError(f"{path} cannot be read ({error}); give a .jsonl or .jsonl.gz archive in UTF-8.") from error


def _read_item(line: str, where: str, entry_id: EntryId, by_name: Mapping[str, Publisher]) -> Entry:
    try:
        item = json.loads(line)
    except ValueError as error:
        raise ArchiveError(f"{where}: not JSON ({error}); each line must be one JSON object.") from error
    if not isinstance(item, dict):
        raise ArchiveError(f"{where}: not a JSON object; each line must be one.")
    publisher = _publisher(_text(item, "outlet", where), by_name)
    url = _text(item, "url", where)
    published_at = _time(item.get("published"), "published", where)
    first_seen_at = _time(item.get("first_seen"), "first_seen", where) or published_at
    if first_seen_at is None:
        raise ArchiveError(f'{where}: neither "published" nor "first_seen"; one of them orders the archive.')
    return Entry(
        entry_id=entry_id,
        source_id=SourceId(f"archive-{publisher.slug}"),
        publisher=publisher,
        first_seen_at=first_seen_at,
        item=ParsedEntry(
            guid=url,
            url=url,
            title=_text(item, "title", where),
            summary=_text(item, "summary", where, default=""),
            categories=_texts(item, "categories", where),
            published_at=published_at,
            language=_text(item, "language", where, default=""),
            text=_text(item, "text", where, default=""),
        ),
    )


def _text(item: Mapping[str, object], key: str, where: str, *, default: str | None = None) -> str:
    value = item.get(key)
    if value is None and default is not None:
        return default
    if not isinstance(value, str) or (not value and default is None):
        raise ArchiveError(f'{where}: "{key}" must be a text, not {json.dumps(value)[:60]}.')
    return value


def _texts(item: Mapping[str, object], key: str, where: str) -> tuple[str, ...]:
    value = item.get(key) or []
    if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
        raise ArchiveError(f'{where}: "{key}" must be a list of texts, not {json.dumps(value)[:60]}.')
    return tuple(value)


def _time(value: object, key: str, where: str) -> datetime | None:
    """Read ISO 8601 (UTC if it names no zone) or Unix seconds."""
    if value is None or value == "":
        return None
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        moment = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError) as error:
        raise ArchiveError(
            f'{where}: "{key}" is no time: {json.dumps(value)[:60]}; give ISO 8601 or Unix seconds.'
        ) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _publisher(name: str, by_name: Mapping[str, Publisher]) -> Publisher:
    known = by_name.get(name.casefold())
    slug = _NOT_SLUG.sub("-", name.casefold()).strip("-") or "unnamed"
    return known or Publisher(slug=PublisherSlug(slug), name=name)


def _story_of(edit: Edit, editor: Editor) -> StoryId | None:
    if edit.duplicate is not None:
        return editor.story_of(edit.duplicate.article_id)
    return edit.story.story_id if edit.story is not None else None


def _count(report: Report, entry: Entry, edit: Edit) -> None:
    report.items += 1
    report.first_at = report.first_at or entry.first_seen_at
    report.last_at = entry.first_seen_at
    report.duplicates += edit.duplicate is not None
    report.joins += len(edit.corrections)
    if edit.tagging is not None and edit.duplicate is None:
        report.production_news += edit.tagging.is_production_news
        report.films.update(tag.ref for tag in edit.tagging.films)
        report.topics.update(tag.ref for tag in edit.tagging.topics)
    if edit.quiet_reason:
        report.quiet[edit.quiet_reason.partition(":")[0]] += 1
    report.alerts.extend(_alerts(entry, edit))


def _alerts(entry: Entry, edit: Edit) -> Iterator[Alert]:
    for match in edit.matches:
        article: Article | None = edit.article
        assert article is not None
        yield Alert(
            subscription=match.subscription_id,
            event=match.event.value,
            development=match.development,
            story=_story_name(match.story_id),
            title=article.title,
            url=article.url,
            outlet=article.publisher.name,
            at=entry.first_seen_at.isoformat(),
            reasons=match.reasons,
        )


def _describe(entry: Entry, edit: Edit, urls: Mapping[ArticleId, str]) -> dict[str, object]:
    """Describe an item; in which story it is in the end is filled in later."""
    tagging = edit.tagging
    return {
        "url": entry.item.url,
        "title": entry.item.title,
        "story": None,
        "duplicate_of": urls.get(edit.duplicate.article_id) if edit.duplicate else None,
        "production_news": tagging.is_production_news if tagging else False,
        "topics": [{"slug": t.ref, "score": round(t.score, 3)} for t in (tagging.topics if tagging else ())],
        "films": [_describe_film(tag) for tag in (tagging.films if tagging else ())],
        "facts": [_describe_fact(fact) for fact in (tagging.facts if tagging else ())],
    }


def _describe_fact(fact: Fact) -> dict[str, object]:
    return {
        "kind": fact.kind.value,
        "film": fact.film_id,
        "certainty": fact.certainty.value,
        "says": say_fact(fact),
        "sentence": fact.sentence,
    }


def _describe_film(tag: Tag) -> dict[str, object]:
    return {
        "id": tag.ref,
        "salience": tag.salience.value,
        "score": round(tag.score, 3),
        "evidence": [_describe_evidence(e) for e in tag.evidence],
    }


def _describe_evidence(evidence: Evidence) -> dict[str, str]:
    return {"field": evidence.field, "words": evidence.words}


def _story_name(story_id: StoryId) -> str:
    return f"s{story_id}"
