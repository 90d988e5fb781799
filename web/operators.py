"""What an operator does on pages and by the API: corrections and reviews. Only with the operator's token.

The pages ask for the token in each form, so that no other site can make a browser send it.
"""

import hmac
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Header, HTTPException, Path, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, Field

from core.feedback import say_feedback
from core.values import ArticleId, Feedback, FeedbackKind, ReviewCause, StoryId
from store.engine import Session
from store.feedback import Corrected, FeedbackError, Word, give_feedback, story_feedback
from store.films import all_topics
from store.reviews import Review, decide, find_review, open_reviews
from web.answers import Answer, EvidenceAnswer
from web.limits import Allowance
from web.site import Site

_MAX_FORM_BYTES = 8_192
_MAX_ID = 2**63 - 1
_SHOWN = 100
_CLOSED = "Nobody may correct anything here: the operator has set no SETWIRE_OPERATOR_TOKEN."
_REFUSED = "That is not the operator's token; it is the value of SETWIRE_OPERATOR_TOKEN."


class WordQuestion(BaseModel):
    """One word on a story: `ref` is the film's id or the topic's slug, empty for `news` and `not-news`."""

    kind: FeedbackKind
    ref: str = Field(default="", max_length=200)
    note: str = Field(default="", max_length=2_000)


class FeedbackQuestion(BaseModel):
    """What somebody says of a story, or of the named articles of it."""

    words: list[WordQuestion] = Field(min_length=1, max_length=20)
    articles: list[int] = Field(default=[], max_length=100)


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


class Gate:
    """Lets the operator in, by the token, and nobody guess it: twenty tries in ten minutes."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._tries = Allowance(most=20, per=timedelta(minutes=10))

    def check(self, token: str, client: str) -> None:
        """Raise HTTPException unless the token is the operator's."""
        expected = self._site.settings.operator_token.get_secret_value()
        if not expected:
            raise HTTPException(403, _CLOSED)
        if hmac.compare_digest(token.encode(), expected.encode()):
            return
        if not self._tries.take(client, now=self._site.now()):
            raise HTTPException(429, "That was tried too often; please wait ten minutes.", {"retry-after": "600"})
        raise HTTPException(403, _REFUSED)


def operator_routes(site: Site) -> APIRouter:
    gate = Gate(site)
    router = APIRouter()
    _add_api(router, site, gate)
    _add_pages(router, site, gate)
    return router


def _client(request: Request) -> str:
    return request.client.host if request.client else ""


def _bearer(authorization: str) -> str:
    return authorization.removeprefix("Bearer ").strip()


_StoryId = Annotated[int, Path(ge=1, le=_MAX_ID)]
_Authorization = Annotated[str, Header(description="`Bearer` and the operator's token.")]


def _add_api(router: APIRouter, site: Site, gate: Gate) -> None:
    @router.get("/api/v1/stories/{story_id}/feedback", tags=["operator"], summary="What was said of a story")
    def show_feedback(story_id: _StoryId) -> FeedbackAnswer:
        with site.store.read() as tx:
            words = story_feedback(tx, StoryId(story_id))
        return FeedbackAnswer(story_id=story_id, feedback=[_answer_word(word) for word in words], withdrawn=0)

    @router.post("/api/v1/stories/{story_id}/feedback", tags=["operator"], summary="Correct what a story is about")
    def take_feedback(
        story_id: _StoryId, said: FeedbackQuestion, request: Request, authorization: _Authorization = ""
    ) -> FeedbackAnswer:
        gate.check(_bearer(authorization), _client(request))
        words = [Word(kind=word.kind, ref=word.ref, note=word.note) for word in said.words]
        with site.store.write() as tx:
            done = _correct(tx, site, StoryId(story_id), words, [ArticleId(n) for n in said.articles])
            kept = story_feedback(tx, StoryId(story_id))
        return FeedbackAnswer(
            story_id=story_id, feedback=[_answer_word(word) for word in kept], withdrawn=done.withdrawn_count
        )

    @router.get("/api/v1/reviews", tags=["operator"], summary="What waits for the operator")
    def list_reviews(limit: Annotated[int, Query(ge=1, le=_SHOWN)] = 30) -> ReviewsAnswer:
        with site.store.read() as tx:
            return ReviewsAnswer(reviews=[_answer_review(review) for review in open_reviews(tx, limit=limit)])

    @router.get("/api/v1/reviews/{review_id}", tags=["operator"], summary="One question to the operator")
    def show_review(review_id: _StoryId) -> ReviewAnswer:
        with site.store.read() as tx:
            review = find_review(tx, review_id)
        if review is None:
            raise HTTPException(404, "There is no such review here; it may have expired.")
        return _answer_review(review)

    @router.post("/api/v1/reviews/{review_id}", tags=["operator"], summary="Accept or reject a doubt")
    def take_verdict(
        review_id: _StoryId, verdict: VerdictQuestion, request: Request, authorization: _Authorization = ""
    ) -> ReviewAnswer:
        gate.check(_bearer(authorization), _client(request))
        with site.store.write() as tx:
            review = _decide(tx, site, review_id, is_accepted=verdict.accept, note=verdict.note)
        return _answer_review(review)


def _add_pages(router: APIRouter, site: Site, gate: Gate) -> None:
    @router.get("/review", include_in_schema=False)
    def show_reviews() -> HTMLResponse:
        with site.store.read() as tx:
            reviews = open_reviews(tx, limit=_SHOWN)
        is_open = bool(site.settings.operator_token.get_secret_value())
        return site.render("review.html", here="review", reviews=reviews, is_open=is_open)

    @router.get("/stories/{story_id}/correct", include_in_schema=False)
    def show_form(story_id: _StoryId) -> HTMLResponse:
        with site.store.read() as tx:
            words = story_feedback(tx, StoryId(story_id))
            topics = all_topics(tx)
        said = [{"says": say_feedback(word), "note": word.note, "at": word.said_at} for word in words]
        is_open = bool(site.settings.operator_token.get_secret_value())
        return site.render("correct.html", story_id=story_id, said=said, topics=topics, is_open=is_open)

    @router.post("/stories/{story_id}/correct", include_in_schema=False)
    async def take_form(story_id: _StoryId, request: Request) -> Response:
        fields = await _read_form(request)
        gate.check(fields.get("token", ""), _client(request))
        try:
            kind = FeedbackKind(fields.get("kind", ""))
        except ValueError:
            raise HTTPException(400, "Choose what is wrong with the story.") from None
        word = Word(kind=kind, ref=fields.get("ref", "").strip(), note=fields.get("note", "").strip())
        with site.store.write() as tx:
            done = _correct(tx, site, StoryId(story_id), [word])
        return _say(site, f"Story {story_id} is corrected; {done.withdrawn_count} alerts were withdrawn.")

    @router.post("/review/{review_id}", include_in_schema=False)
    async def take_review(review_id: _StoryId, request: Request) -> Response:
        fields = await _read_form(request)
        gate.check(fields.get("token", ""), _client(request))
        is_accepted = fields.get("verdict") == "accept"
        with site.store.write() as tx:
            review = _decide(tx, site, review_id, is_accepted=is_accepted)
        return _say(site, f"The doubt on story {review.story_id} is {review.verdict}.")


def _say(site: Site, sentence: str) -> HTMLResponse:
    return site.render("link.html", title="Thank you", sentence=sentence, button="")


async def _read_form(request: Request) -> dict[str, str]:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_FORM_BYTES:
            raise HTTPException(413, "That is too long for a correction.")
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10)
    except ValueError:
        raise HTTPException(400, "That is no form of ours.") from None
    return {name: values[0] for name, values in fields.items()}


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
