"""Unknown films, by the API and by forms: titles that keep appearing and are in no catalogue."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field

from core.values import FilmId
from store.engine import Session
from store.suggestions import (
    Suggestion,
    SuggestionError,
    accept_suggestion,
    dismiss_suggestion,
    find_suggestion,
    open_suggestions,
)
from web.answers import Answer
from web.gate import CLASHES, REFUSALS, UNKNOWN, Form, Gate, Number, Refusal, say_done
from web.site import Site

_OLDEST, _NEWEST = 1880, 2100


class SuggestionQuestion(BaseModel):
    accept: bool = Field(description="False: never suggest the title again.")
    title: str = Field(default="", max_length=300, description="Its full title, if the suggested one is not.")
    year: int | None = Field(default=None, ge=_OLDEST, le=_NEWEST, description="Its year, if known.")
    id: str = Field(default="", max_length=200, description="Its id; made of title and year where it is left out.")


class SightingAnswer(Answer):
    outlet: str
    url: str
    sentence: str = Field(description="Where the title stands as a film's.")


class SuggestionAnswer(Answer):
    """A title with its evidence. Year and people are guesses from the sentences."""

    id: int
    title: str
    year: int | None
    people: list[str]
    article_count: int
    outlets: list[str]
    days: list[str] = Field(examples=[["2026-05-17", "2026-05-18"]])
    sightings: list[SightingAnswer] = Field(description="The latest, newest last.")
    first_seen_at: datetime
    last_seen_at: datetime
    verdict: str = Field(description="Empty while it is open, else `accepted` or `dismissed`.")


class DecidedAnswer(SuggestionAnswer):
    film_id: str = Field(description="The film that is in the catalogue now; empty if the title was dismissed.")


class SuggestionsAnswer(Answer):
    suggestions: list[SuggestionAnswer] = Field(description="Those of most outlets first, then of most days.")


def suggestion_routes(site: Site, gate: Gate) -> APIRouter:
    router = APIRouter()
    api = APIRouter(prefix="/api/v1/suggestions", tags=["operator"], responses=REFUSALS)

    @api.get("", summary="Unknown films, with the sentences that name them")
    def list_suggestions(limit: Annotated[int, Query(ge=1, le=100)] = 30) -> SuggestionsAnswer:
        with site.store.read() as tx:
            found = open_suggestions(tx, limit=limit)
        return SuggestionsAnswer(suggestions=[_answer(one) for one in found])

    @api.post(
        "/{suggestion_id}",
        summary="Take an unknown film into the catalogue, or dismiss it",
        dependencies=[Depends(gate.check_bearer)],
        responses=UNKNOWN | CLASHES,
    )
    def take_verdict(suggestion_id: Number, asked: SuggestionQuestion) -> DecidedAnswer:
        with site.store.write() as tx:
            film_id = _decide(tx, site, suggestion_id, asked)
            decided = find_suggestion(tx, suggestion_id)
        return DecidedAnswer(**_answer(decided).model_dump(), film_id=film_id or "")

    @router.post("/suggestions/{suggestion_id}", include_in_schema=False)
    def take_form(suggestion_id: Number, form: Annotated[Form, Depends(gate.read_form)]) -> Response:
        asked = SuggestionQuestion(accept=False)
        if form.text("verdict") == "accept":
            asked = SuggestionQuestion(accept=True, title=form.text("title")[:300], year=_read_year(form))
        with site.store.write() as tx:
            film_id = _decide(tx, site, suggestion_id, asked)
        said = f"Film {film_id} is in the catalogue; stories are tagged with it from the next articles on."
        return say_done(site, said if film_id else "That title is not suggested again.", back="/review#unknown")

    router.include_router(api)
    return router


def _read_year(form: Form) -> int | None:
    year = form.number("year")
    if form.text("year") and not (year and _OLDEST <= year <= _NEWEST):
        raise Refusal(400, f"That is no year; write one from {_OLDEST} to {_NEWEST}, or leave it out.")
    return year


def _decide(tx: Session, site: Site, suggestion_id: int, asked: SuggestionQuestion) -> FilmId | None:
    """Return the film, None for a title that was dismissed. Raises Refusal."""
    try:
        if asked.accept:
            return accept_suggestion(
                tx, suggestion_id, title=asked.title, year=asked.year, film_id=asked.id, now=site.now()
            ).film_id
        dismiss_suggestion(tx, suggestion_id, now=site.now())
    except SuggestionError as error:
        raise Refusal(404 if "There is no" in str(error) else 409, str(error)) from error
    return None


def _answer(one: Suggestion) -> SuggestionAnswer:
    return SuggestionAnswer(
        id=one.suggestion_id,
        title=one.title,
        year=one.year,
        people=list(one.people),
        article_count=one.article_count,
        outlets=list(one.outlets),
        days=list(one.days),
        sightings=[SightingAnswer(**sighting) for sighting in one.sightings],
        first_seen_at=one.first_seen_at,
        last_seen_at=one.last_seen_at,
        verdict=one.verdict,
    )
