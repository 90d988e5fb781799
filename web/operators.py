"""Puts together what only the operator may do on pages and by the API; every part asks the same gate."""

from fastapi import APIRouter

from web.endpoint_api import endpoint_api
from web.gate import Gate
from web.regrouping import regroup_routes
from web.site import Site
from web.subscription_api import subscription_api
from web.subscription_pages import subscription_pages
from web.suggestions import suggestion_routes
from web.verdicts import verdict_routes


def operator_routes(site: Site) -> APIRouter:
    gate = Gate(site)
    router = APIRouter()
    for routes in (
        verdict_routes,
        suggestion_routes,
        regroup_routes,
        subscription_api,
        endpoint_api,
        subscription_pages,
    ):
        router.include_router(routes(site, gate))
    return router
