"""The pages behind the links of mails, and the form that asks for alerts. Only these change what the database holds.

A GET only shows what the POST of the same address would do: mail programs and scanners open every link they see.
"""

import secrets
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import assert_never
from urllib.parse import parse_qs

from fastapi import APIRouter, BackgroundTasks, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from core.links import CONFIRM_WITHIN, Link, LinkAction, LinkError, read_token, write_link
from core.mail import MailError, check_address
from core.values import (
    Delivery,
    DeliveryId,
    DeliveryState,
    EndpointId,
    EventType,
    FilmId,
    StoryId,
    Subscription,
    SubscriptionId,
)
from core.webhooks import build_request_payload
from store.engine import Session
from store.films import all_topics
from store.links import (
    Doubt,
    add_doubt,
    ask_to_confirm,
    choose_digest,
    confirm,
    endpoint_of_address,
    link_key,
    mute,
    name_ref,
)
from store.subscriptions import find_subscription, unsubscribe
from web.limits import Allowance
from web.site import Site

_MAX_FORM_BYTES = 4_096
_REQUESTS_PER_ADDRESS = 3
_DAY = timedelta(days=1)
_ASKED = (
    "If this address can get mail, a message with a link is on its way. Nothing else is sent before that link is used."
)
_NO_STORE = {"cache-control": "no-store", "x-robots-tag": "noindex"}


def letter_routes(site: Site) -> APIRouter:
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    key = cache(lambda: link_key(site.store))
    _add_link_routes(router, site, key)
    _add_form_routes(router, site, key)
    return router


def _add_link_routes(router: APIRouter, site: Site, key: Callable[[], bytes]) -> None:
    def read(token: str) -> Link:
        try:
            return read_token(token, key=key(), now=site.now())
        except LinkError as error:
            raise HTTPException(404, str(error)) from None

    @router.get("/u/{token}")
    def show_link(token: str) -> Response:
        link = read(token)
        with site.store.read() as tx:
            title, sentence, button = _describe(tx, link)
        return _page(site, title=title, sentence=sentence, button=button)

    @router.post("/u/{token}")
    def follow_link(token: str) -> Response:
        link = read(token)
        with site.store.write() as tx:
            title, sentence = _act(tx, link, site)
        return _page(site, title=title, sentence=sentence)


def _page(site: Site, *, title: str, sentence: str, button: str = "") -> Response:
    page = site.render("link.html", title=title, sentence=sentence, button=button)
    page.headers.update(_NO_STORE)
    return page


def _describe(tx: Session, link: Link) -> tuple[str, str, str]:
    """Return title, sentence and button of the page that asks before anything happens."""
    named = _say_subscription(_subscription(tx, link))
    about = name_ref(tx, link.ref) or link.ref
    match link.action:
        case LinkAction.UNSUBSCRIBE:
            return "Unsubscribe", f"Stop all alerts of {named} to this address?", "Unsubscribe"
        case LinkAction.MUTE:
            return f"Mute {about}", f"No alerts on {about} for 90 days from {named}?", "Mute"
        case LinkAction.DIGEST:
            return "A digest instead", f"Get {named} as one daily digest instead of single alerts?", "Choose the digest"
        case LinkAction.WRONG_FILM:
            return "Wrong film", f"Tell us that this story is not about {about}?", "It is the wrong film"
        case LinkAction.CONFIRM:
            return "Confirm", f"Send alerts on “{about}” to this address?", "Yes, send them"
        case _:
            assert_never(link.action)


def _subscription(tx: Session, link: Link) -> Subscription | None:
    return find_subscription(tx, SubscriptionId(link.subscription_id)) if link.subscription_id else None


def _say_subscription(subscription: Subscription | None) -> str:
    return f"“{subscription.name}”" if subscription else "this subscription"


def _act(tx: Session, link: Link, site: Site) -> tuple[str, str]:
    """Do what the link says and return title and sentence of the page after it; doing it twice changes nothing."""
    now = site.now()
    subscription_id, endpoint_id = SubscriptionId(link.subscription_id), EndpointId(link.endpoint_id)
    named = _say_subscription(_subscription(tx, link))
    about = name_ref(tx, link.ref) or link.ref
    match link.action:
        case LinkAction.UNSUBSCRIBE:
            unsubscribe(tx, subscription_id, endpoint_id, now=now)
            return "Unsubscribed", f"No more alerts of {named} come to this address."
        case LinkAction.MUTE:
            mute(tx, subscription_id, link.ref, now=now)
            return "Muted", f"No alerts on {about} for 90 days."
        case LinkAction.DIGEST:
            choose_digest(tx, subscription_id, now=now)
            return "Digest chosen", f"From now on {named} comes as one daily digest."
        case LinkAction.WRONG_FILM:
            film_id, story_id = FilmId(link.ref.partition(":")[2]), StoryId(link.story_id)
            add_doubt(tx, Doubt(story_id=story_id, film_id=film_id, endpoint_id=endpoint_id, doubted_at=now))
            return "Thank you", "Somebody will look at why this story was taken for one about the film."
        case LinkAction.CONFIRM:
            begun = confirm(tx, endpoint_id, link.ref, now=now)
            if begun is None:
                return "Not possible any more", "What was asked for is no longer in the catalogue."
            return "Confirmed", f"Alerts on “{begun.name}” come to this address from now on."
        case _:
            assert_never(link.action)


def _add_form_routes(router: APIRouter, site: Site, key: Callable[[], bytes]) -> None:
    by_client = Allowance(most=10, per=timedelta(minutes=10))
    by_all = Allowance(most=300, per=timedelta(hours=1))

    @router.get("/subscribe")
    def show_form() -> Response:
        with site.store.read() as tx:
            topics = all_topics(tx)
        page = site.render("subscribe.html", topics=topics)
        page.headers.update(_NO_STORE)
        return page

    @router.post("/subscribe")
    async def take_form(request: Request, background: BackgroundTasks) -> Response:
        client = request.client.host if request.client else ""
        now = site.now()
        if not (by_client.take(client, now=now) and by_all.take("", now=now)):
            raise HTTPException(429, "That was asked too often; please try again in an hour.", {"retry-after": "3600"})
        address, ref = await _read_form(request)
        # After the answer, so that its time says nothing of what we know about the address.
        background.add_task(_ask, site, key, address, ref)
        return _page(site, title="Please look into your mail", sentence=_ASKED)


async def _read_form(request: Request) -> tuple[str, str]:
    """Read address and wish; the answer to a malformed one depends on nothing but the form itself."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_FORM_BYTES:
            raise HTTPException(413, "That is too long for a mail address.")
    fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10)
    film, topic = (fields.get(name, [""])[0].strip() for name in ("film", "topic"))
    try:
        address = check_address(fields.get("email", [""])[0].strip())
    except MailError:
        raise HTTPException(400, "That is no mail address; write one such as you@example.org.") from None
    return address, f"film:{film}" if film else f"topic:{topic}" if topic else ""


def _ask(site: Site, key: Callable[[], bytes], address: str, ref: str) -> None:
    """Owe the mail that asks for a confirmation, whoever the address belongs to."""
    now, signing = site.now(), key()
    with site.store.write() as tx:
        name = name_ref(tx, ref)
        if name is None:
            return
        endpoint = endpoint_of_address(tx, address, now=now)
        link = Link(
            action=LinkAction.CONFIRM,
            endpoint_id=endpoint.endpoint_id,
            ref=ref,
            expires_at=now + CONFIRM_WITHIN,
        )
        url = write_link(link, key=signing, base_url=site.settings.base_url)
        request = Delivery(
            delivery_id=DeliveryId(f"msg_{secrets.token_hex(16)}"),
            endpoint=endpoint,
            event=EventType.SUBSCRIPTION_REQUESTED,
            story_id=None,
            payload=build_request_payload(at=now, name=name, url=url),
            state=DeliveryState.PENDING,
            attempt_count=0,
            created_at=now,
            next_attempt_at=now,
        )
        ask_to_confirm(tx, request, since=now - _DAY, most=_REQUESTS_PER_ADDRESS)
