"""`setwire review`: doubtful links and readers' doubts, for the operator to decide."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from scheduler.commands.options import AsJson, CommandError, Limit, reading, writing
from scheduler.output import ago, console, show_rows
from store.feedback import FeedbackError
from store.reviews import Review, decide, open_reviews

app = typer.Typer(no_args_is_help=True, help="Review: films a story may be about, or readers say it is not about.")

_Number = Annotated[int, typer.Argument(metavar="REVIEW", min=1, max=2**63 - 1, help="The number in the list.")]
_Note = Annotated[str, typer.Option(help="Why, for those who look later.")]


@app.command("list")
def list_reviews(*, limit: Limit = 30, as_json: AsJson = False) -> None:
    """List what waits for a decision: readers' doubts first, then the surest links."""
    with reading() as tx:
        found = open_reviews(tx, limit=limit)
    columns = {
        "review": lambda r: r.review_id,
        "question": _ask,
        "story": lambda r: r.story_id,
        "headline": lambda r: r.story_title,
        "because": lambda r: r.said_by or [f"{e.field}: “{e.words}”" for e in r.evidence],
        "score": lambda r: f"{r.score:.2f}" if r.score else "",
        "since": lambda r: ago(r.raised_at),
    }
    show_rows(found, columns, as_json=as_json)


def _ask(review: Review) -> str:
    return f"wrong film {review.film_id}?" if review.said_by else f"about {review.film_id}?"


@app.command("accept")
def accept(review_id: _Number, *, note: _Note = "") -> None:
    """Agree with a doubt: the story is corrected, as by `setwire feedback correct`."""
    _decide(review_id, is_accepted=True, note=note)


@app.command("reject")
def reject(review_id: _Number, *, note: _Note = "") -> None:
    """Leave the story as it is, and the doubt out of the list."""
    _decide(review_id, is_accepted=False, note=note)


def _decide(review_id: int, *, is_accepted: bool, note: str) -> None:
    try:
        with writing() as tx:
            done = decide(tx, review_id, is_accepted=is_accepted, note=note, now=datetime.now(UTC))
    except FeedbackError as error:
        raise CommandError(str(error)) from error
    if done is None:
        console.print(f"review {review_id} is {'accepted' if is_accepted else 'rejected'}", markup=False)
        return
    said = f"review {review_id} is accepted: story {done.story.story_id} corrected"
    console.print(f"{said}, {done.withdrawn_count} alerts withdrawn", markup=False)
