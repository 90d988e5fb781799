"""Asks a hub to push a feed to us (w3.org/TR/websub 5.1); the hub calls back to say yes."""

from core.websub import LEASE, HubSubscription
from crawler.fetch import FetchError, Gateway


async def ask_hub(wanted: HubSubscription, *, callback: str, gateway: Gateway) -> str:
    """Ask once; one sentence when the hub does not take it, empty when its answer is on the way."""
    fields = {
        "hub.mode": "subscribe",
        "hub.topic": wanted.topic,
        "hub.callback": callback,
        "hub.secret": wanted.secret,
        "hub.lease_seconds": str(int(LEASE.total_seconds())),
    }
    try:
        status = await gateway.post_form(wanted.hub, fields)
    except FetchError as error:
        return f"{error}; it is asked again tomorrow"
    return (
        "" if 200 <= status < 300 else f"HTTP {status}: {wanted.hub} takes no subscription; it is asked again tomorrow"
    )
