"""Chooses the sender of a delivery by the kind of its endpoint."""

from datetime import datetime
from typing import Protocol, assert_never

from core.values import Delivery, EndpointKind, Outcome


class Sender(Protocol):
    """Makes one attempt at one delivery; every trouble is an outcome."""

    async def send(self, delivery: Delivery, *, now: datetime) -> Outcome: ...


class Notifier:
    """Tells the world: one sender for each kind of endpoint, opened and closed by whoever made them."""

    def __init__(self, *, webhook: Sender, mail: Sender) -> None:
        self._webhook = webhook
        self._mail = mail

    async def send(self, delivery: Delivery, *, now: datetime) -> Outcome:
        return await self._choose(delivery.endpoint.kind).send(delivery, now=now)

    def _choose(self, kind: EndpointKind) -> Sender:
        match kind:
            case EndpointKind.WEBHOOK:
                return self._webhook
            case EndpointKind.EMAIL:
                return self._mail
            case _:
                assert_never(kind)
