"""`/healthz`: does the database answer, does the clock tick, how far behind is the desk."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from store.engine import Store, StoreError
from store.entries import desk_lag
from web.site import Site

# The clock ticks every second by default; a minute without a tick means that its process is stuck.
STALLED_AFTER_SECONDS = 60.0


def health_routes(site: Site) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get("/healthz", summary="Is this process fit to serve?", responses={503: {"description": "It is not."}})
    def show_health() -> JSONResponse:
        report = check_database(site.store, now=site.now()) | check_clock(site)
        is_well = report["database"] == "ok" and report.get("clock", "ok") == "ok"
        body = {"status": "ok" if is_well else "failing"} | report
        return JSONResponse(body, status_code=200 if is_well else 503, headers={"cache-control": "no-store"})

    return router


def check_database(store: Store, *, now: datetime) -> dict[str, Any]:
    try:
        with store.read() as tx:
            pending_count, lag = desk_lag(tx, now=now)
    except StoreError as error:
        return {"database": str(error)}
    return {"database": "ok", "desk_lag_seconds": round(lag.total_seconds(), 1), "pending": pending_count}


def check_clock(site: Site) -> dict[str, Any]:
    if site.heartbeat is None:
        return {}
    silent = site.heartbeat()
    stalled = silent > max(STALLED_AFTER_SECONDS, 3 * site.settings.tick.total_seconds())
    verdict = f"no tick for {silent:.0f} s" if stalled else "ok"
    return {"clock": verdict, "seconds_since_tick": round(silent, 1)}
