"""The pages people read: latest stories, one story, films, status. Each reads one snapshot and fills one template."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from core.values import DeliveryState, FilmId, StoryId, TopicSlug
from crawler.rests import RestBook
from store.catalogue import all_syncs, count_records
from store.deliveries import delivery_counts, next_due_at
from store.delivery_views import latest_deliveries
from store.engine import Session
from store.entries import desk_lag, gathered_since
from store.films import all_topics, count_films, find_film, search_films
from store.sources import all_sources, publishers, source_views
from store.story_views import latest_stories, story_detail
from store.views import DeliveryView
from web.board import make_figures, make_source_rows, make_state_counts, make_sync_rows
from web.cards import (
    by_name,
    make_alert_cards,
    make_article_cards,
    make_card,
    make_correction_cards,
    make_delivery_card,
    make_fact_lines,
    split_days,
)
from web.filters import StoryFilter
from web.site import Site
from web.standing import PostStanding, explain_silence, give_verdict, weigh_sources

PAGE_SIZE = 30
FAILURES_SHOWN = 10
FILMS_SHOWN = 50
STRIP_LENGTH = 20
MAX_ID = 2**63 - 1

TextParameter = Annotated[str, Query(max_length=200)]
IdParameter = Annotated[int | None, Query(ge=1, le=MAX_ID)]


def page_routes(site: Site) -> APIRouter:
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    @router.get("/")
    def show_stories(
        film: TextParameter = "",
        topic: TextParameter = "",
        production: bool = True,
        before: IdParameter = None,
    ) -> HTMLResponse:
        wanted = StoryFilter(
            film=FilmId(film) if film else None,
            topic=TopicSlug(topic) if topic else None,
            production=production,
            before=StoryId(before) if before else None,
        )
        with site.store.read() as tx:
            context = read_wire(tx, wanted, site)
        return site.render("stories.html", **context)

    @router.get("/stories/{story_id}")
    def show_story(story_id: int) -> Response:
        with site.store.read() as tx:
            detail = story_detail(tx, StoryId(story_id)) if 0 < story_id <= MAX_ID else None
            outlets = by_name(publishers(tx))
        if detail is None:
            raise HTTPException(404, "There is no such story here; it may have been cleared away.")
        if detail.merged_into is not None:
            return RedirectResponse(f"{site.root}/stories/{detail.merged_into}", status_code=302)
        return site.render(
            "story.html",
            filter=StoryFilter(),
            card=make_card(detail.view, outlets),
            facts=make_fact_lines(detail),
            articles=make_article_cards(detail),
            alerts=make_alert_cards(detail),
            corrections=make_correction_cards(detail),
            is_open=site.has_operator,
        )

    @router.get("/films")
    def show_films(query: TextParameter = "") -> HTMLResponse:
        query = query.strip()
        with site.store.read() as tx:
            films = search_films(tx, query, FILMS_SHOWN) if query else []
            film_count = count_films(tx)
        wanted = StoryFilter(production=False)
        return site.render("films.html", here="films", query=query, films=films, film_count=film_count, filter=wanted)

    @router.get("/status")
    def show_status() -> HTMLResponse:
        with site.store.read() as tx:
            context = read_status(tx, site)
        return site.render("status.html", here="status", **context)

    return router


def read_wire(tx: Session, wanted: StoryFilter, site: Site) -> dict[str, Any]:
    """Read what the front page shows; one story more than a page tells whether there are older ones."""
    now = site.now()
    views = latest_stories(
        tx,
        limit=PAGE_SIZE + 1,
        before=wanted.before,
        film=wanted.film,
        topic=wanted.topic,
        production_only=wanted.production,
    )
    names = by_name(publishers(tx))
    cards = [make_card(view, names) for view in views[:PAGE_SIZE]]
    topics = all_topics(tx)
    film = find_film(tx, wanted.film) if wanted.film else None
    film_title = film.title if film else wanted.film
    topic_name = next((topic.name for topic in topics if topic.slug == wanted.topic), wanted.topic)
    has_older = len(views) > PAGE_SIZE
    return {
        "here": "stories",
        "heading": say_heading(wanted, film_title, topic_name),
        "filter": wanted,
        "film_title": film_title,
        "topic_name": topic_name,
        "topics": [
            {"slug": topic.slug, "name": topic.name, "words": ()}
            for topic in topics
            if topic.is_production or not wanted.production
        ],
        "days": split_days(cards, now),
        "newest": cards[0].id if cards else 0,
        "fresh_url": "" if wanted.before else f"{site.root}/api/v1/stories{wanted.query(limit=1)}",
        "older_url": f"{site.root}/{wanted.change(before=cards[-1].id).query()}" if has_older else "",
        "newer_url": f"{site.root}/{wanted.change().query()}" if wanted.before else "",
        "nothing": say_nothing(wanted),
        "silence": explain_silence(weigh_sources(all_sources(tx)), now),
    }


def say_heading(wanted: StoryFilter, film_title: str | None, topic_name: str | None) -> str:
    subject = ": ".join(filter(None, (film_title, topic_name)))
    return subject or ("Latest production news" if wanted.production else "Latest film news")


def say_nothing(wanted: StoryFilter) -> str:
    if wanted.before:
        return "There are no older stories."
    if wanted.film or wanted.topic:
        return "No story carries these tags yet."
    return "No story yet. The first appears as soon as a source reports one."


def read_status(tx: Session, site: Site) -> dict[str, Any]:
    now = site.now()
    sources = source_views(tx, now=now, fetch_count=STRIP_LENGTH)
    standing = weigh_sources([(view.source, view.state) for view in sources])
    counts = delivery_counts(tx)
    pending_count, lag = desk_lag(tx, now=now)
    owed = PostStanding(
        pending_count=pending_count,
        desk_lag=lag,
        next_due_at=next_due_at(tx),
        has_deliveries=any(counts.values()),
    )
    return {
        "verdict": give_verdict(standing, owed, now),
        "silence": explain_silence(standing, now),
        "sources": make_source_rows(sources, now, rests=RestBook(site.settings.shared_dir).look(now=now)),
        "figures": make_figures(owed, gathered_since(tx, now - timedelta(hours=24))),
        "syncs": make_sync_rows(all_syncs(tx), count_records(tx), now),
        "states": make_state_counts(counts),
        "failures": [make_delivery_card(view) for view in read_failures(tx)],
    }


def read_failures(tx: Session) -> list[DeliveryView]:
    """Read the latest deliveries in trouble, newest first."""
    states = (DeliveryState.UNDELIVERABLE, DeliveryState.RETRYING)
    views = [view for state in states for view in latest_deliveries(tx, limit=FAILURES_SHOWN, state=state)]
    return sorted(views, key=lambda view: view.delivery.created_at, reverse=True)[:FAILURES_SHOWN]
