"""Puts the web application together: pages, API, health, and what guards them."""

from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from urllib.parse import urlsplit

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from config.settings import Settings, load_settings
from store.engine import Store, open_store
from web.api import api_routes
from web.faults import answer_faults
from web.headers import HeadAsGet, OwnNames, SafeHeaders, SmallBodies
from web.health import health_routes
from web.letters import letter_routes
from web.operators import operator_routes
from web.pages import page_routes
from web.site import STATIC, Site
from web.websub import websub_routes

MAX_API_BYTES = 256 * 1024
DESCRIPTION = (
    "What setwire knows: stories on films in the making, how gathering and telling go; and the operator's word."
)


def utc_now() -> datetime:
    return datetime.now(UTC)


def create_app(
    store: Store,
    *,
    settings: Settings,
    heartbeat: Callable[[], float] | None = None,
    now: Callable[[], datetime] = utc_now,
) -> FastAPI:
    """Build the application over an open store, which the caller closes.

    `heartbeat` returns the seconds since the clock last ticked; leave it out where no clock runs in the process.
    """
    site = Site(store=store, settings=settings, now=now, heartbeat=heartbeat)
    app = FastAPI(title="setwire", description=DESCRIPTION, version=version("setwire"), docs_url=None, redoc_url=None)
    app.include_router(page_routes(site))
    app.include_router(api_routes(site))
    app.include_router(operator_routes(site))
    app.include_router(health_routes(site))
    app.include_router(letter_routes(site))
    app.include_router(websub_routes(site))
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_middleware(SmallBodies, max_bytes=MAX_API_BYTES)
    app.add_middleware(OwnNames, hosts=own_hosts(settings))
    app.add_middleware(SafeHeaders)
    app.add_middleware(HeadAsGet)
    answer_faults(app, site)
    return app


def create_app_from_env() -> FastAPI:
    """Build the application from `SETWIRE_…` variables, for `uvicorn --factory` and the web role.

    Raises ConfigError and StoreError with one sentence.
    """
    settings = load_settings()
    return create_app(open_store(settings.database_url), settings=settings)


def own_hosts(settings: Settings) -> list[str]:
    """Name the hosts we answer to: loopback, the address we listen on, and the host of `base_url`."""
    own = {settings.host.lower(), urlsplit(settings.base_url).hostname or ""} - {"", "0.0.0.0", "::"}  # noqa: S104
    return ["127.0.0.1", "localhost", "[::1]", *sorted(f"[{host}]" if ":" in host else host for host in own)]
