"""What the operator says of stories, on pages and by the API: corrections of tags, and verdicts on reviews."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, Field

from core.feedback import say_feedback
from core.values import ArticleId, Feedback, FeedbackKind, ReviewCause, StoryId
from store.engine import Session
from store.feedback import Corrected, FeedbackError, Word, give_feedback, story_feedback
from store.films import all_topics
from store.reviews import Review, decide, find_review, open_reviews
from store.suggestions import open_suggestions
from web.answers import Answer, EvidenceAnswer
from web.gate import MAX_ID, REFUSALS, UNKNOWN, Form, Gate, Number, say_done
from web.site import Site

_SHOWN = 100


class WordQuestion(BaseModel):
    """One word on a story: `ref` is the film's id or the topic's slug, empty for `news` and `not-news`."""

    kind: FeedbackKind
    ref: str = Field(default="", max_length=200)
    note: str = Field(default="", max_length=2_000)


class FeedbackQuestion(BaseModel):
    """What somebody says of a story, or of the named articles of it."""

    words: list[WordQuestion] = Field(min_length=1, max_length=20)
    articles: list[Annotated[int, Field(ge=1, le=MAX_ID)]] = Field(default=[], max_length=100)


class VerdictQuestion(BaseModel):
    accept: bool
    note: str = Field(default="", max_length=2_000)


class WordAnswer(Answer):
    kind: FeedbackKind
    ref: str
    article_id: int | None = Field(description="Null for the whole story.")
    says: str = Field(examples=["not about the film harbour-lights"])
    note: str
    said_by: str
    said_at: str


class FeedbackAnswer(Answer):
    story_id: int
    feedback: list[WordAnswer] = Field(description="Oldest first.")
    withdrawn: int = Field(description="Alerts that were cancelled by this word; 0 for a question.")


class ReviewAnswer(Answer):
    """Is this story about this film? A `link` is a film named too unsurely, a `reader` says that it is wrong."""

    id: int
    cause: ReviewCause
    story_id: int
    story: str
    film_id: str
    film: str
    score: float
    evidence: list[EvidenceAnswer]
    raised_at: str
    verdict: str = Field(description="Empty while it is open, else `accepted` or `rejected`.")


class ReviewsAnswer(Answer):
    reviews: list[ReviewAnswer]


def verdict_routes(site: Site, gate: Gate) -> APIRouter:
    router = APIRouter()
    _add_feedback(router, site, gate)
    _add_reviews(router, site, gate)
    _add_pages(router, site, gate)
    return router


def _add_feedback(router: APIRouter, site: Site, gate: Gate) -> None:
    api = APIRouter(prefix="/api/v1/stories/{story_id}/feedback", tags=["operator"], responses=REFUSALS | UNKNOWN)

    @api.get("", summary="What was said of a story")
    def show_feedback(story_id: Number) -> FeedbackAnswer:
        with site.store.read() as tx:
            words = story_feedback(tx, StoryId(story_id))
        return FeedbackAnswer(story_id=story_id, feedback=[_answer_word(word) for word in words], withdrawn=0)

    @api.post("", summary="Correct what a story is about", dependencies=[Depends(gate.check_bearer)])
    def take_feedback(story_id: Number, said: FeedbackQuestion) -> FeedbackAnswer:
        words = [Word(kind=word.kind, ref=word.ref, note=word.note) for word in said.words]
        with site.store.write() as tx:
            done = _correct(tx, site, StoryId(story_id), words, [ArticleId(n) for n in said.articles])
            kept = story_feedback(tx, StoryId(story_id))
        return FeedbackAnswer(
            story_id=story_id, feedback=[_answer_word(word) for word in kept], withdrawn=done.withdrawn_count
        )

    router.include_router(api)


def _add_reviews(router: APIRouter, site: Site, gate: Gate) -> None:
    api = APIRouter(prefix="/api/v1/reviews", tags=["operator"], responses=REFUSALS | UNKNOWN)

    @api.get("", summary="What waits for the operator")
    def list_reviews(limit: Annotated[int, Query(ge=1, le=_SHOWN)] = 30) -> ReviewsAnswer:
        with site.store.read() as tx:
            return ReviewsAnswer(reviews=[_answer_review(review) for review in open_reviews(tx, limit=limit)])

    @api.get("/{review_id}", summary="One question to the operator")
    def show_review(review_id: Number) -> ReviewAnswer:
        with site.store.read() as tx:
            review = find_review(tx, review_id)
        if review is None:
            raise HTTPException(404, "There is no such review here; it may have expired.")
        return _answer_review(review)

    @api.post("/{review_id}", summary="Accept or reject a doubt", dependencies=[Depends(gate.check_bearer)])
    def take_verdict(review_id: Number, verdict: VerdictQuestion) -> ReviewAnswer:
        with site.store.write() as tx:
            review = _decide(tx, site, review_id, is_accepted=verdict.accept, note=verdict.note)
        return _answer_review(review)

    router.include_router(api)


def _add_pages(router: APIRouter, site: Site, gate: Gate) -> None:
    @router.get("/review", include_in_schema=False)
    def show_reviews() -> HTMLResponse:
        with site.store.read() as tx:
            reviews = open_reviews(tx, limit=_SHOWN)
            unknown = open_suggestions(tx, limit=_SHOWN)
        return site.render("review.html", here="review", reviews=reviews, unknown=unknown, is_open=site.has_operator)

    @router.get("/stories/{story_id}/correct", include_in_schema=False)
    def show_form(story_id: Number) -> HTMLResponse:
        with site.store.read() as tx:
            words = story_feedback(tx, StoryId(story_id))
            topics = all_topics(tx)
        said = [{"says": say_feedback(word), "note": word.note, "at": word.said_at} for word in words]
        return site.render("correct.html", story_id=story_id, said=said, topics=topics, is_open=site.has_operator)

    @router.post("/stories/{story_id}/correct", include_in_schema=False)
    def take_form(story_id: Number, form: Annotated[Form, Depends(gate.read_form)]) -> Response:
        try:
            kind = FeedbackKind(form.text("kind"))
        except ValueError:
            raise HTTPException(400, "Choose what is wrong with the story.") from None
        word = Word(kind=kind, ref=form.text("ref"), note=form.text("note"))
        with site.store.write() as tx:
            done = _correct(tx, site, StoryId(story_id), [word])
        said = f"Story {story_id} is corrected; {done.withdrawn_count} alerts were withdrawn."
        return say_done(site, said, back=f"/stories/{story_id}")

    @router.post("/review/{review_id}", include_in_schema=False)
    def take_review(review_id: Number, form: Annotated[Form, Depends(gate.read_form)]) -> Response:
        is_accepted = form.text("verdict") == "accept"
        with site.store.write() as tx:
            review = _decide(tx, site, review_id, is_accepted=is_accepted)
        return say_done(site, f"The doubt on story {review.story_id} is {review.verdict}.", back="/review")


def _correct(
    tx: Session, site: Site, story_id: StoryId, words: Sequence[Word], article_ids: Sequence[ArticleId] = ()
) -> Corrected:
    try:
        return give_feedback(tx, story_id, words, article_ids=article_ids, now=site.now())
    except FeedbackError as error:
        raise HTTPException(404 if "There is no" in str(error) else 400, str(error)) from error


def _decide(tx: Session, site: Site, review_id: int, *, is_accepted: bool, note: str = "") -> Review:
    try:
        decide(tx, review_id, is_accepted=is_accepted, note=note, now=site.now())
    except FeedbackError as error:
        raise HTTPException(404 if "There is no" in str(error) else 409, str(error)) from error
    review = find_review(tx, review_id)
    assert review is not None
    return review


def _answer_word(word: Feedback) -> WordAnswer:
    return WordAnswer(
        kind=word.kind,
        ref=word.ref,
        article_id=word.article_id or None,
        says=say_feedback(word),
        note=word.note,
        said_by=word.said_by,
        said_at=word.said_at.isoformat(),
    )


def _answer_review(review: Review) -> ReviewAnswer:
    return ReviewAnswer(
        id=review.review_id,
        cause=review.cause,
        story_id=review.story_id,
        story=review.story_title,
        film_id=review.film_id,
        film=review.film_title,
        score=review.score,
        evidence=[EvidenceAnswer(field=one.field, words=one.words) for one in review.evidence],
        raised_at=review.raised_at.isoformat(),
        verdict=review.verdict,
    )
