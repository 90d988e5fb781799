"""Keeps hubs pushing: asks those that feeds offer, renews leases, and says which sources may be asked less often."""

import asyncio
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from core.values import SourceId
from core.websub import (
    CALM_INTERVAL,
    RENEW_BEFORE,
    HubOffer,
    HubSubscription,
    is_pushing,
    needs_asking,
)
from crawler.fetch import Gateway
from crawler.websub import ask_hub
from store.engine import Store
from store.sources import find_source
from store.websub import (
    ending_hub_subscriptions,
    hub_subscription_of,
    live_hub_subscriptions,
    note_asking,
    note_refusal,
)

logger = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Hubs:
    """`callback_base` is the address hubs reach us at, without a slash at its end."""

    store: Store
    gateway: Gateway
    callback_base: str
    now: Callable[[], datetime]
    _pushing: frozenset[str] = field(default=frozenset())

    async def attend(self, source_id: SourceId, offer: HubOffer) -> None:
        """Ask the hub a feed offers, unless it was asked already and the answer still holds."""
        wanted = await asyncio.to_thread(self._note_asking, source_id, offer)
        if wanted is None:
            return
        callback = f"{self.callback_base}/websub/{wanted.subscription_id}"
        error = await ask_hub(wanted, callback=callback, gateway=self.gateway)
        if error:
            logger.info("source %s: %s", source_id, error)
            if wanted.lease_until is None:
                await asyncio.to_thread(self._note_refusal, wanted.subscription_id, error)

    async def renew(self) -> None:
        """Ask again where a lease ends soon, and learn which sources are pushed."""
        for one in await asyncio.to_thread(self._review):
            await self.attend(SourceId(one.source_id), HubOffer(hub=one.hub, topic=one.topic))

    def calm(self, source_id: SourceId, next_check_at: datetime) -> datetime:
        """Put the next check off while pushes arrive."""
        return max(next_check_at, self.now() + CALM_INTERVAL) if source_id in self._pushing else next_check_at

    def _note_asking(self, source_id: SourceId, offer: HubOffer) -> HubSubscription | None:
        now = self.now()
        with self.store.read() as tx:
            if not needs_asking(hub_subscription_of(tx, source_id), offer, now=now):
                return None
        with self.store.write() as tx:
            return note_asking(
                tx,
                source_id,
                offer,
                subscription_id=secrets.token_urlsafe(16),
                secret=secrets.token_urlsafe(32),
                now=now,
            )

    def _note_refusal(self, subscription_id: str, error: str) -> None:
        with self.store.write() as tx:
            note_refusal(tx, subscription_id, error)

    def _review(self) -> list[HubSubscription]:
        now = self.now()
        with self.store.read() as tx:
            self._pushing = frozenset(
                one.source_id for one in live_hub_subscriptions(tx, now=now) if is_pushing(one, now=now)
            )
            ending = ending_hub_subscriptions(tx, now=now, within=RENEW_BEFORE)
            found = [(one, find_source(tx, SourceId(one.source_id))) for one in ending]
        return [one for one, known in found if known is not None and known[0].enabled]
