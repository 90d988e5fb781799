"""`setwire stories`: the latest stories, why each article is in one, and the operator's word on that."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from core.composing import say_correction
from core.facts.telling import say_fact
from core.feedback import say_feedback
from core.values import ArticleId, Feedback, FilmId, Salience, Story, StoryId, TopicSlug
from scheduler.commands.options import AsJson, CommandError, Limit, reading, writing
from scheduler.output import ago, console, in_words, show_fields, show_json, show_rows
from store.corrections import CorrectionError, merge_stories, split_story
from store.links import latest_doubts
from store.stories import latest_stories, story_detail
from store.views import ArticleView, CorrectionView, StoryDetail, StoryView

# What both databases hold.
_Number = Annotated[int, typer.Argument(min=1, max=2**63 - 1, help="The story's number.")]
_Note = Annotated[str, typer.Option("--note", help="Why; `setwire stories show` and the story's page show it.")]

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
def show_story(story_id: _Number, *, as_json: AsJson = False) -> None:
    """Show a story: its articles with the reasons they are in it, tags with evidence, facts, alerts."""
    with reading() as tx:
        detail = story_detail(tx, StoryId(story_id))
    if detail is None:
        raise CommandError(f"There is no story {story_id}; `setwire stories list` shows the latest.")
    if as_json:
        show_json(detail)
        return
    if detail.merged_into is not None:
        console.print(f"story {story_id} was merged into story {detail.merged_into}:", markup=False)
    _print_story(detail)


@app.command("merge")
def merge(
    kept_id: Annotated[int, typer.Argument(metavar="KEPT", min=1, max=2**63 - 1, help="The story that stays.")],
    other_id: Annotated[int, typer.Argument(metavar="OTHER", min=1, max=2**63 - 1, help="The story that joins it.")],
    *,
    note: _Note = "",
) -> None:
    """Put two stories on one event together, for good; nobody is told again. OTHER leads to KEPT from then on."""
    try:
        with writing() as tx:
            made = merge_stories(tx, StoryId(kept_id), StoryId(other_id), note=note, now=datetime.now(UTC))
    except CorrectionError as error:
        raise CommandError(str(error)) from error
    if made is None:
        console.print(f"stories {kept_id} and {other_id} are one already", markup=False)
        return
    went = _say_numbers(made.article_ids)
    console.print(f"story {other_id} is merged into story {kept_id}: {went} went there", markup=False)


@app.command("split")
def split(
    story_id: _Number,
    articles: Annotated[list[int], typer.Argument(metavar="ARTICLE...", min=1, max=2**63 - 1, help="Articles of it.")],
    *,
    note: _Note = "",
) -> None:
    """Part some articles of a story from its others, for good: they report another event.

    Whoever was told of one part only, and asked for the other, is told of that once.
    """
    named = [ArticleId(number) for number in articles]
    try:
        with writing() as tx:
            made = split_story(tx, StoryId(story_id), named, note=note, now=datetime.now(UTC))
    except CorrectionError as error:
        raise CommandError(str(error)) from error
    if made is None:
        console.print(f"story {story_id} is split so already", markup=False)
        return
    moved, kept = (_say_numbers(numbers) for numbers in (made.article_ids, made.rest_ids))
    console.print(f"story {made.other_id} is new and has {moved}; story {story_id} keeps {kept}", markup=False)


def _say_numbers(numbers: tuple[ArticleId, ...]) -> str:
    return f"article{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"


def _print_story(detail: StoryDetail) -> None:
    story = detail.view.story
    show_fields(
        [
            ("story", story.story_id),
            ("headline", story.title),
            ("address", story.url),
            ("first report", f"{story.first_outlet}, article {story.first_article_id}"),
            ("headline from", f"{story.outlet}, article {story.lead_article_id}"),
            ("outlets", f"{story.outlet_count}: {', '.join(detail.view.outlets)}"),
            ("first seen", story.created_at),
            ("production news", "yes" if story.is_production_news else "no"),
        ]
    )
    for tag in story.tags:
        words = "; ".join(f"{e.field}: “{e.words}”" for e in tag.evidence)
        console.print(f"  {tag.kind} {tag.ref} ({tag.salience}, {tag.score:.2f}) {words}", markup=False)
    for correction in detail.corrections:
        console.print(f"  {_say_correction(correction)}", markup=False)
    for word in story.feedback:
        console.print(f"  {_say_word(word)}", markup=False)
    _print_facts(story)
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


def _say_word(word: Feedback) -> str:
    note = f": {word.note}" if word.note else ""
    return f"{word.said_by} said at {in_words(word.said_at)}: {say_feedback(word)}{note}"


def _print_facts(story: Story) -> None:
    if story.facts:
        console.print("\nfacts", style="bold")
    for fact in story.facts:
        said = f"  {fact.film_id}: {say_fact(fact)} ({fact.certainty}) “{fact.sentence}”"
        console.print(said, markup=False)


def _print_article(view: ArticleView) -> None:
    article = view.article
    console.print(f"  {article.article_id}  {article.publisher.name}: {article.title}\n    {article.url}", markup=False)
    if view.assignment is not None:
        reasons = "; ".join(view.assignment.reasons) or "opened the story"
        console.print(f"    {view.assignment.score:.2f} {reasons}", markup=False)
    if view.duplicate is not None:
        console.print(f"    {view.duplicate.score:.2f} {view.duplicate.reason}", markup=False)


def _say_correction(view: CorrectionView) -> str:
    one = view.correction
    done = say_correction(one)
    because = "; ".join(filter(None, (one.note, *one.reasons)))
    return f"{in_words(view.corrected_at)}: {done}{': ' if because else ''}{because}"


def _about(view: StoryView) -> list[str]:
    return [title for _, title, salience in view.films if salience is Salience.ABOUT]
