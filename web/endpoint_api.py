"""The API of endpoints and of sending again. All of it wants the operator's token; a secret is answered once."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from core.values import DeliveryState, EndpointId, EndpointKind
from store.deliveries import latest_deliveries
from store.engine import Session
from store.subscription_views import EndpointView, endpoint_names, endpoint_views
from web.answers import Answer, DeliveriesAnswer, answer_delivery
from web.asked import LastDeliveryAnswer
from web.gate import CLASHES, NOT_KEPT, UNKNOWN, After, Gate, Limit, cut_page
from web.keeping import owned_now
from web.site import Site
from web.telling import (
    change_endpoint,
    drop_endpoint,
    find_told,
    owe_test,
    renew_secret,
    replay_since,
    send_again,
    take_endpoint,
)
from web.words import masked_address

Name = Annotated[str, Path(max_length=200, description="The endpoint's id.")]


class EndpointQuestion(BaseModel):
    """Where to tell, by the keys of a file. An e-mail address that the operator adds is not asked to confirm."""

    model_config = ConfigDict(strict=True, extra="allow", json_schema_extra={"additionalProperties": False})

    kind: str = Field(description=f"One of {', '.join(EndpointKind)}.", examples=["webhook"], max_length=20)
    address: str = Field(
        description="A URL, an e-mail address, or an Apprise URL.",
        examples=["https://hooks.example/in"],
        max_length=4_096,
    )
    id: str | None = Field(default=None, max_length=100, description="Made up where it is left out.")
    secret: str | None = Field(
        default=None, max_length=200, description="The signing secret of a webhook; made up where it is left out."
    )


class EndpointChange(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    address: str | None = Field(default=None, max_length=4_096, description="Tell another address of the same kind.")
    enabled: bool | None = Field(
        default=None, description="True after it was disabled: tell it again, first what it is owed since."
    )


class EndpointAnswer(Answer):
    """An endpoint; its address is masked."""

    id: str
    kind: EndpointKind
    address: str = Field(examples=["https://hooks.example/…", "a…@example.org"])
    enabled: bool
    disabled_at: datetime | None
    disabled_reason: str
    failing_since_at: datetime | None
    old_secret_until_at: datetime | None = Field(description="Until then the secret that was replaced signs as well.")
    subscriptions: list[str] = Field(description="Ids of those that tell it.")
    from_file: bool = Field(description="Declared in `SETWIRE_SUBSCRIPTIONS_FILE`: it can be changed only there.")
    owed_count: int = Field(description="Deliveries that are not over.")
    last_delivery: LastDeliveryAnswer | None = Field(description="The newest of the last thirty days.")


class NewEndpointAnswer(EndpointAnswer):
    secret: str = Field(description="The signing secret of a webhook; shown this once. Empty for other kinds.")


class SecretAnswer(Answer):
    secret: str = Field(description="Shown this once; for a day the old one signs as well.")


class EndpointsAnswer(Answer):
    endpoints: list[EndpointAnswer] = Field(description="By id.")
    next: str | None = Field(description="Address of the next page; null on the last.")


class DueAnswer(Answer):
    id: str = Field(description="The delivery that is due now (the `webhook-id`).")


class ReplayQuestion(BaseModel):
    """What to send again: since a time, what never arrived, or both; ids and order stay the same."""

    model_config = ConfigDict(extra="forbid")

    endpoint: str | None = Field(default=None, max_length=200, description="An endpoint's id; null for all.")
    since: datetime | None = Field(default=None, description="Made since then (UTC without a zone).")
    missing: bool = Field(default=False, description="Only what never arrived.")


class ReplayAnswer(Answer):
    due_count: int = Field(description="How many are due now; those of a disabled endpoint wait there.")


def endpoint_api(site: Site, gate: Gate) -> APIRouter:
    router = gate.api_router()
    _add_reading(router, site)
    _add_writing(router, site)
    _add_sending(router, site)
    return router


def _add_reading(router: APIRouter, site: Site) -> None:
    @router.get("/endpoints", summary="Endpoints, how they stand and what they are owed")
    def list_endpoints(after: After = "", limit: Limit = 30) -> EndpointsAnswer:
        with site.store.read() as tx:
            chosen, following = cut_page(endpoint_names(tx), after=after, limit=limit)
            views = endpoint_views(tx, chosen, now=site.now())
        return EndpointsAnswer(
            endpoints=[EndpointAnswer(**_fields(view, site)) for view in views],
            next=f"{site.settings.base_url}/api/v1/endpoints?{following}" if following else None,
        )

    @router.get("/endpoints/{endpoint_id}", summary="One endpoint", responses=UNKNOWN)
    def show_endpoint(endpoint_id: Name) -> EndpointAnswer:
        with site.store.read() as tx:
            return EndpointAnswer(**_show(tx, site, endpoint_id))

    @router.get("/endpoints/{endpoint_id}/deliveries", summary="Latest deliveries of an endpoint", responses=UNKNOWN)
    def list_deliveries(
        endpoint_id: Name,
        state: DeliveryState | None = None,
        limit: Limit = 30,
    ) -> DeliveriesAnswer:
        with site.store.read() as tx:
            told = find_told(tx, endpoint_id).endpoint_id
            views = latest_deliveries(tx, limit=limit, state=state, endpoint_id=told)
        return DeliveriesAnswer(deliveries=[answer_delivery(view) for view in views])


def _add_writing(router: APIRouter, site: Site) -> None:
    @router.post("/endpoints", status_code=201, summary="Add an endpoint", responses=CLASHES)
    def add(asked: EndpointQuestion, response: Response) -> NewEndpointAnswer:
        response.headers.update(NOT_KEPT)
        with site.store.write() as tx:
            made = take_endpoint(tx, site, asked.model_dump(exclude_unset=True))
            secret = made.secret if made.kind is EndpointKind.WEBHOOK else ""
            return NewEndpointAnswer(**_show(tx, site, made.endpoint_id), secret=secret)

    @router.patch("/endpoints/{endpoint_id}", summary="Change, disable or enable it", responses=UNKNOWN | CLASHES)
    def change(endpoint_id: Name, asked: EndpointChange) -> EndpointAnswer:
        with site.store.write() as tx:
            change_endpoint(tx, site, endpoint_id, asked.model_dump(exclude_unset=True))
            return EndpointAnswer(**_show(tx, site, endpoint_id))

    @router.post("/endpoints/{endpoint_id}/rotate", summary="Replace the secret", responses=UNKNOWN | CLASHES)
    def rotate(endpoint_id: Name, response: Response) -> SecretAnswer:
        response.headers.update(NOT_KEPT)
        with site.store.write() as tx:
            return SecretAnswer(secret=renew_secret(tx, site, endpoint_id))

    @router.delete(
        "/endpoints/{endpoint_id}", status_code=204, summary="Remove an endpoint", responses=UNKNOWN | CLASHES
    )
    def drop(endpoint_id: Name) -> None:
        with site.store.write() as tx:
            drop_endpoint(tx, site, endpoint_id)


def _add_sending(router: APIRouter, site: Site) -> None:
    @router.post("/endpoints/{endpoint_id}/test", summary="Owe it a test alert", responses=UNKNOWN)
    def test(endpoint_id: Name) -> DueAnswer:
        with site.store.write() as tx:
            return DueAnswer(id=owe_test(tx, site, endpoint_id))

    @router.post("/deliveries/{delivery_id}/redeliver", summary="Send one again", responses=UNKNOWN | CLASHES)
    def redeliver(
        delivery_id: Annotated[str, Path(max_length=200, description="The delivery's id (the `webhook-id`).")],
    ) -> DueAnswer:
        with site.store.write() as tx:
            send_again(tx, site, delivery_id)
        return DueAnswer(id=delivery_id)

    @router.post("/deliveries/replay", summary="Send again since a time, or what never arrived", responses=UNKNOWN)
    def replay(asked: ReplayQuestion) -> ReplayAnswer:
        with site.store.write() as tx:
            count = replay_since(tx, site, endpoint_id=asked.endpoint, since=asked.since, is_missing=asked.missing)
        return ReplayAnswer(due_count=count)


def _show(tx: Session, site: Site, endpoint_id: str) -> dict[str, Any]:
    find_told(tx, endpoint_id)
    [view] = endpoint_views(tx, [EndpointId(endpoint_id)], now=site.now())
    return _fields(view, site)


def _fields(view: EndpointView, site: Site) -> dict[str, Any]:
    one = view.endpoint
    return {
        "id": one.endpoint_id,
        "kind": one.kind,
        "address": masked_address(one.kind, one.address),
        "enabled": one.disabled_at is None,
        "disabled_at": one.disabled_at,
        "disabled_reason": one.disabled_reason,
        "failing_since_at": one.failing_since_at,
        "old_secret_until_at": one.old_secret_until_at,
        "subscriptions": list(view.told_by),
        "from_file": one.endpoint_id in owned_now(site)[1],
        "owed_count": view.owed_count,
        "last_delivery": LastDeliveryAnswer(state=view.last.state, at=view.last.at) if view.last else None,
    }
