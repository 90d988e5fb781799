"""`/websub/ID`: where hubs ask whether we meant it, and push what is new (w3.org/TR/websub 5.3 and 7)."""

from collections.abc import Sequence
from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response
from starlette.concurrency import run_in_threadpool

from core.habits import is_flood
from core.parsing.feeds import parse_feed
from core.storms import find_republished, text_key
from core.values import ParsedEntry, Source, SourceId, SourceState
from core.websub import HubSubscription, grant_lease, is_genuine
from store.engine import Session
from store.entries import Haul, add_hauls, known_texts, leave_known
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
            if count := _take_in(tx, source, state, parsed.entries, now=now):
                count_push(tx, source.source_id, count, now=now)


def _take_in(tx: Session, source: Source, state: SourceState, items: Sequence[ParsedEntry], *, now: datetime) -> int:
    """Store what is new and say how much; archives that come again and renamed entries are backlog, as in a visit."""
    [fresh] = leave_known(tx, [(source.source_id, items)], now=now)
    is_first = state.first_contact_at is None
    is_doubtful = is_flood(state, len(fresh), now=now)
    keys = {item.guid: text_key(source.publisher.slug, item.title, item.summary) for item in fresh}
    old = find_republished(keys, known_texts(tx, {key for key in keys.values() if key}))
    undated = [item for item in fresh if is_doubtful and not item.published_at]
    news = [item for item in fresh if not is_doubtful or item.published_at]
    hauls = [
        Haul(source=source, items=news, is_backlog=is_first, old_guids={} if is_first else old),
        Haul(source=source, items=undated, is_backlog=True),
    ]
    add_hauls(tx, hauls, now=now)
    return len(fresh)


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
