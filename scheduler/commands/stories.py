"""`setwire stories`: the latest stories, and why each article is in one."""

from typing import Annotated

import typer

from core.facts.telling import say_fact
from core.feedback import say_feedback
from core.values import FilmId, Salience, StoryId, TopicSlug
from scheduler.commands.options import AsJson, CommandError, Limit, reading
from scheduler.output import ago, console, in_words, show_fields, show_json, show_rows
from store.links import latest_doubts
from store.stories import latest_stories, story_detail
from store.views import ArticleView, StoryDetail, StoryView

app = typer.Typer(no_args_is_help=True, help="Stories: what was grouped, how it was tagged, and why.")


@app.command("list")
def list_stories(
    *,
    film: Annotated[str, typer.Option(help="Only stories tagged with this film id.")] = "",
    topic: Annotated[str, typer.Option(help="Only stories tagged with this topic.")] = "",
    production: Annotated[bool, typer.Option("--production", help="Only production news.")] = False,
    limit: Limit = 30,
    as_json: AsJson = False,
) -> None:
    """List the latest stories, newest first."""
    with reading() as tx:
        stories = latest_stories(
            tx,
            limit=limit,
            film=FilmId(film) if film else None,
            topic=TopicSlug(topic) if topic else None,
            production_only=production,
        )
    columns = {
        "id": lambda v: v.story.story_id,
        "headline": lambda v: v.story.title,
        "outlets": lambda v: v.outlets,
        "films": _about,
        "topics": lambda v: [name for _, name in v.topics],
        "first seen": lambda v: ago(v.story.created_at),
    }
    show_rows(stories, columns, as_json=as_json)


@app.command("doubts")
def list_doubts(*, limit: Limit = 30, as_json: AsJson = False) -> None:
    """List the stories that readers say are not about the film, newest first."""
    with reading() as tx:
        doubts = latest_doubts(tx, limit=limit)
    columns = {
        "story": lambda d: d.story_id,
        "film": lambda d: d.film_id,
        "said by": lambda d: d.endpoint_id,
        "when": lambda d: ago(d.doubted_at),
    }
    show_rows(doubts, columns, as_json=as_json)


@app.command("show")
def show_story(
    story_id: Annotated[int, typer.Argument(help="The story's number.")], *, as_json: AsJson = False
) -> None:
    """Show a story: its articles with the reasons they are in it, tags with evidence, facts, alerts."""
    with reading() as tx:
        detail = story_detail(tx, StoryId(story_id))
    if detail is None:
        raise CommandError(f"There is no story {story_id}; `setwire stories list` shows the latest.")
    if as_json:
        show_json(detail)
        return
    _print_story(detail)


def _print_story(detail: StoryDetail) -> None:
    story = detail.view.story
    show_fields(
        [
            ("story", story.story_id),
            ("headline", story.title),
            ("address", story.url),
            ("outlets", detail.view.outlets),
            ("first seen", story.created_at),
            ("production news", "yes" if story.is_production_news else "no"),
        ]
    )
    for tag in story.tags:
        words = "; ".join(f"{e.field}: “{e.words}”" for e in tag.evidence)
        console.print(f"  {tag.kind} {tag.ref} ({tag.salience}, {tag.score:.2f}) {words}", markup=False)
    for word in story.feedback:
        note = f": {word.note}" if word.note else ""
        console.print(f"  {word.said_by} said at {in_words(word.said_at)}: {say_feedback(word)}{note}", markup=False)
    if story.facts:
        console.print("\nfacts", style="bold")
    for fact in story.facts:
        said = f"  {fact.film_id}: {say_fact(fact)} ({fact.certainty}) “{fact.sentence}”"
        console.print(said, markup=False)
    for heading, articles in (("articles", detail.articles), ("duplicates", detail.duplicates)):
        if articles:
            console.print(f"\n{heading}", style="bold")
        for article in articles:
            _print_article(article)
    if detail.matches:
        console.print("\nalerts", style="bold")
    for match in detail.matches:
        because = "; ".join(match.match.reasons)
        console.print(f"  {match.match.event} → {match.subscription_name}: {because}", markup=False)


def _print_article(view: ArticleView) -> None:
    article = view.article
    console.print(f"  {article.publisher.name}: {article.title}\n    {article.url}", markup=False)
    if view.assignment is not None:
        reasons = "; ".join(view.assignment.reasons) or "opened the story"
        console.print(f"    {view.assignment.score:.2f} {reasons}", markup=False)
    if view.duplicate is not None:
        console.print(f"    {view.duplicate.score:.2f} {view.duplicate.reason}", markup=False)


def _about(view: StoryView) -> list[str]:
    return [title for _, title, salience in view.films if salience is Salience.ABOUT]
