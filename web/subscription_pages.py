"""The page of subscriptions: what the operator asked for, a form to try and save words, and what can be clicked."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from fastapi.responses import HTMLResponse, Response

from core.values import Cadence, EndpointKind, EventType, Salience
from store.engine import Session
from store.preview import preview_subscription
from store.subscriptions import endpoint_at
from web.gate import NOT_KEPT, Form, Gate, Refusal
from web.keeping import (
    change_subscription,
    check_wish,
    drop_subscription,
    find_kept,
    keep_mute,
    read_asked,
    take_subscription,
)
from web.site import Site
from web.subscription_cards import ALERTS_SHOWN, read_listing, say_preview
from web.telling import change_endpoint, owe_test, renew_secret, replay_since, take_endpoint

DAYS_TRIED = 28
_FIELDS = ("query", "film", "topic", "name", "endpoint", "address", "cadence")
_TICKS = ("mentions", "everything", "updates")
_Name = Annotated[str, Path(max_length=200)]


def subscription_pages(site: Site, gate: Gate) -> APIRouter:
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    _add_form(router, site, gate)
    _add_clicks(router, site, gate)
    return router


def _add_form(router: APIRouter, site: Site, gate: Gate) -> None:
    @router.get("/subscriptions")
    def show_page() -> Response:
        return _page(site)

    @router.post("/subscriptions")
    def take_form(form: Annotated[Form, Depends(gate.read_form)]) -> Response:
        wish = _keep_fields(form)
        try:
            if form.text("do") == "save":
                return _save(site, form)
            with site.store.read() as tx:
                subscription = read_asked(tx, {**_read_wish(form), "id": "preview"}, in_catalogue=True)
                found = preview_subscription(tx, subscription, now=site.now(), days=DAYS_TRIED)
            return _page(site, wish=wish, trial={"says": say_preview(found), "alerts": found.alerts[:ALERTS_SHOWN]})
        except Refusal as refusal:
            fault = {"says": refusal.detail, "pointer": _point(refusal)}
            return _page(site, status=refusal.status_code, wish=wish, fault=fault)


def _point(refusal: Refusal) -> str:
    """Show the query with a caret below its mistake, without the sentence; empty for another mistake."""
    pointer = str(refusal.more.get("pointer", ""))
    line, _, below = pointer.rpartition("\n")
    return f"{line}\n{below[: below.find('^') + 1]}" if pointer else ""


def _save(site: Site, form: Form) -> Response:
    check_wish(site, _read_wish(form))
    with site.store.write() as tx:
        endpoint_id, secret = _choose_endpoint(tx, site, form)
        record = _read_wish(form) | {"name": form.text("name"), "cadence": form.text("cadence") or None}
        made = take_subscription(tx, site, {**record, "endpoints": [endpoint_id] if endpoint_id else []})
    return _page(site, done=f"Saved: {made.name} is told from now on.", secret=secret)


def _choose_endpoint(tx: Session, site: Site, form: Form) -> tuple[str, str]:
    """Return the id of the endpoint that was chosen or whose address was written, and the secret of a new one."""
    address = form.text("address")
    if not address:
        return form.text("endpoint"), ""
    kind = _guess_kind(address)
    known = endpoint_at(tx, kind, address)
    if known is not None:
        return known.endpoint_id, ""
    made = take_endpoint(tx, site, {"kind": str(kind), "address": address})
    return made.endpoint_id, made.secret


def _guess_kind(address: str) -> EndpointKind:
    if address.lower().startswith(("http://", "https://")):
        return EndpointKind.WEBHOOK
    return EndpointKind.CHAT if "://" in address else EndpointKind.EMAIL


def _read_wish(form: Form) -> dict[str, Any]:
    """Read what is asked for by the keys of a file."""
    return {
        "query": form.text("query"),
        "films": [form.text("film")] if form.text("film") else [],
        "topics": [form.text("topic")] if form.text("topic") else [],
        "saliences": [str(Salience.ABOUT), *([str(Salience.MENTIONS)] if form.text("mentions") else [])],
        "events": [str(EventType.STORY_CREATED), *([str(EventType.STORY_UPDATED)] if form.text("updates") else [])],
        "production_only": not form.text("everything"),
    }


def _keep_fields(form: Form) -> dict[str, Any]:
    return {name: form.text(name) for name in _FIELDS} | {name: bool(form.text(name)) for name in _TICKS}


def _add_clicks(router: APIRouter, site: Site, gate: Gate) -> None:
    @router.post("/subscriptions/{subscription_id}")
    def click_subscription(subscription_id: _Name, form: Annotated[Form, Depends(gate.read_form)]) -> Response:
        with site.store.write() as tx:
            done = _act_on_subscription(tx, site, subscription_id, form)
        return _page(site, done=done)

    @router.post("/endpoints/{endpoint_id}")
    def click_endpoint(endpoint_id: _Name, form: Annotated[Form, Depends(gate.read_form)]) -> Response:
        with site.store.write() as tx:
            done, secret = _act_on_endpoint(tx, site, endpoint_id, form)
        return _page(site, done=done, secret=secret)


def _act_on_subscription(tx: Session, site: Site, name: str, form: Form) -> str:
    """Do what was clicked and say it. Raises Refusal."""
    known = find_kept(tx, name)
    match form.text("do"):
        case "pause":
            change_subscription(tx, site, name, {"enabled": False})
            return f"{known.name} is paused; what is owed is still told."
        case "resume":
            change_subscription(tx, site, name, {"enabled": True})
            return f"{known.name} is taken up again."
        case "remove":
            drop_subscription(tx, site, name)
            return f"{known.name} is removed; what it was told stays on record."
        case "test":
            for endpoint_id in known.endpoints:
                owe_test(tx, site, endpoint_id)
            return f"A test alert is due now to each endpoint of {known.name}."
        case "mute":
            until = _read_day(form.text("until"))
            keep_mute(tx, site, name, form.text("ref"), until)
            is_over = until <= site.now()
            return (
                f"{form.text('ref')} is heard again."
                if is_over
                else f"{form.text('ref')} is muted until {until:%d %b %Y}."
            )
        case _:
            raise Refusal(400, "Choose what to do with the subscription.")


def _act_on_endpoint(tx: Session, site: Site, name: str, form: Form) -> tuple[str, str]:
    """Do what was clicked and say it, with a new secret if there is one. Raises Refusal."""
    match form.text("do"):
        case "enable":
            change_endpoint(tx, site, name, {"enabled": True})
            return f"Endpoint {name} is told again, first what it is owed.", ""
        case "disable":
            change_endpoint(tx, site, name, {"enabled": False})
            return f"Endpoint {name} is told nothing; what it is owed waits.", ""
        case "test":
            return f"Test alert {owe_test(tx, site, name)} is due now.", ""
        case "rotate":
            return f"Endpoint {name} has a new secret; for a day the old one signs as well.", renew_secret(
                tx, site, name
            )
        case "missing":
            count = replay_since(tx, site, endpoint_id=name, since=None, is_missing=True)
            return f"{count} deliveries of endpoint {name} are due now.", ""
        case _:
            raise Refusal(400, "Choose what to do with the endpoint.")


def _read_day(word: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(word), time(), tzinfo=UTC)
    except ValueError:
        raise Refusal(400, f"{word!r} is no day; write one such as 2026-05-01.") from None


def _page(
    site: Site,
    *,
    status: int = 200,
    wish: Mapping[str, Any] | None = None,
    trial: Mapping[str, Any] | None = None,
    fault: Mapping[str, str] | None = None,
    done: str = "",
    secret: str = "",
) -> Response:
    with site.store.read() as tx:
        listing = read_listing(tx, site)
    empty = dict.fromkeys(_FIELDS, "") | dict.fromkeys(_TICKS, False)
    page = site.render(
        "subscriptions.html",
        status=status,
        here="subscriptions",
        listing=listing,
        wish=wish or empty,
        trial=trial,
        fault=fault,
        done=done,
        secret=secret,
        is_open=site.has_operator,
        cadences=list(Cadence),
        days=DAYS_TRIED,
    )
    page.headers.update(NOT_KEPT)
    return page
