"""The reading half of the JSON API below /api/v1: what the pages show, for programs. docs/api.md describes it."""

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Query

from core.values import DeliveryState, FilmId, StoryId, TopicSlug
from crawler.rests import RestBook
from store.delivery_views import latest_deliveries
from store.films import all_topics, search_films
from store.sources import publishers, source_views
from store.story_views import latest_stories, story_detail
from web.answers import (
    DeliveriesAnswer,
    FaultAnswer,
    FilmsAnswer,
    SourcesAnswer,
    StoriesAnswer,
    StoryAnswer,
    StoryDetailAnswer,
    TopicsAnswer,
    answer_delivery,
    answer_film,
    answer_source,
    answer_topic,
    detail_fields,
    story_fields,
)
from web.cards import by_name
from web.filters import StoryFilter
from web.site import Site

MAX_LIMIT = 100
MAX_ID = 2**63 - 1
FAULTS: dict[int | str, dict[str, Any]] = {
    400: {"model": FaultAnswer, "description": "A parameter cannot be read."},
    503: {"model": FaultAnswer, "description": "The database is busy; try again after `Retry-After` seconds."},
}
MISSING: dict[int | str, dict[str, Any]] = {404: {"model": FaultAnswer, "description": "No such story."}}

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many at most.")]


def api_routes(site: Site) -> APIRouter:
    router = APIRouter(prefix="/api/v1", tags=["news"], responses=FAULTS)
    _add_story_routes(router, site)
    _add_state_routes(router, site)
    _add_vocabulary_routes(router, site)
    return router


def _add_story_routes(router: APIRouter, site: Site) -> None:
    base_url = site.settings.base_url

    @router.get("/stories", summary="Latest stories")
    def list_stories(
        film: Annotated[str | None, Query(max_length=200, description="A film id.")] = None,
        topic: Annotated[str | None, Query(max_length=200, description="A topic slug.")] = None,
        production: Annotated[bool, Query(description="Only production news; 0 for all film news.")] = True,
        before: Annotated[int | None, Query(ge=1, le=MAX_ID, description="Only stories older than this id.")] = None,
        limit: Limit = 30,
    ) -> StoriesAnswer:
        wanted = StoryFilter(
            film=FilmId(film) if film else None,
            topic=TopicSlug(topic) if topic else None,
            production=production,
            before=StoryId(before) if before else None,
        )
        with site.store.read() as tx:
            views = latest_stories(
                tx,
                limit=limit + 1,
                before=wanted.before,
                film=wanted.film,
                topic=wanted.topic,
                production_only=production,
            )
            outlets = by_name(publishers(tx))
        shown = views[:limit]
        last = wanted.change(before=shown[-1].story.story_id) if len(views) > limit else None
        return StoriesAnswer(
            stories=[StoryAnswer(**story_fields(view, outlets, base_url=base_url)) for view in shown],
            next=f"{base_url}/api/v1/stories{last.query(limit=limit)}" if last else None,
        )

    @router.get("/stories/{story_id}", summary="One story with its articles and alerts", responses=MISSING)
    def show_story(story_id: Annotated[int, Path(ge=1, le=MAX_ID)]) -> StoryDetailAnswer:
        with site.store.read() as tx:
            detail = story_detail(tx, StoryId(story_id))
            outlets = by_name(publishers(tx))
        if detail is None:
            raise HTTPException(404, "There is no such story here; it may have been cleared away.")
        fields = story_fields(detail.view, outlets, base_url=base_url)
        return StoryDetailAnswer(**fields, **detail_fields(detail))


def _add_state_routes(router: APIRouter, site: Site) -> None:
    @router.get("/sources", summary="Sources and how they answer")
    def list_sources() -> SourcesAnswer:
        with site.store.read() as tx:
            now = site.now()
            views = source_views(tx, now=now, fetch_count=5)
        rests = RestBook(site.settings.shared_dir).look(now=now)
        return SourcesAnswer(sources=[answer_source(view, now, rests) for view in views])

    @router.get("/deliveries", summary="Latest deliveries")
    def list_deliveries(state: DeliveryState | None = None, limit: Limit = 30) -> DeliveriesAnswer:
        with site.store.read() as tx:
            views = latest_deliveries(tx, limit=limit, state=state)
        return DeliveriesAnswer(deliveries=[answer_delivery(view) for view in views])


def _add_vocabulary_routes(router: APIRouter, site: Site) -> None:
    @router.get("/films", summary="Films by title or alias")
    def find_films(
        query: Annotated[str, Query(min_length=1, max_length=200, examples=["harbour"])],
        limit: Limit = 30,
    ) -> FilmsAnswer:
        with site.store.read() as tx:
            films = search_films(tx, query.strip(), limit)
        return FilmsAnswer(films=[answer_film(film) for film in films])

    @router.get("/topics", summary="The topic vocabulary")
    def list_topics() -> TopicsAnswer:
        with site.store.read() as tx:
            return TopicsAnswer(topics=[answer_topic(topic) for topic in all_topics(tx)])
