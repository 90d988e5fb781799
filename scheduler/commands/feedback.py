"""`setwire feedback`: the operator's word on films, topics and production news, and its export as labelled data."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from core.feedback import say_feedback
from core.values import ArticleId, FeedbackKind, StoryId
from scheduler.commands.options import AsJson, CommandError, Limit, reading, writing
from scheduler.output import ago, console, show_rows
from store.feedback import FeedbackError, Word, give_feedback, label_to_line, labels, latest_feedback

_MAX_ID = 2**63 - 1

app = typer.Typer(no_args_is_help=True, help="Feedback: say what a story is about, and export what was said.")

Refs = list[str]


@app.command("correct")
def correct(
    story_id: Annotated[int, typer.Argument(metavar="STORY", min=1, max=_MAX_ID, help="The story's number.")],
    *,
    wrong_film: Annotated[Refs | None, typer.Option(metavar="FILM", help="It is not about this film.")] = None,
    film: Annotated[Refs | None, typer.Option(metavar="FILM", help="It is about this film.")] = None,
    wrong_topic: Annotated[Refs | None, typer.Option(metavar="TOPIC", help="It is not on this topic.")] = None,
    topic: Annotated[Refs | None, typer.Option(metavar="TOPIC", help="It is on this topic.")] = None,
    news: Annotated[bool | None, typer.Option("--news/--not-news", help="Whether it is production news.")] = None,
    article: Annotated[
        list[int] | None, typer.Option(metavar="ARTICLE", min=1, max=_MAX_ID, help="Only this article of the story.")
    ] = None,
    note: Annotated[str, typer.Option(help="Why, for those who look later.")] = "",
) -> None:
    """Correct what a story is about: its tags change at once, alerts that were not sent yet are withdrawn.

    Who was told already is not told again; who should have been told of a film or topic that was missed is told by
    the running service, if the news is still fresh.
    """
    said = [
        *_words(FeedbackKind.WRONG_FILM, wrong_film, note),
        *_words(FeedbackKind.RIGHT_FILM, film, note),
        *_words(FeedbackKind.WRONG_TOPIC, wrong_topic, note),
        *_words(FeedbackKind.RIGHT_TOPIC, topic, note),
    ]
    if news is not None:
        said.append(Word(kind=FeedbackKind.NEWS if news else FeedbackKind.NOT_NEWS, note=note))
    if not said:
        raise CommandError("Nothing was said; give --wrong-film, --film, --wrong-topic, --topic, --news or --not-news.")
    named = [ArticleId(number) for number in article or ()]
    try:
        with writing() as tx:
            done = give_feedback(tx, StoryId(story_id), said, article_ids=named, now=datetime.now(UTC))
    except FeedbackError as error:
        raise CommandError(str(error)) from error
    tags = ", ".join(f"{tag.kind} {tag.ref}" for tag in done.story.tags) or "no film and no topic"
    console.print(f"story {story_id} is tagged {tags}; {done.withdrawn_count} alerts withdrawn", markup=False)


def _words(kind: FeedbackKind, refs: Refs | None, note: str) -> Iterator[Word]:
    yield from (Word(kind=kind, ref=ref, note=note) for ref in refs or ())


@app.command("list")
def list_feedback(*, limit: Limit = 30, as_json: AsJson = False) -> None:
    """List what was said of stories, newest first."""
    with reading() as tx:
        found = latest_feedback(tx, limit=limit)
    columns = {
        "story": lambda f: f.story_id,
        "article": lambda f: f.article_id or "all",
        "said": say_feedback,
        "by": lambda f: f.said_by,
        "note": lambda f: f.note,
        "when": lambda f: ago(f.said_at),
    }
    show_rows(found, columns, as_json=as_json)


@app.command("export")
def export(
    path: Annotated[Path | None, typer.Argument(help="File to write; without it, to the terminal.")] = None,
) -> None:
    """Write the articles that were judged as labelled data, one JSON line each, as `bench/tags` reads it."""
    with reading() as tx:
        lines = [json.dumps(label_to_line(label), ensure_ascii=False) for label in labels(tx)]
    if path is None:
        typer.echo("\n".join(lines))
        return
    try:
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path} cannot be written ({error.strerror}); give a path that can.") from error
    console.print(f"{len(lines)} labelled articles written to {path}", markup=False)
