"""`/websub/ID`: where hubs ask whether we meant it, and push what is new (w3.org/TR/websub 5.3 and 7)."""

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response
from starlette.concurrency import run_in_threadpool

from core.parsing.feeds import parse_feed
from core.values import SourceId
from core.websub import HubSubscription, grant_lease, is_genuine
from store.entries import leave_known
from store.intake import sort_out, take_in
from store.sources import count_push, find_source
from store.websub import find_hub_subscription, note_lease, note_push, note_refusal
from web.site import Site

_MAX_CHALLENGE_CHARS = 2_000


def websub_routes(site: Site) -> APIRouter:
    router = APIRouter(prefix="/websub", include_in_schema=False)

    @router.get("/{subscription_id}")
    def verify_intent(request: Request, subscription_id: str) -> Response:
        wish = {name.removeprefix("hub."): value for name, value in request.query_params.items()}
        return answer_hub(site, subscription_id, wish)

    @router.post("/{subscription_id}")
    async def take_push(request: Request, subscription_id: str) -> Response:
        body = await read_capped(request, site.settings.fetch_max_bytes)
        if body is None:
            return PlainTextResponse("too large\n", status_code=413)
        signature = request.headers.get("x-hub-signature", "")
        kind = request.headers.get("content-type", "")
        return await run_in_threadpool(keep_push, site, subscription_id, body, signature, kind)

    return router


def answer_hub(site: Site, subscription_id: str, wish: dict[str, str]) -> Response:
    """Say yes to what we asked for and to nothing else; a denial is kept as the reason."""
    with site.store.write() as tx:
        known = find_hub_subscription(tx, subscription_id)
        if known is None or wish.get("topic") != known.topic:
            return _refuse()
        if wish.get("mode") == "denied":
            note_refusal(tx, subscription_id, f"{known.hub} denies it: {wish.get('reason') or 'no reason given'}")
            return PlainTextResponse("noted\n")
        challenge = wish.get("challenge", "")
        if wish.get("mode") != "subscribe" or not 0 < len(challenge) <= _MAX_CHALLENGE_CHARS:
            return _refuse()
        note_lease(tx, subscription_id, grant_lease(wish.get("lease_seconds", ""), now=site.now()))
    return PlainTextResponse(challenge)


def keep_push(site: Site, subscription_id: str, body: bytes, signature: str, content_type: str) -> Response:
    """Store the new entries of a genuine push. A forged one gets the same thanks and is thrown away (WebSub 8.2)."""
    with site.store.read() as tx:
        known = find_hub_subscription(tx, subscription_id)
    if known is None:
        return PlainTextResponse("not wanted any more\n", status_code=410)
    if is_genuine(body, signature=signature, secret=known.secret):
        _store_push(site, known, body, content_type)
    return PlainTextResponse("thanks\n", status_code=202)


def _store_push(site: Site, known: HubSubscription, body: bytes, content_type: str) -> None:
    now = site.now()
    parsed = parse_feed(body, url=known.topic, content_type=content_type, now=now)
    with site.store.write() as tx:
        note_push(tx, known.subscription_id, now=now)
        found = find_source(tx, SourceId(known.source_id))
        if found is not None and found[0].enabled and parsed.entries:
            source, state = found
            [fresh] = leave_known(tx, [(source.source_id, parsed.entries)], now=now)
            count = sum(take_in(tx, list(sort_out(source, state, fresh, now=now)), now=now))
            if count:
                count_push(tx, source.source_id, count, now=now)


async def read_capped(request: Request, limit: int) -> bytes | None:
    """Read a body of at most `limit` bytes; None for a larger one, whatever length it claims."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            return None
    return bytes(body)


def _refuse() -> Response:
    return PlainTextResponse("we did not ask for that\n", status_code=404)
