"""The API of subscriptions: try, add, show, change, mute, remove. All of it wants the operator's token."""

from typing import Annotated

from fastapi import APIRouter, Path

from core.values import SubscriptionId
from store.engine import Session
from store.preview import preview_subscription
from store.subscription_views import subscription_names, subscription_views
from web.asked import (
    MuteQuestion,
    PreviewAnswer,
    PreviewQuestion,
    SubscriptionAnswer,
    SubscriptionQuestion,
    SubscriptionsAnswer,
    answer_preview,
    answer_subscription,
)
from web.gate import CLASHES, UNKNOWN, After, Gate, Limit, cut_page
from web.keeping import (
    change_subscription,
    check_wish,
    drop_subscription,
    find_kept,
    keep_mute,
    owned_now,
    read_asked,
    take_subscription,
)
from web.site import Site

Name = Annotated[str, Path(max_length=200, description="The subscription's id.")]


def subscription_api(site: Site, gate: Gate) -> APIRouter:
    router = gate.api_router()
    _add_reading(router, site)
    _add_writing(router, site)
    return router


def _add_reading(router: APIRouter, site: Site) -> None:
    @router.get("/subscriptions", summary="Subscriptions, and what they were told lately")
    def list_subscriptions(after: After = "", limit: Limit = 30) -> SubscriptionsAnswer:
        with site.store.read() as tx:
            chosen, following = cut_page(subscription_names(tx), after=after, limit=limit)
            views = subscription_views(tx, chosen, now=site.now())
        address = f"{site.settings.base_url}/api/v1/subscriptions?{following}" if following else None
        owned = owned_now(site)[0]
        return SubscriptionsAnswer(subscriptions=[answer_subscription(view, owned) for view in views], next=address)

    @router.get("/subscriptions/{subscription_id}", summary="One subscription", responses=UNKNOWN)
    def show_subscription(subscription_id: Name) -> SubscriptionAnswer:
        with site.store.read() as tx:
            return show(tx, site, subscription_id)

    @router.post("/subscriptions/preview", summary="Try a subscription on the archive; saves nothing")
    def preview(asked: PreviewQuestion) -> PreviewAnswer:
        with site.store.read() as tx:
            subscription = read_asked(tx, {**asked.given(), "id": "preview"}, in_catalogue=True)
            found = preview_subscription(tx, subscription, now=site.now(), days=asked.days)
        return answer_preview(found, limit=asked.limit)


def _add_writing(router: APIRouter, site: Site) -> None:
    @router.post("/subscriptions", status_code=201, summary="Add a subscription", responses=CLASHES)
    def add(asked: SubscriptionQuestion) -> SubscriptionAnswer:
        check_wish(site, asked.given())
        with site.store.write() as tx:
            return show(tx, site, take_subscription(tx, site, asked.given()).subscription_id)

    @router.patch("/subscriptions/{subscription_id}", summary="Change a subscription", responses=UNKNOWN | CLASHES)
    def change(subscription_id: Name, asked: SubscriptionQuestion) -> SubscriptionAnswer:
        check_wish(site, asked.given())
        with site.store.write() as tx:
            return show(tx, site, change_subscription(tx, site, subscription_id, asked.given()).subscription_id)

    @router.post(
        "/subscriptions/{subscription_id}/mutes", summary="Mute a film or topic until a time", responses=UNKNOWN
    )
    def mute(subscription_id: Name, asked: MuteQuestion) -> SubscriptionAnswer:
        with site.store.write() as tx:
            return show(tx, site, keep_mute(tx, site, subscription_id, asked.ref, asked.until).subscription_id)

    @router.delete(
        "/subscriptions/{subscription_id}",
        status_code=204,
        summary="Remove a subscription and cancel what it is owed",
        responses=UNKNOWN | CLASHES,
    )
    def drop(subscription_id: Name) -> None:
        with site.store.write() as tx:
            drop_subscription(tx, site, subscription_id)


def show(tx: Session, site: Site, subscription_id: str) -> SubscriptionAnswer:
    """Raises Refusal for one that is not there."""
    find_kept(tx, subscription_id)
    [view] = subscription_views(tx, [SubscriptionId(subscription_id)], now=site.now())
    return answer_subscription(view, owned_now(site)[0])
