"""Puts two stories together or parts one, by the API and by the forms on the page of a story; for good."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import BaseModel, Field

from core.values import ArticleId, Correction, StoryId
from store.corrections import CorrectionError, merge_stories, split_story
from store.engine import Session
from web.answers import Answer
from web.gate import CLASHES, MAX_ID, UNKNOWN, Form, Gate, Number, Refusal, say_done
from web.site import Site
from web.words import say_count

_MAX_NOTE = 2_000
Note = Annotated[str, Field(default="", max_length=_MAX_NOTE, description="Why; the story's page shows it.")]


class MergeQuestion(BaseModel):
    other: int = Field(
        ge=1, le=MAX_ID, description="The story that joins this one; its number leads here from then on."
    )
    note: Note = ""


class SplitQuestion(BaseModel):
    articles: list[Annotated[int, Field(ge=1, le=MAX_ID)]] = Field(
        min_length=1, max_length=1_000, description="Articles of the story that report another event."
    )
    note: Note = ""


class RegroupAnswer(Answer):
    changed: bool = Field(description="False: it was so already.")
    story_id: int = Field(description="The story that keeps its number.")
    other_id: int | None = Field(description="The story that went into it, or the new one; null if nothing changed.")
    moved: list[int] = Field(description="The articles that went into the kept story, or into the new one.")
    kept: list[int] = Field(description="The other articles of the story that keeps its number.")


def regroup_routes(site: Site, gate: Gate) -> APIRouter:
    router = APIRouter()
    _add_api(router, site, gate)
    _add_forms(router, site, gate)
    return router


def _add_api(router: APIRouter, site: Site, gate: Gate) -> None:
    api = gate.api_router()

    @api.post("/stories/{story_id}/merge", summary="Put two stories together", responses=UNKNOWN | CLASHES)
    def merge(story_id: Number, asked: MergeQuestion) -> RegroupAnswer:
        with site.store.write() as tx:
            return _answer(story_id, _merge(tx, site, story_id, asked))

    @api.post("/stories/{story_id}/split", summary="Part articles from a story", responses=UNKNOWN | CLASHES)
    def split(story_id: Number, asked: SplitQuestion) -> RegroupAnswer:
        with site.store.write() as tx:
            return _answer(story_id, _split(tx, site, story_id, asked))

    router.include_router(api)


def _add_forms(router: APIRouter, site: Site, gate: Gate) -> None:
    @router.post("/stories/{story_id}/merge", include_in_schema=False)
    def take_merge(story_id: Number, form: Annotated[Form, Depends(gate.read_form)]) -> Response:
        other = form.number("other")
        if other is None:
            raise Refusal(400, "Name the story that joins this one by its number; it stands in its address.")
        asked = MergeQuestion(other=other, note=form.text("note")[:_MAX_NOTE])
        with site.store.write() as tx:
            made = _merge(tx, site, story_id, asked)
        return say_done(site, _say_merge(story_id, asked.other, made), back=f"/stories/{story_id}")

    @router.post("/stories/{story_id}/split", include_in_schema=False)
    def take_split(story_id: Number, form: Annotated[Form, Depends(gate.read_form)]) -> Response:
        articles = form.numbers("article")
        if not articles:
            raise Refusal(400, "Tick the articles that report another event.")
        asked = SplitQuestion(articles=articles, note=form.text("note")[:_MAX_NOTE])
        with site.store.write() as tx:
            made = _split(tx, site, story_id, asked)
        return say_done(site, _say_split(story_id, made), back=f"/stories/{made.other_id if made else story_id}")


def _merge(tx: Session, site: Site, story_id: int, asked: MergeQuestion) -> Correction | None:
    try:
        return merge_stories(tx, StoryId(story_id), StoryId(asked.other), note=asked.note, now=site.now())
    except CorrectionError as error:
        raise _refuse(error) from error


def _split(tx: Session, site: Site, story_id: int, asked: SplitQuestion) -> Correction | None:
    named = [ArticleId(number) for number in asked.articles]
    try:
        return split_story(tx, StoryId(story_id), named, note=asked.note, now=site.now())
    except CorrectionError as error:
        raise _refuse(error) from error


def _refuse(error: CorrectionError) -> Refusal:
    return Refusal(404 if "There is no" in str(error) else 409, str(error))


def _answer(story_id: int, made: Correction | None) -> RegroupAnswer:
    if made is None:
        return RegroupAnswer(changed=False, story_id=story_id, other_id=None, moved=[], kept=[])
    return RegroupAnswer(
        changed=True,
        story_id=made.story_id,
        other_id=made.other_id,
        moved=list(made.article_ids),
        kept=list(made.rest_ids),
    )


def _say_merge(story_id: int, other: int, made: Correction | None) -> str:
    if made is None:
        return f"Stories {story_id} and {other} are one already."
    return f"Story {other} is part of story {story_id} now; {say_count(len(made.article_ids), 'article')} went there."


def _say_split(story_id: int, made: Correction | None) -> str:
    if made is None:
        return f"Story {story_id} is split so already."
    moved = say_count(len(made.article_ids), "article")
    return f"Story {made.other_id} is new and has {moved}; story {story_id} keeps {len(made.rest_ids)}."
